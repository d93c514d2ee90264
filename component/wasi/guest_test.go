package wasi_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/witjson"
)

// wit is the WIT of the pinned wasmtime-wasi.
var wit = sync.OnceValue(func() *witjson.Resolve {
	text, err := os.ReadFile("../../internal/witgen/wasi-0.2.json")
	if err != nil {
		panic(err)
	}
	resolve, err := witjson.Parse(text)
	if err != nil {
		panic(err)
	}
	return resolve
})

// wasiInterfaces are all interfaces of WASI 0.2.
func wasiInterfaces() (all []*witjson.Interface) {
	for _, i := range wit().Interfaces {
		if strings.HasPrefix(i.Path(), "wasi:") {
			all = append(all, i)
		}
	}
	return all
}

// guest writes a component that imports functions of interfaces, and exports each of them again under a number: its
// core module calls what it imports.
type guest struct {
	version string
	// functions are what it imports, by the names of interfaces without a version, and of functions.
	functions map[string][]*witjson.Function
	// exports are the names of its exports, by interface#function.
	exports map[string]string

	// The module's imports come before its functions, whose bodies are written apart.
	imports, lowered, core, bodies, lifted strings.Builder

	done  map[*witjson.Interface]bool
	drops map[*witjson.Def]string
}

// guestOf makes a guest of functions, interface#function. Interfaces alone stand for all that is in them.
func guestOf(version string, names ...string) *guest {
	g := &guest{
		version: version, functions: map[string][]*witjson.Function{}, exports: map[string]string{},
		done: map[*witjson.Interface]bool{}, drops: map[*witjson.Def]string{},
	}
	for _, name := range names {
		path, function, one := strings.Cut(name, "#")
		i := wit().Find(path)
		if i == nil {
			panic("there is no " + path)
		}
		if _, there := g.functions[path]; !there {
			g.functions[path] = nil
		}
		for _, f := range i.Functions {
			if (!one || f.Name == function) && !slices.Contains(g.functions[path], f) {
				g.functions[path] = append(g.functions[path], f)
			}
		}
	}
	return g
}

// text is the component.
func (g *guest) text() string {
	for _, path := range slices.Sorted(maps.Keys(g.functions)) {
		g.iface(wit().Find(path))
	}
	return "(component\n" + g.imports.String() + `
(core module $memory
  (memory (export "memory") 200)
  (global $next (mut i32) (i32.const 4096))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (local $p i32)
    (local.set $p (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                           (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get $p) (local.get 3)))
    (local.get $p)))
(core instance $mem (instantiate $memory))
(alias core export $mem "memory" (core memory $m))
(alias core export $mem "realloc" (core func $realloc))
` + g.lowered.String() + "(core module $main\n  (import \"mem\" \"memory\" (memory 200))\n" + g.core.String() + g.bodies.String() + ")\n(core instance $i (instantiate $main " +
		g.host() + "))\n" + g.lifted.String() + ")"
}

// host is what the core module is instantiated with.
func (g *guest) host() string {
	var b strings.Builder
	b.WriteString(`(with "mem" (instance $mem)) (with "host" (instance`)
	for _, name := range slices.Sorted(maps.Values(g.exports)) {
		fmt.Fprintf(&b, ` (export "%s" (func $%s'))`, name, name)
	}
	for _, name := range slices.Sorted(maps.Values(g.drops)) {
		fmt.Fprintf(&b, ` (export "%s" (func $%s))`, name, name)
	}
	return b.String() + "))"
}

// iface imports an interface, after those whose types it uses.
func (g *guest) iface(i *witjson.Interface) {
	if g.done[i] {
		return
	}
	g.done[i] = true
	for _, used := range i.Uses() {
		g.iface(used)
	}
	fmt.Fprintf(&g.imports, "(import \"%s@%s\" (instance %s\n", i.Path(), g.version, id(i.Path()))
	for _, d := range i.Types {
		name := "$" + d.Name
		switch {
		case d.IsUse():
			fmt.Fprintf(&g.imports, "  (alias outer 1 %s (type %s'))\n", outer(d), name)
			fmt.Fprintf(&g.imports, "  (export \"%s\" (type %s (eq %s')))\n", d.Name, name, name)
		case d.Kind == witjson.Resource:
			fmt.Fprintf(&g.imports, "  (export \"%s\" (type %s (sub resource)))\n", d.Name, name)
		default:
			fmt.Fprintf(&g.imports, "  (type %s' %s)\n", name, definition(d, inside))
			fmt.Fprintf(&g.imports, "  (export \"%s\" (type %s (eq %s')))\n", d.Name, name, name)
		}
	}
	for _, f := range g.functions[i.Path()] {
		fmt.Fprintf(&g.imports, "  (export \"%s\" (func %s))\n", f.Name, signature(f, inside))
	}
	g.imports.WriteString("))\n")
	for _, d := range i.Types {
		if !d.IsUse() {
			fmt.Fprintf(&g.imports, "(alias export %s \"%s\" (type %s))\n", id(i.Path()), d.Name, outer(d))
		}
	}
	for _, f := range g.functions[i.Path()] {
		g.function(i, f)
	}
}

// function imports, lowers, calls and lifts a function.
func (g *guest) function(i *witjson.Interface, f *witjson.Function) {
	name := fmt.Sprintf("f%d", len(g.exports))
	g.exports[i.Path()+"#"+f.Name] = name
	fmt.Fprintf(&g.imports, "(alias export %s \"%s\" (func $%s))\n", id(i.Path()), f.Name, name)
	fmt.Fprintf(&g.lowered, "(core func $%s' (canon lower (func $%s) (memory $m) (realloc $realloc)))\n", name, name)

	var params, results []string
	for _, p := range f.Params {
		params = append(params, flat(p.Type)...)
	}
	if f.Result != nil {
		results = flat(f.Result)
	}
	if len(params) > 16 {
		panic(f.Name + " has too many parameters")
	}
	list := func(kind string, types []string) string {
		if len(types) == 0 {
			return ""
		}
		return "(" + kind + " " + strings.Join(types, " ") + ")"
	}
	inMemory := len(results) > 1
	importParams := params
	returned := results
	if inMemory {
		importParams = append(slices.Clone(params), "i32")
		returned = []string{"i32"}
	}
	importResults := results
	if inMemory {
		importResults = nil
	}
	fmt.Fprintf(&g.core, "  (import \"host\" \"%s\" (func $%s %s %s))\n", name, name, list("param", importParams), list("result", importResults))
	var body strings.Builder
	for n := range params {
		fmt.Fprintf(&body, " (local.get %d)", n)
	}
	if inMemory {
		body.WriteString(" (i32.const 64)")
	}
	fmt.Fprintf(&body, " call $%s", name)
	at := 0
	for _, p := range f.Params {
		if d := p.Type.Def; d != nil && d.Kind == witjson.Borrow {
			fmt.Fprintf(&body, " (call $%s (local.get %d))", g.drop(d.Resource.Origin()), at)
		} else if d != nil && d.Kind == witjson.List && d.Elem.Def != nil && d.Elem.Def.Kind == witjson.Borrow {
			fmt.Fprintf(&body, ` (loop $more (if (local.get %d) (then
      (call $%s (i32.load (local.get %d)))
      (local.set %d (i32.add (local.get %d) (i32.const 4)))
      (local.set %d (i32.sub (local.get %d) (i32.const 1)))
      (br $more))))`, at+1, g.drop(d.Elem.Def.Resource.Origin()), at, at, at, at+1, at+1)
		}
		at += len(flat(p.Type))
	}
	if inMemory {
		body.WriteString(" (i32.const 64)")
	}
	fmt.Fprintf(&g.bodies, "  (func (export \"%s\") %s %s%s)\n", name, list("param", params), list("result", returned), body.String())
	fmt.Fprintf(&g.lifted, "(func (export \"%s\") %s (canon lift (core func $i \"%s\") (memory $m) (realloc $realloc)))\n",
		name, signature(f, outside), name)
}

// drop is the function that drops handles of a resource.
func (g *guest) drop(r *witjson.Def) string {
	if name := g.drops[r]; name != "" {
		return name
	}
	name := fmt.Sprintf("drop%d", len(g.drops))
	g.drops[r] = name
	fmt.Fprintf(&g.lowered, "(core func $%s (canon resource.drop %s))\n", name, outer(r))
	fmt.Fprintf(&g.core, "  (import \"host\" \"%s\" (func $%s (param i32)))\n", name, name)
	return name
}

// id is the name of an instance in the text.
func id(path string) string { return "$" + strings.NewReplacer(":", "-", "/", "-").Replace(path) }

// outer is the name of a type outside of instances.
func outer(d *witjson.Def) string {
	d = d.Origin()
	return id(d.Owner.Path()) + "." + d.Name
}

// inside and outside are how types are named: in the instance that has them, and in the component.
func inside(d *witjson.Def) string  { return "$" + d.Name }
func outside(d *witjson.Def) string { return outer(d) }

type naming = func(*witjson.Def) string

func signature(f *witjson.Function, names naming) string {
	var b strings.Builder
	for _, p := range f.Params {
		fmt.Fprintf(&b, "(param \"%s\" %s) ", p.Name, typ(p.Type, names))
	}
	if f.Result != nil {
		fmt.Fprintf(&b, "(result %s)", typ(f.Result, names))
	}
	return b.String()
}

// typ is the use of a type.
func typ(t *witjson.Type, names naming) string {
	switch {
	case t.Def == nil:
		return t.Primitive
	case t.Def.Name != "":
		return names(t.Def)
	}
	return definition(t.Def, names)
}

// definition is a type without a name.
func definition(d *witjson.Def, names naming) string {
	var b strings.Builder
	switch d.Kind {
	case witjson.Own, witjson.Borrow:
		return fmt.Sprintf("(%s %s)", d.Kind, names(d.Resource))
	case witjson.Alias:
		return typ(d.Elem, names)
	case witjson.Result:
		b.WriteString("(result")
		if d.Elem != nil {
			b.WriteString(" " + typ(d.Elem, names))
		}
		if d.Other != nil {
			b.WriteString(" (error " + typ(d.Other, names) + ")")
		}
		return b.String() + ")"
	case witjson.List, witjson.Option:
		return fmt.Sprintf("(%s %s)", d.Kind, typ(d.Elem, names))
	}
	fmt.Fprintf(&b, "(%s", d.Kind)
	for _, f := range d.Fields {
		switch d.Kind {
		case witjson.Record:
			fmt.Fprintf(&b, " (field \"%s\" %s)", f.Name, typ(f.Type, names))
		case witjson.Tuple:
			b.WriteString(" " + typ(f.Type, names))
		case witjson.Variant:
			fmt.Fprintf(&b, " (case \"%s\"", f.Name)
			if f.Type != nil {
				b.WriteString(" " + typ(f.Type, names))
			}
			b.WriteString(")")
		default:
			fmt.Fprintf(&b, " \"%s\"", f.Name)
		}
	}
	return b.String() + ")"
}

// flat are the core types that a value is passed as.
func flat(t *witjson.Type) (types []string) {
	if t.Def == nil {
		switch t.Primitive {
		case "string":
			return []string{"i32", "i32"}
		case "u64", "s64":
			return []string{"i64"}
		case "f32", "f64":
			return []string{t.Primitive}
		}
		return []string{"i32"}
	}
	d := t.Def
	variant := func(cases ...*witjson.Type) []string {
		joined := []string{"i32"}
		for _, c := range cases {
			if c == nil {
				continue
			}
			for n, one := range flat(c) {
				switch {
				case n+1 == len(joined):
					joined = append(joined, one)
				case joined[n+1] != one && strings.Contains("i32 f32", one) && strings.Contains("i32 f32", joined[n+1]):
					joined[n+1] = "i32"
				case joined[n+1] != one:
					joined[n+1] = "i64"
				}
			}
		}
		return joined
	}
	switch d.Kind {
	case witjson.Alias:
		return flat(d.Elem)
	case witjson.List:
		return []string{"i32", "i32"}
	case witjson.Record, witjson.Tuple:
		for _, f := range d.Fields {
			types = append(types, flat(f.Type)...)
		}
		return types
	case witjson.Variant:
		var cases []*witjson.Type
		for _, f := range d.Fields {
			cases = append(cases, f.Type)
		}
		return variant(cases...)
	case witjson.Option:
		return variant(d.Elem)
	case witjson.Result:
		return variant(d.Elem, d.Other)
	}
	return []string{"i32"}
}

// The text of a guest is what the tests believe it to be.
func TestGuestText(t *testing.T) {
	g := guestOf("0.2.0", "wasi:io/poll", "wasi:clocks/wall-clock#now")
	text := g.text()
	for _, part := range []string{
		`(export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))`,
		`(export "[method]pollable.block" (func (param "self" (borrow $pollable)) ))`,
		`(type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in\n%s", part, text)
		}
	}
	if len(g.exports) != 4 {
		t.Errorf("%v", g.exports)
	}
}
