package main

import (
	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["linker/many-stores"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		calls := 0
		r.err("wrap", linker.FuncWrap("host", "f", func(c *wasmtime.Caller, i int32) int32 { calls++; return i + c.Data().(int32) }))
		module := compile(engine, `(module (import "host" "f" (func $f (param i32) (result i32)))
		  (func (export "run") (param i32) (result i32) (call $f (local.get 0))))`)
		for i := range int32(3) {
			store := wasmtime.NewStoreWithData(engine, i*10)
			instance := must(linker.Instantiate(store, module))
			r.call("store "+string('0'+i), store, instance.GetFunc(store, "run"), 1)
		}
		r.say("calls", "%d", calls)
	}
	cases["linker/duplicates"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		f := func(i int32) any { return func() int32 { return i } }
		r.err("first", linker.FuncWrap("m", "n", f(1)))
		r.err("FuncWrap again", linker.FuncWrap("m", "n", f(2)))
		r.err("FuncNew again", linker.FuncNew("m", "n", wasmtime.NewFuncType(nil, nil), nil))
		r.err("Define again", linker.Define(store, "m", "n", wasmtime.WrapFunc(store, f(3))))
		r.err("DefineFunc again", linker.DefineFunc(store, "m", "n", f(3)))
		linker.AllowShadowing(true)
		r.err("with shadowing", linker.FuncWrap("m", "n", f(4)))
		r.call("the last one", store, linker.Get(store, "m", "n").Func())
		linker.AllowShadowing(false)
		r.err("without again", linker.FuncWrap("m", "n", f(5)))
		r.err("WASI", linker.DefineWasi())
		r.err("WASI again", linker.DefineWasi())
		instance := in(store, `(module (func (export "n")))`)
		r.err("instance", linker.DefineInstance(store, "m", instance))
		r.err("module", linker.DefineModule(store, "m", compile(engine, `(module (func (export "n")))`)))
	}
	cases["linker/get"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.say("missing", "%v", linker.Get(store, "no", "thing") == nil)
		memory := must(wasmtime.NewMemory(store, must(wasmtime.NewMemoryType(1, true, 2, false))))
		r.err("define", linker.Define(store, "", "m", memory))
		got := linker.Get(store, "", "m")
		r.say("type", "%s", describeExternType(got.Type(store)))
		r.say("func", "%v", got.Func() == nil)
		r.say("memory", "%v", got.Memory() != nil)
		f, err := linker.GetDefault(store, "nothing")
		r.err("GetDefault", err)
		r.say("signature", "%s", signature(f.Type(store)))
		r.call("call", store, f)
		r.err("FuncWrap", linker.FuncWrap("named", "", func() int32 { return 4 }))
		f, err = linker.GetDefault(store, "named")
		r.err("GetDefault named", err)
		r.call("call named", store, f)
		r.err("memory", linker.Define(store, "mem", "", memory))
		_, err = linker.GetDefault(store, "mem")
		r.err("GetDefault memory", err)
		r.err("start", linker.FuncWrap("started", "_start", func() int32 { return 6 }))
		f, err = linker.GetDefault(store, "started")
		r.err("GetDefault _start", err)
		r.call("call _start", store, f)
	}
	cases["linker/missing-import"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		link := func(key, text string) {
			_, err := linker.Instantiate(store, compile(engine, text))
			r.err(key, err)
		}
		link("unknown", `(module (import "a" "b" (func (param i32))))`)
		link("unknown memory", `(module (import "a" "m" (memory 1)))`)
		must(0, linker.FuncWrap("a", "f", func(int32) int64 { return 0 }))
		link("other signature", `(module (import "a" "f" (func (param i64))))`)
		link("other kind", `(module (import "a" "f" (memory 1)))`)
		memory := must(wasmtime.NewMemory(store, must(wasmtime.NewMemoryType(1, true, 2, false))))
		must(0, linker.Define(store, "a", "m", memory))
		link("memory too small", `(module (import "a" "m" (memory 2)))`)
		link("memory too large", `(module (import "a" "m" (memory 1 1)))`)
		global := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindI32), false), wasmtime.ValI32(1)))
		must(0, linker.Define(store, "a", "g", global))
		link("global mutability", `(module (import "a" "g" (global (mut i32))))`)
		link("global type", `(module (import "a" "g" (global i64)))`)
		link("fits", `(module (import "a" "g" (global i32)) (import "a" "m" (memory 1)) (import "a" "f" (func (param i32) (result i64))))`)
	}
	cases["linker/unknown-imports"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		module := compile(engine, `(module $m (import "a" "b" (func $f (param i32) (result i32 i64 f32 f64 externref)))
		  (func (export "run") (result i32 i64 f32 f64 externref) (call $f (i32.const 1))))`)
		linker := wasmtime.NewLinker(engine)
		r.err("traps", linker.DefineUnknownImportsAsTraps(module))
		instance := must(linker.Instantiate(store, module))
		r.call("trapping", store, instance.GetFunc(store, "run"))
		linker = wasmtime.NewLinker(engine)
		r.err("values", linker.DefineUnknownImportsAsDefaultValues(store, module))
		instance = must(linker.Instantiate(store, module))
		r.call("default values", store, instance.GetFunc(store, "run"))
		others := compile(engine, `(module (import "a" "m" (memory 1)) (import "a" "t" (table 2 funcref)) (import "a" "g" (global i64)))`)
		r.err("traps for others", wasmtime.NewLinker(engine).DefineUnknownImportsAsTraps(others))
		linker = wasmtime.NewLinker(engine)
		r.err("values for others", linker.DefineUnknownImportsAsDefaultValues(store, others))
		_, err := linker.Instantiate(store, others)
		r.err("instantiate others", err)
		r.say("global", "%s", describe(linker.Get(store, "a", "g").Global().Get(store).Get()))
		r.say("memory", "%d", linker.Get(store, "a", "m").Memory().Size(store))
		r.say("table", "%d", linker.Get(store, "a", "t").Table().Size(store))
	}
	cases["linker/define-module-reactor"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.err("log", linker.FuncWrap("", "log", func(i int32) { r.say("log "+string('0'+i), "%d", i) }))
		r.err("reactor", linker.DefineModule(store, "reactor", compile(engine, `(module (import "" "log" (func $log (param i32)))
		  (func (export "_initialize") (call $log (i32.const 1))) (func (export "two") (result i32) (i32.const 2)))`)))
		user := must(linker.Instantiate(store, compile(engine, `(module (import "reactor" "two" (func $two (result i32)))
		  (func (export "run") (result i32) (call $two)))`)))
		r.call("user", store, user.GetFunc(store, "run"))
		r.err("command", linker.DefineModule(store, "command", compile(engine, `(module (import "" "log" (func $log (param i32)))
		  (func (export "_start") (call $log (i32.const 3))))`)))
		f := must(linker.GetDefault(store, "command"))
		r.call("default", store, f)
		r.say("type", "%s", signature(f.Type(store)))
		r.err("unknown import", linker.DefineModule(store, "broken", compile(engine, `(module (import "x" "y" (func)))`)))
	}
	cases["linker/define-instance"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		instance := in(store, `(module (memory (export "m") 1) (func (export "f") (result i32) (i32.load (i32.const 0))))`)
		r.err("define", linker.DefineInstance(store, "other", instance))
		user := must(linker.Instantiate(store, compile(engine, `(module (import "other" "m" (memory 1)) (import "other" "f" (func $f (result i32)))
		  (func (export "run") (result i32) (i32.store (i32.const 0) (i32.const 77)) (call $f)))`)))
		r.call("run", store, user.GetFunc(store, "run"))
	}
	cases["linker/func-new"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		i32 := []*wasmtime.ValType{wasmtime.NewValType(wasmtime.KindI32)}
		r.err("define", linker.FuncNew("", "f", wasmtime.NewFuncType(i32, i32), func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return []wasmtime.Val{wasmtime.ValI32(args[0].I32() * 3)}, nil
		}))
		f := linker.Get(store, "", "f").Func()
		r.call("call", store, f, 5)
		r.say("type", "%s", signature(f.Type(store)))
		r.err("define a liar", linker.FuncNew("", "g", wasmtime.NewFuncType(i32, i32), func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, nil
		}))
		r.call("call the liar", store, linker.Get(store, "", "g").Func(), 5)
		r.err("define trap", linker.FuncNew("", "t", wasmtime.NewFuncType(nil, nil), func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, wasmtime.NewTrap("trapped")
		}))
		r.call("call trap", store, linker.Get(store, "", "t").Func())
	}
	cases["linker/other-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.err("define", linker.Define(one, "", "f", wasmtime.WrapFunc(one, func() {})))
		_, err := linker.Instantiate(two, compile(engine, `(module (import "" "f" (func)))`))
		r.err("instantiate in another store", err)
	}
	cases["linker/get-other-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.err("define", linker.Define(one, "", "f", wasmtime.WrapFunc(one, func() {})))
		r.panics("get in another store", func() { r.say("nil", "%v", linker.Get(two, "", "f") == nil) })
	}
	cases["linker/closed-after-instantiate"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.err("wrap", linker.FuncWrap("", "f", func() int32 { return 12 }))
		instance := must(linker.Instantiate(store, compile(engine, `(module (import "" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))`)))
		linker.Close()
		r.call("still calls", store, instance.GetFunc(store, "run"))
	}
	cases["instance/imports"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		module := compile(store.Engine, `(module (import "a" "f" (func (param i32))) (import "a" "g" (global i32)))`)
		f := wasmtime.WrapFunc(store, func(int32) {})
		g := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindI32), false), wasmtime.ValI32(1)))
		try := func(key string, imports ...wasmtime.AsExtern) {
			instance, err := wasmtime.NewInstance(store, module, imports)
			r.err(key, err)
			r.say(key+" instance", "%v", instance != nil)
		}
		try("none")
		try("one", f)
		try("three", f, g, f)
		try("wrong order", g, f)
		try("wrong signature", wasmtime.WrapFunc(store, func(int64) {}), g)
		try("right", f, g)
	}
	cases["instance/import-extern"] = func(r *report) {
		// An Extern is an AsExtern itself.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		exporter := in(store, `(module (func (export "f") (result i32) (i32.const 8)))`)
		user := in(store, `(module (import "" "" (func $f (result i32))) (export "again" (func $f)))`, exporter.GetExport(store, "f"))
		r.call("call", store, user.GetFunc(store, "again"))
	}
	cases["instance/other-store-import"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		_, err := wasmtime.NewInstance(two, compile(engine, `(module (import "" "" (func)))`), []wasmtime.AsExtern{wasmtime.WrapFunc(one, func() {})})
		r.err("import of another store", err)
	}
}
