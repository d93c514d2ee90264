package component

import (
	"slices"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// Kind is a kind of WIT type.
type Kind uint8

// The kinds of types.
const (
	KindBool Kind = iota
	KindS8
	KindU8
	KindS16
	KindU16
	KindS32
	KindU32
	KindS64
	KindU64
	KindF32
	KindF64
	KindChar
	KindString
	KindList
	KindMap
	KindFixedList
	KindRecord
	KindTuple
	KindVariant
	KindEnum
	KindOption
	KindResult
	KindFlags
	KindOwn
	KindBorrow
	KindFuture
	KindStream
	KindErrorContext
)

// The numbers are those of package canon.
var (
	_ [KindErrorContext - Kind(canon.ErrorContext)]struct{}
	_ [Kind(canon.ErrorContext) - KindErrorContext]struct{}
)

var kindNames = [...]string{
	"bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string", "list", "map",
	"fixed-length list", "record", "tuple", "variant", "enum", "option", "result", "flags", "own", "borrow", "future",
	"stream", "error-context",
}

// String returns the kind's name in WIT.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Type is a WIT type. It is immutable and safe for concurrent use, and outlives its component. A nil one is what a
// result or a case has that has no value; its methods must not be called. See wasmtime::component::Type.
type Type struct{ t *canon.Type }

// known returns the type; nothing is known of a zero value.
func (t *Type) known() *canon.Type {
	if notNil(t, "type").t == nil {
		return &canon.Type{}
	}
	return t.t
}

func newType(t *canon.Type) *Type {
	if t == nil {
		return nil
	}
	return &Type{t}
}

// Kind returns the type's kind.
func (t *Type) Kind() Kind { return Kind(t.known().Kind) }

// String returns the type as WIT writes it. Types that have a name in WIT are written out: a component does not always
// keep their names.
func (t *Type) String() string { return t.known().String() }

// Elem returns the type of the elements of a list, of an option's value, and of what a future or a stream carries; nil
// for other types, and if it carries nothing.
func (t *Type) Elem() *Type {
	if t.known().Kind == canon.Map {
		return nil
	}
	return newType(t.known().Elem)
}

// Len returns the length of a fixed-length list; 0 for other types.
func (t *Type) Len() int { return int(t.known().Len) }

// MapTypes returns the types of the keys and of the values of a map; nil for other types.
func (t *Type) MapTypes() (key, value *Type) {
	if t.known().Kind != canon.Map {
		return nil, nil
	}
	return newType(t.known().Key()), newType(t.known().Value())
}

// Field is a field of a record, an element of a tuple, which has no name, or a parameter of a function.
type Field struct {
	Name string
	Type *Type
}

// Fields returns the fields of a record, or the elements of a tuple; nothing for other types.
func (t *Type) Fields() []Field { return newFields(t.known().Fields) }

func newFields(fields []canon.Field) []Field {
	all := make([]Field, len(fields))
	for i, f := range fields {
		all[i] = Field{f.Name, newType(f.Type)}
	}
	return all
}

// Cases returns the cases of a variant, an enum, an option (none, some) or a result (ok, err), in their order; nothing
// for other types. The type of a case without a value is nil.
func (t *Type) Cases() []Field {
	all := make([]Field, len(t.known().Cases))
	for i, c := range t.known().Cases {
		all[i] = Field{c.Name, newType(c.Type)}
	}
	return all
}

// Flags returns the names of flags, the lowest bit first; nothing for other types.
func (t *Type) Flags() []string { return slices.Clone(t.known().Names) }

// Resource returns the name of the resource that a handle is of, as it is imported or exported; "" if it has none, and
// for other types.
func (t *Type) Resource() string { return t.known().ResourceName }

// FuncType is the type of a function. It is immutable and safe for concurrent use. See
// wasmtime::component::types::ComponentFunc.
type FuncType struct{ f *canon.Func }

// known returns the type; nothing is known of a zero value.
func (f *FuncType) known() *canon.Func {
	if notNil(f, "function type").f == nil {
		return &canon.Func{}
	}
	return f.f
}

// Params returns the parameters.
func (f *FuncType) Params() []Field { return newFields(f.known().Params) }

// Result returns the type of the result; nil if there is none.
func (f *FuncType) Result() *Type { return newType(f.known().Result) }

// IsAsync tells whether the function is async in WIT. It is called like any other: the call blocks its goroutine.
func (f *FuncType) IsAsync() bool { return f.known().Async }

// String returns the type as WIT writes it, such as func(name: string) -> u32.
func (f *FuncType) String() string { return f.known().String() }

// ItemKind is a kind of import or export.
type ItemKind uint8

// The kinds of imports and exports.
const (
	ItemFunc ItemKind = iota
	ItemInstance
	ItemComponent
	ItemCoreModule
	ItemCoreFunc
	ItemResource
	ItemType
)

// The numbers are those of package canon.
var (
	_ [ItemType - ItemKind(canon.TypeItem)]struct{}
	_ [ItemKind(canon.TypeItem) - ItemType]struct{}
)

// String returns a word for the kind.
func (k ItemKind) String() string {
	names := [...]string{"func", "instance", "component", "core module", "core func", "resource", "type"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Item is an import or an export of a component, or what an instance has. It is immutable and safe for concurrent use.
type Item struct {
	// Name is the full name, such as wasi:io/streams@0.2.0.
	Name string
	// Kind says what it is.
	Kind ItemKind

	item *canon.Item
}

// known returns the item; nothing is known of a zero value.
func (i Item) known() *canon.Item {
	if i.item == nil {
		return &canon.Item{}
	}
	return i.item
}

// Version returns the version in the name, such as 0.2.0; "" if there is none.
func (i Item) Version() string { return versionOf(i.Name) }

// Func returns the type of a function; nil for other items.
func (i Item) Func() *FuncType {
	if i.known().Func == nil {
		return nil
	}
	return &FuncType{i.known().Func}
}

// Type returns the type that is imported or exported to give it a name; nil for other items.
func (i Item) Type() *Type { return newType(i.known().Type) }

// Items returns what an instance has, in its order; nothing for other items.
func (i Item) Items() []Item { return newItems(i.known().Items) }

func newItems(named []canon.Named) []Item {
	items := make([]Item, len(named))
	for i := range named {
		item := &named[i].Item
		items[i] = Item{named[i].Name, ItemKind(item.Kind), item}
	}
	return items
}
