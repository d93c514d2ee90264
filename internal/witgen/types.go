package main

import (
	"fmt"
	"strings"

	"github.com/gowasmtime/wasmtime/internal/witjson"
)

// primitives are the Go types of WIT's.
var primitives = map[string]string{
	"bool": "bool", "s8": "int8", "u8": "uint8", "s16": "int16", "u16": "uint16", "s32": "int32", "u32": "uint32",
	"s64": "int64", "u64": "uint64", "f32": "float32", "f64": "float64", "char": "rune", "string": "string",
}

// place is where a Go type is written.
type place struct {
	iface *witjson.Interface
	// params are the type parameters of the Go interface that the type is written in, in their order; nil in all
	// others. They are resources of other interfaces.
	params *[]string
}

// goType is the Go type for a WIT type.
func (g *generator) goType(t *witjson.Type, at place) string {
	if t.Def == nil {
		name, known := primitives[t.Primitive]
		if !known {
			g.fail("%s has %s, which is not supported", at.iface.Path(), t.Primitive)
		}
		return name
	}
	d := t.Def
	if name := g.names.types[d.Origin()]; name != "" {
		return name
	}
	if d.Name != "" { // of an interface that is not generated
		g.fail("%s uses %s of %s, which is not in the package", at.iface.Path(), d.Name, d.Origin().Owner.Path())
		return "any"
	}
	switch d.Kind {
	case witjson.Own, witjson.Borrow:
		return g.handle(d.Resource.Origin(), at)
	case witjson.List:
		if d.Elem.Primitive == "u8" {
			return "[]byte"
		}
		return "[]" + g.goType(d.Elem, at)
	case witjson.FixedList:
		return fmt.Sprintf("[%d]%s", d.Len, g.goType(d.Elem, at))
	case witjson.Map:
		return "map[" + g.goType(d.Other, at) + "]" + g.goType(d.Elem, at)
	case witjson.Option:
		elem := g.goType(d.Elem, at)
		if g.isPointer(d.Elem) {
			return g.component("Option[" + elem + "]")
		}
		return "*" + elem
	case witjson.Result:
		return g.component("Result[" + g.orNothing(d.Elem, at) + ", " + g.orNothing(d.Other, at) + "]")
	case witjson.Tuple:
		return g.tuple(d, at)
	}
	g.fail("%s has a %s, which is not supported", at.iface.Path(), d.Kind)
	return "any"
}

func (g *generator) orNothing(t *witjson.Type, at place) string {
	if t == nil {
		return "struct{}"
	}
	return g.goType(t, at)
}

// component names something of package component.
func (g *generator) component(name string) string { return "component." + name }

// handle is the Go type of a resource. One of another interface may be the library's own, if the package is for what
// the library has too: then a function of an interface has a type parameter for it, and everything else *Resource.
func (g *generator) handle(r *witjson.Def, at place) string {
	name := g.names.types[r]
	switch {
	case name == "":
		g.fail("%s uses %s of %s, which is not in the package", at.iface.Path(), r.Name, r.Owner.Path())
	case r.Owner == at.iface || !g.library || len(r.Methods()) == 0:
	case at.params != nil:
		for _, has := range *at.params {
			if has == name {
				return name
			}
		}
		*at.params = append(*at.params, name)
	default:
		return "*" + g.component("Resource")
	}
	return name
}

// isPointer tells whether a Go type is a pointer or an interface, so that a pointer to it reads badly.
func (g *generator) isPointer(t *witjson.Type) bool {
	if t.Def == nil {
		return false
	}
	switch d := t.Def.Origin(); d.Kind {
	case witjson.Own, witjson.Borrow, witjson.Option:
		return true
	case witjson.Variant:
		return !g.errors[d]
	case witjson.Alias:
		return g.isPointer(d.Elem)
	}
	return false
}

// tuple is an array, if all elements are of one primitive type.
func (g *generator) tuple(d *witjson.Def, at place) string {
	same := len(d.Fields) > 1
	for _, f := range d.Fields {
		same = same && f.Type.Def == nil && f.Type.Primitive == d.Fields[0].Type.Primitive
	}
	var elems []string
	for _, f := range d.Fields {
		elems = append(elems, g.goType(f.Type, at))
	}
	switch n := len(elems); {
	case same:
		return fmt.Sprintf("[%d]%s", n, elems[0])
	case n >= 2 && n <= 4:
		return g.component(fmt.Sprintf("Tuple%d[%s]", n, strings.Join(elems, ", ")))
	}
	var fields []string
	for i, elem := range elems {
		fields = append(fields, fmt.Sprintf("F%d %s", i, elem))
	}
	return "struct{ " + strings.Join(fields, "; ") + " }"
}

// signature is the Go signature of a function, behind its name: parameters and results. self says that the first one is
// the resource, which is left out.
func (g *generator) signature(f *witjson.Function, at place) string {
	params := []string{"c *wasmtime.Caller"}
	for _, p := range g.params(f) {
		params = append(params, local(p.Name)+" "+g.goType(p.Type, at))
	}
	result := "error"
	if ok := okOf(f.Result); ok != nil {
		result = "(" + g.goType(ok, at) + ", error)"
	}
	return "(" + strings.Join(params, ", ") + ") " + result
}

// params are the parameters without the resource of a method.
func (g *generator) params(f *witjson.Function) []witjson.Field {
	if f.Role == witjson.Method {
		return f.Params[1:]
	}
	return f.Params
}

// okOf is what a function returns beside an error: the ok of a result, or the whole; nil for nothing.
func okOf(result *witjson.Type) *witjson.Type {
	if r := resultOf(result); r != nil {
		return r.Elem
	}
	return result
}

// errOf is the error type of a function's result; nil if there is none.
func errOf(result *witjson.Type) *witjson.Type {
	if r := resultOf(result); r != nil {
		return r.Other
	}
	return nil
}

func resultOf(t *witjson.Type) *witjson.Def {
	if t == nil || t.Def == nil {
		return nil
	}
	d := t.Def.Origin()
	for d.Kind == witjson.Alias && d.Elem.Def != nil {
		d = d.Elem.Def.Origin()
	}
	if d.Kind == witjson.Result {
		return d
	}
	return nil
}
