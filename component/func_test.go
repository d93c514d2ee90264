package component_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestCall(t *testing.T) {
	w := newWorld(t, testWat, nil)
	type point struct{ X, Y int32 }
	large := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		name string
		args []any
		want any
	}{
		{"add", []any{uint32(1), uint32(2)}, uint32(3)},
		{"add", []any{40, int64(2)}, uint32(42)},
		{"add", []any{uint32(1 << 31), uint32(1 << 31)}, uint32(0)},
		{"echo", []any{"hello, 世界"}, "hello, 世界"},
		{"echo", []any{""}, ""},
		{"echo", []any{large}, large},
		{"rune", []any{'世'}, '世'},
		{"not", []any{true}, true},
		{"nothing", nil, nil},
		{"swap", []any{point{1, -2}}, map[string]any{"x": int32(1), "y": int32(-2)}},
		{"swap", []any{map[string]any{"x": 5, "y": 6}}, map[string]any{"x": int32(5), "y": int32(6)}},
		{"tuple", []any{[]any{1, 2}}, []any{int32(1), int32(2)}},
		{"tuple", []any{component.Tuple2[int32, int32]{A: 3, B: 4}}, []any{int32(3), int32(4)}},
		{"half", []any{uint32(8)}, uint32(4)},
		{"check", []any{uint32(0)}, nil},
		{"option", []any{uint32(3)}, uint32(3)},
		{"option", []any{nil}, nil},
		{"option", []any{component.Some(uint32(0))}, uint32(0)},
		{"echo-shape", []any{component.Variant{Case: "circle", Value: float32(1.5)}}, component.Variant{Case: "circle", Value: float32(1.5)}},
		{"echo-shape", []any{component.Variant{Case: "empty"}}, component.Variant{Case: "empty"}},
		{"echo-person", []any{map[string]any{"full-name": "Ada", "age": 36}}, map[string]any{"full-name": "Ada", "age": uint8(36)}},
		{"echo-color", []any{"dark-blue"}, "dark-blue"},
		{"echo-perms", []any{[]string{"exec", "read"}}, []string{"read", "exec"}},
		{"bytes", []any{[]byte{1, 2, 3}}, []byte{1, 2, 3}},
		{"bytes", []any{[]byte(large)}, []byte(large)},
		{"strings", []any{[]string{"a", "", "ccc"}}, []string{"a", "", "ccc"}},
		{"example:test/api@1.2.3#add", []any{1, 2}, uint32(3)},
	} {
		got, err := w.fn(t, test.name).Call(context.Background(), test.args...)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s(%.80v) = %.80v (%T), %v, want %.80v", test.name, test.args, got, got, err, test.want)
		}
	}
	_, err := w.fn(t, "half").Call(nil, 3)
	var failed *component.ResultError
	if !errors.As(err, &failed) || failed.Value != "odd" || failed.Error() != "odd" {
		t.Errorf("an error of the guest: %T %v", err, err)
	}
	_, err = w.fn(t, "check").Call(nil, 1)
	if !errors.As(err, &failed) || failed.Value != nil {
		t.Errorf("an error without a value: %T %v", err, err)
	}
}

// What cannot be an argument is told before anything is called, and the instance stays usable.
func TestArguments(t *testing.T) {
	w := newWorld(t, testWat, nil)
	for _, test := range []struct {
		name  string
		args  []any
		cause error
		text  string
	}{
		{"add", []any{1}, component.ErrType, "takes 2 arguments, and was given 1"},
		{"add", []any{1, 2, 3}, component.ErrType, "takes 2 arguments"},
		{"add", []any{1, "x"}, component.ErrType, "argument 2 (b)"},
		{"add", []any{1, -1}, component.ErrValue, "argument 2 (b)"},
		{"add", []any{1, nil}, component.ErrType, "argument 2 (b)"},
		{"echo", []any{"\xff"}, component.ErrValue, "UTF-8"},
		{"rune", []any{rune(0xd800)}, component.ErrValue, ""},
		{"echo-color", []any{"blue"}, component.ErrValue, "blue"},
		{"echo-perms", []any{[]string{"fly"}}, component.ErrValue, "fly"},
		{"echo-shape", []any{component.Variant{Case: "line"}}, component.ErrValue, "line"},
		{"echo-person", []any{map[string]any{"full-name": "Ada"}}, component.ErrValue, "age"},
		{"swap", []any{struct{ X, Z int32 }{}}, component.ErrType, "swap: argument 1 (p): "},
		{"echo-shape", []any{"empty"}, component.ErrType, "it takes a component.Variant"},
	} {
		_, err := w.fn(t, test.name).Call(nil, test.args...)
		WantTyped(t, err, test.cause, test.text)
	}
	Equal(t, "a call after them", w.call(t, "add", 1, 2), any(uint32(3)))
	for args, text := range map[string]string{
		`circle(`: "at byte 7: the text ends", `box({x: 1})`: "parameter 1 (s): at byte 4: the field y is missing", `empty)`: "at byte 5",
	} {
		WantTyped(t, ErrorOf(w.fn(t, "echo-shape").CallText(nil, args)), component.ErrValue, text)
	}
	var none *component.Func
	_, err := none.Call(nil)
	WantText(t, err, "the function is nil")
}

type point struct{ X, Y int32 }

type person struct {
	Name string `wit:"full-name"`
	Age  uint8
}

type shape interface{ isShape(shapes) }

type shapes struct {
	Circle circle
	Box    box
	None   noShape `wit:"empty"`
}

type (
	circle  float32
	box     point
	noShape struct{}
)

func (circle) isShape(shapes)  {}
func (box) isShape(shapes)     {}
func (noShape) isShape(shapes) {}

type color uint8

type perms uint8

func TestBind(t *testing.T) {
	w := newWorld(t, testWat, nil)
	add := Must(component.Bind2[uint32, uint32, uint32](w.fn(t, "add")))
	Equal(t, "add", Must(add.Call(nil, 3, 4)), 7)
	echo := Must(component.Bind1[string, string](w.fn(t, "echo")))
	Equal(t, "echo", Must(echo.Call(nil, "text")), "text")
	swap := Must(component.Bind1[point, point](w.fn(t, "swap")))
	Equal(t, "swap", Must(swap.Call(nil, point{1, 2})), point{1, 2})
	who := Must(component.Bind1[person, person](w.fn(t, "echo-person")))
	Equal(t, "person", Must(who.Call(nil, person{"Ada", 36})), person{"Ada", 36})
	form := Must(component.Bind1[shape, shape](w.fn(t, "echo-shape")))
	for _, s := range []shape{circle(2.5), box{3, 4}, noShape{}} {
		Equal(t, "shape", Must(form.Call(nil, s)), s)
	}
	Equal(t, "color", Must(Must(component.Bind1[color, color](w.fn(t, "echo-color"))).Call(nil, 2)), 2)
	Equal(t, "perms", Must(Must(component.Bind1[perms, perms](w.fn(t, "echo-perms"))).Call(nil, 5)), 5)
	option := Must(component.Bind1[*uint32, component.Option[uint32]](w.fn(t, "option")))
	five := uint32(5)
	Equal(t, "option", Must(option.Call(nil, &five)), component.Some(five))
	Equal(t, "option", Must(option.Call(nil, nil)), component.None[uint32]())
	half := Must(component.Bind1[uint32, uint32](w.fn(t, "half")))
	Equal(t, "half", Must(half.Call(nil, 10)), 5)
	if n, err := half.Call(nil, 9); n != 0 || err == nil || err.Error() != "odd" {
		t.Error(n, err)
	}
	result := Must(component.Bind1[uint32, component.Result[uint32, string]](w.fn(t, "half")))
	Equal(t, "half", Must(result.Call(nil, 10)), component.Ok[uint32, string](5))
	Equal(t, "half", Must(result.Call(nil, 9)), component.Err[uint32]("odd"))
	check := Must(component.BindVoid1[uint32](w.fn(t, "check")))
	if err := check.Call(nil, 0); err != nil {
		t.Error(err)
	}
	var failed *component.ResultError
	if err := check.Call(nil, 7); !errors.As(err, &failed) {
		t.Error(err)
	}
	Check(t, Must(component.BindVoid0(w.fn(t, "nothing"))).Call(nil))
	points := Must(component.Bind1[[]point, []point](w.fn(t, "points")))
	for _, n := range []int{0, 1, 10_000} {
		all := make([]point, n)
		for i := range all {
			all[i] = point{int32(i), int32(-i)}
		}
		if got, err := points.Call(nil, all); err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, all) {
			t.Errorf("%d points: %d, %v", n, len(got), err)
		}
	}
	type both struct{ A, B uint32 }
	named := Must(component.Bind[both, uint32](w.fn(t, "add")))
	Equal(t, "add with a struct", Must(named.Call(nil, both{1, 2})), 3)
}

func TestBindMismatch(t *testing.T) {
	w := newWorld(t, testWat, nil)
	for what, err := range map[string]error{
		"parameter 2 (b): WIT has u32, Go has string":                                      ErrorOf(component.Bind2[uint32, string, uint32](w.fn(t, "add"))),
		"result: WIT has u32, Go has int32":                                                ErrorOf(component.Bind2[uint32, uint32, int32](w.fn(t, "add"))),
		"add takes 2 parameters, and is bound with 1: it is a func(a: u32, b: u32) -> u32": ErrorOf(component.Bind1[uint32, uint32](w.fn(t, "add"))),
		"Go has none":              ErrorOf(component.BindVoid2[uint32, uint32](w.fn(t, "add"))),
		"WIT has none, Go has int": ErrorOf(component.Bind0[int](w.fn(t, "nothing"))),
		"echo takes 1 parameter, ": ErrorOf(component.Bind0[string](w.fn(t, "echo"))),
		"result: WIT has result, Go has bool: it has no value if it is ok, and is bound by BindVoid0 and its like": ErrorOf(
			component.Bind1[uint32, bool](w.fn(t, "check"))),
		// An error is no result: Call has one of its own.
		"result: WIT has result, Go has error: it has no value if it is ok": ErrorOf(component.Bind1[uint32, error](w.fn(t, "check"))),
		"nothing stands for y":  ErrorOf(component.Bind1[struct{ X, Z int32 }, point](w.fn(t, "swap"))),
		"takes them one by one": nil,
		"Bind takes a struct":   ErrorOf(component.Bind[int, uint32](w.fn(t, "add"))),
	} {
		if what != "takes them one by one" {
			WantTyped(t, err, component.ErrType, what)
		}
	}
	WantTyped(t, ErrorOf(component.Bind1[struct{ x, y int32 }, point](w.fn(t, "swap"))), component.ErrType, "the field x is not exported")
	WantTyped(t, ErrorOf(component.Bind1[uint32, uint32](w.fn(t, "option"))), component.ErrType, "a pointer or a component.Option")
	who := Must(component.Bind1[string, string](w.fn(t, "echo")))
	WantTyped(t, ErrorOf(who.Call(nil, "\xff")), component.ErrValue, "echo: parameter 1 (text): ")
	// Asked again, it says the same.
	first := ErrorOf(component.Bind2[uint32, string, uint32](w.fn(t, "add")))
	again := ErrorOf(component.Bind2[uint32, string, uint32](w.fn(t, "add")))
	Equal(t, "the error", again.Error(), first.Error())
	WantText(t, ErrorOf(component.Bind1[int, int](nil)), "the function is nil")
}

func TestBuffers(t *testing.T) {
	w := newWorld(t, testWat, nil)
	type size struct{ N uint32 }
	fill := Must(component.Bind[size, []byte](w.fn(t, "fill")))
	buffer := make([]byte, 0, 1<<20)
	for _, n := range []uint32{0, 10, 1 << 20} {
		Check(t, fill.CallInto(nil, &size{n}, &buffer))
		if len(buffer) != int(n) || cap(buffer) != 1<<20 || n > 0 && buffer[n-1] != 7 {
			t.Errorf("%d bytes, of %d", len(buffer), cap(buffer))
		}
		err := fill.CallView(nil, size{n}, func(view []byte) error {
			if len(view) != int(n) || n > 0 && view[0] != 7 {
				t.Errorf("a view of %d bytes", len(view))
			}
			return nil
		})
		Check(t, err)
	}
	mine := errors.New("mine")
	if err := fill.CallView(nil, size{1}, func([]byte) error { return mine }); err != mine {
		t.Error(err)
	}
	WantText(t, fill.CallInto(nil, nil, nil), "needs")
}

// A long list is written into memory that was made for one as long as the last: it is new each time, and ends with its
// last element, also when it is longer or shorter than that was.
func TestNewLists(t *testing.T) {
	w := newWorld(t, testWat, nil)
	fill := Must(component.Bind1[uint32, []byte](w.fn(t, "fill")))
	var all [][]byte
	for _, n := range []uint32{20_000, 20_000, 15_000, 40_000, 30_000, 9_000, 9_000, 10, 20_000, 0, 20_000} {
		list := Must(fill.Call(nil, n))
		if len(list) != int(n) || cap(list) > len(list)+len(list)/8+16 || list == nil {
			t.Errorf("%d bytes, of %d, for %d", len(list), cap(list), n)
		}
		if bytes.Count(list, []byte{7}) != len(list) {
			t.Errorf("%d: other bytes", n)
		}
		for i := range list {
			list[i] = byte(len(all))
		}
		all = append(all, list)
	}
	for i, list := range all {
		if bytes.Count(list, []byte{byte(i)}) != len(list) {
			t.Errorf("list %d shares its memory with another one", i)
		}
	}
	if list := Must(fill.Call(nil, 1<<20)); !Race {
		Must(fill.Call(nil, 1<<20))
		per := testing.AllocsPerRun(20, func() { list = Must(fill.Call(nil, 1<<20)) })
		if per > 1 || len(list) != 1<<20 {
			t.Errorf("%v allocations", per)
		}
	}
}

// A list that fits is written into the caller's memory, also by a call inside of another one that does the same, and
// nothing is written behind it.
func TestBuffersNested(t *testing.T) {
	const wat = `(component
	  (import "more" (func $more (param "n" u32)))
	  (core func $more (canon lower (func $more)))
	  (core module $m (import "" "more" (func $more (param i32)))` + memoryWat + `
	    (func (export "fill") (param i32) (result i32)
	      (local $p i32)
	      (call $more (local.get 0))
	      (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get 0)))
	      (memory.fill (local.get $p) (local.get 0) (local.get 0))
	      (i32.store (i32.const 16) (local.get $p)) (i32.store (i32.const 20) (local.get 0)) (i32.const 16)))
	  (core instance $i (instantiate $m (with "" (instance (export "more" (func $more))))))
	  (alias core export $i "memory" (core memory $memory))
	  (alias core export $i "realloc" (core func $realloc))
	  (alias core export $i "reset" (core func $reset))
	  (func (export "fill") (param "n" u32) (result (list u8))
	    (canon lift (core func $i "fill") (memory $memory) (realloc $realloc) (post-return $reset))))`
	type size struct{ N uint32 }
	fill := func(w *world) *component.TypedFunc[size, []byte] {
		return Must(component.Bind[size, []byte](w.fn(t, "fill")))
	}
	var w, other *world
	inner := make([]byte, 50_000)
	w = newWorld(t, wat, func(l *component.Linker) error {
		return l.Root().Func("more", component.HostVoid1(func(_ *wasmtime.Caller, n uint32) error {
			if n < 40_000 {
				return nil
			}
			runtime.GC()
			return fill(other).CallInto(nil, &size{n / 2}, &inner)
		}))
	})
	other = &world{store: w.store}
	var err error
	other.instance, err = w.linker.Instantiate(nil, w.store, w.component)
	Check(t, err)
	all := func(b []byte, n int) bool { return len(b) == n && bytes.Count(b, []byte{byte(n)}) == n }
	for _, n := range []int{40_007, 49_999, 50_000, 50_001, 10} {
		outer := bytes.Repeat([]byte{0xaa}, 50_000)
		inner = inner[:0]
		Check(t, fill(w).CallInto(nil, &size{uint32(n)}, &outer))
		if !all(outer, n) || n >= 40_000 && !all(inner, n/2) {
			t.Errorf("%d: %d bytes, and inside %d", n, len(outer), len(inner))
		}
		if rest := outer[n:cap(outer)]; cap(outer) == 50_000 && bytes.Count(rest, []byte{0xaa}) != len(rest) {
			t.Errorf("%d: something was written behind the list", n)
		}
	}
}

// What was in the result before is gone.
func TestBuffersAreOverwritten(t *testing.T) {
	w := newWorld(t, testWat, nil)
	type option struct{ O *uint32 }
	optional := Must(component.Bind[option, *uint32](w.fn(t, "option")))
	five := uint32(5)
	result := &five
	Check(t, optional.CallInto(nil, &option{}, &result))
	if result != nil || five != 5 {
		t.Errorf("none is %v", result)
	}
	either := Must(component.Bind[option, component.Option[uint32]](w.fn(t, "option")))
	some := component.Some(five)
	Check(t, either.CallInto(nil, &option{}, &some))
	Equal(t, "none", some, component.None[uint32]())
	type form struct{ S shape }
	shaped := Must(component.Bind[form, shape](w.fn(t, "echo-shape")))
	var s shape = box{1, 2}
	Check(t, shaped.CallInto(nil, &form{noShape{}}, &s))
	Equal(t, "shape", s, shape(noShape{}))
	type number struct{ N uint32 }
	half := Must(component.Bind[number, component.Result[uint32, string]](w.fn(t, "half")))
	outcome := component.Err[uint32]("stale")
	Check(t, half.CallInto(nil, &number{8}, &outcome))
	Equal(t, "half", outcome, component.Ok[uint32, string](4))
	type texts struct{ Texts []string }
	strs := Must(component.Bind[texts, []string](w.fn(t, "strings")))
	list := []string{"a", "b", "c"}
	Check(t, strs.CallInto(nil, &texts{[]string{"x"}}, &list))
	Equal(t, "strings", fmt.Sprint(list), "[x]")
	Check(t, strs.CallInto(nil, &texts{}, &list))
	Equal(t, "strings", len(list), 0)
}

func TestTrap(t *testing.T) {
	w := newWorld(t, testWat, nil)
	_, err := w.fn(t, "trap").Call(nil)
	WantTrap(t, err, wasmtime.UnreachableCodeReached)
	for range 2 {
		_, err = w.fn(t, "add").Call(nil, 1, 2)
		WantTyped(t, err, component.ErrUnusable, "of it or of another in the same store; a new store is needed")
	}
	second := Must(w.linker.Instantiate(nil, w.store, w.component)) // which can be made, and not be called
	_, err = Must(second.Func("add")).Call(nil, 1, 2)
	WantTyped(t, err, component.ErrUnusable, "; a new store is needed")
	w.renew(t)
	Equal(t, "add", w.call(t, "add", 1, 2), any(uint32(3)))
}

func TestContext(t *testing.T) {
	w := newWorld(t, testWat, nil, WithEpochs)
	var f *component.Func
	err := UntilTrap(func(delay time.Duration) error {
		w.renew(t)
		f = w.fn(t, "forever")
		ctx, cancel := context.WithTimeoutCause(t.Context(), delay, errors.New("the cause"))
		defer cancel()
		_, err := f.Call(ctx)
		return err
	})
	WantTrap(t, err, wasmtime.Interrupt)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the cause") {
		t.Error(err)
	}
	_, err = f.Call(nil)
	WantIs(t, err, component.ErrUnusable)
	w.renew(t)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.fn(t, "add").Call(done, 1, 2)
	WantIs(t, err, context.Canceled)
	Equal(t, "a call after it", Must(w.fn(t, "add").Call(t.Context(), 1, 2)), any(uint32(3)))
	_, err = w.linker.Instantiate(done, w.store, w.component)
	WantIs(t, err, context.Canceled)

	plain := newWorld(t, testWat, nil)
	_, err = plain.fn(t, "add").Call(done, 1, 2)
	WantIs(t, err, wasmtime.ErrNoEpochs)
}

func TestFuel(t *testing.T) {
	w := newWorld(t, testWat, nil, func(c *wasmtime.Config) { c.SetConsumeFuel(true) })
	Check(t, w.store.SetFuel(10_000))
	w.call(t, "add", 1, 2)
	if left := Must(w.store.GetFuel()); left >= 10_000 || left < 9_000 {
		t.Errorf("%d units are left", left)
	}
	_, err := w.fn(t, "forever").Call(nil)
	WantTrap(t, err, wasmtime.OutOfFuel)
}

func TestEpochDeadline(t *testing.T) {
	w := newWorld(t, testWat, nil, WithEpochs)
	w.store.SetEpochDeadline(1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				w.engine.IncrementEpoch()
			}
		}
	}()
	defer close(stop)
	_, err := w.fn(t, "forever").Call(nil)
	WantTrap(t, err, wasmtime.Interrupt)
}

func TestClosed(t *testing.T) {
	w := newWorld(t, testWat, nil)
	add := w.fn(t, "add")
	bound := Must(component.Bind2[uint32, uint32, uint32](add))
	type both struct{ A, B uint32 }
	named := Must(component.Bind[both, uint32](add))
	pre := Must(w.linker.InstantiatePre(w.component))
	export := Must(w.component.Export("add"))
	table := component.TableOf(w.store)
	w.store.Close()
	var n uint32
	for _, err := range []error{
		ErrorOf(add.Call(nil, 1, 2)), ErrorOf(bound.Call(nil, 1, 2)), ErrorOf(named.Call(nil, both{})), named.CallInto(nil, &both{}, &n),
		named.CallView(nil, both{}, func(uint32) error { return nil }),
		ErrorOf(w.instance.Func("add")), ErrorOf(w.instance.FuncAt("echo")), ErrorOf(w.instance.FuncOf(export)),
		ErrorOf(w.linker.Instantiate(nil, w.store, w.component)), ErrorOf(pre.Instantiate(nil, w.store)),
		table.Push(&n), table.PushChild(&n, &n), table.Delete(&n),
	} {
		WantTyped(t, err, wasmtime.ErrClosed, "")
	}
	for what, f := range map[string]func(){
		"TableOf":   func() { component.TableOf(w.store) },
		"SetLimits": func() { component.SetLimits(w.store, component.Limits{}) },
		"Contains":  func() { table.Contains(&n) },
		"Len":       func() { table.Len() },
	} {
		WantPanic(t, what, ClosedText, f)
	}

	store := wasmtime.NewStore(w.engine)
	defer store.Close()
	w.linker.Close()
	w.component.Close()
	w.component.Close()
	fresh := Must(pre.Instantiate(nil, store))
	Equal(t, "a call", Must(Must(fresh.Func("add")).Call(nil, 1, 2)), any(uint32(3)))
	pre.Close()
	for _, err := range []error{
		ErrorOf(pre.Instantiate(nil, store)), ErrorOf(w.linker.Instantiate(nil, store, w.component)),
		ErrorOf(w.linker.InstantiatePre(w.component)), w.linker.Check(w.component), w.linker.Root().Func("f", func() {}),
		w.linker.Instance("i").Func("f", func() {}), w.linker.Instance("i").Interface(struct{ fmt.Stringer }{}),
		ErrorOf(w.component.Serialize()), ErrorOf(w.component.Export("add")),
	} {
		WantTyped(t, err, wasmtime.ErrClosed, "")
	}
	if _, _, err := w.component.Requirements(); !errors.Is(err, wasmtime.ErrClosed) {
		t.Error(err)
	}
	for what, f := range map[string]func(){
		"Imports": func() { w.component.Imports() }, "Exports": func() { w.component.Exports() }, "WIT": func() { w.component.WIT() },
		"AllowShadowing": func() { w.linker.AllowShadowing(true) }, "TrapUnknownImports": func() { w.linker.TrapUnknownImports(true) },
	} {
		WantPanic(t, what, ClosedText, f)
	}
	Equal(t, "what was described stays", export.Type().String(), "func(a: u32, b: u32) -> u32")
	w.engine.Close()
	_, err := component.New(w.engine, []byte(testWat))
	WantIs(t, err, wasmtime.ErrClosed)
}

func TestEngines(t *testing.T) {
	w, other := newWorld(t, testWat, nil), newWorld(t, testWat, nil)
	_, err := w.linker.Instantiate(nil, w.store, other.component)
	WantIs(t, err, wasmtime.ErrWrongEngine)
	_, err = w.linker.Instantiate(nil, other.store, w.component)
	WantIs(t, err, wasmtime.ErrWrongEngine)
	WantIs(t, w.linker.Check(other.component), wasmtime.ErrWrongEngine)
}

func TestTooManyGuests(t *testing.T) {
	defer wasmtime.SetMaxConcurrentGuests(wasmtime.SetMaxConcurrentGuests(1))
	host := plainHost()
	var f *component.Func
	other := newWorld(t, testWat, nil)
	var without, with error
	host.log = func(string) {
		without = elsewhere(func() error { return ErrorOf(other.fn(t, "add").Call(nil, 1, 2)) })
		with = elsewhere(func() error { return ErrorOf(other.linker.Instantiate(nil, other.store, other.component)) })
	}
	w := newWorld(t, hostWat, host.define)
	f = w.fn(t, "log")
	Must(f.Call(nil, "x"))
	WantIs(t, without, wasmtime.ErrTooManyGuests)
	WantIs(t, with, wasmtime.ErrTooManyGuests)
	Equal(t, "afterwards", other.call(t, "add", 1, 2), any(uint32(3)))
}

// elsewhere runs f on another goroutine.
func elsewhere(f func() error) error {
	failed := make(chan error)
	go func() { failed <- f() }()
	return <-failed
}

func TestAllocations(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the checks allocate")
	}
	w := newWorld(t, testWat, nil)
	add := Must(component.Bind2[uint32, uint32, uint32](w.fn(t, "add")))
	echo := Must(component.Bind1[string, string](w.fn(t, "echo")))
	swap := Must(component.Bind1[point, point](w.fn(t, "swap")))
	ctx := context.Background()
	for what, test := range map[string]struct {
		f    func()
		want float64
	}{
		"numbers":                {func() { Must(add.Call(nil, 1, 2)) }, 0},
		"numbers with a context": {func() { Must(add.Call(ctx, 1, 2)) }, 0},
		"a record":               {func() { Must(swap.Call(nil, point{1, 2})) }, 0},
		"a string":               {func() { Must(echo.Call(nil, "hello")) }, 1},
	} {
		Equal(t, what, testing.AllocsPerRun(100, test.f), test.want)
	}
}

// What is async is not supported yet, and told so: an import when it is linked, an export that is lifted asynchronously
// when it is called, which leaves the instance as it was.
func TestAsyncIsNotSupportedYet(t *testing.T) {
	w := newWorld(t, `(component
	  (core func $return (canon task.return (result u32)))
	  (core module $m
	    (import "" "return" (func $return (param i32)))
	    (func (export "a") (param i32) (result i32) (call $return (local.get 0)) (i32.const 0))
	    (func (export "callback") (param i32 i32 i32) (result i32) (unreachable))
	    (func (export "s") (param i32) (result i32) (local.get 0)))
	  (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
	  (func (export "a") async (param "x" u32) (result u32)
	    (canon lift (core func $i "a") async (callback (core func $i "callback"))))
	  (func (export "s") async (param "x" u32) (result u32) (canon lift (core func $i "s"))))`, nil,
		func(c *wasmtime.Config) { c.SetConcurrencySupport(true) })
	for range 2 {
		_, err := w.fn(t, "a").Call(nil, 7)
		WantTyped(t, err, wasmtime.ErrUnsupported, "the function is async")
		Equal(t, "s", w.call(t, "s", 7), any(uint32(7)))
	}
	c := Must(component.New(w.engine, []byte(`(component (import "h" (instance (export "f" (func async (param "x" u32))))))`)))
	linker := component.NewLinker(w.engine)
	Check(t, linker.Instance("h").Func("f", func(uint32) {}))
	WantTyped(t, ErrorOf(linker.InstantiatePre(c)), wasmtime.ErrUnsupported, "async func(x: u32) is async")
}

// What is in a 64-bit memory does not cross between a component and the host: a function is refused when it is looked
// up, an import when it is linked, and nothing before that.
func TestWideMemories(t *testing.T) {
	wide := func(c *wasmtime.Config) { c.SetWasmComponentModelMemory64(true) }
	w := newWorld(t, `(component
	  (core module $m
	    (memory (export "memory") i64 1)
	    (func (export "text") (result i64) (unreachable))
	    (func (export "number") (result i32) (i32.const 7)))
	  (core instance $i (instantiate $m))
	  (func (export "text") (result string) (canon lift (core func $i "text") (memory (core memory $i "memory"))))
	  (func (export "number") (result u32) (canon lift (core func $i "number") (memory (core memory $i "memory")))))`, nil, wide)
	for range 2 {
		WantTyped(t, ErrorOf(w.instance.Func("text")), wasmtime.ErrUnsupported, "exported with a 64-bit memory")
		Equal(t, "number", w.call(t, "number"), any(uint32(7)))
	}
	c := Must(component.New(w.engine, []byte(`(component
	  (import "f" (func $f (param "s" string)))
	  (core module $m (memory (export "memory") i64 1))
	  (core instance $m (instantiate $m))
	  (core func $f (canon lower (func $f) (memory (core memory $m "memory"))))
	  (core module $n (import "" "f" (func (param i64 i64))))
	  (core instance (instantiate $n (with "" (instance (export "f" (func $f)))))))`)))
	linker := component.NewLinker(w.engine)
	Check(t, linker.Root().Func("f", func(string) {}))
	for _, err := range []error{linker.Check(c), ErrorOf(linker.InstantiatePre(c))} {
		WantTyped(t, err, wasmtime.ErrUnsupported, "`f` is imported with a 64-bit memory")
	}
	_, err := component.New(w.engine, []byte(`(component (type $r (resource (rep i64))) (core func (canon resource.new $r)))`))
	WantTyped(t, err, wasmtime.ErrUnsupported, "a resource is represented by 64 bits")
}
