// Package wasmtimego measures github.com/bytecodealliance/wasmtime-go, the official binding.
package wasmtimego_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func newModule(b *testing.B, engine *wasmtime.Engine, wasm []byte) *wasmtime.Module {
	b.Helper()
	m, err := wasmtime.NewModule(engine, wasm)
	check(b, err)
	return m
}

// instantiate makes a store with the imports that define adds to its linker, and runs _initialize if there is one.
func instantiate(b *testing.B, wasm []byte, wasi *wasmtime.WasiConfig, define func(*wasmtime.Linker) error) (*wasmtime.Store, *wasmtime.Instance) {
	b.Helper()
	engine := wasmtime.NewEngine()
	store, linker := wasmtime.NewStore(engine), wasmtime.NewLinker(engine)
	if wasi != nil {
		store.SetWasi(wasi)
		check(b, linker.DefineWasi())
	}
	if define != nil {
		check(b, define(linker))
	}
	inst, err := linker.Instantiate(store, newModule(b, engine, wasm))
	check(b, err)
	if init := inst.GetFunc(store, "_initialize"); init != nil {
		_, err := init.Call(store)
		check(b, err)
	}
	return store, inst
}

// An op is one call of add.
func BenchmarkCall(b *testing.B) {
	store, inst := instantiate(b, work.Add, nil, nil)
	fn := inst.GetFunc(store, "add")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		v, err := fn.Call(store, int32(i), int32(2))
		check(b, err)
		if v.(int32) != int32(i)+2 {
			b.Fatal(v)
		}
	}
}

// loop has the guest make b.N calls, work.Loops at a time, and checks what it returns.
func loop(b *testing.B, store *wasmtime.Store, inst *wasmtime.Instance, result int32) {
	fn := inst.GetFunc(store, "loop")
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += work.Loops {
		v, err := fn.Call(store, int32(work.Loops))
		check(b, err)
		if v.(int32) != result {
			b.Fatal(v)
		}
	}
}

func hostCall(b *testing.B, define func(*wasmtime.Linker) error) {
	store, inst := instantiate(b, work.HostLoop, nil, define)
	loop(b, store, inst, work.LoopResult)
}

// An op is one call of the imported function by the guest. FuncNew is the faster of the two ways.
func BenchmarkHostCall(b *testing.B) {
	i32 := wasmtime.NewValType(wasmtime.KindI32)
	ty := wasmtime.NewFuncType([]*wasmtime.ValType{i32, i32}, []*wasmtime.ValType{i32})
	hostCall(b, func(l *wasmtime.Linker) error {
		return l.FuncNew("env", "host", ty, func(_ *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return []wasmtime.Val{wasmtime.ValI32(work.Host(args[0].I32(), args[1].I32()))}, nil
		})
	})
}

// The same by FuncWrap.
func BenchmarkHostCallWrap(b *testing.B) {
	hostCall(b, func(l *wasmtime.Linker) error { return l.FuncWrap("env", "host", work.Host) })
}

// An op is one fd_write of nothing by the guest, to standard output, which is /dev/null.
func BenchmarkWasiCall(b *testing.B) {
	wasi := wasmtime.NewWasiConfig()
	check(b, wasi.SetStdoutFile(os.DevNull))
	store, inst := instantiate(b, work.WasiLoop, wasi, nil)
	loop(b, store, inst, work.Loops)
}

// An op is a store, an instantiation and the end of the store.
func BenchmarkInstantiate(b *testing.B) {
	engine := wasmtime.NewEngine()
	linker, m := wasmtime.NewLinker(engine), newModule(b, engine, work.Small)
	b.ReportAllocs()
	for b.Loop() {
		store := wasmtime.NewStore(engine)
		_, err := linker.Instantiate(store, m)
		check(b, err)
		store.Close()
	}
}

// An op is a store with WASI of its own, whose standard output is /dev/null (there is no way to a buffer), an
// instantiation, a run of _start, and the end of the store.
func BenchmarkHello(b *testing.B) {
	engine := wasmtime.NewEngine()
	linker, m := wasmtime.NewLinker(engine), newModule(b, engine, work.Hello)
	check(b, linker.DefineWasi())
	b.ReportAllocs()
	for b.Loop() {
		store, wasi := wasmtime.NewStore(engine), wasmtime.NewWasiConfig()
		check(b, wasi.SetStdoutFile(os.DevNull))
		store.SetWasi(wasi)
		inst, err := linker.Instantiate(store, m)
		check(b, err)
		_, err = inst.GetFunc(store, "_start").Call(store)
		check(b, err)
		store.Close()
	}
}

func compile(b *testing.B, strategy wasmtime.Strategy, parallel bool) {
	wasm := work.BigGuest(b)
	cfg := wasmtime.NewConfig()
	cfg.SetStrategy(strategy)
	cfg.SetParallelCompilation(parallel)
	engine := wasmtime.NewEngineWithConfig(cfg)
	for b.Loop() {
		newModule(b, engine, wasm).Close()
	}
}

// An op is a compilation of the big guest on all processors.
func BenchmarkCompileCranelift(b *testing.B) { compile(b, wasmtime.StrategyCranelift, true) }

// An op is a compilation of the big guest on one processor.
func BenchmarkCompileCraneliftOneThread(b *testing.B) { compile(b, wasmtime.StrategyCranelift, false) }

func serialized(b *testing.B, engine *wasmtime.Engine) []byte {
	m := newModule(b, engine, work.BigGuest(b))
	defer m.Close()
	data, err := m.Serialize()
	check(b, err)
	return data
}

// An op is a module made from its serialised bytes, and its end.
func BenchmarkLoadBytes(b *testing.B) {
	engine := wasmtime.NewEngine()
	data := serialized(b, engine)
	for b.Loop() {
		m, err := wasmtime.NewModuleDeserialize(engine, data)
		check(b, err)
		m.Close()
	}
}

// An op is a module made from a mapped file, and its end.
func BenchmarkLoadFile(b *testing.B) {
	engine := wasmtime.NewEngine()
	path := filepath.Join(b.TempDir(), "guest.cwasm")
	check(b, os.WriteFile(path, serialized(b, engine), 0o644))
	for b.Loop() {
		m, err := wasmtime.NewModuleDeserializeFile(engine, path)
		check(b, err)
		m.Close()
	}
}

func kernel(b *testing.B, k work.Kernel, name string, wasm []byte, wasi *wasmtime.WasiConfig) {
	store, inst := instantiate(b, wasm, wasi, nil)
	fn := inst.GetFunc(store, name)
	for b.Loop() {
		v, err := fn.Call(store, k.N)
		check(b, err)
		k.Check(b, v.(int64))
	}
}

// An op is one call of the kernel.
func BenchmarkKernel(b *testing.B) {
	for _, k := range work.Kernels {
		b.Run(k.Name, func(b *testing.B) { kernel(b, k, k.Name, k.Wasm(), nil) })
	}
	b.Run(work.GoKernel.Name, func(b *testing.B) {
		kernel(b, work.GoKernel, "kernel", work.BigGuest(b), wasmtime.NewWasiConfig())
	})
}

// files instantiates the file guest with the data folder preopened, and returns the opened file.
func files(b *testing.B) (*wasmtime.Store, *wasmtime.Instance, int32) {
	b.Helper()
	wasi := wasmtime.NewWasiConfig()
	check(b, wasi.PreopenDir(work.Data(b), "/", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE))
	store, inst := instantiate(b, work.FileIO, wasi, nil)
	fd, err := inst.GetFunc(store, "open_data").Call(store)
	check(b, err)
	if fd.(int32) < 0 {
		b.Fatalf("open_data: errno %d", -fd.(int32))
	}
	return store, inst, fd.(int32)
}

// An op is 64 MiB in reads of 64 KiB from a file in a preopened folder.
func BenchmarkRead(b *testing.B) {
	store, inst, fd := files(b)
	fn := inst.GetFunc(store, "read_all")
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := fn.Call(store, fd)
		check(b, err)
		work.Moved(b, n.(int64))
	}
}

// An op is 64 MiB in writes of 64 KiB to a file in a preopened folder.
func BenchmarkWrite(b *testing.B) {
	store, inst, fd := files(b)
	fn := inst.GetFunc(store, "write_all")
	b.SetBytes(work.FileSize)
	for b.Loop() {
		n, err := fn.Call(store, fd, int64(work.FileSize))
		check(b, err)
		work.Moved(b, n.(int64))
	}
}

// An op is one read of eight bytes of guest memory, safe against growth: the slice is asked for each time.
func BenchmarkMemory(b *testing.B) {
	store, inst := instantiate(b, work.Small, nil, nil)
	mem := inst.GetExport(store, "memory").Memory()
	b.ReportAllocs()
	b.ResetTimer()
	var sum uint64
	for i := range b.N {
		sum += binary.LittleEndian.Uint64(mem.UnsafeData(store)[(i&1023)*8:])
	}
	work.Sink = sum
}

// An op is one write of eight bytes of guest memory, in the same way.
func BenchmarkMemoryWrite(b *testing.B) {
	store, inst := instantiate(b, work.Small, nil, nil)
	mem := inst.GetExport(store, "memory").Memory()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		binary.LittleEndian.PutUint64(mem.UnsafeData(store)[(i&1023)*8:], uint64(i))
	}
}
