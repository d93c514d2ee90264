package wasmtime_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestError(t *testing.T) {
	_, err := Wat2Wasm("(")
	e, ok := err.(*Error)
	if !ok || e.Error() == "" || errors.Unwrap(e) != nil {
		t.Fatalf("%T %v", err, err)
	}
	text := e.Error()
	e.Close()
	e.Close()
	Equal(t, "after Close", e.Error(), text)
	_, err = Wat2Wasm("(")
	e = err.(*Error)
	e.Close()
	Equal(t, "closed first", e.Error(), text)
	status, ok := e.ExitStatus()
	Equal(t, "status", status, 0)
	Equal(t, "is an exit", ok, false)
	Equal(t, "as an ExitError", errors.As(e, new(*ExitError)), false)
	Equal(t, "exit text", (&ExitError{Status: 3}).Error(), "the program exited with status 3")
}

func TestExitError(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	module := Compile(t, engine, `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1) (func (export "exit") (param i32) (call $exit (local.get 0))))`)
	for _, status := range []int32{0, 1, 3, 125, 126, 200, -1} {
		store := NewStore(engine)
		store.SetWasi(NewWasiConfig())
		instance := Must(linker.Instantiate(store, module))
		exit := instance.GetFunc(store, "exit")
		_, err := exit.Call(store, status)
		var code *ExitError
		if e, ok := err.(*Error); !ok || !errors.As(err, &code) || code.Status != status {
			t.Errorf("%T %v", err, err)
		} else if got, ok := e.ExitStatus(); got != status || !ok {
			t.Errorf("ExitStatus() = %d, %v", got, ok)
		}
		_, err = Must(Bind1[int32, None](store, exit)).Call(status)
		Equal(t, "typed", errors.As(err, &code), true)
		store.Close()
	}
}

// All errors that programs compare with are different ones.
func TestErrorsAreDistinct(t *testing.T) {
	all := []error{ErrClosed, ErrConcurrentUse, ErrWrongStore, ErrWrongEngine, ErrNoEpochs, ErrNoWasi, ErrBadFile, ErrBadAccessMode,
		ErrBadFd, ErrComponent, ErrPoolFull, ErrStackTooSmall, ErrTooLate, ErrTooManyGuests, ErrUnsupported}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) || (i != j && a.Error() == b.Error()) {
				t.Errorf("%v and %v", a, b)
			}
		}
	}
}

// The text of no Error ends with the end of a line, whether it comes from the native library or from here. That of a
// trap does, as in wasmtime-go.
func TestTextsEndWithoutNewline(t *testing.T) {
	engine := NewEngine()
	store, instance := GuestIn(t, engine, `(module (global (export "g") (mut i32) (i32.const 0)))`)
	linker := NewLinker(engine)
	Check(t, linker.FuncWrap("a", "b", func(int32) {}))
	_, tooMuch := NewMemoryType64(1<<48, false, 0, false)
	for name, err := range map[string]error{
		"a cause":        instance.GetExport(store, "g").Global().Set(store, ValI64(1)),
		"another type":   ErrorOf(linker.Instantiate(store, Compile(t, engine, `(module (import "a" "b" (func)))`))),
		"a wrong module": ErrorOf(NewModule(engine, []byte("\x00asm\x01\x00\x00\x00\xff"))),
		"a memory type":  tooMuch,
	} {
		if text := err.Error(); !strings.Contains(text, "\n\nCaused by:\n") || strings.HasSuffix(text, "\n") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// What is nil where something is needed is an error, or a panic that says so where there is no error to return.
func TestNothingGiven(t *testing.T) {
	engine := NewEngine()
	store, instance := GuestIn(t, engine, `(module (func (export "f")))`)
	linker := NewLinker(engine)
	wasm := Must(Wat2Wasm(`(module)`))
	module := Must(NewModule(engine, wasm))
	pre := Must(linker.InstantiatePre(module))
	f := instance.GetFunc(store, "f")
	var memory *Memory
	var global *Global
	var table *Table
	absent := "it is nil: is there an export of that name, and is it of that kind?"
	for _, c := range []struct {
		name, text string
		err        error
	}{
		{"NewModule", "the engine is nil", ErrorOf(NewModule(nil, wasm))},
		{"NewModuleFromFile", "the engine is nil", ErrorOf(NewModuleFromFile(nil, "m.wasm"))},
		{"NewModuleDeserialize", "the engine is nil", ErrorOf(NewModuleDeserialize(nil, wasm))},
		{"NewModuleDeserializeFile", "the engine is nil", ErrorOf(NewModuleDeserializeFile(nil, "m.cwasm"))},
		{"ModuleValidate", "the engine is nil", ModuleValidate(nil, wasm)},
		{"NewInstance", "the module is nil", ErrorOf(NewInstance(store, nil, nil))},
		{"Instantiate", "the module is nil", ErrorOf(linker.Instantiate(store, nil))},
		{"InstantiatePre", "the module is nil", ErrorOf(linker.InstantiatePre(nil))},
		{"DefineModule", "the module is nil", linker.DefineModule(store, "m", nil)},
		{"DefineUnknownImportsAsTraps", "the module is nil", linker.DefineUnknownImportsAsTraps(nil)},
		{"DefineUnknownImportsAsDefaultValues", "the module is nil", linker.DefineUnknownImportsAsDefaultValues(store, nil)},
		{"DefineInstance", "m: the instance is nil", linker.DefineInstance(store, "m", nil)},
		{"Memory.Grow", absent, ErrorOf(memory.Grow(store, 1))},
		{"Global.Set", absent, global.Set(store, ValI32(1))},
		{"Table.Get", absent, ErrorOf(table.Get(store, 0))},
		{"Table.Set", absent, table.Set(store, 0, ValFuncref(nil))},
		{"Table.Grow", absent, ErrorOf(table.Grow(store, 1, ValFuncref(nil)))},
	} {
		t.Run(c.name, func(t *testing.T) { WantText(t, c.err, c.text) })
	}
	var none *Store
	for name, use := range map[string]func(){
		"NewInstance":         func() { NewInstance(none, module, nil) },
		"Linker.Instantiate":  func() { linker.Instantiate(none, module) },
		"Linker.DefineModule": func() { linker.DefineModule(none, "m", module) },
		"InstancePre":         func() { pre.Instantiate(none) },
		"Func.Call":           func() { f.Call(none) },
		"WrapFunc":            func() { WrapFunc(none, func() {}) },
		"Instance.GetFunc":    func() { instance.GetFunc(none, "f") },
		"Linker.GetDefault":   func() { linker.GetDefault(none, "m") },
	} {
		WantPanic(t, name, "wasmtime: the store is nil", use)
	}
	WantPanic(t, "NewStore", "wasmtime: the engine is nil", func() { NewStore(nil) })
	WantPanic(t, "NewLinker", "wasmtime: the engine is nil", func() { NewLinker(nil) })
	WantPanic(t, "NewEngineWithConfig", "the configuration is nil", func() { NewEngineWithConfig(nil) })
	WantPanic(t, "DefineHost", "wasmtime: a HostFunc that is no function", func() { linker.DefineHost("m", "f", HostFunc{}) })
	WantPanic(t, "NewHostFunc", "wasmtime: a HostFunc that is no function", func() { NewHostFunc(store, HostFunc{}) })
	for name, use := range map[string]func(){
		"Memory.Size": func() { memory.Size(store) }, "Memory.DataSize": func() { memory.DataSize(store) },
		"Memory.View": func() { memory.View(store) }, "Memory.Type": func() { memory.Type(store) },
		"Memory.UnsafeData": func() { memory.UnsafeData(store) }, "Global.Get": func() { global.Get(store) },
		"Global.Type": func() { global.Type(store) }, "Table.Size": func() { table.Size(store) },
		"Table.Type": func() { table.Type(store) },
	} {
		WantPanic(t, name, absent, use)
	}
	WantPanic(t, "Func.Type", "the function is nil", func() { (*Func)(nil).Type(store) })
	for name, set := range map[string]func(*WasiConfig){
		"SetStdin": func(c *WasiConfig) { c.SetStdin(nil) }, "SetStdout": func(c *WasiConfig) { c.SetStdout(nil) },
		"SetStderr": func(c *WasiConfig) { c.SetStderr((*os.File)(nil)) },
	} {
		config := NewWasiConfig()
		set(config)
		WantTyped(t, store.ConfigureWasi(config), ErrBadFile, "what WasiConfig."+name+" was given is nil")
	}
	Equal(t, "the store after all this", Call(t, store, instance, "f"), nil)
}
