package wasmtime_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestVal(t *testing.T) {
	store := NewStore(NewEngine())
	f := WrapFunc(store, func() {})
	vector := V128{1, 15: 2}
	vals := map[string]struct {
		val  Val
		kind ValKind
		get  any
	}{
		"an i32":       {ValI32(-3), KindI32, int32(-3)},
		"an i64":       {ValI64(1 << 60), KindI64, int64(1 << 60)},
		"an f32":       {ValF32(1.5), KindF32, float32(1.5)},
		"an f64":       {ValF64(2.5), KindF64, 2.5},
		"a v128":       {ValV128(vector), KindV128, vector},
		"a funcref":    {ValFuncref(f), KindFuncref, f},
		"an externref": {ValExternref("x"), KindExternref, "x"},
	}
	accessors := map[string]func(Val) any{
		"an i32": func(v Val) any { return v.I32() }, "an i64": func(v Val) any { return v.I64() },
		"an f32": func(v Val) any { return v.F32() }, "an f64": func(v Val) any { return v.F64() },
		"a v128": func(v Val) any { return v.V128() }, "a funcref": func(v Val) any { return v.Funcref() },
		"an externref": func(v Val) any { return v.Externref() },
	}
	for name, c := range vals {
		Equal(t, name, c.val.Kind(), c.kind)
		Equal(t, name, c.val.Get(), c.get)
		for other, access := range accessors {
			if other == name {
				Equal(t, name, access(c.val), c.get)
			} else {
				Equal(t, other, PanicOf(t, func() { access(c.val) }), any("not "+other))
			}
		}
	}
	Equal(t, "null funcref", ValFuncref(nil).Funcref(), nil)
	Equal(t, "null externref", ValExternref(nil).Externref(), nil)
	Equal(t, "comparable", ValI32(1) == ValI32(1) && ValI32(1) != ValI64(1), true)
	Equal(t, "zero", Val{}.Get(), nil)
}

// A Val without a value is an error wherever it is used.
func TestZeroVal(t *testing.T) {
	store, instance := Guest(t, echoWat)
	none := Val{}
	Equal(t, "null", none.IsNull(), false)
	i32 := NewValType(KindI32)
	global := Must(NewGlobal(store, NewGlobalType(i32, true), ValI32(1)))
	table := Must(NewTable(store, NewTableType(NewValType(KindExternref), 1, false, 0), ValExternref(nil)))
	for name, err := range map[string]error{
		"i32":       ErrorOf(instance.GetFunc(store, "i32").Call(store, none)),
		"i64":       ErrorOf(instance.GetFunc(store, "i64").Call(store, none)),
		"externref": ErrorOf(instance.GetFunc(store, "externref").Call(store, none)),
		"funcref":   ErrorOf(instance.GetFunc(store, "funcref").Call(store, none)),
		"Set":       global.Set(store, none),
		"NewGlobal": ErrorOf(NewGlobal(store, NewGlobalType(i32, true), none)),
		"table":     table.Set(store, 0, none),
		"Grow":      ErrorOf(table.Grow(store, 1, none)),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
		WantText(t, err, "a Val without a value")
	}
	for _, f := range []*Func{
		NewFunc(store, NewFuncType(nil, []*ValType{i32}), func(*Caller, []Val) ([]Val, *Trap) { return []Val{none}, nil }),
		NewFunc(store, NewFuncType(nil, []*ValType{i32, NewValType(KindExternref)}), func(*Caller, []Val) ([]Val, *Trap) {
			return []Val{none, ValExternref(nil)}, nil
		}),
	} {
		WantPanic(t, "a result", "callback produced wrong type of result", func() { f.Call(store) })
	}
	Equal(t, "afterwards", Call(t, store, instance, "i32", 1), any(int32(1)))
}

// otherWat is a guest with references that Go cannot hold.
const otherWat = `(module (type $s (struct (field i32))) (type $f (func))
	(import "h" "any" (func $any (param anyref))) (import "h" "extern" (func $extern (param externref)))
	(import "h" "wrap" (func $wrap (param externref) (result externref)))
	(table (export "t") 1 anyref (ref.i31 (i32.const 1))) (table (export "te") 1 externref (extern.convert_any (ref.i31 (i32.const 1))))
	(global $g (export "g") (mut anyref) (struct.new $s (i32.const 7))) (global (export "i31") (mut i31ref) (ref.i31 (i32.const 3)))
	(global (export "e") (mut externref) (extern.convert_any (ref.i31 (i32.const 1))))
	(global (export "typed") (mut (ref null $s)) (struct.new $s (i32.const 7)))
	(global (export "typedfunc") (mut (ref null $f)) (ref.null $f))
	(func (export "get") (result anyref) (global.get $g)) (func (export "gets") (result i32 anyref) (i32.const 1) (global.get $g))
	(func (export "eq") (result eqref) (ref.i31 (i32.const 1))) (func (export "array") (param arrayref))
	(func (export "put") (param anyref)) (func (export "put i31") (param (ref i31)))
	(func (export "extern") (result externref) (extern.convert_any (global.get $g)))
	(func (export "typed f") (param (ref $s)) (result (ref null $s)) (local.get 0))
	(func (export "typed function") (param (ref null $f)))
	(func (export "funcref") (param funcref))
	(func (export "call any") (call $any (ref.i31 (i32.const 1))))
	(func (export "call extern") (call $extern (extern.convert_any (ref.i31 (i32.const 1)))))
	(func (export "call wrap") (drop (call $wrap (extern.convert_any (ref.i31 (i32.const 1))))))
	(func (export "field") (result i32) (struct.get $s 0 (ref.cast (ref $s) (global.get $g)))))`

// otherGuest is an instance of it whose host functions fail the test when they are called.
func otherGuest(t *testing.T) (*Store, *Instance) {
	t.Helper()
	engine := EngineWith(t, func(cfg *Config) { cfg.SetWasmGC(true) })
	module, linker, store := Compile(t, engine, otherWat), NewLinker(engine), NewStore(engine)
	never := func(_ *Caller, args []Val) ([]Val, *Trap) {
		t.Errorf("a host function was called with %v", args)
		return nil, nil
	}
	Check(t, linker.FuncNew("h", "any", module.Imports()[0].Type().FuncType(), never))
	Check(t, linker.FuncNew("h", "extern", module.Imports()[1].Type().FuncType(), never))
	Check(t, linker.FuncWrap("h", "wrap", func(v any) any {
		t.Errorf("a host function was called with %v", v)
		return v
	}))
	return store, Must(linker.Instantiate(store, module))
}

// What Go cannot hold is an error that wraps ErrUnsupported, and the guest keeps it.
func TestReferencesWithoutGoValue(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := otherGuest(t)
	f := func(name string) *Func { return instance.GetFunc(store, name) }
	call := func(name string, args ...any) error { return ErrorOf(f(name).Call(store, args...)) }
	global := func(name string) *Global { return instance.GetExport(store, name).Global() }
	table := func(name string) *Table { return instance.GetExport(store, name).Table() }
	held, extern := global("g").Get(store), global("e").Get(store)
	for name, v := range map[string]Val{"g": held, "i31": global("i31").Get(store), "typed": global("typed").Get(store)} {
		Equal(t, name, v.Kind(), KindOther)
		Equal(t, name, v.IsNull(), false)
		Equal(t, name, v.Get(), any(v))
	}
	Equal(t, "extern", extern.Kind(), KindExternref)
	Equal(t, "extern is null", extern.IsNull(), false)
	Equal(t, "extern", fmt.Sprint(extern.Externref()), "an externref that no host made")

	for _, c := range []struct {
		name string
		err  error
	}{
		{"result", call("get")}, {"results", call("gets")}, {"eq", call("eq")}, {"extern", call("extern")},
		{"argument", call("put", "x")}, {"int", call("put i31", 1)}, {"nil for what is not nullable", call("put i31", nil)},
		{"Val", call("put", held)}, {"array", call("array", ValExternref(nil))}, {"typed", call("typed f", nil)},
		{"typed", call("typed f", held)}, {"extern", call("funcref", extern)},
		{"call any", call("call any")}, {"call extern", call("call extern")}, {"call wrap", call("call wrap")},
		{"element", ErrorOf(table("t").Get(store, 0))}, {"extern element", ErrorOf(table("te").Get(store, 0))},
		{"Table.Set", table("t").Set(store, 0, held)}, {"Table.Set extern", table("te").Set(store, 0, extern)},
		{"Grow", ErrorOf(table("te").Grow(store, 1, extern))},
		{"NewTable", ErrorOf(NewTable(store, table("te").Type(store), extern))},
		{"Global.Set", global("g").Set(store, held)}, {"Global.Set extern", global("e").Set(store, extern)},
		{"NewGlobal", ErrorOf(NewGlobal(store, global("e").Type(store), extern))},
		{"NewGlobal typed", ErrorOf(NewGlobal(store, global("typed").Type(store), held))},
		{"NewGlobal typed function", ErrorOf(NewGlobal(store, global("typedfunc").Type(store), ValFuncref(nil)))},
		{"BindRaw", ErrorOf(BindRaw(store, f("get")))},
	} {
		if _, ok := c.err.(*Error); !ok || !errors.Is(c.err, ErrUnsupported) {
			t.Errorf("%s: %T %v", c.name, c.err, c.err)
		}
	}
	for name, err := range map[string]error{
		"a string in a table of anyref":  table("t").Set(store, 0, ValExternref("x")),
		"a string in a global of anyref": global("g").Set(store, ValExternref("x")),
		"a typed function":               ErrorOf(Bind0[int32](store, f("get"))),
	} {
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	Equal(t, "the guest's struct", Call(t, store, instance, "field"), any(int32(7)))
	WantIs(t, ErrorOf(table("te").Get(store, 0)), ErrUnsupported)
}

// There is no host function with a type that a module defines; what NewFunc returns says so where it is used.
func TestHostFuncOfTypesOfModules(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := otherGuest(t)
	linker := NewLinker(store.Engine)
	never := func(*Caller, []Val) ([]Val, *Trap) { return nil, nil }
	for _, name := range []string{"typed f", "typed function"} {
		ty := instance.GetFunc(store, name).Type(store)
		f := NewFunc(store, ty, never)
		Equal(t, "type", f.Type(store), ty)
		importer := Compile(t, store.Engine, `(module (import "" "" (func)))`)
		for what, err := range map[string]error{
			"FuncNew":     linker.FuncNew("", name, ty, never),
			"Define":      linker.Define(store, "", name, f),
			"Call":        ErrorOf(f.Call(store, nil)),
			"BindRaw":     ErrorOf(BindRaw(store, f)),
			"NewInstance": ErrorOf(NewInstance(store, importer, []AsExtern{f})),
			"argument":    ErrorOf(instance.GetFunc(store, "funcref").Call(store, f)),
			"global":      ErrorOf(NewGlobal(store, NewGlobalType(NewValType(KindFuncref), false), ValFuncref(f))),
		} {
			if _, ok := err.(*Error); !ok || !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s %s: %T %v", name, what, err, err)
			}
		}
	}
}

// nil is null for every reference that may be, and for no other.
func TestNilArguments(t *testing.T) {
	store, instance := Guest(t, `(module (type $f (func))
		(func (export "funcref") (param funcref) (result i32) (ref.is_null (local.get 0)))
		(func (export "externref") (param externref i32) (result i32) (ref.is_null (local.get 0)))
		(func (export "typed") (param (ref null $f)) (result i32) (ref.is_null (local.get 0)))
		(func (export "nofunc") (param nullfuncref i64) (result i32) (ref.is_null (local.get 0)))
		(func (export "not null") (param (ref func))) (func (export "not null extern") (param (ref extern)))
		(func (export "number") (param i32)))`)
	args := []any{nil, 1}
	for name, n := range map[string]int{"funcref": 1, "externref": 2, "typed": 1, "nofunc": 2} {
		Equal(t, name, Call(t, store, instance, name, args[:n]...), any(int32(1)))
	}
	Equal(t, "the caller's slice", args[0], nil)
	for _, name := range []string{"not null", "not null extern", "number"} {
		if _, ok := ErrorOf(instance.GetFunc(store, name).Call(store, nil)).(*Error); !ok {
			t.Errorf("%s takes nil", name)
		}
	}
	ty := func(name string) *ValType { return instance.GetFunc(store, name).Type(store).Params()[0] }
	Equal(t, "funcref", ValNull(ty("typed")), ValFuncref(nil))
	Equal(t, "externref", ValNull(ty("externref")), ValExternref(nil))
	for _, name := range []string{"not null", "number"} {
		WantPanic(t, name, "has no null", func() { ValNull(ty(name)) })
	}
}

// What is imported by its place may not be there.
func TestNilImports(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	module := Compile(t, engine, `(module (import "" "" (func)))`)
	for name, item := range map[string]AsExtern{
		"nothing": nil, "function": (*Func)(nil), "memory": (*Memory)(nil), "global": (*Global)(nil), "table": (*Table)(nil), "any": (*Extern)(nil),
	} {
		WantText(t, ErrorOf(NewInstance(store, module, []AsExtern{item})), "import 0: it is nil")
		WantText(t, NewLinker(engine).Define(store, "a", name, item), "a."+name+": it is nil")
	}
}

func TestRawValues(t *testing.T) {
	vector := V128{3, 15: 4}
	Equal(t, "i32", RawI32(-5).I32(), -5)
	Equal(t, "i64", RawI64(-1<<62).I64(), -1<<62)
	Equal(t, "f32", RawF32(-1.5).F32(), -1.5)
	Equal(t, "f64", RawF64(1e300).F64(), 1e300)
	Equal(t, "v128", RawV128(vector).V128(), vector)
	Equal(t, "zero", Raw{}.I64(), 0)
	Equal(t, "comparable", RawI32(-1) != RawI64(-1), true) // an i32 leaves the upper half alone
}
