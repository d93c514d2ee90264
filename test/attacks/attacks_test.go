package attacks_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Attacks on lifetimes and ownership, each of which once got through. Most of them crash when they do, so they run in
// a process of their own.

// A store whose call was thrown away by runtime.Goexit is closed to everyone, and says why.
func TestAttackGoexitThenUse(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	store := NewStore(NewEngine())
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)) (func (export "trap") (unreachable)))`,
		func() { runtime.Goexit() })
	run, trap := instance.GetFunc(store, "run"), instance.GetFunc(store, "trap")
	var wg sync.WaitGroup
	wg.Go(func() { run.Call(store) })
	wg.Wait()
	_, err := trap.Call(store)
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	WantText(t, err, "runtime.Goexit")
	store.Close()
	other, fresh := Guest(t, `(module (func (export "trap") (unreachable)))`)
	_, err = fresh.GetFunc(other, "trap").Call(other)
	WantTrap(t, err, UnreachableCodeReached)
}

// A panic in what runtime.Goexit runs is recovered on the way, and Goexit goes on all the same.
func TestAttackGoexitAndPanic(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	failing := func() {
		defer func() { panic("a deferred function's") }()
		runtime.Goexit()
	}
	started := func() (*Store, *Func) {
		store := NewStore(NewEngine())
		return store, Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`, failing).GetFunc(store, "run")
	}
	store, run := started()
	typedStore, typedRun := started()
	typed := Must(Bind0[None](typedStore, typedRun))
	served := NewWasiGuest(t, SystemWith(failing))
	clock := served.Instance.GetFunc(served.Store, "clock_time_get")
	calls := map[string]func() error{
		"Call":  func() error { return ErrorOf(run.Call(store)) },
		"typed": func() error { return ErrorOf(typed.Call()) },
		"a clock": func() error {
			return ErrorOf(clock.Call(served.Store, int32(ClockRealtime), int64(1), int32(GuestResult)))
		},
	}
	for name, call := range calls {
		var wg sync.WaitGroup
		wg.Go(func() { t.Error(name, "returned", call()) })
		wg.Wait()
	}
	for range 100 { // one of these has the memory of a goroutine that has ended
		var wg sync.WaitGroup
		wg.Go(func() {
			for name, call := range calls {
				if err := call(); !errors.Is(err, ErrClosed) {
					t.Errorf("%s: got %v", name, err)
				}
			}
		})
		wg.Wait()
	}
}

// A call that is refused because one of two is closed does not hold on to the other.
func TestAttackClosedModule(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	module := Compile(t, engine, `(module)`)
	store := NewStore(engine)
	defer store.Close()
	module.Close()
	for _, err := range []error{
		ErrorOf(linker.Instantiate(store, module)),
		ErrorOf(linker.InstantiatePre(module)),
		linker.DefineUnknownImportsAsTraps(module),
	} {
		WantTyped(t, err, ErrClosed, "the module")
	}
	linker.Close() // TestMain counts what is left in a debug build
}

// The goroutine ends in a host function that a guest called which a host function called.
func TestAttackGoexitNested(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	store := NewStore(NewEngine())
	var run *Func
	depth := 0
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`,
		func() {
			if depth++; depth == 3 {
				runtime.Goexit()
			}
			run.Call(store)
		})
	run = instance.GetFunc(store, "run")
	var wg sync.WaitGroup
	wg.Go(func() { run.Call(store) })
	wg.Wait()
	if _, err := run.Call(store); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	store.Close()
}

// Engines are ticked by one goroutine and closed by another.
func TestAttackCloseWhileTicking(t *testing.T) {
	if !Survives(t) {
		return
	}
	for range Rounds(500) {
		engine := NewEngine()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				defer func() {
					if got := recover(); got != any(ClosedText) {
						t.Errorf("panic: %v", got)
					}
				}()
				for {
					engine.IncrementEpoch()
				}
			})
		}
		runtime.Gosched()
		engine.Close()
		wg.Wait()
	}
}

// A linker that is closed by a host function in the middle of DefineModule lives until that is over.
func TestAttackLinkerClosedInside(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	defer store.Close()
	Check(t, linker.FuncWrap("", "f", func() {
		linker.Close()
		for range 100 {
			NewLinker(engine).Close()
		}
	}))
	err := linker.DefineModule(store, "m", Compile(t, engine, `(module (import "" "f" (func $f)) (func (export "_initialize") (call $f)))`))
	WantIs(t, err, ErrClosed)
	WantPanic(t, "after it", ClosedText, func() { linker.AllowShadowing(true) })
}

// A goroutine that a host function starts cannot get at the store through the Caller.
func TestAttackCallerOnAnotherGoroutine(t *testing.T) {
	store, instance := Guest(t, `(module (import "" "" (func $f)) (memory (export "m") 1) (func (export "run") (call $f)))`, func(c *Caller) {
		var wg sync.WaitGroup
		wg.Go(func() {
			WantPanic(t, "GetExport", ErrConcurrentUse.Error(), func() { c.GetExport("m") })
			WantPanic(t, "GetMemory", ErrConcurrentUse.Error(), func() { c.GetMemory("m") })
		})
		wg.Wait()
		if c.GetMemory("m") == nil {
			t.Error("no memory on the goroutine of the call")
		}
	})
	Call(t, store, instance, "run")
}

// An error that outlives its store says nothing to the store that has its number now.
func TestAttackErrorOutlivesStore(t *testing.T) {
	engine := NewEngine()
	ty := NewTableType(NewValType(KindExternref), 0, false, 0)
	first := NewStore(engine)
	first.Limiter(1<<16, -1, -1, -1, -1)
	table := Must(NewTable(first, ty, ValExternref(nil)))
	var full error
	grown := 0
	for ; full == nil && grown < 1<<20; grown++ {
		_, full = table.Grow(first, 1, ValExternref(grown))
	}
	if full == nil {
		t.Fatal("the heap of externrefs has no end")
	}
	first.Close()

	second := NewStore(engine)
	defer second.Close()
	table = Must(NewTable(second, ty, ValExternref(nil)))
	for i := range grown {
		Must(table.Grow(second, 1, ValExternref(i)))
	}
	Must(WrapFunc(second, func() { _ = full.Error() }).Call(second))
	for i := range grown {
		if got := Must(table.Get(second, uint64(i))).Externref(); got != i {
			t.Fatalf("element %d is %v", i, got)
		}
	}
}

// lateContext is over before anybody who waits for it hears of it.
type lateContext struct {
	context.Context
	done chan struct{}
	err  error
}

func (c *lateContext) Done() <-chan struct{} { return c.done }
func (c *lateContext) Err() error            { return c.err }

// An interrupt that was raised for a call which is over does not stop a later one.
func TestAttackInterruptLeftOver(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	outer := &lateContext{Context: context.Background(), done: make(chan struct{})}
	var instance *Instance
	store, instance := GuestIn(t, engine, `(module (import "" "" (func $f)) (func (export "run") (call $f))
		(func (export "loop") (loop $again (br $again))))`, func(c *Caller) {
		loop := c.GetExport("loop").Func()
		outer.err = errors.New("over")
		WantTrap(t, UntilTrap(func(delay time.Duration) error {
			ctx, cancel := context.WithTimeout(context.Background(), delay)
			defer cancel()
			return ErrorOf(loop.CallContext(ctx, c))
		}), Interrupt)
	})
	instance.GetFunc(store, "run").CallContext(outer, store)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := errors.New("ended by the test")
	ticks := make(chan struct{})
	go func() {
		defer close(ticks)
		for range 3 {
			time.Sleep(5 * time.Millisecond)
			engine.IncrementEpoch()
		}
		cancel(ended)
	}()
	_, err := instance.GetFunc(store, "loop").CallContext(ctx, store)
	if !errors.Is(err, ended) || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped by %v", errors.Unwrap(err))
	}
	if !strings.Contains(err.Error(), "The context of the call ended: context canceled: ended by the test") {
		t.Errorf("the text is %q", err)
	}
	<-ticks
}

// A nil *Trap that is an ordinary result is a value like any other, and takes nobody's place.
func TestAttackNilTrapAsValue(t *testing.T) {
	store, instance := Guest(t, `(module (import "" "" (func $f (param externref) (result externref))) (table (export "t") 8 externref)
		(func (export "run") (param externref) (result externref) (call $f (local.get 0))))`, func(any) any { return (*Trap)(nil) })
	Equal(t, "result", Call(t, store, instance, "run", "argument"), any((*Trap)(nil)))
	store.GC()
	table := instance.GetExport(store, "t").Table()
	for i := range 4 {
		Check(t, table.Set(store, uint64(i), ValExternref(fmt.Sprint("v", i))))
	}
	for i := range 4 {
		Equal(t, "element", Must(table.Get(store, uint64(i))).Externref(), any(fmt.Sprint("v", i)))
	}
}

// What the native library cannot be told is refused in Go.
func TestAttackConfigArguments(t *testing.T) {
	if !Survives(t) {
		return
	}
	for name, set := range map[string]func(*Config){
		"strategy":    func(c *Config) { c.SetStrategy(77) },
		"level":       func(c *Config) { c.SetCraneliftOptLevel(77) },
		"profiler":    func(c *Config) { c.SetProfiler(77) },
		"flag":        func(c *Config) { c.EnableCraneliftFlag("\xff") },
		"flag's name": func(c *Config) { c.SetCraneliftFlag("a\x00b", "true") },
		"stack":       func(c *Config) { c.SetMaxWasmStack(1 << 30) },
	} {
		cfg := NewConfig()
		set(cfg)
		if _, err := TryNewEngine(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, target := range []string{"\xff", "a\x00b"} {
		cfg := NewConfig()
		if err := cfg.SetTarget(target); err == nil {
			t.Errorf("target %q: no error", target)
		}
		cfg.Close()
	}
}

// Zero values count as closed.
func TestAttackZeroValues(t *testing.T) {
	if !Survives(t) {
		return
	}
	engine := NewEngine()
	store := NewStore(engine)
	defer store.Close()
	module := Compile(t, engine, `(module)`)
	for _, err := range []error{
		ErrorOf(NewModule(&Engine{}, nil)),
		ErrorOf(NewInstance(store, &Module{}, nil)),
		new(Linker).DefineWasi(),
		ErrorOf(new(Linker).GetDefault(store, "")),
		new(Linker).DefineModule(store, "m", module),
		ErrorOf((&Linker{Engine: engine}).Instantiate(store, module)),
		ErrorOf(new(InstancePre).Instantiate(store)),
		ErrorOf(TryNewEngine(&Config{})),
	} {
		WantIs(t, err, ErrClosed)
	}
	for name, use := range map[string]func(){
		"store of": func() { NewStore(&Engine{}) },
		"trap":     func() { _ = new(Trap).Error() },
	} {
		WantPanic(t, name, ClosedText, use)
	}
	new(Engine).Close()
	new(Linker).Close()
	new(Module).Close()
	new(Trap).Close()
	var missing *Func
	_, err := missing.Call(store)
	WantText(t, err, "nil")
	_, err = Bind0[None](store, nil)
	WantText(t, err, "nil")
}

// The exit of a nested guest that a host function passes on is the exit of the outer one.
func TestAttackExitThroughHost(t *testing.T) {
	store, instance := Guest(t, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`,
		HostFunc0(func(*Caller) (None, error) { return None{}, fmt.Errorf("nested: %w", &ExitError{Status: 7}) }))
	_, err := instance.GetFunc(store, "run").Call(store)
	status, ok := err.(*Error).ExitStatus()
	Equal(t, "status", status, int32(7))
	Equal(t, "ok", ok, true)
}

// A context that cannot be cancelled takes the deadline away as any other does.
func TestAttackBackgroundContext(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, `(module (func (export "f") (result i32) (i32.const 4)))`)
	f := instance.GetFunc(store, "f")
	Equal(t, "f", Must(f.CallContext(context.Background(), store)), any(int32(4)))
	raw := Must(BindRaw(store, f))
	stack := make([]Raw, raw.Slots())
	Check(t, raw.CallContext(context.Background(), stack))
	Equal(t, "raw", stack[0].I32(), int32(4))
}
