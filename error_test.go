package wasmtime_test

import (
	"errors"
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
	all := []error{ErrClosed, ErrConcurrentUse, ErrWrongStore, ErrNoEpochs, ErrNoWasi, ErrBadFile, ErrBadAccessMode, ErrBadFd,
		ErrComponent, ErrPoolFull, ErrStackTooSmall, ErrTooLate, ErrTooManyGuests, ErrUnsupported}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) || (i != j && a.Error() == b.Error()) {
				t.Errorf("%v and %v", a, b)
			}
		}
	}
}
