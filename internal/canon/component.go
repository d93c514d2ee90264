package canon

import (
	"fmt"
	"slices"
)

// Component is what a component imports and exports.
type Component struct {
	Resources []Resource
	// Types are all types, each behind those that it is made of.
	Types            []*Type
	Imports, Exports []Named
}

// Resource is a type of resources.
type Resource struct {
	// Name is that under which it is imported or exported, empty if there is none.
	Name string
	// Own tells whether the component defines it, rather than importing it.
	Own bool
}

// Named is an import, an export or an item of an instance.
type Named struct {
	Name string
	Item Item
}

// ItemKind is a kind of item.
type ItemKind uint8

// The kinds of items; the numbers are those of descriptions.
const (
	FuncItem ItemKind = iota
	InstanceItem
	ComponentItem
	CoreModuleItem
	CoreFuncItem
	ResourceItem
	TypeItem
	numItemKinds
)

// Item is something that can be imported or exported.
type Item struct {
	Kind ItemKind
	// Func is the type of a function.
	Func *Func
	// Items are those of an instance.
	Items []Named
	// Resource is an index into [Component.Resources].
	Resource int
	// Type is the type that a type item names.
	Type *Type
}

// Func is the type of a function.
type Func struct {
	Async bool
	// Params is a record of the parameters: Params.Size and Params.Align are those of their block. It has no fields if
	// there are none.
	Params []Field
	// Size and Align are those of the block of all parameters.
	Size, Align uint32
	// Result is nil if there is none.
	Result *Type

	record *Type
}

// FuncType returns the type of a function. The slice of parameters is kept; their offsets are set.
func FuncType(async bool, params []Field, result *Type) *Func {
	record := RecordType(params...)
	return &Func{async, params, record.Size, record.Align, result, record}
}

// Unsupported returns a future, stream or error-context among the parameters and the result, or nil.
func (f *Func) Unsupported() *Type {
	if f.record.unsupported == nil && f.Result != nil {
		return f.Result.unsupported
	}
	return f.record.unsupported
}

// step is how errors name a parameter.
func (f *Func) step(i int) string {
	if f.Params[i].Name == "" {
		return fmt.Sprintf("parameter %d", i+1)
	}
	return fmt.Sprintf("parameter %d (%s)", i+1, f.Params[i].Name)
}

// Find returns the item at a path: the names of instances, then that of the item. It returns nil if there is none.
func Find(items []Named, path ...string) *Item {
	for i, name := range path {
		at := slices.IndexFunc(items, func(n Named) bool { return n.Name == name })
		if at < 0 {
			return nil
		}
		if i == len(path)-1 {
			return &items[at].Item
		}
		items = items[at].Item.Items
	}
	return nil
}
