package canon_test

import (
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// allocations checks how many a value takes on either way, called as a typed function calls.
func allocations[T any](t *testing.T, name string, wit *canon.Type, value T, encodes, decodes float64) {
	enc, dec := plans[T](t, wit)
	f := newFrame(1<<20, false)
	n := testing.AllocsPerRun(100, func() {
		if err := encodeTo(f, enc, value); err != nil {
			t.Fatal(err)
		}
	})
	if n != encodes {
		t.Errorf("%s: %v allocations when it is encoded, want %v", name, n, encodes)
	}
	n = testing.AllocsPerRun(100, func() {
		if _, err := decodeFrom[T](f, dec); err != nil {
			t.Fatal(err)
		}
	})
	if n != decodes {
		t.Errorf("%s: %v allocations when it is decoded, want %v", name, n, decodes)
	}
}

func TestAllocations(t *testing.T) {
	allocations(t, "number", tU32, uint32(7), 0, 0)
	allocations(t, "numbers", tNumbers, Numbers{1, 2}, 0, 0)
	allocations(t, "record of numbers", tPoint, Point{1, 2}, 0, 0)
	allocations(t, "bool, char, enum, flags", canon.TupleType(tBool, tChar, tColour, tRights), struct {
		A bool
		B rune
		C Colour
		D Rights
	}{true, 'x', 1, 2}, 0, 0)
	allocations(t, "none", canon.OptionType(tU8), (*uint8)(nil), 0, 0)
	allocations(t, "option's struct", canon.OptionType(tU8), some(uint8(1)), 0, 0)
	allocations(t, "result", canon.ResultType(tU8, nil), ok[uint8, struct{}](1), 0, 0)
	allocations(t, "empty case", tShape, Shape(None{}), 0, 0)
	allocations(t, "array", canon.FixedListType(tU16, 3), [3]uint16{1, 2, 3}, 0, 0)
	allocations(t, "string", tString, strings.Repeat("x", 1024), 0, 1)
	allocations(t, "some", canon.OptionType(tU64), ptr(uint64(1)), 0, 1)
	allocations(t, "case", tShape, Shape(Circle(2)), 0, 1)
	allocations(t, "list", canon.ListType(tU8), []byte("abc"), 0, 1)
	allocations(t, "list of records of numbers", tPoints, make([]Point, 1000), 0, 1)
	allocations(t, "list of bools", canon.ListType(tBool), make([]bool, 1000), 0, 1)
	allocations(t, "list of strings", canon.ListType(tString), []string{"a", "b", "c"}, 0, 2)
	allocations(t, "list of records with strings", tNamed, manyNamed(), 0, 2)
}
