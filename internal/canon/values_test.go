package canon_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

type (
	Point struct {
		X uint32
		Y float64
	}
	Person struct {
		Name    string
		Age     uint16
		Letters []rune `wit:"the-letters"`
		Skipped int    `wit:"-"`
		_       int
		IPv4    Point `wit:"ipv4-address"`
		HTTPOk  bool
	}
	Pair struct {
		First  uint8
		Second string
	}
	Colour  uint8
	Name    string
	Rights  uint16
	Shape   interface{ shape(shapes) }
	Circle  float32
	Box     struct{ Width, Height uint32 }
	None    struct{}
	Other   struct{ Value *string }
	Pointed struct{ Value *uint64 }
	shapes  struct {
		Circle Circle
		Box    *Box
		None   None `wit:"empty"`
		Other  Other
		P      Pointed
	}
	// Outer is a variant with a variant in it, whose interface has another method too.
	Outer interface {
		outer(outers)
		fmt.Stringer
	}
	outers struct {
		Shaped Shaped
		Whole  Whole
	}
	Shaped struct{ Value Shape }
	Whole  struct{ Name string }
)

func (Circle) shape(shapes)   {}
func (*Box) shape(shapes)     {}
func (None) shape(shapes)     {}
func (Other) shape(shapes)    {}
func (Pointed) shape(shapes)  {}
func (Shaped) outer(outers)   {}
func (Whole) outer(outers)    {}
func (Shaped) String() string { return "shaped" }
func (Whole) String() string  { return "whole" }

func (Colour) WitNames() []string { return []string{"red", "green", "blue"} }

var (
	tPoint  = record("x", tU32, "y", tF64)
	tPerson = record("http-ok", tBool, "name", tString, "age", tU16, "the-letters", canon.ListType(tChar), "ipv4-address", tPoint)
	tColour = canon.EnumType("red", "green", "blue")
	tRights = canon.FlagsType("read", "write", "execute", "a", "b", "c", "d", "e", "f")
	tSize   = record("width", tU32, "height", tU32)
	tShape  = variant("empty", nil, "circle", tF32, "box", tSize, "other", canon.OptionType(tString), "p", canon.OptionType(tU64))
	tOuter  = variant("shaped", tShape, "whole", record("name", tString))
)

func ptr[T any](v T) *T { return &v }

func TestRoundTrip(t *testing.T) {
	long := strings.Repeat("Grüße ☃ ", 100)
	tests := []struct {
		wit    *canon.Type
		values []any
	}{
		{tBool, []any{true, false}},
		{tU8, []any{uint8(0), uint8(255), Colour(7)}},
		{tS8, []any{int8(-128), int8(127)}},
		{tU16, []any{uint16(0xfffe)}},
		{tS16, []any{int16(-2)}},
		{tU32, []any{uint32(0xfffffffe)}},
		{tS32, []any{int32(-2)}},
		{tU64, []any{uint64(math.MaxUint64)}},
		{tS64, []any{int64(math.MinInt64)}},
		{tF32, []any{float32(1.5), float32(math.Inf(-1)), float32(math.NaN())}},
		{tF64, []any{math.Pi, math.NaN()}},
		{tChar, []any{'a', '☃', rune(0x10ffff), rune(0xd7ff), rune(0xe000)}},
		{tString, []any{"", "a", "☃", long, Name("name")}},
		{canon.ListType(tU8), []any{[]byte(nil), []byte("abc"), []Colour{1, 2}}},
		{canon.ListType(tU16), []any{[]uint16{1, 2, 3}}},
		{canon.ListType(tF32), []any{[]float32{1, 2, 3}}},
		{canon.ListType(tS64), []any{[]int64{-1, 2, 3}}},
		{canon.ListType(tBool), []any{[]bool{true, false, true}}},
		{canon.ListType(tChar), []any{[]rune("häuser")}},
		{canon.ListType(tString), []any{[]string{"a", "", long}, []Name{"x"}}},
		{canon.ListType(canon.ListType(tU8)), []any{[][]byte{{1}, {}, {2, 3}}}},
		{canon.ListType(tPoint), []any{[]Point{{1, 2}, {3, 4}}}},
		{canon.ListType(tPerson), []any{[]Person{{Name: "a", HTTPOk: true}, {Letters: []rune("xyz")}}}},
		{canon.FixedListType(tU16, 3), []any{[3]uint16{1, 2, 3}}},
		{canon.FixedListType(tString, 2), []any{[2]string{"a", "b"}}},
		{canon.FixedListType(tPoint, 2), []any{[2]Point{{1, 2}, {3, 4}}}},
		{canon.FixedListType(canon.FixedListType(tPoint, 20), 2), []any{[2][20]Point{{{1, 2}}}}},
		{canon.MapType(tF32, tU8), []any{map[float32]uint8{1: 2, -3: 4}}},
		{canon.MapType(tF64, tU8), []any{map[float64]uint8{1: 2, -3: 4}}},
		{canon.MapType(tS16, tU8), []any{map[int16]uint8{1: 2, -3: 4}}},
		{canon.MapType(tS32, tU8), []any{map[int32]uint8{1: 2, -3: 4}}},
		{canon.MapType(tS64, tU8), []any{map[int64]uint8{1: 2, -3: 4}}},
		{canon.MapType(tColour, tU8), []any{map[Colour]uint8{1: 2, 0: 4}}},
		{canon.MapType(tPoint, tU8), []any{map[Point]uint8{{}: 2, {1, 1}: 4}}},
		{canon.EnumType(names(70_000)...), []any{uint32(69_999)}},
		{canon.FixedListType(record("a", tU8, "b", tU32), 17), []any{[17]struct {
			A uint8
			B uint32
		}{{1, 2}}}},
		{canon.FixedListType(canon.TupleType(canon.FixedListType(canon.TupleType(tU8, tU32), 5), tU8, tU64), 4), []any{[4]struct {
			A [5]struct {
				B uint8
				C uint32
			}
			D uint8
			E uint64
		}{}}},
		{canon.MapType(tString, tU32), []any{map[string]uint32{}, map[string]uint32{"a": 1, "b": 2},
			[]struct {
				K string
				V uint32
			}{{"a", 1}, {"a", 2}}}},
		{canon.MapType(tU8, canon.ListType(tU32)), []any{map[uint8][]uint32{1: {1}, 2: {2, 3}}}},
		{canon.ListType(canon.TupleType(tU8, tString)), []any{map[uint8]string{1: "a"}, []Pair{{1, "a"}, {1, "b"}}}},
		{tPoint, []any{Point{7, 8}}},
		{tPerson, []any{Person{Name: "Ada", Age: 36, Letters: []rune("ab☃"), IPv4: Point{1, 2}, HTTPOk: true}}},
		{canon.TupleType(tU8, tString), []any{Pair{1, "x"}}},
		{canon.TupleType(tU8, tU8, tU8), []any{[3]uint8{1, 2, 3}}},
		{canon.TupleType(tString, tString), []any{[2]string{"a", long}}},
		{canon.TupleType(tBool, tBool), []any{[2]bool{true, false}}},
		{canon.TupleType(tPerson, tPerson), []any{[2]Person{{Name: "a"}, {Age: 7, HTTPOk: true}}}},
		{canon.ListType(canon.TupleType(tString, tString)), []any{[][2]string{{"a", "1"}, {"b", long}}}},
		{canon.ListType(canon.TupleType(tU64, tU64)), []any{[][2]uint64{{1, 2}, {3, 4}}}},
		{canon.TupleType(tPoint, tPoint), []any{[2]Point{{1, 2}, {3, 4}}}},
		// In Go, a and b follow each other, and in the message there is a gap between them.
		{record("s", tString, "a", tU32, "b", tU64, "c", tU32), []any{struct {
			S    string
			C, A uint32
			B    uint64
		}{"x", 1, 2, 3}}},
		{canon.TupleType(tU8, tU16, tU32, tU64), []any{struct {
			A uint8
			B uint16
			C uint32
			D uint64
		}{1, 2, 3, 4}}},
		{canon.TupleType(tU32, tU32, tString, tU8, tU8), []any{struct {
			A, B uint32
			C    string
			D, E uint8
		}{1, 2, "x", 3, 4}}},
		{tColour, []any{Colour(2), Name("green"), int64(1), int8(0), uint32(1)}},
		{tRights, []any{Rights(0x1ff), uint64(1), uint32(2)}},
		{canon.FlagsType("a"), []any{uint8(1)}},
		{canon.FlagsType(names(32)...), []any{uint32(math.MaxUint32), uint64(1 << 31)}},
		{canon.OptionType(tU8), []any{(*uint8)(nil), ptr(uint8(1)), some(uint8(2)), Option[uint8]{}}},
		{canon.OptionType(tU64), []any{ptr(uint64(1))}},
		{canon.OptionType(tPerson), []any{ptr(Person{Name: "x"})}},
		{canon.OptionType(tString), []any{ptr("x"), some("x")}},
		{canon.OptionType(canon.OptionType(tU32)), []any{(**uint32)(nil), ptr((*uint32)(nil)), ptr(ptr(uint32(3))),
			some(some(uint32(1))), some(Option[uint32]{}), some((*uint32)(nil))}},
		{canon.ResultType(nil, nil), []any{ok[struct{}, struct{}](struct{}{}), failed[struct{}](struct{}{})}},
		{canon.ListType(canon.ResultType(nil, nil)), []any{
			[]Result[struct{}, struct{}]{{}, failed[struct{}](struct{}{}), {}}}},
		{canon.ResultType(tU32, nil), []any{ok[uint32, struct{}](1), failed[uint32](struct{}{})}},
		{canon.ResultType(nil, tString), []any{ok[None, string](None{}), failed[None]("no")}},
		{canon.ResultType(tPoint, tString), []any{ok[Point, string](Point{1, 2}), failed[Point]("no")}},
		{canon.ListType(tShape), []any{[]Shape{None{}, Circle(1.5), &Box{1, 2}, Other{}, Other{ptr("x")}, Pointed{}, Pointed{ptr(uint64(1))}}}},
		{canon.ListType(tOuter), []any{[]Outer{Whole{"x"}, Shaped{Circle(2)}, Shaped{Other{ptr("y")}}}}},
		{variant("a", tU8, "b", tString, "c", nil), []any{
			Variant{Case: "a", Value: uint8(1)}, Variant{Case: "b", Value: "x"}, Variant{Case: "c"}}},
	}
	p := newPlanner()
	for _, test := range tests {
		for _, value := range test.values {
			roundTrip(t, p, test.wit, value)
		}
	}
}

// The padding of structs may hold anything. A guest does not see it.
func TestPadding(t *testing.T) {
	type Gaps struct {
		A uint8
		B uint32
		C uint64
		D uint16
		E Point
		F uint8
	}
	wit := record("a", tU8, "b", tU32, "c", tU64, "d", tU16, "e", tPoint, "f", tU8)
	value := make([]Gaps, 3)
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&value[0])), 3*unsafe.Sizeof(Gaps{}))
	for i := range memory {
		memory[i] = 0xee
	}
	for i := range value {
		v := &value[i]
		v.A, v.B, v.C, v.D, v.E.X, v.E.Y, v.F = 0, 0, 0, 0, 0, 0, 0
	}
	p := newPlanner()
	for _, test := range []struct {
		wit   *canon.Type
		value any
	}{
		{wit, value[0]},
		{record("s", tString, "g", wit), struct {
			S string
			G Gaps
		}{"", value[0]}},
		{canon.FixedListType(canon.FixedListType(wit, 9), 1), [1][9]Gaps{{value[0], value[1], value[2]}}},
	} {
		message, err := encode(p, test.wit, test.value, 0xee)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range message {
			if b == 0xee {
				t.Errorf("%s: byte %d is of the host: % x", test.wit, i, message)
				break
			}
		}
	}
	// What a list has, the native library makes zero: elements are copied as they are.
	message, err := encode(p, canon.ListType(wit), value, 0xee)
	if err != nil || !bytes.Equal(message[8:], memory) {
		t.Errorf("% x, %v", message, err)
	}
}

// What stands for nothing in a record stays as it is, also where the record has padding.
func TestSkippedField(t *testing.T) {
	type Skipping struct {
		X    uint32
		Skip uint32 `wit:"-"`
		Y    float64
	}
	message, err := encode(newPlanner(), tPoint, Skipping{1, 2, 3}, 0)
	if err != nil || message[4] != 0 {
		t.Fatalf("% x, %v", message, err)
	}
	message[4] = 9
	got, err := decode(newPlanner(), tPoint, reflect.TypeFor[Skipping](), message)
	if err != nil || got != (Skipping{1, 0, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func names(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	return names
}
