package storms_test

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// usage reads this process's resident memory in KiB and its open descriptors.
func usage(t *testing.T) (rss, fds int) {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	Check(t, err)
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			rss, err = strconv.Atoi(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))))
			Check(t, err)
		}
	}
	open, err := os.ReadDir("/proc/self/fd")
	Check(t, err)
	return rss, len(open)
}

// falls waits for the resident memory to fall to what it was, but for a little that the allocators keep.
func falls(t *testing.T, rss int) {
	t.Helper()
	after := 0
	for range 100 {
		if after, _ = usage(t); after <= rss+32<<10 {
			t.Logf("%d -> %d KiB", rss, after)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d KiB are resident, %d before", after, rss)
}

// A thousand stores, used and closed on all threads, leave nothing behind: closed ones at once, lost ones when they
// are collected.
func TestStoresLeaveNothing(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("h", "f", func(c *Caller, v any) any { return v }))
	Check(t, linker.DefineWasi())
	module := Compile(t, engine, `(module (import "h" "f" (func $f (param externref) (result externref)))
		(memory (export "m") 4) (data (i32.const 0) "some data")
		(func (export "f") (param externref) (result externref)
			(memory.fill (i32.const 0) (i32.const 1) (i32.const 200000)) (call $f (local.get 0)))
		(func (export "trap") (unreachable)))`)
	var lost atomic.Int32
	round := func(n int, lose bool) {
		lost.Store(0)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				runtime.LockOSThread()
				for range n / 8 {
					store := NewStoreWithData(engine, Tracked(&lost))
					store.SetWasi(NewWasiConfig())
					WrapFunc(store, func() { _ = store })
					instance := Must(linker.Instantiate(store, module))
					if got := Must(instance.GetFunc(store, "f").Call(store, "x")); got != "x" {
						t.Errorf("got %v", got)
					}
					if _, err := instance.GetFunc(store, "trap").Call(store); err == nil {
						t.Error("no trap")
					}
					if !lose {
						store.Close()
					}
				}
			})
		}
		wg.Wait()
		Collected(t, "a store", func() bool { return int(lost.Load()) == n/8*8 })
	}
	for _, lose := range []bool{false, true} {
		round(Rounds(400), lose)
		rss, fds := usage(t)
		round(Rounds(1000), lose)
		round(Rounds(1000), lose)
		// Two thousand memories of 200 KB are 400 MB.
		falls(t, rss)
		if _, after := usage(t); after > fds {
			t.Errorf("lost stores %v: %d descriptors, %d before", lose, after, fds)
		}
	}
}

// The exports of a shared memory hold references to it, which must not keep its address space for ever.
func TestSharedMemoriesAreUnmapped(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := EngineWith(t, func(cfg *Config) { cfg.SetSharedMemory(true) })
	module := Compile(t, engine, `(module (memory (export "m") 16 16 shared) (func (export "touch") (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576))))`)
	round := func() {
		for range Rounds(100) {
			store := NewStore(engine)
			instance := Must(NewInstance(store, module, nil))
			Call(t, store, instance, "touch")
			instance.Exports(store)
			instance.GetExport(store, "m").Type(store)
			store.Close()
		}
	}
	rss, _ := usage(t)
	for range 3 {
		round()
	}
	falls(t, rss)
}

// Errors and traps that nobody closes are freed by the collector.
func TestErrorsLeaveNothing(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := Guest(t, `(module (func (export "trap") (unreachable)) (func (export "f") (param i32)))`)
	trap, f := instance.GetFunc(store, "trap"), instance.GetFunc(store, "f")
	round := func() {
		for i := range Rounds(20000) {
			trap.Call(store)
			f.Call(store, "wrong")
			NewTrap("made here")
			if i%1000 == 0 {
				runtime.GC()
			}
		}
	}
	round()
	rss, _ := usage(t)
	round()
	round()
	falls(t, rss)
}
