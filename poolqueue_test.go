package wasmtime_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// smallPool is an engine with a pool of n places.
func smallPool(t *testing.T, n uint32) *Engine {
	engine := EngineWith(t, WithEpochs, func(cfg *Config) {
		cfg.SetPooling(PoolingConfig{MaxInstances: n, MaxMemorySize: 1 << 16, MaxTableElements: 10})
	})
	t.Cleanup(engine.Close)
	return engine
}

// fillPool takes n places of a pool.
func fillPool(t *testing.T, engine *Engine, module *Module, n int) (stores []*Store) {
	for range n {
		store := NewStore(engine)
		t.Cleanup(store.Close)
		Must(NewInstance(store, module, nil))
		stores = append(stores, store)
	}
	return stores
}

// awaitWaiting waits until so many instantiations wait.
func awaitWaiting(t *testing.T, n int) {
	t.Helper()
	for begun := time.Now(); Stats().WaitingInstances != n; runtime.Gosched() {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d instantiations wait, not %d", Stats().WaitingInstances, n)
		}
	}
}

// An instantiation with a context waits for a place, whatever it is made with.
func TestPoolIsWaitedFor(t *testing.T) {
	engine := smallPool(t, 2)
	module := Compile(t, engine, `(module (memory 1))`)
	linker := NewLinker(engine)
	pre := Must(linker.InstantiatePre(module))
	held := fillPool(t, engine, module, 2)
	for name, instantiate := range map[string]func(context.Context, Storelike) (*Instance, error){
		"NewInstance": func(ctx context.Context, store Storelike) (*Instance, error) {
			return NewInstanceContext(ctx, store, module, nil)
		},
		"Linker": func(ctx context.Context, store Storelike) (*Instance, error) {
			return linker.InstantiateContext(ctx, store, module)
		},
		"InstancePre": pre.InstantiateContext,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			store := NewStore(engine)
			running := Stats().RunningGuests
			done := make(chan error)
			go func() { done <- ErrorOf(instantiate(ctx, store)) }()
			awaitWaiting(t, 1)
			Equal(t, "what runs", Stats().RunningGuests, running)
			WantTyped(t, ErrorOf(NewInstance(store, module, nil)), ErrConcurrentUse, "")
			// Who has no context that can end fails at once.
			WantTyped(t, ErrorOf(instantiate(nil, NewStore(engine))), ErrPoolFull, "limit of 2")
			WantTyped(t, ErrorOf(instantiate(context.Background(), NewStore(engine))), ErrPoolFull, "limit of 2")
			held[0].Close()
			Check(t, <-done)
			Equal(t, "waiting", Stats().WaitingInstances, 0)
			held[0] = store
		})
	}
	held[0].Close()
}

// The wait ends with the context. The store can be used afterwards, and has taken no place.
func TestPoolIsWaitedForUntilTheContextEnds(t *testing.T) {
	engine := smallPool(t, 1)
	module := Compile(t, engine, `(module (memory 1))`)
	held := fillPool(t, engine, module, 1)
	store := NewStore(engine)
	defer store.Close()
	reason := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- ErrorOf(NewInstanceContext(ctx, store, module, nil)) }()
	awaitWaiting(t, 1)
	cancel(reason)
	err := <-done
	for _, cause := range []error{context.Canceled, reason, ErrPoolFull} {
		WantTyped(t, err, cause, "the client has gone")
	}
	late, stop := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer stop()
	err = ErrorOf(NewInstanceContext(late, store, module, nil))
	WantTyped(t, err, context.DeadlineExceeded, "deadline")
	WantTyped(t, err, ErrPoolFull, "pool is full")
	Equal(t, "waiting", Stats().WaitingInstances, 0)
	held[0].Close()
	Check(t, ErrorOf(NewInstance(store, module, nil)))
	WantTyped(t, ErrorOf(NewInstance(NewStore(engine), module, nil)), ErrPoolFull, "limit of 1")
}

// Those who wait come in their order, and one that gives up does not take the turn of another.
func TestPoolIsGivenInOrder(t *testing.T) {
	engine := smallPool(t, 1)
	module := Compile(t, engine, `(module (memory 1))`)
	first := fillPool(t, engine, module, 1)[0]
	type turn struct {
		number int
		store  *Store
		err    error
	}
	turns := make(chan turn)
	var cancels []func()
	const n = 6
	for i := range n {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		cancels = append(cancels, cancel)
		go func() {
			store := NewStore(engine)
			err := ErrorOf(NewInstanceContext(ctx, store, module, nil))
			turns <- turn{i, store, err}
		}()
		awaitWaiting(t, i+1)
	}
	for _, gone := range []int{0, 3} {
		cancels[gone]()
		got := <-turns
		Equal(t, "who gives up", got.number, gone)
		WantIs(t, got.err, context.Canceled)
		got.store.Close() // which had no place
	}
	open, best := first, time.Minute
	for _, next := range []int{1, 2, 4, 5} {
		closed := time.Now()
		open.Close()
		got := <-turns
		best = min(best, time.Since(closed))
		Check(t, got.err)
		Equal(t, "whose turn it is", got.number, next)
		open = got.store
	}
	open.Close()
	if best > 500*time.Millisecond {
		t.Errorf("the place of a closed store was given after %v", best)
	}
}

// Many more goroutines than places all get theirs, and never more of them at once than there are places.
func TestPoolUnderContention(t *testing.T) {
	const places, goroutines = 4, 40
	rounds := 25
	if Race || Debug {
		rounds = 5
	}
	engine := smallPool(t, places)
	module := Compile(t, engine, `(module (memory 1) (func (export "f") (result i32) (i32.const 7)))`)
	pre := Must(NewLinker(engine).InstantiatePre(module))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var open, most, gaveUp atomic.Int64
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for round := range rounds {
				store := NewStore(engine)
				wait, stop := ctx, func() {}
				if i%8 == 0 && round%3 == 0 { // some are impatient
					wait, stop = context.WithTimeout(ctx, time.Millisecond)
				}
				instance, err := pre.InstantiateContext(wait, store)
				stop()
				switch {
				case err == nil:
					n := open.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					Equal(t, "f", Call(t, store, instance, "f"), any(int32(7)))
					open.Add(-1)
				case wait != ctx && errors.Is(err, context.DeadlineExceeded):
					gaveUp.Add(1)
				default:
					t.Errorf("round %d: %v", round, err)
				}
				store.Close()
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > places || n == 0 {
		t.Errorf("%d instances at once in a pool of %d", n, places)
	}
	Equal(t, "waiting", Stats().WaitingInstances, 0)
	fillPool(t, engine, module, places) // and nothing is lost
}

// A start function that takes its time keeps nobody from a place.
func TestStartFunctionDoesNotHoldThePool(t *testing.T) {
	engine := smallPool(t, 2)
	module := Compile(t, engine, `(module (memory 1))`)
	slow := Compile(t, engine, `(module (import "" "" (func $f)) (memory 1) (start $f))`)
	held := fillPool(t, engine, module, 2)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done, other := make(chan error), make(chan struct{})
	store := NewStore(engine)
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	go func() {
		host := WrapFunc(store, func() {
			select {
			case <-other:
			case <-ctx.Done():
			}
		})
		done <- ErrorOf(NewInstanceContext(ctx, store, slow, []AsExtern{host}))
	}()
	awaitWaiting(t, 1)
	go func() {
		store := NewStore(engine)
		defer store.Close()
		err := ErrorOf(NewInstanceContext(ctx, store, module, nil))
		close(other)
		done <- err
	}()
	awaitWaiting(t, 2)
	held[0].Close()
	held[1].Close()
	for range 2 {
		Check(t, <-done)
	}
}

// One that was let try and fails for another reason hands its turn on, without waiting for anything.
func TestPoolTurnIsHandedOn(t *testing.T) {
	engine := smallPool(t, 1)
	module := Compile(t, engine, `(module (memory 1))`)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	best := time.Minute
	for range 5 {
		held := fillPool(t, engine, module, 1)[0]
		stores, done := []*Store{NewStore(engine), NewStore(engine), NewStore(engine)}, make([]chan error, 3)
		stores[1].Limiter(-1, -1, -1, -1, 0)
		for i, store := range stores {
			done[i] = make(chan error, 1)
			go func() { done[i] <- ErrorOf(NewInstanceContext(ctx, store, module, nil)) }()
			awaitWaiting(t, i+1)
		}
		held.Close()
		Check(t, <-done[0])
		stores[0].Close()
		WantText(t, <-done[1], "memor")
		failed := time.Now()
		Check(t, <-done[2])
		best = min(best, time.Since(failed))
		stores[1].Close()
		stores[2].Close()
	}
	if best > 500*time.Millisecond {
		t.Errorf("the next one came after %v", best)
	}
}

// Stores that nobody closes give their places to those who wait as well.
func TestPoolOfGarbageIsWaitedFor(t *testing.T) {
	engine := smallPool(t, 2)
	module := Compile(t, engine, `(module (memory 1))`)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range 20 {
		if err := ErrorOf(NewInstanceContext(ctx, NewStore(engine), module, nil)); err != nil {
			t.Fatalf("store %d: %v", i, err)
		}
	}
	// Also those that become garbage while somebody waits.
	held := []*Store{NewStore(engine), NewStore(engine)}
	for _, store := range held {
		Check(t, ErrorOf(NewInstanceContext(ctx, store, module, nil)))
	}
	done := make(chan error)
	go func() { done <- ErrorOf(NewInstanceContext(ctx, NewStore(engine), module, nil)) }()
	awaitWaiting(t, 1)
	runtime.KeepAlive(held)
	held = nil
	Check(t, <-done)
}

// A host function may wait for a place for another store, or for its own.
func TestPoolIsWaitedForInsideOfACall(t *testing.T) {
	engine := smallPool(t, 3)
	module := Compile(t, engine, `(module (memory 1))`)
	held := fillPool(t, engine, module, 2)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	store := NewStore(engine)
	defer store.Close()
	other := NewStore(engine)
	defer other.Close()
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("", "own", func(c *Caller) { Check(t, ErrorOf(NewInstanceContext(ctx, c, module, nil))) }))
	Check(t, linker.FuncWrap("", "other", func() { Check(t, ErrorOf(NewInstanceContext(ctx, other, module, nil))) }))
	instance := Must(linker.Instantiate(store, Compile(t, engine, `(module (import "" "own" (func $own)) (import "" "other" (func $other))
		(memory 1) (func (export "run") (call $own) (call $other)))`)))
	done := make(chan error)
	go func() { done <- ErrorOf(instance.GetFunc(store, "run").CallContext(ctx, store)) }()
	for _, store := range held {
		awaitWaiting(t, 1)
		store.Close()
	}
	Check(t, <-done)
}

// neverServed checks that an instantiation with a context that has time is refused at once, and with what error.
func neverServed(t *testing.T, err error, text string) {
	t.Helper()
	WantTyped(t, err, ErrPoolFull, text)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("it has waited: %v", err)
	}
}

// An instantiation for which no place can become free is refused at once: all of them belong to those who wait for it,
// or for others.
func TestPoolIsNotWaitedForInVain(t *testing.T) {
	engine := smallPool(t, 2)
	module := Compile(t, engine, `(module (memory 1))`)
	pre := Must(NewLinker(engine).InstantiatePre(module))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const vain = "all who have one are waiting themselves"
	idle := NewStore(engine) // which has nothing of the pool
	defer idle.Close()

	t.Run("the store's own", func(t *testing.T) {
		store := fillPool(t, engine, module, 1)[0]
		Check(t, ErrorOf(pre.InstantiateContext(ctx, store)))
		for range 3 {
			neverServed(t, ErrorOf(pre.InstantiateContext(ctx, store)), vain)
			neverServed(t, ErrorOf(NewInstanceContext(ctx, store, module, nil)), "limit of 2")
			neverServed(t, ErrorOf(pre.InstantiateContext(ctx, store)), ErrPoolFull.Error())
		}
		store.Close()
		Check(t, ErrorOf(pre.InstantiateContext(ctx, idle)))
	})
	idle.Close()
	t.Run("those of host functions", func(t *testing.T) {
		outer, inner := NewStore(engine), NewStore(engine)
		defer outer.Close()
		defer inner.Close()
		linker := NewLinker(engine)
		Check(t, linker.FuncWrap("", "own", func(c *Caller) {
			Check(t, ErrorOf(pre.InstantiateContext(ctx, c)))
			neverServed(t, ErrorOf(pre.InstantiateContext(ctx, c)), vain)
			neverServed(t, ErrorOf(pre.InstantiateContext(ctx, inner)), vain)
		}))
		instance := Must(linker.Instantiate(outer, Compile(t, engine, `(module (import "" "own" (func $own)) (memory 1)
			(func (export "run") (call $own)))`)))
		Check(t, ErrorOf(instance.GetFunc(outer, "run").CallContext(ctx, outer)))
	})
	t.Run("with one who got nothing", func(t *testing.T) {
		stores, other := fillPool(t, engine, module, 2), NewStore(engine)
		defer other.Close()
		short, stop := context.WithTimeout(context.Background(), time.Millisecond)
		defer stop()
		WantTyped(t, ErrorOf(pre.InstantiateContext(short, other)), context.DeadlineExceeded, "")
		stores[0].Close()
		Check(t, ErrorOf(pre.InstantiateContext(ctx, stores[1])))
		neverServed(t, ErrorOf(pre.InstantiateContext(ctx, stores[1])), vain)
		stores[1].Close()
	})
	t.Run("those of others who wait", func(t *testing.T) {
		stores := fillPool(t, engine, module, 2)
		done := make(chan error)
		go func() { done <- ErrorOf(pre.InstantiateContext(ctx, stores[0])) }()
		awaitWaiting(t, 1)
		neverServed(t, ErrorOf(pre.InstantiateContext(ctx, stores[1])), vain)
		Equal(t, "waiting", Stats().WaitingInstances, 1)
		stores[1].Close()
		Check(t, <-done)
		stores[0].Close()
	})
	t.Run("those of a store that is lost", func(t *testing.T) {
		if Debug {
			t.Skip("the store's memory is lost on purpose, which counts as a leak")
		}
		small := smallPool(t, 1)
		module := Compile(t, small, `(module (import "" "" (func $f)) (memory 1) (func (export "run") (call $f)))`)
		lost := NewStore(small)
		instance := Must(NewInstance(lost, module, []AsExtern{WrapFunc(lost, func() { runtime.Goexit() })}))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			instance.GetFunc(lost, "run").CallContext(ctx, lost)
		}()
		<-ended
		WantTyped(t, lost.SetFuel(1), ErrClosed, "lost")
		store := NewStore(small)
		defer store.Close()
		neverServed(t, ErrorOf(NewInstanceContext(ctx, store, Compile(t, small, `(module (memory 1))`), nil)), vain)
	})
	Equal(t, "waiting", Stats().WaitingInstances, 0)
	for _, store := range fillPool(t, engine, module, 2) { // and nothing is lost
		store.Close()
	}
}

// What takes more than the pool has is refused when it is loaded, however it is: it could have no instance.
func TestPoolIsTooSmall(t *testing.T) {
	pool := func(of uint32) *Engine {
		engine := EngineWith(t, func(cfg *Config) {
			cfg.SetPooling(PoolingConfig{
				MaxInstances: of, MaxMemorySize: 1 << 16, MaxTableElements: 10, MaxMemoriesPerModule: 5, MaxTablesPerModule: 5,
			})
		})
		t.Cleanup(engine.Close)
		return engine
	}
	small, large := pool(2), pool(3)
	fits := Compile(t, small, `(module (memory 1) (memory 1) (table 1 funcref) (table 1 funcref))`)
	store := NewStore(small)
	defer store.Close()
	Must(NewInstance(store, fits, nil))
	for text, wat := range map[string]string{
		"memories count of 3 exceeds the per-instance limit of 2": `(module (memory 1) (memory 1) (memory 1))`,
		"tables count of 3 exceeds the per-instance limit of 2":   `(module (table 1 funcref) (table 1 funcref) (table 1 funcref))`,
	} {
		wasm := Must(Wat2Wasm(wat))
		WantText(t, ErrorOf(NewModule(small, wasm)), text)
		compiled := Must(Must(NewModule(large, wasm)).Serialize())
		WantText(t, ErrorOf(NewModuleDeserialize(small, compiled)), text)
		path := filepath.Join(TempDir(t), "compiled")
		Check(t, os.WriteFile(path, compiled, 0o600))
		WantText(t, ErrorOf(NewModuleDeserializeFile(small, path)), text)
	}
}

// An instantiation that lacks an import says so at once, whoever waits for a place.
func TestMissingImportsDoNotWait(t *testing.T) {
	engine := smallPool(t, 1)
	plain := Compile(t, engine, `(module (memory 1))`)
	held := fillPool(t, engine, plain, 1)
	lacking := Compile(t, engine, `(module (import "a" "b" (func)) (memory 1))`)
	linker := NewLinker(engine)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan error)
	for i, f := range []func(*Store) error{
		func(s *Store) error { return ErrorOf(NewInstanceContext(ctx, s, plain, nil)) },
		func(s *Store) error { return ErrorOf(linker.InstantiateContext(ctx, s, plain)) },
	} {
		store := NewStore(engine)
		defer store.Close()
		go func() {
			err := f(store)
			store.Close() // before anybody else does
			done <- err
		}()
		awaitWaiting(t, i+1)
	}
	store := NewStore(engine)
	defer store.Close()
	const unknown, few = "unknown import: `a::b`", "expected 1 imports, found 0"
	for _, c := range []struct {
		text        string
		instantiate func() (*Instance, error)
	}{
		{unknown, func() (*Instance, error) { return linker.InstantiateContext(ctx, store, lacking) }},
		{unknown, func() (*Instance, error) { return linker.InstantiateReactorContext(ctx, store, lacking) }},
		{few, func() (*Instance, error) { return NewInstanceContext(ctx, store, lacking, nil) }},
	} {
		failed := make(chan error)
		go func() { failed <- ErrorOf(c.instantiate()) }()
		for waited := false; failed != nil; runtime.Gosched() {
			select {
			case err := <-failed:
				WantText(t, err, c.text)
				failed = nil
			default:
				if !waited && Stats().WaitingInstances > 2 {
					waited = true
					t.Errorf("it waits for a place before it says %q", c.text)
				}
			}
		}
	}
	held[0].Close()
	Check(t, <-done)
	Check(t, <-done)
}

// A store that may have something of the pool, though no instance, is waited for: a GC heap, or a module that a linker
// has instantiated.
func TestPoolIsWaitedForWithoutInstances(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, store *Store, module *Module){
		"DefineModule": func(t *testing.T, store *Store, module *Module) {
			Check(t, NewLinker(store.Engine).DefineModule(store, "m", module))
		},
		"a GC heap for a value": func(t *testing.T, store *Store, _ *Module) {
			Check(t, ErrorOf(WrapFunc(store, func(any) {}).Call(store, "a value")))
		},
		"a GC heap for a global": func(t *testing.T, store *Store, _ *Module) {
			Must(NewGlobal(store, NewGlobalType(NewValType(KindExternref), true), ValExternref("a value")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := smallPool(t, 1)
			module := Compile(t, engine, `(module (memory 1))`)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			holder, store := NewStore(engine), NewStore(engine)
			defer holder.Close()
			defer store.Close()
			take(t, holder, module)
			if err := ErrorOf(NewInstance(store, module, nil)); err == nil {
				t.Skip("it takes nothing of the pool")
			}
			done := make(chan error)
			go func() { done <- ErrorOf(NewInstanceContext(ctx, store, module, nil)) }()
			awaitWaiting(t, 1)
			begun := time.Now()
			holder.Close()
			Check(t, <-done)
			if took := time.Since(begun); took > 500*time.Millisecond {
				t.Errorf("the place was given after %v", took)
			}
		})
	}
}
