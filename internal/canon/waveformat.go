package canon

import (
	"math"
	"strconv"
	"unicode"
	"unsafe"
)

// waveKeywords are the names of cases that need a percent sign.
var waveKeywords = map[string]bool{
	"true": true, "false": true, "some": true, "none": true, "ok": true, "err": true, "inf": true, "nan": true,
}

// appendWave appends the text of a value at an offset where the message is known to have it. The text counts for the
// limit as values do: a guest that passes one byte may have chosen a long name for it.
func (v *View) appendWave(b []byte, at uint32, t *Type) ([]byte, error) {
	const punctuation = 4 // brackets, and what is between this value and the next
	if err := v.charge(punctuation); err != nil {
		return b, err
	}
	from := unsafe.Add(v.base, at)
	switch t.Kind {
	case List, Map:
		ptr, n := uint32At(from), uint32At(unsafe.Add(from, 4))
		if n > 0 {
			if _, err := v.block(ptr, n, t.Elem.Size); err != nil {
				return b, err
			}
		}
		if t.Kind == Map {
			return v.appendMap(b, ptr, n, t)
		}
		return v.appendElements(b, ptr, n, t.Elem)
	case FixedList:
		return v.appendElements(b, at, t.Len, t.Elem)
	case Record:
		return v.appendRecord(b, at, t)
	case Tuple:
		return v.appendTuple(b, at, t)
	case Variant, Enum, Option, Result:
		return v.appendChoice(b, at, t)
	}
	start := len(b)
	b, err := v.appendLeaf(b, at, t)
	if err == nil {
		err = v.charge(uint64(len(b) - start))
	}
	return b, err
}

// appendLeaf appends the text of a value that has no parts.
func (v *View) appendLeaf(b []byte, at uint32, t *Type) ([]byte, error) {
	from := unsafe.Add(v.base, at)
	switch t.Kind {
	case Bool:
		if n := *(*uint8)(from); n > 1 {
			return b, invalid("%d is no bool", n)
		}
		return strconv.AppendBool(b, *(*uint8)(from) == 1), nil
	case S8:
		return strconv.AppendInt(b, int64(*(*int8)(from)), 10), nil
	case S16:
		return strconv.AppendInt(b, int64(*(*int16)(from)), 10), nil
	case S32:
		return strconv.AppendInt(b, int64(*(*int32)(from)), 10), nil
	case S64:
		return strconv.AppendInt(b, *(*int64)(from), 10), nil
	case U8, U16, U32, U64:
		return strconv.AppendUint(b, readInt(from, uintptr(t.Size), false), 10), nil
	case F32:
		return appendFloat(b, float64(*(*float32)(from)), 32), nil
	case F64:
		return appendFloat(b, *(*float64)(from), 64), nil
	case Char:
		c := uint32At(from)
		if !isChar(c) {
			return b, invalid("%#x is not a Unicode scalar value", c)
		}
		return append(appendChar(append(b, '\''), rune(c)), '\''), nil
	case String:
		s, err := v.str(at)
		if err != nil {
			return b, err
		}
		b = append(b, '"')
		for _, r := range s {
			b = appendChar(b, r)
		}
		return append(b, '"'), nil
	}
	return appendFlags(b, from, t)
}

// appendFloat appends a number that reads back the same, without an exponent, as Wasmtime does.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

// appendChar appends a character as it stands in quotes of either kind.
func appendChar(b []byte, r rune) []byte {
	switch {
	case r == '\\' || r == '\'' || r == '"':
		return append(b, '\\', byte(r))
	case r == '\t':
		return append(b, `\t`...)
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case !unicode.IsPrint(r):
		b = append(b, `\u{`...)
		return append(strconv.AppendUint(b, uint64(r), 16), '}')
	}
	return append(b, string(r)...)
}

// appendName appends a name that the guest has chosen.
func (v *View) appendName(b []byte, name string) ([]byte, error) {
	if err := v.charge(uint64(len(name))); err != nil {
		return b, err
	}
	return append(b, name...), nil
}

func (v *View) appendTuple(b []byte, at uint32, t *Type) (_ []byte, err error) {
	b = append(b, '(')
	for i := range t.Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = v.appendWave(b, at+t.Fields[i].Offset, t.Fields[i].Type); err != nil {
			return b, In(elementStep(i), err)
		}
	}
	return append(b, ')'), nil
}

func (v *View) appendElements(b []byte, at, n uint32, elem *Type) (_ []byte, err error) {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = v.appendWave(b, at+i*elem.Size, elem); err != nil {
			return b, In(elementStep(int(i)), err)
		}
	}
	return append(b, ']'), nil
}

// appendMap appends entries. Of those with equal keys the last one counts, in the place of the first.
func (v *View) appendMap(b []byte, at, n uint32, t *Type) (_ []byte, err error) {
	entry := t.Elem
	var texts [][2]string
	found := map[string]int{}
	for i := range n {
		var key, value []byte
		if key, err = v.appendWave(nil, at+i*entry.Size, t.Key()); err != nil {
			return b, In("key", err)
		}
		if value, err = v.appendWave(nil, at+i*entry.Size+entry.Fields[1].Offset, t.Value()); err != nil {
			return b, In("value of "+string(key), err)
		}
		j, twice := found[string(key)]
		if !twice {
			j = len(texts)
			texts = append(texts, [2]string{string(key)})
			found[string(key)] = j
		}
		texts[j][1] = string(value)
	}
	b = append(b, '{')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(append(b, text[0]...), ": "...), text[1]...)
	}
	return append(b, '}'), nil
}

// appendRecord appends fields; those that are none are left out.
func (v *View) appendRecord(b []byte, at uint32, t *Type) (_ []byte, err error) {
	b = append(b, '{')
	start := len(b)
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Type.Kind == Option && *(*uint8)(unsafe.Add(v.base, at+f.Offset)) == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, ", "...)
		}
		if b, err = v.appendName(b, f.Name); err != nil {
			return b, err
		}
		b = append(b, ": "...)
		if b, err = v.appendWave(b, at+f.Offset, f.Type); err != nil {
			return b, In("field "+f.Name, err)
		}
	}
	if len(b) == start {
		b = append(b, ':')
	}
	return append(b, '}'), nil
}

func appendFlags(b []byte, from unsafe.Pointer, t *Type) ([]byte, error) {
	bits := readInt(from, uintptr(t.Size), false)
	if bits>>len(t.Names) != 0 {
		return b, invalid("there is no flag for some of the bits %#x", bits)
	}
	b = append(b, '{')
	start := len(b)
	for i, name := range t.Names {
		if bits>>i&1 == 1 {
			if len(b) > start {
				b = append(b, ", "...)
			}
			b = append(b, name...)
		}
	}
	return append(b, '}'), nil
}

// appendChoice appends a variant, an enum, an option or a result.
func (v *View) appendChoice(b []byte, at uint32, t *Type) ([]byte, error) {
	i, err := getCase(unsafe.Add(v.base, at), t)
	if err != nil {
		return b, err
	}
	c := t.Cases[i]
	if (t.Kind == Variant || t.Kind == Enum) && waveKeywords[c.Name] {
		b = append(b, '%')
	}
	if b, err = v.appendName(b, c.Name); err != nil || c.Type == nil {
		return b, err
	}
	if b, err = v.appendWave(append(b, '('), at+t.Payload, c.Type); err != nil {
		return b, In("case "+c.Name, err)
	}
	return append(b, ')'), nil
}
