package main

import (
	"fmt"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

const trapsModule = `(module $traps
  (type $none (func))
  (type $one (func (param i32)))
  (memory 1 1)
  (table 2 2 funcref)
  (func $two (param i32))
  (elem (i32.const 1) $two)
  (func (export "overflow_stack") (call 1))
  (func (export "memory") (drop (i32.load (i32.const 65536))))
  (func (export "table") (call_indirect (type $none) (i32.const 2)))
  (func (export "table_get") (drop (table.get 0 (i32.const 7))))
  (func (export "null") (call_indirect (type $none) (i32.const 0)))
  (func (export "signature") (call_indirect (type $none) (i32.const 1)))
  (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
  (func (export "zero") (drop (i32.rem_u (i32.const 1) (i32.const 0))))
  (func (export "conversion") (drop (i32.trunc_f32_s (f32.const nan))))
  (func (export "conversion_range") (drop (i32.trunc_f64_s (f64.const 1e30))))
  (func (export "unreachable") unreachable)
  (func $named (export "named") (call $inner))
  (func $inner (call $unnamed))
  (func $unnamed unreachable)
)`

func init() {
	cases["trap/codes"] = func(r *report) {
		store, instance := load(trapsModule)
		for _, name := range []string{"memory", "table", "table_get", "null", "signature", "overflow", "zero",
			"conversion", "conversion_range", "unreachable", "named"} {
			r.call(name, store, instance.GetFunc(store, name))
		}
	}
	cases["trap/stack-overflow"] = func(r *report) {
		store, instance := load(`(module (func $f (export "f") (call $f)))`)
		_, err := instance.GetFunc(store, "f").Call(store)
		trap := err.(*wasmtime.Trap)
		r.say("type", "%T", err)
		r.say("code", "%s", describeCode(trap.Code()))
		r.say("frames", "%v", len(trap.Frames()) > 0)
		r.say("first frame", "%s", describeString(trap.Frames()[0].FuncName()))
	}
	cases["trap/misaligned"] = func(r *report) {
		store, instance := load(`(module (memory 1 1)
		  (func (export "f") (drop (i32.atomic.load (i32.const 1)))))`)
		r.call("atomic load", store, instance.GetFunc(store, "f"))
	}
	cases["trap/atomic-wait"] = func(r *report) {
		store, instance := load(`(module (memory 1 1)
		  (func (export "f") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))))`)
		r.call("wait on unshared", store, instance.GetFunc(store, "f"))
	}
	cases["trap/frames"] = func(r *report) {
		store, instance := load(trapsModule)
		_, err := instance.GetFunc(store, "named").Call(store)
		for i, frame := range err.(*wasmtime.Trap).Frames() {
			r.say(fmt.Sprint("frame ", i), "index %d func %s module %s module offset %d func offset %d",
				frame.FuncIndex(), describeString(frame.FuncName()), describeString(frame.ModuleName()),
				frame.ModuleOffset(), frame.FuncOffset())
		}
		store, instance = load(`(module (func (export "f") unreachable))`)
		_, err = instance.GetFunc(store, "f").Call(store)
		for i, frame := range err.(*wasmtime.Trap).Frames() {
			r.say(fmt.Sprint("unnamed frame ", i), "index %d func %s module %s", frame.FuncIndex(),
				describeString(frame.FuncName()), describeString(frame.ModuleName()))
		}
		r.err("unnamed", err)
	}
	cases["trap/new"] = func(r *report) {
		for _, text := range []string{"x", "two words", "ü", "line\nline"} {
			trap := wasmtime.NewTrap(text)
			r.say("message "+text, "%s", trap.Message())
			r.say("error "+text, "%s", trap.Error())
			r.say("code "+text, "%s", describeCode(trap.Code()))
			r.say("frames "+text, "%d nil %v", len(trap.Frames()), trap.Frames() == nil)
		}
		r.panics("empty message", func() { r.say("empty", "%q", wasmtime.NewTrap("").Message()) })
		r.panics("zero byte", func() { r.say("zero", "%q", wasmtime.NewTrap("a\x00b").Message()) })
		trap := wasmtime.NewTrap("x")
		trap.Close()
		trap.Close()
		r.panics("after close", func() { trap.Message() })
		r.panics("code after close", func() { trap.Code() })
		r.panics("frames after close", func() { trap.Frames() })
	}
	cases["trap/host-direct"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		none := wasmtime.NewFuncType(nil, nil)
		r.call("new", store, wasmtime.NewFunc(store, none, func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, wasmtime.NewTrap("x")
		}))
		r.call("wrap", store, wasmtime.WrapFunc(store, func() *wasmtime.Trap { return wasmtime.NewTrap("x") }))
		r.call("wrap with value", store, wasmtime.WrapFunc(store, func() (int32, *wasmtime.Trap) { return 1, wasmtime.NewTrap("x") }))
		r.call("wrap nil trap", store, wasmtime.WrapFunc(store, func() (int32, *wasmtime.Trap) { return 1, nil }))
	}
	cases["trap/host-through-guest"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		f := wasmtime.WrapFunc(store, func() *wasmtime.Trap { return wasmtime.NewTrap("from the host") })
		instance := in(store, `(module $m (import "" "" (func $host)) (func $f (export "f") (call $host)))`, f)
		r.call("call", store, instance.GetFunc(store, "f"))
		_, err := wasmtime.NewInstance(store, compile(store.Engine, `(module (import "" "" (func $host)) (start $host))`), []wasmtime.AsExtern{f})
		r.err("start is import", err)
		_, err = wasmtime.NewInstance(store, compile(store.Engine, `(module (import "" "" (func $host)) (func $s (call $host)) (start $s))`), []wasmtime.AsExtern{f})
		r.err("start calls import", err)
	}
	cases["trap/in-start"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		module := compile(store.Engine, `(module (func $s unreachable) (start $s))`)
		instance, err := wasmtime.NewInstance(store, module, nil)
		r.err("NewInstance", err)
		r.say("instance", "%v", instance == nil)
		instance, err = wasmtime.NewLinker(store.Engine).Instantiate(store, module)
		r.err("Instantiate", err)
		r.say("instance of linker", "%v", instance == nil)
	}
	cases["trap/guest-trap-passed-on"] = func(r *report) {
		// A host function calls back, and returns the trap that it got.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		f := wasmtime.WrapFunc(store, func(c *wasmtime.Caller) *wasmtime.Trap {
			_, err := c.GetExport("boom").Func().Call(c)
			r.err("inner", err)
			return err.(*wasmtime.Trap)
		})
		instance := in(store, `(module (import "" "" (func $host))
		  (func $boom (export "boom") unreachable) (func $f (export "f") (call $host)))`, f)
		_, err := instance.GetFunc(store, "f").Call(store)
		r.err("outer", err)
	}
	cases["trap/returned-twice"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		trap := wasmtime.NewTrap("once")
		f := wasmtime.WrapFunc(store, func() *wasmtime.Trap { return trap })
		r.call("wrap first", store, f)
		r.panics("message after", func() { r.say("message", "%s", trap.Message()) })
		r.call("wrap second", store, f)
		trap2 := wasmtime.NewTrap("once")
		g := wasmtime.NewFunc(store, wasmtime.NewFuncType(nil, nil), func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, trap2
		})
		r.call("new first", store, g)
	}
	cases["trap/new-func-twice"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		trap := wasmtime.NewTrap("once")
		g := wasmtime.NewFunc(store, wasmtime.NewFuncType(nil, nil), func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, trap
		})
		r.call("first", store, g)
		r.call("second", store, g)
	}
	cases["trap/epoch-callback"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
		store := wasmtime.NewStore(engine)
		store.SetEpochDeadline(1)
		f := wasmtime.WrapFunc(store, func() { engine.IncrementEpoch() })
		instance := in(store, `(module (import "" "" (func $host)) (func (export "f") (call $host) (loop (br 0))))`, f)
		r.call("interrupted", store, instance.GetFunc(store, "f"))
		r.call("again, deadline over", store, instance.GetFunc(store, "f"))
		store.SetEpochDeadline(1000)
		plain := in(store, `(module (func (export "f")))`)
		r.call("new deadline", store, plain.GetFunc(store, "f"))
	}
	cases["trap/epoch-goroutine"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
		store := wasmtime.NewStore(engine)
		store.SetEpochDeadline(1)
		go func() {
			time.Sleep(20 * time.Millisecond)
			engine.IncrementEpoch()
		}()
		instance := in(store, `(module (func (export "f") (loop (br 0))))`)
		_, err := instance.GetFunc(store, "f").Call(store)
		r.say("type", "%T", err)
		r.say("code", "%s", describeCode(err.(*wasmtime.Trap).Code()))
	}
	cases["trap/epoch-no-deadline"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
		store := wasmtime.NewStore(engine)
		instance := in(store, `(module (func (export "f") (result i32) (i32.const 1)))`)
		r.call("without a deadline", store, instance.GetFunc(store, "f"))
	}
	cases["trap/after-trap"] = func(r *report) {
		// An instance goes on working after a trap.
		store, instance := load(`(module (func (export "t") unreachable) (func (export "f") (result i32) (i32.const 7)))`)
		r.call("trap", store, instance.GetFunc(store, "t"))
		r.call("next call", store, instance.GetFunc(store, "f"))
	}
	cases["trap/newer-codes"] = func(r *report) {
		store := wasmtime.NewStore(engineWith(func(c *wasmtime.Config) {
			c.SetWasmFunctionReferences(true)
			c.SetWasmGC(true)
		}))
		instance := in(store, `(module
		  (type $s (struct (field i32)))
		  (type $a (array i32))
		  (func (export "null_ref") (drop (ref.as_non_null (ref.null func))))
		  (func (export "struct") (drop (struct.get $s 0 (ref.null $s))))
		  (func (export "array") (drop (array.get $a (array.new_default $a (i32.const 1)) (i32.const 3))))
		  (func (export "cast") (drop (ref.cast (ref $s) (ref.null any)))))`)
		for _, name := range []string{"null_ref", "struct", "array", "cast"} {
			r.call(name, store, instance.GetFunc(store, name))
		}
	}
}
