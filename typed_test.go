package wasmtime_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
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
	store, instance := Guest(t, sums(),
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
	f0, f1, f2 := Must(Bind0[i](store, f(0))), Must(Bind1[i, i](store, f(1))), Must(Bind2[i, i, i](store, f(2)))
	f3, f4 := Must(Bind3[i, i, i, i](store, f(3))), Must(Bind4[i, i, i, i, i](store, f(4)))
	f5, f6 := Must(Bind5[i, i, i, i, i, i](store, f(5))), Must(Bind6[i, i, i, i, i, i, i](store, f(6)))
	f7 := Must(Bind7[i, i, i, i, i, i, i, i](store, f(7)))
	f8 := Must(Bind8[i, i, i, i, i, i, i, i, i](store, f(8)))
	want := []int64{0, 1, 12, 123, 1234, 12345, 123456, 1234567, 12345678}
	for n, got := range []int64{Must(f0.Call()), Must(f1.Call(1)), Must(f2.Call(1, 2)), Must(f3.Call(1, 2, 3)), Must(f4.Call(1, 2, 3, 4)),
		Must(f5.Call(1, 2, 3, 4, 5)), Must(f6.Call(1, 2, 3, 4, 5, 6)), Must(f7.Call(1, 2, 3, 4, 5, 6, 7)),
		Must(f8.Call(1, 2, 3, 4, 5, 6, 7, 8))} {
		Equal(t, fmt.Sprint(n, " parameters"), got, want[n])
	}
	// Without epochs a context that can be cancelled is refused by all of them.
	for n, err := range []error{ErrorOf(f0.CallContext(ctx)), ErrorOf(f1.CallContext(ctx, 1)), ErrorOf(f2.CallContext(ctx, 1, 2)),
		ErrorOf(f3.CallContext(ctx, 1, 2, 3)), ErrorOf(f4.CallContext(ctx, 1, 2, 3, 4)), ErrorOf(f5.CallContext(ctx, 1, 2, 3, 4, 5)),
		ErrorOf(f6.CallContext(ctx, 1, 2, 3, 4, 5, 6)), ErrorOf(f7.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7)),
		ErrorOf(f8.CallContext(ctx, 1, 2, 3, 4, 5, 6, 7, 8))} {
		t.Run(fmt.Sprint("context ", n), func(t *testing.T) { WantIs(t, err, ErrNoEpochs) })
	}
}

func TestTypedKinds(t *testing.T) {
	store, instance := Guest(t, echoWat)
	f := func(name string) *Func { return instance.GetFunc(store, name) }
	Equal(t, "int32", Must(Must(Bind1[int32, int32](store, f("i32"))).Call(-1)), -1)
	Equal(t, "uint32", Must(Must(Bind1[uint32, uint32](store, f("i32"))).Call(0xffffffff)), 0xffffffff)
	Equal(t, "both", Must(Must(Bind1[uint32, int32](store, f("i32"))).Call(0xffffffff)), -1)
	Equal(t, "int64", Must(Must(Bind1[int64, int64](store, f("i64"))).Call(-1<<63)), -1<<63)
	Equal(t, "uint64", Must(Must(Bind1[uint64, uint64](store, f("i64"))).Call(1<<63)), 1<<63)
	Equal(t, "float32", Must(Must(Bind1[float32, float32](store, f("f32"))).Call(1.25)), 1.25)
	Equal(t, "float64", Must(Must(Bind1[float64, float64](store, f("f64"))).Call(1e300)), 1e300)
	vector := V128{1, 2, 3, 15: 4}
	Equal(t, "V128", Must(Must(Bind1[V128, V128](store, f("v128"))).Call(vector)), vector)
	Equal(t, "None", Must(Must(Bind0[None](store, f("nothing"))).Call()), None{})
	for name, err := range map[string]error{
		"kind":           ErrorOf(Bind1[int64, int32](store, f("i32"))),
		"result":         ErrorOf(Bind1[int32, int64](store, f("i32"))),
		"float":          ErrorOf(Bind1[float32, int32](store, f("i32"))),
		"too few":        ErrorOf(Bind0[int32](store, f("i32"))),
		"too many":       ErrorOf(Bind2[int32, int32, int32](store, f("i32"))),
		"no result":      ErrorOf(Bind1[int32, None](store, f("i32"))),
		"a result":       ErrorOf(Bind0[int32](store, f("nothing"))),
		"several":        ErrorOf(Bind2[int32, int64, int64](store, f("two"))),
		"references":     ErrorOf(Bind1[int32, int32](store, f("externref"))),
		"another store":  ErrorOf(Bind0[None](NewStore(store.Engine), f("nothing"))),
		"raw references": ErrorOf(BindRaw(store, f("mixed"))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	WantIs(t, ErrorOf(BindRaw(store, f("externref"))), ErrUnsupported)
	WantIs(t, ErrorOf(BindRaw(NewStore(store.Engine), f("i32"))), ErrWrongStore)
}

func TestTypedHost(t *testing.T) {
	vector := V128{7, 15: 8}
	all := HostFunc8(func(c *Caller, a int32, b uint32, d int64, e uint64, f float32, g float64, h V128, i int32) (float64, error) {
		Equal(t, "arguments", fmt.Sprint(a, b, d, e, f, g, h == vector, i), "-1 4294967295 -2 18446744073709551615 1.5 2.5 true 9")
		return 6.5, nil
	})
	Equal(t, "type", fmt.Sprint(all.Type().Params(), all.Type().Results()), "[i32 i32 i64 i64 f32 f64 v128 i32] [f64]")
	store := NewStore(NewEngine())
	f := NewHostFunc(store, all)
	Equal(t, "result", Must(f.Call(store, -1, -1, -2, -1, float32(1.5), 2.5, vector, 9)), any(6.5))
	twice := HostFunc1(func(c *Caller, v V128) (V128, error) { v[0] *= 2; return v, nil })
	instance := Instantiate(t, store, `(module (import "" "" (func $f (param v128) (result v128)))
		(func (export "f") (param v128) (result v128) (call $f (local.get 0))))`, twice)
	Equal(t, "vector", Call(t, store, instance, "f", vector), any(V128{14, 15: 8}))
	none := HostFunc0(func(*Caller) (None, error) { return None{}, nil })
	Equal(t, "none", Must(NewHostFunc(store, none).Call(store)), nil)
}

// A bound call allocates nothing, in either direction.
func TestTypedCallsDoNotAllocate(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	store, instance := Guest(t, addWat, HostFunc2(func(c *Caller, a, b int32) (int32, error) { return a + b, nil }))
	add := Must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
	loop := Must(Bind1[int32, int32](store, instance.GetFunc(store, "loop")))
	raw := Must(BindRaw(store, instance.GetFunc(store, "add")))
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
	store, instance := Guest(t, echoWat)
	two := Must(BindRaw(store, instance.GetFunc(store, "two")))
	Equal(t, "slots", two.Slots(), 2)
	stack := []Raw{RawI32(1), RawI64(2), RawI32(77)}
	Check(t, two.Call(stack))
	Equal(t, "first", stack[0].I64(), 2)
	Equal(t, "second", stack[1].I32(), 1)
	Equal(t, "beyond", stack[2].I32(), 77)
	if _, ok := two.Call(stack[:1]).(*Error); !ok {
		t.Error("a short stack is no error")
	}
	if _, ok := two.Call(nil).(*Error); !ok {
		t.Error("no stack is no error")
	}
	Check(t, Must(BindRaw(store, instance.GetFunc(store, "nothing"))).Call(nil))
	v := Must(BindRaw(store, instance.GetFunc(store, "v128")))
	vector := V128{1, 15: 2}
	stack[0] = RawV128(vector)
	Check(t, v.Call(stack))
	Equal(t, "v128", stack[0].V128(), vector)
}
