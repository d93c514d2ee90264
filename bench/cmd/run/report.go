package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A result is a row with its figures: for each peer, one a round.
type result struct {
	row
	figures [typed + 1][]figure
}

// median is the middle of the times of a peer, in nanoseconds, or NaN when it was not measured.
func (r *result) median(p peer) float64 { return medianOf(r.figures[p]) }

func medianOf(figures []figure) float64 {
	var ns []float64
	for _, f := range figures {
		ns = append(ns, f.ns)
	}
	return median(ns)
}

// ratio is the median, over the rounds, of a value made from the times within a round, so that a busy moment of the
// machine, which slows all peers of that round, does not count.
func (r *result) ratio(value func(ns func(peer) float64) float64) float64 {
	var all []float64
	for round := range r.figures[ours] {
		all = append(all, value(func(p peer) float64 { return r.figures[p][round].ns }))
	}
	return median(all)
}

// has tells whether the peer was measured.
func (r *result) has(p peer) bool { return len(r.figures[p]) > 0 }

// value is what the target is compared with; false when a peer that it takes was not measured.
func (r *result) value() (value float64, measured bool) {
	if r.target == nil || slices.ContainsFunc(append([]peer{ours}, r.target.needs...), func(p peer) bool { return !r.has(p) }) {
		return 0, false
	}
	return r.ratio(r.target.value), true
}

// verdict is the text of the target's column: what was reached, and whether that is enough, or excused. Allocations
// are never excused.
func (r *result) verdict() (text string, ok bool) {
	t := r.target
	if t == nil {
		return "", true
	}
	value, measured := r.value()
	if !measured {
		return t.text, true
	}
	text = fmt.Sprintf("%s: %.2f", t.text, value)
	allocates := false
	if t.noAlloc {
		allocs := r.figures[ours][0].allocs
		if allocates = allocs > t.allocs; allocates {
			text += fmt.Sprintf(", %.0f allocs", allocs)
		}
	}
	switch {
	case allocates:
		return text + " ✗", false
	case t.reached(value):
		return text + " ✓", true
	case t.accepts(value):
		return text + " (✗)", true
	case t.excuse != nil:
		return fmt.Sprintf("%s ✗, excused up to %v", text, t.excuse.most), false
	}
	return text + " ✗", false
}

// outlived is what is to be said of excuses that the results show not to be needed any more.
func outlived(results []*result) string {
	var b strings.Builder
	for _, r := range results {
		if value, measured := r.value(); measured && r.target.outlived(value) {
			fmt.Fprintf(&b, "`%s` is excused, but reaches its target, %s: %.2f\n", r.work, r.target.text, value)
		}
	}
	return b.String()
}

// cell is the text of a peer's column: the median, and how many times ours that is.
func (r *result) cell(p peer) string {
	if !r.has(p) {
		return "–"
	}
	text := duration(r.median(p))
	if r.bytes > 0 {
		text = throughputText(float64(r.bytes) / r.median(p))
	}
	if p != ours && r.has(ours) {
		times := r.ratio(func(ns func(peer) float64) float64 { return ns(p) / ns(ours) })
		text += fmt.Sprintf(" (%s)", significant(times, 2))
	}
	return text
}

// table prints the results in Markdown, and tells whether all targets were reached, or missed for a
// reason.
func table(results []*result) (string, bool) {
	var b strings.Builder
	b.WriteString("| work |")
	for p := range peers {
		fmt.Fprintf(&b, " %s |", p.title())
	}
	b.WriteString(" target |\n|---|" + strings.Repeat("---:|", int(peers)) + "---|\n")
	all := true
	for _, r := range results {
		fmt.Fprintf(&b, "| %s |", r.work)
		for p := range peers {
			fmt.Fprintf(&b, " %s |", r.cell(p))
		}
		verdict, ok := r.verdict()
		all = all && ok
		fmt.Fprintf(&b, " %s |\n", verdict)
	}
	return b.String(), all
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return (v[mid-1] + v[mid]) / 2
}

// throughputText prints gigabytes a second with the unit that suits them.
func throughputText(rate float64) string {
	if rate < 1 {
		return fmt.Sprintf("%.0f MB/s", 1000*rate)
	}
	return fmt.Sprintf("%.1f GB/s", rate)
}

// duration prints nanoseconds with three digits and the unit that suits them.
func duration(ns float64) string {
	for _, u := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if ns >= u.ns {
			return significant(ns/u.ns, 3) + " " + u.name
		}
	}
	return significant(ns, 3) + " ns"
}

// significant prints a number with so many digits that count, never in exponents.
func significant(v float64, digits int) string {
	whole := int(math.Floor(math.Log10(math.Max(v, 1e-9)))) + 1
	return fmt.Sprintf("%.*f", max(0, min(digits-whole, digits)), v)
}
