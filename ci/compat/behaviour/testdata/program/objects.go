package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	ref := func() *wasmtime.ValType { return wasmtime.NewValType(wasmtime.KindFuncref) }
	ext := func() *wasmtime.ValType { return wasmtime.NewValType(wasmtime.KindExternref) }
	cases["table/use"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		table, err := wasmtime.NewTable(store, wasmtime.NewTableType(ext(), 2, true, 4), wasmtime.ValExternref("init"))
		r.err("new", err)
		r.say("type", "%s", describeTableType(table.Type(store)))
		r.say("size", "%d", table.Size(store))
		get := func(i uint64) {
			val, err := table.Get(store, i)
			r.err(fmt.Sprint("get error ", i), err)
			r.say(fmt.Sprint("get ", i), "%s %s", val.Kind(), describe(val.Get()))
		}
		get(1)
		get(2)
		get(1 << 40)
		r.err("set", table.Set(store, 0, wasmtime.ValExternref(nil)))
		get(0)
		r.err("set outside", table.Set(store, 2, wasmtime.ValExternref(nil)))
		r.err("set far outside", table.Set(store, 1<<40, wasmtime.ValExternref(nil)))
		r.err("set another type", table.Set(store, 1, wasmtime.ValFuncref(nil)))
		r.err("set a number", table.Set(store, 1, wasmtime.ValI32(1)))
		grow := func(key string, delta uint64, val wasmtime.Val) {
			size, err := table.Grow(store, delta, val)
			r.err(key+" error", err)
			r.say(key, "%d", size)
		}
		grow("grow 0", 0, wasmtime.ValExternref(nil))
		grow("grow 1", 1, wasmtime.ValExternref("grown"))
		get(2)
		grow("grow over", 2, wasmtime.ValExternref(nil))
		grow("grow far over", 1<<40, wasmtime.ValExternref(nil))
		grow("grow with another type", 1, wasmtime.ValFuncref(nil))
		r.say("size at the end", "%d", table.Size(store))
	}
	cases["table/new"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValI32(1))
		r.err("number", err)
		_, err = wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValExternref("x"))
		r.err("externref", err)
		_, err = wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValExternref(nil))
		r.err("null externref", err)
		_, err = wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValFuncref(nil))
		r.err("null funcref", err)
	}
	cases["table/too-large"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1<<32-2, false, 0), wasmtime.ValFuncref(nil))
		r.err("huge", err)
	}
	cases["table/grow-too-large"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		table := must(wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValFuncref(nil)))
		_, err := table.Grow(store, 1<<32, wasmtime.ValFuncref(nil))
		r.err("grow beyond 32 bits", err)
		r.say("size", "%d", table.Size(store))
	}
	cases["table/funcs"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		f := wasmtime.WrapFunc(store, func() int32 { return 9 })
		table := must(wasmtime.NewTable(store, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValFuncref(nil)))
		r.say("null", "%v", must(table.Get(store, 0)).Funcref() == nil)
		r.err("set", table.Set(store, 0, wasmtime.ValFuncref(f)))
		r.call("call", store, must(table.Get(store, 0)).Funcref())
		instance := in(store, `(module (type $t (func (result i32))) (import "" "" (table 1 funcref)) (func (export "f") (result i32) (call_indirect (type $t) (i32.const 0))))`, table)
		r.call("indirect", store, instance.GetFunc(store, "f"))
	}
	cases["global/use"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		i32 := wasmtime.NewValType(wasmtime.KindI32)
		mutable := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(i32, true), wasmtime.ValI32(100)))
		r.say("value", "%s", describe(mutable.Get(store).Get()))
		r.err("set", mutable.Set(store, wasmtime.ValI32(-1)))
		r.say("new value", "%s", describe(mutable.Get(store).Get()))
		r.err("set another type", mutable.Set(store, wasmtime.ValI64(1)))
		fixed := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(i32, false), wasmtime.ValI32(5)))
		r.err("set constant", fixed.Set(store, wasmtime.ValI32(6)))
		r.say("type", "%s %v", fixed.Type(store).Content(), fixed.Type(store).Mutable())
		_, err := wasmtime.NewGlobal(store, wasmtime.NewGlobalType(i32, false), wasmtime.ValF32(6))
		r.err("wrong initial value", err)
		reference := must(wasmtime.NewGlobal(store, wasmtime.NewGlobalType(ext(), true), wasmtime.ValExternref("hello")))
		r.say("externref", "%s", describe(reference.Get(store).Get()))
		r.err("null", reference.Set(store, wasmtime.ValExternref(nil)))
		r.say("null", "%s", describe(reference.Get(store).Get()))
	}
	cases["memory/use"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		memory := must(wasmtime.NewMemory(store, must(wasmtime.NewMemoryType(1, true, 3, false))))
		r.say("type", "%s", describeMemoryType(memory.Type(store)))
		r.say("size", "%d pages %d bytes %T", memory.Size(store), memory.DataSize(store), memory.DataSize(store))
		data := memory.UnsafeData(store)
		r.say("slice", "%d %d", len(data), cap(data))
		data[5] = 9
		r.say("shared", "%d", *(*byte)(add(memory.Data(store), 5)))
		grow := func(key string, pages uint64) {
			size, err := memory.Grow(store, pages)
			r.err(key+" error", err)
			r.say(key, "%d", size)
		}
		grow("grow 0", 0)
		grow("grow 1", 1)
		grow("grow 2", 2)
		grow("grow a lot", 1<<40)
		r.say("grown", "%d %d", memory.Size(store), len(memory.UnsafeData(store)))
		r.say("kept", "%d", memory.UnsafeData(store)[5])
		grow("grow the last", 1)
		empty := must(wasmtime.NewMemory(store, must(wasmtime.NewMemoryType(0, false, 0, false))))
		r.say("empty", "%d %d", empty.Size(store), len(empty.UnsafeData(store)))
		big := must(wasmtime.NewMemory(store, must(wasmtime.NewMemoryType64(1, false, 0, false))))
		r.say("64", "%s", describeMemoryType(big.Type(store)))
	}
	cases["memory/too-large"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewMemory(store, must(wasmtime.NewMemoryType64(1<<40, false, 0, false)))
		r.say("an error", "%T", err)
	}
	cases["memory/shared"] = func(r *report) {
		store := wasmtime.NewStore(wasmtime.NewEngine())
		_, err := wasmtime.NewMemory(store, must(wasmtime.NewMemoryType(1, true, 2, true)))
		r.err("new", err)
	}
	cases["memory/multi"] = func(r *report) {
		store, instance := load(`(module (memory (export "a") 1) (memory (export "b") 2) (data (memory 1) (i32.const 1) "x"))`)
		r.say("sizes", "%d %d", instance.GetExport(store, "a").Memory().Size(store), instance.GetExport(store, "b").Memory().Size(store))
		r.say("data", "%q", instance.GetExport(store, "b").Memory().UnsafeData(store)[1])
	}
	cases["object/other-store"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		memory := must(wasmtime.NewMemory(one, must(wasmtime.NewMemoryType(1, false, 0, false))))
		r.panics("memory", func() { memory.Size(two) })
	}
	cases["object/other-store-value"] = func(r *report) {
		engine := wasmtime.NewEngine()
		one, two := wasmtime.NewStore(engine), wasmtime.NewStore(engine)
		table := must(wasmtime.NewTable(one, wasmtime.NewTableType(ref(), 1, false, 0), wasmtime.ValFuncref(nil)))
		r.err("set", table.Set(one, 0, wasmtime.ValFuncref(wasmtime.WrapFunc(two, func() {}))))
		_, err := wasmtime.NewGlobal(one, wasmtime.NewGlobalType(ref(), true), wasmtime.ValFuncref(wasmtime.WrapFunc(two, func() {})))
		r.err("global", err)
	}
}
