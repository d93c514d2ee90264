package main

import (
	"github.com/bytecodealliance/wasmtime-go/v44"
)

// What a host function may change about the store that it was called from.

func init() {
	cases["inside/extend-epoch"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
		store := wasmtime.NewStore(engine)
		store.SetEpochDeadline(1)
		calls := 0
		host := wasmtime.WrapFunc(store, func() {
			calls++
			engine.IncrementEpoch()
			if calls < 3 {
				store.SetEpochDeadline(1)
			}
		})
		instance := in(store, `(module (import "" "" (func $host)) (func (export "f") (loop (call $host) (br 0))))`, host)
		_, err := instance.GetFunc(store, "f").Call(store)
		r.say("error", "%T code %s", err, describeCode(err.(*wasmtime.Trap).Code()))
		r.say("calls", "%d", calls)
	}
	cases["inside/refuel"] = func(r *report) {
		store := wasmtime.NewStore(engineWith(func(c *wasmtime.Config) { c.SetConsumeFuel(true) }))
		r.err("set", store.SetFuel(10))
		calls := 0
		host := wasmtime.WrapFunc(store, func() {
			if calls++; calls < 4 {
				r.err("set inside", store.SetFuel(20))
			}
		})
		instance := in(store, `(module (import "" "" (func $host)) (func (export "f") (loop (call $host) (br 0))))`, host)
		_, err := instance.GetFunc(store, "f").Call(store)
		r.say("error", "%T code %s", err, describeCode(err.(*wasmtime.Trap).Code()))
		r.say("calls", "%d", calls)
	}
	cases["inside/grow-memory"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		host := wasmtime.WrapFunc(store, func(c *wasmtime.Caller) {
			memory := c.GetExport("memory").Memory()
			must(memory.Grow(c, 2))
			memory.UnsafeData(c)[2*65536+1] = 77
		})
		instance := in(store, `(module (import "" "" (func $host)) (memory (export "memory") 1)
		  (func (export "f") (result i32 i32) (call $host) (memory.size) (i32.load8_u (i32.const 131073))))`, host)
		r.call("guest sees it", store, instance.GetFunc(store, "f"))
	}
	cases["inside/linker"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		inner := compile(engine, `(module (import "" "log" (func $log (param i32))) (func (export "g") (call $log (i32.const 5))))`)
		r.err("log", linker.FuncWrap("", "log", func(i int32) { r.say("log", "%d", i) }))
		r.err("spawn", linker.FuncWrap("", "spawn", func(c *wasmtime.Caller) *wasmtime.Trap {
			instance, err := linker.Instantiate(c, inner)
			r.err("instantiate", err)
			if _, err := instance.GetFunc(c, "g").Call(c); err != nil {
				return wasmtime.NewTrap(err.Error())
			}
			return nil
		}))
		store := wasmtime.NewStore(engine)
		instance := must(linker.Instantiate(store, compile(engine, `(module (import "" "spawn" (func $s)) (func (export "f") (call $s)))`)))
		r.call("call", store, instance.GetFunc(store, "f"))
	}
	cases["inside/other-store"] = func(r *report) {
		// A host function works with a store of its own meanwhile, and its trap stays there.
		engine := wasmtime.NewEngine()
		store, other := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		trapping := in(other, `(module (func (export "t") unreachable))`)
		host := wasmtime.WrapFunc(store, func() int32 {
			r.call("other", other, trapping.GetFunc(other, "t"))
			return 8
		})
		r.call("outer", store, in(store, `(module (import "" "" (func $h (result i32))) (func (export "f") (result i32) (call $h)))`, host).GetFunc(store, "f"))
	}
	cases["inside/panic-of-other-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store, other := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		boom := wasmtime.WrapFunc(other, func() { panic("of the other") })
		host := wasmtime.WrapFunc(store, func() { boom.Call(other) })
		r.call("through two stores", store, in(store, callTwice, host).GetFunc(store, "f"))
		r.call("other works on", other, wasmtime.WrapFunc(other, func() int32 { return 1 }))
		r.call("store works on", store, wasmtime.WrapFunc(store, func() int32 { return 2 }))
	}
	cases["inside/goroutine"] = func(r *report) {
		// Not its own goroutine: the host function waits for another one that calls in.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		inner := wasmtime.WrapFunc(store, func() int32 { return 3 })
		host := wasmtime.WrapFunc(store, func() {
			done := make(chan struct{})
			go func() {
				defer close(done)
				r.call("from another goroutine", store, inner)
			}()
			<-done
		})
		r.call("outer", store, host)
	}
	cases["inside/many-calls"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		sum := int64(0)
		host := wasmtime.WrapFunc(store, func(i int64) int64 { sum += i; return sum })
		instance := in(store, `(module (import "" "" (func $h (param i64) (result i64))) (func (export "f") (param i64) (result i64) (local i64)
		  (loop (local.set 1 (call $h (local.get 0))) (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))))) (local.get 1)))`, host)
		r.call("sum", store, instance.GetFunc(store, "f"), 20000)
	}
}
