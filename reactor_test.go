package wasmtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// reactors are the ways in which a module is instantiated as a reactor.
func reactors(linker *Linker, module *Module) map[string]func(context.Context, Storelike) (*Instance, error) {
	pre := Must(linker.InstantiatePre(module))
	return map[string]func(context.Context, Storelike) (*Instance, error){
		"Linker": func(_ context.Context, s Storelike) (*Instance, error) { return linker.InstantiateReactor(s, module) },
		"Linker with a context": func(ctx context.Context, s Storelike) (*Instance, error) {
			return linker.InstantiateReactorContext(ctx, s, module)
		},
		"InstancePre": func(_ context.Context, s Storelike) (*Instance, error) { return pre.InstantiateReactor(s) },
		"InstancePre with a context": func(ctx context.Context, s Storelike) (*Instance, error) {
			return pre.InstantiateReactorContext(ctx, s)
		},
	}
}

// said is a linker whose function host.say appends its argument to a list.
func said(t *testing.T, engine *Engine) (*Linker, *[]int32) {
	var list []int32
	linker := NewLinker(engine)
	Check(t, linker.DefineHost("host", "say", HostFunc1(func(_ *Caller, n int32) (None, error) {
		list = append(list, n)
		return None{}, nil
	})))
	return linker, &list
}

// What a reactor is, and what is none.
func TestInstantiateReactor(t *testing.T) {
	engine := NewEngine()
	linker, list := said(t, engine)
	const say = `(import "host" "say" (func $say (param i32)))`
	for _, c := range []struct {
		name, wat string
		calls     []int32
		cause     error
		text      string
	}{
		{name: "a reactor", calls: []int32{1},
			wat: `(module ` + say + `(func (export "_initialize") (call $say (i32.const 1))))`},
		{name: "with a start function", calls: []int32{0, 1},
			wat: `(module ` + say + `(start $s) (func $s (call $say (i32.const 0)))
				(func (export "_initialize") (call $say (i32.const 1))))`},
		{name: "without _initialize", wat: `(module ` + say + `(func (export "f") (call $say (i32.const 2))))`},
		{name: "_initialize is a global", wat: `(module ` + say + `(global (export "_initialize") i32 (i32.const 1)))`},
		{name: "_start is a memory", calls: []int32{1},
			wat: `(module ` + say + `(memory (export "_start") 1)
				(func (export "_initialize") (call $say (i32.const 1))))`},
		{name: "a command", cause: ErrCommand, text: "_start",
			wat: `(module ` + say + `(func (export "_start") (call $say (i32.const 2))))`},
		{name: "both", cause: ErrCommand, text: "_start",
			wat: `(module ` + say + `(func (export "_start")) (func (export "_initialize") (call $say (i32.const 1))))`},
		{name: "a parameter", text: "_initialize has type [i32] -> []",
			wat: `(module ` + say + `(func (export "_initialize") (param i32) (call $say (i32.const 1))))`},
		{name: "a result", text: "_initialize has type [] -> [i64]",
			wat: `(module ` + say + `(func (export "_initialize") (result i64) (call $say (i32.const 1)) (i64.const 0)))`},
	} {
		module := Compile(t, engine, c.wat)
		for way, instantiate := range reactors(linker, module) {
			t.Run(c.name+" by "+way, func(t *testing.T) {
				*list = nil
				store := NewStore(engine)
				defer store.Close()
				instance, err := instantiate(nil, store)
				if !slices.Equal(*list, c.calls) {
					t.Errorf("called %v, want %v", *list, c.calls)
				}
				switch {
				case c.cause != nil:
					WantTyped(t, err, c.cause, c.text)
				case c.text != "":
					WantText(t, err, c.text)
				case err != nil:
					t.Error(err)
				}
				if (instance != nil) != (err == nil) {
					t.Errorf("instance %p, error %v", instance, err)
				}
				// Whatever has happened, the store goes on.
				Check(t, ErrorOf(linker.Instantiate(store, module)))
			})
		}
	}
}

// What ends _initialize comes out of the instantiation: a trap, an error and a panic of the host, an exit.
func TestReactorThatFails(t *testing.T) {
	engine := NewEngine()
	cause := errors.New("the host's")
	linker := NewLinker(engine)
	Check(t, linker.DefineHost("host", "fail", HostFunc0(func(*Caller) (None, error) { return None{}, cause })))
	Check(t, linker.DefineHost("host", "panic", HostFunc0(func(*Caller) (None, error) { panic(cause) })))
	Check(t, linker.DefineWasi())
	for name, check := range map[string]struct {
		wat  string
		want func(t *testing.T, err error)
	}{
		"trap": {`(module (func (export "_initialize") (unreachable)))`, func(t *testing.T, err error) {
			WantTrap(t, err, UnreachableCodeReached)
		}},
		"error": {`(module (import "host" "fail" (func $f)) (func (export "_initialize") (call $f)))`,
			func(t *testing.T, err error) { WantIs(t, err, cause) }},
		"exit": {`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 0)
			(func (export "_initialize") (call $exit (i32.const 3))))`, func(t *testing.T, err error) {
			var exit *ExitError
			if !errors.As(err, &exit) || exit.Status != 3 {
				t.Errorf("got %v", err)
			}
		}},
	} {
		for way, instantiate := range reactors(linker, Compile(t, engine, check.wat)) {
			t.Run(name+" by "+way, func(t *testing.T) {
				store := NewStore(engine)
				defer store.Close()
				store.SetWasi(NewWasiConfig())
				instance, err := instantiate(nil, store)
				check.want(t, err)
				if instance != nil {
					t.Error("there is an instance")
				}
			})
		}
	}
	panics := Compile(t, engine, `(module (import "host" "panic" (func $f)) (func (export "_initialize") (call $f)))`)
	for way, instantiate := range reactors(linker, panics) {
		t.Run("panic by "+way, func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			if value := PanicOf(t, func() { instantiate(nil, store) }); value != any(cause) {
				t.Errorf("panicked with %v", value)
			}
			Check(t, ErrorOf(linker.Instantiate(store, panics)))
		})
	}
}

// One context is that of the start function and of _initialize: it ends either.
func TestReactorContext(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	for name, wat := range map[string]string{
		"start":       `(module (start $s) (func $s (loop $again (br $again))) (func (export "_initialize")))`,
		"_initialize": `(module (func (export "_initialize") (loop $again (br $again))))`,
	} {
		module := Compile(t, engine, wat)
		pre := Must(linker.InstantiatePre(module))
		for way, instantiate := range map[string]func(context.Context, Storelike) (*Instance, error){
			"Linker": func(ctx context.Context, s Storelike) (*Instance, error) {
				return linker.InstantiateReactorContext(ctx, s, module)
			},
			"InstancePre": pre.InstantiateReactorContext,
		} {
			t.Run(name+" by "+way, func(t *testing.T) {
				store := NewStore(engine)
				defer store.Close()
				err := UntilTrap(func(delay time.Duration) error {
					ctx, cancel := context.WithTimeout(context.Background(), delay)
					defer cancel()
					return ErrorOf(instantiate(ctx, store))
				})
				if trap := WantTrap(t, err, Interrupt); !errors.Is(trap, context.DeadlineExceeded) {
					t.Errorf("the trap wraps %v", errors.Unwrap(trap))
				}
			})
		}
	}
}

// Inside of a host function, a reactor is instantiated as anywhere.
func TestReactorInsideHostFunction(t *testing.T) {
	engine := NewEngine()
	linker, list := said(t, engine)
	inner := Compile(t, engine, `(module (import "host" "say" (func $say (param i32)))
		(func (export "_initialize") (call $say (i32.const 1))) (func (export "f") (call $say (i32.const 2))))`)
	Check(t, linker.DefineHost("host", "load", HostFunc0(func(c *Caller) (None, error) {
		instance, err := linker.InstantiateReactor(c, inner)
		if err != nil {
			return None{}, err
		}
		return None{}, ErrorOf(instance.GetFunc(c, "f").Call(c))
	})))
	store := NewStore(engine)
	defer store.Close()
	outer := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "host" "load" (func $load))
		(import "host" "say" (func $say (param i32))) (func (export "run") (call $load) (call $say (i32.const 3))))`)))
	Call(t, store, outer, "run")
	if !slices.Equal(*list, []int32{1, 2, 3}) {
		t.Errorf("called %v", *list)
	}
}

// A reactor in Go cannot be used before _initialize, and can afterwards. C compilers make reactors, too, and programs.
func TestReactorsOfCompilers(t *testing.T) {
	goGuest, err := guests.Go("kernel")
	Check(t, err)
	engine := EngineWith(t, CompilesQuickly)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())

	kernel := Must(NewModule(engine, goGuest))
	if _, err := Must(linker.Instantiate(store, kernel)).GetFunc(store, "kernel").Call(store, 1); err == nil {
		t.Error("the guest in Go proves nothing: it does without _initialize")
	}
	if sum := Call(t, store, Must(linker.InstantiateReactor(store, kernel)), "kernel", 1).(int64); sum == 0 {
		t.Error("the guest in Go has done nothing")
	}

	c := Must(linker.InstantiateReactor(store, Must(NewModule(engine, guests.C("fileio")))))
	if c.GetFunc(store, "_initialize") == nil {
		t.Error("the guest in C proves nothing: it has no _initialize")
	}
	Equal(t, "open_data", Call(t, store, c, "open_data"), any(-int32(ErrnoNoent)))

	_, err = linker.InstantiateReactor(store, Must(NewModule(engine, guests.C("hello"))))
	WantIs(t, err, ErrCommand)
}

// Who calls an export of Go before its runtime is there learns what to call, by the name of a function of the runtime:
// a guest that was linked with -s has none.
func TestGoLibraryNotInitialized(t *testing.T) {
	const note = "Linker.InstantiateReactor calls the _initialize"
	for name, hinted := range map[string]bool{"runtime.notInitialized": true, "runtime.notifyList": false} {
		store, instance := Guest(t, `(module (func $inner unreachable) (func $`+name+` (call $inner)) (func (export "f") (call $`+name+`)))`)
		_, err := instance.GetFunc(store, "f").Call(store)
		if trap := WantTrap(t, err, UnreachableCodeReached); strings.Contains(trap.Error(), note) != hinted {
			t.Errorf("%s: %v", name, trap)
		}
	}
}
