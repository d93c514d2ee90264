package ours_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// An op is a compilation of the big guest.
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

func BenchmarkCompileCranelift(b *testing.B)          { compile(b, wasmtime.StrategyCranelift, true) }
func BenchmarkCompileCraneliftOneThread(b *testing.B) { compile(b, wasmtime.StrategyCranelift, false) }
func BenchmarkCompileWinch(b *testing.B)              { compile(b, wasmtime.StrategyWinch, true) }
func BenchmarkCompileWinchOneThread(b *testing.B)     { compile(b, wasmtime.StrategyWinch, false) }

func serialized(b *testing.B, engine *wasmtime.Engine) []byte {
	b.Helper()
	m := newModule(b, engine, work.BigGuest(b))
	defer m.Close()
	data, err := m.Serialize()
	check(b, err)
	return data
}

// An op is a module made from its serialised bytes, and its end.
func BenchmarkLoadBytes(b *testing.B) {
	engine := newEngine(false)
	data := serialized(b, engine)
	for b.Loop() {
		m, err := wasmtime.NewModuleDeserialize(engine, data)
		check(b, err)
		m.Close()
	}
}

// An op is a module made from a mapped file, and its end.
func loadFile(b *testing.B, engine *wasmtime.Engine, data []byte) {
	path := filepath.Join(b.TempDir(), "guest.cwasm")
	check(b, os.WriteFile(path, data, 0o644))
	b.ReportAllocs()
	for b.Loop() {
		m, err := wasmtime.NewModuleDeserializeFile(engine, path)
		check(b, err)
		m.Close()
	}
}

func BenchmarkLoadFile(b *testing.B) {
	engine := newEngine(false)
	loadFile(b, engine, serialized(b, engine))
}

// The same with a small module.
func BenchmarkLoadFileSmall(b *testing.B) {
	engine := newEngine(false)
	data, err := newModule(b, engine, work.Small).Serialize()
	check(b, err)
	loadFile(b, engine, data)
}

func kernel(b *testing.B, k work.Kernel, name string, wasm []byte, wasi *wasmtime.WasiConfig) {
	store, inst := instantiate(b, wasm, wasi, nil)
	run, err := wasmtime.Bind1[int32, int64](store, inst.GetFunc(store, name))
	check(b, err)
	for b.Loop() {
		result, err := run.Call(k.N)
		check(b, err)
		k.Check(b, result)
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
