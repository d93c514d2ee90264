// Package wazy measures github.com/samyfodil/wazy, a descendant of wazero, each time by the fastest way that its API
// documents.
package wazy_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/api"
	"github.com/samyfodil/wazy/imports/wasi_snapshot_preview1"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

var ctx = context.Background()

func newRuntime(b *testing.B) wazy.Runtime {
	b.Helper()
	rt := wazy.NewRuntimeWithConfig(ctx, wazy.NewRuntimeConfigCompiler())
	b.Cleanup(func() { rt.Close(ctx) })
	return rt
}

func compile(b *testing.B, rt wazy.Runtime, wasm []byte) wazy.CompiledModule {
	b.Helper()
	m, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func instantiate(b *testing.B, rt wazy.Runtime, wasm []byte, cfg wazy.ModuleConfig) api.Module {
	b.Helper()
	m, err := rt.InstantiateModule(ctx, compile(b, rt, wasm), cfg)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func anonymous() wazy.ModuleConfig {
	return wazy.NewModuleConfig().WithName("").WithStartFunctions()
}

// call makes one call on a stack of its own and returns the first result.
func call(b *testing.B, fn api.Function, args ...uint64) uint64 {
	b.Helper()
	stack := make([]uint64, max(len(args), 1))
	copy(stack, args)
	if err := fn.CallWithStack(ctx, stack); err != nil {
		b.Fatal(err)
	}
	return stack[0]
}

// An op is one call of add.
func BenchmarkCall(b *testing.B) {
	fn := instantiate(b, newRuntime(b), work.Add, anonymous()).ExportedFunction("add")
	b.ReportAllocs()
	var stack [2]uint64
	b.ResetTimer()
	for i := range b.N {
		stack[0], stack[1] = api.EncodeI32(int32(i)), 2
		if err := fn.CallWithStack(ctx, stack[:]); err != nil {
			b.Fatal(err)
		}
		if api.DecodeI32(stack[0]) != int32(i)+2 {
			b.Fatal(stack[0])
		}
	}
}

// The same in the way that allocates.
func BenchmarkCallUntyped(b *testing.B) {
	fn := instantiate(b, newRuntime(b), work.Add, anonymous()).ExportedFunction("add")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		results, err := fn.Call(ctx, api.EncodeI32(int32(i)), 2)
		if err != nil || api.DecodeI32(results[0]) != int32(i)+2 {
			b.Fatal(results, err)
		}
	}
}

// loop has the guest make b.N calls, work.Loops at a time, and checks what it returns.
func loop(b *testing.B, fn api.Function, result int32) {
	b.ReportAllocs()
	var stack [1]uint64
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		stack[0] = work.Loops
		if err := fn.CallWithStack(ctx, stack[:]); err != nil {
			b.Fatal(err)
		}
		if api.DecodeI32(stack[0]) != result {
			b.Fatal(stack[0])
		}
	}
}

// An op is one call of the imported function by the guest.
func BenchmarkHostCall(b *testing.B) {
	rt := newRuntime(b)
	i32 := api.ValueTypeI32
	_, err := rt.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			stack[0] = api.EncodeI32(work.Host(api.DecodeI32(stack[0]), api.DecodeI32(stack[1])))
		}), []api.ValueType{i32, i32}, []api.ValueType{i32}).
		Export("host").Instantiate(ctx)
	if err != nil {
		b.Fatal(err)
	}
	fn := instantiate(b, rt, work.HostLoop, anonymous()).ExportedFunction("loop")
	loop(b, fn, work.LoopResult)
}

// An op is an instantiation and its end.
func BenchmarkInstantiate(b *testing.B) {
	rt := newRuntime(b)
	m, cfg := compile(b, rt, work.Small), anonymous()
	b.ReportAllocs()
	for b.Loop() {
		inst, err := rt.InstantiateModule(ctx, m, cfg)
		if err != nil {
			b.Fatal(err)
		}
		inst.Close(ctx)
	}
}

// An op is one fd_write of nothing by the guest, to standard output, which is /dev/null.
func BenchmarkWasiCall(b *testing.B) {
	rt := newRuntime(b)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	fn := instantiate(b, rt, work.WasiLoop, anonymous().WithStdout(devNull(b))).ExportedFunction("loop")
	loop(b, fn, work.Loops)
}

// devNull is a file that takes everything.
func devNull(b *testing.B) io.Writer {
	b.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { null.Close() })
	return null
}

// An op is an instantiation with WASI of its own, a run of _start, and its end.
func BenchmarkHello(b *testing.B) {
	rt := newRuntime(b)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	m := compile(b, rt, work.Hello)
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		cfg := wazy.NewModuleConfig().WithName("").WithStdout(&out)
		inst, err := rt.InstantiateModule(ctx, m, cfg)
		if err != nil {
			b.Fatal(err)
		}
		inst.Close(ctx)
		if out.String() != work.HelloOutput {
			b.Fatal(out.String())
		}
	}
}

// An op is a compilation of the big guest in a new runtime, with as many workers as there are processors.
func BenchmarkCompile(b *testing.B) {
	wasm := work.BigGuest(b)
	many := api.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	for b.Loop() {
		rt := wazy.NewRuntimeWithConfig(ctx, wazy.NewRuntimeConfigCompiler())
		if _, err := rt.CompileModule(many, wasm); err != nil {
			b.Fatal(err)
		}
		rt.Close(ctx)
	}
}

// An op is a compilation of the big guest in a new runtime, by one worker: what wazy does unless told otherwise.
func BenchmarkCompileOneThread(b *testing.B) {
	wasm := work.BigGuest(b)
	for b.Loop() {
		rt := wazy.NewRuntimeWithConfig(ctx, wazy.NewRuntimeConfigCompiler())
		if _, err := rt.CompileModule(ctx, wasm); err != nil {
			b.Fatal(err)
		}
		rt.Close(ctx)
	}
}

// An op is a new runtime that finds the big guest in its compilation cache on disk.
func BenchmarkLoadFile(b *testing.B) {
	wasm, dir := work.BigGuest(b), b.TempDir()
	load := func() {
		cache, err := wazy.NewCompilationCacheWithDir(dir)
		if err != nil {
			b.Fatal(err)
		}
		rt := wazy.NewRuntimeWithConfig(ctx, wazy.NewRuntimeConfigCompiler().WithCompilationCache(cache))
		if _, err := rt.CompileModule(ctx, wasm); err != nil {
			b.Fatal(err)
		}
		rt.Close(ctx)
		cache.Close(ctx)
	}
	load()
	for b.Loop() {
		load()
	}
}

// An op is one call of the kernel.
func BenchmarkKernel(b *testing.B) {
	for _, k := range work.Kernels {
		b.Run(k.Name, func(b *testing.B) {
			fn := instantiate(b, newRuntime(b), k.Wasm(), anonymous()).ExportedFunction(k.Name)
			for b.Loop() {
				k.Check(b, int64(call(b, fn, api.EncodeI32(k.N))))
			}
		})
	}
	b.Run(work.GoKernel.Name, func(b *testing.B) {
		rt := newRuntime(b)
		wasi_snapshot_preview1.MustInstantiate(ctx, rt)
		inst := instantiate(b, rt, work.BigGuest(b), wazy.NewModuleConfig().WithStartFunctions("_initialize"))
		fn := inst.ExportedFunction("kernel")
		for b.Loop() {
			work.GoKernel.Check(b, int64(call(b, fn, api.EncodeI32(work.GoKernel.N))))
		}
	})
}

// files instantiates the file guest with the data folder preopened, and returns it and the opened file.
func files(b *testing.B) (api.Module, uint64) {
	b.Helper()
	rt := newRuntime(b)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	inst := instantiate(b, rt, work.FileIO, wazy.NewModuleConfig().WithStartFunctions("_initialize").
		WithFSConfig(wazy.NewFSConfig().WithDirMount(work.Data(b), "/")))
	fd := api.DecodeI32(call(b, inst.ExportedFunction("open_data")))
	if fd < 0 {
		b.Fatalf("open_data: errno %d", -fd)
	}
	return inst, api.EncodeI32(fd)
}

// An op is 64 MiB in reads of 64 KiB from a file in a preopened folder.
func BenchmarkRead(b *testing.B) {
	inst, fd := files(b)
	fn := inst.ExportedFunction("read_all")
	b.SetBytes(work.FileSize)
	for b.Loop() {
		work.Moved(b, int64(call(b, fn, fd)))
	}
}

// An op is 64 MiB in writes of 64 KiB to a file in a preopened folder.
func BenchmarkWrite(b *testing.B) {
	inst, fd := files(b)
	fn := inst.ExportedFunction("write_all")
	b.SetBytes(work.FileSize)
	for b.Loop() {
		work.Moved(b, int64(call(b, fn, fd, work.FileSize)))
	}
}

// An op is one read of eight bytes of guest memory.
func BenchmarkMemory(b *testing.B) {
	mem := instantiate(b, newRuntime(b), work.Small, anonymous()).Memory()
	b.ReportAllocs()
	b.ResetTimer()
	var sum uint64
	for i := range b.N {
		v, ok := mem.ReadUint64Le(uint32(i&1023) * 8)
		if !ok {
			b.Fatal("out of bounds")
		}
		sum += v
	}
	work.Sink = sum
}

// An op is one write of eight bytes of guest memory.
func BenchmarkMemoryWrite(b *testing.B) {
	mem := instantiate(b, newRuntime(b), work.Small, anonymous()).Memory()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if !mem.WriteUint64Le(uint32(i&1023)*8, uint64(i)) {
			b.Fatal("out of bounds")
		}
	}
}
