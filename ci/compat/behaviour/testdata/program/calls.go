package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

const echoModule = `(module
  (func (export "none"))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "externref") (param externref) (result externref) (local.get 0))
  (func (export "funcref") (param funcref) (result funcref) (local.get 0))
  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "all") (param i32 i64 f32 f64 externref funcref) (result i32 i64 f32 f64 externref funcref)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5))
)`

type namedInt32 int32

type point struct{ x, y int }

func init() {
	cases["call/results"] = func(r *report) {
		store, instance := load(echoModule)
		f := func(name string) *wasmtime.Func { return instance.GetFunc(store, name) }
		r.call("none", store, f("none"))
		r.call("i32", store, f("i32"), int32(math.MinInt32))
		r.call("i64", store, f("i64"), int64(math.MaxInt64))
		r.call("f32", store, f("f32"), float32(1.5))
		r.call("f64", store, f("f64"), 2.5)
		r.call("externref", store, f("externref"), "text")
		r.call("funcref", store, f("funcref"), f("none"))
		r.call("swap", store, f("swap"), 1, 2)
		r.call("all", store, f("all"), 1, 2, float32(3), 4.0, "five", f("none"))
		r.call("all null", store, f("all"), 1, 2, float32(3), 4.0, nil, (*wasmtime.Func)(nil))
	}
	cases["call/int"] = func(r *report) {
		store, instance := load(echoModule)
		for _, name := range []string{"i32", "i64", "f32", "f64", "externref", "funcref"} {
			r.call("int for "+name, store, instance.GetFunc(store, name), 3)
		}
		r.call("wide int for i32", store, instance.GetFunc(store, "i32"), 1<<40+5)
		r.call("negative int for i32", store, instance.GetFunc(store, "i32"), -1)
		r.call("3e9 for i32", store, instance.GetFunc(store, "i32"), 3_000_000_000)
		r.call("int too many", store, instance.GetFunc(store, "none"), 3)
	}
	cases["call/arguments"] = func(r *report) {
		store, instance := load(echoModule)
		none := instance.GetFunc(store, "none")
		values := map[string]any{
			"int32": int32(1), "int64": int64(1), "float32": float32(1), "float64": float64(1),
			"nil": nil, "nil func": (*wasmtime.Func)(nil), "func": none, "string": "s",
			"Val i32": wasmtime.ValI32(1), "Val i64": wasmtime.ValI64(1), "Val f32": wasmtime.ValF32(1), "Val f64": wasmtime.ValF64(1),
			"Val externref": wasmtime.ValExternref("s"), "Val null externref": wasmtime.ValExternref(nil),
			"Val funcref": wasmtime.ValFuncref(none), "Val null funcref": wasmtime.ValFuncref(nil),
			"uint32": uint32(1), "named int32": namedInt32(1), "bool": true, "uint64": uint64(1), "int8": int8(1), "uint": uint(1),
			"point": point{1, 2}, "error": errors.New("e"), "slice": []int{1},
		}
		for _, name := range []string{"i32", "i64", "f32", "f64", "externref", "funcref"} {
			for _, label := range sortedKeys(values) {
				r.call(label+" for "+name, store, instance.GetFunc(store, name), values[label])
			}
		}
	}
	cases["call/count"] = func(r *report) {
		store, instance := load(echoModule)
		f := func(name string) *wasmtime.Func { return instance.GetFunc(store, name) }
		r.call("too few", store, f("i32"))
		r.call("too few of two", store, f("swap"), 1)
		r.call("too many", store, f("i32"), 1, 2)
		r.call("too many for none", store, f("none"), int32(1))
		r.call("wrong type and too many", store, f("i32"), "x", 2)
		r.call("wrong type and too few", store, f("swap"), "x")
		r.call("second is wrong", store, f("swap"), 1, float32(2))
		r.call("after errors", store, f("i32"), 9)
	}
	cases["call/zero-val"] = func(r *report) {
		store, instance := load(echoModule)
		var zero wasmtime.Val
		r.say("kind", "%s", zero.Kind())
		r.say("get", "%s", describe(zero.Get()))
		r.panics("I32", func() { zero.I32() })
		r.call("as i32", store, instance.GetFunc(store, "i32"), zero)
	}
	cases["call/nan"] = func(r *report) {
		store, instance := load(echoModule)
		got := must(instance.GetFunc(store, "f32").Call(store, math.Float32frombits(0x7fa00001))).(float32)
		r.say("f32 bits", "%x", math.Float32bits(got))
		got64 := must(instance.GetFunc(store, "f64").Call(store, math.Float64frombits(0x7ff4000000000001))).(float64)
		r.say("f64 bits", "%x", math.Float64bits(got64))
	}
	cases["call/externref-identity"] = func(r *report) {
		store, instance := load(echoModule)
		echo := func(v any) any { return must(instance.GetFunc(store, "externref").Call(store, v)) }
		p := &point{1, 2}
		r.say("pointer", "%v", echo(p) == p)
		m := map[string]int{"a": 1}
		echo(m).(map[string]int)["b"] = 2
		r.say("map", "%v", len(m))
		err := errors.New("x")
		r.say("error", "%v", echo(err) == err)
		r.say("named", "%s", describe(echo(namedInt32(4))))
		r.say("nil pointer", "%s", describe(echo((*point)(nil))))
		r.say("func value", "%T", echo(func() {}))
		r.say("val in val", "%s", describe(echo(wasmtime.ValExternref(point{3, 4}))))
		r.say("store", "%v", echo(store) == any(store))
	}
	cases["call/funcref-callable"] = func(r *report) {
		store, instance := load(echoModule)
		f := must(instance.GetFunc(store, "funcref").Call(store, wasmtime.WrapFunc(store, func(i int32) int32 { return i + 1 }))).(*wasmtime.Func)
		r.call("called", store, f, 4)
		r.say("type", "%s", signature(f.Type(store)))
		null := must(instance.GetFunc(store, "funcref").Call(store, (*wasmtime.Func)(nil)))
		got, ok := null.(*wasmtime.Func)
		r.say("null", "%v %v", got == nil, ok)
	}
	cases["val/accessors"] = func(r *report) {
		vals := map[string]wasmtime.Val{
			"i32": wasmtime.ValI32(1), "i64": wasmtime.ValI64(2), "f32": wasmtime.ValF32(3), "f64": wasmtime.ValF64(4),
			"externref": wasmtime.ValExternref("x"), "null externref": wasmtime.ValExternref(nil), "null funcref": wasmtime.ValFuncref(nil),
		}
		for _, name := range sortedKeys(vals) {
			val := vals[name]
			r.say(name+" kind", "%s", val.Kind())
			r.say(name+" get", "%s", describe(val.Get()))
			r.panics(name+" I32", func() { val.I32() })
			r.panics(name+" I64", func() { val.I64() })
			r.panics(name+" F32", func() { val.F32() })
			r.panics(name+" F64", func() { val.F64() })
			r.panics(name+" Funcref", func() { val.Funcref() })
			r.panics(name+" Externref", func() { val.Externref() })
		}
	}
	cases["val/comparable"] = func(r *report) {
		r.say("equal", "%v", wasmtime.ValI32(1) == wasmtime.ValI32(1))
		r.say("different value", "%v", wasmtime.ValI32(1) == wasmtime.ValI32(2))
		r.say("different kind", "%v", wasmtime.ValI32(1) == wasmtime.ValI64(1))
		r.say("externref", "%v", wasmtime.ValExternref("a") == wasmtime.ValExternref("a"))
		r.say("map", "%d", map[wasmtime.Val]int{wasmtime.ValF64(1): 3}[wasmtime.ValF64(1)])
		r.panics("uncomparable inside", func() { _ = wasmtime.ValExternref([]int{}) == wasmtime.ValExternref([]int{}) })
	}
	cases["val/v128"] = func(r *report) {
		store, instance := load(`(module (func (export "f") (result v128) (v128.const i32x4 1 2 3 4))
		  (func (export "g") (param v128)))`)
		r.call("result", store, instance.GetFunc(store, "f"))
	}
	cases["val/v128-param"] = func(r *report) {
		store, instance := load(`(module (func (export "g") (param v128)))`)
		r.call("param", store, instance.GetFunc(store, "g"), 1)
		r.panics("type", func() { r.say("signature", "%s", signature(instance.GetFunc(store, "g").Type(store))) })
	}
	cases["call/multi-result-host"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.call("two", store, wasmtime.WrapFunc(store, func() (int64, float64) { return 5, 6 }))
		r.call("three", store, wasmtime.WrapFunc(store, func() (int32, string, *wasmtime.Func) { return 5, "x", nil }))
		r.call("none", store, wasmtime.WrapFunc(store, func() {}))
	}
	cases["call/other-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		f := in(one, echoModule).GetFunc(one, "none")
		r.call("function of another store", two, f)
	}
	cases["call/other-store-argument"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		f := in(one, echoModule).GetFunc(one, "none")
		r.call("argument of another store", two, in(two, echoModule).GetFunc(two, "funcref"), f)
	}
	cases["call/many-arguments"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		params := make([]*wasmtime.ValType, 40)
		args := make([]any, 40)
		for i := range params {
			params[i], args[i] = wasmtime.NewValType(wasmtime.KindI64), i
		}
		f := wasmtime.NewFunc(store, wasmtime.NewFuncType(params, params), func(_ *wasmtime.Caller, vals []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return vals, nil
		})
		got := must(f.Call(store, args...)).([]wasmtime.Val)
		r.say("count", "%d", len(got))
		r.say("last", "%s", fmt.Sprint(got[39].I64()))
	}
}
