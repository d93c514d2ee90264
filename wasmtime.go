// Package wasmtime runs WebAssembly with Wasmtime. The native library comes with the module: go get is all the set-up.
//
// An [Engine] compiles a [Module]; a [Store] holds its instances; a [Linker] gives them their imports. [Func.Call]
// calls any function with checked arguments; a function that is called often is bound once, with [Bind2] and its
// like, and then costs no allocation. [Func.CallContext] stops a guest when a context ends. Host functions are Go
// functions, see [Linker.DefineGoFunc] and, checked by the compiler, [HostFunc2]; [Linker.FuncWrap] is wasmtime-go's.
// A program is run by [Command]. A plugin is instantiated with [Linker.InstantiateReactor], and [Store.SetLimits]
// limits it. WASI 0.1 is configured with [WasiConfig]. What the host has open becomes a descriptor of the guest with
// [Store.PushFile], [Store.PushDir], [Store.PushFS], [Store.PushConn], [Store.PushListener], [Store.PushReader] and
// [Store.PushWriter], or with the Insert beside each, which takes the number; inside of a host function, with the same
// methods of [Caller].
//
// Names and behaviour are those of github.com/bytecodealliance/wasmtime-go/v44, so a program written for it changes its
// import path and goes on. What has been added stands beside it.
//
// # Ownership
//
// Close frees an object at once; what is not closed is freed when the garbage collector finds it unreachable. A
// function, memory, table, global or instance keeps its store alive, and a store its engine. Using a closed object is
// an error that wraps [ErrClosed] where the method returns an error, and a panic with that text where it returns none:
// so one goroutine may close an Engine, a Module, a Linker or an InstancePre that others are using, and those who come
// too late hear of it. A Store is closed by whoever uses it.
//
// What is nil counts as closed, be it what a method is called on or what a function is given, and so does the zero
// value of a type that is made by functions of this package, such as Store{}: a method that returns no error panics
// with a text such as "wasmtime: nil *Store", and closing it does nothing. A [Caller] is closed when its host function
// returns.
//
// # Concurrency
//
// An Engine, a Module, an InstancePre and a Linker may be used by any number of goroutines at once, also while one
// closes them; definitions in a Linker happen one after the other. A Store, and what belongs to it, is used by one
// goroutine at a time; a call from a host function back into its own store is part of the same use. Use by a second
// goroutine at the same moment is found and refused: with [ErrConcurrentUse] where the method returns an error, with
// a panic of that text where it does not.
package wasmtime

import (
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// Version returns the release of Wasmtime in the linked library, such as "48.0.8".
func Version() string { return ffi.LibraryVersion() }

func init() {
	if err := ffi.CheckVersion(); err != nil {
		panic(err)
	}
	ffi.OnHostCall(onHostCall)
	ffi.OnFuncGone = func(env uint64) { linkerFuncs.Remove(env &^ linkerEnv) }
	served.HostOf = hostOf
	ffi.OnStream, ffi.OnFS = served.OnStream, served.OnFS
	ffi.OnWallClock, ffi.OnMonotonicClock = onWallClock, onMonotonicClock
	ffi.OnSecureRandom, ffi.OnInsecureRandom = onSecureRandom, onInsecureRandom
	ffi.OnSocketAddrCheck = onSocketAddrCheck
	ffi.OnSystemGone = systems.Remove
	ffi.OnExternrefGone = onExternrefGone
	ffi.OnRefusal = onRefusal
}
