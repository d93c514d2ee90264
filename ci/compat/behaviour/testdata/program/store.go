package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

const fib = `(module (func $fib (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`

func init() {
	fuelEngine := func() *wasmtime.Engine {
		return engineWith(func(c *wasmtime.Config) { c.SetConsumeFuel(true) })
	}
	cases["fuel/off"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		fuel, err := store.GetFuel()
		r.say("fuel", "%d", fuel)
		r.err("get", err)
		r.err("set", store.SetFuel(1))
	}
	cases["fuel/figures"] = func(r *report) {
		store := wasmtime.NewStore(fuelEngine())
		r.say("at the start", "%d", must(store.GetFuel()))
		r.err("set", store.SetFuel(10000))
		instance := in(store, fib)
		r.say("after instantiation", "%d", must(store.GetFuel()))
		for _, n := range []int{0, 1, 2, 10} {
			r.call(fmt.Sprint("fib ", n), store, instance.GetFunc(store, "fib"), n)
			r.say(fmt.Sprint("left after fib ", n), "%d", must(store.GetFuel()))
		}
		_, err := instance.GetFunc(store, "fib").Call(store, 30)
		r.say("out", "%T code %s", err, describeCode(err.(*wasmtime.Trap).Code()))
		r.say("left", "%d", must(store.GetFuel()))
		r.err("set again", store.SetFuel(100))
		r.call("goes on", store, instance.GetFunc(store, "fib"), 1)
		r.say("left at the end", "%d", must(store.GetFuel()))
		r.err("most", store.SetFuel(1<<64-1))
		r.say("most", "%d", must(store.GetFuel()))
	}
	cases["fuel/none"] = func(r *report) {
		store := wasmtime.NewStore(fuelEngine())
		module := compile(store.Engine, `(module (func $s) (start $s))`)
		_, err := wasmtime.NewInstance(store, module, nil)
		r.err("start without fuel", err)
		instance := in(store, fib)
		r.call("call without fuel", store, instance.GetFunc(store, "fib"), 1)
	}
	cases["fuel/host-call"] = func(r *report) {
		store := wasmtime.NewStore(fuelEngine())
		r.err("set", store.SetFuel(1000))
		host := wasmtime.WrapFunc(store, func() { r.say("inside", "%d", must(store.GetFuel())) })
		instance := in(store, `(module (import "" "" (func $h)) (func (export "f") (call $h) (call $h)))`, host)
		r.call("call", store, instance.GetFunc(store, "f"))
		r.say("after", "%d", must(store.GetFuel()))
	}
	cases["fuel/kinds"] = func(r *report) {
		store := wasmtime.NewStore(fuelEngine())
		r.err("set", store.SetFuel(100000))
		instance := in(store, `(module (memory (export "m") 1) (table 4 funcref)
		  (func (export "loop") (local i32) (loop (br_if 0 (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100)))))
		  (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000)))
		  (func (export "grow") (drop (memory.grow (i32.const 1))))
		  (func (export "block") (block (br 0)) (nop))
		  (func (export "empty")))`)
		before := must(store.GetFuel())
		r.say("instantiation", "%d", 100000-before)
		for _, name := range []string{"loop", "fill", "grow", "block", "empty"} {
			before := must(store.GetFuel())
			r.call(name, store, instance.GetFunc(store, name))
			r.say(name+" used", "%d", before-must(store.GetFuel()))
		}
	}
	cases["store/engine-field"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		r.say("same", "%v", store.Engine == engine && wasmtime.NewLinker(engine).Engine == engine)
		r.say("pulley", "%v", engine.IsPulley())
	}
	cases["store/limiter"] = func(r *report) {
		limited := func(limits [5]int64, text string) error {
			store := wasmtime.NewStore(wasmtime.NewEngine())
			store.Limiter(limits[0], limits[1], limits[2], limits[3], limits[4])
			_, err := wasmtime.NewInstance(store, compile(store.Engine, text), nil)
			return err
		}
		r.err("memory too large", limited([5]int64{2 * 65536, -1, -1, -1, -1}, `(module (memory 3))`))
		r.err("memory fits", limited([5]int64{3 * 65536, -1, -1, -1, -1}, `(module (memory 3))`))
		r.err("table too large", limited([5]int64{-1, 5, -1, -1, -1}, `(module (table 6 funcref))`))
		r.err("table fits", limited([5]int64{-1, 5, -1, -1, -1}, `(module (table 5 funcref))`))
		r.err("no instances", limited([5]int64{-1, -1, 0, -1, -1}, `(module)`))
		r.err("no tables", limited([5]int64{-1, -1, -1, 0, -1}, `(module (table 1 funcref))`))
		r.err("no memories", limited([5]int64{-1, -1, -1, -1, 0}, `(module (memory 1))`))
		r.err("all default", limited([5]int64{-1, -1, -1, -1, -1}, `(module (memory 3) (table 5 funcref))`))
		store := wasmtime.NewStore(wasmtime.NewEngine())
		store.Limiter(2*65536, 10, -1, -1, -1)
		instance := in(store, `(module (memory (export "m") 1) (table (export "t") 1 funcref)
		  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
		  (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`)
		r.call("grow inside", store, instance.GetFunc(store, "grow"), 1)
		r.call("grow over", store, instance.GetFunc(store, "grow"), 1)
		_, err := instance.GetExport(store, "m").Memory().Grow(store, 1)
		r.err("host grows over", err)
		r.call("table inside", store, instance.GetFunc(store, "table"), 9)
		r.call("table over", store, instance.GetFunc(store, "table"), 1)
		_, err = instance.GetExport(store, "t").Table().Grow(store, 1, wasmtime.ValFuncref(nil))
		r.err("host grows table over", err)
	}
	cases["store/limiter-instances"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		store.Limiter(-1, -1, 2, -1, -1)
		module := compile(store.Engine, `(module)`)
		for i := range 3 {
			_, err := wasmtime.NewInstance(store, module, nil)
			r.err(fmt.Sprint("instance ", i), err)
		}
	}
	cases["store/limiter-other-negative"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		store.Limiter(-7, -7, -7, -7, -7)
		_, err := wasmtime.NewInstance(store, compile(store.Engine, `(module (memory 1) (table 1 funcref))`), nil)
		r.err("instance", err)
	}
	cases["store/other-engine"] = func(r *report) {
		module := compile(wasmtime.NewEngine(), `(module)`)
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewInstance(store, module, nil)
		r.err("NewInstance", err)
		r.err("unknown imports", wasmtime.NewLinker(wasmtime.NewEngine()).DefineUnknownImportsAsTraps(module))
	}
	cases["store/other-engine-linker"] = func(r *report) {
		module := compile(wasmtime.NewEngine(), `(module)`)
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewLinker(store.Engine).Instantiate(store, module)
		r.err("Instantiate", err)
	}
	cases["store/other-engine-linker-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(wasmtime.NewEngine())
		_, err := linker.Instantiate(wasmtime.NewStore(engine), compile(engine, `(module)`))
		r.err("linker of another engine", err)
	}
	cases["store/gc"] = func(r *report) {
		store, instance := load(echoModule)
		store.GC()
		r.call("after", store, instance.GetFunc(store, "externref"), "x")
		store.GC()
		store.GC()
	}
	cases["store/epoch-setter-without-config"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		store.SetEpochDeadline(1)
		store.Engine.IncrementEpoch()
		store.Engine.IncrementEpoch()
		r.call("call", store, in(store, `(module (func (export "f")))`).GetFunc(store, "f"))
	}
}
