package component

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/canon"
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

// A component may import any number of functions that nobody has defined, and name them so that each has a hint of its
// own: what is kept of them, and the error, do not grow with them, and neither does what one more of them takes.
func TestManyMissingImports(t *testing.T) {
	const n = 200_000
	items := make([]canon.Named, n)
	for i := range items {
		items[i] = canon.Named{Name: fmt.Sprintf("f%d", i), Item: canon.Item{Func: canon.FuncType(false, nil, nil)}}
	}
	d := &canon.Component{Imports: []canon.Named{{Name: "h", Item: canon.Item{Kind: canon.InstanceItem, Items: items}}}}
	g, err := newInterface(spelled{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	root := &LinkerInstance{linker: &Linker{}}
	root.items.set("h", definition{instance: &LinkerInstance{interfaces: []*goInterface{g}}})
	l := newLinking(&Component{}, d, root)
	err = l.all()
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), fmt.Sprintf("and %d more", n-mostProblems)) {
		t.Errorf("%.1000s", err)
	}
	if l.bad != n || len(l.problems) != mostProblems || len(l.causes) != 1 || len(err.Error()) > 4096 {
		t.Errorf("%d bad imports, %d problems, %d causes, %d bytes", l.bad, len(l.problems), len(l.causes), len(err.Error()))
	}
}
