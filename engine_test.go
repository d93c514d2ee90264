package wasmtime_test

import (
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestVersion(t *testing.T) {
	if got := Version(); !regexp.MustCompile(`^48\.0\.\d+$`).MatchString(got) {
		t.Errorf("Version() = %q", got)
	}
}

func TestEngineIsPulley(t *testing.T) {
	Equal(t, "the default", NewEngine().IsPulley(), false)
	cfg := NewConfig()
	Check(t, cfg.SetTarget("pulley64"))
	engine, err := TryNewEngine(cfg)
	if err != nil {
		WantText(t, err, "pulley") // the library is built without the interpreter
		return
	}
	Equal(t, "pulley64", engine.IsPulley(), true)
	module, err := NewModule(engine, Must(Wat2Wasm(`(module (func (export "f") (result i32) (i32.const 7)))`)))
	if err != nil {
		WantText(t, err, "pulley")
		return
	}
	store := NewStore(engine)
	instance := Must(NewInstance(store, module, nil))
	Equal(t, "interpreted", Call(t, store, instance, "f"), any(int32(7)))
}

func TestEngineClose(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 7)))`)
	linker, store := NewLinker(engine), NewStore(engine)
	defer store.Close()
	engine.Close()
	engine.Close()

	instance, err := linker.Instantiate(store, module)
	Check(t, err)
	Equal(t, "a store of a closed engine", Call(t, store, instance, "f"), any(int32(7)))
	if _, err := module.Serialize(); err != nil {
		t.Error(err)
	}
	WantTyped(t, ErrorOf(NewModule(engine, nil)), ErrClosed, "the engine")
}

// One engine serves many goroutines, each with modules and stores of its own.
func TestEngineIsShared(t *testing.T) {
	engine := NewEngine()
	var wg sync.WaitGroup
	for i := range int32(8) {
		wg.Go(func() {
			for range 20 {
				store := NewStore(engine)
				module := Must(NewModule(engine, Must(Wat2Wasm(`(module (func (export "f") (param i32) (result i32)
					(i32.mul (local.get 0) (i32.const 3))))`))))
				instance := Must(NewInstance(store, module, nil))
				if got := Must(instance.GetFunc(store, "f").Call(store, i)); got != i*3 {
					t.Errorf("%d * 3 = %v", i, got)
				}
				module.Close()
				store.Close()
			}
		})
	}
	wg.Wait()
}

// A store keeps its engine, and what a cleanup frees is freed once the last of them is unreachable.
func TestEngineCollected(t *testing.T) {
	var gone atomic.Bool
	var store *Store
	func() {
		engine := NewEngine()
		store = NewStore(engine)
		runtime.AddCleanup(engine, func(gone *atomic.Bool) { gone.Store(true) }, &gone)
	}()
	for range 5 {
		runtime.GC()
	}
	if gone.Load() {
		t.Fatal("the engine of a live store was collected")
	}
	Equal(t, "still compiles", Call(t, store, Instantiate(t, store, `(module (func (export "f")))`), "f"), nil)
	runtime.KeepAlive(store)
	store = nil
	Collected(t, "the engine", gone.Load)
}
