package testkit

import (
	"errors"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// RunModule runs a WASI program in a store of its own to its end, and returns that; prepare gives it files, if it is
// not nil.
func RunModule(t testing.TB, engine *wasmtime.Engine, module *wasmtime.Module, config *wasmtime.WasiConfig,
	prepare func(*wasmtime.Store)) error {
	t.Helper()
	linker := wasmtime.NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(config)
	if prepare != nil {
		prepare(store)
	}
	instance, err := linker.Instantiate(store, module)
	Check(t, err)
	_, err = instance.GetFunc(store, "_start").Call(store)
	return err
}

// ExitStatus is the status of a program's end: none for a return from _start, which means the same as 0. All that the
// program has written has to be written.
func ExitStatus(t testing.TB, err error) int32 {
	t.Helper()
	if err == nil {
		return 0
	}
	var exit *wasmtime.ExitError
	if !errors.As(err, &exit) || errors.Is(err, wasmtime.ErrUnwritten) {
		t.Fatalf("the program ended with %T %v", err, err)
	}
	return exit.Status
}

// GoGuest is the guest that package guests has in Go, in an engine that GuestEngine has made.
func GoGuest(t testing.TB, engine *wasmtime.Engine, name string) *wasmtime.Module {
	t.Helper()
	wasm, err := guests.Go(name)
	Check(t, err)
	module, err := wasmtime.NewModule(engine, wasm)
	Check(t, err)
	t.Cleanup(module.Close)
	return module
}

// GuestEngine makes an engine for Go programs: with room for their stack, and quick to compile them.
func GuestEngine(t testing.TB) *wasmtime.Engine {
	engine := EngineWith(t, func(c *wasmtime.Config) { c.SetMaxWasmStack(8 << 20) }, CompilesQuickly)
	t.Cleanup(engine.Close)
	return engine
}

// callerGuestWat is the guest of CallerGuest.
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

// CallerGuest makes a guest whose function "run" asks give for a descriptor, reads up to 100 bytes of it to address 64
// of its memory, tells take, and returns the error number of another read; -1 if the first one failed.
func CallerGuest(t testing.TB, give func(*wasmtime.Caller) int32, take func(*wasmtime.Caller, int32)) (*wasmtime.Store,
	*wasmtime.Instance) {
	t.Helper()
	engine := wasmtime.NewEngine()
	t.Cleanup(engine.Close)
	wasm, err := wasmtime.Wat2Wasm(callerGuestWat)
	if err != nil {
		t.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	linker := wasmtime.NewLinker(engine)
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
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	store.SetWasi(wasmtime.NewWasiConfig())
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		t.Fatal(err)
	}
	return store, instance
}
