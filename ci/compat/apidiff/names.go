package main

import (
	"fmt"
	"go/types"
	"strings"
)

// A namer writes types so that those of two packages can be compared: its own
// package goes without a name, parameters have none, aliases are resolved.
type namer struct {
	pkg     *types.Package
	aliases map[*types.TypeName]string // exported aliases, by what they stand for
}

func (n namer) name(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer || t.Kind() == types.Invalid {
			return t.String()
		}
		return types.Typ[t.Kind()].Name() // byte is uint8, rune is int32
	case *types.Named:
		return n.qualified(t.Obj()) + n.arguments(t.TypeArgs())
	case *types.Pointer:
		return "*" + n.name(t.Elem())
	case *types.Slice:
		return "[]" + n.name(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), n.name(t.Elem()))
	case *types.Map:
		return "map[" + n.name(t.Key()) + "]" + n.name(t.Elem())
	case *types.Chan:
		return [...]string{"chan ", "chan<- ", "<-chan "}[t.Dir()] + n.name(t.Elem())
	case *types.Signature:
		return n.signature(t)
	case *types.TypeParam:
		return fmt.Sprintf("$%d", t.Index())
	case *types.Struct:
		parts := make([]string, t.NumFields())
		for i := range parts {
			parts[i] = t.Field(i).Name() + " " + n.name(t.Field(i).Type())
		}
		return "struct{" + strings.Join(parts, "; ") + "}"
	case *types.Interface:
		if t.Empty() {
			return "any"
		}
		var parts []string
		for method := range t.Methods() {
			parts = append(parts, method.Name()+strings.TrimPrefix(n.signature(method.Signature()), "func"))
		}
		return "interface{" + strings.Join(parts, "; ") + "}"
	default:
		return t.String()
	}
}

func (n namer) qualified(obj *types.TypeName) string {
	if name, ok := n.aliases[obj]; ok {
		return name
	}
	if obj.Pkg() == nil || obj.Pkg() == n.pkg {
		return obj.Name()
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

func (n namer) arguments(list *types.TypeList) string {
	if list.Len() == 0 {
		return ""
	}
	parts := make([]string, list.Len())
	for i := range parts {
		parts[i] = n.name(list.At(i))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (n namer) signature(s *types.Signature) string {
	var b strings.Builder
	b.WriteString("func")
	if params := s.TypeParams(); params.Len() > 0 {
		parts := make([]string, params.Len())
		for i := range parts {
			parts[i] = n.name(params.At(i).Constraint())
		}
		b.WriteString("[" + strings.Join(parts, ", ") + "]")
	}
	b.WriteString("(" + n.tuple(s.Params(), s.Variadic()) + ")")
	switch results := s.Results(); results.Len() {
	case 0:
	case 1:
		b.WriteString(" " + n.name(results.At(0).Type()))
	default:
		b.WriteString(" (" + n.tuple(results, false) + ")")
	}
	return b.String()
}

func (n namer) tuple(t *types.Tuple, variadic bool) string {
	parts := make([]string, t.Len())
	for i := range parts {
		typ := t.At(i).Type()
		if slice, ok := typ.(*types.Slice); ok && variadic && i == t.Len()-1 {
			parts[i] = "..." + n.name(slice.Elem())
		} else {
			parts[i] = n.name(typ)
		}
	}
	return strings.Join(parts, ", ")
}
