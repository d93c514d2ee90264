package witjson

import (
	"encoding/json"
	"errors"
	"fmt"
)

// stability is what the JSON says of what is not there without a feature.
type stability struct {
	Unstable *struct{ Feature string }
}

func (s stability) feature() string {
	if s.Unstable == nil {
		return ""
	}
	return s.Unstable.Feature
}

// The JSON's own structure: types, interfaces and packages are numbers of elements of the lists in the whole.
type (
	jsonResolve struct {
		Worlds     []jsonWorld
		Interfaces []jsonInterface
		Types      []jsonType
		Packages   []jsonPackage
	}
	jsonPackage struct {
		Name       string
		Interfaces pairs
	}
	jsonWorld struct {
		Name             string
		Imports, Exports pairs
		Package          *int
	}
	jsonInterface struct {
		Name      *string
		Types     pairs
		Functions pairs
		Package   *int
		Stability stability
	}
	jsonType struct {
		Name  *string
		Kind  json.RawMessage
		Owner *struct {
			Interface *int
		}
		Stability stability
	}
	jsonFunction struct {
		Name      string
		Kind      json.RawMessage
		Params    []jsonField
		Result    json.RawMessage
		Stability stability
	}
	jsonField struct {
		Name string
		Type json.RawMessage
	}
)

// Parse reads what wit-parser has written.
func Parse(text []byte) (*Resolve, error) {
	var from jsonResolve
	if err := json.Unmarshal(text, &from); err != nil {
		return nil, fmt.Errorf("the WIT is not the JSON of wit-parser: %w", err)
	}
	p := parser{from: &from}
	for range from.Packages {
		p.Packages = append(p.Packages, &Package{})
	}
	for range from.Interfaces {
		p.Interfaces = append(p.Interfaces, &Interface{})
	}
	for range from.Types {
		p.Types = append(p.Types, &Def{})
	}
	for i := range from.Types {
		p.def(p.Types[i], &from.Types[i])
	}
	for i := range from.Packages {
		p.pkg(p.Packages[i], &from.Packages[i])
	}
	for i := range from.Interfaces {
		p.iface(p.Interfaces[i], &from.Interfaces[i])
	}
	for i := range from.Worlds {
		p.world(&from.Worlds[i])
	}
	if p.err != nil {
		return nil, p.err
	}
	return &p.Resolve, nil
}

type parser struct {
	Resolve
	from *jsonResolve
	err  error
}

// fail keeps the first error.
func (p *parser) fail(what string, err error) {
	if p.err == nil {
		p.err = fmt.Errorf("the WIT has %s that cannot be read: %w", what, err)
	}
}

func (p *parser) read(what string, text json.RawMessage, to any) {
	if err := json.Unmarshal(text, to); err != nil {
		p.fail(what, err)
	}
}

var errNumber = errors.New("there is no such number")

// at returns an element, and a zero one after an error.
func at[T any](p *parser, what string, all []*T, i int) *T {
	if i < 0 || i >= len(all) {
		p.fail(what, errNumber)
		return new(T)
	}
	return all[i]
}

func (p *parser) pkg(to *Package, from *jsonPackage) {
	to.Name = from.Name
	for _, member := range from.Interfaces {
		var i int
		p.read("a package", member.value, &i)
		to.Interfaces = append(to.Interfaces, at(p, "a package", p.Interfaces, i))
	}
}

func (p *parser) iface(to *Interface, from *jsonInterface) {
	if from.Name != nil {
		to.Name = *from.Name
	}
	if from.Package != nil {
		to.Package = at(p, "an interface", p.Packages, *from.Package)
	}
	to.Feature = from.Stability.feature()
	for _, member := range from.Types {
		var i int
		p.read("an interface", member.value, &i)
		to.Types = append(to.Types, at(p, "an interface", p.Types, i))
	}
	for _, member := range from.Functions {
		to.Functions = append(to.Functions, p.function(member.value))
	}
}

func (p *parser) world(from *jsonWorld) {
	to := &World{Name: from.Name}
	if from.Package != nil {
		to.Package = at(p, "a world", p.Packages, *from.Package)
	}
	items := func(members pairs) (items []WorldItem) {
		for _, member := range members {
			var item struct {
				Interface *struct{ ID int }
				Function  json.RawMessage
				Type      *int
			}
			p.read("a world", member.value, &item)
			one := WorldItem{Name: member.name}
			switch {
			case item.Interface != nil:
				one.Interface = at(p, "a world", p.Interfaces, item.Interface.ID)
				if one.Interface.Name == "" {
					one.Interface.Name = member.name // it is written into the world
				}
			case item.Function != nil:
				one.Function = p.function(item.Function)
			case item.Type != nil:
				one.Type = at(p, "a world", p.Types, *item.Type)
			}
			items = append(items, one)
		}
		return items
	}
	to.Imports, to.Exports = items(from.Imports), items(from.Exports)
	p.Worlds = append(p.Worlds, to)
}

// kindOf splits what is a word, or an object with one member.
func (p *parser) kindOf(what string, text json.RawMessage) (word string, rest json.RawMessage) {
	if json.Unmarshal(text, &word) == nil {
		return word, nil
	}
	var object pairs
	p.read(what, text, &object)
	if len(object) != 1 {
		p.fail(what, errors.New("its kind is not one"))
		return "", nil
	}
	return object[0].name, object[0].value
}

func (p *parser) function(text json.RawMessage) *Function {
	var from jsonFunction
	p.read("a function", text, &from)
	to := &Function{Name: from.Name, Feature: from.Stability.feature(), Params: p.fields(from.Params)}
	kind, resource := p.kindOf("a function", from.Kind)
	switch kind {
	case "async-freestanding", "async-method", "async-static":
		to.Async = true
		kind = kind[len("async-"):]
	}
	roles := map[string]Role{"freestanding": Free, "method": Method, "static": Static, "constructor": Constructor}
	role, known := roles[kind]
	if !known {
		p.fail("a function", fmt.Errorf("its kind is %q", kind))
	}
	to.Role = role
	if resource != nil {
		var i int
		p.read("a function", resource, &i)
		to.Resource = at(p, "a function", p.Types, i)
	}
	to.Result = p.typ(from.Result)
	return to
}

func (p *parser) fields(from []jsonField) (to []Field) {
	for _, f := range from {
		to = append(to, Field{f.Name, p.typ(f.Type)})
	}
	return to
}

// typ reads the use of a type: a name, a number, or nothing.
func (p *parser) typ(text json.RawMessage) *Type {
	var word string
	var i int
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil
	case json.Unmarshal(text, &word) == nil:
		return &Type{Primitive: word}
	}
	p.read("a type", text, &i)
	return &Type{Def: at(p, "a type", p.Types, i)}
}

func (p *parser) def(to *Def, from *jsonType) {
	if from.Name != nil {
		to.Name = *from.Name
	}
	if from.Owner != nil && from.Owner.Interface != nil {
		to.Owner = at(p, "a type", p.Interfaces, *from.Owner.Interface)
	}
	to.Feature = from.Stability.feature()
	word, rest := p.kindOf("a type", from.Kind)
	to.Kind = Kind(word)
	var parts struct {
		Fields, Cases, Flags []jsonField
		Types                []json.RawMessage
		Ok, Err              json.RawMessage
		Own, Borrow          *int
	}
	var pair []json.RawMessage
	switch to.Kind {
	case Resource:
	case Record, Variant, Enum, Flags:
		p.read("a type", rest, &parts)
		for _, fields := range [][]jsonField{parts.Fields, parts.Cases, parts.Flags} {
			to.Fields = append(to.Fields, p.fields(fields)...)
		}
	case Tuple:
		p.read("a type", rest, &parts)
		for _, t := range parts.Types {
			to.Fields = append(to.Fields, Field{Type: p.typ(t)})
		}
	case Result:
		p.read("a type", rest, &parts)
		to.Elem, to.Other = p.typ(parts.Ok), p.typ(parts.Err)
	case "handle":
		p.read("a type", rest, &parts)
		switch {
		case parts.Own != nil:
			to.Kind, to.Resource = Own, at(p, "a type", p.Types, *parts.Own)
		case parts.Borrow != nil:
			to.Kind, to.Resource = Borrow, at(p, "a type", p.Types, *parts.Borrow)
		default:
			p.fail("a type", errors.New("a handle of nothing"))
		}
	case Option, List, Future, Stream, Alias:
		to.Elem = p.typ(rest)
	case Map, FixedList:
		p.read("a type", rest, &pair)
		switch {
		case len(pair) != 2:
			p.fail("a type", fmt.Errorf("a %s of %d", to.Kind, len(pair)))
		case to.Kind == Map:
			to.Other, to.Elem = p.typ(pair[0]), p.typ(pair[1])
		default:
			to.Elem = p.typ(pair[0])
			p.read("a type", pair[1], &to.Len)
		}
	default:
		p.fail("a type", fmt.Errorf("its kind is %q", word))
	}
}
