package wasmtime_test

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"weak"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A store that nobody can reach is collected, also when its host functions, its data and its externrefs lead back to
// it.
func TestStoreWithCyclesIsCollected(t *testing.T) {
	var gone atomic.Int32
	func() {
		engine := NewEngine()
		for range 3 {
			data := Tracked(&gone)
			store := NewStoreWithData(engine, data)
			value := struct {
				p *Payload
				s *Store
			}{Tracked(&gone), store}
			var instance *Instance
			instance = Instantiate(t, store, `(module (import "" "a" (func $a)) (import "" "b" (func (param externref)))
				(import "" "c" (func (param i32) (result i32)))
				(table (export "t") 1 externref)
				(func (export "run") (call $a)) (func (export "keep") (param externref) (table.set (i32.const 0) (local.get 0))))`,
				func(c *Caller) { _, _, _ = store, instance, data },
				func(any) { _ = instance },
				HostFunc1(func(c *Caller, n int32) (int32, error) { _ = store; return n, nil }))
			Call(t, store, instance, "run")
			Call(t, store, instance, "keep", value)
		}
	}()
	Collected(t, "stores with cycles", func() bool { return gone.Load() == 6 })
}

// Every object of a store keeps it alive on its own.
func TestObjectsKeepTheirStore(t *testing.T) {
	wat := `(module (memory (export "m") 1) (table (export "t") 1 externref) (global (export "g") i32 (i32.const 5))
		(func (export "f") (param i32) (result i32) (local.get 0)))`
	lost := func(pick func(*Store, *Instance) any) (any, weak.Pointer[Store]) {
		store := NewStore(NewEngine())
		instance := Instantiate(t, store, wat)
		return pick(store, instance), weak.Make(store)
	}
	settle := func() {
		for range 5 {
			runtime.GC()
		}
	}
	t.Run("typed function", func(t *testing.T) {
		f, _ := lost(func(s *Store, i *Instance) any { return Must(Bind1[int32, int32](s, i.GetFunc(s, "f"))) })
		settle()
		Equal(t, "f(3)", Must(f.(*TypedFunc1[int32, int32]).Call(3)), 3)
	})
	t.Run("raw function", func(t *testing.T) {
		f, _ := lost(func(s *Store, i *Instance) any { return Must(BindRaw(s, i.GetFunc(s, "f"))) })
		settle()
		stack := []Raw{RawI32(9)}
		Check(t, f.(*RawFunc).Call(stack))
		Equal(t, "f(9)", stack[0].I32(), 9)
	})
	t.Run("view", func(t *testing.T) {
		v, _ := lost(func(s *Store, i *Instance) any { return i.GetMemory(s, "m").View(s) })
		settle()
		view := v.(*MemoryView)
		Equal(t, "write", view.PutUint32(65532, 7), true)
		n, _ := view.Uint32(65532)
		Equal(t, "read", n, 7)
	})
	t.Run("instance", func(t *testing.T) {
		v, store := lost(func(s *Store, i *Instance) any { return i })
		settle()
		// The Store itself is gone, so its instance can only be dropped; what matters is that this does no harm.
		if store.Value() != nil {
			t.Log("the *Store is still there")
		}
		runtime.KeepAlive(v)
	})
}

// An externref stays while the guest can reach it, and goes with Store.GC when it cannot.
func TestExternrefsAreFreed(t *testing.T) {
	var gone atomic.Int32
	store, instance := Guest(t, `(module (table $t (export "t") 2 externref) (global $g (mut externref) (ref.null extern))
		(func (export "pass") (param externref))
		(func (export "set") (param i32 externref) (table.set (local.get 0) (local.get 1)))
		(func (export "global") (param externref) (global.set $g (local.get 0)))
		(func (export "get") (param i32) (result externref) (table.get (local.get 0))))`)
	Call(t, store, instance, "pass", Tracked(&gone))
	store.GC()
	Collected(t, "an argument", func() bool { return gone.Load() == 1 })

	Call(t, store, instance, "set", 0, Tracked(&gone))
	Call(t, store, instance, "set", 1, Tracked(&gone))
	Call(t, store, instance, "global", Tracked(&gone))
	store.GC()
	for range 5 {
		runtime.GC()
	}
	Equal(t, "freed too early", gone.Load(), 1)
	Call(t, store, instance, "set", 0, nil)
	store.GC()
	Collected(t, "an element that was overwritten", func() bool { return gone.Load() == 2 })
	if _, ok := Call(t, store, instance, "get", 1).(*Payload); !ok {
		t.Error("the other element is lost")
	}
	Call(t, store, instance, "global", nil)
	store.GC()
	Collected(t, "a global that was overwritten", func() bool { return gone.Load() == 3 })
	store.Close()
	Collected(t, "the rest, with the store", func() bool { return gone.Load() == 4 })
}

// An externref that a host function makes and returns is freed as well, and one whose store is lost without Close.
func TestExternrefsOfHostFunctionsAreFreed(t *testing.T) {
	var gone atomic.Int32
	store, instance := Guest(t, `(module (import "" "" (func $f (result externref)))
		(func (export "run") (drop (call $f))))`, func() any { return Tracked(&gone) })
	for range 10 {
		Call(t, store, instance, "run")
	}
	store.GC()
	Collected(t, "results", func() bool { return gone.Load() == 10 })
	func() {
		store := NewStore(NewEngine())
		Must(NewGlobal(store, NewGlobalType(NewValType(KindExternref), true), ValExternref(Tracked(&gone))))
	}()
	Collected(t, "a global of a lost store", func() bool { return gone.Load() == 11 })
}

// Calls that fail before the guest sees their arguments must not keep them.
func TestArgumentsOfFailedCallsAreFreed(t *testing.T) {
	var gone atomic.Int32
	store, instance := Guest(t, `(module (func (export "f") (param externref i32)))`)
	other := NewStore(store.Engine)
	defer other.Close()
	foreign := WrapFunc(other, func() {})
	f := instance.GetFunc(store, "f")
	for _, wrong := range []any{"no number", foreign} {
		if _, err := f.Call(store, Tracked(&gone), wrong); err == nil {
			t.Error("no error")
		}
	}
	store.GC()
	Collected(t, "arguments of failed calls", func() bool { return gone.Load() == 2 })
}

// A host function of a linker is freed when neither the linker nor a store needs it.
func TestLinkerFunctionsAreFreed(t *testing.T) {
	var gone atomic.Int32
	engine := NewEngine()
	define := func() *Linker {
		linker := NewLinker(engine)
		p, q, r := Tracked(&gone), Tracked(&gone), Tracked(&gone)
		Check(t, linker.FuncWrap("m", "a", func() int32 { return 64 + int32(p.Bytes[0]) }))
		Check(t, linker.FuncNew("m", "b", NewFuncType(nil, nil), func(*Caller, []Val) ([]Val, *Trap) {
			return nil, NewTrap(string(q.Bytes[:1]))
		}))
		Check(t, linker.DefineHost("m", "c", HostFunc0(func(*Caller) (int32, error) { return int32(r.Bytes[0]), nil })))
		return linker
	}
	define().Close()
	Collected(t, "the functions of a closed linker", func() bool { return gone.Load() == 3 })
	func() { define() }()
	Collected(t, "the functions of a lost linker", func() bool { return gone.Load() == 6 })

	store := NewStore(engine)
	linker := define()
	instance := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "m" "a" (func $a (result i32)))
		(func (export "f") (result i32) (call $a)))`)))
	linker.Close()
	for range 5 {
		runtime.GC()
	}
	if gone.Load() > 8 { // those that nothing imports may go
		t.Error("a function in use was collected")
	}
	Equal(t, "a function in use", Call(t, store, instance, "f"), any(int32(64)))
	store.Close()
	Collected(t, "the functions of a closed store", func() bool { return gone.Load() == 9 })

	linker = NewLinker(engine)
	p := Tracked(&gone)
	Check(t, linker.FuncWrap("m", "n", func() { _ = p }))
	q := Tracked(&gone)
	if linker.FuncWrap("m", "n", func() { _ = q }) == nil {
		t.Error("defined twice")
	}
	q = nil
	Collected(t, "a function that was refused", func() bool { return gone.Load() == 10 })
	linker.Close()
}

// Closing never needs an order, and collecting all of it at once never either.
func TestEverythingIsCollected(t *testing.T) {
	var stores [20]weak.Pointer[Store]
	for i := range stores {
		engine := EngineWith(t, WithEpochs)
		linker := NewLinker(engine)
		Check(t, linker.FuncWrap("m", "f", func(x any) any { return x }))
		module := Compile(t, engine, `(module (import "m" "f" (func $f (param externref) (result externref)))
			(func (export "f") (param externref) (result externref) (call $f (local.get 0))))`)
		pre := Must(linker.InstantiatePre(module))
		store := NewStore(engine)
		store.SetEpochDeadline(1)
		instance := Must(pre.Instantiate(store))
		Equal(t, "round trip", Call(t, store, instance, "f", uint(i)), any(uint(i)))
		stores[i] = weak.Make(store)
		switch i % 4 {
		case 1:
			engine.Close()
		case 2:
			store.Close()
		case 3:
			pre.Close()
			module.Close()
			linker.Close()
		}
	}
	Collected(t, "a store", func() bool {
		for _, store := range stores {
			if store.Value() != nil {
				return false
			}
		}
		return true
	})
}

// A view of a memory of a closed store says so, also when another store has taken the place of the first.
func TestViewOfAClosedStore(t *testing.T) {
	engine := NewEngine()
	for _, between := range []func(){func() {}, func() { NewStore(engine) }} {
		store, instance := GuestIn(t, engine, `(module (memory (export "m") 1))`)
		view := instance.GetMemory(store, "m").View(store)
		if _, ok := view.Uint32(0); !ok {
			t.Fatal("the first bytes are out of bounds")
		}
		store.Close()
		between()
		func() {
			defer func() {
				if value, ok := recover().(string); !ok || !strings.Contains(value, ErrClosed.Error()) {
					t.Errorf("reading panicked with %v", value)
				}
			}()
			view.Uint32(0)
		}()
	}
}
