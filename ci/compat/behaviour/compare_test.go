package behaviour

import (
	"regexp"
	"slices"
	"testing"
)

// TestCompare holds the comparison to what it is for: a difference that is not
// listed is found, and one that is listed must be the one that was meant.
func TestCompare(t *testing.T) {
	then := []fact{{"same", "1"}, {"gone", "2"}, {"end", "end"}}
	now := []fact{{"same", "1"}, {"new", "3"}, {"end", "hangs"}}
	if got := compare("no/such-case", then, now, map[int]bool{}); len(got) != 3 {
		t.Errorf("found %d differences, want 3: %q", len(got), got)
	}
	if got := compare("no/such-case", then, then, map[int]bool{}); got != nil {
		t.Errorf("a program differs from itself: %q", got)
	}
	i := slices.IndexFunc(differences, func(d difference) bool { return d.name == "fuel/kinds" })
	listed := []fact{{"fill used", `"1005"`}}
	other := []fact{{"fill used", `"7"`}}
	used := map[int]bool{}
	if got := compare("fuel/kinds", []fact{{"fill used", `"5"`}}, listed, used); got != nil || !used[i] {
		t.Errorf("a listed difference is reported, or its entry is not counted as used: %q", got)
	}
	if got := compare("fuel/kinds", []fact{{"fill used", `"5"`}}, other, map[int]bool{}); len(got) != 1 {
		t.Errorf("a listed difference may be anything: %q", got)
	}
}

// TestTable checks that every entry can be read and says why it is there.
func TestTable(t *testing.T) {
	for _, d := range differences {
		if d.why == "" || d.ours == "" {
			t.Errorf("the entry for %q, %q lacks its reason or its pattern", d.name, d.key)
		}
		if _, err := regexp.Compile(d.ours); err != nil {
			t.Error(err)
		}
		d.matches("", "") // panics for a bad pattern
	}
}
