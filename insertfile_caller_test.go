package wasmtime_test

import (
	"errors"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// callerGuestWat copies what it can read from a descriptor that it asks the host for, and tells whether it can read it
// once more after the host has been told that it is done with it.
const callerGuestWat = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "host" "give" (func $give (result i32)))
  (import "host" "take" (func $take (param i32)))
  (memory (export "memory") 1)
  (func $get (param $fd i32) (result i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 100))
    (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  (func (export "run") (result i32) (local $fd i32)
    (local.set $fd (call $give))
    (if (call $get (local.get $fd)) (then (return (i32.const -1))))
    (call $take (local.get $fd))
    (call $get (local.get $fd))))`

// callerGuest makes the guest with the two host functions.
func callerGuest(t *testing.T, give func(*Caller) int32, take func(*Caller, int32)) (*Store, *Instance) {
	t.Helper()
	engine := NewEngine()
	t.Cleanup(engine.Close)
	wasm, err := Wat2Wasm(callerGuestWat)
	if err != nil {
		t.Fatal(err)
	}
	module, err := NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	linker := NewLinker(engine)
	t.Cleanup(linker.Close)
	for _, err := range []error{
		linker.DefineWasi(),
		linker.FuncWrap("host", "give", give),
		linker.FuncWrap("host", "take", take),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	store := NewStore(engine)
	t.Cleanup(store.Close)
	store.SetWasi(NewWasiConfig())
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		t.Fatal(err)
	}
	return store, instance
}

// A host function gives the guest that called it a file, and takes it away again.
func TestCallerInsertsWhileGuestRuns(t *testing.T) {
	f := tempFile(t, "from the host")
	for name, give := range map[string]func(c *Caller) (uint32, error){
		"insert": func(c *Caller) (uint32, error) { return 100, c.InsertFile(100, f, READ_ONLY) },
		"push":   func(c *Caller) (uint32, error) { return c.PushFile(f, READ_ONLY) },
		"standard input": func(c *Caller) (uint32, error) {
			return 0, c.InsertFile(0, f, READ_ONLY)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f.Seek(0, 0)
			store, instance := callerGuest(t,
				func(c *Caller) int32 {
					fd, err := give(c)
					if err != nil {
						t.Error(err)
					}
					return int32(fd)
				},
				func(c *Caller, fd int32) {
					if s, _ := c.GetMemory("memory").View(c).String(64, 13); s != "from the host" {
						t.Errorf("the guest read %q", s)
					}
					if err := c.RemoveFile(uint32(fd)); err != nil {
						t.Error(err)
					}
				})
			errno, err := instance.GetFunc(store, "run").Call(store)
			if err != nil || errno != int32(errnoBadf) {
				t.Errorf("%v, %v, want errno %d after the removal", errno, err, errnoBadf)
			}
		})
	}
}

// The outer store may be used in place of the caller, on the same goroutine.
func TestStoreInsertsWhileGuestRuns(t *testing.T) {
	f := tempFile(t, "x")
	var store *Store
	store, instance := callerGuest(t,
		func(*Caller) int32 {
			fd, err := store.PushFile(f, READ_ONLY)
			if err != nil {
				t.Error(err)
			}
			return int32(fd)
		},
		func(_ *Caller, fd int32) {
			if err := store.RemoveFile(uint32(fd)); err != nil {
				t.Error(err)
			}
		})
	errno, err := instance.GetFunc(store, "run").Call(store)
	if err != nil || errno != int32(errnoBadf) {
		t.Error(errno, err)
	}
}

func TestCallerInsertErrors(t *testing.T) {
	f := tempFile(t, "x")
	closed := tempFile(t, "")
	closed.Close()
	var kept *Caller
	store, instance := callerGuest(t,
		func(c *Caller) int32 {
			kept = c
			wantTyped(t, c.InsertFile(3, nil, READ_ONLY), ErrBadFile, "nil")
			wantTyped(t, c.InsertFile(3, closed, READ_ONLY), ErrBadFile, "closed")
			wantTyped(t, c.InsertFile(3, f, 0), ErrBadAccessMode, "0")
			wantTyped(t, c.InsertFile(1<<20, f, READ_ONLY), ErrBadFd, "1048576")
			_, err := c.PushFile(nil, READ_ONLY)
			wantTyped(t, err, ErrBadFile, "nil")
			wantTyped(t, c.RemoveFile(3), ErrBadFd, "3")
			fd, err := c.PushFile(f, READ_ONLY)
			if err != nil || fd != 3 {
				t.Error(fd, err)
			}
			return 3
		},
		func(*Caller, int32) {})
	if _, err := instance.GetFunc(store, "run").Call(store); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a caller was used after its host function has returned")
		}
	}()
	_ = kept.InsertFile(4, f, READ_ONLY)
}

// A store without WASI says so to its callers as well.
func TestCallerInsertWithoutWasi(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	f := tempFile(t, "x")
	var err error
	if _, callErr := WrapFunc(store, func(c *Caller) { err = c.InsertFile(3, f, READ_ONLY) }).Call(store); callErr != nil {
		t.Error(callErr)
	}
	wantTyped(t, err, ErrNoWasi, "WASI")
}

// An error of an insertion ends the guest when a host function returns it, and keeps its meaning.
func TestCallerInsertErrorReachesCaller(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
	var none *os.File
	give := NewHostFunc(store, HostFunc0(func(c *Caller) (uint32, error) { return c.PushFile(none, READ_ONLY) }))
	if _, err := give.Call(store); !errors.Is(err, ErrBadFile) {
		t.Errorf("%T %v", err, err)
	}
}
