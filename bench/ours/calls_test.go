package ours_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// An op is one call of add.
func BenchmarkCall(b *testing.B) {
	store, inst := instantiate(b, work.Add, nil, nil)
	add, err := wasmtime.Bind2[int32, int32, int32](store, inst.GetFunc(store, "add"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		sum, err := add.Call(int32(i), 2)
		if err != nil || sum != int32(i)+2 {
			b.Fatal(sum, err)
		}
	}
}

// The same as a program written for wasmtime-go does it.
func BenchmarkCallUntyped(b *testing.B) {
	store, inst := instantiate(b, work.Add, nil, nil)
	fn := inst.GetFunc(store, "add")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		v, err := fn.Call(store, int32(i), int32(2))
		if err != nil || v.(int32) != int32(i)+2 {
			b.Fatal(v, err)
		}
	}
}

func hostCall(b *testing.B, define func(*wasmtime.Linker) error) {
	store, inst := instantiate(b, work.HostLoop, nil, define)
	loop, err := wasmtime.Bind1[int32, int32](store, inst.GetFunc(store, "loop"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		sum, err := loop.Call(work.Loops)
		if err != nil || sum != work.LoopResult {
			b.Fatal(sum, err)
		}
	}
}

// An op is one call of the imported function by the guest.
func BenchmarkHostCall(b *testing.B) {
	host := wasmtime.HostFunc2(func(_ *wasmtime.Caller, x, y int32) (int32, error) { return work.Host(x, y), nil })
	hostCall(b, func(l *wasmtime.Linker) error { return l.DefineHost("env", "host", host) })
}

// The same as a program written for wasmtime-go does it.
func BenchmarkHostCallWrap(b *testing.B) {
	hostCall(b, func(l *wasmtime.Linker) error { return l.FuncWrap("env", "host", work.Host) })
}

// An op is one fd_write of nothing by the guest, to standard output, which is /dev/null.
func BenchmarkWasiCall(b *testing.B) {
	wasi := wasmtime.NewWasiConfig()
	check(b, wasi.SetStdoutFile(os.DevNull))
	store, inst := instantiate(b, work.WasiLoop, wasi, nil)
	loop, err := wasmtime.Bind1[int32, int32](store, inst.GetFunc(store, "loop"))
	check(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		if n, err := loop.Call(work.Loops); err != nil || n != work.Loops {
			b.Fatal(n, err)
		}
	}
}

// An op is a store, an instantiation and the end of the store.
func instantiation(b *testing.B, pooling bool) {
	engine := newEngine(pooling)
	pre, err := wasmtime.NewLinker(engine).InstantiatePre(newModule(b, engine, work.Small))
	check(b, err)
	b.ReportAllocs()
	for b.Loop() {
		store := wasmtime.NewStore(engine)
		_, err := pre.Instantiate(store)
		check(b, err)
		store.Close()
	}
}

func BenchmarkInstantiate(b *testing.B)        { instantiation(b, false) }
func BenchmarkInstantiatePooling(b *testing.B) { instantiation(b, true) }

// An op is a store with WASI of its own, whose standard output is a buffer, an instantiation, a run of _start, and
// the end of the store.
func hello(b *testing.B, pooling bool) {
	engine := newEngine(pooling)
	linker := wasmtime.NewLinker(engine)
	check(b, linker.DefineWasi())
	pre, err := linker.InstantiatePre(newModule(b, engine, work.Hello))
	check(b, err)
	b.ReportAllocs()
	for b.Loop() {
		store, wasi, out := wasmtime.NewStore(engine), wasmtime.NewWasiConfig(), bytes.Buffer{}
		wasi.SetStdout(&out)
		store.SetWasi(wasi)
		inst, err := pre.Instantiate(store)
		check(b, err)
		_, err = inst.GetFunc(store, "_start").Call(store)
		check(b, err)
		store.Close()
		wasi.Close()
		if out.String() != work.HelloOutput {
			b.Fatal(out.String())
		}
	}
}

func BenchmarkHello(b *testing.B)        { hello(b, false) }
func BenchmarkHelloPooling(b *testing.B) { hello(b, true) }

// An op is one read of eight bytes of guest memory through a view, which notices when the memory grows.
func BenchmarkMemory(b *testing.B) {
	store, inst := instantiate(b, work.Small, nil, nil)
	view := inst.GetMemory(store, "memory").View(store)
	b.ReportAllocs()
	b.ResetTimer()
	var sum uint64
	for i := range b.N {
		v, ok := view.Uint64(uint64(i&1023) * 8)
		if !ok {
			b.Fatal("out of bounds")
		}
		sum += v
	}
	work.Sink = sum
}

// An op is one write of eight bytes of guest memory through a view, which notices when the memory grows.
func BenchmarkMemoryWrite(b *testing.B) {
	store, inst := instantiate(b, work.Small, nil, nil)
	view := inst.GetMemory(store, "memory").View(store)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if !view.PutUint64(uint64(i&1023)*8, uint64(i)) {
			b.Fatal("out of bounds")
		}
	}
}
