package witjson

import (
	"fmt"
	"strings"
)

// String writes the type as WIT does; one with a name by that.
func (t *Type) String() string {
	switch {
	case t == nil:
		return "_"
	case t.Def == nil:
		return t.Primitive
	case t.Def.Name != "":
		return t.Def.Name
	}
	return t.Def.String()
}

// String writes what the definition is, also if it has a name.
func (d *Def) String() string {
	list := func(of func(Field) string) string {
		var parts []string
		for _, f := range d.Fields {
			parts = append(parts, of(f))
		}
		return strings.Join(parts, ", ")
	}
	name := func(f Field) string { return f.Name }
	switch d.Kind {
	case Own:
		return d.Resource.Name
	case Borrow:
		return "borrow<" + d.Resource.Name + ">"
	case Alias:
		return d.Elem.String()
	case Tuple:
		return "tuple<" + list(func(f Field) string { return f.Type.String() }) + ">"
	case Record:
		return "record { " + list(func(f Field) string { return f.Name + ": " + f.Type.String() }) + " }"
	case Variant:
		return "variant { " + list(func(f Field) string {
			if f.Type == nil {
				return f.Name
			}
			return f.Name + "(" + f.Type.String() + ")"
		}) + " }"
	case Enum, Flags:
		return string(d.Kind) + " { " + list(name) + " }"
	case Result:
		switch {
		case d.Other != nil:
			return "result<" + d.Elem.String() + ", " + d.Other.String() + ">"
		case d.Elem != nil:
			return "result<" + d.Elem.String() + ">"
		}
		return "result"
	case Map:
		return "map<" + d.Other.String() + ", " + d.Elem.String() + ">"
	case FixedList:
		return fmt.Sprintf("list<%v, %d>", d.Elem, d.Len)
	case Option, List, Future, Stream:
		if d.Elem == nil {
			return string(d.Kind)
		}
		return string(d.Kind) + "<" + d.Elem.String() + ">"
	}
	return string(d.Kind)
}

// Signature writes the function's type as WIT does, without the resource of a method.
func (f *Function) Signature() string {
	params := f.Params
	if f.Role == Method && len(params) > 0 {
		params = params[1:]
	}
	var parts []string
	for _, p := range params {
		parts = append(parts, p.Name+": "+p.Type.String())
	}
	text := "func(" + strings.Join(parts, ", ") + ")"
	if f.Async {
		text = "async " + text
	}
	if f.Result != nil && f.Role != Constructor {
		text += " -> " + f.Result.String()
	}
	return text
}
