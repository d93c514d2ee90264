package canon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxItemDepth is how deep instances may be in instances.
const maxItemDepth = 64

// Describe decodes what the library says of a component. Bytes that are no description are an error, whatever they
// are; a type that is too large for this package is one too.
func Describe(description []byte) (*Component, error) {
	d := &describer{rest: description, component: &Component{}}
	d.resources()
	d.types()
	d.component.Imports = d.items(0)
	d.component.Exports = d.items(0)
	if d.err == nil && len(d.rest) > 0 {
		d.failf("%d bytes follow", len(d.rest))
	}
	if d.err != nil {
		return nil, fmt.Errorf("the description of a component cannot be read: at byte %d: %w",
			len(description)-len(d.rest), d.err)
	}
	return d.component, nil
}

// describer reads a description. After an error everything that it reads is zero.
type describer struct {
	rest      []byte
	component *Component
	err       error
}

func (d *describer) failf(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *describer) take(n int) []byte {
	if d.err == nil && n > len(d.rest) {
		d.err = errors.New("it ends there")
	}
	if d.err != nil {
		return nil
	}
	bytes := d.rest[:n]
	d.rest = d.rest[n:]
	return bytes
}

func (d *describer) u8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *describer) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *describer) flag() bool {
	n := d.u8()
	if n > 1 {
		d.failf("%d is neither yes nor no", n)
	}
	return n == 1
}

// count reads how many things follow, each of at least some bytes: so no more is allocated than there is.
func (d *describer) count(size int) int {
	n := d.u32()
	if d.err == nil && uint64(n)*uint64(size) > uint64(len(d.rest)) {
		d.failf("%d things of at least %d bytes do not follow", n, size)
		return 0
	}
	return int(n)
}

func (d *describer) str() string {
	bytes := d.take(d.count(1))
	if !utf8.Valid(bytes) {
		d.failf("a name is not UTF-8")
	}
	return string(bytes)
}

func (d *describer) resources() {
	n := d.count(5)
	d.component.Resources = make([]Resource, 0, n)
	for range n {
		own := d.flag()
		d.component.Resources = append(d.component.Resources, Resource{d.str(), own})
	}
}

// resource reads the index of a resource.
func (d *describer) resource() int {
	n := d.u32()
	if d.err == nil && uint64(n) >= uint64(len(d.component.Resources)) {
		d.failf("there is no resource %d", n)
		return 0
	}
	return int(n)
}

func (d *describer) types() {
	n := d.count(1)
	d.component.Types = make([]*Type, 0, n)
	for i := range n {
		t := d.newType()
		if d.err != nil {
			return
		}
		if what := t.tooLarge(); what != "" {
			d.failf("type %d %s: %s", i, what, t.short())
			return
		}
		d.component.Types = append(d.component.Types, t)
	}
}

// typ reads the index of a type that is known already. It never returns nil, so that types can be made of it.
func (d *describer) typ() *Type {
	n := d.u32()
	switch {
	case d.err != nil:
	case uint64(n) >= uint64(len(d.component.Types)):
		d.failf("there is no type %d yet", n)
	default:
		return d.component.Types[n]
	}
	return scalars[Bool]
}

// maybe reads an optional type.
func (d *describer) maybe() *Type {
	if d.flag() {
		return d.typ()
	}
	return nil
}

func (d *describer) newType() *Type {
	kind := Kind(d.u8())
	if kind < numKinds && scalars[kind] != nil {
		return scalars[kind]
	}
	switch kind {
	case List:
		return ListType(d.typ())
	case Map:
		key := d.typ()
		return MapType(key, d.typ())
	case FixedList:
		elem := d.typ()
		n := d.u32()
		if n == 0 {
			d.failf("a list of no elements")
		}
		return FixedListType(elem, n)
	case Record:
		return RecordType(d.fields("record")...)
	case Tuple:
		types := make([]*Type, d.some("tuple", 4))
		for i := range types {
			types[i] = d.typ()
		}
		return TupleType(types...)
	case Variant:
		cases := make([]Case, d.some("variant", 5))
		for i := range cases {
			name := d.str()
			cases[i] = Case{name, d.maybe()}
		}
		return VariantType(cases...)
	case Enum:
		return EnumType(d.names("enum")...)
	case Option:
		return OptionType(d.typ())
	case Result:
		ok := d.maybe()
		return ResultType(ok, d.maybe())
	case Flags:
		names := d.names("flags")
		if len(names) > maxFlags {
			d.failf("%d flags", len(names))
		}
		return FlagsType(names...)
	case Own, Borrow:
		n := d.resource()
		if d.err != nil {
			return nil
		}
		return handleType(kind, n, d.component.Resources[n].Name)
	case Future, Stream:
		return asyncType(kind, d.maybe())
	}
	d.failf("there is no kind of type %d", kind)
	return nil
}

// some reads how many parts a type has that must have one.
func (d *describer) some(what string, size int) int {
	n := d.count(size)
	if n == 0 {
		d.failf("a type of kind %s has no parts", what)
	}
	return n
}

func (d *describer) fields(what string) []Field {
	fields := make([]Field, d.some(what, 8))
	for i := range fields {
		name := d.str()
		fields[i] = Field{Name: name, Type: d.typ()}
	}
	return fields
}

func (d *describer) names(what string) []string {
	names := make([]string, d.some(what, 4))
	for i := range names {
		names[i] = d.str()
	}
	return names
}

// items reads the items of an instance, or imports or exports.
func (d *describer) items(depth int) []Named {
	if depth > maxItemDepth {
		d.failf("instances are nested too deeply")
	}
	n := d.count(5)
	if d.err != nil {
		return nil
	}
	items := make([]Named, 0, min(n, 1024))
	for range n {
		name := d.str()
		item := d.item(depth)
		if d.err != nil {
			return nil
		}
		items = append(items, Named{name, item})
	}
	return items
}

func (d *describer) item(depth int) (item Item) {
	item.Kind = ItemKind(d.u8())
	switch item.Kind {
	case FuncItem:
		item.Func = d.function()
	case InstanceItem:
		item.Items = d.items(depth + 1)
	case ComponentItem, CoreModuleItem, CoreFuncItem:
	case ResourceItem:
		item.Resource = d.resource()
	case TypeItem:
		item.Type = d.typ()
	default:
		d.failf("there is no kind of item %d", item.Kind)
	}
	return item
}

func (d *describer) function() *Func {
	async := d.flag()
	params := make([]Field, d.count(8))
	for i := range params {
		name := d.str()
		params[i] = Field{Name: name, Type: d.typ()}
	}
	f := FuncType(async, params, d.maybe())
	if what := f.record.tooLarge(); what != "" {
		d.failf("a function's parameters together %s", what)
	}
	return f
}
