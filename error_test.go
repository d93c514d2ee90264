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

// The texts about what is nil where something is needed. That there is one for everything, TestNilPointers shows.
func TestNothingGiven(t *testing.T) {
	engine := NewEngine()
	store, instance := GuestIn(t, engine, `(module (func (export "f")))`)
	linker := NewLinker(engine)
	wasm := Must(Wat2Wasm(`(module)`))
	module := Must(NewModule(engine, wasm))
	pre := Must(linker.InstantiatePre(module))
	f := instance.GetFunc(store, "f")
	closed, other := GuestIn(t, engine, `(module (func (export "f")))`)
	left := other.GetFunc(closed, "f")
	closed.Close()
	var memory *Memory
	var global *Global
	var none *Store
	absent := ": is there an export of that name, and is it of that kind?"
	for _, c := range []struct {
		name, text string
		err        error
	}{
		{"NewModule", "nil *Engine", ErrorOf(NewModule(nil, wasm))},
		{"NewModuleFromFile", "nil *Engine", ErrorOf(NewModuleFromFile(nil, "m.wasm"))},
		{"TryNewEngine", "nil *Config", ErrorOf(TryNewEngine(nil))},
		{"NewInstance", "nil *Module", ErrorOf(NewInstance(store, nil, nil))},
		{"Instantiate", "nil *Module", ErrorOf(linker.Instantiate(store, nil))},
		{"DefineInstance", "m: nil *Instance", linker.DefineInstance(store, "m", nil)},
		{"Memory.Grow", "nil *Memory" + absent, ErrorOf(memory.Grow(store, 1))},
		{"Global.Set", "nil *Global" + absent, global.Set(store, ValI32(1))},
		{"Func.Call", "nil *Func" + absent, ErrorOf(instance.GetFunc(store, "g").Call(store))},
		{"Linker.Define", "m.f: nil AsExtern" + absent, linker.Define(store, "m", "f", nil)},
		{"a nil store", "nil *Store", ErrorOf(NewInstance(none, module, nil))},
		{"a nil store for a linker", "nil *Store", ErrorOf(linker.Instantiate(none, module))},
		{"a nil store for an InstancePre", "nil *Store", ErrorOf(pre.Instantiate(none))},
		{"a nil store for Func.Call", "nil *Store", ErrorOf(f.Call(none))},
		{"no store at all", "nil Storelike", ErrorOf(f.Call(nil))},
		{"a zero store", "the store: " + ClosedText, new(Store).SetFuel(1)},
		{"a closed store", "the store: " + ClosedText, closed.SetFuel(1)},
		{"a closed store for Func.Call", "the store: " + ClosedText, ErrorOf(left.Call(closed))},
		{"DefineHost", "a HostFunc that is no function", linker.DefineHost("m", "f", HostFunc{})},
		{"Command.Run", "the command has no module", new(Command).Run(nil)},
	} {
		t.Run(c.name, func(t *testing.T) { WantTyped(t, c.err, ErrClosed, c.text) })
	}
	for name, c := range map[string]struct {
		text string
		use  func()
	}{
		"NewStore":            {"nil *Engine", func() { NewStore(nil) }},
		"NewLinker":           {"nil *Engine", func() { NewLinker(nil) }},
		"NewEngineWithConfig": {"nil *Config", func() { NewEngineWithConfig(nil) }},
		"NewHostFunc":         {"a HostFunc that is no function", func() { NewHostFunc(store, HostFunc{}) }},
		"a zero Func":         {"nil *Func", func() { new(Func).Type(store) }},
		"NewFunc of a nil":    {"a host function that is nil", func() { NewFunc(store, NewFuncType(nil, nil), nil).Call(store) }},
		"WrapFunc for none":   {"nil *Store", func() { WrapFunc(none, func() {}) }},
		"Instance.GetFunc":    {"nil *Store", func() { instance.GetFunc(none, "f") }},
		"Store.GC":            {"nil *Store", func() { none.GC() }},
		"Memory.Size":         {"nil *Memory" + absent, func() { memory.Size(store) }},
		"Memory.View":         {"nil *Memory" + absent, func() { memory.View(store) }},
		"Global.Type":         {"nil *Global" + absent, func() { global.Type(store) }},
		"Func.Type":           {"nil *Func" + absent, func() { instance.GetFunc(store, "g").Type(store) }},
		"Extern.Func":         {"nil *Func" + absent, func() { instance.GetExport(store, "g").Func().Type(store) }},
		"NewFuncType":         {"nil *ValType", func() { NewFuncType([]*ValType{nil}, nil) }},
		"GlobalType.Content":  {"nil *GlobalType", func() { f.Type(store).AsExternType().GlobalType().Content() }},
	} {
		WantPanic(t, name, "wasmtime: "+c.text, c.use)
	}
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
