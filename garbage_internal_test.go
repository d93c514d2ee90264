package wasmtime

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// counted is what open stores hold, when those that are garbage have been found.
func counted() (stores, places int64) {
	for range 3 {
		runtime.GC()
		awaitCleanups()
	}
	return held.stores.Load(), held.places()
}

// What a store holds is counted until it is closed, lost, or given up, and what it does not get is not.
func TestWhatStoresHoldIsCounted(t *testing.T) {
	engine := NewEngine()
	compile := func(wat string) *Module {
		wasm, err := Wat2Wasm(wat)
		if err != nil {
			t.Fatal(err)
		}
		module, err := NewModule(engine, wasm)
		if err != nil {
			t.Fatal(err)
		}
		return module
	}
	module, missing := compile(`(module (memory 1))`), compile(`(module (import "" "" (memory 1)))`)
	page, err := NewMemoryType(1, false, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	stores, places := counted()
	want := func(when string, moreStores, morePlaces int64) {
		t.Helper()
		if s, p := held.stores.Load()-stores, held.places()-places; s != moreStores || p != morePlaces {
			t.Errorf("%s: %d stores and %d places are counted, not %d and %d", when, s, p, moreStores, morePlaces)
		}
	}
	fill := func() *Store {
		store := NewStore(engine)
		for range 3 {
			if _, err := NewInstance(store, module, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := NewMemory(store, page); err != nil {
			t.Fatal(err)
		}
		if _, err := NewInstance(store, missing, nil); err == nil {
			t.Fatal("an import is not missed")
		}
		return store
	}
	store := fill()
	want("open", 1, 4)
	store.Close()
	want("closed", 0, 0)
	func() {
		for range 5 {
			fill()
		}
	}()
	counted()
	want("lost", 0, 0)
}

// A lot that is held starts a collection, and the next one comes when twice as much is.
func TestALotStartsACollection(t *testing.T) {
	stores, places := counted()
	l := newLedger()
	l.enough.Store(10)
	l.stores.Store(7)
	l.taken.Store(3)
	if l.relieve(); !l.ended.IsZero() {
		t.Error("what is enough started a collection")
	}
	l.taken.Store(4)
	if l.relieve(); l.ended.IsZero() {
		t.Error("more than enough started no collection")
	}
	if got := l.enough.Load(); got != fewHeld {
		t.Errorf("the next collection begins at %d", got)
	}
	l.stores.Store(10 * fewHeld)
	l.relieve()
	if got := l.enough.Load(); got != 2*(10*fewHeld+4) {
		t.Errorf("with many stores that are in use, the next collection begins at %d", got)
	}
	if s, p := counted(); s != stores || p != places {
		t.Errorf("%d stores and %d places are counted, %d and %d before", s, p, stores, places)
	}
}

// A collection that finds nothing is not made again at once, unless a lot has been taken.
func TestNoRoomIsSaidSoon(t *testing.T) {
	l := newLedger()
	l.taken.Store(100)
	if _, again := l.makeRoom(false); !again {
		t.Error("the first was refused")
	}
	if _, again := l.makeRoom(false); again {
		t.Error("a second collection, and the first has found nothing")
	}
	l.taken.Add(many)
	if _, again := l.makeRoom(false); !again {
		t.Error("refused, and many places have been taken")
	}
	l.useful = true
	if _, again := l.makeRoom(false); !again {
		t.Error("refused, and the collection before has found something")
	}
	l.ended = l.ended.Add(-pause)
	if _, again := l.makeRoom(false); !again {
		t.Error("refused, and a while has passed")
	}
}

// When a collection is over, the cleanups of what it found have ended.
func TestCleanupsAreAwaited(t *testing.T) {
	var ended atomic.Int32
	for range 100 {
		runtime.AddCleanup(new([8]int), func(ended *atomic.Int32) {
			for range 1000 {
				runtime.Gosched()
			}
			ended.Add(1)
		}, &ended)
	}
	l := newLedger()
	l.collecting.Lock()
	defer l.collecting.Unlock()
	l.collectLocked()
	if got := ended.Load(); got != 100 {
		t.Errorf("%d of 100 cleanups have ended", got)
	}
}

// What lacks room is tried again, and what fails otherwise is not.
func TestWithRoom(t *testing.T) {
	for message, want := range map[string]int{"mmap failed to reserve": 2, "another failure": 1} {
		held.ended = time.Time{}
		calls := 0
		err := withRoom(func() (err ffi.Error) {
			if calls++; calls == 1 {
				err = ffi.NewError(message)
			}
			return err
		})
		if !err.IsNil() {
			err.Delete()
		}
		if calls != want || err.IsNil() != (want == 2) {
			t.Errorf("%s: %d calls, failed: %v", message, calls, !err.IsNil())
		}
	}
}

// An instance whose start function has ended the program is in its store, and has its place, until that is closed.
func TestPlacesOfEndedStartFunctions(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	linker := NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		text   string
		places int64
	}{
		"an exit": {`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(memory (export "memory") 1) (func $start (call $exit (i32.const 3))) (start $start))`, 1},
		"an error of WASI": {`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(func $start (call $exit (i32.const 3))) (start $start))`, 1},
		"a trap":            {`(module (func $start unreachable) (start $start))`, 1},
		"an unknown import": {`(module (import "m" "f" (func)))`, 0},
	} {
		wasm, err := Wat2Wasm(c.text)
		if err != nil {
			t.Fatal(err)
		}
		module, err := NewModule(engine, wasm)
		if err != nil {
			t.Fatal(err)
		}
		store := NewStore(engine)
		store.SetWasi(NewWasiConfig())
		if _, err := linker.Instantiate(store, module); err == nil {
			t.Errorf("%s: no error", what)
		}
		if got := store.state.slot.places; got != c.places {
			t.Errorf("%s: %d places are taken, want %d", what, got, c.places)
		}
		store.Close()
		module.Close()
	}
}
