package component_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/ffi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// hostWat imports functions and calls each of them in an export of the same name.
const hostWat = `(component
  (import "inc" (func $inc (param "n" u32) (result u32)))
  (import "example:test/host@0.2.1" (instance $host
    (export "greet" (func (param "name" string) (param "times" u8) (result string)))
    (export "parse-number" (func (param "text" string) (result (result u32 (error string)))))
    (export "log" (func (param "text" string)))
    (export "check" (func (result (result))))))
  (alias export $host "greet" (func $greet))
  (alias export $host "parse-number" (func $parse))
  (alias export $host "log" (func $log))
  (alias export $host "check" (func $check))
  (core module $mem` + memoryWat + `)
  (core instance $i (instantiate $mem))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (alias core export $i "reset" (core func $reset))
  (core func $inc' (canon lower (func $inc)))
  (core func $greet' (canon lower (func $greet) (memory $memory) (realloc $realloc)))
  (core func $parse' (canon lower (func $parse) (memory $memory) (realloc $realloc)))
  (core func $log' (canon lower (func $log) (memory $memory)))
  (core func $check' (canon lower (func $check)))
  (core module $m
    (import "h" "inc" (func $inc (param i32) (result i32)))
    (import "h" "greet" (func $greet (param i32 i32 i32 i32)))
    (import "h" "parse" (func $parse (param i32 i32 i32)))
    (import "h" "log" (func $log (param i32 i32)))
    (import "h" "check" (func $check (result i32)))
    (func (export "inc") (param i32) (result i32) (call $inc (local.get 0)))
    (func (export "incs") (param i32) (result i32) (local $n i32)
      (loop (local.set $n (call $inc (local.get $n)))
        (br_if 0 (i32.lt_u (local.get $n) (local.get 0))))
      (local.get $n))
    (func (export "greet") (param i32 i32 i32) (result i32)
      (call $greet (local.get 0) (local.get 1) (local.get 2) (i32.const 32)) (i32.const 32))
    (func (export "parse") (param i32 i32) (result i32)
      (call $parse (local.get 0) (local.get 1) (i32.const 32)) (i32.const 32))
    (func (export "log") (param i32 i32) (call $log (local.get 0) (local.get 1)))
    (func (export "check") (result i32) (call $check)))
  (core instance $c (instantiate $m (with "h" (instance
    (export "inc" (func $inc')) (export "greet" (func $greet')) (export "parse" (func $parse')) (export "log" (func $log'))
    (export "check" (func $check'))))))
  (func (export "inc") (param "n" u32) (result u32) (canon lift (core func $c "inc")))
  (func (export "incs") (param "n" u32) (result u32) (canon lift (core func $c "incs")))
  (func (export "greet") (param "name" string) (param "times" u8) (result string)
    (canon lift (core func $c "greet") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "parse") (param "text" string) (result (result u32 (error string)))
    (canon lift (core func $c "parse") (memory $memory) (realloc $realloc) (post-return $reset)))
  (func (export "log") (param "text" string) (canon lift (core func $c "log") (memory $memory) (realloc $realloc)))
  (func (export "check") (result (result)) (canon lift (core func $c "check"))))`

// hostFuncs are what hostWat imports.
type hostFuncs struct {
	inc, greet, parse, log, check any
}

var errMine = errors.New("mine")

func plainHost() hostFuncs {
	return hostFuncs{
		inc:   func(n uint32) uint32 { return n + 1 },
		greet: func(name string, times uint8) string { return strings.Repeat("hello "+name+"! ", int(times)) },
		parse: func(text string) (n uint32, err error) { _, err = fmt.Sscan(text, &n); return n, err },
		log:   func(string) {},
		check: func() error { return nil },
	}
}

func (h hostFuncs) define(l *component.Linker) error {
	host := l.Instance("example:test/host@0.2.0") // 0.2.1 is compatible
	var inc error
	if impl, ok := h.inc.(adder); ok {
		inc = l.Root().Interface(impl)
	} else {
		inc = l.Root().Func("inc", h.inc)
	}
	return errors.Join(inc, host.Func("greet", h.greet), host.Func("parse-number", h.parse),
		host.Func("log", h.log), host.Func("check", h.check))
}

func TestHostFunctions(t *testing.T) {
	typed := hostFuncs{
		inc: component.HostFunc1(func(_ *wasmtime.Caller, n uint32) (uint32, error) { return n + 1, nil }),
		greet: component.HostFunc2(func(_ *wasmtime.Caller, name string, times uint8) (string, error) {
			return strings.Repeat("hello "+name+"! ", int(times)), nil
		}),
		parse: component.HostFunc1(func(_ *wasmtime.Caller, text string) (n uint32, err error) {
			_, err = fmt.Sscan(text, &n)
			return n, err
		}),
		log:   component.HostVoid1(func(*wasmtime.Caller, string) error { return nil }),
		check: component.HostVoid0(func(*wasmtime.Caller) error { return errMine }),
	}
	plain := plainHost()
	plain.check = func() error { return errMine }
	results := plainHost()
	results.parse = func(text string) component.Result[uint32, string] {
		n, err := plain.parse.(func(string) (uint32, error))(text)
		if err != nil {
			return component.Err[uint32](err.Error())
		}
		return component.Ok[uint32, string](n)
	}
	results.check = func() component.Result[struct{}, struct{}] { return component.Err[struct{}](struct{}{}) }
	contexts := plainHost()
	contexts.inc = func(ctx context.Context, n uint32) (uint32, error) { return n + 1, ctx.Err() }
	contexts.greet = func(c *wasmtime.Caller, name string, times uint8) (string, error) {
		return strings.Repeat("hello "+name+"! ", int(times)), c.Context().Err()
	}
	contexts.check = func(*wasmtime.Caller) error { return &component.ResultError{} }
	for name, host := range map[string]hostFuncs{"typed": typed, "plain": plain, "results": results, "contexts": contexts} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hostWat, host.define)
			Equal(t, "inc", w.call(t, "inc", 1), any(uint32(2)))
			Equal(t, "incs", w.call(t, "incs", 100), any(uint32(100)))
			Equal(t, "greet", w.call(t, "greet", "you", 2), any("hello you! hello you! "))
			name := strings.Repeat("x", 1000)
			Equal(t, "greet", w.call(t, "greet", name, 200), any(strings.Repeat("hello "+name+"! ", 200)))
			Equal(t, "parse", w.call(t, "parse", "123"), any(uint32(123)))
			_, err := w.fn(t, "parse").Call(nil, "x")
			var failed *component.ResultError
			if !errors.As(err, &failed) || failed.Value != "expected integer" {
				t.Errorf("parse: %T %v", err, err)
			}
			_, err = w.fn(t, "check").Call(nil)
			if !errors.As(err, &failed) || failed.Value != nil {
				t.Errorf("check: %T %v", err, err)
			}
			w.call(t, "log", "text")
		})
	}
}

// What ends a host function other than by returning ends the guest, and comes out of the call.
func TestHostFailures(t *testing.T) {
	host := plainHost()
	var fail func() error
	host.log = func(string) error { return fail() }
	host.parse = func(string) (uint32, error) { return 1, fail() }
	host.inc = func(n uint32) (uint32, error) { return n, fail() }
	w := newWorld(t, hostWat, host.define)
	again := func() *component.Func {
		w.renew(t)
		return w.fn(t, "log")
	}
	fail = func() error { return fmt.Errorf("wrapped: %w", errMine) }
	f := again()
	_, err := f.Call(nil, "x")
	WantTyped(t, err, errMine, "wrapped: mine")
	_, err = f.Call(nil, "x")
	WantIs(t, err, component.ErrUnusable)
	again()
	_, err = w.fn(t, "inc").Call(nil, 1)
	WantTyped(t, err, errMine, "wrapped: mine")

	fail = func() error { return wasmtime.NewTrap("a trap") }
	_, err = again().Call(nil, "x")
	WantText(t, err, "a trap")
	// A *Trap ends the guest even where an error could be a result.
	again()
	_, err = w.fn(t, "parse").Call(nil, "x")
	WantText(t, err, "a trap")
	var failed *component.ResultError
	if errors.As(err, &failed) {
		t.Error("a trap became a result")
	}

	fail = func() error { panic("the panic") }
	f = again()
	Equal(t, "the panic", PanicOf(t, func() { _, _ = f.Call(nil, "x") }), any("the panic"))
	fail = func() error { return nil }
	Equal(t, "a call after it", Must(again().Call(nil, "x")), nil)
}

func TestHostExits(t *testing.T) {
	if ffi.Live() != nil {
		t.Skip("the store's memory is lost on purpose")
	}
	host := plainHost()
	host.log = func(string) { runtime.Goexit() }
	w := newWorld(t, hostWat, host.define)
	f := w.fn(t, "log")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.Call(nil, strings.Repeat("x", 100_000)) // so long that it is pinned
		t.Error("Goexit came back")
	}()
	<-done
	runtime.GC() // which finds what stays pinned
	_, err := f.Call(nil, "x")
	WantIs(t, err, wasmtime.ErrClosed)
}

// A host function may call the component that calls it, and others of the store.
func TestNested(t *testing.T) {
	for _, same := range []bool{true, false} {
		host := plainHost()
		var instances []*component.Instance
		host.greet = func(c *wasmtime.Caller, name string, times uint8) (string, error) {
			if times == 0 {
				return name, nil
			}
			f, err := instances[times-1].Func("greet")
			if err != nil {
				return "", err
			}
			result, err := f.Call(c.Context(), name+"'", times-1)
			if err != nil {
				return "", err
			}
			return result.(string) + "-" + name, nil
		}
		w := newWorld(t, hostWat, host.define)
		for range 5 {
			instance := w.instance
			if !same {
				instance = Must(w.linker.Instantiate(nil, w.store, w.component))
			}
			instances = append(instances, instance)
		}
		Equal(t, "nested calls", w.call(t, "greet", "a", 5), any("a'''''-a''''-a'''-a''-a'-a"))
		Equal(t, "more of them", w.call(t, "greet", strings.Repeat("x", 10_000), 5).(string)[:10_000], strings.Repeat("x", 10_000))
	}
}

// callingError is an error whose text is what a guest says.
type callingError func() string

func (e callingError) Error() string { return e() }

// The methods of an error may call into the store, where the error is about to be written.
func TestErrorsThatCall(t *testing.T) {
	host := plainHost()
	var w *world
	long := strings.Repeat("x", 100_000)
	host.parse = func(text string) (uint32, error) {
		return 0, callingError(func() string {
			got, err := Must(w.instance.Func("greet")).Call(nil, long, 10)
			return fmt.Sprint(text, len(got.(string)), err)
		})
	}
	w = newWorld(t, hostWat, host.define)
	for range 3 {
		_, err := w.fn(t, "parse").Call(nil, "text")
		var failed *component.ResultError
		if !errors.As(err, &failed) || failed.Value != "text1000080 <nil>" {
			t.Errorf("%T %v", err, err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	host := plainHost()
	var f *component.Func
	host.log = func(string) error {
		failed := make(chan error)
		go func() { failed <- ErrorOf(f.Call(nil, "x")) }()
		return <-failed
	}
	w := newWorld(t, hostWat, host.define)
	f = w.fn(t, "log")
	_, err := f.Call(nil, "x")
	WantIs(t, err, wasmtime.ErrConcurrentUse)
}

func TestCallerData(t *testing.T) {
	host := plainHost()
	var got any
	host.log = func(c *wasmtime.Caller, _ string) { got = c.Data() }
	w := newWorld(t, hostWat, host.define)
	store := wasmtime.NewStoreWithData(w.engine, "data")
	defer store.Close()
	instance := Must(w.linker.Instantiate(nil, store, w.component))
	Must(Must(instance.Func("log")).Call(nil, "x"))
	Equal(t, "data", got, any("data"))
}

func TestHostAllocations(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the checks allocate")
	}
	type number uint32
	for what, inc := range map[string]any{
		"typed":        component.HostFunc1(func(_ *wasmtime.Caller, n uint32) (uint32, error) { return n + 1, nil }),
		"plain":        func(n uint32) uint32 { return n + 1 },
		"named type":   func(n number) number { return n + 1 },
		"with context": func(_ context.Context, n uint32) (uint32, error) { return n + 1, nil },
		"with caller":  func(_ *wasmtime.Caller, n uint32) (uint32, *wasmtime.Trap) { return n + 1, nil },
		"method value": adder(1).Inc,
		"method":       adder(1), // of which reflect makes a function
	} {
		host := plainHost()
		host.inc = inc
		w := newWorld(t, hostWat, host.define)
		incs := Must(component.Bind1[uint32, uint32](w.fn(t, "incs")))
		Equal(t, what+": sum", Must(incs.Call(nil, 100)), 100)
		most := 0.0
		if what == "method" {
			most = 100
		}
		if n := testing.AllocsPerRun(10, func() { Must(incs.Call(nil, 100)) }); n > most {
			t.Errorf("%s: 100 host calls take %v allocations, want %v", what, n, most)
		}
	}
}

// adder is an interface with a function.
type adder uint32

// Inc is the function inc of the interface.
func (a adder) Inc(n uint32) uint32 { return n + uint32(a) }

// A host function, and a resource, that lead back to what has them do not keep it alive.
func TestCycles(t *testing.T) {
	type plugin struct {
		payload  *Payload
		engine   *wasmtime.Engine
		linker   *component.Linker
		pre      *component.InstancePre
		store    *wasmtime.Store
		instance *component.Instance
		f        *component.Func
		table    *component.Table
	}
	var gone atomic.Int32
	const n = 10
	for range n {
		p := &plugin{payload: Tracked(&gone), engine: wasmtime.NewEngine()}
		p.linker, p.store = component.NewLinker(p.engine), wasmtime.NewStore(p.engine)
		host := plainHost()
		host.log = func(string) { runtime.KeepAlive(p) }
		Check(t, host.define(p.linker))
		p.pre = Must(p.linker.InstantiatePre(Must(component.New(p.engine, []byte(hostWat)))))
		p.instance = Must(p.pre.Instantiate(nil, p.store))
		p.f = Must(p.instance.Func("log"))
		Must(p.f.Call(nil, "x"))
		p.table = component.TableOf(p.store)
		Check(t, p.table.Push(p))
	}
	Collected(t, "plugins", func() bool { return gone.Load() == n })
}
