package storms_test

import (
	"bytes"
	"errors"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const trapsWat = `(module (import "" "" (func $host)) (memory (export "m") 1) (table 1 funcref)
	(func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
	(func (export "load") (drop (i64.load (i32.const -1))))
	(func (export "unreachable") (unreachable))
	(func (export "null") (call_indirect (i32.const 0)))
	(func $recurse (export "recurse") (call $recurse))
	(func (export "host") (call $host)))`

var trapCodes = map[string]TrapCode{"divide": IntegerDivisionByZero, "load": MemoryOutOfBounds, "unreachable": UnreachableCodeReached,
	"null": IndirectCallToNull, "recurse": StackOverflow}

// Traps are signals. They must get along with the signals of Go's profiler and scheduler, with child processes, and
// with each other on many threads.
func TestTrapStorm(t *testing.T) {
	var profile bytes.Buffer
	if pprof.StartCPUProfile(&profile) == nil {
		defer pprof.StopCPUProfile()
	}
	During(t, func() {
		if err := exec.Command("true").Run(); err != nil && !errors.Is(err, exec.ErrNotFound) {
			t.Error(err)
		}
	})
	During(t, runtime.GC)
	engine := NewEngine()
	module := Compile(t, engine, trapsWat)
	var traps atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			store := NewStore(engine)
			defer store.Close()
			instance, err := NewInstance(store, module, Items(store, func() { var p *int; *p = 1 }))
			if err != nil {
				t.Error(err)
				return
			}
			for range Rounds(50) {
				for name, code := range trapCodes {
					_, err := instance.GetFunc(store, name).Call(store)
					trap, ok := err.(*Trap)
					if !ok || trap.Code() == nil || *trap.Code() != code {
						t.Errorf("%s: %v", name, err)
						return
					}
					trap.Close()
					traps.Add(1)
				}
				// A fault of Go's own is still Go's, inside of a guest too.
				if _, ok := PanicOf(t, func() { instance.GetFunc(store, "host").Call(store) }).(runtime.Error); !ok {
					t.Error("a nil pointer in a host function is no runtime error")
				}
			}
		})
	}
	wg.Wait()
	Equal(t, "traps", traps.Load(), int64(100*Rounds(50)*len(trapCodes)))
}

// Go's own faults stay what they are when guests have trapped before.
func TestGoFaultsAfterTraps(t *testing.T) {
	store, instance := Guest(t, trapsWat, func() {})
	_, err := instance.GetFunc(store, "load").Call(store)
	WantTrap(t, err, MemoryOutOfBounds)
	if _, ok := PanicOf(t, func() { var p *int; *p = 1 }).(runtime.Error); !ok {
		t.Error("a nil pointer is no runtime error any more")
	}
	zero := 0
	if _, ok := PanicOf(t, func() { zero = 1 / zero }).(runtime.Error); !ok {
		t.Error("a division by zero is no runtime error any more")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	data := instance.GetMemory(store, "m").UnsafeData(store)
	data[len(data)-1] = 1
}

// Stores are made, used and dropped by many goroutines while the collector runs all the time.
func TestCollectionStorm(t *testing.T) {
	During(t, runtime.GC)
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("h", "ref", func(c *Caller, v any) any { return v }))
	Check(t, linker.DefineHost("h", "add", HostFunc2(func(c *Caller, a, b int32) (int32, error) { return a + b, nil })))
	module := Compile(t, engine, `(module (import "h" "ref" (func $ref (param externref) (result externref)))
		(import "h" "add" (func $add (param i32 i32) (result i32))) (memory (export "m") 1) (table $t 10 externref)
		(func (export "ref") (param i32 externref) (result externref)
			(table.set (local.get 0) (local.get 1)) (call $ref (table.get (local.get 0))))
		(func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1))))`)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range Rounds(40) {
				store := NewStore(engine)
				store.SetEpochDeadline(1 << 40)
				instance, err := linker.Instantiate(store, module)
				if err != nil {
					t.Error(err)
					return
				}
				add := Must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
				view := instance.GetMemory(store, "m").View(store)
				for i := range 20 {
					type boxed struct{ n *int }
					n := g*1000 + i
					got, err := instance.GetFunc(store, "ref").Call(store, i%10, boxed{&n})
					if err != nil || *got.(boxed).n != n {
						t.Errorf("%v, %v", got, err)
					}
					if sum, err := add.Call(int32(i), 1); sum != int32(i+1) || err != nil {
						t.Errorf("%d, %v", sum, err)
					}
					view.PutUint32(8, uint32(i))
					if i == 10 {
						store.GC()
					}
				}
				if g%2 == 0 {
					store.Close()
				}
			}
		})
	}
	wg.Wait()
}

func TestPanicStorm(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, `(module (import "" "" (func $f (param i32))) (func (export "run") (param i32) (call $f (local.get 0))))`)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			store := NewStore(engine)
			defer store.Close()
			var run *TypedFunc1[int32, None]
			instance := Must(NewInstance(store, module, Items(store, func(c *Caller, n int32) {
				if n == 0 {
					panic(g)
				}
				run.Call(n - 1)
			})))
			run = Must(Bind1[int32, None](store, instance.GetFunc(store, "run")))
			for i := range Rounds(100) {
				if got := PanicOf(t, func() { run.Call(int32(i % 10)) }); got != g {
					t.Errorf("panicked with %v instead of %v", got, g)
				}
			}
		})
	}
	wg.Wait()
}

// Deep recursion of guest and host on many goroutines, each of which ends in a trap.
func TestRecursionStorm(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	module := Compile(t, engine, `(module (import "" "" (func $f (param i32) (result i32)))
		(func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))`)
	var wg sync.WaitGroup
	for range Rounds(8) {
		wg.Go(func() {
			store := NewStore(engine)
			defer store.Close()
			var run *TypedFunc1[int32, int32]
			instance := Must(NewInstance(store, module, Items(store, HostFunc1(func(c *Caller, n int32) (int32, error) {
				if n == 0 {
					return 0, nil
				}
				return run.Call(n - 1)
			}))))
			run = Must(Bind1[int32, int32](store, instance.GetFunc(store, "run")))
			for range Rounds(5) {
				if n, err := run.Call(200); n != 201 || err != nil {
					t.Errorf("200 levels: %d, %v", n, err)
				}
				var trap *Trap
				if _, err := run.Call(1 << 30); !errors.As(err, &trap) {
					t.Errorf("endless: %.200v", err)
				}
			}
		})
	}
	wg.Wait()
}

// Close of one store never waits for, or disturbs, the calls of others.
func TestCloseStorm(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetPooling(PoolingConfig{MaxInstances: 64, MaxMemorySize: 1 << 20}) })
	pre := Must(NewLinker(engine).InstantiatePre(Compile(t, engine, `(module (memory (export "m") 1) (func (export "f") (result i32) (i32.load (i32.const 0))))`)))
	deadline := time.Now().Add(time.Minute)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range Rounds(200) {
				store := NewStore(engine)
				instance, err := pre.Instantiate(store)
				if err != nil {
					t.Error(err)
					return
				}
				if n := Must(instance.GetFunc(store, "f").Call(store)); n != int32(0) {
					t.Errorf("a new memory holds %v", n)
				}
				instance.GetMemory(store, "m").View(store).PutUint32(0, 0xffffffff)
				closed := make(chan struct{})
				go func() { store.Close(); close(closed) }()
				<-closed
				if time.Now().After(deadline) {
					t.Error("this takes too long")
					return
				}
			}
		})
	}
	wg.Wait()
}
