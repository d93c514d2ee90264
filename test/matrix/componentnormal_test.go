//go:build linux

package matrix_test

// componentDifference is a difference that the adapter makes, or WASI 0.2.
type componentDifference struct {
	name   string
	reason string
	in     func(c *cell, g given) bool
	change func(c *cell, r *result)
}

var componentDifferences = []componentDifference{}

// expectOf is what a component is to find in a cell.
func (c *cell) expectOf(g given, oracle result) result {
	oracle = c.expect(oracle)
	for _, d := range componentDifferences {
		if d.in(c, g) {
			d.change(c, &oracle)
		}
	}
	return oracle
}

func (c *cell) matchesOf(g given, want, got result) bool { return c.matches(want, got) }
