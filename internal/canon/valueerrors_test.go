package canon_test

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

type Tree struct {
	Names []string
	Shape Shape
}

func TestEncodeErrors(t *testing.T) {
	tree := record("names", canon.ListType(tString), "shape", tShape)
	notUTF8 := "0123456789012345678901234567890123456789\xff0123456789"
	tests := []struct {
		wit   *canon.Type
		value any
		want  string
	}{
		{tString, "\xff", "the string is not UTF-8"},
		{tString, "12345678\xc3", "the string is not UTF-8"},
		{tString, notUTF8, "the string is not UTF-8"},
		{tString, "\xed\xa0\x80 a surrogate", "the string is not UTF-8"},
		{tChar, rune(0xd800), "0xd800 is not a Unicode scalar value"},
		{tChar, rune(0x110000), "0x110000 is not a Unicode scalar value"},
		{tChar, rune(-1), "0xffffffff is not a Unicode scalar value"},
		{canon.ListType(tChar), []rune{'a', 0xdfff}, "element 1: 0xdfff is not a Unicode scalar value"},
		{tColour, Colour(3), "canon_test.Colour has no case 3"},
		{tColour, int8(-1), "int8 has no case -1"},
		{tColour, Name("yellow"), `there is no case "yellow"`},
		{canon.EnumType(names(20)...), Name("yellow"), `there is no case "yellow"`},
		{tRights, Rights(0x201), "canon_test.Rights has no flag for the bits 0x200"},
		{tree, Tree{Names: []string{"a", "\xff"}}, "field names (Names): element 1: the string is not UTF-8"},
		{tree, Tree{}, "field shape (Shape): nil is no case of canon_test.Shape"},
		{tree, Tree{Shape: (*Box)(nil)}, "field shape (Shape): case box (Box): a nil pointer"},
		{tree, Tree{Shape: Other{ptr("\xff")}}, "field shape (Shape): case other (Other): some: the string is not UTF-8"},
		{tree, Tree{Shape: foreign{}}, "field shape (Shape): canon_test.foreign is no case of canon_test.Shape"},
		{canon.OptionType(tString), some("\xff"), "some: the string is not UTF-8"},
		{canon.ResultType(tU8, tString), failed[uint8]("\xff"), "err: the string is not UTF-8"},
		{canon.FixedListType(tString, 2), [2]string{"", "\xff"}, "element 1: the string is not UTF-8"},
		{canon.MapType(tString, tString), map[string]string{"\xff": ""}, "key: the string is not UTF-8"},
		{canon.MapType(tString, tString), map[string]string{"a": "\xff"}, "value of a: the string is not UTF-8"},
		{variant("a", nil, "b", tU8), Variant{Case: "c"}, `there is no case "c"`},
		{variant("a", nil, "b", tU8), Variant{Case: "a", Value: 1}, "case a: WIT has nothing, Go has int"},
		{variant("a", nil, "b", tU8), Variant{Case: "b"}, "case b: WIT has u8, Go has nil"},
		{variant("a", nil, "b", tU8), Variant{Case: "b", Value: 256}, "case b: 256 does not fit into u8"},
	}
	p := newPlanner()
	for _, test := range tests {
		_, err := encode(p, test.wit, test.value, 0)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s from %#v: got %v, want %s", test.wit, test.value, err, test.want)
		}
		if _, err := encodeAny(p, test.wit, test.value); err == nil {
			t.Errorf("%s from an any with %#v: no error", test.wit, test.value)
		}
	}
}

// foreign implements an interface without being one of its cases.
type foreign struct{}

func (foreign) shape(shapes) {}

func TestNoMemory(t *testing.T) {
	p := newPlanner()
	plan, err := p.Plan(reflect.TypeFor[[]string](), canon.ListType(tString), canon.Encode)
	if err != nil {
		t.Fatal(err)
	}
	value := []string{"abc", "def"}
	memory := make([]byte, 32)
	for n := range len(memory) {
		for _, grow := range []func(*canon.Message, int) []byte{nil, func(*canon.Message, int) []byte { return nil }} {
			m := &canon.Message{Grow: grow}
			m.Reset(memory[:n:n], false)
			at, err := m.Block(8, 4)
			if err == nil {
				err = plan.Encode(m, at, unsafe.Pointer(&value))
			}
			if want := n < 8+16+3+3; (err != nil) != want {
				t.Errorf("%d bytes: %v", n, err)
			} else if want && !strings.Contains(err.Error(), "there is no memory for a message of ") {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
	var m canon.Message
	m.Reset(nil, false)
	if _, err := m.Block(math.MaxUint32, 1); err == nil || err.Error() != "all values of a call together take more than 2 GiB" {
		t.Error(err)
	}
}

// message makes a message of numbers of 4 bytes.
func message(numbers ...uint32) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		wit     *canon.Type
		goType  reflect.Type
		message []byte
		want    string
	}{
		{tU64, reflect.TypeFor[uint64](), make([]byte, 7), "the message has 7 bytes, and no u64 at 0"},
		{tBool, reflect.TypeFor[bool](), []byte{2}, "2 is no bool"},
		{canon.ListType(tBool), reflect.TypeFor[[]bool](), message(8, 2, 0x200), "element 1: 2 is no bool"},
		{tChar, reflect.TypeFor[rune](), message(0xd800), "0xd800 is not a Unicode scalar value"},
		{tString, reflect.TypeFor[string](), message(8, 1), "the message has 8 bytes, and not 1 at 8"},
		{tString, reflect.TypeFor[string](), message(9, math.MaxUint32), "the message has 8 bytes, and not 4294967295 at 9"},
		{tString, reflect.TypeFor[string](), message(1<<31, 1), "the message has 8 bytes, and not 1 at 2147483648"},
		{tString, reflect.TypeFor[string](), message(1<<31, 1, 0, 0), "the message has 16 bytes, and not 1 at 2147483648"},
		{canon.ListType(tU8), reflect.TypeFor[[]byte](), message(4, 5), "the message has 8 bytes, and not 5 at 4"},
		{canon.ListType(tU64), reflect.TypeFor[[]uint64](), message(0, 1<<29), "the message has 8 bytes, and not 4294967296 at 0"},
		{canon.ListType(tString), reflect.TypeFor[[]string](), message(8, 2, 0, 12, 4, 0), "element 0: the message refers to more than it holds"},
		{canon.ListType(canon.ListType(tU8)), reflect.TypeFor[[][]byte](), message(8, 2, 8, 8, 8, 9), "element 0: the message refers to more than it holds"},
		{canon.MapType(tU8, tU8), reflect.TypeFor[map[uint8]uint8](), message(8, 1), "the message has 8 bytes, and not 2 at 8"},
		{canon.MapType(tString, tU8), reflect.TypeFor[map[string]uint8](), message(8, 1, 99, 1, 0), "key: the message has 20 bytes, and not 1 at 99"},
		{canon.MapType(tU8, tString), reflect.TypeFor[map[uint8]string](), message(8, 1, 7, 99, 1), "value of 7: the message has 20 bytes, and not 1 at 99"},
		{canon.ListType(canon.TupleType(tU8, tU8)), reflect.TypeFor[map[uint8]uint8](), message(8, 2, 0x02010101), "key: 1 is there twice, and a map of Go has each key once"},
		{canon.ListType(canon.TupleType(canon.ListType(tU8), tU8)), reflect.TypeFor[map[any]uint8](), message(8, 1, 0, 0, 0), "key: a map of Go cannot have this key"},
		{tColour, reflect.TypeFor[Colour](), []byte{3}, "there is no case 3"},
		{tColour, reflect.TypeFor[Name](), []byte{3}, "there is no case 3"},
		{canon.EnumType(names(300)...), reflect.TypeFor[uint16](), []byte{0xff, 0xff}, "there is no case 65535"},
		{canon.EnumType(names(70_000)...), reflect.TypeFor[uint32](), message(70_000), "there is no case 70000"},
		{tRights, reflect.TypeFor[Rights](), []byte{0, 2}, "there is no flag for the bits 0x200"},
		{canon.OptionType(tU8), reflect.TypeFor[*uint8](), []byte{2, 0}, "there is no case 2"},
		{canon.OptionType(tBool), reflect.TypeFor[Option[bool]](), []byte{1, 2}, "some: 2 is no bool"},
		{canon.ResultType(tBool, nil), reflect.TypeFor[Result[bool, struct{}]](), []byte{2, 0}, "there is no case 2"},
		{canon.ResultType(nil, tBool), reflect.TypeFor[Result[struct{}, bool]](), []byte{1, 2}, "err: 2 is no bool"},
		{variant("a", tBool), reflect.TypeFor[Variant](), []byte{1, 0}, "there is no case 1"},
		{variant("a", tBool), reflect.TypeFor[Variant](), []byte{0, 2}, "case a: 2 is no bool"},
		{tShape, reflect.TypeFor[Shape](), message(9, 0, 0, 0, 0, 0), "there is no case 9"},
		{tShape, reflect.TypeFor[Shape](), message(3, 0, 1, 99, 9, 0), "case other (Other): some: the message has 24 bytes, and not 9 at 99"},
		{record("a", canon.FixedListType(tBool, 2)), reflect.TypeFor[struct{ A [2]bool }](), []byte{0, 2}, "field a (A): element 1: 2 is no bool"},
		{record("a", tString), reflect.TypeFor[struct{ A string }](), message(8, 1), "field a (A): the message has 8 bytes, and not 1 at 8"},
	}
	p := newPlanner()
	for _, test := range tests {
		_, err := decode(p, test.wit, test.goType, test.message)
		if e := (*canon.ValueError)(nil); !errors.As(err, &e) || err.Error() != test.want {
			t.Errorf("%s in % x: got %v, want %s", test.wit, test.message, err, test.want)
		}
		if _, err := decodeAny(p, test.wit, test.message); err == nil && !strings.Contains(test.want, "map of Go") {
			t.Errorf("%s in % x as any: no error", test.wit, test.message)
		}
		var v canon.View
		v.Reset(test.message)
		if text, err := v.FormatWave(0, test.wit); err == nil && !strings.Contains(test.want, "map of Go") {
			t.Errorf("%s in % x is %s", test.wit, test.message, text)
		}
	}
}

// What a guest packs tightly can be large in Go: a limit holds.
func TestLimit(t *testing.T) {
	p := newPlanner()
	long := func(n uint32) []byte { return append(message(8, n), make([]byte, n)...) }
	for _, test := range []struct {
		wit     *canon.Type
		goType  reflect.Type
		message []byte
	}{
		{canon.ListType(record("a", tBool)), reflect.TypeFor[any](), long(1000)},
		{canon.ListType(canon.TupleType(tBool)), reflect.TypeFor[any](), long(1000)},
		{canon.ListType(canon.EnumType("a")), reflect.TypeFor[[]Name](), long(1000)},
		{canon.ListType(tU8), reflect.TypeFor[[]byte](), long(10_001)},
		{tString, reflect.TypeFor[string](), long(10_001)},
		{canon.MapType(tU8, tU8), reflect.TypeFor[map[uint8]uint8](), append(message(8, 3000), make([]byte, 6000)...)},
		{canon.ListType(canon.OptionType(tU8)), reflect.TypeFor[[]*uint8](), append(message(8, 1000), strings.Repeat("\x01", 2000)...)},
		{canon.ListType(variant("a", canon.TupleType(tU8, tU8))), reflect.TypeFor[[]pairs](), append(message(8, 600), make([]byte, 1800)...)},
		{canon.ListType(canon.ListType(canon.TupleType(tU8))), reflect.TypeFor[any](), append(message(8, 1, 16, 1000), make([]byte, 1000)...)},
		{canon.ListType(variant("a", nil)), reflect.TypeFor[any](), long(400)},
	} {
		plan, err := p.Plan(test.goType, test.wit, canon.Decode)
		if err != nil {
			t.Fatal(err)
		}
		for limit, fails := range map[uint64]bool{0: false, 10_000: true, 10_000_000: false} {
			v := canon.View{Limit: limit}
			v.Reset(test.message)
			err := plan.Decode(&v, 0, reflect.New(test.goType).UnsafePointer())
			if fails != (err != nil) {
				t.Errorf("%s as %v with a limit of %d: %v", test.wit, test.goType, limit, err)
			} else if err != nil && !strings.HasSuffix(err.Error(), "the values take more than 10000 bytes in Go") {
				t.Error(err)
			}
		}
	}
}

type (
	pairs    interface{ pairs(allPairs) }
	allPairs struct{ A onePair }
	onePair  struct{ X, Y uint8 }
)

func (onePair) pairs(allPairs) {}

// What the limit counts is about what there is: whatever a guest packs, Go does not take several times the limit, for
// values as for their text.
func TestLimitCounts(t *testing.T) {
	const limit = 1 << 20
	names := make([]string, 8)
	for i := range names {
		names[i] = strings.Repeat("a", 1000) + string(rune('a'+i))
	}
	all := func(n int, element string) []byte {
		return append(message(8, uint32(n/len(element))), strings.Repeat(element, n/len(element))...)
	}
	deep := tU8
	for range 60 {
		deep = canon.TupleType(deep)
	}
	p := newPlanner()
	for _, elem := range []struct {
		wit  *canon.Type
		some string
	}{
		{canon.FlagsType(names...), "\xff"},
		{record("a", tU8), "\x01"},
		{record("a", canon.FlagsType("a", "b", "c", "d", "e", "f", "g", "h")), "\xff"},
		{canon.TupleType(tU8, tS8), "\xff\xff"},
		{canon.TupleType(tU64), "\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{canon.EnumType(names...), "\x07"},
		{variant(names[0], tU16), "\x00\x00\xff\xff"},
		{canon.OptionType(canon.OptionType(tU8)), "\x01\x01\xff"},
		{canon.ResultType(tU8, canon.FlagsType(names...)), "\x01\xff"},
		{record(names[0], tU8), "\xff"},
		{tF64, "\xff\xff\xff\xff\xff\xff\xef\x7f"},
		{canon.FixedListType(canon.FlagsType("a", "b"), 2), "\x03\x03"},
		{deep, "\x01"},
	} {
		list := canon.ListType(elem.wit)
		for what, read := range map[string]func(v *canon.View) error{
			"value": func(v *canon.View) error { return errorOf(p.DecodeAny(v, 0, list)) },
			"text":  func(v *canon.View) error { return errorOf(v.FormatWave(0, list)) },
		} {
			took := uint64(0)
			for n := 64; n <= 1<<17; n *= 2 { // the largest list that the limit allows, or one that is refused midway
				v := canon.View{Limit: limit}
				v.Reset(all(n, elem.some))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := read(&v)
				runtime.ReadMemStats(&after)
				took = max(took, after.TotalAlloc-before.TotalAlloc)
				if err != nil {
					break
				}
			}
			most := uint64(2 * limit)
			if what == "text" {
				most = 8 * limit // which is copied whenever there is no room for more of it
			}
			if took > most {
				t.Errorf("%s of %.40s…: %d KiB of memory with a limit of %d KiB", what, list, took>>10, limit>>10)
			} else {
				t.Logf("%s of %.40s…: %d KiB", what, list, took>>10)
			}
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }
