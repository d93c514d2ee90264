package main

import (
	"slices"
	"strings"
)

// suggest returns the end of a sentence that names what may have been meant; "" if nothing is near.
func suggest(name string, known []string) string {
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	for _, k := range known {
		d := distance(name, k)
		bare := strings.TrimLeft(name, "-")
		if len(bare) >= 3 && strings.Contains(k, bare) {
			d = min(d, 2)
		}
		if d <= max(2, len(name)/4) {
			near = append(near, candidate{k, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.far - b.far })
	if len(near) == 0 {
		return ""
	}
	var names []string
	for _, c := range near[:min(len(near), 4)] {
		names = append(names, c.name)
	}
	return "; near it: " + strings.Join(names, ", ")
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
