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

// nullsWat is a guest that takes and gives null references of every kind.
const nullsWat = `(module (type $s (struct (field i32))) (type $a (array i8)) (tag $t)
	(import "h" "new" (func $new (param anyref i32 exnref) (result eqref i64 exnref)))
	(table (export "t") 2 4 anyref) (table (export "ti") 1 i31ref)
	(global (export "gany") (mut anyref) (ref.null any)) (global (export "gtyped") (mut (ref null $s)) (ref.null $s))
	(global (export "gexn") (mut exnref) (ref.null exn)) (global (export "gconstant") eqref (ref.null none))
	(func (export "any") (param anyref) (result i32) (ref.is_null (local.get 0)))
	(func (export "eq") (param eqref) (result i32) (ref.is_null (local.get 0)))
	(func (export "i31") (param i31ref) (result i32) (ref.is_null (local.get 0)))
	(func (export "struct") (param structref) (result i32) (ref.is_null (local.get 0)))
	(func (export "array") (param arrayref) (result i32) (ref.is_null (local.get 0)))
	(func (export "null") (param nullref) (result i32) (ref.is_null (local.get 0)))
	(func (export "$s") (param (ref null $s)) (result i32) (ref.is_null (local.get 0)))
	(func (export "$a") (param (ref null $a)) (result i32) (ref.is_null (local.get 0)))
	(func (export "exn") (param exnref) (result i32) (ref.is_null (local.get 0)))
	(func (export "nullexn") (param nullexnref) (result i32) (ref.is_null (local.get 0)))
	(func (export "results") (result i32 anyref (ref null $s) exnref externref)
		(i32.const 1) (ref.null any) (ref.null $s) (ref.null exn) (ref.null extern))
	(func (export "result") (result (ref null $s)) (ref.null $s))
	(func (export "mixed") (param externref anyref funcref i64) (result externref anyref i64)
		(local.get 0) (local.get 1) (local.get 3))
	(func (export "host") (result i32) (local $e exnref)
		(call $new (ref.null none) (i32.const 5) (local.get $e)) (drop) (drop) (ref.is_null)))`

// Null is null for references of every kind, on every way into a guest and out of it.
func TestNullReferences(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetWasmGC(true); cfg.SetWasmExceptions(true) })
	module, linker, store := Compile(t, engine, nullsWat), NewLinker(engine), NewStore(engine)
	calls := 0
	host := func(_ *Caller, args []Val) ([]Val, *Trap) {
		calls++
		Equal(t, "arguments", fmt.Sprint(args[0].IsNull(), args[0].Get(), args[1].Get(), args[2].IsNull(), args[2].Kind()), "true <nil> 5 true ref")
		return []Val{args[0], ValI64(6), args[2]}, nil
	}
	ty := module.Imports()[0].Type().FuncType()
	Check(t, linker.FuncNew("h", "new", ty, host))
	instance := Must(linker.Instantiate(store, module))
	for _, name := range []string{"any", "eq", "i31", "struct", "array", "null", "$s", "$a", "exn", "nullexn"} {
		Equal(t, name, Call(t, store, instance, name, nil), any(int32(1)))
		null := ValNull(instance.GetFunc(store, name).Type(store).Params()[0])
		Equal(t, name, Call(t, store, instance, name, null), any(int32(1)))
	}
	Equal(t, "result", Call(t, store, instance, "result"), nil)
	results := Call(t, store, instance, "results").([]Val)
	for i, kind := range []ValKind{KindI32, KindOther, KindOther, KindOther, KindExternref} {
		Equal(t, "kind", results[i].Kind(), kind)
		Equal(t, "null", results[i].IsNull(), i > 0)
	}
	mixed := Call(t, store, instance, "mixed", "x", nil, nil, 7).([]Val)
	Equal(t, "mixed", fmt.Sprint(mixed[0].Get(), mixed[1].Get(), mixed[2].Get()), "x<nil> 7")
	Equal(t, "through the host", Call(t, store, instance, "host"), any(int32(1)))
	f := NewFunc(store, ty, host)
	Equal(t, "a host function", len(Must(f.Call(store, nil, 5, nil)).([]Val)), 3)
	Equal(t, "calls", calls, 2)

	for _, name := range []string{"gany", "gtyped", "gexn", "gconstant"} {
		g := instance.GetExport(store, name).Global()
		v := g.Get(store)
		Equal(t, name, v, ValNull(g.Type(store).Content()))
		Equal(t, name, v.IsNull(), true)
		if name != "gconstant" {
			Check(t, g.Set(store, v))
		}
	}
	null := ValNull(instance.GetExport(store, "gany").Global().Type(store).Content())
	exn := ValNull(instance.GetExport(store, "gexn").Global().Type(store).Content())
	WantText(t, instance.GetExport(store, "gany").Global().Set(store, exn), "type mismatch")
	Equal(t, "NewGlobal", Must(NewGlobal(store, instance.GetExport(store, "gany").Global().Type(store), null)).Get(store), null)
	for _, name := range []string{"t", "ti"} {
		table := instance.GetExport(store, name).Table()
		Equal(t, "Get", Must(table.Get(store, 0)), null)
		Check(t, table.Set(store, 0, null))
		Equal(t, "Grow", Must(table.Grow(store, 1, null)), table.Size(store)-1)
		Equal(t, "NewTable", Must(Must(NewTable(store, table.Type(store), null)).Get(store, 0)), null)
		if _, ok := table.Set(store, 0, exn).(*Error); !ok {
			t.Error("a null exception is taken for another null")
		}
	}
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
		WantText(t, ErrorOf(NewInstance(store, module, []AsExtern{item})), "import 0: `::`: nil ")
		WantText(t, NewLinker(engine).Define(store, "a", name, item), "a."+name+": nil ")
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
