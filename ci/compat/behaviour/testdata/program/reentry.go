package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

const recursive = `(module
  (import "" "down" (func $down (param i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "depth") (mut i32) (i32.const 0))
  (func (export "up") (param i32) (result i32)
    (global.set 0 (i32.add (global.get 0) (i32.const 1)))
    (i32.add (i32.const 1) (call $down (local.get 0))))
)`

func init() {
	reentry := func(r *report, through func(c *wasmtime.Caller, store *wasmtime.Store) wasmtime.Storelike) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		down := wasmtime.WrapFunc(store, func(c *wasmtime.Caller, n int32) int32 {
			if n == 0 {
				return 0
			}
			up := c.GetExport("up").Func()
			return must(up.Call(through(c, store), n-1)).(int32)
		})
		instance := in(store, recursive, down)
		r.call("ten deep", store, instance.GetFunc(store, "up"), 10)
		r.say("depth", "%s", describe(instance.GetExport(store, "depth").Global().Get(store).Get()))
	}
	cases["reentry/caller"] = func(r *report) {
		reentry(r, func(c *wasmtime.Caller, _ *wasmtime.Store) wasmtime.Storelike { return c })
	}
	cases["reentry/store"] = func(r *report) {
		reentry(r, func(_ *wasmtime.Caller, s *wasmtime.Store) wasmtime.Storelike { return s })
	}
	cases["reentry/everything-inside"] = func(r *report) {
		// A host function may use the whole store: memory, tables, new functions, instances.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		down := wasmtime.WrapFunc(store, func(c *wasmtime.Caller, n int32) int32 {
			memory := c.GetExport("memory").Memory()
			memory.UnsafeData(c)[0] = 42
			r.say("grow", "%d", must(memory.Grow(c, 1)))
			r.say("size", "%d", memory.Size(store))
			inner := wasmtime.WrapFunc(c, func(i int32) int32 { return i * 2 })
			r.call("function made inside", c, inner, 21)
			in(store, `(module (func (export "f")))`)
			table := must(wasmtime.NewTable(c, wasmtime.NewTableType(wasmtime.NewValType(wasmtime.KindFuncref), 1, false, 0), wasmtime.ValFuncref(inner)))
			r.say("table", "%d", table.Size(c))
			store.GC()
			return n
		})
		instance := in(store, recursive, down)
		r.call("call", store, instance.GetFunc(store, "up"), 1)
		r.say("memory", "%d", instance.GetExport(store, "memory").Memory().UnsafeData(store)[0])
	}
	cases["reentry/caller-exports"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		var kept *wasmtime.Caller
		host := wasmtime.WrapFunc(store, func(c *wasmtime.Caller) {
			kept = c
			r.say("missing", "%v", c.GetExport("missing") == nil)
			r.say("func", "%v", c.GetExport("f").Func() != nil)
			r.say("func as memory", "%v", c.GetExport("f").Memory() == nil)
			r.say("memory", "%v", c.GetExport("m").Memory() != nil)
			r.say("table", "%v", c.GetExport("t") != nil && c.GetExport("t").Table() != nil)
			r.say("global", "%v", c.GetExport("g") != nil && c.GetExport("g").Global() != nil)
		})
		instance := in(store, `(module (import "" "" (func $host)) (memory (export "m") 1) (table (export "t") 1 funcref)
		  (global (export "g") i32 (i32.const 1)) (func (export "f") (call $host)))`, host)
		r.call("call", store, instance.GetFunc(store, "f"))
		r.say("after return", "%v", kept.GetExport("f") == nil)
		r.panics("data after return", func() { kept.Data() })
		r.panics("use after return", func() { instance.GetFunc(kept, "f") })
		direct := wasmtime.WrapFunc(store, func(c *wasmtime.Caller) {
			r.say("no calling instance", "%v", c.GetExport("f") == nil)
		})
		r.call("direct", store, direct)
	}
	cases["reentry/error-inside"] = func(r *report) {
		// An error of an inner call is the host function's to deal with.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		host := wasmtime.WrapFunc(store, func(c *wasmtime.Caller) int32 {
			_, err := c.GetExport("boom").Func().Call(c)
			r.err("inner", err)
			return 7
		})
		instance := in(store, `(module (import "" "" (func $host (result i32))) (func (export "boom") unreachable)
		  (func (export "f") (result i32) (call $host)))`, host)
		r.call("outer", store, instance.GetFunc(store, "f"))
	}
	cases["reentry/instantiate-inside-start"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		order := ""
		host := wasmtime.WrapFunc(store, func() { order += "host " })
		outer := wasmtime.WrapFunc(store, func() {
			in(store, `(module (import "" "" (func $host)) (start $host))`, host)
			order += "outer"
		})
		in(store, `(module (import "" "" (func $host)) (start $host))`, outer)
		r.say("order", "%s", order)
	}
	cases["reentry/stack-across-host"] = func(r *report) {
		// The guest's stack limit counts from the first entry: endless mutual recursion is a trap.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		depth := 0
		down := wasmtime.WrapFunc(store, func(c *wasmtime.Caller, n int32) (int32, *wasmtime.Trap) {
			depth++
			if _, err := c.GetExport("up").Func().Call(c, n); err != nil {
				trap, ok := err.(*wasmtime.Trap)
				if !ok {
					panic(fmt.Sprintf("%T", err))
				}
				return 0, trap
			}
			return 0, nil
		})
		_, err := in(store, recursive, down).GetFunc(store, "up").Call(store, 1)
		trap, ok := err.(*wasmtime.Trap)
		r.say("a trap", "%v", ok)
		if ok {
			r.say("code", "%s", describeCode(trap.Code()))
		}
		r.say("deep", "%v", depth > 50)
	}
	cases["reentry/data"] = func(r *report) {
		data := &point{1, 2}
		store := wasmtime.NewStoreWithData(wasmtime.NewEngine(), data)
		r.say("store", "%v", store.Data() == any(data))
		r.call("caller", store, wasmtime.WrapFunc(store, func(c *wasmtime.Caller) { r.say("same", "%v", c.Data() == any(data)) }))
		r.say("none", "%s", describe(wasmtime.NewStore(store.Engine).Data()))
	}
}
