package canon_test

import (
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// What may be in an any, and as what it comes back.
func TestAny(t *testing.T) {
	optopt := canon.OptionType(canon.OptionType(tU8))
	tests := []struct {
		wit        *canon.Type
		value, got any
	}{
		{tBool, true, true},
		{tU8, 255, uint8(255)},
		{tU8, uint64(7), uint8(7)},
		{tU8, int8(7), uint8(7)},
		{tS8, -128, int8(-128)},
		{tS8, uint8(127), int8(127)},
		{tU16, Rights(9), uint16(9)},
		{tS16, int64(-32768), int16(-32768)},
		{tU32, math.MaxUint32, uint32(math.MaxUint32)},
		{tS32, -1, int32(-1)},
		{tU64, uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{tS64, math.MinInt64, int64(math.MinInt64)},
		{tF32, 1.5, float32(1.5)},
		{tF32, 16777216, float32(16777216)},
		{tF32, float32(0.1), float32(0.1)},
		{tF32, math.NaN(), float32(math.NaN())},
		{tF64, -3, -3.0},
		{tF64, uint8(3), 3.0},
		{tF64, float32(1.5), 1.5},
		{tChar, 'x', 'x'},
		{tChar, byte('x'), 'x'},
		{tChar, uint32('☃'), '☃'},
		{tString, "abc", "abc"},
		{tString, Name("abc"), "abc"},
		{canon.ListType(tU8), []byte("abc"), []byte("abc")},
		{canon.ListType(tU8), []int{1, 2}, []byte{1, 2}},
		{canon.ListType(tU8), []any{1, uint8(2)}, []byte{1, 2}},
		{canon.ListType(tU8), [2]byte{1, 2}, []byte{1, 2}},
		{canon.ListType(tString), []any{"a", Name("b")}, []string{"a", "b"}},
		{canon.ListType(canon.ListType(tU32)), [][]uint32{{1}, {}}, [][]uint32{{1}, {}}},
		{canon.ListType(tColour), []any{"red", 2}, []string{"red", "blue"}},
		{canon.ListType(tPoint), []Point{{1, 2}}, []any{map[string]any{"x": uint32(1), "y": 2.0}}},
		{canon.ListType(tPoint), []any(nil), []any{}},
		{canon.FixedListType(tU16, 2), []any{1, 2}, []uint16{1, 2}},
		{canon.FixedListType(tU16, 2), [2]uint16{1, 2}, []uint16{1, 2}},
		{canon.FixedListType(tPoint, 1), []any{Point{1, 2}}, []any{map[string]any{"x": uint32(1), "y": 2.0}}},
		{canon.FixedListType(tString, 1), []string{"a"}, []string{"a"}},
		{canon.MapType(tString, tU8), map[string]any{"a": 1}, map[string]uint8{"a": 1}},
		{canon.MapType(tString, tU8), map[Name]int{"a": 1}, map[string]uint8{"a": 1}},
		{canon.MapType(tString, tU8), []any{[]any{"a", 1}}, map[string]uint8{"a": 1}},
		{canon.MapType(tU8, tPoint), map[uint8]Point{1: {2, 3}}, map[uint8]any{1: map[string]any{"x": uint32(2), "y": 3.0}}},
		{canon.ListType(canon.TupleType(tString, tU8)), map[string]int{"a": 1}, []any{[]any{"a", uint8(1)}}},
		{tPoint, Point{1, 2}, map[string]any{"x": uint32(1), "y": 2.0}},
		{tPoint, &Point{1, 2}, map[string]any{"x": uint32(1), "y": 2.0}},
		{tPoint, map[string]any{"x": 1, "y": 2}, map[string]any{"x": uint32(1), "y": 2.0}},
		{tPoint, map[Name]int{"x": 1, "y": 2}, map[string]any{"x": uint32(1), "y": 2.0}},
		{tPoint, struct{ X, Y int }{1, 2}, map[string]any{"x": uint32(1), "y": 2.0}},
		{record("o", canon.OptionType(tU8)), map[string]any{}, map[string]any{"o": nil}},
		{canon.TupleType(tU8, tString), Pair{1, "a"}, []any{uint8(1), "a"}},
		{canon.TupleType(tU8, tString), []any{1, "a"}, []any{uint8(1), "a"}},
		{canon.TupleType(tU8, tString), struct {
			A int
			B Name
		}{1, "a"}, []any{uint8(1), "a"}},
		{canon.TupleType(tU8, tU8), [2]int{1, 2}, []any{uint8(1), uint8(2)}},
		{tColour, "green", "green"},
		{tColour, Colour(1), "green"},
		{tRights, []string{"write", "read"}, []string{"read", "write"}},
		{tRights, []any{"f"}, []string{"f"}},
		{tRights, Rights(5), []string{"read", "execute"}},
		{tRights, 0, []string{}},
		{canon.OptionType(tU8), nil, nil},
		{canon.OptionType(tU8), 5, uint8(5)},
		{canon.OptionType(tU8), ptr(uint8(5)), uint8(5)},
		{canon.OptionType(tU8), ptr(5), uint8(5)},
		{canon.OptionType(tU8), (*int)(nil), nil},
		{canon.OptionType(tU8), some(5), uint8(5)},
		{canon.OptionType(tU8), Option[string]{}, nil},
		{optopt, nil, Option[any]{}},
		{optopt, some[any](nil), some[any](nil)},
		{optopt, some[any](5), some[any](uint8(5))},
		{optopt, ptr((*int)(nil)), some[any](nil)},
		{canon.ResultType(tU8, tString), ok[any, any](5), ok[any, any](uint8(5))},
		{canon.ResultType(tU8, tString), ok[int, string](5), ok[any, any](uint8(5))},
		{canon.ResultType(tU8, tString), failed[int]("no"), failed[any, any]("no")},
		{canon.ResultType(nil, nil), ok[any, any](nil), ok[any, any](nil)},
		{canon.ResultType(nil, tU8), ok[None, int](None{}), ok[any, any](nil)},
		{tShape, Variant{Case: "circle", Value: 2}, Variant{Case: "circle", Value: float32(2)}},
		{tShape, Variant{Case: "empty"}, Variant{Case: "empty"}},
		{tShape, Variant{Case: "other"}, Variant{Case: "other"}},
		{tShape, &Variant{Case: "empty"}, Variant{Case: "empty"}},
		{canon.ListType(tShape), []Shape{Circle(1)}, []any{Variant{Case: "circle", Value: float32(1)}}},
	}
	type whatever interface{}
	tests = append(tests, []struct {
		wit        *canon.Type
		value, got any
	}{
		{canon.ListType(tU8), []whatever{1}, []byte{1}},
		{canon.MapType(canon.ListType(tU8), tU8), []any{[]any{"x", 1}}[:0], []any{}},
		{canon.MapType(canon.ListType(tU8), tU8), []any{[]any{[]byte("x"), 1}}, []any{[]any{[]byte("x"), uint8(1)}}},
		{canon.TupleType(tString, tU32), []any{"a", 1}, []any{"a", uint32(1)}},
	}...)
	p := newPlanner()
	for _, test := range tests {
		message, err := encodeAny(p, test.wit, test.value)
		if err != nil {
			t.Errorf("%s from %#v: %v", test.wit, test.value, err)
			continue
		}
		got, err := decodeAny(p, test.wit, message)
		if err != nil || !same(reflect.ValueOf(&got).Elem(), reflect.ValueOf(&test.got).Elem()) {
			t.Errorf("%s from %#v: got %#v, %v, want %#v", test.wit, test.value, got, err, test.got)
		}
	}
}

func TestAnyErrors(t *testing.T) {
	tests := []struct {
		wit   *canon.Type
		value any
		want  string
	}{
		{tU8, nil, "WIT has u8, Go has nil"},
		{tU8, "1", "WIT has u8, Go has string"},
		{tU8, 1.0, "WIT has u8, Go has float64"},
		{tU8, 256, "256 does not fit into u8"},
		{tU8, -1, "-1 does not fit into u8"},
		{tS8, 128, "128 does not fit into s8"},
		{tS8, -129, "-129 does not fit into s8"},
		{tS8, uint8(128), "128 does not fit into s8"},
		{tU64, -1, "-1 does not fit into u64"},
		{tS64, uint64(1 << 63), "9223372036854775808 does not fit into s64"},
		{tF32, 0.1, "0.1 is not exactly a number of type f32"},
		{tF32, 16777217, "16777217 is not exactly a number of type f32"},
		{tF64, math.MaxInt64, "9223372036854775807 is not exactly a number of type f64"},
		{tF64, uint64(math.MaxUint64), "18446744073709551615 is not exactly a number of type f64"},
		{tF64, "1", "WIT has f64, Go has string"},
		{tChar, "x", "WIT has char, Go has string"},
		{tChar, -1, "-1 is not a Unicode scalar value"},
		{tChar, uint64(1) << 40, "1099511627776 is not a Unicode scalar value"},
		{tChar, 0xd800, "55296 is not a Unicode scalar value"},
		{tBool, 1, "WIT has bool, Go has int"},
		{tString, 'x', "WIT has string, Go has int32"},
		{canon.ListType(tU8), "abc", "WIT has list<u8>, Go has string"},
		{canon.ListType(tU8), []int{1, 256}, "element 1: 256 does not fit into u8"},
		{canon.ListType(tU8), map[string]int{}, "WIT has list<u8>, Go has map[string]int"},
		{canon.FixedListType(tU8, 2), []int{1}, "1 elements for a list of 2"},
		{canon.MapType(tString, tU8), map[int]int{1: 1}, "key: WIT has string, Go has int"},
		{canon.MapType(tString, tU8), map[string]int{"a": 256}, "value of a: 256 does not fit into u8"},
		{canon.MapType(tString, tU8), []any{[]any{"a"}}, "element 0: 1 elements for a tuple of 2"},
		{tPoint, 5, "WIT has record { x: u32, y: f64 }, Go has int"},
		{tPoint, (*Point)(nil), "WIT has record { x: u32, y: f64 }, Go has *canon_test.Point"},
		{tPoint, []any{1, 2}, "WIT has record { x: u32, y: f64 }, Go has []interface {}"},
		{tPoint, map[string]any{"x": 1}, "field y: the map has no value for it"},
		{tPoint, map[string]any{"x": 1, "y": 2, "z": 3}, `the record has no field "z"`},
		{tPoint, map[string]any{"x": -1, "y": 2}, "field x: -1 does not fit into u32"},
		{tPoint, struct{ X int }{1}, "WIT has record { x: u32, y: f64 }, Go has struct { X int }: nothing stands for y"},
		{tPoint, struct{ X, Y string }{}, "field x (X): WIT has u32, Go has string"},
		{tPoint, map[int]int{}, "WIT has record { x: u32, y: f64 }, Go has map[int]int"},
		{canon.TupleType(tU8), []any{1, 2}, "2 elements for a tuple of 1"},
		{canon.TupleType(tU8), []any{"x"}, "element 0: WIT has u8, Go has string"},
		{canon.TupleType(tU8), struct{ A, B int }{}, "WIT has tuple<u8>, Go has struct { A int; B int }: a struct of 2 exported fields for 1 elements"},
		{canon.TupleType(tU8), struct{ A string }{}, "element 0 (A): WIT has u8, Go has string"},
		{tColour, 3, "there is no case 3"},
		{tColour, -1, "there is no case -1"},
		{tColour, "pink", `there is no case "pink"`},
		{tColour, 1.5, "WIT has enum { red, green, blue }, Go has float64"},
		{tRights, []string{"pink"}, `there is no flag "pink"`},
		{tRights, []any{1}, "WIT has flags { read, write, execute, a, b, c, d, e, f }, Go has []interface {}"},
		{tRights, 512, "there is no flag for some of the bits 512"},
		{tRights, "read", "WIT has flags { read, write, execute, a, b, c, d, e, f }, Go has string"},
		{canon.OptionType(tU8), "x", "some: WIT has u8, Go has string"},
		{canon.OptionType(canon.OptionType(tU8)), 1, "WIT has option<option<u8>>, Go has int: a component.Option or a pointer says which of the two options is meant"},
		{canon.ResultType(tU8, nil), 1, "WIT has result<u8>, Go has int"},
		{canon.ResultType(tU8, nil), ok[int, any](256), "ok: 256 does not fit into u8"},
		{canon.ResultType(tU8, nil), failed[int](3), "err: WIT has nothing, Go has int: struct{} stands for nothing"},
		{tShape, Circle(1), tooLong},
		{canon.ListType(tPoint), []any{nil}, "element 0: WIT has record { x: u32, y: f64 }, Go has nil"},
		{canon.OwnType(0, "file"), 1, "WIT has own<file>, Go has interface {}: nothing stands for a resource here"},
	}
	p := newPlanner()
	for _, test := range tests {
		_, err := encodeAny(p, test.wit, test.value)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s from %#v: got %v, want %s", test.wit, test.value, err, test.want)
		}
	}
	if _, err := decodeAny(p, canon.OwnType(0, "file"), message(1)); err == nil {
		t.Error("a handle came out of nothing")
	}
	if _, err := decodeAny(p, tU64, message(1)); err == nil {
		t.Error("4 bytes are a u64")
	}
}

const tooLong = "WIT has variant { empty, circle(f32), box(record { width: u32, height: u32 }), other(opt…, Go has canon_test.Circle: it takes a canon_test.Variant"

// file is a resource of the tests.
type file struct{ handle uint32 }

// handles is how files stand for resources.
type handles struct{}

type refused struct{}

func (refused) Error() string { return "refused" }

func (handles) Handle(t reflect.Type, wit *canon.Type, dir canon.Dir) (canon.HandleCodec, error) {
	lift := func(v *canon.View, handle uint32) (*file, error) {
		if handle == 0 {
			return nil, refused{}
		}
		return &file{handle + v.Context.(uint32)}, nil
	}
	lower := func(m *canon.Message, f *file) (uint32, error) {
		if f == nil {
			return 0, refused{}
		}
		return f.handle - m.Context.(uint32), nil
	}
	switch t {
	case reflect.TypeFor[*file]():
		return canon.HandleCodec{
			Lower: func(m *canon.Message, value unsafe.Pointer) (uint32, error) { return lower(m, *(**file)(value)) },
			Lift: func(v *canon.View, handle uint32, value unsafe.Pointer) (err error) {
				*(**file)(value), err = lift(v, handle)
				return err
			},
		}, nil
	case reflect.TypeFor[any]():
		return canon.HandleCodec{
			Lower: func(m *canon.Message, value unsafe.Pointer) (uint32, error) {
				f, _ := (*(*any)(value)).(*file)
				return lower(m, f)
			},
			Lift: func(v *canon.View, handle uint32, value unsafe.Pointer) (err error) {
				*(*any)(value), err = lift(v, handle)
				return err
			},
		}, nil
	}
	return canon.HandleCodec{}, refused{}
}

func TestHandles(t *testing.T) {
	p := canon.NewPlanner(handles{}, dynamic)
	own, borrow := canon.OwnType(0, "file"), canon.BorrowType(0, "file")
	type Files struct {
		A *file
		B []*file
		C **file
		D any
	}
	wit := record("a", own, "b", canon.ListType(borrow), "c", canon.OptionType(own), "d", canon.OptionType(borrow))
	if !wit.Handles() {
		t.Error(wit)
	}
	enc, err := p.Plan(reflect.TypeFor[Files](), wit, canon.Encode)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := p.Plan(reflect.TypeFor[Files](), wit, canon.Decode)
	if err != nil {
		t.Fatal(err)
	}
	value := Files{&file{11}, []*file{{12}, {13}}, ptr(&file{14}), &file{15}}
	m := newMessage(0)
	m.Context = uint32(10)
	at, _ := m.Block(wit.Size, wit.Align)
	if err := enc.Encode(m, at, unsafe.Pointer(&value)); err != nil {
		t.Fatal(err)
	}
	v := canon.View{Context: uint32(10)}
	v.Reset(m.Bytes())
	var got Files
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || !reflect.DeepEqual(got, value) {
		t.Errorf("got %+v, %v", got, err)
	}
	v.Reset(m.Bytes())
	fields, err := p.DecodeAny(&v, 0, wit)
	want := map[string]any{"a": &file{11}, "b": []any{&file{12}, &file{13}}, "c": &file{14}, "d": &file{15}}
	if err != nil || !reflect.DeepEqual(fields, want) {
		t.Errorf("got %+v, %v", fields, err)
	}
	if err := p.EncodeAny(m, at, wit, want); err != nil {
		t.Error(err)
	}

	value.B[1] = nil
	err = enc.Encode(m, at, unsafe.Pointer(&value))
	if err == nil || err.Error() != "field b (B): element 1: refused" || reflect.TypeOf(err) != reflect.TypeFor[*canon.ValueError]() {
		t.Error(err)
	}
	if e := err.(*canon.ValueError); e.Unwrap() != (refused{}) {
		t.Error(e.Unwrap())
	}
	v.Reset(message(0, 0, 0, 0, 0, 0, 0))
	if err := dec.Decode(&v, 0, unsafe.Pointer(&got)); err == nil || err.Error() != "field a (A): refused" {
		t.Error(err)
	}
	if err := p.EncodeAny(m, at, own, nil); err == nil || err.Error() != "refused" {
		t.Error(err)
	}
	for _, test := range []struct {
		goType reflect.Type
		want   string
	}{
		{reflect.TypeFor[file](), "WIT has own<file>, Go has canon_test.file: a pointer or an interface stands for a resource"},
		{reflect.TypeFor[*int](), "refused"},
	} {
		if _, err := p.Plan(test.goType, own, canon.Encode); err == nil || err.Error() != test.want {
			t.Error(err)
		}
	}
	if _, err := p.Plan(reflect.TypeFor[[]*int](), canon.ListType(own), canon.Encode); err == nil || err.Error() != "element: refused" {
		t.Error(err)
	}
}
