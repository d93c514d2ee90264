package wasmtime_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestLinkerDefinitions(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	Equal(t, "engine", linker.Engine, engine)
	i32 := []*ValType{NewValType(KindI32)}
	Check(t, linker.FuncWrap("h", "wrap", func(n int32) int32 { return n + 1 }))
	Check(t, linker.FuncNew("h", "new", NewFuncType(i32, i32), func(c *Caller, args []Val) ([]Val, *Trap) {
		return []Val{ValI32(args[0].I32() * 2)}, nil
	}))
	Check(t, linker.DefineHost("h", "host", HostFunc1(func(c *Caller, n int32) (int32, error) { return n - 3, nil })))
	Check(t, linker.DefineFunc(store, "h", "func", func(n int32) int32 { return -n }))
	Check(t, linker.Define(store, "", "", Must(NewGlobal(store, NewGlobalType(NewValType(KindI32), false), ValI32(100)))))
	module := Compile(t, engine, `(module
		(import "h" "wrap" (func $a (param i32) (result i32))) (import "h" "new" (func $b (param i32) (result i32)))
		(import "h" "host" (func $c (param i32) (result i32))) (import "h" "func" (func $d (param i32) (result i32)))
		(import "" "" (global $g i32))
		(func (export "f") (param i32) (result i32)
			(i32.add (global.get $g) (call $d (call $c (call $b (call $a (local.get 0))))))))`)
	instance, err := linker.Instantiate(store, module)
	Check(t, err)
	Equal(t, "f(5)", Call(t, store, instance, "f", 5), any(int32(100-((5+1)*2-3))))
	// What was defined for one store serves no other.
	if _, err := linker.Instantiate(NewStore(engine), module); err == nil {
		t.Error("an item of another store was imported")
	}
}

func TestLinkerShadowing(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	give := func(n int32) func() int32 { return func() int32 { return n } }
	module := Compile(t, engine, `(module (import "m" "n" (func $f (result i32))) (func (export "n") (result i32) (call $f)))`)
	now := func() any { return Call(t, store, Must(linker.Instantiate(store, module)), "n") }
	Check(t, linker.FuncWrap("m", "n", give(1)))
	instance := Must(linker.Instantiate(store, module))
	again := map[string]func() error{
		"FuncWrap": func() error { return linker.FuncWrap("m", "n", give(2)) },
		"FuncNew":  func() error { return linker.FuncNew("m", "n", NewFuncType(nil, nil), nil) },
		"DefineHost": func() error {
			return linker.DefineHost("m", "n", HostFunc0(func(*Caller) (None, error) { return None{}, nil }))
		},
		"DefineFunc": func() error { return linker.DefineFunc(store, "m", "n", give(3)) },
		"Define":     func() error { return linker.Define(store, "m", "n", WrapFunc(store, give(3))) },
		"instance":   func() error { return linker.DefineInstance(store, "m", instance) },
		"module":     func() error { return linker.DefineModule(store, "m", module) },
	}
	for name, define := range again {
		t.Run(name, func(t *testing.T) { WantText(t, define(), "import of `m::n` defined twice") })
	}
	Equal(t, "the first", now(), any(int32(1)))
	linker.AllowShadowing(true)
	Check(t, linker.FuncWrap("m", "n", give(4)))
	Equal(t, "the last", now(), any(int32(4)))
	linker.AllowShadowing(false)
	WantText(t, linker.FuncWrap("m", "n", give(5)), "defined twice")
	Equal(t, "still the last", now(), any(int32(4)))
	Equal(t, "an instance keeps what it got", Call(t, store, instance, "n"), any(int32(1)))
}

func TestLinkerUnknownImports(t *testing.T) {
	engine := NewEngine()
	wat := `(module (import "a" "b" (func $f (param i32) (result i32)))
		(import "a" "many" (func $m (result i32 i64 f32 f64 externref funcref)))
		(func $named (export "f") (result i32) (call $f (i32.const 1)))
		(func (export "m") (result i32 i64 f32 f64 externref funcref) (call $m)))`
	module := Compile(t, engine, wat)
	t.Run("missing", func(t *testing.T) {
		_, err := NewLinker(engine).Instantiate(NewStore(engine), module)
		all := "unknown import: `a::b` has not been defined\n\nThese imports of the module have not been defined:\n" +
			"    `a::b` (func (param i32) (result i32))\n    `a::many` (func (result i32 i64 f32 f64 externref funcref))"
		Equal(t, "Instantiate", err.Error(), all)
		_, err = NewLinker(engine).InstantiatePre(module)
		Equal(t, "InstantiatePre", err.Error(), all)
		Equal(t, "DefineModule", NewLinker(engine).DefineModule(NewStore(engine), "m", module).Error(), all)
		linker := NewLinker(engine)
		Check(t, linker.FuncWrap("a", "b", func(int32) int32 { return 0 }))
		Equal(t, "one of them", ErrorOf(linker.Instantiate(NewStore(engine), module)).Error(),
			"unknown import: `a::many` has not been defined; its type is (func (result i32 i64 f32 f64 externref funcref))")
		Check(t, linker.FuncWrap("a", "many", func() {})) // nothing of that name has stayed behind
	})
	t.Run("of every kind", func(t *testing.T) {
		module := Compile(t, engine, `(module
			(import "m" "0" (func $f (param i32))) (import "m" "0" (func (param i32))) (import "m" "1" (memory 1 2))
			(import "m" "2" (memory i64 1)) (import "m" "3" (memory 1 2 shared)) (import "m" "4" (global i32))
			(import "m" "5" (global (mut externref))) (import "m" "6" (table 1 funcref)) (import "m" "7" (table 1 2 externref))
			(import "m" "8" (tag)) (import "wasi_snapshot_preview1" "fd_write" (func)) (import "m" "10" (func)) (import "m" "11" (func)))`)
		store, other, linker := NewStore(engine), NewStore(engine), NewLinker(engine)
		Check(t, linker.Define(other, "m", "4", Must(NewGlobal(other, NewGlobalType(NewValType(KindI32), false), ValI32(1)))))
		_, err := linker.InstantiatePre(module)
		Equal(t, "the error", err.Error(), `unknown import: `+"`m::0`"+` has not been defined

These imports of the module have not been defined:
    `+"`m::0` (func (param i32))"+`
    `+"`m::1` (memory 1 2)"+`
    `+"`m::2` (memory i64 1)"+`
    `+"`m::3` (memory 1 2 shared)"+`
    `+"`m::5` (global (mut externref))"+`
    `+"`m::6` (table 1 funcref)"+`
    `+"`m::7` (table 1 2 externref)"+`
    `+"`m::8` (tag)"+`
    `+"`wasi_snapshot_preview1::fd_write` (func)"+`
    `+"`m::10` (func)"+`
    and more
WASI 0.1 is defined by Linker.DefineWasi`)
		WantText(t, ErrorOf(linker.Instantiate(store, module)), "These imports of the module")
	})
	t.Run("of a hostile module", func(t *testing.T) {
		var imports strings.Builder
		fmt.Fprintf(&imports, `(import "a\0ab" "%s" (func))`, strings.Repeat("ä", 5000))
		for i := range 50_000 {
			fmt.Fprintf(&imports, `(import "m" "%d" (func))`, i)
		}
		linker := NewLinker(engine)
		text := ErrorOf(linker.InstantiatePre(Compile(t, engine, `(module `+imports.String()+`)`))).Error()
		_, list, _ := strings.Cut(text, "\n\n")
		lines := strings.Split(list, "\n")
		if len(lines) != 12 || lines[1] != "    `a\ufffdb::"+strings.Repeat("ä", 50)+"…` (func)" || lines[11] != "    and more" {
			t.Errorf("%.2000s", list)
		}
	})
	t.Run("of WASI", func(t *testing.T) {
		linker, store := NewLinker(engine), NewStore(engine)
		module := Compile(t, engine, `(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))`)
		unknown := "unknown import: `wasi_snapshot_preview1::fd_write` has not been defined; " +
			"its type is (func (param i32 i32 i32 i32) (result i32)); WASI 0.1 is defined by Linker.DefineWasi"
		WantText(t, ErrorOf(linker.Instantiate(store, module)), unknown)
		WantText(t, ErrorOf(linker.InstantiatePre(module)), unknown)
		WantText(t, linker.DefineModule(store, "m", module), unknown)
		Check(t, linker.DefineWasi())
		Check(t, ErrorOf(linker.Instantiate(store, module)))
		wrong := Compile(t, engine, `(module (import "wasi_snapshot_preview1" "fd_wrote" (func)))`)
		WantText(t, ErrorOf(linker.Instantiate(store, wrong)), "fd_wrote` has not been defined; its type is (func); WASI 0.1 has no such function")
	})
	t.Run("another type", func(t *testing.T) {
		linker := NewLinker(engine)
		Check(t, linker.FuncWrap("a", "b", func() {}))
		Check(t, linker.DefineUnknownImportsAsTraps(module))
		_, err := linker.Instantiate(NewStore(engine), module)
		WantText(t, err, "incompatible import type for `a::b`")
	})
	t.Run("traps", func(t *testing.T) {
		linker, store := NewLinker(engine), NewStore(engine)
		Check(t, linker.DefineUnknownImportsAsTraps(module))
		Check(t, linker.DefineUnknownImportsAsTraps(Compile(t, engine, `(module)`)))
		instance := Must(linker.Instantiate(store, module))
		_, err := instance.GetFunc(store, "f").Call(store)
		WantText(t, err, "unknown import: `a::b` has not been defined")
		_, err = instance.GetFunc(store, "f").Call(store)
		WantText(t, err, "unknown import")
	})
	t.Run("defaults", func(t *testing.T) {
		linker, store := NewLinker(engine), NewStore(engine)
		Check(t, linker.FuncWrap("a", "b", func(n int32) int32 { return n + 41 }))
		Check(t, linker.DefineUnknownImportsAsDefaultValues(store, module))
		instance := Must(linker.Instantiate(store, module))
		Equal(t, "what was defined", Call(t, store, instance, "f"), any(int32(42)))
		want := []Val{ValI32(0), ValI64(0), ValF32(0), ValF64(0), ValExternref(nil), ValFuncref(nil)}
		if got := Call(t, store, instance, "m").([]Val); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("default items", func(t *testing.T) {
		linker, store := NewLinker(engine), NewStore(engine)
		module := Compile(t, engine, `(module (global (export "g") (import "x" "g") i64) (memory (export "m") (import "x" "m") 1)
			(table (export "t") (import "x" "t") 2 funcref))`)
		Check(t, linker.DefineUnknownImportsAsDefaultValues(store, module))
		instance := Must(linker.Instantiate(store, module))
		Equal(t, "global", instance.GetExport(store, "g").Global().Get(store), ValI64(0))
		Equal(t, "memory", instance.GetMemory(store, "m").Size(store), 1)
		Equal(t, "table", instance.GetExport(store, "t").Table().Size(store), 2)
	})
}

func TestLinkerDefineModule(t *testing.T) {
	engine := NewEngine()
	count := func(kind string) []any {
		linker, store := NewLinker(engine), NewStore(engine)
		var inits int32
		Check(t, linker.FuncWrap("host", "init", func() { inits++ }))
		start := `(func (export "_initialize") (call $init))`
		if kind == "command" {
			start = `(func (export "_start") (call $init))`
		}
		Check(t, linker.DefineModule(store, "counter", Compile(t, engine, `(module (import "host" "init" (func $init))
			(global $n (mut i32) (i32.const 0))
			(func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
			`+start+`)`)))
		user := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "counter" "next" (func $next (result i32)))
			(func (export "run") (result i32) (drop (call $next)) (call $next)))`)))
		result := Call(t, store, user, "run")
		run, err := linker.GetDefault(store, "counter")
		Check(t, err)
		Must(run.Call(store))
		return []any{result, inits}
	}
	if got := count("reactor"); !slices.Equal(got, []any{int32(2), int32(1)}) {
		t.Errorf("a reactor is one instance: %v", got)
	}
	if got := count("command"); !slices.Equal(got, []any{int32(1), int32(1)}) {
		t.Errorf("a command is an instance a call: %v", got)
	}
	linker, store := NewLinker(engine), NewStore(engine)
	WantText(t, linker.DefineModule(store, "m", Compile(t, engine, `(module (import "x" "y" (func)))`)), "x::y")
	if err := linker.DefineModule(store, "r", Compile(t, engine, `(module (func (export "_initialize") (unreachable)))`)); err == nil {
		t.Error("an _initialize that traps is no error")
	}
}

func TestLinkerGet(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	if linker.Get(store, "m", "missing") != nil || linker.Get(store, "", "") != nil {
		t.Error("what is missing is there")
	}
	Check(t, linker.FuncWrap("m", "f", func() int32 { return 4 }))
	f := linker.Get(store, "m", "f")
	if f == nil || f.Func() == nil || f.Memory() != nil || f.Table() != nil || f.Global() != nil {
		t.Fatalf("%+v", f)
	}
	Equal(t, "call", Must(f.Func().Call(store)), any(int32(4)))
	memory := Must(NewMemory(store, Must(NewMemoryType(1, true, 2, false))))
	Check(t, linker.Define(store, "m", "memory", memory))
	Equal(t, "memory", linker.Get(store, "m", "memory").Memory().Size(store), 1)

	nothing, err := linker.GetDefault(store, "missing")
	Check(t, err)
	Equal(t, "the default of nothing", Must(nothing.Call(store)), nil)
	Equal(t, "its type", len(nothing.Type(store).Params())+len(nothing.Type(store).Results()), 0)
	Check(t, linker.FuncWrap("named", "", func() int32 { return 6 }))
	Equal(t, "default", Must(Must(linker.GetDefault(store, "named")).Call(store)), any(int32(6)))
	Check(t, linker.FuncWrap("start", "_start", func() int32 { return 7 }))
	Equal(t, "_start", Must(Must(linker.GetDefault(store, "start")).Call(store)), any(int32(7)))
	Check(t, linker.Define(store, "memory", "", memory))
	_, err = linker.GetDefault(store, "memory")
	WantText(t, err, "not a function")
}

// An item of another store of the same engine must never be usable as one of this store.
func TestLinkerGetOfAnotherStore(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	linker, store, other := NewLinker(engine), NewStore(engine), NewStore(engine)
	Must(NewMemory(other, Must(NewMemoryType(1, false, 0, false))))
	Check(t, linker.Define(store, "m", "memory", Must(NewMemory(store, Must(NewMemoryType(1, false, 0, false))))))
	Check(t, linker.Define(store, "m", "f", WrapFunc(store, func() int32 { return 1 })))
	Check(t, linker.Define(store, "m", "", WrapFunc(store, func() int32 { return 1 })))
	Check(t, linker.Define(store, "m", "t", Must(NewTable(store, NewTableType(NewValType(KindFuncref), 1, false, 0), ValFuncref(nil)))))
	refused := func(name string, use func() error) {
		t.Helper()
		defer func() { recover() }() // a panic is as clear as an error
		if err := use(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if e := linker.Get(other, "m", "memory"); e != nil {
		refused("memory", func() error { e.Memory().Size(other); return nil })
		refused("data", func() error { e.Memory().UnsafeData(other); return nil })
		refused("grow", func() error { return ErrorOf(e.Memory().Grow(other, 1)) })
	}
	if e := linker.Get(other, "m", "f"); e != nil {
		refused("call", func() error { return ErrorOf(e.Func().Call(other)) })
		refused("type", func() error { e.Func().Type(other); return nil })
	}
	if e := linker.Get(other, "m", "t"); e != nil {
		refused("size", func() error { e.Table().Size(other); return nil })
		refused("get", func() error { return ErrorOf(e.Table().Get(other, 0)) })
	}
	refused("default", func() error {
		f, err := linker.GetDefault(other, "m")
		if err != nil {
			return err
		}
		return ErrorOf(f.Call(other))
	})
}

func TestLinkerManyStores(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("h", "data", func(c *Caller) int32 { return c.Data().(int32) }))
	module := Compile(t, engine, `(module (import "h" "data" (func $d (result i32))) (func (export "f") (result i32) (call $d)))`)
	pre := Must(linker.InstantiatePre(module))
	var wg sync.WaitGroup
	for i := range int32(20) {
		wg.Go(func() {
			store := NewStoreWithData(engine, i)
			defer store.Close()
			instance, err := linker.Instantiate(store, module)
			if i%2 == 0 {
				instance, err = pre.Instantiate(store)
			}
			Check(t, err)
			Equal(t, "data", Call(t, store, instance, "f"), any(i))
		})
	}
	wg.Wait()
}

func TestLinkerDefineInstance(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	instance := Instantiate(t, store, `(module (memory (export "m") 3) (func (export "f") (result i32) (i32.const 8)))`)
	Check(t, linker.DefineInstance(store, "i", instance))
	user := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "i" "m" (memory 1)) (import "i" "f" (func $f (result i32)))
		(func (export "run") (result i32) (i32.add (call $f) (memory.size))))`)))
	Equal(t, "run", Call(t, store, user, "run"), any(int32(11)))
	WantIs(t, linker.DefineInstance(NewStore(engine), "j", instance), ErrWrongStore)
	WantIs(t, linker.Define(NewStore(engine), "j", "f", instance.GetFunc(store, "f")), ErrWrongStore)
}

func TestLinkerClose(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	Check(t, linker.FuncWrap("h", "f", func() int32 { return 12 }))
	module := Compile(t, engine, `(module (import "h" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))`)
	pre := Must(linker.InstantiatePre(module))
	instance := Must(linker.Instantiate(store, module))
	linker.Close()
	linker.Close()
	Equal(t, "an instance", Call(t, store, instance, "f"), any(int32(12)))
	Equal(t, "a prepared one", Call(t, store, Must(pre.Instantiate(store)), "f"), any(int32(12)))
	pre.Close()
	pre.Close()
	WantTyped(t, ErrorOf(linker.Instantiate(store, module)), ErrClosed, "the linker")
	WantTyped(t, ErrorOf(pre.Instantiate(store)), ErrClosed, "the prepared instance")
}

// What an instantiation uses may be closed by the start function that it runs.
func TestCloseDuringInstantiation(t *testing.T) {
	for range 20 {
		engine := NewEngine()
		linker, store := NewLinker(engine), NewStore(engine)
		var module *Module
		var pre *InstancePre
		Check(t, linker.FuncWrap("h", "f", func() {
			module.Close()
			linker.Close()
			if pre != nil {
				pre.Close()
			}
			engine.Close()
		}))
		module = Compile(t, engine, `(module (import "h" "f" (func $f)) (start $s) (func $s (call $f)) (func (export "g") (result i32) (i32.const 3)))`)
		p := Must(linker.InstantiatePre(module))
		pre = p
		Equal(t, "pre", Call(t, store, Must(p.Instantiate(store)), "g"), any(int32(3)))
	}
	for range 20 {
		engine := NewEngine()
		linker, store := NewLinker(engine), NewStore(engine)
		var module *Module
		Check(t, linker.FuncWrap("h", "f", func() { module.Close(); linker.Close(); engine.Close() }))
		module = Compile(t, engine, `(module (import "h" "f" (func $f)) (start $s) (func $s (call $f)) (func (export "g") (result i32) (i32.const 3)))`)
		Equal(t, "linker", Call(t, store, Must(linker.Instantiate(store, module)), "g"), any(int32(3)))
	}
}

// Names are any UTF-8, the empty name included; others are an error and no crash.
func TestLinkerNames(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	for _, name := range []string{"", "ü", "a\x00b", "\n"} {
		Check(t, linker.FuncWrap(name, name, func() int32 { return 1 }))
		if linker.Get(store, name, name) == nil {
			t.Errorf("%q is not there", name)
		}
	}
	bad := "\xff\xfe"
	instance := Instantiate(t, store, `(module (func (export "f")))`)
	for what, err := range map[string]error{
		"FuncWrap": linker.FuncWrap(bad, bad, func() {}),
		"Define":   linker.Define(store, bad, bad, WrapFunc(store, func() {})),
		"instance": linker.DefineInstance(store, bad, instance),
		"module":   linker.DefineModule(store, bad, Compile(t, engine, `(module (func (export "f")))`)),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	if linker.Get(store, bad, bad) != nil || instance.GetExport(store, bad) != nil {
		t.Error("a name that is no text was found")
	}
	if _, err := linker.GetDefault(store, bad); err == nil {
		t.Error("GetDefault accepts a name that is no text")
	}
}

// Goroutines may define and use at once: each gets what was there when it began.
func TestLinkerInManyGoroutines(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("m", "first", func() int32 { return 1 }))
	module := Compile(t, engine, `(module (import "m" "first" (func $f (result i32))) (func (export "f") (result i32) (call $f)))`)
	reactor := Compile(t, engine, `(module (import "m" "first" (func $f (result i32)))
		(func (export "_initialize") (drop (call $f))) (func (export "f") (result i32) (call $f)))`)
	unknown := Compile(t, engine, `(module (import "u" "u" (func)))`)
	goroutines, rounds := 8, Rounds(60)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			store := NewStore(engine)
			for i := range rounds {
				name := fmt.Sprint(g, ".", i)
				for what, err := range map[string]error{
					"FuncWrap": linker.FuncWrap(name, "wrap", func() int32 { return int32(i) }),
					"Define":   linker.Define(store, name, "own", WrapFunc(store, func() {})),
					"module":   linker.DefineModule(store, name+"m", reactor),
					"pre":      ErrorOf(linker.InstantiatePre(module)),
				} {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				linker.DefineUnknownImportsAsTraps(unknown)
				linker.AllowShadowing(true)
				instance, err := linker.Instantiate(store, module)
				if err != nil {
					t.Error(err)
					return
				}
				Equal(t, "f", Must(instance.GetFunc(store, "f").Call(store)), any(int32(1)))
				Equal(t, "wrap", Must(linker.Get(store, name, "wrap").Func().Call(store)), any(int32(i)))
				Equal(t, "default", ErrorOf(linker.GetDefault(store, name+"m")), nil)
			}
		})
	}
	all.Wait()
	store := NewStore(engine)
	for g := range goroutines {
		for i := range rounds {
			if linker.Get(store, fmt.Sprint(g, ".", i), "wrap") == nil {
				t.Fatalf("a definition of goroutine %d was lost", g)
			}
		}
	}
}

// While a start function runs, its host functions and other goroutines define things in the linker that it came from.
func TestLinkerDefinedInWhileItInstantiates(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	start := `(module (import "m" "go" (func $go)) (func $start (export "f") (call $go)) %s)`
	for name, c := range map[string]struct {
		wat string
		use func(*Linker, *Store, *Module) error
	}{
		"Instantiate":  {`(start $start)`, func(l *Linker, s *Store, m *Module) error { return ErrorOf(l.Instantiate(s, m)) }},
		"DefineModule": {`(start $start)`, func(l *Linker, s *Store, m *Module) error { return l.DefineModule(s, "r", m) }},
		"_initialize":  {`(export "_initialize" (func $start))`, func(l *Linker, s *Store, m *Module) error { return l.DefineModule(s, "r", m) }},
	} {
		t.Run(name, func(t *testing.T) {
			linker, store := NewLinker(engine), NewStore(engine)
			defer linker.Close()
			calls := 0
			Check(t, linker.FuncWrap("m", "go", func(caller *Caller) {
				calls++
				other := make(chan error)
				go func() { other <- linker.FuncWrap("by", "another", func() int32 { return 2 }) }()
				Check(t, <-other)
				Check(t, linker.FuncWrap("by", "itself", func() int32 { return 3 }))
				Check(t, linker.Define(caller, "of", "store", WrapFunc(caller, func() {})))
				linker.AllowShadowing(true)
				Check(t, linker.FuncWrap("by", "itself", func() int32 { return 4 }))
				Equal(t, "inside", Must(linker.Get(caller, "by", "another").Func().Call(caller)), any(int32(2)))
			}))
			Check(t, c.use(linker, store, Compile(t, engine, fmt.Sprintf(start, c.wat))))
			Equal(t, "calls", calls, 1)
			Equal(t, "itself", Must(linker.Get(store, "by", "itself").Func().Call(store)), any(int32(4)))
			Equal(t, "another", Must(linker.Get(store, "by", "another").Func().Call(store)), any(int32(2)))
			if name != "Instantiate" && linker.Get(store, "r", "f") == nil {
				t.Error("the module's exports are not defined")
			}
		})
	}
}
