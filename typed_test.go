package wasmtime_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// sums is a module with functions of 0 to 8 parameters, the result of which says what each parameter was.
func sums() string {
	var b strings.Builder
	b.WriteString("(module\n")
	for n := range 9 {
		fmt.Fprintf(&b, "(import \"h\" \"%d\" (func $h%d (param%s) (result i64)))\n", n, n, strings.Repeat(" i64", n))
	}
	for n := range 9 {
		fmt.Fprintf(&b, "(func (export \"%d\") (param%s) (result i64)", n, strings.Repeat(" i64", n))
		for i := range n {
			fmt.Fprintf(&b, " (local.get %d)", i)
		}
		fmt.Fprintf(&b, " (call $h%d))\n", n)
	}
	b.WriteString(")")
	return b.String()
}

func digits(n ...int64) (sum int64, err error) {
	for _, d := range n {
		sum = sum*10 + d
	}
	return sum, nil
}

// Typed functions of every number of parameters, in both directions.
func TestTypedArities(t *testing.T) {
	type c = *Caller
	store, instance := guest(t, sums(),
		HostFunc0(func(c) (int64, error) { return digits() }),
		HostFunc1(func(_ c, a int64) (int64, error) { return digits(a) }),
		HostFunc2(func(_ c, a, b int64) (int64, error) { return digits(a, b) }),
		HostFunc3(func(_ c, a, b, d int64) (int64, error) { return digits(a, b, d) }),
		HostFunc4(func(_ c, a, b, d, e int64) (int64, error) { return digits(a, b, d, e) }),
		HostFunc5(func(_ c, a, b, d, e, f int64) (int64, error) { return digits(a, b, d, e, f) }),
		HostFunc6(func(_ c, a, b, d, e, f, g int64) (int64, error) { return digits(a, b, d, e, f, g) }),
		HostFunc7(func(_ c, a, b, d, e, f, g, h int64) (int64, error) { return digits(a, b, d, e, f, g, h) }),
		HostFunc8(func(_ c, a, b, d, e, f, g, h, i int64) (int64, error) { return digits(a, b, d, e, f, g, h, i) }))
	f := func(n int) *Func { return instance.GetFunc(store, fmt.Sprint(n)) }
	ctx := t.Context()
	type i = int64
	f0, f1, f2 := must(Bind0[i](store, f(0))), must(Bind1[i, i](store, f(1))), must(Bind2[i, i, i](store, f(2)))
	f3, f4 := must(Bind3[i, i, i, i](store, f(3))), must(Bind4[i, i, i, i, i](store, f(4)))
	f5, f6 := must(Bind5[i, i, i, i, i, i](store, f(5))), must(Bind6[i, i, i, i, i, i, i](store, f(6)))
	f7 := must(Bind7[i, i, i, i, i, i, i, i](store, f(7)))
	f8 := must(Bind8[i, i, i, i, i, i, i, i, i](store, f(8)))
	want := []int64{0, 1, 12, 123, 1234, 12345, 123456, 1234567, 12345678}
	for n, got := range []int64{must(f0.Call()), must(f1.Call(1)), must(f2.Call(1, 2)), must(f3.Call(1, 2, 3)), must(f4.Call(1, 2, 3, 4)),
		must(f5.Call(1, 2, 3, 4, 5)), must(f6.Call(1, 2, 3, 4, 5, 6)), must(f7.Call(1, 2, 3, 4, 5, 6, 7)),
		must(f8.Call(1, 2, 3, 4, 5, 6, 7, 8))} {
		equal(t, fmt.Sprint(n, " parameters"), got, want[n])
	}
	// Without epochs a context that can be cancelled is refused by all of them.
	for n, err := range []error{second(f0.CallContext(ctx)), second(f1.CallContext(ctx, 1)), second(f2.CallContext(ctx, 1, 2)),
		second(f3.CallContext(ctx, 1, 2, 3)), second(f4.CallContext(ctx, 1, 2, 3, 4)), second(f5.CallContext(ctx, 1, 2, 3, 4, 5)),
		second(f6.CallContext(ctx, 1, 2, 3, 4, 5, 6)), second(f7.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7)),
		second(f8.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8))} {
		t.Run(fmt.Sprint("context ", n), func(t *testing.T) { wantIs(t, err, ErrNoEpochs) })
	}
}

func TestTypedKinds(t *testing.T) {
	store, instance := guest(t, echoWat)
	f := func(name string) *Func { return instance.GetFunc(store, name) }
	equal(t, "int32", must(must(Bind1[int32, int32](store, f("i32"))).Call(-1)), -1)
	equal(t, "uint32", must(must(Bind1[uint32, uint32](store, f("i32"))).Call(0xffffffff)), 0xffffffff)
	equal(t, "both", must(must(Bind1[uint32, int32](store, f("i32"))).Call(0xffffffff)), -1)
	equal(t, "int64", must(must(Bind1[int64, int64](store, f("i64"))).Call(-1<<63)), -1<<63)
	equal(t, "uint64", must(must(Bind1[uint64, uint64](store, f("i64"))).Call(1<<63)), 1<<63)
	equal(t, "float32", must(must(Bind1[float32, float32](store, f("f32"))).Call(1.25)), 1.25)
	equal(t, "float64", must(must(Bind1[float64, float64](store, f("f64"))).Call(1e300)), 1e300)
	vector := V128{1, 2, 3, 15: 4}
	equal(t, "V128", must(must(Bind1[V128, V128](store, f("v128"))).Call(vector)), vector)
	equal(t, "None", must(must(Bind0[None](store, f("nothing"))).Call()), None{})
	for name, err := range map[string]error{
		"kind":           second(Bind1[int64, int32](store, f("i32"))),
		"result":         second(Bind1[int32, int64](store, f("i32"))),
		"float":          second(Bind1[float32, int32](store, f("i32"))),
		"too few":        second(Bind0[int32](store, f("i32"))),
		"too many":       second(Bind2[int32, int32, int32](store, f("i32"))),
		"no result":      second(Bind1[int32, None](store, f("i32"))),
		"a result":       second(Bind0[int32](store, f("nothing"))),
		"several":        second(Bind2[int32, int64, int64](store, f("two"))),
		"references":     second(Bind1[int32, int32](store, f("externref"))),
		"another store":  second(Bind0[None](NewStore(store.Engine), f("nothing"))),
		"raw references": second(BindRaw(store, f("mixed"))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantIs(t, second(BindRaw(store, f("externref"))), ErrUnsupported)
	wantIs(t, second(BindRaw(NewStore(store.Engine), f("i32"))), ErrWrongStore)
}

func TestTypedHost(t *testing.T) {
	vector := V128{7, 15: 8}
	all := HostFunc8(func(c *Caller, a int32, b uint32, d int64, e uint64, f float32, g float64, h V128, i int32) (float64, error) {
		equal(t, "arguments", fmt.Sprint(a, b, d, e, f, g, h == vector, i), "-1 4294967295 -2 18446744073709551615 1.5 2.5 true 9")
		return 6.5, nil
	})
	equal(t, "type", fmt.Sprint(all.Type().Params(), all.Type().Results()), "[i32 i32 i64 i64 f32 f64 v128 i32] [f64]")
	store := NewStore(NewEngine())
	f := NewHostFunc(store, all)
	equal(t, "result", must(f.Call(store, -1, -1, -2, -1, float32(1.5), 2.5, vector, 9)), any(6.5))
	twice := HostFunc1(func(c *Caller, v V128) (V128, error) { v[0] *= 2; return v, nil })
	instance := instantiate(t, store, `(module (import "" "" (func $f (param v128) (result v128)))
		(func (export "f") (param v128) (result v128) (call $f (local.get 0))))`, twice)
	equal(t, "vector", call(t, store, instance, "f", vector), any(V128{14, 15: 8}))
	none := HostFunc0(func(*Caller) (None, error) { return None{}, nil })
	equal(t, "none", must(NewHostFunc(store, none).Call(store)), nil)
}

// A bound call allocates nothing, in either direction.
func TestTypedCallsDoNotAllocate(t *testing.T) {
	if raceEnabled || debugEnabled {
		t.Skip("the race detector and the debug mode allocate")
	}
	store, instance := guest(t, addWat, HostFunc2(func(c *Caller, a, b int32) (int32, error) { return a + b, nil }))
	add := must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
	loop := must(Bind1[int32, int32](store, instance.GetFunc(store, "loop")))
	raw := must(BindRaw(store, instance.GetFunc(store, "add")))
	view := instance.GetMemory(store, "memory").View(store)
	stack := make([]Raw, 2)
	for name, f := range map[string]func(){
		"typed": func() { add.Call(1, 2) },
		"raw":   func() { raw.Call(stack) },
		"host":  func() { loop.Call(10) },
		"view":  func() { view.PutUint64(0, 1); view.Uint64(0) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestRawCall(t *testing.T) {
	store, instance := guest(t, echoWat)
	two := must(BindRaw(store, instance.GetFunc(store, "two")))
	equal(t, "slots", two.Slots(), 2)
	stack := []Raw{RawI32(1), RawI64(2), RawI32(77)}
	check(t, two.Call(stack))
	equal(t, "first", stack[0].I64(), 2)
	equal(t, "second", stack[1].I32(), 1)
	equal(t, "beyond", stack[2].I32(), 77)
	if _, ok := two.Call(stack[:1]).(*Error); !ok {
		t.Error("a short stack is no error")
	}
	if _, ok := two.Call(nil).(*Error); !ok {
		t.Error("no stack is no error")
	}
	check(t, must(BindRaw(store, instance.GetFunc(store, "nothing"))).Call(nil))
	v := must(BindRaw(store, instance.GetFunc(store, "v128")))
	vector := V128{1, 15: 2}
	stack[0] = RawV128(vector)
	check(t, v.Call(stack))
	equal(t, "v128", stack[0].V128(), vector)
}
