package wasmtime_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const echoWat = `(module
	(func (export "nothing"))
	(func (export "i32") (param i32) (result i32) (local.get 0))
	(func (export "i64") (param i64) (result i64) (local.get 0))
	(func (export "f32") (param f32) (result f32) (local.get 0))
	(func (export "f64") (param f64) (result f64) (local.get 0))
	(func (export "v128") (param v128) (result v128) (local.get 0))
	(func (export "funcref") (param funcref) (result funcref) (local.get 0))
	(func (export "externref") (param externref) (result externref) (local.get 0))
	(func (export "two") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
	(func (export "mixed") (param i32 externref v128 funcref) (result funcref v128 externref i32)
		(local.get 3) (local.get 2) (local.get 1) (local.get 0)))`

type named int32

type point struct{ x, y int }

func TestCallArguments(t *testing.T) {
	store, instance := Guest(t, echoWat)
	p, err := &point{1, 2}, errors.New("an error")
	vector := V128{1, 2, 3, 15: 255}
	for _, c := range []struct {
		name      string
		arg, want any
	}{
		{"i32", int32(math.MinInt32), int32(math.MinInt32)},
		{"i32", 5, int32(5)}, {"i32", -1, int32(-1)}, {"i32", ValI32(7), int32(7)},
		{"i64", int64(math.MinInt64), int64(math.MinInt64)}, {"i64", 1 << 40, int64(1 << 40)}, {"i64", ValI64(-7), int64(-7)},
		{"f32", float32(1.5), float32(1.5)}, {"f32", float32(math.Inf(-1)), float32(math.Inf(-1))}, {"f32", ValF32(2), float32(2)},
		{"f64", math.Pi, math.Pi}, {"f64", ValF64(-0.5), -0.5},
		{"v128", vector, vector}, {"v128", ValV128(vector), vector},
		{"funcref", (*Func)(nil), (*Func)(nil)}, {"funcref", ValFuncref(nil), (*Func)(nil)},
		{"externref", nil, nil}, {"externref", "text", "text"}, {"externref", p, p}, {"externref", *p, *p},
		{"externref", err, err}, {"externref", named(3), named(3)}, {"externref", uint32(3), uint32(3)},
		{"externref", (*point)(nil), (*point)(nil)}, {"externref", true, true}, {"externref", store, store},
		{"externref", ValExternref(int32(1)), int32(1)}, {"externref", ValExternref(nil), nil},
	} {
		Equal(t, fmt.Sprintf("%s(%v)", c.name, c.arg), Call(t, store, instance, c.name, c.arg), c.want)
	}
	for _, bits := range []uint32{0x7fa00001, 0x7fc00000, 0x80000000} {
		Equal(t, "NaN", math.Float32bits(Call(t, store, instance, "f32", math.Float32frombits(bits)).(float32)), bits)
	}
	Equal(t, "NaN", math.Float64bits(Call(t, store, instance, "f64", math.Float64frombits(0x7ff4000000000001)).(float64)), 0x7ff4000000000001)
	Equal(t, "nothing", Call(t, store, instance, "nothing"), nil)
}

func TestCallReferences(t *testing.T) {
	store, instance := Guest(t, echoWat)
	f := WrapFunc(store, func() int32 { return 99 })
	back := Call(t, store, instance, "funcref", f).(*Func)
	Equal(t, "a function that came back", Must(back.Call(store)), any(int32(99)))
	Equal(t, "its type", fmt.Sprint(back.Type(store).Results()), "[i32]")
	slice := []int{1, 2}
	got := Call(t, store, instance, "externref", slice).([]int)
	got[0] = 7
	Equal(t, "the same slice", slice[0], 7)

	vector := V128{9: 9}
	results := Call(t, store, instance, "mixed", 1, "two", vector, f).([]Val)
	Equal(t, "kinds", fmt.Sprint(results[0].Kind(), results[1].Kind(), results[2].Kind(), results[3].Kind()), "funcref v128 externref i32")
	Equal(t, "funcref", Must(results[0].Funcref().Call(store)), any(int32(99)))
	Equal(t, "v128", results[1].V128(), vector)
	Equal(t, "externref", results[2].Externref(), any("two"))
	Equal(t, "i32", results[3].I32(), 1)
	results = Call(t, store, instance, "two", 1, 2).([]Val)
	if !slices.Equal(results, []Val{ValI64(2), ValI32(1)}) {
		t.Errorf("two: %v", results)
	}
}

func TestCallErrors(t *testing.T) {
	store, instance := Guest(t, echoWat)
	other := NewStore(store.Engine)
	foreign := WrapFunc(other, func() {})
	for _, c := range []struct {
		name string
		args []any
		text string
	}{
		{"i32", []any{1, 2}, "expected 1 arguments, got 2: the function's type is (func (param i32) (result i32))"},
		{"nothing", []any{nil}, "expected 0 arguments, got 1: the function's type is (func)"},
		{"i32", nil, "expected 1 arguments, got 0: the function's type is (func (param i32) (result i32))"},
		{"two", []any{"x"}, "expected 2 arguments, got 1: the function's type is (func (param i32 i64) (result i64 i32))"},
		{"i32", []any{1 << 32}, "argument 1: 4294967296 does not fit in an i32"},
		{"i32", []any{math.MinInt32 - 1}, "argument 1: -2147483649 does not fit in an i32"},
		{"i32", []any{uint64(1)}, "argument 1: type mismatch: expected i32, found a Go uint64; i32 takes int32, uint32 and int"},
		{"i64", []any{uint32(1)}, "expected i64, found a Go uint32; i64 takes int64, uint64 and int"},
		{"f32", []any{1}, "expected f32, found a Go int; f32 takes float32"},
		{"externref", []any{1}, "expected externref, found a Go int; externref takes what ValExternref makes of any Go value"},
		{"i32", []any{int64(1)}, "expected i32, found a Go int64"}, {"i64", []any{int32(1)}, "expected i64, found a Go int32"},
		{"i64", []any{ValI32(1)}, "expected i64, found a Val that is i32"}, {"i64", []any{Val{}}, "argument 1: a Val without a value"},
		{"f32", []any{1.0}, "expected f32, found a Go float64"}, {"i32", []any{"1"}, "found a Go string"},
		{"i32", []any{named(1)}, "found a Go wasmtime_test.named"}, {"i32", []any{nil}, "expected i32, found null"},
		{"v128", []any{1.5}, "expected v128, found a Go float64; v128 takes V128"},
		{"externref", []any{foreign}, "expected externref, found a Go *wasmtime.Func"},
		{"funcref", []any{foreign}, "argument 1: function reference: the object belongs to another store"},
		{"funcref", []any{ValExternref("x")}, "expected funcref, found a Val that is externref; funcref takes *Func"},
		{"funcref", []any{1}, "expected funcref, found a Go int"}, {"externref", []any{int32(1)}, "found a Go int32"},
		{"two", []any{1, "x"}, "argument 2: type mismatch: expected i64, found a Go string"},
	} {
		got, err := instance.GetFunc(store, c.name).Call(store, c.args...)
		WantText(t, err, c.text)
		if got != nil {
			t.Errorf("%s(%v): %v", c.name, c.args, got)
		}
		WantText(t, ErrorOf(instance.GetFunc(store, c.name).CallContext(nil, store, c.args...)), c.text)
	}
	strictStore, strict := GuestIn(t, store.Engine, `(module (func (export "f") (param (ref func))))`)
	WantText(t, ErrorOf(strict.GetFunc(strictStore, "f").Call(strictStore, nil)), "argument 1: type mismatch: expected (ref func), found null")
	for _, same := range []any{-1, 1<<32 - 1, uint32(1<<32 - 1)} {
		Equal(t, "an i32", Call(t, store, instance, "i32", same), any(int32(-1)))
	}
	Equal(t, "an i64", Call(t, store, instance, "i64", uint64(1<<64-1)), any(int64(-1)))
	_, err := instance.GetFunc(store, "funcref").Call(store, foreign)
	WantIs(t, err, ErrWrongStore)
	_, err = instance.GetFunc(store, "funcref").Call(store, ValFuncref(foreign))
	WantIs(t, err, ErrWrongStore)
	_, err = foreign.Call(store)
	WantIs(t, err, ErrWrongStore)
	_, err = foreign.CallContext(t.Context(), store)
	WantIs(t, err, ErrWrongStore)
	WantPanic(t, "Type", ErrWrongStore.Error(), func() { foreign.Type(store) })
	Equal(t, "the store after this", Call(t, store, instance, "i32", 4), any(int32(4)))
}

// Call leaves the slice of arguments as it was, so that goroutines may share one.
func TestCallKeepsItsArguments(t *testing.T) {
	store, instance := Guest(t, echoWat)
	args := []any{1, 2}
	Must(instance.GetFunc(store, "two").Call(store, args...))
	if !slices.Equal(args, []any{1, 2}) {
		t.Errorf("the arguments became %T, %T", args[0], args[1])
	}
}

// wide is a function of n parameters that returns them in the same order, and adds step to each on the way.
func wideWat(n int, host bool) string {
	params := strings.Repeat(" i64", n)
	var b strings.Builder
	fmt.Fprintf(&b, "(module (import \"\" \"\" (func $h (param%s) (result%s)))\n(func (export \"f\") (param%s) (result%s)", params, params, params, params)
	for i := range n {
		fmt.Fprintf(&b, " (local.get %d)", i)
	}
	if host {
		b.WriteString(" (call $h)")
	}
	b.WriteString("))")
	return b.String()
}

// Numbers that calls return stay what they are, whatever is called afterwards.
func TestCallResultsStayWhatTheyAre(t *testing.T) {
	store, instance := Guest(t, echoWat)
	var got, want []any
	for i := range 200 {
		n := i*0x01010101 - 50*0x01010101
		for name, v := range map[string]any{
			"i32": int32(n), "i64": int64(n) << 20, "f32": float32(n) / 3, "f64": float64(n) / 3,
		} {
			got, want = append(got, Call(t, store, instance, name, v)), append(want, v)
		}
	}
	store.Close()
	runtime.GC()
	for i, v := range got {
		if v != want[i] {
			t.Fatalf("result %d is %v of type %T, and was %v", i, v, v, want[i])
		}
	}
	nan, quiet := Guest(t, echoWat)
	bits := math.Float32bits(Call(t, nan, quiet, "f32", math.Float32frombits(0x7fa00001)).(float32))
	Equal(t, "a signalling NaN", bits, 0x7fa00001)
}

// A call with numbers allocates next to nothing, but for what the caller needs to pass them.
func TestCallHardlyAllocates(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	store, instance := Guest(t, echoWat)
	for name, arg := range map[string]any{"i32": int32(1 << 30), "i64": int64(1 << 60), "f32": float32(1.5), "f64": 2.5} {
		f := instance.GetFunc(store, name)
		if n := testing.AllocsPerRun(160, func() { f.Call(store, arg) }); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}

// What callNumbers leaves to others is called with the same results: an int beyond int32, a Val, no function yet.
func TestCallsOfEveryKind(t *testing.T) {
	store, instance := Guest(t, echoWat)
	f := instance.GetFunc(store, "i32")
	for _, c := range []struct{ arg, want any }{
		{1, int32(1)}, {math.MaxInt32, int32(math.MaxInt32)}, {math.MaxUint32, int32(-1)}, {ValI32(5), int32(5)},
		{uint32(math.MaxUint32), int32(-1)}, {math.MinInt32, int32(math.MinInt32)},
	} {
		Equal(t, fmt.Sprint(c.arg), Must(f.Call(store, c.arg)), c.want)
	}
	for _, arg := range []any{math.MaxUint32 + 1, math.MinInt32 - 1, int64(1), 1.5, "1", nil, Val{}, true} {
		if got, err := f.Call(store, arg); err == nil {
			t.Errorf("%v of type %T became %v", arg, arg, got)
		}
	}
	for _, args := range [][]any{{}, {1, 2}} {
		if _, err := f.Call(store, args...); err == nil {
			t.Errorf("%d arguments are enough", len(args))
		}
	}
	Equal(t, "after all of that", Must(f.Call(store, 6)), any(int32(6)))
}

// Signatures may be larger than the frame that a store starts with, also in calls inside of calls.
func TestWideSignatures(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 64, 500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			store := NewStore(NewEngine())
			defer store.Close()
			types := make([]*ValType, n)
			args, want := make([]any, n), make([]Val, n)
			for i := range n {
				types[i] = NewValType(KindI64)
				args[i], want[i] = int64(i)<<33, ValI64(int64(i)<<33+1)
			}
			host := NewFunc(store, NewFuncType(types, types), func(c *Caller, args []Val) ([]Val, *Trap) {
				for i := range args {
					args[i] = ValI64(args[i].I64() + 1)
				}
				return args, nil
			})
			instance := Instantiate(t, store, wideWat(n, true), host)
			result := Call(t, store, instance, "f", args...)
			got, ok := result.([]Val)
			if !ok {
				got = []Val{ValI64(result.(int64))}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v", got)
			}
			raw := Must(BindRaw(store, instance.GetFunc(store, "f")))
			Equal(t, "Slots", raw.Slots(), n)
			stack := make([]Raw, n)
			for i := range stack {
				stack[i] = RawI64(int64(i))
			}
			Check(t, raw.Call(stack))
			for i := range stack {
				Equal(t, "raw", stack[i].I64(), int64(i)+1)
			}
		})
	}
}

// A call in a host function may need a larger frame than the call that it is part of, whose outcome must come back all
// the same.
func TestNestedCallOutgrowsFrame(t *testing.T) {
	for _, outcome := range []string{"success", "trap", "error", "panic"} {
		for _, kind := range []string{"call", "typed", "raw", "checked"} {
			t.Run(outcome+" "+kind, func(t *testing.T) {
				if !Survives(t) {
					return
				}
				store := NewStore(NewEngine())
				n := 100
				wide := Instantiate(t, store, wideWat(n, false), NewFunc(store, func() *FuncType {
					types := make([]*ValType, n)
					for i := range types {
						types[i] = NewValType(KindI64)
					}
					return NewFuncType(types, types)
				}(), func(*Caller, []Val) ([]Val, *Trap) { return nil, NewTrap("not called") }))
				sentinel := errors.New("a sentinel")
				grow := HostFunc1(func(c *Caller, x int32) (int32, error) {
					args := make([]any, n)
					for i := range args {
						args[i] = i
					}
					got := Call(t, c, wide, "f", args...).([]Val)
					Equal(t, "inner", got[n-1].I64(), int64(n-1))
					switch outcome {
					case "error":
						return 0, sentinel
					case "panic":
						panic(sentinel)
					}
					return x + 1, nil
				})
				trap := ""
				if outcome == "trap" {
					trap = "(unreachable)"
				}
				instance := Instantiate(t, store, `(module (import "" "" (func $grow (param i32) (result i32)))
					(func (export "f") (param i32) (result i32) (call $grow (local.get 0)) `+trap+`)
					(func (export "ref") (param i32 externref) (result i32) (call $grow (local.get 0)) `+trap+`))`, grow)
				f := instance.GetFunc(store, "f")
				typed, raw := Must(Bind1[int32, int32](store, f)), Must(BindRaw(store, f))
				run := func() (got int32, err error) {
					switch kind {
					case "typed":
						return typed.Call(41)
					case "raw":
						stack := []Raw{RawI32(41)}
						err = raw.Call(stack)
						return stack[0].I32(), err
					case "checked":
						result, err := instance.GetFunc(store, "ref").Call(store, 41, "x")
						got, _ = result.(int32)
						return got, err
					}
					result, err := f.Call(store, 41)
					got, _ = result.(int32)
					return got, err
				}
				for range 2 {
					switch outcome {
					case "success":
						got, err := run()
						Check(t, err)
						Equal(t, "result", got, 42)
					case "trap":
						_, err := run()
						WantTrap(t, err, UnreachableCodeReached)
					case "error":
						_, err := run()
						WantIs(t, err, sentinel)
					case "panic":
						Equal(t, "panic", PanicOf(t, func() { run() }), any(sentinel))
					}
				}
				store.Close()
			})
		}
	}
}

func TestFuncTypeOfFuncs(t *testing.T) {
	store, instance := Guest(t, echoWat)
	ty := instance.GetFunc(store, "mixed").Type(store)
	Equal(t, "params", fmt.Sprint(ty.Params()), "[i32 externref v128 funcref]")
	Equal(t, "results", fmt.Sprint(ty.Results()), "[funcref v128 externref i32]")
	host := NewFunc(store, NewFuncType([]*ValType{NewValType(KindF32)}, nil), nil)
	Equal(t, "host", fmt.Sprint(host.Type(store).Params()), "[f32]")
}
