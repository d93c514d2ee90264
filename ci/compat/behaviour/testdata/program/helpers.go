package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func wat(text string) []byte { return must(wasmtime.Wat2Wasm(text)) }

func compile(engine *wasmtime.Engine, text string) *wasmtime.Module {
	return must(wasmtime.NewModule(engine, wat(text)))
}

// load instantiates a module in a store of its own.
func load(text string, imports ...wasmtime.AsExtern) (*wasmtime.Store, *wasmtime.Instance) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	return store, in(store, text, imports...)
}

// in instantiates a module in the store given.
func in(store *wasmtime.Store, text string, imports ...wasmtime.AsExtern) *wasmtime.Instance {
	return must(wasmtime.NewInstance(store, compile(store.Engine, text), imports))
}

func engineWith(set func(*wasmtime.Config)) *wasmtime.Engine {
	config := wasmtime.NewConfig()
	set(config)
	return wasmtime.NewEngineWithConfig(config)
}

func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("panic %T: %v", v, v)
		}
	}()
	f()
	return "no panic"
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case []wasmtime.Val:
		parts := make([]string, len(v))
		for i, val := range v {
			parts[i] = val.Kind().String() + " " + describe(val.Get())
		}
		return "[]wasmtime.Val{" + strings.Join(parts, ", ") + "}"
	case *wasmtime.Func:
		if v == nil {
			return "(*wasmtime.Func)(nil)"
		}
		return "*wasmtime.Func"
	default:
		return fmt.Sprintf("%T(%v)", v, v)
	}
}

func describeErr(err error) string {
	switch err := err.(type) {
	case nil:
		return "no error"
	case *wasmtime.Trap:
		return fmt.Sprintf("%T code %s, %d frames: %s", err, describeCode(err.Code()), len(err.Frames()), err.Error())
	case *wasmtime.Error:
		text := fmt.Sprintf("%T: %s", err, err.Error())
		if status, ok := err.ExitStatus(); ok {
			text = fmt.Sprintf("%s (exit status %d)", text, status)
		} else if status != 0 {
			text = fmt.Sprintf("%s (no exit status, but %d)", text, status)
		}
		return text
	default:
		return fmt.Sprintf("%T: %s", err, err.Error())
	}
}

func describeCode(code *wasmtime.TrapCode) string {
	if code == nil {
		return "nil"
	}
	return fmt.Sprint(uint8(*code))
}

func describeString(s *string) string {
	if s == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", *s)
}

func kinds(types []*wasmtime.ValType) string {
	names := make([]string, len(types))
	for i, ty := range types {
		names[i] = ty.String()
	}
	return "(" + strings.Join(names, " ") + ")"
}

func signature(ty *wasmtime.FuncType) string { return kinds(ty.Params()) + kinds(ty.Results()) }

func describeExternType(ty *wasmtime.ExternType) string {
	var parts []string
	if f := ty.FuncType(); f != nil {
		parts = append(parts, "func "+signature(f))
	}
	if g := ty.GlobalType(); g != nil {
		parts = append(parts, fmt.Sprintf("global %s mutable %v", g.Content(), g.Mutable()))
	}
	if m := ty.MemoryType(); m != nil {
		parts = append(parts, describeMemoryType(m))
	}
	if t := ty.TableType(); t != nil {
		parts = append(parts, describeTableType(t))
	}
	return strings.Join(parts, "; ")
}

func describeMemoryType(m *wasmtime.MemoryType) string {
	ok, max := m.Maximum()
	return fmt.Sprintf("memory min %d max %v %d is64 %v shared %v", m.Minimum(), ok, max, m.Is64(), m.IsShared())
}

func describeTableType(t *wasmtime.TableType) string {
	ok, max := t.Maximum()
	return fmt.Sprintf("table %s min %d max %v %d", t.Element(), t.Minimum(), ok, max)
}

func add(p unsafe.Pointer, n int) unsafe.Pointer { return unsafe.Add(p, n) }

// collect runs the garbage collector until finalizers and cleanups had their turn.
func collect() {
	for range 5 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}
