package component

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// goInterface is a Go value whose methods are the functions of an interface.
type goInterface struct {
	impl      reflect.Value
	resources []ResourceType

	mu sync.Mutex
	// made are functions that have been asked for, by their names in WIT. Any number of names can stand for one method,
	// and a component chooses: so there are not more of them than mostMade.
	made map[string]*goFunc
}

// The linker keeps so many functions of a Go value, and only those whose names have so many bytes.
const (
	mostMade    = 1024
	longestMade = 128
)

func newInterface(impl any, resources []ResourceType) (*goInterface, error) {
	g := &goInterface{impl: reflect.ValueOf(impl), resources: resources, made: map[string]*goFunc{}}
	if impl == nil || g.impl.Kind() == reflect.Pointer && g.impl.IsNil() {
		return nil, isNil("Go value for an interface")
	}
	if g.impl.NumMethod() == 0 && len(resources) == 0 {
		return nil, fmt.Errorf("a %v has no exported methods to be functions of an interface", g.impl.Type())
	}
	for i, r := range resources {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("resource %d: %w", i+1, err)
		}
		if r.def.isGuests() {
			return nil, fmt.Errorf("resource %d is a guest's: LinkerInstance.Resource defines it", i+1)
		}
		for _, other := range resources[:i] {
			if r.name() == other.name() {
				return nil, fmt.Errorf("there are two resources with the name %s", r.name())
			}
		}
	}
	return g, nil
}

// resource returns the resource with a name of WIT, nil if there is none.
func (g *goInterface) resource(name string) *resourceDef {
	for _, r := range g.resources {
		if canon.SameName(r.name(), name) {
			return r.def
		}
	}
	return nil
}

// has tells whether there is a method for a function with a name of WIT.
func (g *goInterface) has(name string) bool {
	fn, err := g.function(name)
	return fn != nil || err != nil
}

// function returns the function with a name of WIT, nil if there is no method for it.
func (g *goInterface) function(name string) (*goFunc, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if fn := g.made[name]; fn != nil {
		return fn, nil
	}
	fn, err := g.find(name)
	if err == nil && fn != nil && len(name) <= longestMade {
		if len(g.made) >= mostMade {
			clear(g.made)
		}
		g.made[name] = fn
	}
	return fn, err
}

func (g *goInterface) find(name string) (*goFunc, error) {
	role, rest, ok := strings.Cut(name, "]")
	if !ok {
		return g.method(name)
	}
	of, own, _ := strings.Cut(rest, ".")
	switch role {
	case "[constructor":
		return g.method("new-" + rest)
	case "[static":
		return g.method(of + "-" + own)
	case "[method":
		if def := g.resource(of); def != nil {
			return methodOf(def.goType, own)
		}
	}
	return nil, nil
}

// method returns the method of impl with a name of WIT.
func (g *goInterface) method(name string) (*goFunc, error) {
	m, err := methodNamed(g.impl.Type(), name)
	if m == nil || err != nil {
		return nil, err
	}
	return goFuncOf(g.impl.Method(m.Index), 0)
}

// hint says which method would be the function with a name of WIT, that there is not.
func (g *goInterface) hint(name string) string {
	of, method := g.impl.Type(), name
	if role, rest, ok := strings.Cut(name, "]"); ok {
		resource, own, _ := strings.Cut(rest, ".")
		switch role {
		case "[constructor":
			method = "new-" + rest
		case "[static":
			method = resource + "-" + own
		default:
			def := g.resource(resource)
			if def == nil {
				return ""
			}
			of, method = def.goType, own
		}
	}
	if of.Kind() != reflect.Pointer && of.Kind() != reflect.Interface {
		if m, _ := methodNamed(reflect.PointerTo(of), method); m != nil {
			return fmt.Sprintf("%s is a method of *%v: give a pointer", m.Name, of)
		}
	}
	return fmt.Sprintf("%v has no method %s", of, goName(method))
}

// resourceHint says which resources there are where another is missing.
func (g *goInterface) resourceHint() string {
	with := "was given with the " + g.impl.Type().String()
	if len(g.resources) == 0 {
		return "no ResourceOf " + with
	}
	var names []string
	for _, r := range g.resources {
		names = append(names, r.name())
	}
	return "no ResourceOf of that name " + with + ", but of " + someOf(names) + ": see ResourceType.Named"
}

// goName is the usual Go name for one of WIT: PriceOf for price-of.
func goName(wit string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(wit, "-") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return name.String()
}

// methodOf returns the method of a resource's Go type with a name of WIT: a function whose first parameter is the
// resource.
func methodOf(t reflect.Type, name string) (*goFunc, error) {
	m, err := methodNamed(t, name)
	if m == nil || err != nil {
		return nil, err
	}
	if t.Kind() != reflect.Interface {
		return goFuncOf(m.Func, 1)
	}
	in, out := []reflect.Type{t}, []reflect.Type{}
	for i := range m.Type.Ins() {
		in = append(in, i)
	}
	for o := range m.Type.Outs() {
		out = append(out, o)
	}
	call := func(in []reflect.Value) []reflect.Value { return in[0].Method(m.Index).Call(in[1:]) }
	r, err := reflectedOf(reflect.FuncOf(in, out, m.Type.IsVariadic()), 1, call)
	if err != nil {
		return nil, err
	}
	return r.goFunc(), nil
}

// methodNamed finds the method of a Go type that has a name of WIT; nil if there is none.
func methodNamed(t reflect.Type, name string) (*reflect.Method, error) {
	var found *reflect.Method
	for m := range t.Methods() {
		switch {
		case !m.IsExported() || !canon.SameName(m.Name, name):
		case found != nil:
			return nil, fmt.Errorf("both methods %s and %s of %v have the name %s in WIT", found.Name, m.Name, t, name)
		default:
			found = &m
		}
	}
	return found, nil
}
