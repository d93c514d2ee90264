package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// An excuse is why a row misses its target. README.md says so, too, in the words that stand here.
type excuse struct {
	why  string
	most float64 // the row fails beyond this value, or below it if the target is a least one
}

// margin is by how much an excused row has to be better than its target before the excuse counts as outlived. A
// machine's moods are smaller.
const margin = 0.1

// accepts tells whether an excuse still covers the value.
func (t *target) accepts(value float64) bool {
	if t.excuse == nil || math.IsNaN(value) {
		return false
	}
	if t.atLeast {
		return value >= t.excuse.most
	}
	return value <= t.excuse.most
}

// outlived tells whether a row has an excuse that it does not need any more.
func (t *target) outlived(value float64) bool {
	if t.excuse == nil {
		return false
	}
	if t.atLeast {
		return value >= t.limit*(1+margin)
	}
	return value <= t.limit*(1-margin)
}

// checkRows finds mistakes in the table of rows: names that are not unique, targets without a sense, and excuses that
// excuse nothing, everything, or without a word.
func checkRows(rows []row) error {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.work == "" || seen[r.work] {
			return fmt.Errorf("there are two rows `%s`, or it has no name", r.work)
		}
		seen[r.work] = true
		if r.bench[ours] == "" {
			return fmt.Errorf("row `%s` has no benchmark of this module", r.work)
		}
		t := r.target
		if t == nil {
			continue
		}
		if !(t.limit > 0) || math.IsInf(t.limit, 0) || t.value == nil || t.text == "" {
			return fmt.Errorf("the target of row `%s` has no text, no value, or a limit that is no positive number: %v", r.work, t.limit)
		}
		for _, p := range t.needs {
			if r.bench[p] == "" {
				return fmt.Errorf("the target of row `%s` needs a peer that has no benchmark there", r.work)
			}
		}
		if t.excuse == nil {
			continue
		}
		most := t.excuse.most
		switch {
		case strings.TrimSpace(t.excuse.why) == "":
			return fmt.Errorf("row `%s` is excused without a reason", r.work)
		case !(most > 0) || math.IsInf(most, 0):
			return fmt.Errorf("row `%s` is excused without a bound: %v", r.work, most)
		case t.reached(most):
			return fmt.Errorf("the excuse of row `%s` is bounded by %v, which would reach the target %v", r.work, most, t.limit)
		}
	}
	return nil
}

// excuses is the list of all excused rows in Markdown, those with one reason together, in the order of the table.
func excuses(rows []row) string {
	var reasons []string
	excused := map[string][]string{}
	for _, r := range rows {
		if r.target == nil || r.target.excuse == nil {
			continue
		}
		e := r.target.excuse
		if !slices.Contains(reasons, e.why) {
			reasons = append(reasons, e.why)
		}
		bound := "at most"
		if r.target.atLeast {
			bound = "at least"
		}
		excused[e.why] = append(excused[e.why], fmt.Sprintf("%s (%s %v)", r.work, bound, e.most))
	}
	if reasons == nil {
		return "None does.\n"
	}
	var b strings.Builder
	for _, why := range reasons {
		b.WriteString(wrap("- **"+strings.Join(excused[why], "; ")+"**: "+why, "  "))
	}
	return b.String()
}

// lineWidth is how many columns a line of README.md may have.
const lineWidth = 120

// wrap breaks a text into lines between its words; all but the first begin with indent.
func wrap(text, indent string) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > lineWidth:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}
