package canon

import (
	"math"
	"runtime"
	"unsafe"
)

// MinSegment is how many bytes a list of numbers or a string has at least that is not copied into the message but
// handed over where it is.
const MinSegment = 8 << 10

// segmentBit is set in a pointer that is the number of a segment.
const segmentBit = 1 << 31

// Message is what Go values are encoded into: the parameters of a call of a guest, or the result of a host function.
// One message serves many calls, one after the other; [Message.Reset] begins each. The zero value can be used after a
// Reset.
//
// Bytes of the memory that belong to no value are zero, but for those between the numbers of a list's elements: these
// are as Go has them, and the native library makes them zero where the guest sees them.
type Message struct {
	// Grow returns memory of at least n bytes that begins with what was written so far, or nil if there is none. It is
	// called when the memory of Reset does not suffice; nil means that there is never more.
	Grow func(m *Message, n int) []byte
	// Context is for the codecs of [Handles].
	Context any

	base unsafe.Pointer
	len  int
	cap  int

	segmented bool
	segments  []Segment
	pinner    runtime.Pinner
	scratch   words
}

// Segment is memory of Go that a message refers to.
type Segment struct {
	Data unsafe.Pointer
	Len  uintptr
}

// Reset begins a message in memory: all of it, whatever is in there. segmented allows segments; they need
// [Message.Unpin].
func (m *Message) Reset(memory []byte, segmented bool) {
	m.Unpin()
	m.base, m.len, m.cap = unsafe.Pointer(unsafe.SliceData(memory)), 0, min(len(memory), math.MaxInt32)
	m.segmented = segmented
}

// Len returns how many bytes the message has so far.
func (m *Message) Len() int { return m.len }

// Bytes returns the message, in the memory that it was written to.
func (m *Message) Bytes() []byte { return unsafe.Slice((*byte)(m.base), m.len) }

// Segments returns what the message refers to: segment i is the pointer 0x8000_0000 | i. The memory is pinned.
func (m *Message) Segments() []Segment { return m.segments }

// ListSegments writes the list of the segments behind the message, which does not become longer, and returns it: memory
// that need not be pinned if that of the message is none of Go's. There is at least one segment.
func (m *Message) ListSegments() ([]Segment, error) {
	end, n := m.len, len(m.segments)
	at, err := m.reserve(uint64(n)*uint64(unsafe.Sizeof(Segment{})), uint32(unsafe.Alignof(Segment{})))
	m.len = end
	if err != nil {
		return nil, err
	}
	list := unsafe.Slice((*segmentEntry)(unsafe.Add(m.base, at)), n)
	for i, s := range m.segments {
		list[i] = segmentEntry{uintptr(s.Data), s.Len}
	}
	return unsafe.Slice((*Segment)(unsafe.Pointer(&list[0])), n), nil
}

// segmentEntry is a segment where the garbage collector does not look: writing a pointer there would tell it of one.
type segmentEntry struct{ data, len uintptr }

// Unpin lets go of the segments. It costs nothing if there are none.
func (m *Message) Unpin() {
	if len(m.segments) > 0 {
		m.pinner.Unpin()
		clear(m.segments)
		m.segments = m.segments[:0]
	}
}

// Block reserves a block of zeroes and returns its offset: the first is that of the parameters or of the result.
func (m *Message) Block(size, align uint32) (uint32, error) {
	return m.block(uint64(size), align)
}

func (m *Message) block(size uint64, align uint32) (uint32, error) {
	if size == 0 {
		return 0, nil
	}
	at, err := m.reserve(size, align)
	if err == nil {
		clear(unsafe.Slice((*byte)(unsafe.Add(m.base, at)), size))
	}
	return at, err
}

// PutCase writes which case the variant, option, result or enum at an offset has. The payload is at [Type.Payload].
func (m *Message) PutCase(at uint32, t *Type, n int) {
	putCase(unsafe.Add(m.base, at), t.Disc, uint32(n))
}

// reserve appends memory to the message, whatever is in it.
func (m *Message) reserve(size uint64, to uint32) (uint32, error) {
	at := align(uint64(m.len), to)
	end := at + size
	if end > math.MaxInt32 {
		return 0, invalid("all values of a call together take more than 2 GiB")
	}
	if end > uint64(m.cap) {
		if err := m.grow(int(end)); err != nil {
			return 0, err
		}
	}
	if gap := int(at) - m.len; gap > 0 {
		clear(unsafe.Slice((*byte)(unsafe.Add(m.base, m.len)), gap))
	}
	m.len = int(end)
	return uint32(at), nil
}

func (m *Message) grow(n int) error {
	var memory []byte
	if m.Grow != nil {
		memory = m.Grow(m, min(max(n, 2*m.cap), math.MaxInt32))
	}
	if len(memory) < n {
		return invalid("there is no memory for a message of %d bytes", n)
	}
	m.base, m.cap = unsafe.Pointer(unsafe.SliceData(memory)), min(len(memory), math.MaxInt32)
	return nil
}

// segment makes memory part of the message without a copy. What does not belong to Go, like a mapped file, need not be
// pinned, and the pinner ignores it.
func (m *Message) segment(data unsafe.Pointer, n uintptr) uint32 {
	m.pinner.Pin(data)
	m.segments = append(m.segments, Segment{data, n})
	return segmentBit | uint32(len(m.segments)-1)
}

// View is a message that Go values are decoded from. One view serves many messages, one after the other;
// [View.Reset] begins each. Nothing in a message is trusted.
type View struct {
	// Context is for the codecs of [Handles].
	Context any
	// Alias lets slices of numbers, []byte above all, point into the message instead of into a copy: they are good as
	// long as the message is.
	Alias bool
	// Limit is about how many bytes of Go's memory the values of a message may take, or their text; 0 is no limit. What
	// is small for a guest can be large in Go.
	Limit uint64
	// Raise, if it is not nil, returns a limit that may be larger. It is asked when Limit is not enough.
	Raise func(v *View) uint64

	base unsafe.Pointer
	len  uint64
	// list is what Place has said.
	list []byte
	// left is how many bytes strings and lists may still refer to: no byte of a message is referred to twice.
	left uint64
	// taken is what counts for the limit.
	taken uint64
	text  textCopy
	// grown and lifted are where values are made that others store.
	grown  slice
	lifted words
}

// Reset begins to decode a message.
func (v *View) Reset(message []byte) {
	v.base, v.len = unsafe.Pointer(unsafe.SliceData(message)), uint64(len(message))
	v.left, v.taken = v.len, 0
	if v.text.to > 0 {
		v.text = textCopy{}
	}
	if v.list != nil {
		v.list = nil
	}
}

// Place says where the list is that the message refers to as segment 0, and not as a part of itself: in memory that
// [Plan.List] has returned, for a value of that plan.
func (v *View) Place(list []byte) { v.list = list }

// Case returns which case the variant, option, result or enum at an offset has.
func (v *View) Case(at uint32, t *Type) (int, error) {
	if err := v.check(at, t); err != nil {
		return 0, err
	}
	n, err := getCase(unsafe.Add(v.base, at), t)
	return int(n), err
}

// check tells whether a value of a type can be at an offset.
func (v *View) check(at uint32, t *Type) error {
	if uint64(at)+uint64(t.Size) > v.len {
		return invalid("the message has %d bytes, and no %s at %d", v.len, t.short(), at)
	}
	return nil
}

// use checks the same for a value that is about to be decoded.
func (v *View) use(at uint32, t *Type) error {
	if err := v.check(at, t); err != nil {
		return err
	}
	v.left -= min(v.left, uint64(t.Size))
	return nil
}

// charge counts memory that is about to be allocated.
func (v *View) charge(n uint64) error {
	v.taken += n
	if v.taken > v.Limit && v.Limit > 0 {
		return v.raised()
	}
	return nil
}

// raised asks for a larger limit.
func (v *View) raised() error {
	if v.Raise != nil {
		v.Limit = max(v.Limit, v.Raise(v))
	}
	if v.taken > v.Limit {
		return invalid("the values take more than %d bytes in Go", v.Limit)
	}
	return nil
}

// numbers is block for a list of what is copied, which may be where Place has said.
func (v *View) numbers(ptr, n, size uint32) (unsafe.Pointer, error) {
	if ptr != segmentBit || uint64(len(v.list)) < uint64(n)*uint64(size) {
		return v.block(ptr, n, size)
	}
	list := unsafe.Pointer(unsafe.SliceData(v.list))
	v.list = nil // once
	return list, nil
}

// block returns where n elements are that a list refers to.
func (v *View) block(ptr, n, size uint32) (unsafe.Pointer, error) {
	bytes := uint64(n) * uint64(size)
	if uint64(ptr)+bytes > v.len {
		return nil, invalid("the message has %d bytes, and not %d at %d", v.len, bytes, ptr)
	}
	if bytes > v.left {
		return nil, invalid("the message refers to more than it holds")
	}
	v.left -= bytes
	return unsafe.Add(v.base, ptr), nil
}
