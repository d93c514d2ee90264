package canon

import (
	"fmt"
	"math"
	"reflect"
	"unicode/utf8"
	"unsafe"
)

// encode writes the value at p to an offset that has been reserved and whose padding is zero. What p points to is
// read but not kept; what is behind pointers there may be, as a segment or by a codec of handles.
func (n *node) encode(m *Message, at uint32, p unsafe.Pointer) error {
	to := unsafe.Add(m.base, at)
	switch n.op {
	case opCopy:
		copyBytes(to, p, n.wit.Size)
		clearGaps(n.gaps, to)
	case opBool:
		*(*bool)(to) = *(*bool)(p)
	case opChar:
		c := *(*uint32)(p)
		if !isChar(c) {
			return invalid("%#x is not a Unicode scalar value", c)
		}
		putUint32(to, c)
	case opString:
		return m.putString(at, *(*string)(p))
	case opSlice:
		s := *(*[]byte)(p) // the length is that of any slice
		return n.encodeSlice(m, at, unsafe.Pointer(unsafe.SliceData(s)), len(s))
	case opArray:
		for i := range n.wit.Len {
			err := n.elem.encode(m, at+i*n.elem.wit.Size, unsafe.Add(p, uintptr(i)*n.elem.size))
			if err != nil {
				return In(elementStep(int(i)), err)
			}
		}
	case opMap:
		return n.encodeMap(m, at, *(*unsafe.Pointer)(p))
	case opStruct:
		return n.encodeStruct(m, at, p)
	case opEnum:
		i := readInt(p, n.size, isSigned(n.typ))
		if i >= uint64(len(n.wit.Cases)) {
			return invalid("%s has no case %d", n.typ, int64(i))
		}
		putCase(to, n.wit.Disc, uint32(i))
	case opEnumName:
		return n.wit.putName(to, *(*string)(p))
	case opFlags:
		bits := readInt(p, n.size, false)
		if bits&^n.mask != 0 {
			return invalid("%s has no flag for the bits %#x", n.typ, bits&^n.mask)
		}
		writeInt(to, uintptr(n.wit.Size), uint32(bits))
	case opPointer:
		if value := *(*unsafe.Pointer)(p); value != nil {
			return n.encodeSome(m, at, value)
		}
	case opOption:
		if *(*bool)(unsafe.Add(p, n.at[1])) {
			return n.encodeSome(m, at, unsafe.Add(p, n.at[0]))
		}
	case opResult:
		return n.encodeResult(m, at, p)
	case opNamedCase:
		name, value := *(*string)(unsafe.Add(p, n.at[0])), *(*any)(unsafe.Add(p, n.at[1]))
		return n.planner.encodeCase(m, at, n.wit, name, value)
	case opInterface:
		return n.encodeInterface(m, at, *(*interface{ method() })(p))
	case opHandle:
		return n.encodeHandle(m, at, p)
	case opAny:
		return n.planner.encodeAny(m, at, n.wit, *(*any)(p))
	}
	return nil
}

func (n *node) encodeStruct(m *Message, at uint32, p unsafe.Pointer) error {
	for i := range n.fields {
		f := &n.fields[i]
		var err error
		switch {
		case f.op == opCopy && f.node == nil:
			copyBytes(unsafe.Add(m.base, at+f.at), unsafe.Add(p, f.off), f.n)
		case f.op == opString:
			err = m.putString(at+f.at, *(*string)(unsafe.Add(p, f.off)))
		default:
			err = f.node.encode(m, at+f.at, unsafe.Add(p, f.off))
		}
		if err != nil {
			return In(f.step, err)
		}
	}
	return nil
}

// encodeSlice writes a list of n elements.
func (n *node) encodeSlice(m *Message, at uint32, data unsafe.Pointer, count int) error {
	elem := n.elem
	size := uint64(elem.wit.Size)
	if uint64(count) > math.MaxUint32/size {
		return invalid("a list of %d elements takes more than 4 GiB", count)
	}
	bytes := uint64(count) * size
	if count == 0 {
		putRef(unsafe.Add(m.base, at), 0, 0)
		return nil
	}
	if elem.copies() && m.segmented && bytes >= MinSegment {
		putRef(unsafe.Add(m.base, at), m.segment(data, uintptr(bytes)), uint32(count))
		return nil
	}
	block, err := m.reserve(bytes, elem.wit.Align)
	if err != nil {
		return err
	}
	putRef(unsafe.Add(m.base, at), block, uint32(count))
	to := unsafe.Add(m.base, block)
	if elem.copies() || elem.op == opBool {
		copy(unsafe.Slice((*byte)(to), bytes), unsafe.Slice((*byte)(data), bytes))
		return nil
	}
	if elem.wit.padded {
		clear(unsafe.Slice((*byte)(to), bytes))
	}
	for i := range count {
		from := unsafe.Add(data, uintptr(i)*elem.size)
		switch elem.op {
		case opStruct:
			err = elem.encodeStruct(m, block+uint32(i)*elem.wit.Size, from)
		case opString:
			err = m.putString(block+uint32(i)*elem.wit.Size, *(*string)(from))
		default:
			err = elem.encode(m, block+uint32(i)*elem.wit.Size, from)
		}
		if err != nil {
			return In(elementStep(i), err)
		}
	}
	return nil
}

// encodeMap writes a map, given by what a variable of its type holds.
func (n *node) encodeMap(m *Message, at uint32, value unsafe.Pointer) error {
	// This moves the parameter to the heap, but not the variable that it comes from.
	entries := reflect.NewAt(n.typ, unsafe.Pointer(&value)).Elem()
	count, entry := entries.Len(), n.wit.Elem
	if uint64(count) > math.MaxUint32/uint64(entry.Size) {
		return invalid("a map of %d entries takes more than 4 GiB", count)
	}
	if count == 0 {
		putRef(unsafe.Add(m.base, at), 0, 0)
		return nil
	}
	block, err := m.block(uint64(count)*uint64(entry.Size), entry.Align)
	if err != nil {
		return err
	}
	putRef(unsafe.Add(m.base, at), block, uint32(count))
	k, v := reflect.New(n.typ.Key()), reflect.New(n.typ.Elem())
	i := 0
	for iter := entries.MapRange(); iter.Next(); i++ {
		if i == count {
			break
		}
		k.Elem().SetIterKey(iter)
		v.Elem().SetIterValue(iter)
		to := block + uint32(i)*entry.Size
		if err := n.key.encode(m, to, k.UnsafePointer()); err != nil {
			return In("key", err)
		}
		if err := n.elem.encode(m, to+entry.Fields[1].Offset, v.UnsafePointer()); err != nil {
			return In(fmt.Sprintf("value of %v", k.Elem()), err)
		}
	}
	if i != count {
		return invalid("the map was changed while it was encoded")
	}
	m.sortEntries(block, count, entry)
	return nil
}

// encodeSome writes the value of an option.
func (n *node) encodeSome(m *Message, at uint32, p unsafe.Pointer) error {
	*(*uint8)(unsafe.Add(m.base, at)) = 1
	return In("some", n.elem.encode(m, at+n.wit.Payload, p))
}

func (n *node) encodeResult(m *Message, at uint32, p unsafe.Pointer) error {
	payload, step, value := n.elem, "ok", unsafe.Add(p, n.at[0])
	failed := *(*bool)(unsafe.Add(p, n.last))
	*(*bool)(unsafe.Add(m.base, at)) = failed
	if failed {
		payload, step, value = n.err, "err", unsafe.Add(p, n.at[1])
	}
	if payload.op == opNothing { // where it would be may be the end of the message
		return nil
	}
	return In(step, payload.encode(m, at+n.wit.Payload, value))
}

// encodeInterface writes the variant that an interface holds.
func (n *node) encodeInterface(m *Message, at uint32, held any) error {
	if held == nil {
		return invalid("nil is no case of %s", n.typ)
	}
	w := *(*words)(unsafe.Pointer(&held))
	for i := range n.cases {
		c := &n.cases[i]
		p := w[1]
		switch w[0] {
		case c.pointer:
			if p == nil {
				return In(c.step, invalid("a nil pointer"))
			}
		case c.word:
			if c.value.direct {
				p = unsafe.Pointer(&w[1])
			}
		default:
			continue
		}
		putCase(unsafe.Add(m.base, at), n.wit.Disc, uint32(i))
		if c.payload == nil {
			return nil
		}
		return In(c.step, c.payload.encode(m, at+n.wit.Payload, unsafe.Add(p, c.off)))
	}
	return invalid("%T is no case of %s", held, n.typ)
}

// encodeHandle gives the codec a copy, since nobody knows what it does with a pointer.
func (n *node) encodeHandle(m *Message, at uint32, p unsafe.Pointer) error {
	if n.typ.Kind() == reflect.Interface {
		m.scratch = *(*words)(p)
	} else {
		m.scratch[0] = *(*unsafe.Pointer)(p)
	}
	handle, err := n.codec.Lower(m, unsafe.Pointer(&m.scratch))
	m.scratch = words{}
	if err != nil {
		return &ValueError{Reason: err.Error(), Err: err}
	}
	putUint32(unsafe.Add(m.base, at), handle)
	return nil
}

// putName writes the case of an enum that has a name.
func (t *Type) putName(to unsafe.Pointer, name string) error {
	i := t.caseNamed(name)
	if i < 0 {
		return invalid("there is no case %q", name)
	}
	putCase(to, t.Disc, uint32(i))
	return nil
}

// putString writes a string, which must be UTF-8: a guest has no other.
func (m *Message) putString(at uint32, s string) error {
	start, n := m.len, len(s)
	if n == 0 || n >= MinSegment || n > m.cap-start || !validUTF8(s) {
		return m.putOtherString(at, s)
	}
	m.len = start + n
	copy(unsafe.Slice((*byte)(unsafe.Add(m.base, start)), n), s)
	putRef(unsafe.Add(m.base, at), uint32(start), uint32(n))
	return nil
}

// putOtherString writes a string that is empty or large, that the memory has no room for yet, or that is not valid.
func (m *Message) putOtherString(at uint32, s string) error {
	ptr := uint32(0)
	switch {
	case s == "":
	case len(s) > math.MaxInt32:
		return invalid("a string of more than 2 GiB")
	case !validUTF8(s):
		return invalid("the string is not UTF-8")
	case m.segmented && len(s) >= MinSegment:
		ptr = m.segment(unsafe.Pointer(unsafe.StringData(s)), uintptr(len(s)))
	default:
		block, err := m.reserve(uint64(len(s)), 1)
		if err != nil {
			return err
		}
		ptr = block
		copy(unsafe.Slice((*byte)(unsafe.Add(m.base, block)), len(s)), s)
	}
	putRef(unsafe.Add(m.base, at), ptr, uint32(len(s)))
	return nil
}

// validUTF8 is utf8.ValidString, faster for ASCII.
func validUTF8(s string) bool {
	const high = 0x8080808080808080
	p, n, i := unsafe.Pointer(unsafe.StringData(s)), len(s), 0
	if n < 8 {
		return utf8.ValidString(s)
	}
	for ; i+32 <= n; i += 32 {
		b := (*[4]uint64)(unsafe.Add(p, i))
		if (b[0]|b[1]|b[2]|b[3])&high != 0 {
			return utf8.ValidString(s[i:])
		}
	}
	rest := *(*uint64)(unsafe.Add(p, n-8)) // the last bytes, and some that have been seen
	for ; i+8 <= n; i += 8 {
		rest |= *(*uint64)(unsafe.Add(p, i))
	}
	return rest&high == 0 || utf8.ValidString(s)
}
