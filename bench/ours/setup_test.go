// Package ours measures this module, each time by the fastest way that its documentation names.
package ours_test

import (
	"testing"

	"github.com/gowasmtime/wasmtime"
)

func check(b *testing.B, err error) {
	if err != nil { // b.Helper would cost more than what some benchmarks measure
		b.Helper()
		b.Fatal(err)
	}
}

func newEngine(pooling bool) *wasmtime.Engine {
	cfg := wasmtime.NewConfig()
	if pooling {
		cfg.SetPooling(wasmtime.PoolingPreset())
	}
	return wasmtime.NewEngineWithConfig(cfg)
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
	engine := newEngine(false)
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
