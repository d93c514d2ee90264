package main

import (
	"runtime"
	"sync/atomic"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

type dropped struct{ hit *atomic.Bool }

func newDropped() (*dropped, *atomic.Bool) {
	hit := new(atomic.Bool)
	obj := &dropped{hit}
	runtime.SetFinalizer(obj, func(d *dropped) { d.hit.Store(true) })
	return obj, hit
}

// eventually reports whether the garbage collector gets to it.
func eventually(hit *atomic.Bool) bool {
	for range 200 {
		if hit.Load() {
			return true
		}
		collect()
	}
	return false
}

func init() {
	cases["lifetime/nothing-closed"] = func(r *report) {
		// Only the function is kept by the program.
		make := func() (*wasmtime.Store, *wasmtime.Func) {
			store, instance := load(`(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 0))))`)
			return store, instance.GetFunc(store, "f")
		}
		store, f := make()
		collect()
		r.call("call", store, f)
	}
	cases["lifetime/closed-parents"] = func(r *report) {
		engine := wasmtime.NewEngine()
		module := compile(engine, `(module (func (export "f") (result i32) (i32.const 5)))`)
		store := wasmtime.NewStore(engine)
		instance := must(wasmtime.NewInstance(store, module, nil))
		module.Close()
		engine.Close()
		r.call("module and engine closed", store, instance.GetFunc(store, "f"))
	}
	cases["lifetime/linker-func-collected"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		instance := func() *wasmtime.Instance {
			linker := wasmtime.NewLinker(engine)
			must(0, linker.FuncWrap("", "f", func() int32 { return 6 }))
			return must(linker.Instantiate(store, compile(engine, `(module (import "" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))`)))
		}()
		collect()
		r.call("linker gone", store, instance.GetFunc(store, "f"))
	}
	cases["lifetime/call-argument"] = func(r *report) {
		store, instance := load(`(module (func (export "f") (param externref)))`)
		obj, hit := newDropped()
		must(instance.GetFunc(store, "f").Call(store, obj))
		store.GC()
		r.say("freed by store.GC", "%v", eventually(hit))
		runtime.KeepAlive(store)
	}
	cases["lifetime/global"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		global := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindExternref), true), wasmtime.ValExternref(nil)))
		obj, hit := newDropped()
		must(0, global.Set(store, wasmtime.ValExternref(obj)))
		obj = nil
		store.GC()
		collect()
		r.say("kept while stored", "%v", !hit.Load())
		must(0, global.Set(store, wasmtime.ValExternref(nil)))
		store.GC()
		r.say("freed after", "%v", eventually(hit))
		runtime.KeepAlive(store)
	}
	cases["lifetime/store-collected"] = func(r *report) {
		hit := func() *atomic.Bool {
			store := wasmtime.NewStore(wasmtime.NewEngine())
			obj, hit := newDropped()
			must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindExternref), true), wasmtime.ValExternref(obj)))
			return hit
		}()
		r.say("externref of a lost store", "%v", eventually(hit))
	}
	cases["lifetime/store-closed"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		obj, hit := newDropped()
		must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(wasmtime.NewValType(wasmtime.KindExternref), true), wasmtime.ValExternref(obj)))
		obj = nil
		store.Close()
		r.say("externref of a closed store", "%v", eventually(hit))
	}
	cases["lifetime/store-data-collected"] = func(r *report) {
		hit := func() *atomic.Bool {
			obj, hit := newDropped()
			wasmtime.NewStoreWithData(wasmtime.NewEngine(), obj)
			return hit
		}()
		r.say("data of a lost store", "%v", eventually(hit))
	}
	cases["lifetime/callback-collected"] = func(r *report) {
		hit := func() *atomic.Bool {
			obj, hit := newDropped()
			store := wasmtime.NewStore(wasmtime.NewEngine())
			wasmtime.WrapFunc(store, func() bool { return obj.hit.Load() })
			return hit
		}()
		r.say("callback of a lost store", "%v", eventually(hit))
	}
	cases["lifetime/callback-refers-to-store"] = func(r *report) {
		// The commonest closure of all: it uses the outer store.
		hit := func() *atomic.Bool {
			obj, hit := newDropped()
			store := wasmtime.NewStore(wasmtime.NewEngine())
			wasmtime.WrapFunc(store, func() bool { store.GC(); return obj.hit.Load() })
			return hit
		}()
		r.say("callback with its own store", "%v", eventually(hit))
	}
	cases["lifetime/linker-callback-collected"] = func(r *report) {
		hit := func() *atomic.Bool {
			obj, hit := newDropped()
			linker := wasmtime.NewLinker(wasmtime.NewEngine())
			must(0, linker.FuncWrap("", "f", func() bool { return obj.hit.Load() }))
			return hit
		}()
		r.say("callback of a lost linker", "%v", eventually(hit))
	}
}
