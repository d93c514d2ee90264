package wasmtime_test

import (
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestInstanceExports(t *testing.T) {
	store, instance := Guest(t, `(module
		(func (export "z")) (memory (export "m") 1) (func $f (export "a")) (global (export "") i32 (i32.const 1))
		(table (export "t") 1 funcref) (export "again" (func $f)))`)
	exports := instance.Exports(store)
	Equal(t, "number", len(exports), 6)
	for i, is := range []func(e *Extern) bool{
		func(e *Extern) bool {
			return e.Func() != nil && e.Memory() == nil && e.Table() == nil && e.Global() == nil
		},
		func(e *Extern) bool { return e.Memory() != nil && e.Func() == nil },
		func(e *Extern) bool { return e.Func() != nil },
		func(e *Extern) bool { return e.Global() != nil && e.Table() == nil },
		func(e *Extern) bool { return e.Table() != nil && e.Global() == nil },
		func(e *Extern) bool { return e.Func() != nil },
	} {
		if !is(exports[i]) {
			t.Errorf("export %d is something else", i)
		}
	}
	for _, missing := range []string{"zz", "m\x00", "A"} {
		if instance.GetExport(store, missing) != nil || instance.GetFunc(store, missing) != nil || instance.GetMemory(store, missing) != nil {
			t.Errorf("%q is there", missing)
		}
	}
	if instance.GetFunc(store, "m") != nil || instance.GetMemory(store, "z") != nil || instance.GetExport(store, "").Global() == nil {
		t.Error("a kind is mistaken")
	}
	_, empty := Guest(t, `(module)`)
	store2 := NewStore(store.Engine)
	WantPanic(t, "another store", ErrWrongStore.Error(), func() { empty.Exports(store2) })
	if got := Instantiate(t, store2, `(module)`).Exports(store2); got == nil || len(got) != 0 {
		t.Errorf("exports of nothing: %v", got)
	}
}

func TestInstanceImports(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	module := Compile(t, engine, `(module (import "a" "f" (func $f (param i32) (result i32))) (import "a" "g" (global $g i32))
		(func (export "run") (result i32) (call $f (global.get $g))))`)
	f := WrapFunc(store, func(n int32) int32 { return n + 1 })
	g := Must(NewGlobal(store, NewGlobalType(NewValType(KindI32), false), ValI32(7)))
	for name, c := range map[string]struct {
		imports []AsExtern
		text    string
	}{
		"none": {nil, "expected 2 imports, found 0: `a::f`, `a::g`"}, "one": {[]AsExtern{f}, "found 1: `a::g`"},
		"three": {[]AsExtern{f, g, g}, "found 3"}, "nil": {[]AsExtern{f, nil}, "import 1: `a::g`: nil AsExtern"},
		"order": {[]AsExtern{g, f}, "incompatible import type for `a::f`"},
		"type":  {[]AsExtern{WrapFunc(store, func(int64) {}), g}, "types incompatible"},
	} {
		instance, err := NewInstance(store, module, c.imports)
		if instance != nil {
			t.Errorf("%s: an instance", name)
		}
		WantText(t, err, c.text)
	}
	instance, err := NewInstance(store, module, []AsExtern{f, g})
	Check(t, err)
	Equal(t, "run", Call(t, store, instance, "run"), any(int32(8)))
	again := Must(NewInstance(store, Compile(t, engine, `(module (import "" "" (func $f (result i32))) (func (export "f") (result i32) (call $f)))`),
		[]AsExtern{instance.GetExport(store, "run")}))
	Equal(t, "an Extern as import", Call(t, store, again, "f"), any(int32(8)))

	other := NewStore(engine)
	_, err = NewInstance(other, module, []AsExtern{f, g})
	WantIs(t, err, ErrWrongStore)
}

// Many missing imports are named up to a number; for those of WASI, there is another way.
func TestInstanceMissingImports(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	_, err := NewInstance(store, Compile(t, engine, "(module "+strings.Repeat(`(import "m" "f" (func))`, 10)+")"), nil)
	WantText(t, err, "found 0: `m::f`, "+strings.Repeat("`m::f`, ", 6)+"`m::f` and 2 more")
	if strings.Contains(err.Error(), "Linker") {
		t.Errorf("nothing of WASI is missing: %v", err)
	}
	_, err = NewInstance(store, Compile(t, engine, `(module (import "m" "f" (func)) (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))`),
		[]AsExtern{WrapFunc(store, func() {})})
	WantText(t, err, "found 1: `wasi_snapshot_preview1::sched_yield`; WASI 0.1 is defined by Linker.DefineWasi")
	// A start function may close its module and fail all the same.
	module := Compile(t, engine, `(module (import "m" "f" (func $f)) (start $f))`)
	_, err = NewInstance(store, module, []AsExtern{WrapFunc(store, func() *Trap { module.Close(); return NewTrap("so") })})
	WantText(t, err, "so")
}

func TestStartFunction(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	_, err := NewInstance(store, Compile(t, engine, `(module (start $s) (func $s (unreachable)))`), nil)
	trap := WantTrap(t, err, UnreachableCodeReached)
	Equal(t, "frames", len(trap.Frames()), 1)
	_, err = NewLinker(engine).Instantiate(store, Compile(t, engine, `(module (memory 1) (data (i32.const 65536) "x"))`))
	WantTrap(t, err, MemoryOutOfBounds)
	_, err = NewInstance(store, Compile(t, engine, `(module (table 1 funcref) (elem (i32.const 1) func 0) (func))`), nil)
	WantTrap(t, err, TableOutOfBounds)

	value := &struct{}{}
	module := Compile(t, engine, `(module (import "" "" (func $f)) (start $f))`)
	Equal(t, "panic", PanicOf(t, func() {
		NewInstance(store, module, []AsExtern{WrapFunc(store, func() { panic(value) })})
	}), any(value))
	Equal(t, "the store after it", Must(WrapFunc(store, func() int32 { return 5 }).Call(store)), any(int32(5)))
}

// Exports that have no Go type of their own can be passed on.
func TestUnusualExports(t *testing.T) {
	engine := EngineWith(t, everything)
	store := NewStore(engine)
	wat := `(module (memory (export "shared") 1 2 shared) (tag $e (export "tag") (param i32))
		(memory $tiny (export "tiny") 10 20 (pagesize 1)) (table (export "t64") i64 2 funcref)
		(func (export "throw") (param i32) (throw $e (local.get 0)))
		(func (export "store") (param i32 i32) (i32.atomic.store 0 (local.get 0) (local.get 1))))`
	exporter := Instantiate(t, store, wat)
	for range Rounds(100) {
		for _, e := range exporter.Exports(store) {
			if e.Memory() == nil && e.Func() == nil && e.Table() == nil && e.Global() != nil {
				t.Error("a global out of nothing")
			}
			_ = e.Type(store)
		}
		Equal(t, "shared memory is no Memory", exporter.GetMemory(store, "shared"), nil)
	}
	linker := NewLinker(engine)
	Check(t, linker.DefineInstance(store, "e", exporter))
	Check(t, linker.Define(store, "x", "shared", exporter.GetExport(store, "shared")))
	user := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "e" "tag" (tag $e (param i32)))
		(import "e" "throw" (func $throw (param i32))) (import "x" "shared" (memory 1 2 shared))
		(func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
		(func (export "catch") (result i32)
			(block $caught (result i32) (try_table (catch $e $caught) (call $throw (i32.const 33))) (i32.const 0))))`)))
	Call(t, store, exporter, "store", 8, 99)
	Equal(t, "shared", Call(t, store, user, "load", 8), any(int32(99)))
	Equal(t, "caught", Call(t, store, user, "catch"), any(int32(33)))
	_, err := exporter.GetFunc(store, "throw").Call(store, 1)
	if err == nil {
		t.Error("an uncaught exception is no error")
	}
	tiny := exporter.GetMemory(store, "tiny")
	Equal(t, "tiny", tiny.DataSize(store), 10)
	Equal(t, "grown", Must(tiny.Grow(store, 5)), 10)
	Equal(t, "size", tiny.Size(store), 15)
	Equal(t, "page", tiny.Type(store).PageSize(), 1)
	table := exporter.GetExport(store, "t64").Table()
	Equal(t, "table64", Must(table.Grow(store, 3, ValFuncref(nil))), 2)
	Equal(t, "size", table.Size(store), 5)
	if _, err := table.Get(store, 1<<40); err == nil {
		t.Error("an index beyond 32 bits is in bounds")
	}
}

// GetFunc knows functions of any signature, and what is no function.
func TestGetFuncFindsFunctionsOnly(t *testing.T) {
	params := strings.Repeat(" externref", 300)
	store, instance := GuestIn(t, EngineWith(t, func(cfg *Config) {
		cfg.SetWasmThreads(true)
		cfg.SetSharedMemory(true)
	}), `(module
	  (func (export "large") (param`+params+`) (result i32) (i32.const 7))
	  (global (export "global") i32 (i32.const 1))
	  (memory (export "shared") 1 1 shared)
	  (table (export "table") 1 funcref))`)
	large := instance.GetFunc(store, "large")
	Equal(t, "parameters", len(large.Type(store).Params()), 300)
	Equal(t, "results", len(large.Type(store).Results()), 1)
	Equal(t, "result", Call(t, store, instance, "large", make([]any, 300)...).(int32), 7)
	for _, name := range []string{"global", "shared", "table", "nothing", "", "\xff"} {
		if f := instance.GetFunc(store, name); f != nil {
			t.Errorf("%q is a function: %v", name, f.Type(store))
		}
	}
}
