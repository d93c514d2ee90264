package canon_test

import (
	"reflect"
	"sync"
	"testing"
	"unsafe"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// Everything is what decodes by reflection, or through others.
type Everything struct {
	People []Named
	Shapes []Shape
	Map    map[string][]Point
	Any    any
	Option *Named
	File   *file
	Fixed  [2][]string
}

var tEverything = record("people", tNamed, "shapes", canon.ListType(tShape), "map", canon.MapType(tString, tPoints),
	"any", tPoint, "option", canon.OptionType(tNamed.Elem), "file", canon.OwnType(0, "file"),
	"fixed", canon.FixedListType(canon.ListType(tString), 2))

func everything() Everything {
	return Everything{
		People: manyNamed()[:10],
		Shapes: []Shape{None{}, Circle(1), &Box{1, 2}, Other{ptr("x")}},
		Map:    map[string][]Point{"a": {{1, 2}}, "b": {}},
		Any:    map[string]any{"x": uint32(1), "y": 2.0},
		Option: &Named{1, 2, "three"},
		File:   &file{4},
		Fixed:  [2][]string{{"a"}, {"b", "c"}},
	}
}

// Values that are on the stack move while they are decoded, when the stack grows. This must not matter.
func TestStackMoves(t *testing.T) {
	p := canon.NewPlanner(handles{}, dynamic)
	enc, err := p.Plan(reflect.TypeFor[Everything](), tEverything, canon.Encode)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := p.Plan(reflect.TypeFor[Everything](), tEverything, canon.Decode)
	if err != nil {
		t.Fatal(err)
	}
	want := everything()
	var message []byte
	for depth := range 400 {
		onNewStack(depth, func() {
			value := everything()
			m := newMessage(0)
			m.Context = uint32(0)
			at, _ := m.Block(tEverything.Size, tEverything.Align)
			if err := enc.Encode(m, at, unsafe.Pointer(&value)); err != nil {
				t.Error(err)
			}
			message = m.Bytes()
		})
		v := &canon.View{Context: uint32(0)}
		v.Reset(message)
		onNewStack(depth, func() {
			var got Everything
			if err := dec.Decode(v, 0, unsafe.Pointer(&got)); err != nil {
				t.Error(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("at depth %d: got %+v", depth, got)
			}
		})
	}
}

// onNewStack calls a function on a new stack, at some depth, so that it grows somewhere in the function.
func onNewStack(depth int, f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		deep(depth, f)
	}()
	if e := <-done; e != nil {
		panic(e)
	}
}

// deep calls a function at a depth of the stack.
//
//go:noinline
func deep(n int, f func()) byte {
	var frame [40]byte
	frame[n%len(frame)] = 1
	if n == 0 {
		f()
	} else {
		frame[0] += deep(n-1, f)
	}
	return frame[n%len(frame)]
}

// A planner and its plans are used by many at once.
func TestConcurrentUse(t *testing.T) {
	p := canon.NewPlanner(handles{}, dynamic)
	want := everything()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				message, err := encodeWithHandles(p, tEverything, want)
				if err != nil {
					t.Error(err)
					return
				}
				plan, err := p.Plan(reflect.TypeFor[Everything](), tEverything, canon.Decode)
				if err != nil {
					t.Error(err)
					return
				}
				var got Everything
				v := canon.View{Context: uint32(0)}
				v.Reset(message)
				if err := plan.Decode(&v, 0, unsafe.Pointer(&got)); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %v", got, err)
				}
				if _, err := p.Plan(reflect.TypeFor[Aged](), record("age", tU16), canon.Decode); err == nil ||
					err.Error() != "field age (Age): WIT has u16, Go has string" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func encodeWithHandles(p *canon.Planner, t *canon.Type, value any) ([]byte, error) {
	m := newMessage(0)
	m.Context = uint32(0)
	at, err := m.Block(t.Size, t.Align)
	if err != nil {
		return nil, err
	}
	err = p.EncodeAny(m, at, t, value)
	return m.Bytes(), err
}
