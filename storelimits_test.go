package wasmtime_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const page = 1 << 16

// refusals are limits that write down what they refuse.
func refusals(limits Limits) (Limits, *[]Refusal) {
	all := &[]Refusal{}
	limits.OnRefusal = func(r Refusal) { *all = append(*all, r) }
	return limits, all
}

const growingWat = `(module (memory (export "m") 1 3) (table (export "t") 5 7 funcref)
	(func (export "grow memory") (param i32) (result i32) (memory.grow (local.get 0)))
	(func (export "grow table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`

// All memories of a store together have a limit: those of instances, those that guests have grown, and the host's.
func TestTotalMemory(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	defer store.Close()
	limits, refused := refusals(Limits{TotalMemory: 5 * page})
	store.SetLimits(limits)
	module := Compile(t, engine, growingWat)
	first, second := Must(NewInstance(store, module, nil)), Must(NewInstance(store, module, nil))
	Equal(t, "growth within", Call(t, store, first, "grow memory", 2), any(int32(1)))
	Equal(t, "growth beyond", Call(t, store, second, "grow memory", 2), any(int32(-1)))
	_, err := second.GetMemory(store, "m").Grow(store, 2)
	WantText(t, err, "failed to grow memory")
	Equal(t, "growth by the rest", Call(t, store, second, "grow memory", 1), any(int32(1)))
	_, err = NewMemory(store, Must(NewMemoryType(1, false, 0, false)))
	WantText(t, err, "exceeds memory limits")
	WantText(t, ErrorOf(NewInstance(store, module, nil)), "exceeds memory limits")
	beyond := Refusal{RefusedTotalMemory, 6 * page, 5 * page}
	if want := slices.Repeat([]Refusal{beyond}, 4); !slices.Equal(*refused, want) {
		t.Errorf("refused %v, want %v", *refused, want)
	}

	store.SetLimits(Limits{TotalMemory: 6 * page}) // what is there counts
	Must(NewMemory(store, Must(NewMemoryType(1, false, 0, false))))
	WantText(t, ErrorOf(NewInstance(store, module, nil)), "exceeds memory limits")
	store.Limiter(-1, -1, -1, -1, -1) // which knows no such limit
	Must(NewInstance(store, module, nil))
}

// Memory that has not come to be does not count; that of an instance whose start function failed does, for it is there.
func TestTotalMemoryOfFailures(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetWasmCustomPageSizes(true) })
	store := NewStore(engine)
	defer store.Close()
	limits, refused := refusals(Limits{TotalMemory: 4 * page, TableElements: 10})
	store.SetLimits(limits)
	tables := Compile(t, engine, `(module (memory 3) (table 11 funcref))`)
	for range 3 {
		WantText(t, ErrorOf(NewInstance(store, tables, nil)), "table minimum size")
	}
	_, err := NewMemory(store, Must(NewMemoryType(5, false, 0, false)))
	WantText(t, err, "exceeds memory limits")
	Must(NewMemory(store, Must(NewMemoryType(1, false, 0, false))))

	trapping := Compile(t, engine, `(module (memory 1) (func $f unreachable) (start $f))`)
	WantTrap(t, ErrorOf(NewInstance(store, trapping, nil)), UnreachableCodeReached)
	failing := Compile(t, engine, `(module (import "" "" (func $f)) (memory 1) (start $f))`)
	cause := errors.New("the cause")
	f := NewHostFunc(store, HostVoid0(func(*Caller) error { return cause }))
	WantIs(t, ErrorOf(NewInstance(store, failing, []AsExtern{f})), cause)
	*refused = nil
	WantText(t, ErrorOf(NewInstance(store, Compile(t, engine, `(module (memory 2))`), nil)), "exceeds memory limits")
	if want := []Refusal{{RefusedTotalMemory, 5 * page, 4 * page}}; !slices.Equal(*refused, want) {
		t.Errorf("after three pages: refused %v, want %v", *refused, want)
	}

	// A growth that the memory's type cannot have comes to nobody's ears, and takes nothing back.
	bytes := Instantiate(t, store, `(module (memory (export "m") 0 (pagesize 1))
		(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`)
	Equal(t, "a page of bytes", Call(t, store, bytes, "grow", page-1), any(int32(0)))
	for range 3 {
		Equal(t, "4 GiB of bytes", Call(t, store, bytes, "grow", -1), any(int32(-1)))
	}
	Equal(t, "one byte", Call(t, store, bytes, "grow", 1), any(int32(page-1)))
	Equal(t, "one more", Call(t, store, bytes, "grow", 1), any(int32(-1)))
}

// OnRefusal hears of each limit, and of nothing else that is refused.
func TestOnRefusal(t *testing.T) {
	engine := NewEngine()
	module := Compile(t, engine, growingWat)
	for _, c := range []struct {
		limits  Limits
		refused func(store *Store, instance *Instance)
		want    []Refusal
	}{
		{Limits{MemorySize: page}, func(store *Store, instance *Instance) {
			Equal(t, "growth", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
		}, []Refusal{{RefusedMemorySize, 2 * page, page}}},
		{Limits{TableElements: 6}, func(store *Store, instance *Instance) {
			Equal(t, "growth", Call(t, store, instance, "grow table", 2), any(int32(-1)))
		}, []Refusal{{RefusedTableElements, 7, 6}}},
		{Limits{Instances: 1}, func(store *Store, _ *Instance) {
			WantText(t, ErrorOf(NewInstance(store, module, nil)), "instance count too high")
		}, []Refusal{{RefusedInstances, 2, 1}}},
		{Limits{Tables: 1}, func(store *Store, _ *Instance) {
			WantText(t, ErrorOf(NewInstance(store, module, nil)), "table count too high")
		}, []Refusal{{RefusedTables, 2, 1}}},
		{Limits{Memories: 1}, func(store *Store, _ *Instance) {
			WantText(t, ErrorOf(NewInstance(store, module, nil)), "memory count too high")
		}, []Refusal{{RefusedMemories, 2, 1}}},
		{Limits{MemorySize: 3 * page, TableElements: 7}, func(store *Store, instance *Instance) {
			Equal(t, "growth beyond the type", Call(t, store, instance, "grow memory", 3), any(int32(-1)))
			Equal(t, "growth beyond the type", Call(t, store, instance, "grow table", 3), any(int32(-1)))
			WantText(t, ErrorOf(NewInstance(store, Compile(t, engine, `(module (import "" "" (func)))`), nil)), "")
		}, nil},
	} {
		for _, before := range []bool{false, true} { // the limits are set, or the native store is made
			store := NewStore(engine)
			limits, refused := refusals(c.limits)
			if before {
				store.SetLimits(limits)
			}
			instance := Must(NewInstance(store, module, nil))
			if !before {
				store.SetLimits(limits)
			}
			c.refused(store, instance)
			if !slices.Equal(*refused, c.want) {
				t.Errorf("%v: refused %v, want %v", c.limits, *refused, c.want)
			}
			store.Close()
		}
	}
	if got := fmt.Sprint(Refusal{RefusedTotalMemory, 3, 2}, RefusalReason(0), RefusalReason(7)); got !=
		"{total memory 3 2} RefusalReason(0) RefusalReason(7)" {
		t.Error(got)
	}
}

// What OnRefusal panics with ends the guest, and comes out of whatever has asked for too much.
func TestOnRefusalPanics(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	defer store.Close()
	module := Compile(t, engine, growingWat)
	instance := Must(NewInstance(store, module, nil))
	grow, memory, table := instance.GetFunc(store, "grow memory"), instance.GetMemory(store, "m"),
		instance.GetExport(store, "t").Table()
	one := Must(NewMemoryType(2, false, 0, false))
	store.SetLimits(Limits{MemorySize: page, TableElements: 5, Instances: 1, OnRefusal: func(Refusal) { panic("refused") }})
	for name, f := range map[string]func(){
		"a guest":     func() { grow.Call(store, 1) },
		"Memory.Grow": func() { memory.Grow(store, 1) },
		"Table.Grow":  func() { table.Grow(store, 1, ValFuncref(nil)) },
		"NewMemory":   func() { NewMemory(store, one) },
		"NewTable":    func() { NewTable(store, NewTableType(NewValType(KindFuncref), 6, false, 0), ValFuncref(nil)) },
		"NewInstance": func() { NewInstance(store, module, nil) },
	} {
		if value := PanicOf(t, f); value != "refused" {
			t.Errorf("%s panicked with %v", name, value)
		}
	}
	store.SetLimits(Limits{MemorySize: page})
	Equal(t, "afterwards", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
	Equal(t, "size", memory.Size(store), 1)
}

// OnRefusal cannot use the store, and the guest goes on when it has tried.
func TestOnRefusalUsesStore(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	defer store.Close()
	instance := Must(NewInstance(store, Compile(t, engine, growingWat), nil))
	grow := instance.GetFunc(store, "grow memory")
	var errs []error
	store.SetLimits(Limits{MemorySize: page, OnRefusal: func(Refusal) {
		_, err := grow.Call(store, 1)
		errs = append(errs, err)
	}})
	Equal(t, "growth", Call(t, store, instance, "grow memory", 1), any(int32(-1)))
	if len(errs) != 1 || !errors.Is(errs[0], ErrConcurrentUse) {
		t.Errorf("a call of the store: %v", errs)
	}
	Equal(t, "growth", Call(t, store, instance, "grow memory", 0), any(int32(1)))

	// A host function may set other limits in the middle of a guest's call.
	limits, refused := refusals(Limits{MemorySize: page})
	other := Instantiate(t, store, `(module (import "" "" (func $limit)) (memory 1)
		(func (export "run") (result i32) (call $limit) (memory.grow (i32.const 1))))`, func() { store.SetLimits(limits) })
	store.SetLimits(Limits{})
	Equal(t, "growth", Call(t, store, other, "run"), any(int32(-1)))
	Equal(t, "refusals", len(*refused), 1)
}

// runtime.Goexit in OnRefusal loses the store, as in a host function.
func TestOnRefusalGoexit(t *testing.T) {
	if ffi.Live() != nil {
		t.Skip("the store's memory is lost on purpose")
	}
	engine := NewEngine()
	store := NewStore(engine)
	instance := Must(NewInstance(store, Compile(t, engine, growingWat), nil))
	grow := instance.GetFunc(store, "grow memory")
	store.SetLimits(Limits{MemorySize: page, OnRefusal: func(Refusal) { runtime.Goexit() }})
	done := make(chan struct{})
	go func() {
		defer close(done)
		grow.Call(store, 1)
		t.Error("Goexit came back")
	}()
	<-done
	WantIs(t, ErrorOf(grow.Call(store, 1)), ErrClosed)
}
