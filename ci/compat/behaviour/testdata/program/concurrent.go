package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["concurrent/shared-engine-module-linker"] = func(r *report) {
		engine := wasmtime.NewEngine()
		linker := wasmtime.NewLinker(engine)
		var calls atomic.Int64
		must(0, linker.FuncWrap("", "host", func(i int32) int32 { calls.Add(1); return i + 1 }))
		module := compile(engine, `(module (import "" "host" (func $h (param i32) (result i32)))
		  (func (export "f") (param i32) (result i32) (call $h (call $h (local.get 0)))))`)
		var wg sync.WaitGroup
		var wrong atomic.Int64
		for g := range int32(16) {
			wg.Go(func() {
				store := wasmtime.NewStore(engine)
				defer store.Close()
				f := must(linker.Instantiate(store, module)).GetFunc(store, "f")
				for range 50 {
					if got, err := f.Call(store, g); err != nil || got != any(g+2) {
						wrong.Add(1)
					}
				}
			})
		}
		wg.Wait()
		r.say("calls", "%d", calls.Load())
		r.say("wrong", "%d", wrong.Load())
	}
	cases["concurrent/store-moves"] = func(r *report) {
		// One goroutine after the other may use a store.
		store, instance := load(`(module (global $n (mut i32) (i32.const 0)) (func (export "f") (result i32)
		  (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`)
		f := instance.GetFunc(store, "f")
		for range 20 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				runtime.LockOSThread()
				must(f.Call(store))
			}()
			<-done
		}
		r.call("the last", store, f)
	}
	cases["concurrent/traps"] = func(r *report) {
		engine := wasmtime.NewEngine()
		module := compile(engine, trapsModule)
		var wg sync.WaitGroup
		var right atomic.Int64
		for range 16 {
			wg.Go(func() {
				store := wasmtime.NewStore(engine)
				f := must(wasmtime.NewInstance(store, module, nil)).GetFunc(store, "memory")
				for range 50 {
					_, err := f.Call(store)
					if trap, ok := err.(*wasmtime.Trap); ok && *trap.Code() == wasmtime.MemoryOutOfBounds {
						right.Add(1)
					}
				}
			})
		}
		wg.Wait()
		r.say("right", "%d", right.Load())
	}
	cases["concurrent/compile"] = func(r *report) {
		engine := wasmtime.NewEngine()
		code := wat(trapsModule)
		var wg sync.WaitGroup
		var good atomic.Int64
		for range 8 {
			wg.Go(func() {
				if module, err := wasmtime.NewModule(engine, code); err == nil && len(module.Exports()) == 12 {
					good.Add(1)
				}
			})
		}
		wg.Wait()
		r.say("good", "%d", good.Load())
	}
	cases["panic/goexit"] = func(r *report) {
		// t.FailNow in a callback ends the goroutine, not the program.
		store := wasmtime.NewStore(wasmtime.NewEngine())
		instance := in(store, callTwice, wasmtime.WrapFunc(store, func() { runtime.Goexit() }))
		deferred, returned := false, false
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { deferred = true }()
			instance.GetFunc(store, "f").Call(store)
			returned = true
		}()
		<-done
		r.say("deferred calls ran", "%v", deferred)
		r.say("returned", "%v", returned)
	}
}
