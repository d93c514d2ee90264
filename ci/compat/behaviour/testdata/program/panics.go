package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

const callTwice = `(module (import "" "" (func $host)) (func (export "f") (call $host) (call $host)))`

func init() {
	cases["panic/values"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		for i, value := range []any{"text", errors.New("error"), 7, point{1, 2}, []int{1}} {
			f := wasmtime.WrapFunc(store, func() { panic(value) })
			r.call(fmt.Sprint("direct ", i), store, f)
			r.call(fmt.Sprint("through the guest ", i), store, in(store, callTwice, f).GetFunc(store, "f"))
		}
		p := &point{1, 2}
		func() {
			defer func() { r.say("identity", "%v", recover() == any(p)) }()
			wasmtime.WrapFunc(store, func() { panic(p) }).Call(store)
		}()
		r.call("runtime error", store, wasmtime.WrapFunc(store, func() { var m map[int]int; m[1] = 2 }))
		func() {
			defer func() {
				_, ok := recover().(runtime.Error)
				r.say("is a runtime.Error", "%v", ok)
			}()
			wasmtime.WrapFunc(store, func() { var s []int; _ = s[len(s)] }).Call(store)
		}()
		r.call("panic(nil)", store, wasmtime.WrapFunc(store, func() { panic(nil) }))
		f := wasmtime.NewFunc(store, wasmtime.NewFuncType(nil, nil), func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			panic("from NewFunc")
		})
		r.call("new", store, f)
	}
	cases["panic/guest-stops"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		calls := 0
		f := wasmtime.WrapFunc(store, func() { calls++; panic(fmt.Sprint("call ", calls)) })
		r.call("guest", store, in(store, callTwice, f).GetFunc(store, "f"))
		r.say("calls", "%d", calls)
		ok := wasmtime.WrapFunc(store, func() int32 { return 5 })
		r.call("store works on", store, ok)
	}
	cases["panic/start"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		module := compile(store.Engine, `(module (import "" "" (func $host)) (start $host))`)
		f := wasmtime.WrapFunc(store, func() { panic("in start") })
		r.panics("NewInstance", func() { wasmtime.NewInstance(store, module, []wasmtime.AsExtern{f}) })
		linker := wasmtime.NewLinker(store.Engine)
		r.err("define", linker.FuncWrap("", "", func() { panic("in linker start") }))
		r.panics("Instantiate", func() { linker.Instantiate(store, module) })
	}
	cases["panic/nested"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		inner := wasmtime.WrapFunc(store, func() { panic("inner") })
		outer := wasmtime.WrapFunc(store, func() { inner.Call(store) })
		r.call("through two levels", store, outer)
		guest := in(store, callTwice, outer)
		r.call("through two levels and a guest", store, guest.GetFunc(store, "f"))
		replaced := wasmtime.WrapFunc(store, func() {
			defer func() { panic(fmt.Sprint("replaced ", recover())) }()
			inner.Call(store)
		})
		r.call("recovered and replaced", store, replaced)
		swallowed := wasmtime.WrapFunc(store, func() {
			defer func() { recover() }()
			inner.Call(store)
		})
		r.call("recovered", store, swallowed)
		r.call("recovered, guest goes on", store, in(store, callTwice, swallowed).GetFunc(store, "f"))
	}
	cases["panic/wrong-results"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		i32 := wasmtime.NewValType(wasmtime.KindI32)
		returning := func(vals ...wasmtime.Val) *wasmtime.Func {
			return wasmtime.NewFunc(store, wasmtime.NewFuncType(nil, []*wasmtime.ValType{i32}),
				func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) { return vals, nil })
		}
		r.call("wrong type", store, returning(wasmtime.ValI64(3)))
		r.call("none", store, returning())
		r.call("too many", store, returning(wasmtime.ValI32(1), wasmtime.ValI32(2)))
		r.call("funcref", store, returning(wasmtime.ValFuncref(nil)))
		r.call("right", store, returning(wasmtime.ValI32(1)))
		r.call("zero Val", store, returning(wasmtime.Val{}))
	}
	cases["panic/misuse"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		linker := wasmtime.NewLinker(engine)
		r.panics("WrapFunc(1)", func() { wasmtime.WrapFunc(store, 1) })
		r.panics("WrapFunc(string)", func() { wasmtime.WrapFunc(store, "f") })
		r.panics("FuncWrap(1)", func() { linker.FuncWrap("", "", 1) })
		r.panics("DefineFunc(1)", func() { linker.DefineFunc(store, "", "", 1) })
		config := wasmtime.NewConfig()
		wasmtime.NewEngineWithConfig(config)
		r.panics("config used twice", func() { wasmtime.NewEngineWithConfig(config) })
		r.panics("setter of a used config", func() { config.SetConsumeFuel(true) })
		closed := wasmtime.NewConfig()
		closed.Close()
		closed.Close()
		r.panics("closed config", func() { wasmtime.NewEngineWithConfig(closed) })
		wasi := wasmtime.NewWasiConfig()
		store.SetWasi(wasi)
		r.panics("wasi config used twice", func() { store.SetWasi(wasi) })
		r.panics("setter of a used wasi config", func() { wasi.InheritEnv() })
		r.panics("SetEnv", func() { wasmtime.NewWasiConfig().SetEnv([]string{"a"}, nil) })
		r.panics("NewMemoryType min", func() { wasmtime.NewMemoryType(1<<16+1, false, 0, false) })
		r.panics("NewMemoryType max", func() { wasmtime.NewMemoryType(1, true, 1<<16+1, false) })
		r.panics("NewMemoryType64 min", func() { wasmtime.NewMemoryType64(1<<48+1, false, 0, false) })
		r.panics("ValKind", func() { _ = wasmtime.ValKind(77).String() })
	}
	cases["panic/wrapfunc-nil"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		r.panics("WrapFunc(nil)", func() { wasmtime.WrapFunc(store, nil) })
		var f func()
		r.panics("nil func", func() { r.call("call of a nil func", store, wasmtime.WrapFunc(store, f)) })
	}
	cases["panic/after-close"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		module := compile(engine, `(module (func (export "f")) (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 1)))`)
		instance := must(wasmtime.NewInstance(store, module, nil))
		f, m := instance.GetFunc(store, "f"), instance.GetExport(store, "m").Memory()
		t, g := instance.GetExport(store, "t").Table(), instance.GetExport(store, "g").Global()
		store.Close()
		store.Close()
		r.panics("Func.Call", func() { f.Call(store) })
		r.panics("Func.Type", func() { f.Type(store) })
		r.panics("GetFunc", func() { instance.GetFunc(store, "f") })
		r.panics("Exports", func() { instance.Exports(store) })
		r.panics("Memory.UnsafeData", func() { m.UnsafeData(store) })
		r.panics("Memory.Size", func() { m.Size(store) })
		r.panics("Table.Size", func() { t.Size(store) })
		r.panics("Global.Get", func() { g.Get(store) })
		r.panics("NewInstance", func() { wasmtime.NewInstance(store, module, nil) })
		r.panics("WrapFunc", func() { wasmtime.WrapFunc(store, func() {}) })
		r.panics("GetFuel", func() { store.GetFuel() })
		r.panics("GC", func() { store.GC() })
		r.panics("Data", func() { store.Data() })
		r.panics("Limiter", func() { store.Limiter(1, 1, 1, 1, 1) })
		module.Close()
		module.Close()
		r.panics("Module.Exports", func() { module.Exports() })
		r.panics("Module.Serialize", func() { module.Serialize() })
		r.panics("NewInstance of closed module", func() { wasmtime.NewInstance(wasmtime.NewStore(engine), module, nil) })
		linker := wasmtime.NewLinker(engine)
		linker.Close()
		linker.Close()
		r.panics("Linker", func() { linker.DefineWasi() })
		engine.Close()
		engine.Close()
		r.panics("NewStore", func() { wasmtime.NewStore(engine) })
		r.panics("NewLinker", func() { wasmtime.NewLinker(engine) })
		r.panics("IncrementEpoch", func() { engine.IncrementEpoch() })
		r.panics("IsPulley", func() { engine.IsPulley() })
		r.panics("NewModule", func() { wasmtime.NewModule(engine, nil) })
		wasi := wasmtime.NewWasiConfig()
		wasi.Close()
		wasi.Close()
		r.panics("WasiConfig", func() { wasi.InheritStdout() })
		ty := wasmtime.NewFuncType(nil, nil)
		ty.Close()
		ty.Close()
		r.panics("FuncType", func() { ty.Params() })
		kind := wasmtime.NewValType(wasmtime.KindI32)
		kind.Close()
		r.panics("ValType", func() { kind.Kind() })
		_, err := wasmtime.Wat2Wasm("(")
		err.(*wasmtime.Error).Close()
		r.panics("Error", func() { _ = err.Error() })
		r.panics("ExitStatus", func() { err.(*wasmtime.Error).ExitStatus() })
	}
	cases["panic/extern-close"] = func(r *report) {
		// The functions, memories and so on of an Extern live on without it.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		instance := in(store, `(module (func (export "f") (result i32) (i32.const 3)))`)
		extern := instance.GetExport(store, "f")
		f := extern.Func()
		r.call("func of extern", store, f)
	}
}
