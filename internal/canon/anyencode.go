package canon

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// integers are the sizes in bits of WIT's integers, negative for those with a sign.
var integers = [numKinds]int{S8: -8, U8: 8, S16: -16, U16: 16, S32: -32, U32: 32, S64: -64, U64: 64}

// encodeAny writes whatever is in an any, if it fits, as a type to an offset that has been reserved.
func (p *Planner) encodeAny(m *Message, at uint32, t *Type, v any) error {
	if t.Kind == Option {
		return p.encodeOption(m, at, t, v)
	}
	if v == nil && t.Kind != Own && t.Kind != Borrow {
		return mismatch(nil, t, "")
	}
	value := reflect.ValueOf(v)
	to := unsafe.Add(m.base, at)
	switch t.Kind {
	case Bool:
		if value.Kind() == reflect.Bool {
			*(*bool)(to) = value.Bool()
			return nil
		}
	case S8, U8, S16, U16, S32, U32, S64, U64:
		if value.CanInt() || value.CanUint() {
			return putInteger(to, t, value)
		}
	case F32, F64:
		if value.CanInt() || value.CanUint() || value.CanFloat() {
			return putFloat(to, t, value)
		}
	case Char:
		if value.CanInt() || value.CanUint() {
			if value.CanInt() && value.Int() < 0 || asUint(value) > 0x10ffff || !isChar(uint32(asUint(value))) {
				return invalid("%v is not a Unicode scalar value", v)
			}
			putUint32(to, uint32(asUint(value)))
			return nil
		}
	case String:
		if value.Kind() == reflect.String {
			return m.putString(at, value.String())
		}
	case Enum:
		return p.encodeEnum(to, t, value)
	case Flags:
		return p.encodeFlags(to, t, value)
	case Own, Borrow:
		n, err := p.plan(anyType, t, Encode)
		if err != nil {
			return err
		}
		return n.encodeHandle(m, at, unsafe.Pointer(&v))
	default:
		return p.encodeParts(m, at, t, value)
	}
	return mismatch(value.Type(), t, "")
}

// asUint returns an integer that is not negative.
func asUint(value reflect.Value) uint64 {
	if value.CanInt() {
		return uint64(value.Int())
	}
	return value.Uint()
}

func putInteger(to unsafe.Pointer, t *Type, value reflect.Value) error {
	bits := integers[t.Kind]
	fits := false
	switch {
	case bits > 0:
		fits = (value.CanUint() || value.Int() >= 0) && asUint(value)>>(bits-1)>>1 == 0
	case value.CanInt():
		fits = value.Int()>>(-bits-1) == 0 || value.Int()>>(-bits-1) == -1
	default:
		fits = value.Uint()>>(-bits-1) == 0
	}
	if !fits {
		return invalid("%v does not fit into %s", value, t.Kind)
	}
	n := asUint(value)
	switch t.Size {
	case 1:
		*(*uint8)(to) = uint8(n)
	case 2:
		putUint16(to, uint16(n))
	case 4:
		putUint32(to, uint32(n))
	default:
		*(*uint64)(to) = n
	}
	return nil
}

func putFloat(to unsafe.Pointer, t *Type, value reflect.Value) error {
	var f float64
	exact := true
	switch {
	case value.CanInt():
		f = float64(value.Int())
		exact = f < 1<<63 && int64(f) == value.Int()
	case value.CanUint():
		f = float64(value.Uint())
		exact = f < 1<<64 && uint64(f) == value.Uint()
	default:
		f = value.Float()
	}
	if t.Kind == F64 {
		*(*float64)(to) = f
	} else {
		exact = exact && (float64(float32(f)) == f || math.IsNaN(f))
		*(*float32)(to) = float32(f)
	}
	if !exact {
		return invalid("%v is not exactly a number of type %s", value, t.Kind)
	}
	return nil
}

func (p *Planner) encodeEnum(to unsafe.Pointer, t *Type, value reflect.Value) error {
	switch {
	case value.Kind() == reflect.String:
		return t.putName(to, value.String())
	case value.CanInt() || value.CanUint():
		if i := asUint(value); i < uint64(len(t.Cases)) { // a negative one is large
			putCase(to, t.Disc, uint32(i))
			return nil
		}
		return invalid("there is no case %v", value)
	}
	return mismatch(value.Type(), t, "")
}

func (p *Planner) encodeFlags(to unsafe.Pointer, t *Type, value reflect.Value) error {
	bits := uint64(0)
	switch {
	case value.CanInt() || value.CanUint():
		bits = asUint(value)
		if bits>>len(t.Names) != 0 {
			return invalid("there is no flag for some of the bits %v", value)
		}
	case value.Kind() == reflect.Slice:
		for i := range value.Len() {
			name := value.Index(i)
			if name.Kind() == reflect.Interface {
				name = name.Elem()
			}
			if name.Kind() != reflect.String {
				return mismatch(value.Type(), t, "")
			}
			flag := t.flagNamed(name.String())
			if flag < 0 {
				return invalid("there is no flag %q", name.String())
			}
			bits |= 1 << flag
		}
	default:
		return mismatch(value.Type(), t, "")
	}
	writeInt(to, uintptr(t.Size), uint32(bits))
	return nil
}

// encodeOption writes nil as none.
func (p *Planner) encodeOption(m *Message, at uint32, t *Type, v any) error {
	if v == nil {
		return nil
	}
	value := reflect.ValueOf(v)
	some := func(v any) error {
		*(*uint8)(unsafe.Add(m.base, at)) = 1
		return In("some", p.encodeAny(m, at+t.Payload, t.Elem, v))
	}
	handle := t.Elem.Kind == Own || t.Elem.Kind == Borrow
	switch {
	case tagOf(value.Type()) == optionTagType:
		inner, there := insideOf(value, 1), insideOf(value, 2)
		if !there.Bool() {
			return nil
		}
		return some(inner.Interface())
	case value.Kind() == reflect.Pointer && !handle:
		if value.IsNil() {
			return nil
		}
		return some(value.Elem().Interface())
	case t.Elem.Kind == Option:
		return mismatch(value.Type(), t, "a component.Option or a pointer says which of the two options is meant")
	}
	return some(v)
}

// insideOf returns a field of a tagged struct, exported or not.
func insideOf(value reflect.Value, i int) reflect.Value {
	holder := reflect.New(value.Type())
	holder.Elem().Set(value)
	field := value.Type().Field(i)
	return reflect.NewAt(field.Type, unsafe.Add(holder.UnsafePointer(), field.Offset)).Elem()
}

// encodeResult writes a result's struct of any types.
func (p *Planner) encodeResult(m *Message, at uint32, t *Type, value reflect.Value) error {
	i, payload, step := 0, t.Ok(), "ok"
	if insideOf(value, 3).Bool() {
		i, payload, step = 1, t.Err(), "err"
	}
	putCase(unsafe.Add(m.base, at), t.Disc, uint32(i))
	inner := insideOf(value, i+1)
	if payload == nil {
		if _, err := (&node{planner: p}).payload(step, inner.Type(), nil, Encode); err != nil {
			return err
		}
		return nil
	}
	return In(step, p.encodeAny(m, at+t.Payload, payload, inner.Interface()))
}

// encodeCase writes the case of a variant that has a name.
func (p *Planner) encodeCase(m *Message, at uint32, t *Type, name string, value any) error {
	if err := t.putName(unsafe.Add(m.base, at), name); err != nil {
		return err
	}
	c := t.Cases[t.caseNamed(name)]
	switch {
	case c.Type != nil:
		if err := p.encodeAny(m, at+t.Payload, c.Type, value); err != nil {
			return In("case "+name, err)
		}
	case value != nil:
		return In("case "+name, mismatch(reflect.TypeOf(value), nil, ""))
	}
	return nil
}

// encodeParts writes what has parts: by a plan, if its Go type has one, otherwise part by part.
func (p *Planner) encodeParts(m *Message, at uint32, t *Type, value reflect.Value) error {
	n, planErr := p.plan(value.Type(), t, Encode)
	if planErr == nil {
		held := value.Interface()
		w := (*words)(unsafe.Pointer(&held))
		if n.direct {
			return n.encode(m, at, unsafe.Pointer(&w[1]))
		}
		return n.encode(m, at, w[1])
	}
	kind := value.Kind()
	switch {
	case kind == reflect.Pointer && !value.IsNil() && value.Type().Elem().Kind() == reflect.Struct:
		return p.encodeAny(m, at, t, value.Elem().Interface())
	case t.Kind == Result && tagOf(value.Type()) == resultTagType:
		return p.encodeResult(m, at, t, value)
	case t.Kind == Record && kind == reflect.Map && value.Type().Key().Kind() == reflect.String:
		return p.encodeRecord(m, at, t, value)
	case (t.Kind == Record || t.Kind == Tuple) && kind == reflect.Struct && tagOf(value.Type()) == nil:
		return p.encodeStruct(m, at, t, value, planErr)
	case kind == reflect.Slice || kind == reflect.Array:
		return p.encodeElements(m, at, t, value, planErr)
	case kind == reflect.Map && (t.Kind == Map || t.Kind == List && t.Elem.Kind == Tuple && len(t.Elem.Fields) == 2):
		return p.encodeEntries(m, at, t, value)
	case t.Kind == Variant && p.dynamic.Variant != nil:
		return mismatch(value.Type(), t, "it takes a %v", p.dynamic.Variant)
	}
	return planErr
}

// encodeRecord writes a map of fields.
func (p *Planner) encodeRecord(m *Message, at uint32, t *Type, value reflect.Value) error {
	found := 0
	for i := range t.Fields {
		f := &t.Fields[i]
		step := "field " + f.Name
		field := value.MapIndex(reflect.ValueOf(f.Name).Convert(value.Type().Key()))
		switch {
		case field.IsValid():
			found++
			if err := p.encodeAny(m, at+f.Offset, f.Type, field.Interface()); err != nil {
				return In(step, err)
			}
		case f.Type.Kind != Option:
			return In(step, invalid("the map has no value for it"))
		}
	}
	if found == value.Len() {
		return nil
	}
	for _, key := range value.MapKeys() {
		if !hasField(t, key.String()) {
			return invalid("the record has no field %q", key.String())
		}
	}
	return nil
}

func hasField(t *Type, name string) bool {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return true
		}
	}
	return false
}

// encodeStruct writes a struct some of whose fields do not have the type that a plan needs.
func (p *Planner) encodeStruct(m *Message, at uint32, t *Type, value reflect.Value, planErr error) error {
	fields := exported(value.Type())
	step := func(i int) string { return fmt.Sprintf("element %d (%s)", i, fields[i].Name) }
	if t.Kind == Record {
		names := make([]string, len(t.Fields))
		for i := range names {
			names[i] = t.Fields[i].Name
		}
		matched, reason := match(value.Type(), names)
		if reason != "" {
			return planErr
		}
		fields = matched
		step = func(i int) string { return nameStep("field", names[i], fields[i].Name) }
	}
	if len(fields) != len(t.Fields) {
		return planErr
	}
	for i, field := range fields {
		inner := value.FieldByIndex(field.Index).Interface()
		if err := p.encodeAny(m, at+t.Fields[i].Offset, t.Fields[i].Type, inner); err != nil {
			return In(step(i), err)
		}
	}
	return nil
}

// encodeElements writes a slice or an array as a list, a map of entries, a fixed list or a tuple.
func (p *Planner) encodeElements(m *Message, at uint32, t *Type, value reflect.Value, planErr error) error {
	count := value.Len()
	switch t.Kind {
	case List, Map:
		block, err := m.block(uint64(count)*uint64(t.Elem.Size), t.Elem.Align)
		if err != nil {
			return err
		}
		putRef(unsafe.Add(m.base, at), block, uint32(count))
		at = block
	case FixedList:
		if uint64(count) != uint64(t.Len) {
			return invalid("%d elements for a list of %d", count, t.Len)
		}
	case Tuple:
		if count != len(t.Fields) {
			return invalid("%d elements for a tuple of %d", count, len(t.Fields))
		}
	default:
		return planErr
	}
	for i := range count {
		elem, to := t.Elem, at
		if t.Kind == Tuple {
			elem, to = t.Fields[i].Type, at+t.Fields[i].Offset
		} else {
			to += uint32(i) * elem.Size
		}
		if err := p.encodeAny(m, to, elem, value.Index(i).Interface()); err != nil {
			return In(elementStep(i), err)
		}
	}
	return nil
}

// encodeEntries writes a map.
func (p *Planner) encodeEntries(m *Message, at uint32, t *Type, value reflect.Value) error {
	count, entry := value.Len(), t.Elem
	block, err := m.block(uint64(count)*uint64(entry.Size), entry.Align)
	if err != nil {
		return err
	}
	putRef(unsafe.Add(m.base, at), block, uint32(count))
	i := 0
	for iter := value.MapRange(); i < count && iter.Next(); i++ {
		to := block + uint32(i)*entry.Size
		if err := p.encodeAny(m, to, entry.Fields[0].Type, iter.Key().Interface()); err != nil {
			return In("key", err)
		}
		if err := p.encodeAny(m, to+entry.Fields[1].Offset, entry.Fields[1].Type, iter.Value().Interface()); err != nil {
			return In(fmt.Sprintf("value of %v", iter.Key()), err)
		}
	}
	if i != count {
		return invalid("the map was changed while it was encoded")
	}
	m.sortEntries(block, count, entry)
	return nil
}
