package wasmtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// describe writes a type down.
func describe(ty *ExternType) string {
	switch {
	case ty.FuncType() != nil:
		return fmt.Sprintf("func %v%v", ty.FuncType().Params(), ty.FuncType().Results())
	case ty.GlobalType() != nil:
		return fmt.Sprint("global ", ty.GlobalType().Content(), " ", ty.GlobalType().Mutable())
	case ty.TableType() != nil:
		has, max := ty.TableType().Maximum()
		return fmt.Sprintf("table %v %d %v%d", ty.TableType().Element(), ty.TableType().Minimum(), has, max)
	case ty.MemoryType() != nil:
		m := ty.MemoryType()
		has, max := m.Maximum()
		return fmt.Sprintf("memory %d %v%d %v%v %d", m.Minimum(), has, max, m.Is64(), m.IsShared(), m.PageSize())
	}
	return "other"
}

var manyExports = `(module
	(func (export "func") (param i32 i64 f32 f64 v128 funcref externref) (result i32 i64) (unreachable))
	(func (export "nothing"))
	(global (export "global") f32 (f32.const 0))
	(global (export "mutable") (mut externref) (ref.null extern))
	(table (export "table") 1 funcref)
	(table (export "table max") 2 5 externref)
	(table (export "table64") i64 3 10 funcref)
	(memory (export "memory") 1)
	(memory (export "memory max") 2 7)
	(memory (export "memory64") i64 1 9)
	(memory (export "bytes") 100 200 (pagesize 1))
	(memory (export "shared") 1 4 shared)
	(tag (export "tag") (param i32))
	(func (export "any") (param anyref (ref null 0)) (result (ref i31)) (unreachable)))`

var manyTypes = []string{
	"func:func [i32 i64 f32 f64 v128 funcref externref][i32 i64]",
	"nothing:func [][]",
	"global:global f32 false",
	"mutable:global externref true",
	"table:table funcref 1 false0",
	"table max:table externref 2 true5",
	"table64:table funcref 3 true10",
	"memory:memory 1 false0 falsefalse 65536",
	"memory max:memory 2 true7 falsefalse 65536",
	"memory64:memory 1 true9 truefalse 65536",
	"bytes:memory 100 true200 falsefalse 1",
	"shared:memory 1 true4 falsetrue 65536",
	"tag:other",
	"any:func [ref funcref][ref]",
}

func everything(cfg *Config) {
	cfg.SetWasmCustomPageSizes(true)
	cfg.SetSharedMemory(true)
	cfg.SetWasmExceptions(true)
	cfg.SetWasmMemory64(true)
}

func TestModuleTypes(t *testing.T) {
	engine := EngineWith(t, everything)
	module := Compile(t, engine, manyExports)
	var got []string
	for _, e := range module.Exports() {
		got = append(got, e.Name()+":"+describe(e.Type()))
		e.Type().Close()
		e.Close()
	}
	if !slices.Equal(got, manyTypes) {
		t.Errorf("exports:\n%q\n%q", got, manyTypes)
	}
	Equal(t, "imports", len(module.Imports()), 0)
	if module.Imports() == nil {
		t.Error("no imports is nil")
	}

	module = Compile(t, engine, `(module
		(import "b" "func" (func (param i32)))
		(import "a" "" (global (mut v128)))
		(import "" "ü" (memory 1 2))
		(import "b" "func" (table 1 externref))
		(import "t" "tag" (tag)))`)
	want := []string{"b.func:func [i32][]", "a.:global v128 true", ".ü:memory 1 true2 falsefalse 65536",
		"b.func:table externref 1 false0", "t.tag:other"}
	got = nil
	for _, i := range module.Imports() {
		got = append(got, i.Module()+"."+*i.Name()+":"+describe(i.Type()))
		i.Close()
	}
	if !slices.Equal(got, want) {
		t.Errorf("imports:\n%q\n%q", got, want)
	}
	if module.Exports() == nil {
		t.Error("no exports is nil")
	}
	imports := module.Imports()
	module.Close()
	Equal(t, "a type outlives its module", *imports[1].Name(), "")
	imports[0] = nil
}

// The list that Imports returns is the caller's to change.
func TestModuleTypesAreCopied(t *testing.T) {
	module := Compile(t, NewEngine(), `(module (import "a" "b" (func)) (func (export "f")))`)
	module.Imports()[0] = nil
	module.Exports()[0] = nil
	Equal(t, "import", module.Imports()[0].Module(), "a")
	Equal(t, "export", module.Exports()[0].Name(), "f")
}

func TestExternOfEveryType(t *testing.T) {
	store, instance := GuestIn(t, EngineWith(t, everything), manyExports)
	var got []string
	for i, e := range instance.Exports(store) {
		name, _, _ := strings.Cut(manyTypes[i], ":")
		got = append(got, name+":"+describe(e.Type(store)))
		e.Close()
	}
	if !slices.Equal(got, manyTypes) {
		t.Errorf("exports:\n%q\n%q", got, manyTypes)
	}
}

func TestFuncType(t *testing.T) {
	params, results := []*ValType{NewValType(KindI32), NewValType(KindV128)}, []*ValType{NewValType(KindExternref)}
	ty := NewFuncType(params, results)
	params[0] = nil
	Equal(t, "params", fmt.Sprint(ty.Params()), "[i32 v128]")
	Equal(t, "results", fmt.Sprint(ty.Results()), "[externref]")
	ty.Params()[0] = nil
	Equal(t, "params are the caller's", ty.Params()[0].Kind(), KindI32)
	ty.Close()
	Equal(t, "after Close", ty.AsExternType().FuncType(), ty)
	empty := NewFuncType(nil, nil)
	if empty.Params() == nil || len(empty.Results()) != 0 {
		t.Error("an empty type")
	}
	e := ty.AsExternType()
	if e.GlobalType() != nil || e.TableType() != nil || e.MemoryType() != nil || e.AsExternType() != e {
		t.Error("a function is something else as well")
	}
	imported, exported := NewImportType("m", "n", ty), NewExportType("n", ty)
	Equal(t, "import", imported.Module()+*imported.Name()+describe(imported.Type()), "mnfunc [i32 v128][externref]")
	Equal(t, "export", exported.Name()+describe(exported.Type()), "nfunc [i32 v128][externref]")
}

func TestValType(t *testing.T) {
	for kind, want := range map[ValKind]string{
		KindI32: "i32", KindI64: "i64", KindF32: "f32", KindF64: "f64", KindV128: "v128",
		KindFuncref: "funcref", KindExternref: "externref",
	} {
		ty := NewValType(kind)
		Equal(t, want, ty.String(), want)
		Equal(t, want, ty.Kind(), kind)
		ty.Close()
	}
	Equal(t, "other", KindOther.String(), "ref")
	WantPanic(t, "String of no kind", "unknown kind", func() { _ = ValKind(77).String() })
	WantPanic(t, "NewValType of no kind", "unknown kind", func() { NewValType(77) })
	WantPanic(t, "NewValType of another kind", "unknown kind", func() { NewValType(KindOther) })
}

func TestGlobalAndTableType(t *testing.T) {
	g := NewGlobalType(NewValType(KindF64), true)
	Equal(t, "global", describe(g.AsExternType()), "global f64 true")
	g.Close()
	table := NewTableType(NewValType(KindFuncref), 1, true, 0xffffffff)
	Equal(t, "table", describe(table.AsExternType()), "table funcref 1 true4294967295")
	table.Close()
	Equal(t, "no maximum", describe(NewTableType(NewValType(KindExternref), 3, false, 9).AsExternType()), "table externref 3 false0")
}

func TestMemoryType(t *testing.T) {
	ty, err := NewMemoryType(1, true, 3, false)
	Check(t, err)
	Equal(t, "32", describe(ty.AsExternType()), "memory 1 true3 falsefalse 65536")
	ty.Close()
	ty, err = NewMemoryType64(1<<20, false, 3, false)
	Check(t, err)
	Equal(t, "64", describe(ty.AsExternType()), "memory 1048576 false0 truefalse 65536")
	ty, err = NewMemoryType(1, true, 1, true)
	Check(t, err)
	Equal(t, "shared", ty.IsShared(), true)
	ty, err = NewMemoryType(1<<16, true, 1<<16, false)
	Check(t, err)
	Equal(t, "largest", ty.Minimum(), 1<<16)
	for name, make := range map[string]func() (*MemoryType, error){
		"min":            func() (*MemoryType, error) { return NewMemoryType(1<<16+1, false, 0, false) },
		"max":            func() (*MemoryType, error) { return NewMemoryType(1, true, 1<<16+1, false) },
		"min 64":         func() (*MemoryType, error) { return NewMemoryType64(1<<48+1, false, 0, false) },
		"max 64":         func() (*MemoryType, error) { return NewMemoryType64(1, true, 1<<48+1, false) },
		"max below min":  func() (*MemoryType, error) { return NewMemoryType(2, true, 1, false) },
		"shared, no max": func() (*MemoryType, error) { return NewMemoryType(2, false, 0, true) },
		"64 below":       func() (*MemoryType, error) { return NewMemoryType64(2, true, 1, false) },
		"64 shared":      func() (*MemoryType, error) { return NewMemoryType64(2, false, 0, true) },
	} {
		ty, err := make()
		if _, ok := err.(*Error); !ok || ty != nil {
			t.Errorf("%s: %v %v", name, ty, err)
		}
	}
}
