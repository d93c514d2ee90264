package canon

import (
	"cmp"
	"sort"
	"unsafe"
)

// entries are those of a map of Go in a message, to be sorted by key: so a guest sees the same map in the same order.
type entries struct {
	m     *Message
	at    uint32
	count int
	entry *Type
	swap  []byte
}

// sortEntries sorts what was encoded in a random order, if the keys have one.
func (m *Message) sortEntries(at uint32, count int, entry *Type) {
	if key := entry.Fields[0].Type.Kind; key <= String || key == Enum {
		sort.Sort(&entries{m, at, count, entry, make([]byte, entry.Size)})
	}
}

func (e *entries) Len() int { return e.count }

func (e *entries) pointer(i int) unsafe.Pointer {
	return unsafe.Add(e.m.base, e.at+uint32(i)*e.entry.Size)
}

func (e *entries) Swap(i, j int) {
	a := unsafe.Slice((*byte)(e.pointer(i)), e.entry.Size)
	b := unsafe.Slice((*byte)(e.pointer(j)), e.entry.Size)
	copy(e.swap, a)
	copy(a, b)
	copy(b, e.swap)
}

func (e *entries) Less(i, j int) bool {
	a, b := e.pointer(i), e.pointer(j)
	switch key := e.entry.Fields[0].Type; key.Kind {
	case String:
		return e.m.stringAt(a) < e.m.stringAt(b)
	case S8:
		return *(*int8)(a) < *(*int8)(b)
	case S16:
		return *(*int16)(a) < *(*int16)(b)
	case S32:
		return *(*int32)(a) < *(*int32)(b)
	case S64:
		return *(*int64)(a) < *(*int64)(b)
	case F32:
		return cmp.Less(*(*float32)(a), *(*float32)(b))
	case F64:
		return cmp.Less(*(*float64)(a), *(*float64)(b))
	default:
		return readInt(a, uintptr(key.Size), false) < readInt(b, uintptr(key.Size), false)
	}
}

// stringAt returns a string that has been encoded, as long as nothing else is.
func (m *Message) stringAt(ref unsafe.Pointer) string {
	ptr, n := uint32At(ref), uint32At(unsafe.Add(ref, 4))
	if ptr&segmentBit != 0 {
		return unsafe.String((*byte)(m.segments[ptr&^segmentBit].Data), n)
	}
	return unsafe.String((*byte)(unsafe.Add(m.base, ptr)), n)
}
