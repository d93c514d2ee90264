package canon

import (
	"math"
	"slices"
)

// Kind is a kind of WIT type. Its numbers are those of descriptions.
type Kind uint8

// The kinds.
const (
	Bool Kind = iota
	S8
	U8
	S16
	U16
	S32
	U32
	S64
	U64
	F32
	F64
	Char
	String
	List
	Map
	FixedList
	Record
	Tuple
	Variant
	Enum
	Option
	Result
	Flags
	Own
	Borrow
	Future
	Stream
	ErrorContext
	numKinds
)

// What a type may be at most; Wasmtime has limits of its own below these.
const (
	maxDepth = 128
	maxNodes = 1 << 20
	maxSize  = math.MaxInt32
	maxFlags = 32
)

// Type is a WIT type with its layout in memory. It is made by the functions of this package and never changes; it is
// safe for concurrent use.
type Type struct {
	Kind Kind
	// Elem is the element of a list, fixed list or option, and the payload of a future or stream, nil if there is none.
	// For a map it is the tuple of key and value that the entries are laid out as.
	Elem *Type
	// Len is the length of a fixed list.
	Len uint32
	// Fields are those of a record, or the elements of a tuple, which have no name.
	Fields []Field
	// Cases are those of a variant, also of what the canonical ABI lays out as one: enum, option (none, some) and
	// result (ok, err).
	Cases []Case
	// Names are those of flags.
	Names []string
	// Resource is what a handle is of: an index into [Component.Resources], with the name that has.
	Resource     int
	ResourceName string

	// Size and Align are in bytes.
	Size, Align uint32
	// Payload is where a variant's payload begins, behind the discriminant.
	Payload uint32
	// Disc is the size of the discriminant in bytes.
	Disc uint8

	// numeric tells that a value is numbers alone: whatever is in its memory, it is valid.
	numeric bool
	handles bool
	// padded tells that the memory of a value has bytes that are not part of it, at least in some cases.
	padded       bool
	unsupported  *Type
	depth, nodes int
	// index finds cases by name, if there are many.
	index map[string]int
}

// Field is a field of a record, an element of a tuple or a parameter of a function.
type Field struct {
	Name   string
	Type   *Type
	Offset uint32
}

// Case is a case of a variant. Type is nil if it has no payload.
type Case struct {
	Name string
	Type *Type
}

// Handles tells whether there can be handles in a value.
func (t *Type) Handles() bool { return t.handles }

// Unsupported returns the future, stream or error-context that is part of the type, or nil.
func (t *Type) Unsupported() *Type { return t.unsupported }

// Ok and Err return the payloads of a result, nil if there is none.
func (t *Type) Ok() *Type { return t.Cases[0].Type }

// Err is described at [Type.Ok].
func (t *Type) Err() *Type { return t.Cases[1].Type }

// Key and Value return those of a map.
func (t *Type) Key() *Type { return t.Elem.Fields[0].Type }

// Value is described at [Type.Key].
func (t *Type) Value() *Type { return t.Elem.Fields[1].Type }

// scalars are the types without parts, by kind.
var scalars = func() (types [numKinds]*Type) {
	sizes := map[Kind]uint32{Bool: 1, S8: 1, U8: 1, S16: 2, U16: 2, S32: 4, U32: 4, S64: 8, U64: 8, F32: 4, F64: 8, Char: 4}
	for kind, size := range sizes {
		types[kind] = &Type{Kind: kind, Size: size, Align: size, numeric: kind != Bool && kind != Char, depth: 1, nodes: 1}
	}
	types[String] = &Type{Kind: String, Size: 8, Align: 4, depth: 1, nodes: 1}
	types[ErrorContext] = &Type{Kind: ErrorContext, Size: 4, Align: 4, depth: 1, nodes: 1}
	types[ErrorContext].unsupported = types[ErrorContext]
	return types
}()

// ScalarType returns the type of a kind that has no parts: bool, a number, char, string, or error-context.
func ScalarType(kind Kind) *Type {
	if int(kind) >= len(scalars) || scalars[kind] == nil {
		panic("canon: not a scalar")
	}
	return scalars[kind]
}

// ListType returns the type of lists of elem.
func ListType(elem *Type) *Type {
	return (&Type{Kind: List, Elem: elem, Size: 8, Align: 4}).of(elem)
}

// MapType returns the type of maps.
func MapType(key, value *Type) *Type {
	entry := TupleType(key, value)
	return (&Type{Kind: Map, Elem: entry, Size: 8, Align: 4}).of(entry)
}

// FixedListType returns the type of lists of n elements.
func FixedListType(elem *Type, n uint32) *Type {
	t := &Type{Kind: FixedList, Elem: elem, Len: n, Size: saturated(uint64(elem.Size) * uint64(n)), Align: elem.Align}
	t.numeric, t.padded = elem.numeric, elem.padded
	return t.of(elem)
}

// RecordType returns a record. The offsets of the fields are set; the slice is kept.
func RecordType(fields ...Field) *Type { return (&Type{Kind: Record}).lay(fields) }

// TupleType returns a tuple.
func TupleType(types ...*Type) *Type {
	fields := make([]Field, len(types))
	for i, t := range types {
		fields[i].Type = t
	}
	return (&Type{Kind: Tuple}).lay(fields)
}

// VariantType returns a variant. The slice is kept.
func VariantType(cases ...Case) *Type { return (&Type{Kind: Variant}).choose(cases) }

// EnumType returns an enum.
func EnumType(names ...string) *Type {
	cases := make([]Case, len(names))
	for i, name := range names {
		cases[i].Name = name
	}
	return (&Type{Kind: Enum}).choose(cases)
}

// OptionType returns an option.
func OptionType(elem *Type) *Type {
	return (&Type{Kind: Option, Elem: elem}).choose([]Case{{Name: "none"}, {Name: "some", Type: elem}})
}

// ResultType returns a result; each of its types may be nil.
func ResultType(ok, err *Type) *Type {
	return (&Type{Kind: Result}).choose([]Case{{"ok", ok}, {"err", err}})
}

// FlagsType returns flags, of which there are at most 32.
func FlagsType(names ...string) *Type {
	t := &Type{Kind: Flags, Names: slices.Clone(names), Size: 1}
	switch {
	case len(names) > 16:
		t.Size = 4
	case len(names) > 8:
		t.Size = 2
	}
	t.Align = t.Size
	return t.of()
}

// OwnType returns a handle that owns a resource.
func OwnType(resource int, name string) *Type { return handleType(Own, resource, name) }

// BorrowType returns a handle that borrows a resource.
func BorrowType(resource int, name string) *Type { return handleType(Borrow, resource, name) }

func handleType(kind Kind, resource int, name string) *Type {
	t := &Type{Kind: kind, Resource: resource, ResourceName: name, Size: 4, Align: 4, handles: true}
	return t.of()
}

// asyncType returns a future or stream.
func asyncType(kind Kind, elem *Type) *Type {
	t := &Type{Kind: kind, Elem: elem, Size: 4, Align: 4}
	t.of(elem)
	t.unsupported = t
	return t
}

// lay places the fields of a record or tuple.
func (t *Type) lay(fields []Field) *Type {
	t.Fields, t.Align, t.numeric = fields, 1, true
	at := uint64(0)
	for i := range fields {
		f := &fields[i]
		start := align(at, f.Type.Align)
		t.padded = t.padded || start != at || f.Type.padded
		f.Offset = saturated(start)
		at = start + uint64(f.Type.Size)
		t.Align = max(t.Align, f.Type.Align)
		t.numeric = t.numeric && f.Type.numeric
		t.of(f.Type)
	}
	end := align(at, t.Align)
	t.padded = t.padded || end != at
	t.Size = saturated(end)
	return t.of()
}

// choose lays out what is one of several cases.
func (t *Type) choose(cases []Case) *Type {
	t.Cases, t.Disc = cases, 1
	if len(cases) > fewNames {
		t.index = make(map[string]int, len(cases))
		for i, c := range slices.Backward(cases) { // the first of equal names counts
			t.index[c.Name] = i
		}
	}
	switch {
	case len(cases) > 1<<16:
		t.Disc = 4
	case len(cases) > 1<<8:
		t.Disc = 2
	}
	payload, size := uint32(1), uint32(0)
	t.Align = uint32(t.Disc)
	for _, c := range cases {
		if c.Type != nil {
			payload = max(payload, c.Type.Align)
			size = max(size, c.Type.Size)
			t.padded = true // another case may be smaller, and there is room behind the discriminant; this errs seldom
			t.of(c.Type)
		}
	}
	t.Align = max(t.Align, payload)
	t.Payload = uint32(align(uint64(t.Disc), payload))
	t.Size = saturated(align(uint64(t.Payload)+uint64(size), t.Align))
	return t.of()
}

// of takes over what is true of a type because it is of a part.
func (t *Type) of(parts ...*Type) *Type {
	t.depth, t.nodes = max(t.depth, 1), max(t.nodes, 1)
	for _, part := range parts {
		if part == nil {
			continue
		}
		t.handles = t.handles || part.handles
		t.depth = max(t.depth, part.depth+1)
		t.nodes = min(t.nodes+part.nodes, maxNodes+1)
		if t.unsupported == nil {
			t.unsupported = part.unsupported
		}
	}
	return t
}

// fewNames is how many names are looked through one after the other.
const fewNames = 8

// caseNamed returns which case has a name, or -1.
func (t *Type) caseNamed(name string) int {
	if t.index == nil {
		return slices.IndexFunc(t.Cases, func(c Case) bool { return c.Name == name })
	}
	if i, ok := t.index[name]; ok {
		return i
	}
	return -1
}

// flagNamed returns which flag has a name, or -1.
func (t *Type) flagNamed(name string) int { return slices.Index(t.Names, name) }

// tooLarge says what is too large about a type, if something is.
func (t *Type) tooLarge() string {
	switch {
	case t.depth > maxDepth:
		return "is nested too deeply"
	case t.nodes > maxNodes:
		return "has too many parts"
	case t.Size > maxSize:
		return "takes more than 2 GiB"
	}
	return ""
}

func align(at uint64, to uint32) uint64 { return (at + uint64(to) - 1) &^ (uint64(to) - 1) }

func saturated(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }
