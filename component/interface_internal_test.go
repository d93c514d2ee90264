package component

import (
	"strings"
	"testing"
)

type spelled struct{}

func (spelled) Abcdefghijklmnopqrstuvw() {}

// Names that differ in hyphens only are one method's, and a component may use all of them. A linker, which outlives the
// component, does not keep them.
func TestNamesOfAMethod(t *testing.T) {
	g, err := newInterface(spelled{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const word = "abcdefghijklmnopqrstuvw"
	for i := range 3 * mostMade {
		var name strings.Builder
		for j := range len(word) {
			if i>>j&1 == 1 {
				name.WriteByte('-')
			}
			name.WriteByte(word[j])
		}
		if fn, err := g.function(name.String()); fn == nil || err != nil {
			t.Fatalf("%s: %v", &name, err)
		}
	}
	if fn, err := g.function(word + strings.Repeat("-", longestMade)); fn == nil || err != nil {
		t.Fatal(err)
	}
	for name := range g.made {
		if len(name) > longestMade {
			t.Errorf("a name of %d bytes is kept", len(name))
		}
	}
	if len(g.made) > mostMade {
		t.Errorf("%d functions are kept", len(g.made))
	}
}
