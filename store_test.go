package wasmtime_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestStoreData(t *testing.T) {
	engine := NewEngine()
	Equal(t, "none", NewStore(engine).Data(), nil)
	type key struct{ n int }
	data := &key{1}
	store := NewStoreWithData(engine, data)
	Equal(t, "data", store.Data(), any(data))
	Equal(t, "engine", store.Engine, engine)
	var seen any
	WrapFunc(store, func(c *Caller) { seen = c.Data() }).Call(store)
	Equal(t, "data of the caller", seen, any(data))
	store.Close()
	Equal(t, "after Close", store.Data(), nil)
}

const burnWat = `(module
	(func (export "burn") (param $n i32)
		(loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
	(func (export "forever") (loop $again (br $again)))
	(func (export "nothing")))`

func TestFuel(t *testing.T) {
	store, instance := GuestIn(t, EngineWith(t, withFuel), burnWat)
	fuel, err := store.GetFuel()
	Check(t, err)
	Equal(t, "a new store", fuel, 0)
	// The first call says that there has been none, in whatever way it is made.
	const unset = "Store.SetFuel"
	burn := instance.GetFunc(store, "burn")
	start := Compile(t, store.Engine, `(module (func $f) (start $f))`)
	for _, err := range []error{
		ErrorOf(burn.Call(store, 10)), ErrorOf(burn.CallContext(context.Background(), store, 10)),
		ErrorOf(Must(Bind1[int32, None](store, burn)).Call(10)), ErrorOf(NewInstance(store, start, nil)),
	} {
		if trap := WantTrap(t, err, OutOfFuel); !strings.Contains(trap.Error(), unset) {
			t.Errorf("it does not say what to do: %v", trap)
		}
	}
	linker := NewLinker(store.Engine)
	err = linker.DefineModule(store, "m", Compile(t, store.Engine, `(module (func (export "_initialize")))`))
	WantTyped(t, err, OutOfFuel, unset)
	Check(t, store.SetFuel(1000))
	Call(t, store, instance, "burn", 10)
	fuel, err = store.GetFuel()
	Check(t, err)
	if fuel == 0 || fuel >= 1000 {
		t.Errorf("%d of 1000 are left", fuel)
	}
	_, err = instance.GetFunc(store, "forever").Call(store)
	if trap := WantTrap(t, err, OutOfFuel); strings.Contains(trap.Error(), unset) {
		t.Errorf("there was fuel: %v", trap)
	}
	fuel, _ = store.GetFuel()
	Equal(t, "fuel after OutOfFuel", fuel, 0)
	Check(t, store.SetFuel(math.MaxUint64))
	Call(t, store, instance, "burn", 10)
	fuel, _ = store.GetFuel()
	if fuel > math.MaxUint64-10 || fuel < math.MaxUint64-1000 {
		t.Errorf("the largest fuel becomes %d", fuel)
	}

	none, idle := GuestIn(t, store.Engine, burnWat)
	Check(t, none.SetFuel(0)) // on purpose
	_, err = idle.GetFunc(none, "burn").Call(none, 10)
	if trap := WantTrap(t, err, OutOfFuel); strings.Contains(trap.Error(), unset) {
		t.Errorf("it has been set: %v", trap)
	}

	plain := NewStore(NewEngine())
	WantText(t, plain.SetFuel(1), "fuel is not configured in this store: fuel needs an engine with Config.SetConsumeFuel")
	fuel, err = plain.GetFuel()
	WantText(t, err, "Config.SetConsumeFuel")
	Equal(t, "fuel without", fuel, 0)
}

// A host function can refuel its guest.
func TestFuelFromHost(t *testing.T) {
	store := NewStore(EngineWith(t, withFuel))
	Check(t, store.SetFuel(300))
	refuels := 0
	instance := Instantiate(t, store, `(module (import "" "" (func $f))
		(func (export "run") (param $n i32)
			(loop $again (call $f) (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`,
		func() { refuels++; Check(t, store.SetFuel(300)) })
	Call(t, store, instance, "run", 1000)
	Equal(t, "refuels", refuels, 1000)
}

func TestEpochDeadline(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	nothing := instance.GetFunc(store, "nothing")
	_, err := nothing.Call(store)
	// A new store's deadline is over.
	if trap := WantTrap(t, err, Interrupt); !strings.Contains(trap.Error(), "Store.SetEpochDeadline") {
		t.Errorf("the text does not say what is missing: %v", trap)
	}

	store.SetEpochDeadline(2)
	Call(t, store, instance, "nothing")
	engine.IncrementEpoch()
	Call(t, store, instance, "nothing")
	engine.IncrementEpoch()
	_, err = nothing.Call(store)
	WantTrap(t, err, Interrupt)

	store.SetEpochDeadline(1)
	Call(t, store, instance, "nothing")
	store.SetEpochDeadline(0)
	_, err = nothing.Call(store)
	if trap := WantTrap(t, err, Interrupt); strings.Contains(trap.Error(), "SetEpochDeadline") {
		t.Errorf("a deadline that was set is taken for none: %v", trap)
	}
	store.SetEpochDeadline(math.MaxUint64)
	engine.IncrementEpoch()
	Call(t, store, instance, "nothing")
	store.SetEpochDeadline(math.MaxUint64 - 1)
	engine.IncrementEpoch()
	Call(t, store, instance, "nothing")
}

func TestEpochFromGoroutine(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store, instance := GuestIn(t, engine, burnWat)
	store.SetEpochDeadline(1000)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				engine.IncrementEpoch()
				runtime.Gosched()
			}
		}
	})
	_, err := instance.GetFunc(store, "forever").Call(store)
	close(stop)
	wg.Wait()
	trap := WantTrap(t, err, Interrupt)
	Equal(t, "frames", len(trap.Frames()), 1)
}

func TestEpochFromHost(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	store := NewStore(engine)
	store.SetEpochDeadline(1)
	calls := 0
	instance := Instantiate(t, store, `(module (import "" "" (func $f))
		(func (export "run") (loop $again (call $f) (br $again))))`, func() {
		if calls++; calls == 5 {
			engine.IncrementEpoch()
		}
	})
	_, err := instance.GetFunc(store, "run").Call(store)
	WantTrap(t, err, Interrupt)
	Equal(t, "calls", calls, 5)
}

func TestLimiter(t *testing.T) {
	engine := NewEngine()
	wat := `(module (memory (export "m") 1) (table (export "t") 5 funcref)
		(func (export "grow memory") (param i32) (result i32) (memory.grow (local.get 0)))
		(func (export "grow table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`
	module := Compile(t, engine, wat)
	limited := func(memory, table, instances, tables, memories int64) (*Store, error) {
		store := NewStore(engine)
		t.Cleanup(store.Close)
		store.Limiter(memory, table, instances, tables, memories)
		return store, ErrorOf(NewInstance(store, module, nil))
	}
	for name, limits := range map[string][5]int64{
		"memory size": {65535, -1, -1, -1, -1}, "table size": {-1, 4, -1, -1, -1}, "instances": {-1, -1, 0, -1, -1},
		"tables": {-1, -1, -1, 0, -1}, "memories": {-1, -1, -1, -1, 0},
	} {
		if _, err := limited(limits[0], limits[1], limits[2], limits[3], limits[4]); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %T", name, err)
		}
	}
	for _, limits := range [][5]int64{{-1, -1, -1, -1, -1}, {65536, 5, 1, 1, 1}, {math.MinInt64, -1, -1, -1, math.MaxInt64}} {
		if _, err := limited(limits[0], limits[1], limits[2], limits[3], limits[4]); err != nil {
			t.Errorf("%v: %v", limits, err)
		}
	}

	store, err := limited(3<<16, 7, 2, -1, -1)
	Check(t, err)
	instance := Must(NewInstance(store, module, nil))
	Equal(t, "growth within", Call(t, store, instance, "grow memory", 2), any(int32(1)))
	Equal(t, "growth beyond", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
	Equal(t, "table within", Call(t, store, instance, "grow table", 2), any(int32(5)))
	Equal(t, "table beyond", Call(t, store, instance, "grow table", 1), any(int32(-1)))
	_, err = instance.GetMemory(store, "m").Grow(store, 1)
	WantText(t, err, "failed to grow memory")
	_, err = instance.GetExport(store, "t").Table().Grow(store, 1, ValFuncref(nil))
	WantText(t, err, "failed to grow table")
	store.Limiter(4<<16, -1, -1, -1, -1)
	Equal(t, "a limit that was raised", Call(t, store, instance, "grow memory", 1), any(int32(3)))
}

func TestSetLimits(t *testing.T) {
	engine := NewEngine()
	wat := `(module (memory (export "m") 1) (table (export "t") 5 funcref)
		(func (export "grow memory") (param i32) (result i32) (memory.grow (local.get 0)))
		(func (export "grow table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`
	module := Compile(t, engine, wat)
	limited := func(limits Limits) (*Store, error) {
		store := NewStore(engine)
		t.Cleanup(store.Close)
		store.SetLimits(limits)
		return store, ErrorOf(NewInstance(store, module, nil))
	}
	for text, limits := range map[string]Limits{"memory minimum size": {MemorySize: 65535}, "table minimum size": {TableElements: 4}} {
		_, err := limited(limits)
		WantText(t, err, text)
	}
	for text, limits := range map[string]Limits{"instance": {Instances: 1}, "table": {Tables: 1}, "memor": {Memories: 1}} {
		store, err := limited(limits)
		Check(t, err)
		WantText(t, ErrorOf(NewInstance(store, module, nil)), text)
	}
	const most = math.MaxUint64
	for _, limits := range []Limits{
		{}, {MemorySize: 65536, TableElements: 5, Instances: 1, Tables: 1, Memories: 1},
		{MemorySize: most, TableElements: most, Instances: most, Tables: most, Memories: most},
	} {
		Check(t, ErrorOf(limited(limits)))
	}

	store, err := limited(Limits{MemorySize: 3 << 16, TableElements: 7, Instances: 2})
	Check(t, err)
	instance := Must(NewInstance(store, module, nil))
	Equal(t, "growth within", Call(t, store, instance, "grow memory", 2), any(int32(1)))
	Equal(t, "growth beyond", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
	Equal(t, "table within", Call(t, store, instance, "grow table", 2), any(int32(5)))
	Equal(t, "table beyond", Call(t, store, instance, "grow table", 1), any(int32(-1)))
	store.SetLimits(Limits{MemorySize: 4 << 16}) // in place of all of them
	Equal(t, "a limit that was raised", Call(t, store, instance, "grow memory", 1), any(int32(3)))
	Equal(t, "one that is still there", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
	Equal(t, "one that is not", Call(t, store, instance, "grow table", 1), any(int32(7)))
	Check(t, ErrorOf(NewInstance(store, module, nil)))
	store.Close()
	WantPanic(t, "after Close", ClosedText, func() { store.SetLimits(Limits{}) })
}

// Everything that belongs to a store says the same after Close.
func TestStoreClose(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	module := Compile(t, engine, `(module)`)
	pre := Must(linker.InstantiatePre(module))
	store := NewStore(engine)
	instance := Instantiate(t, store, `(module (memory (export "m") 1) (table (export "t") 1 externref)
		(global (export "g") (mut i32) (i32.const 1))
		(func (export "f") (param i32) (result i32) (local.get 0)) (func $trap (export "trap") (unreachable))
		(func (export "ref") (param externref)))`)
	f, mem := instance.GetFunc(store, "f"), instance.GetMemory(store, "m")
	ref := instance.GetFunc(store, "ref")
	table, global := instance.GetExport(store, "t").Table(), instance.GetExport(store, "g").Global()
	extern := instance.GetExport(store, "f")
	typed := Must(Bind1[int32, int32](store, f))
	raw := Must(BindRaw(store, f))
	view := mem.View(store)
	view.PutByte(0, 1)
	memType := mem.Type(store)
	_, err := instance.GetFunc(store, "trap").Call(store)
	trap := WantTrap(t, err, UnreachableCodeReached)
	_, err = f.Call(store, "no number")
	WantText(t, err, "mismatch")
	Call(t, store, instance, "ref", "kept")
	store.Close()
	store.Close()
	closed := make(chan struct{})
	go func() { store.Close(); close(closed) }()
	<-closed

	for name, use := range map[string]func() error{
		"Call":              func() error { return ErrorOf(f.Call(store, 1)) },
		"Call with ref":     func() error { return ErrorOf(ref.Call(store, "x")) },
		"CallContext":       func() error { return ErrorOf(f.CallContext(t.Context(), store, 1)) },
		"typed":             func() error { return ErrorOf(typed.Call(1)) },
		"typed CallContext": func() error { return ErrorOf(typed.CallContext(t.Context(), 1)) },
		"raw":               func() error { return raw.Call(make([]Raw, 1)) },
		"Bind":              func() error { return ErrorOf(Bind1[int32, int32](store, f)) },
		"BindRaw":           func() error { return ErrorOf(BindRaw(store, f)) },
		"Grow":              func() error { return ErrorOf(mem.Grow(store, 1)) },
		"NewMemory":         func() error { return ErrorOf(NewMemory(store, memType)) },
		"table Get":         func() error { return ErrorOf(table.Get(store, 0)) },
		"table Set":         func() error { return table.Set(store, 0, ValExternref(1)) },
		"table Grow":        func() error { return ErrorOf(table.Grow(store, 1, ValExternref(1))) },
		"NewTable": func() error {
			return ErrorOf(NewTable(store, NewTableType(NewValType(KindExternref), 1, false, 0), ValExternref(1)))
		},
		"global Set":     func() error { return global.Set(store, ValI32(1)) },
		"NewGlobal":      func() error { return ErrorOf(NewGlobal(store, NewGlobalType(NewValType(KindI32), true), ValI32(1))) },
		"NewInstance":    func() error { return ErrorOf(NewInstance(store, module, nil)) },
		"Instantiate":    func() error { return ErrorOf(linker.Instantiate(store, module)) },
		"InstancePre":    func() error { return ErrorOf(pre.Instantiate(store)) },
		"Define":         func() error { return linker.Define(store, "m", "f", f) },
		"DefineInstance": func() error { return linker.DefineInstance(store, "i", instance) },
		"DefineModule":   func() error { return linker.DefineModule(store, "d", module) },
		"GetDefault":     func() error { return ErrorOf(linker.GetDefault(store, "")) },
		"default values": func() error { return linker.DefineUnknownImportsAsDefaultValues(store, module) },
		"SetFuel":        func() error { return store.SetFuel(1) },
		"GetFuel":        func() error { return ErrorOf(store.GetFuel()) },
	} {
		t.Run(name, func(t *testing.T) { WantIs(t, use(), ErrClosed) })
	}
	for name, use := range map[string]func(){
		"Func.Type":        func() { f.Type(store) },
		"Memory.Type":      func() { mem.Type(store) },
		"Memory.Size":      func() { mem.Size(store) },
		"Memory.Data":      func() { mem.Data(store) },
		"DataSize":         func() { mem.DataSize(store) },
		"UnsafeData":       func() { mem.UnsafeData(store) },
		"View":             func() { mem.View(store) },
		"view Byte":        func() { view.Byte(0) },
		"view Uint16":      func() { view.Uint16(0) },
		"view Uint32":      func() { view.Uint32(0) },
		"view Uint64":      func() { view.Uint64(0) },
		"view Float32":     func() { view.Float32(0) },
		"view Float64":     func() { view.Float64(0) },
		"view PutByte":     func() { view.PutByte(0, 1) },
		"view PutUint32":   func() { view.PutUint32(0, 1) },
		"view PutUint64":   func() { view.PutUint64(0, 1) },
		"view Read":        func() { view.Read(0, nil) },
		"view Write":       func() { view.Write(0, []byte{1}) },
		"view String":      func() { view.String(0, 1) },
		"view Size":        func() { view.Size() },
		"Table.Type":       func() { table.Type(store) },
		"Table.Size":       func() { table.Size(store) },
		"Global.Type":      func() { global.Type(store) },
		"Global.Get":       func() { global.Get(store) },
		"Exports":          func() { instance.Exports(store) },
		"GetExport":        func() { instance.GetExport(store, "f") },
		"GetFunc":          func() { instance.GetFunc(store, "f") },
		"GetMemory":        func() { instance.GetMemory(store, "m") },
		"Extern.Type":      func() { extern.Type(store) },
		"Linker.Get":       func() { linker.Get(store, "m", "f") },
		"NewFunc":          func() { NewFunc(store, NewFuncType(nil, nil), nil) },
		"WrapFunc":         func() { WrapFunc(store, func() {}) },
		"GC":               store.GC,
		"SetEpochDeadline": func() { store.SetEpochDeadline(1) },
		"Limiter":          func() { store.Limiter(1, 1, 1, 1, 1) },
	} {
		WantPanic(t, name, ClosedText, use)
	}

	// What was copied out lives on.
	Equal(t, "frames", *trap.Frames()[0].FuncName(), "trap")
	Equal(t, "error", err.Error() != "", true)
	Equal(t, "type", memType.Minimum(), 1)
	Equal(t, "item", extern.Func() != nil, true)
	Check(t, ErrorOf(pre.Instantiate(NewStore(engine))))
}

// Close inside a call would free what is running: it panics, and the panic comes out of the call.
func TestStoreCloseInsideCall(t *testing.T) {
	store := NewStore(NewEngine())
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`,
		func() { store.Close() })
	WantPanic(t, "Close", "inside a call", func() { Call(t, store, instance, "run") })
	Equal(t, "still open", WrapFunc(store, func() int32 { return 4 }) != nil, true)
	store.Close()
}

// While one goroutine is in the store, another is refused, whatever it wants, and can try again later.
func TestStoreConcurrentUse(t *testing.T) {
	engine := EngineWith(t, withFuel)
	linker := NewLinker(engine)
	store := NewStore(engine)
	Check(t, store.SetFuel(1<<40))
	entered, leave := make(chan struct{}), make(chan struct{})
	var caller *Caller
	instance := Instantiate(t, store, `(module (import "" "" (func $f)) (memory (export "m") 1)
		(func (export "f") (param i32) (result i32) (local.get 0)) (func (export "run") (call $f)))`,
		func(c *Caller) { caller = c; close(entered); <-leave })
	f, mem := instance.GetFunc(store, "f"), instance.GetMemory(store, "m")
	typed, raw := Must(Bind1[int32, int32](store, f)), Must(BindRaw(store, f))
	var wg sync.WaitGroup
	wg.Go(func() { Check(t, ErrorOf(instance.GetFunc(store, "run").Call(store))) })
	<-entered
	for name, use := range map[string]func() error{
		"Call":              func() error { return ErrorOf(f.Call(store, 1)) },
		"Call by caller":    func() error { return ErrorOf(f.Call(caller, 1)) },
		"typed":             func() error { return ErrorOf(typed.Call(1)) },
		"typed CallContext": func() error { return ErrorOf(typed.CallContext(t.Context(), 1)) },
		"raw":               func() error { return raw.Call(make([]Raw, 1)) },
		"Bind":              func() error { return ErrorOf(Bind1[int32, int32](store, f)) },
		"Grow":              func() error { return ErrorOf(mem.Grow(store, 1)) },
		"SetFuel":           func() error { return store.SetFuel(1) },
		"NewInstance":       func() error { return ErrorOf(NewInstance(store, Compile(t, engine, `(module)`), nil)) },
		"Instantiate":       func() error { return ErrorOf(linker.Instantiate(store, Compile(t, engine, `(module)`))) },
	} {
		WantIs(t, use(), ErrConcurrentUse)
		_ = name
	}
	for name, use := range map[string]func(){
		"Close":      store.Close,
		"GC":         store.GC,
		"Type":       func() { f.Type(store) },
		"Size":       func() { mem.Size(store) },
		"Exports":    func() { instance.Exports(store) },
		"WrapFunc":   func() { WrapFunc(store, func() {}) },
		"View":       func() { mem.View(store) },
		"UnsafeData": func() { mem.UnsafeData(store) },
	} {
		WantPanic(t, name, ErrConcurrentUse.Error(), use)
	}
	close(leave)
	wg.Wait()
	Equal(t, "later", Must(typed.Call(3)), 3)
	store.Close()
}

// Many goroutines at one store: every use either works or is refused, and nothing is broken.
func TestStoreConcurrentUseStorm(t *testing.T) {
	store, instance := Guest(t, `(module (import "" "" (func $f (param i32) (result i32)))
		(func (export "f") (param i32) (result i32) (call $f (local.get 0))))`, func(n int32) int32 { return n + 1 })
	f := instance.GetFunc(store, "f")
	typed, raw := Must(Bind1[int32, int32](store, f)), Must(BindRaw(store, f))
	var done, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range int32(8) {
		wg.Go(func() {
			for range 500 {
				var got any
				var err error
				switch i % 3 {
				case 0:
					got, err = typed.Call(i)
				case 1:
					stack := []Raw{RawI32(i)}
					err = raw.Call(stack)
					got = stack[0].I32()
				default:
					got, err = f.Call(store, i)
				}
				switch {
				case errors.Is(err, ErrConcurrentUse):
					refused.Add(1)
				case err != nil || got != i+1:
					t.Errorf("f(%d) = %v, %v", i, got, err)
				default:
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 {
		t.Errorf("nothing was done, %d were refused", refused.Load())
	}
	Equal(t, "after the storm", Must(typed.Call(1)), 2)
}

// A store moves between goroutines freely, as long as they take turns.
func TestStoreTakesTurns(t *testing.T) {
	store, instance := Guest(t, `(module (global $n (mut i32) (i32.const 0))
		(func (export "inc") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`)
	inc := Must(Bind0[int32](store, instance.GetFunc(store, "inc")))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			runtime.LockOSThread()
			for range 50 {
				mu.Lock()
				_, err := inc.Call()
				mu.Unlock()
				Check(t, err)
			}
		})
	}
	wg.Wait()
	Equal(t, "count", Must(inc.Call()), 801)
}
