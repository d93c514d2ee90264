package canon_test

import (
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

type (
	noMethod  interface{ Area() float64 }
	twoStruct interface {
		a(shapes)
		b(shapes)
	}
	wrongCase interface{ wrong(wrongs) }
	wrongs    struct{ A int }
	ptrCase   interface{ ptr(ptrs) }
	ptrs      struct{ A ptrA }
	ptrA      struct{}
	ifaceCase interface{ iface(ifaces) }
	ifaces    struct{ A ifaceCase }
	sameCase  interface{ same(sames) }
	sames     struct{ A, B sameA }
	sameA     struct{}
	fullCase  interface{ full(fulls) }
	fulls     struct{ A fullA }
	fullA     struct{ X int }
	valueCase interface{ value(values) }
	values    struct{ A valueA }
	valueA    struct{ Value string }
	badOption struct {
		_ canon.OptionTag
		A int
		B int
	}
	noOption struct {
		_ canon.OptionTag
		A int
	}
	wrongNames uint8
	fewNames   uint8
	// TwoAges has two fields that could be the same.
	TwoAges struct {
		Age uint16
		AGE uint16 `wit:"age"`
	}
	Twice struct {
		A uint8 `wit:"a"`
		B uint8 `wit:"a"`
	}
	Aged struct{ Age string }
	Deep struct{ People []Aged }
)

func (*ptrA) ptr(ptrs)      {}
func (sameA) same(sames)    {}
func (fullA) full(fulls)    {}
func (valueA) value(values) {}

func (wrongNames) WitNames() []string { return []string{"red", "yellow", "blue"} }
func (fewNames) WitNames() []string   { return []string{"red"} }

func TestTypeErrors(t *testing.T) {
	aged := record("age", tU16)
	tests := []struct {
		wit    *canon.Type
		goType reflect.Type
		want   string
	}{
		{tU16, reflect.TypeFor[string](), "WIT has u16, Go has string"},
		{tU16, reflect.TypeFor[int](), "WIT has u16, Go has int: it takes uint16"},
		{tU64, reflect.TypeFor[uint](), "WIT has u64, Go has uint: it takes uint64"},
		{tF32, reflect.TypeFor[float64](), "WIT has f32, Go has float64: it takes float32"},
		{tChar, reflect.TypeFor[uint32](), "WIT has char, Go has uint32: it takes rune"},
		{tBool, reflect.TypeFor[int](), "WIT has bool, Go has int"},
		{tString, reflect.TypeFor[[]byte](), "WIT has string, Go has []uint8"},
		{aged, reflect.TypeFor[Aged](), "field age (Age): WIT has u16, Go has string"},
		{record("people", canon.ListType(aged)), reflect.TypeFor[Deep](),
			"field people (People): element: field age (Age): WIT has u16, Go has string"},
		{aged, reflect.TypeFor[Point](), "WIT has record { age: u16 }, Go has canon_test.Point: nothing stands for age"},
		{record("x", tU32), reflect.TypeFor[Point](), "WIT has record { x: u32 }, Go has canon_test.Point: WIT has nothing for Y"},
		{record("age", tU16, "a-ge", tU16), reflect.TypeFor[struct{ Age uint16 }](),
			"WIT has record { age: u16, a-ge: u16 }, Go has struct { Age uint16 }: Age could be a-ge as well; a tag says what it is"},
		{aged, reflect.TypeFor[TwoAges](), "WIT has record { age: u16 }, Go has canon_test.TwoAges: WIT has nothing for Age"},
		{record("a", tU8), reflect.TypeFor[Twice](), "WIT has record { a: u8 }, Go has canon_test.Twice: A and B have the same name"},
		{aged, reflect.TypeFor[int](), "WIT has record { age: u16 }, Go has int"},
		{aged, reflect.TypeFor[Option[uint16]](), "WIT has record { age: u16 }, Go has canon_test.Option[uint16]"},
		{canon.TupleType(tU8, tString), reflect.TypeFor[struct{ A uint8 }](),
			"WIT has tuple<u8, string>, Go has struct { A uint8 }: a struct of 1 exported fields for 2 elements"},
		{canon.TupleType(tU8, tString), reflect.TypeFor[struct{ A, B uint8 }](), "element 1 (B): WIT has string, Go has uint8"},
		{canon.TupleType(tU8, tU8), reflect.TypeFor[[3]uint8](), "WIT has tuple<u8, u8>, Go has [3]uint8: the lengths differ"},
		{canon.TupleType(tU8, tString), reflect.TypeFor[[2]uint8](), "element 1: WIT has string, Go has uint8"},
		{canon.TupleType(tU8), reflect.TypeFor[[]uint8](), "WIT has tuple<u8>, Go has []uint8"},
		{canon.ListType(tU8), reflect.TypeFor[string](), "WIT has list<u8>, Go has string"},
		{canon.ListType(tU8), reflect.TypeFor[map[uint8]uint8](), "WIT has list<u8>, Go has map[uint8]uint8"},
		{canon.ListType(tU8), reflect.TypeFor[[]string](), "element: WIT has u8, Go has string"},
		{canon.MapType(tU8, tString), reflect.TypeFor[map[string]string](), "key: WIT has u8, Go has string"},
		{canon.MapType(tU8, tString), reflect.TypeFor[map[uint8]uint8](), "value: WIT has string, Go has uint8"},
		{canon.FixedListType(tU8, 3), reflect.TypeFor[[4]uint8](), "WIT has list<u8, 3>, Go has [4]uint8: the lengths differ"},
		{canon.FixedListType(tU8, 3), reflect.TypeFor[[]uint8](), "WIT has list<u8, 3>, Go has []uint8"},
		{canon.FixedListType(tU8, 3), reflect.TypeFor[[3]string](), "element: WIT has u8, Go has string"},
		{tColour, reflect.TypeFor[float32](), "WIT has enum { red, green, blue }, Go has float32"},
		{tColour, reflect.TypeFor[wrongNames](), "WIT has enum { red, green, blue }, Go has canon_test.wrongNames: its name 1 is yellow, not green"},
		{tColour, reflect.TypeFor[fewNames](), "WIT has enum { red, green, blue }, Go has canon_test.fewNames: it has 1 names, not 3"},
		{canon.FlagsType("red", "green", "blue"), reflect.TypeFor[wrongNames](),
			"WIT has flags { red, green, blue }, Go has canon_test.wrongNames: its name 1 is yellow, not green"},
		{canon.EnumType(names(200)...), reflect.TypeFor[int8](), "WIT has enum { n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16…, Go has int8: the Go type has no room for 200 cases"},
		{tRights, reflect.TypeFor[uint8](), "WIT has flags { read, write, execute, a, b, c, d, e, f }, Go has uint8: the Go type has no room for 9 flags"},
		{tRights, reflect.TypeFor[int16](), "WIT has flags { read, write, execute, a, b, c, d, e, f }, Go has int16"},
		{canon.OptionType(tU8), reflect.TypeFor[uint8](), "WIT has option<u8>, Go has uint8: a pointer or a component.Option stands for an option"},
		{canon.OptionType(tU8), reflect.TypeFor[*string](), "some: WIT has u8, Go has string"},
		{canon.OptionType(tU8), reflect.TypeFor[Option[string]](), "some: WIT has u8, Go has string"},
		{canon.OptionType(tU8), reflect.TypeFor[badOption](), "WIT has option<u8>, Go has canon_test.badOption: a pointer or a component.Option stands for an option"},
		{canon.OptionType(tU8), reflect.TypeFor[noOption](), "WIT has option<u8>, Go has canon_test.noOption: a pointer or a component.Option stands for an option"},
		{canon.ResultType(tU8, nil), reflect.TypeFor[uint8](), "WIT has result<u8>, Go has uint8"},
		{canon.ResultType(tU8, nil), reflect.TypeFor[Result[string, struct{}]](), "ok: WIT has u8, Go has string"},
		{canon.ResultType(tU8, nil), reflect.TypeFor[Result[uint8, string]](), "err: WIT has nothing, Go has string: struct{} stands for nothing"},
		{canon.ResultType(nil, tU8), reflect.TypeFor[Result[struct{}, string]](), "err: WIT has u8, Go has string"},
		{tShape, reflect.TypeFor[string](), "WIT has variant { empty, circle(f32), box(record { width: u32, height: u32 }), other(opt…, Go has string"},
		{variant("a", nil), reflect.TypeFor[noMethod](), "WIT has variant { a }, Go has canon_test.noMethod: it has no method that takes a struct of the cases and returns nothing"},
		{variant("a", nil), reflect.TypeFor[twoStruct](), "WIT has variant { a }, Go has canon_test.twoStruct: more than one of its methods takes a struct and returns nothing"},
		{variant("a", nil), reflect.TypeFor[Shape](), "WIT has variant { a }, Go has canon_test.shapes: nothing stands for a"},
		{variant("a", nil), reflect.TypeFor[wrongCase](), "case a (A): WIT has nothing, Go has int: it does not implement canon_test.wrongCase"},
		{variant("a", nil), reflect.TypeFor[ptrCase](),
			"case a (A): WIT has nothing, Go has canon_test.ptrA: it does not implement canon_test.ptrCase, a *canon_test.ptrA does"},
		{variant("a", nil), reflect.TypeFor[ifaceCase](), "case a (A): WIT has nothing, Go has canon_test.ifaceCase: a case is not an interface"},
		{variant("a", nil, "b", nil), reflect.TypeFor[sameCase](), "WIT has variant { a, b }, Go has canon_test.sames: a and b have the same Go type"},
		{variant("a", nil), reflect.TypeFor[fullCase](), "case a (A): WIT has nothing, Go has canon_test.fullA: a struct without exported fields stands for nothing"},
		{variant("a", tU8), reflect.TypeFor[valueCase](), "case a (A): WIT has u8, Go has string"},
		{variant("a", tU8), reflect.TypeFor[sameCase](), "WIT has variant { a(u8) }, Go has canon_test.sames: WIT has nothing for B"},
		{canon.OwnType(0, "file"), reflect.TypeFor[*int](), "WIT has own<file>, Go has *int: nothing stands for a resource here"},
		{canon.ScalarType(canon.ErrorContext), reflect.TypeFor[string](), "WIT has error-context, Go has string: it is not supported yet"},
		{canon.ListType(canon.ScalarType(canon.ErrorContext)), reflect.TypeFor[[]string](), "element: WIT has error-context, Go has string: it is not supported yet"},
		{canon.ListType(canon.ScalarType(canon.ErrorContext)), reflect.TypeFor[any](), "WIT has list<error-context>, Go has interface {}: error-context is not supported yet"},
		{variant("a", canon.ScalarType(canon.ErrorContext)), reflect.TypeFor[Variant](), "WIT has variant { a(error-context) }, Go has canon_test.Variant: error-context is not supported yet"},
		{tU8, nil, "WIT has u8, Go has nil"},
		{tU8, reflect.TypeFor[chan int](), "WIT has u8, Go has chan int"},
	}
	p := newPlanner()
	for _, test := range tests {
		// The second time it comes from the cache.
		for _, dir := range []canon.Dir{canon.Encode, canon.Decode, canon.Decode} {
			_, err := p.Plan(test.goType, test.wit, dir)
			if e := (*canon.TypeError)(nil); !errors.As(err, &e) {
				t.Errorf("%s as %v: %v is no *TypeError", test.wit, test.goType, err)
			} else if err.Error() != test.want {
				t.Errorf("%s as %v: got %q, want %q", test.wit, test.goType, err, test.want)
			}
		}
	}
}

func TestFunctionPlans(t *testing.T) {
	if u := canon.FuncType(false, nil, tString).Unsupported(); u != nil {
		t.Error(u)
	}
	f := canon.FuncType(false, []canon.Field{{Name: "who", Type: record("age", tU16)}, {Name: "n", Type: tU64}}, tString)
	p := newPlanner()
	type (
		Who  struct{ Age uint16 }
		Args struct {
			Who Who
			N   uint64 `wit:"n"`
		}
		Wrong struct {
			A Aged
			N uint64
		}
		WrongTag struct {
			A Who `wit:"whom"`
			N uint64
		}
	)
	params := func(t reflect.Type) error { _, err := p.Params(t, f, canon.Encode); return err }
	_, err2 := p.Param(reflect.TypeFor[string](), f, 1, canon.Encode)
	_, err3 := p.Result(reflect.TypeFor[int](), f, canon.Decode)
	nameless := canon.FuncType(true, []canon.Field{{Type: tU8}}, nil)
	_, err4 := p.Param(reflect.TypeFor[string](), nameless, 0, canon.Encode)
	for _, test := range []struct {
		err  error
		want string
	}{
		{params(reflect.TypeFor[Wrong]()), "parameter 1 (who): field age (Age): WIT has u16, Go has string"},
		{params(reflect.TypeFor[WrongTag]()), "parameter 1 (who): WIT has record { age: u16 }, Go has canon_test.Who: the tag of A says whom"},
		{params(reflect.TypeFor[Who]()), "WIT has record { who: record { age: u16 }, n: u64 }, Go has canon_test.Who: a struct of 1 exported fields for 2 parameters"},
		{params(reflect.TypeFor[int]()), "WIT has record { who: record { age: u16 }, n: u64 }, Go has int: the parameters are the fields of a struct"},
		{err2, "parameter 2 (n): WIT has u64, Go has string"},
		{err3, "result: WIT has string, Go has int"},
		{err4, "parameter 1: WIT has u8, Go has string"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
	if nameless.String() != "async func(: u8)" {
		t.Error(nameless)
	}

	// Together or one by one, the parameters are the same message.
	all, err := p.Params(reflect.TypeFor[Args](), f, canon.Encode)
	if err != nil {
		t.Fatal(err)
	}
	args := Args{Who{7}, 8}
	m := newMessage(1)
	at, _ := m.Block(f.Size, f.Align)
	if err := all.Encode(m, at, unsafe.Pointer(&args)); err != nil {
		t.Fatal(err)
	}
	one, _ := p.Param(reflect.TypeFor[Who](), f, 0, canon.Encode)
	two, _ := p.Param(reflect.TypeFor[uint64](), f, 1, canon.Encode)
	m2 := newMessage(2)
	at, _ = m2.Block(f.Size, f.Align)
	if err := errors.Join(one.Encode(m2, at, unsafe.Pointer(&args.Who)), two.Encode(m2, at, unsafe.Pointer(&args.N))); err != nil {
		t.Fatal(err)
	}
	if string(m.Bytes()) != string(m2.Bytes()) || all.Type().String() != "record { who: record { age: u16 }, n: u64 }" {
		t.Errorf("% x and % x", m.Bytes(), m2.Bytes())
	}
	n, notUTF8 := uint64(0), "\xff"
	put, _ := p.Result(reflect.TypeFor[string](), f, canon.Encode)
	if err := put.Encode(m2, at, unsafe.Pointer(&notUTF8)); err == nil || err.Error() != "result: the string is not UTF-8" {
		t.Error(err)
	}
	var v canon.View
	v.Reset(m.Bytes())
	get, _ := p.Param(reflect.TypeFor[uint64](), f, 1, canon.Decode)
	if err := get.Decode(&v, 0, unsafe.Pointer(&n)); err != nil || n != 8 {
		t.Errorf("got %d, %v", n, err)
	}
	v.Reset(m.Bytes()[:8])
	if err := get.Decode(&v, 0, unsafe.Pointer(&n)); err == nil || err.Error() != "parameter 2 (n): the message has 8 bytes, and no u64 at 8" {
		t.Error(err)
	}
}

func TestSameName(t *testing.T) {
	for _, test := range []struct {
		goName, wit string
		same        bool
	}{
		{"GetURL", "get-url", true}, {"IPv4Address", "ipv4-address", true}, {"A", "a", true}, {"Get_It", "get-it", true},
		{"HTTPServer", "HTTP-server", true}, {"Age", "aged", false},
	} {
		if canon.SameName(test.goName, test.wit) != test.same {
			t.Error(test)
		}
	}
}
