package canon

import (
	"math/bits"
	"reflect"
	"unsafe"
)

// naturalTypes are the Go types of values in an any for WIT types without parts, and for enums.
var naturalTypes = [numKinds]reflect.Type{
	Bool: reflect.TypeFor[bool](), S8: reflect.TypeFor[int8](), U8: reflect.TypeFor[uint8](),
	S16: reflect.TypeFor[int16](), U16: reflect.TypeFor[uint16](), S32: reflect.TypeFor[int32](),
	U32: reflect.TypeFor[uint32](), S64: reflect.TypeFor[int64](), U64: reflect.TypeFor[uint64](),
	F32: reflect.TypeFor[float32](), F64: reflect.TypeFor[float64](), Char: reflect.TypeFor[rune](),
	String: reflect.TypeFor[string](), Enum: reflect.TypeFor[string](),
}

// natural returns the Go type of all values of a WIT type in an any, or nil if there is none but any.
func natural(t *Type) reflect.Type {
	switch t.Kind {
	case List:
		if elem := natural(t.Elem); elem != nil {
			return reflect.SliceOf(elem)
		}
	case Map:
		key, value := natural(t.Key()), natural(t.Value())
		if key == nil || !key.Comparable() {
			return nil
		}
		if value == nil {
			value = anyType
		}
		return reflect.MapOf(key, value)
	}
	return naturalTypes[t.Kind]
}

// decodeAny reads a value at an offset where the message is known to have it.
func (p *Planner) decodeAny(v *View, at uint32, t *Type) (any, error) {
	if err := v.charge(boxCost); err != nil {
		return nil, err
	}
	from := unsafe.Add(v.base, at)
	switch t.Kind {
	case S32: // the most frequent ones, without a plan
		return *(*int32)(from), nil
	case U32:
		return *(*uint32)(from), nil
	case S64:
		return *(*int64)(from), nil
	case U64:
		return *(*uint64)(from), nil
	case F32:
		return *(*float32)(from), nil
	case F64:
		return *(*float64)(from), nil
	case String:
		s, err := v.str(at)
		if err != nil {
			return nil, err
		}
		return s, nil
	case Record:
		return p.decodeRecord(v, at, t)
	case Tuple:
		return p.decodeTuple(v, at, t)
	case FixedList:
		return p.decodeFixed(v, at, t)
	case Variant:
		return p.decodeAs(v, at, t, p.dynamic.Variant)
	case Result:
		return p.decodeAs(v, at, t, p.dynamic.Result)
	case Option:
		some, err := getCase(from, t)
		if err != nil || t.Elem.Kind != Option && some == 0 {
			return nil, err
		}
		if t.Elem.Kind == Option {
			return p.decodeAs(v, at, t, p.dynamic.Option)
		}
		value, err := p.decodeAny(v, at+t.Payload, t.Elem)
		return value, In("some", err)
	case Flags:
		return decodeFlags(v, from, t)
	case Own, Borrow:
		var value any
		n, err := p.plan(anyType, t, Decode)
		if err == nil {
			err = n.decode(v, at, unsafe.Pointer(&value))
		}
		return value, err
	}
	typ := natural(t)
	if typ == nil {
		typ = reflect.TypeFor[[]any]()
	}
	return p.decodeAs(v, at, t, typ)
}

// decodeAs reads a value as a Go type, which is not an interface.
func (p *Planner) decodeAs(v *View, at uint32, t *Type, typ reflect.Type) (any, error) {
	n, err := p.plan(typ, t, Decode)
	if err != nil {
		return nil, err
	}
	if err := v.charge(uint64(n.size)); err != nil {
		return nil, err
	}
	value := n.alloc()
	if err := n.decode(v, at, value); err != nil {
		return nil, err
	}
	return n.box(value), nil
}

// boxCost is about what an any takes outside of itself: memory for a number, or for what a string or a slice is.
const boxCost = 16

// mapCost is about what a map of Go takes whose entries have a size. There is room for more of them than there are, and
// for eight at least.
func mapCost(count uint64, size uintptr) uint64 {
	const header, perEntry = 64, 2
	return header + max(8, count+count/2)*(uint64(size)+perEntry)
}

func (p *Planner) decodeRecord(v *View, at uint32, t *Type) (any, error) {
	if err := v.charge(mapCost(uint64(len(t.Fields)), unsafe.Sizeof("")+unsafe.Sizeof(any(nil)))); err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(t.Fields))
	for i := range t.Fields {
		f := &t.Fields[i]
		value, err := p.decodeAny(v, at+f.Offset, f.Type)
		if err != nil {
			return nil, In("field "+f.Name, err)
		}
		fields[f.Name] = value
	}
	return fields, nil
}

func (p *Planner) decodeTuple(v *View, at uint32, t *Type) (any, error) {
	if err := v.charge(uint64(len(t.Fields)+2) * 16); err != nil {
		return nil, err
	}
	elements := make([]any, len(t.Fields))
	for i := range t.Fields {
		value, err := p.decodeAny(v, at+t.Fields[i].Offset, t.Fields[i].Type)
		if err != nil {
			return nil, In(elementStep(i), err)
		}
		elements[i] = value
	}
	return elements, nil
}

// decodeFixed reads a fixed list into a slice.
func (p *Planner) decodeFixed(v *View, at uint32, t *Type) (any, error) {
	elem := natural(t.Elem)
	if elem == nil {
		elem = anyType
	}
	inner, err := p.plan(elem, t.Elem, Decode)
	if err != nil {
		return nil, In("element", err)
	}
	n := &node{op: opSlice, wit: t, typ: reflect.SliceOf(elem), elem: inner, size: unsafe.Sizeof(slice{})}
	value := unsafe.Pointer(new([]byte))
	if err := n.decodeElements(v, at, t.Len, value); err != nil {
		return nil, err
	}
	return n.box(value), nil
}

// decodeFlags reads the names of the flags that are set.
func decodeFlags(v *View, from unsafe.Pointer, t *Type) (any, error) {
	flags := readInt(from, uintptr(t.Size), false)
	if flags>>len(t.Names) != 0 {
		return nil, invalid("there is no flag for some of the bits %#x", flags)
	}
	count := bits.OnesCount64(flags)
	if err := v.charge(uint64(unsafe.Sizeof(slice{})) + uint64(count)*uint64(unsafe.Sizeof(""))); err != nil {
		return nil, err
	}
	names := make([]string, 0, count)
	for i, name := range t.Names {
		if flags>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return names, nil
}

// decodeCase reads the number of a variant's case, and the payload, nil if there is none.
func (p *Planner) decodeCase(v *View, at uint32, t *Type) (i uint32, payload any, err error) {
	i, err = getCase(unsafe.Add(v.base, at), t)
	if err != nil || t.Cases[i].Type == nil {
		return i, nil, err
	}
	if payload, err = p.decodeAny(v, at+t.Payload, t.Cases[i].Type); err != nil {
		return i, nil, In("case "+t.Cases[i].Name, err)
	}
	return i, payload, nil
}
