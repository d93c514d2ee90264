// Package near finds which of the known names may have been meant by one that is not known.
package near

import (
	"slices"
	"strings"
)

const (
	most    = 4      // names that are of use to a reader
	longest = 128    // bytes of a name that is compared: time grows with the product of two lengths
	looked  = 10_000 // how many names are looked at
)

// Names returns up to four of the known names that are like a name, the most similar first: those that differ by a few
// characters, or in their case, or contain it. Names of more than 128 bytes are like no other, and it looks at ten
// thousand of those that are known at most, so it may be asked about names that a guest has chosen.
func Names(name string, known []string) []string {
	if len(name) > longest {
		return nil
	}
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	bare := strings.TrimLeft(name, "-")
	for _, k := range known[:min(len(known), looked)] {
		if len(k) > longest {
			continue
		}
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if len(bare) >= 3 && strings.Contains(k, bare) {
			d = min(d, 2)
		}
		if d <= max(2, len(name)/4) && d < max(len(name), len(k)) {
			near = append(near, candidate{k, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.far - b.far })
	var names []string
	for _, c := range near[:min(len(near), most)] {
		names = append(names, c.name)
	}
	return names
}

// distance is the least number of characters to insert, remove or change that makes a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
