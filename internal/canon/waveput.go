package canon

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unsafe"
)

// waveNames are what messages call values by their looks.
var waveNames = [...]string{
	waveBool: "a bool", waveNumber: "a number", waveChar: "a char", waveString: "a string", waveTuple: "a tuple",
	waveList: "a list", waveEntries: "a record or map", waveEmpty: "{}", waveFlags: "flags", waveLabel: "a case",
	waveCase: "a case", waveSome: "some", waveNone: "none", waveOk: "ok", waveErr: "err",
}

func (n *waveNode) mismatch(t *Type) error {
	if t.Kind == String && n.kind == waveLabel {
		return waveError(n.at, "a string has quotes: %q", n.text)
	}
	return waveError(n.at, "%s where WIT has %s", waveNames[n.kind], t.short())
}

// putWave writes what was read as a type to an offset that has been reserved and is zero.
func (m *Message) putWave(at uint32, t *Type, n *waveNode) error {
	to := unsafe.Add(m.base, at)
	switch t.Kind {
	case Bool:
		if n.kind != waveBool {
			return n.mismatch(t)
		}
		*(*bool)(to) = n.text == "true"
	case S8, U8, S16, U16, S32, U32, S64, U64, F32, F64:
		return n.putNumber(to, t)
	case Char:
		if n.kind != waveChar {
			return n.mismatch(t)
		}
		for _, r := range n.text {
			putUint32(to, uint32(r))
		}
	case String:
		if n.kind != waveString {
			return n.mismatch(t)
		}
		return m.putString(at, n.text)
	case List:
		if n.kind != waveList {
			return n.mismatch(t)
		}
		block, err := m.putBlock(at, len(n.parts), t.Elem)
		if err != nil {
			return err
		}
		return m.putElements(block, t.Elem, n.parts)
	case FixedList:
		if n.kind != waveList {
			return n.mismatch(t)
		}
		if uint64(len(n.parts)) != uint64(t.Len) {
			return waveError(n.at, "%d elements for a list of %d", len(n.parts), t.Len)
		}
		return m.putElements(at, t.Elem, n.parts)
	case Map:
		return m.putMap(at, t, n)
	case Record:
		return m.putRecord(at, t, n)
	case Tuple:
		if n.kind != waveTuple || len(n.parts) != len(t.Fields) {
			return n.mismatch(t)
		}
		for i := range n.parts {
			if err := m.putWave(at+t.Fields[i].Offset, t.Fields[i].Type, &n.parts[i]); err != nil {
				return err
			}
		}
	case Flags:
		return n.putFlags(to, t)
	default:
		return m.putChoice(at, t, n)
	}
	return nil
}

func (n *waveNode) putNumber(to unsafe.Pointer, t *Type) (err error) {
	if n.kind != waveNumber {
		return n.mismatch(t)
	}
	bits := int(t.Size) * 8
	var number uint64
	switch t.Kind {
	case F32, F64:
		var f float64
		f, err = strconv.ParseFloat(n.text, bits)
		if errors.Is(err, strconv.ErrRange) { // infinite, as in Rust
			err = nil
		}
		number = math.Float64bits(f)
		if t.Kind == F32 {
			number = uint64(math.Float32bits(float32(f)))
		}
	case U8, U16, U32, U64:
		number, err = strconv.ParseUint(n.text, 10, bits)
	default:
		var signed int64
		signed, err = strconv.ParseInt(n.text, 10, bits)
		number = uint64(signed)
	}
	if err != nil {
		return waveError(n.at, "%.40s is no %s", n.text, t.Kind)
	}
	switch t.Size {
	case 1:
		*(*uint8)(to) = uint8(number)
	case 2:
		putUint16(to, uint16(number))
	case 4:
		putUint32(to, uint32(number))
	default:
		*(*uint64)(to) = number
	}
	return nil
}

// putBlock reserves the elements of a list and refers to them from an offset.
func (m *Message) putBlock(at uint32, count int, elem *Type) (uint32, error) {
	block, err := m.block(uint64(count)*uint64(elem.Size), elem.Align)
	if err == nil {
		putRef(unsafe.Add(m.base, at), block, uint32(count))
	}
	return block, err
}

func (m *Message) putElements(at uint32, elem *Type, parts []waveNode) error {
	for i := range parts {
		if err := m.putWave(at+uint32(i)*elem.Size, elem, &parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// putMap writes a map. Of entries with equal keys the last one counts, in the place of the first.
func (m *Message) putMap(at uint32, t *Type, n *waveNode) error {
	if n.kind != waveEntries && n.kind != waveEmpty {
		return n.mismatch(t)
	}
	type pair struct{ key, value *waveNode }
	var entries []pair
	found := map[string]int{}
	for i := 0; i < len(n.parts); i += 2 {
		key := n.parts[i]
		if key.kind == waveLabel && t.Key().Kind == Bool && (key.text == "true" || key.text == "false") {
			key.kind = waveBool
		}
		if key.kind == waveNumber && key.text == "-0" {
			key.text = "0"
		}
		same := waveNames[key.kind] + key.text
		if j, twice := found[same]; twice {
			entries[j].value = &n.parts[i+1]
			continue
		}
		found[same] = len(entries)
		entries = append(entries, pair{&key, &n.parts[i+1]})
	}
	entry := t.Elem
	block, err := m.putBlock(at, len(entries), entry)
	if err != nil {
		return err
	}
	for i, e := range entries {
		to := block + uint32(i)*entry.Size
		if e.key.kind == waveLabel {
			return waveError(e.key.at, "the name %s where WIT has %s", e.key.text, t.Key().short())
		}
		if err := m.putWave(to, t.Key(), e.key); err != nil {
			return err
		}
		if err := m.putWave(to+entry.Fields[1].Offset, t.Value(), e.value); err != nil {
			return err
		}
	}
	return nil
}

// putRecord writes a record. Options that are none may be left out.
func (m *Message) putRecord(at uint32, t *Type, n *waveNode) error {
	if n.kind != waveEntries {
		return n.mismatch(t)
	}
	values := make(map[string]*waveNode, len(n.parts)/2)
	for i := 0; i < len(n.parts); i += 2 {
		key := &n.parts[i]
		name := strings.TrimPrefix(key.text, "%")
		switch {
		case key.kind != waveLabel:
			return waveError(key.at, "%s is no name of a field", waveNames[key.kind])
		case !hasField(t, name):
			return waveError(key.at, "there is no field %s in %s", name, t.short())
		case values[name] != nil:
			return waveError(key.at, "the field %s is there twice", name)
		}
		values[name] = &n.parts[i+1]
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		value := values[f.Name]
		switch {
		case value != nil:
			if err := m.putWave(at+f.Offset, f.Type, value); err != nil {
				return err
			}
		case f.Type.Kind != Option:
			return waveError(n.at, "the field %s is missing", f.Name)
		}
	}
	return nil
}

func (n *waveNode) putFlags(to unsafe.Pointer, t *Type) error {
	if n.kind != waveFlags && n.kind != waveEmpty {
		return n.mismatch(t)
	}
	bits := uint32(0)
	for i := range n.parts {
		name := strings.TrimPrefix(n.parts[i].text, "%")
		flag := t.flagNamed(name)
		switch {
		case flag < 0:
			return waveError(n.parts[i].at, "there is no flag %s in %s", name, t.short())
		case bits>>flag&1 == 1:
			return waveError(n.parts[i].at, "the flag %s is there twice", name)
		}
		bits |= 1 << flag
	}
	writeInt(to, uintptr(t.Size), bits)
	return nil
}

// putChoice writes a variant, an enum, an option or a result.
func (m *Message) putChoice(at uint32, t *Type, n *waveNode) error {
	i := -1
	parts := n.parts
	switch {
	case t.Kind == Variant && (n.kind == waveLabel || n.kind == waveCase), t.Kind == Enum && n.kind == waveLabel:
		if i = t.caseNamed(n.text); i < 0 {
			return waveError(n.at, "there is no case %s in %s", n.text, t.short())
		}
	case t.Kind == Option && (n.kind == waveNone || n.kind == waveSome):
		if i = 0; n.kind == waveSome {
			i = 1
		}
	case t.Kind == Result && (n.kind == waveOk || n.kind == waveErr):
		i = int(n.kind - waveOk)
	case t.Kind == Option && isFlat(t.Elem):
		i, parts = 1, []waveNode{*n}
	case t.Kind == Result && t.Ok() != nil && isFlat(t.Ok()):
		i, parts = 0, []waveNode{*n}
	default:
		return n.mismatch(t)
	}
	payload := t.Cases[i].Type
	putCase(unsafe.Add(m.base, at), t.Disc, uint32(i))
	switch {
	case payload == nil && len(parts) > 0:
		return waveError(n.at, "the case %s has no value", t.Cases[i].Name)
	case payload != nil && len(parts) == 0:
		return waveError(n.at, "the value of the case %s is missing", t.Cases[i].Name)
	case payload == nil:
		return nil
	}
	return m.putWave(at+t.Payload, payload, &parts[0])
}

// isFlat tells whether some and ok may be left out around a value of a type.
func isFlat(t *Type) bool { return t.Kind != Option && t.Kind != Result }
