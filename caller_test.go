package wasmtime_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// callerWat is a guest whose run calls the host n times. Its memory begins with a byte of its own.
func callerWat(memory string, first int) string {
	return fmt.Sprintf(`(module (import "" "" (func $host)) (memory (export %q) 1 4) (data (i32.const 0) "\%02x")
		(func (export "grow") (drop (memory.grow (i32.const 1))) (call $host))
		(func (export "run") (param $n i32)
			(loop $again (call $host)
				(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`, memory, first)
}

// The view is that of the instance that calls, whichever it is, and follows its memory.
func TestCallerMemory(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	var seen []string
	views := map[*MemoryView]int{}
	host := WrapFunc(store, func(c *Caller) {
		view := c.Memory()
		b, ok := view.Byte(0)
		seen = append(seen, fmt.Sprint(b, ok, view.Size()>>16))
		views[view]++
	})
	var instances []*Instance
	for first := range 3 {
		instances = append(instances, Instantiate(t, store, callerWat("memory", 10+first), host))
	}
	for range 2 {
		for _, instance := range instances {
			Call(t, store, instance, "run", 2)
		}
	}
	Call(t, store, instances[1], "grow")
	Call(t, store, instances[1], "run", 1)
	want := "[10 true 1 10 true 1 11 true 1 11 true 1 12 true 1 12 true 1 10 true 1 10 true 1 11 true 1 11 true 1 " +
		"12 true 1 12 true 1 11 true 2 11 true 2]"
	Equal(t, "seen", fmt.Sprint(seen), want)
	Equal(t, "one view for each memory", len(views), 3)
	for view := range views { // they outlive the calls
		if b, ok := view.Byte(0); b < 10 || b > 12 || !ok {
			t.Errorf("%d, %v", b, ok)
		}
	}
}

// Without a memory of that name, everything is out of bounds, and nothing panics.
func TestCallerWithoutMemory(t *testing.T) {
	for name, wat := range map[string]string{
		"another name": callerWat("mem", 1),
		"a function":   `(module (import "" "" (func $host)) (func (export "memory")) (func (export "run") (param i32) (call $host)))`,
		"a shared one": `(module (import "" "" (func $host)) (memory (export "memory") 1 1 shared)
			(func (export "run") (param i32) (call $host)))`,
	} {
		t.Run(name, func(t *testing.T) {
			called := 0
			engine := EngineWith(t, func(c *Config) { c.SetWasmThreads(true); c.SetSharedMemory(true) })
			store, instance := GuestIn(t, engine, wat, func(c *Caller) {
				called++
				view := c.Memory()
				Equal(t, "size", view.Size(), 0)
				_, read := view.Byte(0)
				_, text := view.String(0, 0)
				_, number := view.Uint64(0)
				if read || text || number || view.WriteString(0, "x") || view.Write(0, nil) || view.PutUint64(0, 1) {
					t.Error("something is in bounds")
				}
			})
			Call(t, store, instance, "run", 1)
			Equal(t, "called", called, 1)
		})
	}
	store := NewStore(NewEngine())
	Check(t, ErrorOf(WrapFunc(store, func(c *Caller) { // called by the host, so there is no instance
		Equal(t, "size", c.Memory().Size(), 0)
	}).Call(store)))
}

// After its host function, a Caller is no way to a memory, and after the store was closed no view is.
func TestCallerMemoryAfterwards(t *testing.T) {
	var caller *Caller
	var view *MemoryView
	store, instance := Guest(t, callerWat("memory", 1), func(c *Caller) { caller, view = c, c.Memory() })
	Call(t, store, instance, "run", 1)
	WantPanic(t, "Memory", "cannot use caller after host function returns", func() { caller.Memory() })
	Equal(t, "written", view.PutByte(1, 5), true)
	store.Close()
	WantPanic(t, "Byte", ClosedText, func() { view.Byte(1) })
}

// A view keeps its store.
func TestCallerMemoryKeepsStore(t *testing.T) {
	view := func() (view *MemoryView) {
		store := NewStore(NewEngine())
		instance := Instantiate(t, store, callerWat("memory", 77), func(c *Caller) { view = c.Memory() })
		Call(t, store, instance, "run", 1)
		return view
	}()
	for range 5 {
		runtime.GC()
	}
	b, ok := view.Byte(0)
	Equal(t, "the byte", b == 77 && ok, true)
}

func TestCallerMemoryDoesNotAllocate(t *testing.T) {
	if Race || Debug {
		t.Skip("the race detector and the debug mode allocate")
	}
	store := NewStore(NewEngine())
	defer store.Close()
	sum := 0
	host := NewHostFunc(store, HostFunc0(func(c *Caller) (None, error) {
		b, _ := c.Memory().Byte(0)
		sum += int(b)
		return None{}, nil
	}))
	for first := range 2 { // that of the second memory is kept elsewhere
		instance := Instantiate(t, store, callerWat("memory", 10+first), host)
		run := Must(Bind1[int32, None](store, instance.GetFunc(store, "run")))
		run.Call(1)
		sum = 0
		Equal(t, "allocations", testing.AllocsPerRun(100, func() { run.Call(10) }), 0)
		Equal(t, "sum", sum, 101*10*(10+first))
	}
}

// A host function collects what its guest cannot reach any more, in the middle of the guest's call; what the guest and
// its frames hold stays.
func TestCallerGC(t *testing.T) {
	var gone atomic.Int32
	before, after := int32(-1), int32(-1)
	host := func(c *Caller) {
		for range 3 {
			runtime.GC()
		}
		before = gone.Load()
		c.GC()
		Collected(t, "the values that the guest has forgotten", func() bool { return gone.Load() == 2 })
		after = gone.Load()
	}
	store, instance := Guest(t, `(module (import "" "" (func $host)) (table $t 3 externref) (global $g (mut externref) (ref.null extern))
		(func (export "keep") (param i32 externref) (table.set $t (local.get 0) (local.get 1)) (global.set $g (local.get 1)))
		(func (export "run") (result externref) (local $held externref)
			(local.set $held (table.get $t (i32.const 2)))
			(table.fill $t (i32.const 0) (ref.null extern) (i32.const 3)) (global.set $g (ref.null extern))
			(call $host) (local.get $held)))`, host)
	for i := range 3 {
		Call(t, store, instance, "keep", i, Tracked(&gone))
	}
	held, ok := Call(t, store, instance, "run").(*Payload)
	Equal(t, "the value in the frame", ok && held != nil, true)
	Equal(t, "gone before the collection", before, 0)
	Equal(t, "gone after it", after, 2)
	runtime.KeepAlive(store)
}
