package canon_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// resolve copies the segments of a message into it, as the library does on its way to a guest.
func resolve(m *canon.Message, refs ...int) []byte {
	whole := bytes.Clone(m.Bytes())
	for _, at := range refs {
		ptr := binary.LittleEndian.Uint32(whole[at:])
		if ptr>>31 == 0 {
			continue
		}
		for len(whole)%16 != 0 {
			whole = append(whole, 0)
		}
		s := m.Segments()[ptr&^(1<<31)]
		binary.LittleEndian.PutUint32(whole[at:], uint32(len(whole)))
		whole = append(whole, unsafe.Slice((*byte)(s.Data), s.Len)...)
	}
	return whole
}

type Large struct {
	Bytes   []byte
	Text    string
	Numbers []uint32
	Points  []Point
	Bools   []bool
	Small   []byte
}

var tLarge = record("bytes", canon.ListType(tU8), "text", tString, "numbers", canon.ListType(tU32), "points", tPoints,
	"bools", canon.ListType(tBool), "small", canon.ListType(tU8))

func TestSegments(t *testing.T) {
	value := Large{
		Bytes:   bytes.Repeat([]byte{1}, canon.MinSegment),
		Text:    strings.Repeat("x", canon.MinSegment),
		Numbers: make([]uint32, canon.MinSegment/4),
		Points:  make([]Point, canon.MinSegment/16), // has gaps
		Bools:   make([]bool, canon.MinSegment),     // not numbers
		Small:   make([]byte, canon.MinSegment-1),
	}
	value.Numbers[7], value.Points[9].X, value.Bools[3] = 8, 10, true
	enc, dec := plans[Large](t, tLarge)
	for _, segmented := range []bool{true, false} {
		m := newMessage(0xaa)
		m.Reset(nil, segmented)
		at, _ := m.Block(tLarge.Size, tLarge.Align)
		if err := enc.Encode(m, at, unsafe.Pointer(&value)); err != nil {
			t.Fatal(err)
		}
		want := 0
		if segmented {
			want = 4
		}
		if n := len(m.Segments()); n != want {
			t.Errorf("%d segments, want %d", n, want)
		}
		if segmented && m.Segments()[0] != (canon.Segment{Data: unsafe.Pointer(&value.Bytes[0]), Len: canon.MinSegment}) {
			t.Errorf("the first segment is %v", m.Segments()[0])
		}
		if segmented {
			n := m.Len()
			list, err := m.ListSegments()
			if err != nil || !slices.Equal(list, m.Segments()) || m.Len() != n {
				t.Errorf("the list of segments is %v, %v, and the message has %d bytes", list, err, m.Len())
			}
		}
		message := resolve(m, 0, 8, 16, 24)
		m.Unpin()
		if len(m.Segments()) != 0 {
			t.Error("segments are left")
		}
		var v canon.View
		v.Reset(message)
		var got Large
		if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("the value is another, %v", err)
		}
	}
}

// What was made for a longer list is not kept for a shorter one, and nobody sees what is behind a list.
func TestTrimList(t *testing.T) {
	_, dec := plans[[]uint64](t, canon.ListType(tU64))
	const room = 10_000
	for _, test := range []struct {
		used, want int
		stays      bool
	}{{room, room, true}, {room/2 + 1, room/2 + 1, true}, {room/2 - 1, room/2 - 1, false}, {1000, 0, false}, {0, 0, false}} {
		var value []uint64
		dec.MakeList(unsafe.Pointer(&value), room)
		made := dec.List(unsafe.Pointer(&value))
		if len(made) != 8*room || len(value) != 0 {
			t.Fatalf("the new list has room for %d bytes, and %d elements", len(made), len(value))
		}
		value = value[:test.used]
		for i := range value {
			value[i] = uint64(i)
		}
		if n := dec.TrimList(unsafe.Pointer(&value)); n != test.want || len(value) != test.used || cap(value) != test.used || value == nil {
			t.Errorf("%d elements become %d, of %d, and the next list has room for %d", test.used, len(value), cap(value), n)
		}
		if stays := unsafe.Pointer(unsafe.SliceData(value)) == unsafe.Pointer(unsafe.SliceData(made)); stays != test.stays {
			t.Errorf("%d elements keep the memory: %v", test.used, stays)
		}
		if test.used > 0 && value[test.used-1] != uint64(test.used-1) {
			t.Errorf("%d elements have changed", test.used)
		}
	}
}

// A list of numbers may be where the program wants it before it is decoded, once.
func TestPlace(t *testing.T) {
	_, dec := plans[[]uint32](t, canon.ListType(tU32))
	_, both := plans[struct{ A, B []uint32 }](t, record("a", canon.ListType(tU32), "b", canon.ListType(tU32)))
	if _, text := plans[string](t, tString); text.List(unsafe.Pointer(new(string))) != nil || both.List(unsafe.Pointer(new([6]uint))) != nil {
		t.Error("what is no list has memory of one")
	}
	message := []byte{0, 0, 0, 0x80, 3, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0}
	for _, test := range []struct {
		capacity, placed int
		want             string
	}{
		{4, 16, ""}, {4, 12, ""}, {4, 11, "the message has 8 bytes"}, {4, 0, "the message has 8 bytes"},
	} {
		value := make([]uint32, 0, test.capacity)
		list := dec.List(unsafe.Pointer(&value))
		if len(list) != 4*test.capacity {
			t.Fatalf("the list has room for %d bytes", len(list))
		}
		copy(list, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0})
		var v canon.View
		v.Reset(message[:8])
		if test.placed > 0 {
			v.Place(list[:test.placed])
		}
		err := dec.Decode(&v, 0, unsafe.Pointer(&value))
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d bytes: %v", test.placed, err)
			}
			continue
		}
		if err != nil || !slices.Equal(value, []uint32{1, 2, 3}) || unsafe.Pointer(&value[0]) != unsafe.Pointer(&list[0]) {
			t.Errorf("%d bytes: %v, %v", test.placed, value, err)
		}
	}
	var v canon.View
	v.Reset(message)
	v.Place(make([]byte, 12))
	var value struct{ A, B []uint32 }
	if err := both.Decode(&v, 0, unsafe.Pointer(&value)); err == nil || !strings.Contains(err.Error(), "b (B)") {
		t.Errorf("one place for two lists: %v, %v", value, err)
	}
}

// A segment need not be memory of the collector, and can be in the middle of it.
func TestSegmentsAnywhere(t *testing.T) {
	enc, _ := plans[[]byte](t, canon.ListType(tU8))
	for _, value := range [][]byte{make([]byte, 3*canon.MinSegment)[canon.MinSegment:], static[:], foreignMemory(t, 2*canon.MinSegment)} {
		m := newMessage(0)
		m.Reset(nil, true)
		at, _ := m.Block(8, 4)
		if err := enc.Encode(m, at, unsafe.Pointer(&value)); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		if s := m.Segments(); len(s) != 1 || s[0].Data != unsafe.Pointer(&value[0]) || s[0].Len != uintptr(len(value)) {
			t.Errorf("segments are %v", s)
		}
		m.Unpin()
	}
	text := strings.Repeat("y", canon.MinSegment)
	sorted := map[string]uint8{text + "b": 1, text + "a": 2, "z": 3}
	plan, err := newPlanner().Plan(reflect.TypeOf(sorted), canon.MapType(tString, tU8), canon.Encode)
	if err != nil {
		t.Fatal(err)
	}
	m := newMessage(0)
	m.Reset(nil, true)
	at, _ := m.Block(8, 4)
	if err := plan.Encode(m, at, unsafe.Pointer(&sorted)); err != nil {
		t.Fatal(err)
	}
	values := m.Bytes()[8:]
	if values[8] != 2 || values[12+8] != 1 || values[24+8] != 3 {
		t.Errorf("the keys are not sorted: % x", values)
	}
	m.Unpin()
}

var static [canon.MinSegment]byte

func TestAlias(t *testing.T) {
	type Lists struct {
		Bytes   []byte
		Numbers []uint32
		Text    string
	}
	wit := record("bytes", canon.ListType(tU8), "numbers", canon.ListType(tU32), "text", tString)
	enc, dec := plans[Lists](t, wit)
	m := newMessage(0)
	at, _ := m.Block(wit.Size, wit.Align)
	value := Lists{[]byte("abcd"), []uint32{1, 2}, "text"}
	if err := enc.Encode(m, at, unsafe.Pointer(&value)); err != nil {
		t.Fatal(err)
	}
	message := m.Bytes()
	inside := func(p unsafe.Pointer) bool {
		return uintptr(p) >= uintptr(unsafe.Pointer(&message[0])) && uintptr(p) < uintptr(unsafe.Pointer(&message[0]))+uintptr(len(message))
	}
	v := canon.View{Alias: true}
	v.Reset(message)
	var got Lists
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || !reflect.DeepEqual(got, value) {
		t.Fatalf("got %v, %v", got, err)
	}
	if !inside(unsafe.Pointer(&got.Bytes[0])) || !inside(unsafe.Pointer(&got.Numbers[0])) || inside(unsafe.Pointer(unsafe.StringData(got.Text))) {
		t.Error("what should point into the message does not, or the text does")
	}
	if cap(got.Bytes) != 4 {
		t.Error("appending would write into the message")
	}

	// Without: into the memory that slices have, if they have enough.
	bytes, numbers := make([]byte, 1, 10), make([]uint32, 0, 1)
	got = Lists{bytes, numbers, ""}
	v = canon.View{}
	v.Reset(message)
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || !reflect.DeepEqual(got, value) {
		t.Fatalf("got %v, %v", got, err)
	}
	if &got.Bytes[0] != &bytes[0] || &got.Numbers[0] == unsafe.SliceData(numbers) {
		t.Error("the wrong memory was used again")
	}
	empty := Lists{Bytes: []byte{}}
	m.Reset(nil, false)
	at, _ = m.Block(wit.Size, wit.Align)
	if err := enc.Encode(m, at, unsafe.Pointer(&empty)); err != nil {
		t.Fatal(err)
	}
	v.Reset(m.Bytes())
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || len(got.Bytes) != 0 || cap(got.Bytes) != 10 {
		t.Errorf("got %v, %v", got, err)
	}
}

// A list that is not aligned is copied, not pointed to.
func TestUnaligned(t *testing.T) {
	_, dec := plans[[]uint32](t, canon.ListType(tU32))
	v := canon.View{Alias: true}
	memory := append(aligned(16)[:0], message(9, 1, 0x55667788, 0x11223344)...)
	v.Reset(memory)
	var got []uint32
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || len(got) != 1 || got[0] != 0x44556677 {
		t.Errorf("got %#x, %v", got, err)
	}
	if got[0] = 0; memory[9] != 0x77 {
		t.Error("the message was written to")
	}
}

func TestCases(t *testing.T) {
	result := canon.ResultType(tU8, tString)
	m := newMessage(0)
	at, _ := m.Block(result.Size, result.Align)
	m.PutCase(at, result, 1)
	var v canon.View
	v.Reset(m.Bytes())
	if n, err := v.Case(0, result); n != 1 || err != nil {
		t.Error(n, err)
	}
	m.PutCase(at, result, 2)
	if _, err := v.Case(0, result); err == nil {
		t.Error("a third case")
	}
	if _, err := v.Case(4, result); err == nil {
		t.Error("outside of the message")
	}
	if m.Len() != int(result.Size) {
		t.Error(m.Len())
	}
}

// One copy has all strings of a result, a lone string has its own, and large results keep no small string alive.
func TestTexts(t *testing.T) {
	p := newPlanner()
	type record4 struct {
		A string
		B []byte
		C string
		D string
	}
	value := record4{"abc", make([]byte, 100_000), "def", "ghi"}
	wit := record("a", tString, "b", canon.ListType(tU8), "c", tString, "d", tString)
	message, err := encode(p, wit, value, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(p, wit, reflect.TypeFor[record4](), message)
	if err != nil || !reflect.DeepEqual(got, value) {
		t.Fatal(err)
	}
	g := got.(record4)
	if uintptr(unsafe.Pointer(unsafe.StringData(g.D)))-uintptr(unsafe.Pointer(unsafe.StringData(g.C))) != 3 {
		t.Error("two strings that follow each other do not share a copy")
	}
	for _, list := range [][]string{{strings.Repeat("x", 70_000), "a", strings.Repeat("y", 70_000)}, many("x", 100_000)} {
		roundTrip(t, p, canon.ListType(tString), list)
	}
}

func many(s string, n int) (list []string) {
	for range n {
		list = append(list, s)
	}
	return list
}
