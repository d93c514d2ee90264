package ffi_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/ffi"
)

func TestErrors(t *testing.T) {
	for _, text := range []string{"(module", "(ünïcode)", "(" + strings.Repeat("long", 1000) + ")"} {
		_, err := ffi.Wat2Wasm(text)
		if err.IsNil() {
			t.Fatalf("%q is a module", text)
		}
		record := err.Take()
		if !strings.Contains(record.Message(), "<anon>:1:") || record.Code != ffi.ErrorOther {
			t.Errorf("%q: %q, code %d", text, record.Message(), record.Code)
		}
		if record.ExitStatus != nil {
			t.Errorf("exit status %d", *record.ExitStatus)
		}
	}
	if !(ffi.Error{}).IsNil() || !(ffi.Trap{}).IsNil() || !(ffi.Store{}).IsNil() || !(ffi.Config{}).IsNil() {
		t.Error("a zero handle is something")
	}
}

func TestTraps(t *testing.T) {
	trap := ffi.NewTrap("a\x00b")
	record := trap.Take()
	if record.TrapCode != nil || record.Message() != "a\x00b" || len(record.Frames) != 0 {
		t.Errorf("%q, %v", record.Message(), record)
	}
	// What is made of a record says the same.
	again, err := record.Trap(newStore(t))
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	if text := again.Take().Message(); text != "a\x00b" {
		t.Errorf("made anew: %q", text)
	}
}

// What the native library takes over is no longer counted, and what is deleted neither.
func TestLive(t *testing.T) {
	before := ffi.Live()
	config := ffi.NewConfig()
	engine, err := ffi.NewEngine(config)
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	wasm, err := ffi.Wat2Wasm(`(module (func (export "f") (result i64) (i64.const 7)) (func (export "trap") (unreachable)))`)
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	module, err := ffi.NewModule(engine, wasm)
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	linker := ffi.NewLinker(engine)
	pre, err := linker.InstantiatePre(module)
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	refused := ffi.NewConfig()
	refused.SetMaxWasmStack(0)
	_, failed := ffi.NewEngine(refused)
	if failed.IsNil() {
		t.Fatal("a stack of 0 bytes is accepted")
	}
	if during := ffi.Live(); during != nil {
		for kind, n := range map[string]int{"config": 0, "engine": 1, "module": 1, "linker": 1, "instance pre": 1, "error": 1} {
			if during[kind]-before[kind] != n {
				t.Errorf("%d %s, want %d", during[kind]-before[kind], kind, n)
			}
		}
	}
	failed.Delete()
	pre.Delete()
	linker.Delete()
	module.Delete()
	engine.Delete()
	after := ffi.Live()
	maps.DeleteFunc(after, func(kind string, n int) bool { return n == before[kind] })
	if len(after) != 0 {
		t.Errorf("left: %v", after)
	}
}

func TestModuleBytes(t *testing.T) {
	engine, _ := ffi.NewEngine(ffi.Config{})
	defer engine.Delete()
	for _, wasm := range [][]byte{nil, {}, []byte("\x00asm"), slices.Repeat([]byte{0xff}, math.MaxInt16)} {
		if _, err := ffi.NewModule(engine, wasm); err.IsNil() {
			t.Errorf("%d bytes of nothing are a module", len(wasm))
		} else {
			err.Delete()
		}
		if err := ffi.ValidateModule(engine, wasm); err.IsNil() {
			t.Errorf("%d bytes of nothing are valid", len(wasm))
		} else {
			err.Delete()
		}
		if _, err := ffi.DeserializeModule(engine, wasm); err.IsNil() {
			t.Errorf("%d bytes of nothing are a compiled module", len(wasm))
		} else {
			err.Delete()
		}
	}
}

// newStore makes a store that is deleted with the test.
func newStore(t *testing.T) ffi.Store {
	t.Helper()
	engine, err := ffi.NewEngine(ffi.NewConfig())
	if !err.IsNil() {
		t.Fatal(err.Take().Message())
	}
	t.Cleanup(engine.Delete)
	store := ffi.NewStore()
	t.Cleanup(store.Delete)
	store.Open(engine, 0, false, &ffi.NewCounters(1)[0])
	t.Cleanup(store.Close)
	if err := store.Make(); !err.IsNil() || !store.IsMade() {
		t.Fatal(err.Take().Message())
	}
	return store
}
