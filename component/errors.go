package component

import (
	"errors"
	"fmt"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// Errors that say what was wrong with a use of this package. Errors that the package returns wrap them, or those of
// package wasmtime: compare with [errors.Is].
var (
	// ErrNotComponent: a module was given where a component is needed.
	ErrNotComponent = errors.New("this is a module, not a component")
	// ErrUnusable: a call of a component in the store has ended in the middle of what it was doing, by a trap, an
	// interrupt or an error of a host function. No component of the store can be called any more.
	ErrUnusable = errors.New("cannot enter component instance: a call of a component in the store has trapped or was interrupted")
	// ErrNotFound: the component has no such export.
	ErrNotFound = errors.New("no such export")
	// ErrMissing: the component imports what nobody has defined in the linker.
	ErrMissing = errors.New("not defined in the linker")
	// ErrType: a Go type, or a Go value, does not fit the WIT type.
	ErrType = errors.New("the types do not fit")
	// ErrValue: a value cannot be passed although its type fits: a string that is not UTF-8, a rune that is none, a
	// number that names no case.
	ErrValue = errors.New("the value cannot be passed")
	// ErrHandle: the resource has been dropped or given away, or is another's.
	ErrHandle = errors.New("not a valid handle")
	// ErrBorrowed: what a guest has lent cannot be closed, which is up to the guest.
	ErrBorrowed = errors.New("the resource is borrowed")
	// ErrHasChildren: the resource cannot be dropped as long as resources that were made of it are there. It stays as
	// it is, and can be dropped when they are gone. A guest that drops it ends.
	ErrHasChildren = errors.New("the resource has children")
	// ErrTooManyHandles: the store has as many resources as it may, see [SetLimits], or as many of WASI, see
	// [wasmtime.Store.SetMaxResources]. The error says whether the
	// function was called: if so, the resources in its results were dropped, and it can be called again. A guest that
	// gives a host function more than there may be ends there, and is [ErrUnusable] from then on. No store can make
	// more than about four billion handles in its life.
	ErrTooManyHandles = errors.New("the store has too many resources")
	// ErrTooManyBytes: a guest passed or returned more in one call than it may, see
	// [wasmtime.Store.SetHostcallFuel].
	ErrTooManyBytes = errors.New("the guest passed too many bytes in one call")
	// ErrGuestABI: a guest passed or returned what breaks the rules of the component model, such as a string that is
	// not in its memory.
	ErrGuestABI = errors.New("the guest breaks the rules of the component model")
)

func init() {
	bridge.Errors[ffi.ErrorNotComponent] = ErrNotComponent
	bridge.Errors[ffi.ErrorComponentUnusable] = ErrUnusable
	bridge.Errors[ffi.ErrorBadHandle] = ErrHandle
	bridge.Errors[ffi.ErrorHandleLimit] = ErrTooManyHandles
	bridge.Errors[ffi.ErrorGuestABI] = ErrGuestABI
	bridge.Errors[ffi.ErrorHostcallFuel] = ErrTooManyBytes
	bridge.Errors[ffi.ErrorHasChildren] = ErrHasChildren
}

// errorf makes a *wasmtime.Error that wraps cause, which may be nil.
func errorf(cause error, format string, args ...any) error {
	return bridge.MakeError(cause, fmt.Sprintf(format, args...))
}

// withRemedy adds to an error of the native library that is [ErrUnusable] what is left to do.
func withRemedy(err error) error {
	if errors.Unwrap(err) == ErrUnusable {
		return errorf(ErrUnusable, "%v; a new store is needed", err)
	}
	return err
}

// isNil is the error about something that is nil, or a zero value that nothing of this package has made: it is used as
// what has been closed.
func isNil(what string) error { return errorf(wasmtime.ErrClosed, "the %s is nil", what) }

// notNil returns a pointer for a method that cannot return an error; it panics if that is nil.
func notNil[T any](p *T, what string) *T {
	if p == nil {
		panic("wasmtime: the " + what + " is nil")
	}
	return p
}

// ResultError is the error case of a function whose result is a result<T, E>, where the Go function has a result of
// type T and an error. It is found with [errors.As].
//
// A host function that returns one, or an error that wraps one, gives the guest its value.
type ResultError struct {
	// Value is what the guest or the host gave: nil if the case has no value. That of a guest has the Go type that
	// [Func.Call] returns for its WIT type.
	Value any
}

// Error returns the value as a text, or that there is none.
func (e *ResultError) Error() string {
	switch v := notNil(e, "error").Value.(type) {
	case nil:
		return "the function returned an error"
	case string:
		return v
	case error:
		return v.Error()
	}
	return fmt.Sprintf("the function returned the error %v", e.Value)
}

// Unwrap returns the value if that is an error, otherwise nil.
func (e *ResultError) Unwrap() error {
	if e == nil {
		return nil
	}
	err, _ := e.Value.(error)
	return err
}
