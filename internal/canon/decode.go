package canon

import (
	"fmt"
	"reflect"
	"unsafe"
)

// decode reads the value at an offset, where the message is known to have it, into the zero value at p. It keeps no
// pointer to there.
func (n *node) decode(v *View, at uint32, p unsafe.Pointer) error {
	from := unsafe.Add(v.base, at)
	switch n.op {
	case opCopy:
		copyBytes(p, from, n.wit.Size)
	case opBool:
		b := *(*uint8)(from)
		if b > 1 {
			return invalid("%d is no bool", b)
		}
		*(*bool)(p) = b == 1
	case opChar:
		c := uint32At(from)
		if !isChar(c) {
			return invalid("%#x is not a Unicode scalar value", c)
		}
		*(*uint32)(p) = c
	case opString:
		s, err := v.str(at)
		if err != nil {
			return err
		}
		*(*string)(p) = s
	case opSlice:
		return n.decodeSlice(v, at, p)
	case opArray:
		for i := range n.wit.Len {
			err := n.elem.decode(v, at+i*n.elem.wit.Size, unsafe.Add(p, uintptr(i)*n.elem.size))
			if err != nil {
				return In(elementStep(int(i)), err)
			}
		}
	case opMap:
		return n.decodeMap(v, at, p)
	case opStruct:
		return n.decodeStruct(v, at, p)
	case opEnum:
		i, err := getCase(from, n.wit)
		if err != nil {
			return err
		}
		writeInt(p, n.size, i)
	case opEnumName:
		i, err := getCase(from, n.wit)
		if err != nil {
			return err
		}
		*(*string)(p) = n.wit.Cases[i].Name
	case opFlags:
		bits := readInt(from, uintptr(n.wit.Size), false)
		if bits&^n.mask != 0 {
			return invalid("there is no flag for the bits %#x", bits&^n.mask)
		}
		writeInt(p, n.size, uint32(bits))
	case opPointer, opOption:
		return n.decodeOption(v, at, p)
	case opResult:
		return n.decodeResult(v, at, p)
	case opNamedCase:
		i, value, err := n.planner.decodeCase(v, at, n.wit)
		if err != nil {
			return err
		}
		*(*string)(unsafe.Add(p, n.at[0])) = n.wit.Cases[i].Name
		*(*any)(unsafe.Add(p, n.at[1])) = value
	case opInterface:
		return n.decodeInterface(v, at, p)
	case opHandle:
		return n.decodeHandle(v, uint32At(from), p)
	case opAny:
		value, err := n.planner.decodeAny(v, at, n.wit)
		if err != nil {
			return err
		}
		*(*any)(p) = value
	}
	return nil
}

func (n *node) decodeStruct(v *View, at uint32, p unsafe.Pointer) error {
	for i := range n.fields {
		f := &n.fields[i]
		var err error
		switch {
		case f.op == opCopy && f.node == nil:
			copyBytes(unsafe.Add(p, f.off), unsafe.Add(v.base, at+f.at), f.n)
		case f.op == opString:
			var s string
			if s, err = v.str(at + f.at); err == nil {
				*(*string)(unsafe.Add(p, f.off)) = s
			}
		default:
			err = f.node.decode(v, at+f.at, unsafe.Add(p, f.off))
		}
		if err != nil {
			return In(f.step, err)
		}
	}
	return nil
}

func (n *node) decodeSlice(v *View, at uint32, p unsafe.Pointer) error {
	from := unsafe.Add(v.base, at)
	ptr, count := uint32At(from), uint32At(unsafe.Add(from, 4))
	if count == 0 {
		n.makeSlice(v, p, 0)
		return nil
	}
	if n.elem.copies() {
		block, err := v.numbers(ptr, count, n.elem.wit.Size)
		if err != nil {
			return err
		}
		return n.copySlice(v, block, int(count), p)
	}
	if _, err := v.block(ptr, count, n.elem.wit.Size); err != nil {
		return err
	}
	return n.decodeElements(v, ptr, count, p)
}

// decodeElements reads a slice of some elements, which the message is known to have.
func (n *node) decodeElements(v *View, at, count uint32, p unsafe.Pointer) error {
	elem := n.elem
	if elem.copies() {
		return n.copySlice(v, unsafe.Add(v.base, at), int(count), p)
	}
	if err := v.charge(uint64(count) * uint64(elem.size)); err != nil {
		return err
	}
	data := n.makeSlice(v, p, int(count))
	for i := range count {
		to := unsafe.Add(data, uintptr(i)*elem.size)
		var err error
		switch elem.op {
		case opStruct:
			err = elem.decodeStruct(v, at+i*elem.wit.Size, to)
		case opString:
			var s string
			if s, err = v.str(at + i*elem.wit.Size); err == nil {
				*(*string)(to) = s
			}
		default:
			err = elem.decode(v, at+i*elem.wit.Size, to)
		}
		if err != nil {
			return In(elementStep(int(i)), err)
		}
	}
	return nil
}

// slice is how a slice lies in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// makeSlice stores a new slice of n zero elements at p, which is empty but not nil if there are none, and returns
// its elements.
func (n *node) makeSlice(v *View, p unsafe.Pointer, count int) unsafe.Pointer {
	if count == 0 {
		if s := (*slice)(p); s.data == nil || !n.elem.copies() {
			*s = slice{data: unsafe.Pointer(&empty)}
		} else {
			s.len = 0
		}
		return nil
	}
	if n.elem.op == opString {
		s := make([]string, count)
		*(*[]string)(p) = s
		return unsafe.Pointer(unsafe.SliceData(s))
	}
	// Reflection would move what it gets to the heap; what p points to may be on the stack.
	v.grown = slice{}
	reflect.NewAt(n.typ, unsafe.Pointer(&v.grown)).Elem().Grow(count)
	data := v.grown.data
	v.grown = slice{}
	*(*slice)(p) = slice{data, count, count}
	return data
}

// copySlice stores a slice of a block's bytes at p: an alias, or a copy in the memory that the slice there has, or in
// new memory.
func (n *node) copySlice(v *View, block unsafe.Pointer, count int, p unsafe.Pointer) error {
	elem := n.elem
	bytes, to := uintptr(count)*elem.size, (*slice)(p)
	switch {
	case v.Alias && uintptr(block)%uintptr(elem.typ.Align()) == 0:
		*to = slice{block, count, count}
		return nil
	case to.cap >= count && to.data == block: // see View.Place
		to.len = count
		return nil
	case to.cap >= count:
		to.len = count
		copy(unsafe.Slice((*byte)(to.data), bytes), unsafe.Slice((*byte)(block), bytes))
		return nil
	}
	if err := v.charge(uint64(bytes)); err != nil {
		return err
	}
	*to = slice{cloned(block, bytes, elem.typ.Align()), count, count}
	return nil
}

// cloned returns a copy of bytes with the alignment of a type that holds no pointers.
func cloned(block unsafe.Pointer, bytes uintptr, align int) (data unsafe.Pointer) {
	// Appending does not make the new memory zero first.
	switch align {
	case 1:
		data = unsafe.Pointer(unsafe.SliceData(append([]uint8(nil), unsafe.Slice((*uint8)(block), bytes)...)))
	case 2:
		data = unsafe.Pointer(unsafe.SliceData(append([]uint16(nil), unsafe.Slice((*uint16)(block), bytes/2)...)))
	case 4:
		data = unsafe.Pointer(unsafe.SliceData(append([]uint32(nil), unsafe.Slice((*uint32)(block), bytes/4)...)))
	default:
		data = unsafe.Pointer(unsafe.SliceData(append([]uint64(nil), unsafe.Slice((*uint64)(block), bytes/8)...)))
	}
	return data
}

func (n *node) decodeMap(v *View, at uint32, p unsafe.Pointer) error {
	entry := n.wit.Elem
	from := unsafe.Add(v.base, at)
	ptr, count := uint32At(from), uint32At(unsafe.Add(from, 4))
	if count > 0 {
		if _, err := v.block(ptr, count, entry.Size); err != nil {
			return err
		}
	}
	if err := v.charge(mapCost(uint64(count), n.key.size+n.elem.size)); err != nil {
		return err
	}
	entries := reflect.MakeMapWithSize(n.typ, int(count))
	key, value := reflect.New(n.typ.Key()), reflect.New(n.typ.Elem())
	for i := range count {
		key.Elem().SetZero()
		value.Elem().SetZero()
		if err := n.key.decode(v, ptr+i*entry.Size, key.UnsafePointer()); err != nil {
			return In("key", err)
		}
		err := n.elem.decode(v, ptr+i*entry.Size+entry.Fields[1].Offset, value.UnsafePointer())
		if err != nil {
			return In(fmt.Sprintf("value of %v", key.Elem()), err)
		}
		if !key.Elem().Comparable() {
			return In("key", invalid("a map of Go cannot have this key"))
		}
		entries.SetMapIndex(key.Elem(), value.Elem())
		if n.once && entries.Len() != int(i)+1 {
			return In("key", invalid("%v is there twice, and a map of Go has each key once", key.Elem()))
		}
	}
	*(*unsafe.Pointer)(p) = entries.UnsafePointer()
	return nil
}

func (n *node) decodeOption(v *View, at uint32, p unsafe.Pointer) error {
	some, err := getCase(unsafe.Add(v.base, at), n.wit)
	if err != nil || some == 0 {
		return err
	}
	if n.op == opPointer {
		if err := v.charge(uint64(n.elem.size) + 8); err != nil {
			return err
		}
		value := n.elem.alloc()
		*(*unsafe.Pointer)(p) = value
		return In("some", n.elem.decode(v, at+n.wit.Payload, value))
	}
	*(*bool)(unsafe.Add(p, n.at[1])) = true
	return In("some", n.elem.decode(v, at+n.wit.Payload, unsafe.Add(p, n.at[0])))
}

func (n *node) decodeResult(v *View, at uint32, p unsafe.Pointer) error {
	failed, err := getCase(unsafe.Add(v.base, at), n.wit)
	if err != nil {
		return err
	}
	payload, step, value := n.elem, "ok", unsafe.Add(p, n.at[0])
	if failed == 1 {
		*(*bool)(unsafe.Add(p, n.last)) = true
		payload, step, value = n.err, "err", unsafe.Add(p, n.at[1])
	}
	if payload.op == opNothing { // where it would be may be the end of the message
		return nil
	}
	return In(step, payload.decode(v, at+n.wit.Payload, value))
}

func (n *node) decodeInterface(v *View, at uint32, p unsafe.Pointer) error {
	i, err := getCase(unsafe.Add(v.base, at), n.wit)
	if err != nil {
		return err
	}
	c := &n.cases[i]
	if err := v.charge(uint64(c.value.size)); err != nil {
		return err
	}
	value := c.value.alloc()
	if c.payload != nil {
		if err := c.payload.decode(v, at+n.wit.Payload, unsafe.Add(value, c.off)); err != nil {
			return In(c.step, err)
		}
	}
	if c.value.direct && !c.byPointer {
		value = *(*unsafe.Pointer)(value)
	}
	*(*words)(p) = words{c.table, value}
	return nil
}

// decodeHandle lets the codec store into the view, since nobody knows what it does with a pointer.
func (n *node) decodeHandle(v *View, handle uint32, p unsafe.Pointer) error {
	v.lifted = words{}
	err := n.codec.Lift(v, handle, unsafe.Pointer(&v.lifted))
	if err != nil {
		return &ValueError{Reason: err.Error(), Err: err}
	}
	if n.typ.Kind() == reflect.Interface {
		*(*words)(p) = v.lifted
	} else {
		*(*unsafe.Pointer)(p) = v.lifted[0]
	}
	v.lifted = words{}
	return nil
}

// textCopy is a copy of a part of a message, of which strings are parts.
type textCopy struct {
	from, to uint64
	copy     string
}

// maxText is how much is copied for strings that have not been reached, and how much a small string may keep from
// being collected.
const maxText = 64 << 10

// str reads the string at an offset.
func (v *View) str(at uint32) (string, error) {
	ref := unsafe.Add(v.base, at)
	ptr, n := uint32At(ref), uint32At(unsafe.Add(ref, 4))
	if n == 0 {
		return "", nil
	}
	start, end := uint64(ptr), uint64(ptr)+uint64(n)
	if end > v.len || uint64(n) > v.left {
		_, err := v.block(ptr, n, 1)
		return "", err
	}
	v.left -= uint64(n)
	t := &v.text
	if start < t.from || end > t.to {
		// The next strings are likely to follow, and then cost nothing. What has not been referred to yet is the most
		// that they can be.
		more := min(v.left, v.len-end, maxText)
		if uint64(n) > maxText {
			more = 0
		}
		if err := v.charge(uint64(n) + more); err != nil {
			return "", err
		}
		t.from, t.to = start, end+more
		t.copy = string(unsafe.Slice((*byte)(unsafe.Add(v.base, start)), t.to-t.from))
	}
	return t.copy[start-t.from : end-t.from], nil
}
