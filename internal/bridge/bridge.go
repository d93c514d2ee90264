// Package bridge is the inside of a store for the other packages of this module. They import the root package for its
// public types, and this one for what those do not show: entering and leaving a store, watching a context, running
// host functions, failures, and native objects. The root package imports none of them; it sets the functions here
// when the program starts.
package bridge

import (
	"context"
	"reflect"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// Store is the inside of a store. Everything but Enter, EnterCall and Engine is for the goroutine that has entered it.
type Store interface {
	// Enter takes the store for an operation. It returns whether the operation is the outermost one, for Leave. The
	// error wraps wasmtime.ErrClosed or wasmtime.ErrConcurrentUse.
	Enter() (outermost bool, err error)
	// Leave gives the store back after Enter. It keeps the store reachable until then.
	Leave(outermost bool)
	// EnterCall is Enter for a call into a guest, and makes ctx the context of that, until LeaveCall. A nil ctx changes
	// nothing. The error is that of Enter, or wraps that of ctx, wasmtime.ErrNoEpochs, or wasmtime.ErrTooManyGuests.
	EnterCall(ctx context.Context) (Call, error)
	// LeaveCall is Leave after a call into a guest, which has ended with err. It returns what it ends with in the end:
	// the outermost call adds what writers have not taken of what guests have written, and nobody has been told of.
	LeaveCall(call Call, err error) error
	// EndCall ends the context of a call before LeaveCall, for which it returns the call: what comes until then is not
	// stopped by that.
	EndCall(Call) Call
	// Identify lets the goroutine that has entered the store enter it again, until it leaves it. Host does so, too.
	Identify()
	// Allocate runs an instantiation, which f does in the frame that it is given: again when there may be room after
	// it has failed for want of that, and, with a ctx that can end, when there is a place in the engine's pool. ctx is
	// as for EnterCall. f tells whether it has succeeded.
	Allocate(ctx context.Context, f func(call *ffi.Call, room uintptr) bool) error
	// Host runs a host function in the middle of a call into a guest, with this store, a *wasmtime.Caller that has no
	// calling instance, and frame as it is. It returns the trap that has to end the guest, if there is to be one. An
	// error of the host function becomes the cause of what Failure makes; a panic is kept for Failure to panic with;
	// runtime.Goexit loses the store, and Host does not return.
	Host(run func(store Store, caller any, frame unsafe.Pointer) error, frame unsafe.Pointer) ffi.Trap
	// Failure makes the error of a call into a guest that failed, a *wasmtime.Trap or a *wasmtime.Error, of which it
	// takes the native one. It panics if a host function has panicked.
	Failure(trap ffi.Trap, err ffi.Error) error
	// Room returns how many bytes of its stack a thread has to have left for a call into a guest. Package ffi looks
	// for that, and a call for which there is less fails.
	Room() uintptr
	// Native returns the native store. It is valid until the store is left.
	Native() ffi.Store
	// ComponentCall returns the frame of the native store for calls of components, which is there before that is made:
	// an instantiation makes it in passing. From then on the store may have any number of places in the engine's pool.
	ComponentCall() *ffi.ComponentCall
	// PushServed makes a descriptor of the store of something that Go serves, which the guest reads, or writes, and
	// returns its number. The error is native.
	PushServed(what *served.Descriptor, writes bool) (fd uint32, failed ffi.Error)
	// Engine returns the store's *wasmtime.Engine.
	Engine() any
	// Attached is where the package component keeps what belongs to a store of its own; nil at first.
	Attached() *Attachment
}

// Call is a call into a guest, between EnterCall and LeaveCall.
type Call struct {
	// Outermost is what Enter has returned.
	Outermost bool
	// Begun says that the call has a context, which is to be ended.
	Begun bool
	// Outer is the context of the call around this one, which may be nil, and Watch what stops the guest, if anything.
	Outer context.Context
	Watch unsafe.Pointer
}

// Attachment is what another package keeps in a store.
type Attachment interface {
	// StoreClosed frees it when the store has been closed, but not when it has become garbage. The store cannot be
	// entered any more. It may panic when all is done.
	StoreClosed()
}

// Artifact is compiled code.
type Artifact interface {
	// Serialize returns the code.
	Serialize() ([]byte, ffi.Error)
	// Delete frees it.
	Delete()
}

// What the root package sets at start.
var (
	// StoreOf returns the inside of a wasmtime.Storelike: a *wasmtime.Store, or a *wasmtime.Caller whose host
	// function has not returned. The error is what methods of a nil, a closed or a stale one return.
	StoreOf func(storelike any) (Store, error)
	// Entered returns the store that a callback of the native library is about, by the number that the native store
	// was made with; nil if no call of it is going on.
	Entered func(number uintptr) Store
	// EngineOf returns the native engine of a *wasmtime.Engine. It panics for anything else.
	EngineOf func(engine any) *registry.Handle[ffi.Engine]
	// ModuleOf returns the native module of a *wasmtime.Module, and its engine. It panics for anything else.
	ModuleOf func(module any) (handle *registry.Handle[ffi.Module], engine any)
	// WrapModule makes a *wasmtime.Module of a native one, which it takes, of a *wasmtime.Engine.
	WrapModule func(engine any, native ffi.Module) any
	// Compile compiles a source with compile, or takes the code from the cache of the *wasmtime.Engine, whose native
	// engine is given, and loads it with load: again when garbage has been collected if there is no room.
	Compile func(engine any, native ffi.Engine, source []byte, compile, load func(bytes []byte) (Artifact, ffi.Error)) (
		Artifact, ffi.Error)
	// Direct returns how to call a Go function without reflection: nil unless it is one of numbers in one of the shapes
	// that wasmtime.HostFuncOf says are common. caller is a *wasmtime.Caller. Each parameter is at the beginning of a
	// slot; the result, if there is one, will be at the beginning of the first. What the function returns as its error,
	// or its *wasmtime.Trap, is the error.
	Direct func(fn reflect.Value) func(caller any, slots *ffi.Slot) error
	// NewError makes a *wasmtime.Error of a native one, which it takes.
	NewError func(ffi.Error) error
	// MakeError makes a *wasmtime.Error that wraps cause, which may be nil.
	MakeError func(cause error, message string) error
	// Ended returns what a program ended with: of an error that says that it exited with status 0, only what writers
	// have not taken.
	Ended func(err error) error
)

// Errors are what the errors of native codes wrap that the root package does not know. They are set when the program
// starts.
var Errors = map[ffi.ErrorCode]error{}
