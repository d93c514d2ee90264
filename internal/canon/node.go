package canon

import (
	"fmt"
	"reflect"
	"unsafe"
)

// op is what a node does with a value.
type op uint8

const (
	opCopy      op = iota // bytes that are the same in Go and in a message
	opBool                // a bool
	opChar                // a rune
	opString              // a string
	opSlice               // a slice
	opArray               // an array
	opMap                 // a map
	opStruct              // a struct for a record or tuple, or an array for a tuple
	opEnum                // an integer for an enum
	opEnumName            // a string for an enum
	opFlags               // an integer for flags
	opPointer             // a pointer for an option
	opOption              // a struct with OptionTag
	opResult              // a struct with ResultTag
	opNamedCase           // a struct with VariantTag
	opInterface           // an interface for a variant
	opHandle              // what Handles carries
	opAny                 // an any
	opNothing             // struct{} for a payload that is not there
)

// node carries values of one Go type as one WIT type. It is the part of a plan for one type.
type node struct {
	op   op
	wit  *Type
	typ  reflect.Type
	size uintptr // of the Go type
	// gaps are the bytes that opCopy copies and that are part of no value.
	gaps []gap
	// direct tells whether an interface that holds the Go type is the value rather than a pointer to it.
	direct bool

	elem   *node       // of slices, arrays, options
	key    *node       // of maps, whose values elem is
	fields []fieldNode // of structs
	cases  []caseNode  // of interfaces
	// err is the other payload of a result, whose ok elem is.
	err *node
	// at are the offsets of the fields of tagged structs; the first one is the tag's and is left out.
	at [2]uintptr
	// last is where a result's bool is.
	last uintptr
	// mask are the bits of flags that have a name.
	mask uint64
	// once tells that a key may be in a map once only.
	once    bool
	codec   HandleCodec
	planner *Planner
}

// fieldNode is a field of a struct; several that can be copied at once are one.
type fieldNode struct {
	op   op
	n    uint32  // the number of bytes for opCopy
	at   uint32  // in the message
	off  uintptr // in Go
	node *node
	step string
}

// caseNode is a case of a variant that is an interface.
type caseNode struct {
	step string
	// word is the type in an interface that holds the case, and pointer that of a pointer to it.
	word, pointer unsafe.Pointer
	// table is the first word of the interface after decoding.
	table unsafe.Pointer
	// value is the node of the type that is allocated, and payload that of what is in it at an offset: nil if the case
	// has no payload.
	value   *node
	payload *node
	off     uintptr
	// byPointer tells that it is pointers that have the interface's method.
	byPointer bool
}

// gap is a number of bytes at an offset.
type gap struct{ at, n uint32 }

// maxGaps is how many gaps a value has at most that is copied as a whole.
const maxGaps = 16

// copies tells whether a value can be copied.
func (n *node) copies() bool { return n.op == opCopy }

// becomeCopy makes a node copy if the values have the same layout in Go and in a message.
func (n *node) becomeCopy() {
	if !n.wit.numeric || n.size != uintptr(n.wit.Size) {
		return
	}
	switch n.op {
	case opArray:
		if !n.elem.copies() {
			return
		}
	case opStruct:
		if n.typ.Kind() == reflect.Struct && n.typ.NumField() != len(n.wit.Fields) {
			return // a field that the record does not have would be copied too
		}
		for _, f := range n.fields {
			if !f.node.copies() || f.off != uintptr(f.at) {
				return
			}
		}
	default:
		return
	}
	if gaps, ok := gapsOf(n.wit, 0, nil); ok {
		n.op, n.gaps = opCopy, gaps
	}
}

// gapsOf appends the gaps of a numeric type, as long as there are not too many.
func gapsOf(t *Type, at uint32, gaps []gap) ([]gap, bool) {
	if !t.padded {
		return gaps, true
	}
	ok := true
	switch t.Kind {
	case FixedList:
		if t.Len > maxGaps {
			return nil, false
		}
		for i := range t.Len {
			if gaps, ok = gapsOf(t.Elem, at+i*t.Elem.Size, gaps); !ok {
				return nil, false
			}
		}
	case Record, Tuple:
		end := at
		for _, f := range t.Fields {
			if start := at + f.Offset; start > end {
				gaps = append(gaps, gap{end, start - end})
			}
			if gaps, ok = gapsOf(f.Type, at+f.Offset, gaps); !ok {
				return nil, false
			}
			end = at + f.Offset + f.Type.Size
		}
		if at+t.Size > end {
			gaps = append(gaps, gap{end, at + t.Size - end})
		}
	}
	return gaps, len(gaps) <= maxGaps
}

// clearGaps makes the gaps of a copied value zero.
func clearGaps(gaps []gap, p unsafe.Pointer) {
	for _, g := range gaps {
		clear(unsafe.Slice((*byte)(unsafe.Add(p, g.at)), g.n))
	}
}

// copyBytes copies few bytes faster than a call of memmove.
func copyBytes(to, from unsafe.Pointer, n uint32) {
	switch n {
	case 1:
		*(*[1]byte)(to) = *(*[1]byte)(from)
	case 2:
		*(*[2]byte)(to) = *(*[2]byte)(from)
	case 4:
		*(*[4]byte)(to) = *(*[4]byte)(from)
	case 8:
		*(*[8]byte)(to) = *(*[8]byte)(from)
	case 16:
		*(*[16]byte)(to) = *(*[16]byte)(from)
	default:
		copy(unsafe.Slice((*byte)(to), n), unsafe.Slice((*byte)(from), n))
	}
}

// putCase writes a discriminant.
func putCase(p unsafe.Pointer, size uint8, n uint32) {
	switch size {
	case 1:
		*(*uint8)(p) = uint8(n)
	case 2:
		putUint16(p, uint16(n))
	default:
		putUint32(p, n)
	}
}

// getCase reads a discriminant.
func getCase(p unsafe.Pointer, t *Type) (uint32, error) {
	n := uint32(0)
	switch t.Disc {
	case 1:
		n = uint32(*(*uint8)(p))
	case 2:
		n = uint32(uint16At(p))
	default:
		n = uint32At(p)
	}
	if uint64(n) >= uint64(len(t.Cases)) {
		return 0, invalid("there is no case %d", n)
	}
	return n, nil
}

// The machines that there are archives for are little-endian, as messages are. Offsets in a message need no alignment.

func uint16At(p unsafe.Pointer) uint16 { return *(*uint16)(p) }
func uint32At(p unsafe.Pointer) uint32 { return *(*uint32)(p) }

func putUint16(p unsafe.Pointer, n uint16) { *(*uint16)(p) = n }
func putUint32(p unsafe.Pointer, n uint32) { *(*uint32)(p) = n }

// putRef writes what a string or list is in a message.
func putRef(p unsafe.Pointer, ptr, n uint32) {
	putUint32(p, ptr)
	putUint32(unsafe.Add(p, 4), n)
}

// readInt reads an integer of Go of a size in bytes; a negative one becomes a large one.
func readInt(p unsafe.Pointer, size uintptr, signed bool) uint64 {
	switch {
	case size == 1 && signed:
		return uint64(*(*int8)(p))
	case size == 1:
		return uint64(*(*uint8)(p))
	case size == 2 && signed:
		return uint64(*(*int16)(p))
	case size == 2:
		return uint64(*(*uint16)(p))
	case size == 4 && signed:
		return uint64(*(*int32)(p))
	case size == 4:
		return uint64(*(*uint32)(p))
	}
	return *(*uint64)(p)
}

// writeInt writes an integer of Go of a size in bytes.
func writeInt(p unsafe.Pointer, size uintptr, n uint32) {
	switch size {
	case 1:
		*(*uint8)(p) = uint8(n)
	case 2:
		*(*uint16)(p) = uint16(n)
	case 4:
		*(*uint32)(p) = n
	default:
		*(*uint64)(p) = uint64(n)
	}
}

// isSigned tells whether an integer type of Go is signed.
func isSigned(t reflect.Type) bool { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 }

// isChar tells whether a number is a Unicode scalar value.
func isChar(c uint32) bool { return c < 0xd800 || c > 0xdfff && c <= 0x10ffff }

// How values lie in interfaces: the type, or the table of methods for an interface with methods, and a pointer to the
// value, or the value itself if that is one pointer.
type words [2]unsafe.Pointer

// typeWord is the first word of an any that holds a type.
func typeWord(t reflect.Type) unsafe.Pointer { return (*words)(unsafe.Pointer(&t))[1] }

// isDirect tells whether an interface that holds a type is the value itself.
func isDirect(t reflect.Type) bool {
	zero := reflect.Zero(t).Interface()
	return (*words)(unsafe.Pointer(&zero))[1] == nil
}

// empty is what pointers to values without a size point to.
var empty struct{}

// alloc makes a zero value and returns a pointer to it.
func (n *node) alloc() unsafe.Pointer {
	switch {
	case n.size == 0:
		return unsafe.Pointer(&empty)
	case n.op == opString:
		return unsafe.Pointer(new(string))
	case n.op != opCopy:
	case n.size == 4:
		return unsafe.Pointer(new(uint32))
	case n.size == 8 && n.typ.Align() == 8:
		return unsafe.Pointer(new(uint64))
	}
	return reflect.New(n.typ).UnsafePointer()
}

// box makes an any of a value that alloc has made.
func (n *node) box(p unsafe.Pointer) (v any) {
	if n.direct {
		p = *(*unsafe.Pointer)(p)
	}
	*(*words)(unsafe.Pointer(&v)) = words{typeWord(n.typ), p}
	return v
}

func elementStep(i int) string { return fmt.Sprintf("element %d", i) }
