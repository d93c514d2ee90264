package testkit

import (
	"runtime"
	"testing"

	"github.com/gowasmtime/wasmtime"
)

// EngineWith makes an engine; each option changes its configuration. The caller closes it, or leaves it to the
// collector.
func EngineWith(tb testing.TB, options ...func(*wasmtime.Config)) *wasmtime.Engine {
	tb.Helper()
	cfg := wasmtime.NewConfig()
	for _, option := range options {
		option(cfg)
	}
	engine, err := wasmtime.TryNewEngine(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// WithEpochs is an option of EngineWith: guests can be interrupted.
func WithEpochs(cfg *wasmtime.Config) { cfg.SetEpochInterruption(true) }

// Compile makes a module of its text. The caller closes it, or leaves it to the collector.
func Compile(tb testing.TB, engine *wasmtime.Engine, wat string) *wasmtime.Module {
	tb.Helper()
	wasm, err := wasmtime.Wat2Wasm(wat)
	if err != nil {
		tb.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		tb.Fatal(err)
	}
	return module
}

// Guest instantiates a module with its imports, as Items takes them, in a new store of a new engine. The store is
// closed with the test.
func Guest(tb testing.TB, wat string, imports ...any) (*wasmtime.Store, *wasmtime.Instance) {
	tb.Helper()
	return GuestIn(tb, wasmtime.NewEngine(), wat, imports...)
}

// GuestIn is Guest with an engine.
func GuestIn(tb testing.TB, engine *wasmtime.Engine, wat string, imports ...any) (*wasmtime.Store, *wasmtime.Instance) {
	tb.Helper()
	store := wasmtime.NewStore(engine)
	tb.Cleanup(func() { store.Close() })
	return store, Instantiate(tb, store, wat, imports...)
}

// Instantiate instantiates a module with its imports, as Items takes them, in a store.
func Instantiate(tb testing.TB, store *wasmtime.Store, wat string, imports ...any) *wasmtime.Instance {
	tb.Helper()
	instance, err := wasmtime.NewInstance(store, Compile(tb, store.Engine, wat), Items(store, imports...))
	if err != nil {
		tb.Fatal(err)
	}
	return instance
}

// Items makes imports of Go functions and of typed host functions. What is an import already stays as it is.
func Items(store wasmtime.Storelike, imports ...any) []wasmtime.AsExtern {
	var items []wasmtime.AsExtern
	for _, imported := range imports {
		switch imported := imported.(type) {
		case wasmtime.AsExtern:
			items = append(items, imported)
		case wasmtime.HostFunc:
			items = append(items, wasmtime.NewHostFunc(store, imported))
		default:
			items = append(items, wasmtime.WrapFunc(store, imported))
		}
	}
	return items
}

// Call calls an exported function, which has to succeed, and returns its result.
func Call(tb testing.TB, store wasmtime.Storelike, instance *wasmtime.Instance, name string, args ...any) any {
	tb.Helper()
	result, err := instance.GetFunc(store, name).Call(store, args...)
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return result
}

// HasWinch says that Winch compiles for this machine.
const HasWinch = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// CompilesQuickly is for large guests, such as those in Go: by Winch, where there is one.
func CompilesQuickly(c *wasmtime.Config) {
	if HasWinch {
		c.SetStrategy(wasmtime.StrategyWinch)
	}
}
