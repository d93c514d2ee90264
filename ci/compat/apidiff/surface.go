package main

import (
	"fmt"
	"go/types"
)

// A surface maps the items of a public API ("func NewEngine", "method Store.GC",
// "field Store.Engine") to what must stay as it is: a signature, a type, a value.
type surface map[string]string

// list collects the exported items of a package.
func list(pkg *types.Package) surface {
	s := surface{}
	n := namer{pkg: pkg, aliases: map[*types.TypeName]string{}}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		if obj, ok := scope.Lookup(name).(*types.TypeName); ok && obj.IsAlias() && obj.Exported() {
			if named, ok := types.Unalias(obj.Type()).(*types.Named); ok && named.Obj().Pkg() != nil {
				n.aliases[named.Obj()] = name
			}
		}
	}
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
			s["const "+name] = n.name(obj.Type()) + " = " + obj.Val().ExactString()
		case *types.Var:
			s["var "+name] = n.name(obj.Type())
		case *types.Func:
			s["func "+name] = n.signature(obj.Signature())
		case *types.TypeName:
			s.addType(n, name, types.Unalias(obj.Type()))
		}
	}
	return s
}

func (s surface) addType(n namer, name string, typ types.Type) {
	switch underlying := typ.Underlying().(type) {
	case *types.Struct:
		s["type "+name] = "struct" + comparability(typ)
		for field := range underlying.Fields() {
			if field.Exported() {
				s["field "+name+"."+field.Name()] = n.name(field.Type())
			}
		}
	case *types.Interface:
		kind := "interface"
		for method := range underlying.Methods() {
			if method.Exported() {
				s["method "+name+"."+method.Name()] = n.signature(method.Signature())
			} else {
				kind = "interface with unexported methods"
			}
		}
		s["type "+name] = kind
		return
	default:
		s["type "+name] = n.name(underlying) + comparability(typ)
	}
	if named, ok := typ.(*types.Named); ok && named.TypeParams().Len() > 0 {
		s["type "+name] += fmt.Sprintf(", %d type parameters", named.TypeParams().Len())
	}
	byValue := types.NewMethodSet(typ)
	all := types.NewMethodSet(types.NewPointer(typ))
	for selection := range all.Methods() {
		method := selection.Obj().(*types.Func)
		if !method.Exported() {
			continue
		}
		receiver := "(*" + name + ") "
		if byValue.Lookup(method.Pkg(), method.Name()) != nil {
			receiver = "(" + name + ") "
		}
		s["method "+name+"."+method.Name()] = receiver + n.signature(method.Signature())
	}
}

func comparability(typ types.Type) string {
	if types.Comparable(typ) {
		return ", comparable"
	}
	return ", not comparable"
}
