package main

import (
	"errors"
	"fmt"
	"sync"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// What programs write, beyond calling things: it has to compile and to hold.

var (
	_ wasmtime.Storelike    = (*wasmtime.Store)(nil)
	_ wasmtime.Storelike    = (*wasmtime.Caller)(nil)
	_ wasmtime.AsExtern     = (*wasmtime.Func)(nil)
	_ wasmtime.AsExtern     = (*wasmtime.Memory)(nil)
	_ wasmtime.AsExtern     = (*wasmtime.Table)(nil)
	_ wasmtime.AsExtern     = (*wasmtime.Global)(nil)
	_ wasmtime.AsExtern     = (*wasmtime.Extern)(nil)
	_ wasmtime.AsExternType = (*wasmtime.FuncType)(nil)
	_ wasmtime.AsExternType = (*wasmtime.GlobalType)(nil)
	_ wasmtime.AsExternType = (*wasmtime.MemoryType)(nil)
	_ wasmtime.AsExternType = (*wasmtime.TableType)(nil)
	_ wasmtime.AsExternType = (*wasmtime.ExternType)(nil)
	_ error                 = (*wasmtime.Trap)(nil)
	_ error                 = (*wasmtime.Error)(nil)
	_ fmt.Stringer          = (*wasmtime.ValType)(nil)
	_ fmt.Stringer          = wasmtime.KindI32
	_ uint8                 = uint8(wasmtime.Interrupt)
)

// runtimeStore is a store with something beside it, as programs wrap one.
type runtimeStore struct {
	*wasmtime.Store
	mu   sync.Mutex
	name string
}

type namedFunc struct {
	*wasmtime.Func
	name string
}

type ownType struct{}

func (ownType) AsExternType() *wasmtime.ExternType {
	return wasmtime.NewFuncType(nil, nil).AsExternType()
}

type hostModule struct{ calls int }

func (h *hostModule) log(_ *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
	h.calls += len(args)
	return nil, nil
}

func init() {
	cases["usage/embedding"] = func(r *report) {
		store := &runtimeStore{Store: wasmtime.NewStoreWithData(wasmtime.NewEngine(), 3), name: "wrapped"}
		f := namedFunc{wasmtime.WrapFunc(store, func() int32 { return 4 }), "f"}
		instance := must(wasmtime.NewInstance(store, compile(store.Engine, `(module (import "" "" (func $f (result i32))) (export "f" (func $f)))`), []wasmtime.AsExtern{f}))
		r.call("call", store, instance.GetFunc(store, "f"))
		r.say("data", "%v", store.Data())
		r.say("own type", "%s", describeExternType(wasmtime.NewExportType("x", ownType{}).Type()))
	}
	cases["usage/errors"] = func(r *report) {
		store, instance := load(trapsModule)
		_, err := instance.GetFunc(store, "zero").Call(store)
		var trap *wasmtime.Trap
		var failure *wasmtime.Error
		r.say("As trap", "%v %v", errors.As(err, &trap), errors.As(err, &failure))
		r.say("wrapped", "%v", errors.As(fmt.Errorf("calling: %w", err), &trap))
		r.say("code", "%v", *trap.Code() == wasmtime.IntegerDivisionByZero)
		r.say("printed", "%v", err)
		_, err = wasmtime.NewModule(store.Engine, nil)
		r.say("As error", "%v %v", errors.As(err, &trap), errors.As(err, &failure))
		switch err := err.(type) {
		case *wasmtime.Trap:
			r.say("switch", "trap")
		case *wasmtime.Error:
			status, ok := err.ExitStatus()
			r.say("switch", "error %d %v", status, ok)
		}
	}
	cases["usage/method-as-callback"] = func(r *report) {
		engine := wasmtime.NewEngine()
		store := wasmtime.NewStore(engine)
		host := &hostModule{}
		i32 := wasmtime.NewValType(wasmtime.KindI32)
		linker := wasmtime.NewLinker(engine)
		r.err("define", linker.FuncNew("host", "log", wasmtime.NewFuncType([]*wasmtime.ValType{i32, i32}, nil), host.log))
		instance := must(linker.Instantiate(store, compile(engine, `(module (import "host" "log" (func $l (param i32 i32))) (func (export "f") (call $l (i32.const 1) (i32.const 2))))`)))
		r.call("call", store, instance.GetFunc(store, "f"))
		r.say("calls", "%d", host.calls)
	}
	cases["usage/strings-in-memory"] = func(r *report) {
		// The commonest way to pass a string to a guest.
		store, instance := load(`(module (memory (export "memory") 1) (global $next (mut i32) (i32.const 1024))
		  (func (export "alloc") (param i32) (result i32) (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
		  (func (export "upper") (param $at i32) (param $len i32) (local $i i32)
		    (loop
		      (i32.store8 (i32.add (local.get $at) (local.get $i)) (i32.sub (i32.load8_u (i32.add (local.get $at) (local.get $i))) (i32.const 32)))
		      (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $len))))))`)
		at := must(instance.GetFunc(store, "alloc").Call(store, 5)).(int32)
		memory := instance.GetExport(store, "memory").Memory()
		copy(memory.UnsafeData(store)[at:], "hello")
		r.call("upper", store, instance.GetFunc(store, "upper"), at, 5)
		r.say("text", "%s", memory.UnsafeData(store)[at:at+5])
	}
	cases["usage/shadowed-wasi"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		r.err("wasi", linker.DefineWasi())
		linker.AllowShadowing(true)
		written := 0
		r.err("own", linker.FuncWrap("wasi_snapshot_preview1", "fd_write", func(c *wasmtime.Caller, fd, iovs, n, result int32) int32 {
			written++
			return 0
		}))
		store := wasmtime.NewStore(engine)
		store.SetWasi(wasmtime.NewWasiConfig())
		instance := must(linker.Instantiate(store, compile(engine, wasiHead+`(func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 6)))))`)))
		r.call("run", store, instance.GetFunc(store, "_start"))
		r.say("written", "%d", written)
	}
	cases["usage/wasi-again"] = func(r *report) {
		// Another configuration replaces the first.
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		must(0, linker.DefineWasi())
		store := wasmtime.NewStore(engine)
		module := compile(engine, wasiHead+`(data (i32.const 64) "text") (func (export "_start") (drop (call $write (i32.const 1) (i32.const 64) (i32.const 4)))))`)
		instance := must(linker.Instantiate(store, module))
		for _, name := range []string{"one", "two"} {
			config := wasmtime.NewWasiConfig()
			must(0, config.SetStdoutFile(name))
			store.SetWasi(config)
			r.call(name, store, instance.GetFunc(store, "_start"))
		}
		r.say("texts", "%s %s", fileText("one"), fileText("two"))
	}
}
