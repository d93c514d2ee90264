package wasmtime_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestTrapCodes(t *testing.T) {
	store, instance := Guest(t, `(module (memory 1 1) (table $t 2 funcref) (elem (i32.const 1) func $i64) (func $i64 (param i64))
		(type $none (func))
		(func $recurse (export "0") (call $recurse))
		(func (export "1") (drop (i32.load (i32.const 65536))))
		(func (export "2") (drop (i32.atomic.load (i32.const 1))))
		(func (export "3") (drop (table.get $t (i32.const 2))))
		(func (export "4") (call_indirect (type $none) (i32.const 0)))
		(func (export "5") (call_indirect (type $none) (i32.const 1)))
		(func (export "6") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
		(func (export "7") (drop (i32.div_u (i32.const 1) (i32.const 0))))
		(func (export "8") (drop (i32.trunc_f32_s (f32.const nan))))
		(func (export "9") (unreachable))
		(func (export "13") (drop (ref.as_non_null (ref.null func)))))`)
	for name, code := range map[string]TrapCode{
		"0": StackOverflow, "1": MemoryOutOfBounds, "2": HeapMisaligned, "3": TableOutOfBounds, "4": IndirectCallToNull,
		"5": BadSignature, "6": IntegerOverflow, "7": IntegerDivisionByZero, "8": BadConversionToInteger,
		"9": UnreachableCodeReached, "13": NullReference,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := instance.GetFunc(store, name).Call(store)
			trap := WantTrap(t, err, code)
			Equal(t, "text", trap.Error(), trap.Message())
			if !strings.Contains(trap.Message(), "wasm trap") || errors.Unwrap(trap) != nil {
				t.Errorf("%v", trap)
			}
			trap.Close()
			trap.Close()
		})
	}
}

// Every code that has a name is an error that a failed call is compared with, and no other code is.
func TestTrapCodesAreErrors(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) {
		cfg.SetConsumeFuel(true)
		cfg.SetEpochInterruption(true)
		cfg.SetWasmGC(true)
		cfg.SetWasmExceptions(true)
	})
	const wat = `(module (memory 1 1) (table $t 2 funcref) (elem (i32.const 1) func $i64) (func $i64 (param i64))
		(type $none (func)) (type $array (array i32)) (type $struct (struct)) (tag $tag)
		(func $stack (export "0") (call $stack))
		(func (export "1") (drop (i32.load (i32.const 65536))))
		(func (export "2") (drop (i32.atomic.load (i32.const 1))))
		(func (export "3") (drop (table.get $t (i32.const 2))))
		(func (export "4") (call_indirect (type $none) (i32.const 0)))
		(func (export "5") (call_indirect (type $none) (i32.const 1)))
		(func (export "6") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
		(func (export "7") (drop (i32.div_u (i32.const 1) (i32.const 0))))
		(func (export "8") (drop (i32.trunc_f32_s (f32.const nan))))
		(func (export "9") (unreachable))
		(func (export "10") (nop))
		(func (export "11") (loop (br 0)))
		(func (export "12") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))
		(func (export "13") (drop (ref.as_non_null (ref.null func))))
		(func (export "14") (drop (array.get $array (array.new_default $array (i32.const 1)) (i32.const 1))))
		(func (export "15") (drop (array.new_default $array (i32.const -1))))
		(func (export "16") (drop (ref.cast (ref $struct) (array.new_default $array (i32.const 1)))))
		(func (export "49") (throw $tag)))`
	module := Compile(t, engine, wat)
	codes := []TrapCode{UncaughtException}
	for code := StackOverflow; code <= CastFailure; code++ {
		codes = append(codes, code)
	}
	for _, code := range codes {
		t.Run(code.String(), func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			store.SetEpochDeadline(1 << 32)
			Check(t, store.SetFuel(1<<40))
			instance := Must(NewInstance(store, module, nil))
			switch code {
			case Interrupt:
				store.SetEpochDeadline(0)
			case OutOfFuel:
				Check(t, store.SetFuel(100))
			}
			_, err := instance.GetFunc(store, strconv.Itoa(int(code))).Call(store)
			trap := WantTrap(t, err, code)
			trap.Close() // which makes no difference to these
			for _, err := range []error{err, fmt.Errorf("the guest: %w", err)} {
				for _, other := range codes {
					Equal(t, "is "+other.String(), errors.Is(err, other), other == code)
				}
				var found TrapCode
				Equal(t, "as a code", errors.As(err, &found), true)
				Equal(t, "the code", found, code)
			}
			Equal(t, "the code's own text", code.Error(), code.String())
		})
	}
}

// What has no code is none of them.
func TestErrorsWithoutTrapCode(t *testing.T) {
	for _, err := range []error{&Trap{}, NewTrap("x"), NewTrap(StackOverflow.String()), &Error{}, ErrClosed} {
		found := OutOfFuel
		if errors.Is(err, StackOverflow) || errors.As(err, &found) || found != OutOfFuel {
			t.Errorf("%T %v has a code", err, err)
		}
	}
}

// What runs a guest and tells no traps from other errors has the code all the same, and so has the error of a host
// function that passes a trap on.
func TestTrapCodeBehindErrors(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	crash := `(module (func (export "_initialize") (unreachable)))`
	err := linker.DefineModule(store, "m", Compile(t, engine, crash))
	WantIs(t, err, UnreachableCodeReached)
	Equal(t, "another code", errors.Is(err, StackOverflow), false)
	_, err = linker.Instantiate(store, Compile(t, engine, `(module (func $f (unreachable)) (start $f))`))
	Equal(t, "a start function", errors.Is(err, UnreachableCodeReached), true)

	other := NewStore(engine)
	inner := Instantiate(t, other, `(module (func (export "f") (unreachable)))`).GetFunc(other, "f")
	outer := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "f") (call $f)))`,
		HostFunc0(func(*Caller) (None, error) {
			return None{}, fmt.Errorf("the inner guest: %w", ErrorOf(inner.Call(other)))
		}))
	_, err = outer.GetFunc(store, "f").Call(store)
	WantIs(t, err, UnreachableCodeReached)
}

// The names are those of the header, in its order.
func TestTrapNames(t *testing.T) {
	header := string(Must(os.ReadFile("include/wasmtime/trap.h")))
	codes := regexp.MustCompile(`WASMTIME_TRAP_CODE_(\w+) = (\d+)`).FindAllStringSubmatch(header, -1)
	named := map[TrapCode]string{
		StackOverflow: "STACK_OVERFLOW", OutOfFuel: "OUT_OF_FUEL", AtomicWaitNonSharedMemory: "ATOMIC_WAIT_NON_SHARED_MEMORY",
		NullReference: "NULL_REFERENCE", ArrayOutOfBounds: "ARRAY_OUT_OF_BOUNDS", AllocationTooLarge: "ALLOCATION_TOO_LARGE",
		CastFailure: "CAST_FAILURE", UncaughtException: "UNCAUGHT_EXCEPTION",
	}
	for _, c := range codes {
		code := TrapCode(Must(strconv.Atoi(c[2])))
		if name, ok := named[code]; ok {
			Equal(t, code.String(), name, c[1])
			delete(named, code)
		}
	}
	Equal(t, "codes that the header has not", len(named), 0)
	Equal(t, "a code", OutOfFuel.String(), "out of fuel")
	Equal(t, "the last in order", CastFailure.String(), "cast failure")
	Equal(t, "an exception", UncaughtException.String(), "uncaught exception")
	Equal(t, "one without a name", TrapCode(200).String(), "trap code 200")
}

func TestTrapFrames(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	inner := Instantiate(t, store, `(module $inner (func $crash (export "crash") (unreachable)))`)
	outer := Instantiate(t, store, `(module (import "" "" (func $crash)) (func $middle (call $crash)) (func (export "run") (nop) (call $middle)))`,
		inner.GetFunc(store, "crash"))
	_, err := outer.GetFunc(store, "run").Call(store)
	trap := WantTrap(t, err, UnreachableCodeReached)
	frames := trap.Frames()
	Equal(t, "frames", len(frames), 3)
	name := func(s *string) string {
		if s == nil {
			return "nil"
		}
		return *s
	}
	for i, want := range []struct {
		module, function string
		index            uint32
	}{{"inner", "crash", 0}, {"nil", "middle", 1}, {"nil", "nil", 2}} {
		f := frames[i]
		Equal(t, "module", name(f.ModuleName()), want.module)
		Equal(t, "function", name(f.FuncName()), want.function)
		Equal(t, "index", f.FuncIndex(), want.index)
		if f.ModuleOffset() == 0 || f.ModuleOffset() <= f.FuncOffset() {
			t.Errorf("frame %d: offsets %d and %d", i, f.ModuleOffset(), f.FuncOffset())
		}
	}
	Equal(t, "offset", frames[2].FuncOffset() > frames[1].FuncOffset(), true) // a nop comes first
	trap.Close()
	Equal(t, "a frame outlives its trap", name(frames[0].FuncName()), "crash")
	for what, use := range map[string]func(){
		"Message": func() { trap.Message() }, "Error": func() { _ = trap.Error() },
		"Code": func() { trap.Code() }, "Frames": func() { trap.Frames() },
	} {
		WantPanic(t, what, ClosedText, use)
	}
}

func TestNewTrap(t *testing.T) {
	for _, message := range []string{"", "x", "a\x00b", "ünïcode", strings.Repeat("long ", 1000)} {
		trap := NewTrap(message)
		Equal(t, "message", trap.Message(), message)
		Equal(t, "error", trap.Error(), message)
		Equal(t, "code", trap.Code(), nil)
		if frames := trap.Frames(); frames == nil || len(frames) != 0 {
			t.Errorf("frames %v", frames)
		}
		trap.Close()
	}
	if trap := NewTrap("\xff"); trap.Message() == "" { // no UTF-8: kept or replaced, but there
		t.Error("a message that is no text is lost")
	}
}

func TestTrapFromHost(t *testing.T) {
	store := NewStore(NewEngine())
	var trap *Trap
	host := WrapFunc(store, func() *Trap { return trap })
	instance := Instantiate(t, store, `(module $m (import "" "" (func $f)) (func $run (export "run") (call $f)))`, host)
	trap = NewTrap("from the host")
	_, err := host.Call(store)
	Equal(t, "direct", err.Error(), "from the host")
	if _, ok := err.(*Error); !ok {
		t.Errorf("%T", err)
	}
	Equal(t, "a trap that was returned", trap.Message(), "from the host")
	Equal(t, "its frames", len(trap.Frames()), 0)
	WantPanic(t, "returned twice", "twice", func() { host.Call(store) })
	trap = NewTrap("from the host")
	_, err = instance.GetFunc(store, "run").Call(store)
	WantText(t, err, "from the host")
	WantText(t, err, "m!run")
	trap = nil
	Call(t, store, instance, "run")

	// A guest's trap that a host function passes on is that trap.
	crash := Instantiate(t, store, `(module (func $deep (export "run") (unreachable)))`)
	relay := WrapFunc(store, func(c *Caller) *Trap {
		_, err := crash.GetFunc(c, "run").Call(c)
		return err.(*Trap)
	})
	outer := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`, relay)
	_, err = outer.GetFunc(store, "run").Call(store)
	Equal(t, "frames", *WantTrap(t, err, UnreachableCodeReached).Frames()[0].FuncName(), "deep")
	typed := Instantiate(t, store, `(module (import "" "" (func $f)) (func (export "run") (call $f)))`,
		HostFunc0(func(c *Caller) (None, error) { return None{}, ErrorOf(crash.GetFunc(c, "run").Call(c)) }))
	_, err = typed.GetFunc(store, "run").Call(store)
	WantTrap(t, err, UnreachableCodeReached)
}

func TestTrapIsShared(t *testing.T) {
	store, instance := Guest(t, `(module (func $f (export "f") (unreachable)))`)
	_, err := instance.GetFunc(store, "f").Call(store)
	trap := WantTrap(t, err, UnreachableCodeReached)
	_, err = instance.GetFunc(store, "f").Call(store, 1, 2)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				Equal(t, "code", *trap.Code(), UnreachableCodeReached)
				Equal(t, "frames", len(trap.Frames()), 1)
				_ = trap.Error()
				_ = err.Error()
			}
		})
	}
	wg.Wait()
	store.Close()
	Equal(t, "a trap outlives its store", *trap.Frames()[0].FuncName(), "f")
}

func TestStackOverflow(t *testing.T) {
	for _, size := range []int{64 << 10, 512 << 10, 2 << 20} {
		engine := EngineWith(t, func(cfg *Config) { cfg.SetMaxWasmStack(size) })
		store, instance := GuestIn(t, engine, `(module (global $n (mut i32) (i32.const 0))
			(func $recurse (export "recurse") (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $recurse))
			(func (export "n") (result i32) (global.get $n)))`)
		for range 3 {
			_, err := instance.GetFunc(store, "recurse").Call(store)
			WantTrap(t, err, StackOverflow)
		}
		if n := Call(t, store, instance, "n").(int32); int(n) < 3*size/200 {
			t.Errorf("%d bytes are enough for %d calls", size, n/3)
		}
	}
}

// Recursion through the host ends in a trap as well, and not in the end of the process.
func TestStackOverflowThroughHost(t *testing.T) {
	if !Survives(t) {
		return
	}
	store := NewStore(NewEngine())
	var down *TypedFunc1[int32, int32]
	depth := int32(0)
	instance := Instantiate(t, store, `(module (import "" "" (func $down (param i32) (result i32)))
		(func (export "down") (param i32) (result i32) (call $down (local.get 0))))`,
		HostFunc1(func(c *Caller, n int32) (int32, error) { depth = n; return down.Call(n + 1) }))
	down = Must(Bind1[int32, int32](store, instance.GetFunc(store, "down")))
	for range 3 {
		_, err := down.Call(0)
		if err == nil {
			t.Fatal("endless recursion has an end")
		}
		var trap *Trap
		if !errors.As(err, &trap) {
			t.Fatalf("%T %.200v", err, err)
		}
		if depth < 100 {
			t.Errorf("only %d levels", depth)
		}
	}
	Equal(t, "the store after it", Must(WrapFunc(store, func() int32 { return 2 }).Call(store)), any(int32(2)))
}

// Go guests want 8 MiB of stack.
func TestLargeStack(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := GuestIn(t, EngineWith(t, func(cfg *Config) { cfg.SetMaxWasmStack(8 << 20) }), `(module
		(func $sum (export "sum") (param i32) (result i32)
			(if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
				(else (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1))))))))`)
	Equal(t, "sum", Call(t, store, instance, "sum", 50000), any(int32(1250025000)))
}

// A guest that uses up a large stack must end in a trap too, whatever the size of the thread's own stack.
func TestLargeStackOverflow(t *testing.T) {
	if !Survives(t) {
		return
	}
	store, instance := GuestIn(t, EngineWith(t, func(cfg *Config) { cfg.SetMaxWasmStack(8 << 20) }),
		`(module (func $recurse (export "recurse") (call $recurse)))`)
	_, err := instance.GetFunc(store, "recurse").Call(store)
	WantTrap(t, err, StackOverflow)
}

// Without signals the compiled code finds the same by itself.
func TestTrapsWithoutSignals(t *testing.T) {
	store, instance := GuestIn(t, EngineWith(t, func(cfg *Config) { cfg.SetSignalsBasedTraps(false) }), `(module (memory 1)
		(func (export "load") (drop (i32.load (i32.const 65536))))
		(func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0))))
		(func (export "answer") (result i32) (i32.const 42)))`)
	for name, code := range map[string]TrapCode{"load": MemoryOutOfBounds, "divide": IntegerDivisionByZero} {
		_, err := instance.GetFunc(store, name).Call(store)
		WantTrap(t, err, code)
	}
	Equal(t, "after it", Call(t, store, instance, "answer"), any(int32(42)))
	// It is another code: what was compiled with signals does not load.
	encoded := Must(Compile(t, NewEngine(), `(module (memory 1))`).Serialize())
	WantText(t, ErrorOf(NewModuleDeserialize(store.Engine, encoded)), "Signals-based traps")
}
