package wasmtime_test

import (
	"context"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const addWat = `(module
	(import "env" "add" (func $add (param i32 i32) (result i32)))
	(memory (export "memory") 1)
	(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
	(func (export "loop") (param $n i32) (result i32) (local $sum i32)
		(loop $again
			(local.set $sum (call $add (local.get $sum) (i32.const 1)))
			(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(local.get $sum)))`

func benchGuest(b *testing.B) (*Store, *Instance) {
	b.ReportAllocs()
	return Guest(b, addWat, HostFunc2(func(c *Caller, x, y int32) (int32, error) { return x + y, nil }))
}

func BenchmarkTypedCall(b *testing.B) {
	store, instance := benchGuest(b)
	add := Must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
	for b.Loop() {
		if sum, err := add.Call(1, 2); sum != 3 || err != nil {
			b.Fatal(sum, err)
		}
	}
}

func BenchmarkRawCall(b *testing.B) {
	store, instance := benchGuest(b)
	add := Must(BindRaw(store, instance.GetFunc(store, "add")))
	var stack [2]Raw
	for b.Loop() {
		stack[0], stack[1] = RawI32(1), RawI32(2)
		if err := add.Call(stack[:]); err != nil || stack[0].I32() != 3 {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	store, instance := benchGuest(b)
	add := instance.GetFunc(store, "add")
	for b.Loop() {
		if sum, err := add.Call(store, 1, 2); sum != int32(3) || err != nil {
			b.Fatal(sum, err)
		}
	}
}

// BenchmarkHostCall is the time of one call from the guest to the host.
func BenchmarkHostCall(b *testing.B) {
	store, instance := benchGuest(b)
	loop := Must(Bind1[int32, int32](store, instance.GetFunc(store, "loop")))
	b.ResetTimer()
	if sum, err := loop.Call(int32(b.N)); sum != int32(b.N) || err != nil {
		b.Fatal(sum, err)
	}
}

func BenchmarkMemoryView(b *testing.B) {
	store, instance := benchGuest(b)
	view := instance.GetMemory(store, "memory").View(store)
	var sum uint64
	for b.Loop() {
		n, _ := view.Uint64(8)
		sum += n
	}
	if sum != 0 {
		b.Fatal(sum)
	}
}

func BenchmarkInstantiate(b *testing.B) {
	engine := EngineWith(b, func(cfg *Config) { cfg.SetPooling(PoolingPreset()) })
	module := Compile(b, engine, `(module (memory (export "memory") 1) (func (export "f")))`)
	pre := Must(NewLinker(engine).InstantiatePre(module))
	b.ReportAllocs()
	for b.Loop() {
		store := NewStore(engine)
		if _, err := pre.Instantiate(store); err != nil {
			b.Fatal(err)
		}
		store.Close()
	}
}

func BenchmarkLinkerHostCall(b *testing.B) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(b, linker.DefineHost("", "f", HostFunc1(func(_ *Caller, n int32) (int32, error) { return n + 1, nil })))
	store := NewStore(engine)
	defer store.Close()
	instance := Must(linker.Instantiate(store, Compile(b, engine, `(module
		(import "" "f" (func $f (param i32) (result i32)))
		(func (export "loop") (param $n i32) (result i32) (local $sum i32)
			(loop $again (local.set $sum (call $f (local.get $sum)))
				(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
			(local.get $sum)))`)))
	loop := Must(Bind1[int32, int32](store, instance.GetFunc(store, "loop")))
	b.ResetTimer()
	if sum, err := loop.Call(int32(b.N)); sum != int32(b.N) || err != nil {
		b.Fatal(sum, err)
	}
}

func BenchmarkNewStore(b *testing.B) {
	engine := NewEngine()
	for b.Loop() {
		NewStore(engine).Close()
	}
}

// BenchmarkCallerMemory is the time of one call from the guest to a host function that reads the guest's memory.
func BenchmarkCallerMemory(b *testing.B) {
	store, instance := Guest(b, callerWat("memory", 1), HostFunc0(func(c *Caller) (None, error) {
		if n, ok := c.Memory().Byte(0); n != 1 || !ok {
			b.Error(n, ok)
		}
		return None{}, nil
	}))
	b.ReportAllocs()
	run := Must(Bind1[int32, None](store, instance.GetFunc(store, "run")))
	b.ResetTimer()
	if _, err := run.Call(int32(b.N)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkCallContext(b *testing.B) {
	store, instance := GuestIn(b, EngineWith(b, WithEpochs), addWat, func(a, b int32) int32 { return a + b })
	add := Must(Bind2[int32, int32, int32](store, instance.GetFunc(store, "add")))
	deadline, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for name, ctx := range map[string]context.Context{"Background": context.Background(), "WithTimeout": deadline} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if sum, err := add.CallContext(ctx, 1, 2); sum != 3 || err != nil {
					b.Fatal(sum, err)
				}
			}
		})
	}
}
