// Package witjson reads WIT from the JSON that the crate wit-parser writes, and so `wasm-tools component wit --json`.
package witjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Resolve is a set of WIT packages. Nothing of it changes once it is read.
type Resolve struct {
	Packages   []*Package
	Interfaces []*Interface
	Worlds     []*World
	Types      []*Def
}

// Package is a WIT package.
type Package struct {
	// Name is the full name, such as wasi:cli@0.2.12.
	Name       string
	Interfaces []*Interface
}

// Short is the last part of the name: cli of wasi:cli@0.2.12.
func (p *Package) Short() string {
	name, _, _ := strings.Cut(p.Name, "@")
	return name[strings.LastIndexByte(name, ':')+1:]
}

// Interface is an interface of a package, or of a world, whose package is nil then.
type Interface struct {
	Name    string
	Package *Package
	// Types are those with names, in their order, also those that it uses of other interfaces.
	Types     []*Def
	Functions []*Function
	// Feature is that without which it is not there; "" if it is stable.
	Feature string
}

// Path is the full name without a version, such as wasi:cli/stdin.
func (i *Interface) Path() string {
	if i.Package == nil {
		return i.Name
	}
	name, _, _ := strings.Cut(i.Package.Name, "@")
	return name + "/" + i.Name
}

// Version is that of the package, such as 0.2.12; "" if it has none.
func (i *Interface) Version() string {
	if i.Package == nil {
		return ""
	}
	_, version, _ := strings.Cut(i.Package.Name, "@")
	return version
}

// ID is the full name, such as wasi:cli/stdin@0.2.12.
func (i *Interface) ID() string {
	if version := i.Version(); version != "" {
		return i.Path() + "@" + version
	}
	return i.Path()
}

// Uses returns the interfaces whose types this one uses, itself not included, in the order of their use.
func (i *Interface) Uses() (uses []*Interface) {
	seen := map[*Interface]bool{i: true}
	for _, def := range i.Types {
		if from := def.Origin().Owner; from != nil && !seen[from] {
			seen[from] = true
			uses = append(uses, from)
		}
	}
	return uses
}

// World is a world.
type World struct {
	Name             string
	Package          *Package
	Imports, Exports []WorldItem
}

// WorldItem is an import or export of a world: an interface, a function or a type, of which the others are nil.
type WorldItem struct {
	Name      string
	Interface *Interface
	Function  *Function
	Type      *Def
}

// Role is what a function is to a resource.
type Role int

// The roles.
const (
	Free Role = iota
	Method
	Static
	Constructor
)

// Function is a function of an interface or a world.
type Function struct {
	// Name is the full name, such as [method]counter.get.
	Name string
	Role Role
	// Resource is that of a method, static function or constructor.
	Resource *Def
	Async    bool
	// Params are the parameters, with the first one of a method, which is the resource.
	Params []Field
	// Result is nil if there is none.
	Result *Type
	// Feature is as for an interface.
	Feature string
}

// Own is the name within the resource, if it is a method or static function, and otherwise the whole: get.
func (f *Function) Own() string {
	if f.Role == Method || f.Role == Static {
		return f.Name[strings.IndexByte(f.Name, '.')+1:]
	}
	return f.Name[strings.IndexByte(f.Name, ']')+1:]
}

// Mentions tells whether a handle of a resource can be among the parameters or in the result.
func (f *Function) Mentions(resource *Def) bool {
	if f.Result.mentions(resource) {
		return true
	}
	for _, p := range f.Params {
		if p.Type.mentions(resource) {
			return true
		}
	}
	return false
}

func (t *Type) mentions(resource *Def) bool {
	if t == nil || t.Def == nil {
		return false
	}
	d := t.Def
	if d.Resource != nil && d.Resource.Origin() == resource || d.Elem.mentions(resource) || d.Other.mentions(resource) {
		return true
	}
	for _, f := range d.Fields {
		if f.Type.mentions(resource) {
			return true
		}
	}
	return false
}

// Field is a field, a parameter, or a case, whose type may be nil.
type Field struct {
	Name string
	Type *Type
}

// Type is the use of a type: a primitive one, by its name in WIT, or a definition.
type Type struct {
	Primitive string
	Def       *Def
}

// Kind is a kind of definition.
type Kind string

// The kinds.
const (
	Record    Kind = "record"
	Resource  Kind = "resource"
	Own       Kind = "own"
	Borrow    Kind = "borrow"
	Flags     Kind = "flags"
	Tuple     Kind = "tuple"
	Variant   Kind = "variant"
	Enum      Kind = "enum"
	Option    Kind = "option"
	Result    Kind = "result"
	List      Kind = "list"
	Map       Kind = "map"
	FixedList Kind = "fixed-length-list"
	Future    Kind = "future"
	Stream    Kind = "stream"
	Alias     Kind = "type"
)

// Def is the definition of a type, with or without a name.
type Def struct {
	// Name is "" for a type that has none, such as list<u8>.
	Name string
	// Owner is the interface that it is in; nil for one without a name, or in a world.
	Owner *Interface
	Kind  Kind
	// Fields are those of a record, the elements of a tuple, the cases of a variant or an enum, and the flags.
	Fields []Field
	// Elem is that of a list, option, future or stream, the value of a map, the ok of a result, or what an alias is
	// for.
	Elem *Type
	// Other is the err of a result, or the key of a map.
	Other *Type
	// Resource is that of a handle.
	Resource *Def
	Len      int
	Feature  string
}

// Origin is the definition that this one is another name for, through any number of uses.
func (d *Def) Origin() *Def {
	for d.Kind == Alias && d.Elem.Def != nil && d.Elem.Def.Name != "" {
		d = d.Elem.Def
	}
	return d
}

// IsUse tells whether it only brings in a definition of another interface.
func (d *Def) IsUse() bool {
	return d.Kind == Alias && d.Elem.Def != nil && d.Elem.Def.Name != "" && d.Elem.Def.Owner != d.Owner
}

// Methods returns the methods of a resource in its interface.
func (d *Def) Methods() (methods []*Function) {
	for _, f := range d.Owner.Functions {
		if f.Role == Method && f.Resource.Origin() == d.Origin() {
			methods = append(methods, f)
		}
	}
	return methods
}

// Find returns an interface by its name without a version; nil if there is none.
func (r *Resolve) Find(path string) *Interface {
	for _, i := range r.Interfaces {
		if i.Path() == path {
			return i
		}
	}
	return nil
}

// pairs are the members of a JSON object in their order.
type pairs []pair

type pair struct {
	name  string
	value json.RawMessage
}

// UnmarshalJSON reads an object.
func (p *pairs) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("expected an object: %v", err)
	}
	for d.More() {
		var one pair
		name, err := d.Token()
		if err != nil {
			return err
		}
		one.name, _ = name.(string)
		if err := d.Decode(&one.value); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}
