// Package bridge is the inside of a store for the other packages of this module. They import the root package for its
// public types, and this one for what those do not show: entering and leaving a store, watching a context, running
// host functions, failures, and native objects. The root package imports none of them; it sets the functions here
// when the program starts.
package bridge

import (
	"context"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Store is the inside of a store. Everything but Enter is for the goroutine that has entered it.
type Store interface {
	// Enter takes the store for an operation. It returns whether the operation is the outermost one, for Leave. The
	// error wraps wasmtime.ErrClosed or wasmtime.ErrConcurrentUse.
	Enter() (outermost bool, err error)
	// Leave gives the store back after Enter. It keeps the store reachable until then.
	Leave(outermost bool)
	// Finish is Leave after a call into a guest, which has ended with *err: the outermost call adds what writers have
	// not taken of what guests have written, and nobody has been told of.
	Finish(outermost bool, err *error)
	// Watch makes ctx the context of the call into a guest that follows, until stop is called. A nil ctx changes
	// nothing. The error wraps that of ctx, or wasmtime.ErrNoEpochs.
	Watch(ctx context.Context) (stop func(), err error)
	// Host runs a host function in the middle of a call into a guest, with a *wasmtime.Caller that has no calling
	// instance, and with frame as it is. It returns the error that has to end the guest. An error of the host
	// function becomes the cause of what Failure makes; a panic is kept for Failure to panic with; runtime.Goexit
	// loses the store, and Host does not return.
	Host(run func(caller any, frame unsafe.Pointer) error, frame unsafe.Pointer) error
	// Failure makes the error of a call into a guest that failed, a *wasmtime.Trap or a *wasmtime.Error, of which it
	// takes the native one. It panics if a host function has panicked.
	Failure(trap ffi.Trap, err ffi.Error) error
	// Room returns how many bytes of its stack a thread has to have left for a call into a guest. Package ffi looks
	// for that, and a call for which there is less fails.
	Room() uintptr
	// Native returns the native store. It is valid until the store is left.
	Native() ffi.Store
}

// What the root package sets at start.
var (
	// StoreOf returns the inside of a wasmtime.Storelike: a *wasmtime.Store, or a *wasmtime.Caller whose host
	// function has not returned. It panics for anything else.
	StoreOf func(storelike any) Store
	// Entered returns the store that a callback of the native library is about, by the number that the native store
	// was made with; nil if no call of it is going on.
	Entered func(number uintptr) Store
	// EngineOf returns the native engine of a *wasmtime.Engine. It panics for anything else.
	EngineOf func(engine any) *registry.Handle[ffi.Engine]
	// NewError makes a *wasmtime.Error of a native one, which it takes.
	NewError func(ffi.Error) error
)
