package canon

import (
	"fmt"
	"reflect"
	"slices"
)

// tagOf returns which tag a struct has, or nil.
func tagOf(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct || t.NumField() == 0 || t.Field(0).Name != "_" {
		return nil
	}
	kinds := func(types ...reflect.Kind) bool {
		if t.NumField() != len(types)+1 {
			return false
		}
		for i, kind := range types {
			if kind != reflect.Invalid && t.Field(i+1).Type.Kind() != kind {
				return false
			}
		}
		return true
	}
	tag := t.Field(0).Type
	switch {
	case tag == optionTagType && kinds(reflect.Invalid, reflect.Bool):
	case tag == resultTagType && kinds(reflect.Invalid, reflect.Invalid, reflect.Bool):
	case tag == variantTagType && kinds(reflect.String, reflect.Interface) && isAny(t.Field(2).Type):
	default:
		return nil
	}
	return tag
}

// exported returns the fields of a struct that stand for something.
func exported(t reflect.Type) (fields []reflect.StructField) {
	for field := range t.Fields() {
		if field.IsExported() && field.Tag.Get("wit") != "-" {
			fields = append(fields, field)
		}
	}
	return fields
}

// match returns the field of a struct for each name, and says what is wrong if fields and names do not match.
func match(t reflect.Type, names []string) (matched []reflect.StructField, reason string) {
	fields := exported(t)
	byName := map[string]int{}
	for i, field := range fields {
		name := field.Tag.Get("wit")
		if name == "" {
			name = "?" + folded(field.Name)
		}
		if j, twice := byName[name]; twice {
			return nil, fmt.Sprintf("%s and %s have the same name", fields[j].Name, field.Name)
		}
		byName[name] = i
	}
	used := make([]bool, len(fields))
	for _, name := range names {
		i, ok := byName[name]
		if !ok {
			i, ok = byName["?"+folded(name)]
		}
		if !ok {
			for field := range t.Fields() {
				if !field.IsExported() && SameName(field.Name, name) {
					return nil, fmt.Sprintf("nothing stands for %s: the field %s is not exported", name, field.Name)
				}
			}
			return nil, "nothing stands for " + name
		}
		if used[i] {
			return nil, fmt.Sprintf("%s could be %s as well; a tag says what it is", fields[i].Name, name)
		}
		used[i] = true
		matched = append(matched, fields[i])
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, fmt.Sprintf("WIT has nothing for %s", fields[i].Name)
	}
	return matched, ""
}

// casesOf returns the struct of the cases that an interface stands for.
func casesOf(t reflect.Type) (cases reflect.Type, reason string) {
	for method := range t.Methods() {
		m := method.Type
		if m.NumIn() != 1 || m.NumOut() != 0 || m.In(0).Kind() != reflect.Struct {
			continue
		}
		if cases != nil {
			return nil, "more than one of its methods takes a struct and returns nothing"
		}
		cases = m.In(0)
	}
	if cases == nil {
		return nil, "it has no method that takes a struct of the cases and returns nothing"
	}
	return cases, ""
}

// nameStep names a part in both languages.
func nameStep(what, wit, goName string) string {
	return fmt.Sprintf("%s %s (%s)", what, wit, goName)
}
