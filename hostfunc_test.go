package wasmtime_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestNewFunc(t *testing.T) {
	store := NewStore(NewEngine())
	all := []*ValType{NewValType(KindI32), NewValType(KindI64), NewValType(KindF32), NewValType(KindF64),
		NewValType(KindV128), NewValType(KindExternref), NewValType(KindFuncref)}
	var seen []Val
	f := NewFunc(store, NewFuncType(all, all), func(c *Caller, args []Val) ([]Val, *Trap) {
		seen = args
		return args, nil
	})
	self := f
	got := Must(f.Call(store, 1, 2, float32(3), 4.0, V128{5}, "six", self)).([]Val)
	Equal(t, "results", len(got), 7)
	Equal(t, "seen", fmt.Sprint(seen[:6]), fmt.Sprint(got[:6]))
	Equal(t, "externref", got[5].Externref(), any("six"))
	again := Must(got[6].Funcref().Call(store, 1, 2, float32(3), 4.0, V128{5}, nil, (*Func)(nil))).([]Val)
	Equal(t, "nulls", again[5].Externref() == nil && again[6].Funcref() == nil, true)
}

// What a host function returns must have the declared type; otherwise the guest ends with a panic.
func TestNewFuncWrongResults(t *testing.T) {
	store := NewStore(NewEngine())
	i32 := []*ValType{NewValType(KindI32)}
	for name, c := range map[string]struct {
		results []Val
		text    string
	}{
		"none": {nil, "callback didn't produce the correct number of results"},
		"two":  {[]Val{ValI32(1), ValI32(1)}, "callback didn't produce the correct number of results"},
		"type": {[]Val{ValI64(1)}, "callback produced wrong type of result"},
		"ref":  {[]Val{ValExternref(1)}, "callback produced wrong type of result"},
	} {
		f := NewFunc(store, NewFuncType(nil, i32), func(*Caller, []Val) ([]Val, *Trap) { return c.results, nil })
		Equal(t, name, PanicOf(t, func() { f.Call(store) }), any(c.text))
		instance := Instantiate(t, store, `(module (import "" "" (func $f (result i32))) (global $after (mut i32) (i32.const 0))
			(func (export "run") (result i32) (drop (call $f)) (global.set $after (i32.const 1)) (i32.const 1))
			(func (export "after") (result i32) (global.get $after)))`, f)
		Equal(t, name, PanicOf(t, func() { instance.GetFunc(store, "run").Call(store) }), any(c.text))
		Equal(t, "the guest went on", Call(t, store, instance, "after"), any(int32(0)))
	}
	zero := NewFunc(store, NewFuncType(nil, i32), func(*Caller, []Val) ([]Val, *Trap) { return []Val{{}}, nil })
	defer func() { recover() }() // a Val without a value is refused one way or the other
	if got, err := zero.Call(store); err == nil && got != int32(0) {
		t.Errorf("a Val without a value became %v", got)
	}
}

func TestNewFuncOfAnotherStore(t *testing.T) {
	store, other := NewStore(NewEngine()), NewStore(NewEngine())
	foreign := WrapFunc(other, func() {})
	refs := []*ValType{NewValType(KindExternref), NewValType(KindFuncref)}
	f := NewFunc(store, NewFuncType(nil, refs), func(*Caller, []Val) ([]Val, *Trap) {
		return []Val{ValExternref("x"), ValFuncref(foreign)}, nil
	})
	_, err := f.Call(store)
	WantIs(t, err, ErrWrongStore)
}

func TestWrapFuncSignatures(t *testing.T) {
	store := NewStore(NewEngine())
	type alias = int32
	for _, c := range []struct {
		f    any
		want string
	}{
		{func() {}, "[] []"},
		{func(int32, int64, float32, float64, V128, *Func) {}, "[i32 i64 f32 f64 v128 funcref] []"},
		{func() (int32, int64) { return 0, 0 }, "[] [i32 i64]"},
		{func(named, alias, uint32, int, bool, string, error, any, *Store, []byte, Val) {},
			"[externref i32 externref externref externref externref externref externref externref externref externref] []"},
		{func(*Caller, int32) *Trap { return nil }, "[i32] []"},
		{func(int32, *Caller, int64) (int32, *Trap) { return 0, nil }, "[i32 i64] [i32]"},
		{func() (*Trap, int32) { return nil, 0 }, "[] [externref i32]"},
		{func() error { return nil }, "[] [externref]"},
	} {
		ty := WrapFunc(store, c.f).Type(store)
		Equal(t, reflect.TypeOf(c.f).String(), fmt.Sprint(ty.Params(), ty.Results()), c.want)
	}
	WantPanic(t, "no function", "callback provided must be a `func`", func() { WrapFunc(store, 1) })
	PanicOf(t, func() { WrapFunc(store, nil) })
	var none func()
	f := WrapFunc(store, none)
	PanicOf(t, func() { f.Call(store) })
}

func TestWrapFuncCalls(t *testing.T) {
	store := NewStore(NewEngine())
	var caller *Caller
	f := WrapFunc(store, func(a int32, c *Caller, b any, e error) (any, int64, *Trap) {
		caller = c
		if a < 0 {
			return nil, 0, NewTrap("negative")
		}
		return fmt.Sprintf("%v%v", b, e), int64(a) * 2, nil
	})
	got := Must(f.Call(store, 4, "x", io.EOF)).([]Val)
	Equal(t, "results", fmt.Sprintf("%v %v", got[0].Externref(), got[1].I64()), "xEOF 8")
	Equal(t, "caller", caller != nil, true)
	got = Must(f.Call(store, 4, nil, nil)).([]Val) // null is nil
	Equal(t, "null", got[0].Externref(), any("<nil><nil>"))
	_, err := f.Call(store, -1, nil, nil)
	Equal(t, "trap", err.Error(), "negative")
	mismatch := WrapFunc(store, func(uint8) {})
	PanicOf(t, func() { mismatch.Call(store, "text") })
	Equal(t, "after it", Must(mismatch.Call(store, uint8(1))), nil)
	dynamic := WrapFunc(store, func() any { return int32(5) })
	if _, err := dynamic.Call(store); err == nil {
		t.Error("an i32 is returned as an externref")
	}
}

func TestHostFuncErrors(t *testing.T) {
	store := NewStore(NewEngine())
	sentinel := fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF)
	for _, name := range []string{"direct", "through a guest", "typed", "raw"} {
		t.Run(name, func(t *testing.T) {
			host := NewHostFunc(store, HostFunc0(func(*Caller) (None, error) { return None{}, sentinel }))
			instance := Instantiate(t, store, `(module $m (import "" "" (func $f)) (global $n (mut i32) (i32.const 0))
				(func $run (export "run") (call $f) (global.set $n (i32.const 1))) (func (export "n") (result i32) (global.get $n)))`, host)
			var err error
			switch run := instance.GetFunc(store, "run"); name {
			case "direct":
				_, err = host.Call(store)
				Equal(t, "text", err.Error(), "wrapped: unexpected EOF")
			case "typed":
				_, err = Must(Bind0[None](store, run)).Call()
			case "raw":
				err = Must(BindRaw(store, run)).Call(nil)
			default:
				_, err = run.Call(store)
				WantText(t, err, "m!run")
			}
			WantIs(t, err, io.ErrUnexpectedEOF)
			WantIs(t, err, sentinel)
			Equal(t, "the guest went on", Call(t, store, instance, "n"), any(int32(0)))
			if err := ErrorOf(Must(BindRaw(store, instance.GetFunc(store, "n"))), error(nil)); err != nil {
				t.Error(err)
			}
			// A later failure must not be blamed on this one.
			_, err = instance.GetFunc(store, "n").Call(store, 1)
			if errors.Is(err, sentinel) {
				t.Error("a later error wraps it as well")
			}
		})
	}
	start := Compile(t, store.Engine, `(module (import "" "" (func $f)) (start $f))`)
	_, err := NewInstance(store, start, Items(store, HostFunc0(func(*Caller) (None, error) { return None{}, sentinel })))
	WantIs(t, err, sentinel)
}

// An error that a host function deals with leaves no trace in the outcome of the call that it was part of.
func TestHostErrorThatWasHandled(t *testing.T) {
	store := NewStore(NewEngine())
	inner := errors.New("inner")
	fails := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`,
		HostFunc0(func(*Caller) (None, error) { return None{}, inner }))
	outer := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f) (unreachable)))`,
		HostFunc0(func(c *Caller) (None, error) {
			_, err := fails.GetFunc(c, "run").Call(c)
			WantIs(t, err, inner)
			return None{}, nil
		}))
	_, err := outer.GetFunc(store, "run").Call(store)
	trap := WantTrap(t, err, UnreachableCodeReached)
	if errors.Is(trap, inner) {
		t.Error("the trap wraps an error that was dealt with")
	}
}

func TestPanicsAreCarried(t *testing.T) {
	store := NewStore(NewEngine())
	value := &struct{ int }{1}
	var throw func()
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (global $n (mut i32) (i32.const 0))
		(func (export "run") (call $f) (global.set $n (i32.add (global.get $n) (i32.const 1))))
		(func (export "n") (result i32) (global.get $n)))`, func() { throw() })
	run := instance.GetFunc(store, "run")
	typed, raw := Must(Bind0[None](store, run)), Must(BindRaw(store, run))
	ways := map[string]func(){
		"Call": func() { run.Call(store) }, "typed": func() { typed.Call() }, "raw": func() { raw.Call(nil) },
		"CallContext": func() { run.CallContext(t.Context(), store) },
	}
	delete(ways, "CallContext") // the engine has no epochs
	for name, way := range ways {
		throw = func() { panic(value) }
		Equal(t, name, PanicOf(t, way), any(value))
		throw = func() { panic("text") }
		Equal(t, name, PanicOf(t, way), any("text"))
		throw = func() { panic(nil) }
		if got, ok := PanicOf(t, way).(*runtime.PanicNilError); !ok {
			t.Errorf("%s: panic(nil) became %T", name, got)
		}
		//lint:ignore SA5000 the panic is wanted
		throw = func() { var m map[int]int; m[len(name)] = 1 }
		if _, ok := PanicOf(t, way).(runtime.Error); !ok {
			t.Errorf("%s: a runtime error is lost", name)
		}
		throw = func() {}
		way()
	}
	Equal(t, "only calls without a panic went on", Call(t, store, instance, "n"), any(int32(len(ways))))
}

// The first panic wins, whatever happens while it is on its way.
func TestPanicsInNestedCalls(t *testing.T) {
	store := NewStore(NewEngine())
	depth, top := 0, 5
	var run *Func
	var log []string
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`, func(c *Caller) {
		depth++
		d := depth
		defer func() { log = append(log, fmt.Sprint("deferred ", d)) }()
		if depth == top {
			panic("the innermost")
		}
		run.Call(c)
		log = append(log, "went on")
	})
	run = instance.GetFunc(store, "run")
	Equal(t, "panic", PanicOf(t, func() { run.Call(store) }), any("the innermost"))
	Equal(t, "deferred", strings.Join(log, ", "), "deferred 5, deferred 4, deferred 3, deferred 2, deferred 1")

	// A host function in the middle may recover, and the guest then goes on.
	depth, log = 0, nil
	var recovered any
	outer := Instantiate(t, store, `(module (import "" "" (func $f (result i32))) (func (export "run") (result i32) (call $f)))`,
		func(c *Caller) (n int32) {
			defer func() { recovered = recover(); n = 77 }()
			run.Call(c)
			return 0
		})
	Equal(t, "after recover", Call(t, store, outer, "run"), any(int32(77)))
	Equal(t, "recovered", recovered, any("the innermost"))

	// A panic in a deferred function replaces the one before, as everywhere in Go.
	replaced := WrapFunc(store, func() {
		defer func() { panic("second") }()
		panic("first")
	})
	Equal(t, "replaced", PanicOf(t, func() { replaced.Call(store) }), any("second"))
	_, err := WrapFunc(store, func() *Trap { return NewTrap("a trap") }).Call(store)
	Equal(t, "a trap after all the panics", err.Error(), "a trap")
}

// runtime.Goexit in a host function, as t.FailNow does it, ends the goroutine and nothing else.
func TestGoexitInHostFunction(t *testing.T) {
	if Debug {
		t.Skip("a goroutine that ends inside of a guest cannot give its store back, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	for range 50 {
		engine := NewEngine()
		store := NewStore(engine)
		instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)) (func (export "trap") (unreachable)))`,
			func() { runtime.Goexit() })
		typed := Must(Bind0[None](store, instance.GetFunc(store, "run")))
		var deferred, returned bool
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() { deferred = true }()
			typed.Call()
			returned = true
		})
		wg.Wait()
		Equal(t, "deferred", deferred, true)
		Equal(t, "returned", returned, false)
		other, instance2 := GuestIn(t, engine, `(module (func (export "f") (result i32) (i32.const 3)) (func (export "trap") (unreachable)))`)
		Equal(t, "another store", Call(t, other, instance2, "f"), any(int32(3)))
		_, err := instance2.GetFunc(other, "trap").Call(other)
		WantTrap(t, err, UnreachableCodeReached)
	}
}

func TestReentry(t *testing.T) {
	store := NewStore(NewEngine())
	var instance *Instance
	var trail []string
	instance = Instantiate(t, store, `(module (import "" "down" (func $down (param i32) (result i32)))
		(memory (export "m") 1) (global $g (export "g") (mut i32) (i32.const 0))
		(func $visit (export "visit") (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0)))))`,
		func(c *Caller, n int32) int32 {
			if n == 0 {
				return 0
			}
			var s Storelike = c
			if n%2 == 0 {
				s = store // the outer store, on the same goroutine
			}
			trail = append(trail, fmt.Sprint(n))
			instance.GetExport(s, "g").Global().Set(s, ValI32(n))
			got := Must(instance.GetFunc(s, "visit").Call(s, n-1)).(int32)
			Equal(t, "memory", instance.GetMemory(s, "m").Size(s), 1)
			if c.GetExport("visit") == nil {
				t.Error("the caller is of no use after a nested call")
			}
			return got
		})
	Equal(t, "visits", Call(t, store, instance, "visit", 6), any(int32(7)))
	Equal(t, "trail", strings.Join(trail, ""), "654321")

	// Objects can be made inside.
	made := Instantiate(t, store, `(module (import "" "" (func $f (result i32))) (func (export "run") (result i32) (call $f)))`,
		func(c *Caller) int32 {
			inner := Must(NewInstance(c, Compile(t, store.Engine, `(module (import "" "" (func $f (result i32))) (func (export "f") (result i32) (call $f)))`),
				[]AsExtern{WrapFunc(c, func() int32 { return 12 })}))
			store.GC()
			return Must(inner.GetFunc(c, "f").Call(c)).(int32)
		})
	Equal(t, "made inside", Call(t, store, made, "run"), any(int32(12)))
}

func TestCaller(t *testing.T) {
	store := NewStoreWithData(NewEngine(), "data")
	var kept *Caller
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (memory (export "m") 2) (global (export "g") i32 (i32.const 3))
		(func (export "run") (call $f)))`, func(c *Caller) {
		kept = c
		Equal(t, "data", c.Data(), any("data"))
		Equal(t, "memory", c.GetExport("m").Memory().Size(c), 2)
		Equal(t, "GetMemory", c.GetMemory("m").DataSize(c), 2<<16)
		Equal(t, "global", c.GetExport("g").Global().Get(c), ValI32(3))
		if c.GetExport("missing") != nil || c.GetMemory("g") != nil || c.GetMemory("missing") != nil || c.GetExport("\xff") != nil {
			t.Error("what is missing is there")
		}
		if c.Context() == nil || c.Context().Done() != nil {
			t.Error("the context of a call without one")
		}
	})
	Call(t, store, instance, "run")
	if kept.GetExport("m") != nil || kept.GetMemory("m") != nil {
		t.Error("an export of a caller that has returned")
	}
	for name, use := range map[string]func(){
		"Data": func() { kept.Data() }, "Context": func() { kept.Context() },
		"a call": func() { instance.GetFunc(kept, "run").Call(kept) },
	} {
		WantPanic(t, name, "cannot use caller after host function returns", use)
	}
	WrapFunc(store, func(c *Caller) {
		if c.GetExport("m") != nil {
			t.Error("a call from the host has an export")
		}
	}).Call(store)
}
