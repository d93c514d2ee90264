// Package served is what Go itself serves a guest as descriptors: streams and listeners that have no descriptor of
// the host, and file systems. The native library asks for them by their numbers, in the middle of a guest's WASI
// call.
//
// All it needs of the store is a [Host].
package served

import (
	"context"

	"github.com/gowasmtime/wasmtime/internal/goexit"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Host is a store whose guest is being served. It must not keep the store alive: the native library's side of the store
// holds it as long as the guest has the descriptor.
type Host interface {
	// Number is one that no other open store has.
	Number() uint64
	// Shelf returns what the store keeps of what is served to its guests. It is called when the store is in an
	// operation or in a call.
	Shelf() *Shelf
	// BeginCall takes the store away from the goroutine that calls into the guest, since nothing may use it during a
	// WASI call. stop is done when the guest has to stop; nil if nothing can stop it. ok is false when the store is
	// in no call: the garbage collector frees it, and with it the last descriptors.
	BeginCall() (stop context.Context, taken, ok bool)
	// EndCall gives the store back. taken is what BeginCall has returned.
	EndCall(taken bool)
	// Panicked keeps what a call panicked with, for the call into the guest to panic with in turn; the first one wins.
	Panicked(value any)
	// Failed keeps what a call has failed with that ends the guest, for the error of the call into the guest to wrap.
	Failed(err error)
	// Exited hears, in place of EndCall, that runtime.Goexit ends the goroutine: the guest's call will never return.
	Exited()
	// Behind returns what the store's operation leaves behind, for which it waits when it ends. nil is that of a store
	// that is in none: the garbage collector frees it, on a goroutine that must not wait.
	Behind() *Behind
	// Wake makes a guest that polls ask what is served to it again. It may be called at any time, by any goroutine,
	// also when the store is gone.
	Wake()
}

// HostOf returns the store with a number if it is in an operation or in a call; nil if it is in none. It is set once,
// by the package above, before anything is served.
var HostOf func(number uint64) Host

// Shelf is what a store keeps for its guests: readers, writers and file systems may lead back to the store, so nothing
// else keeps them.
type Shelf struct {
	descriptors table
	nodes       registry.Family[node]
	ends        ends
	// listings is nil as long as there is no file system and no limit.
	listings *listings
}

// Call runs f in the middle of a guest's WASI call, with the context that stops the guest. If f does not return,
// stopped is called to say that the guest has to stop, and host learns why. ok is false, and nothing has run, when
// the store is in no call.
func Call(host Host, f func(stop context.Context), stopped func()) (ok bool) {
	stop, taken, ok := host.BeginCall()
	if !ok {
		return false
	}
	returned := false
	defer func() {
		if !returned {
			stopped()
			value := recover()
			ends, ok := value.(ending)
			switch {
			case goexit.Running("/internal/served.Call"):
				host.Exited()
				return
			case ok:
				host.Failed(ends.err)
			default:
				host.Panicked(value)
			}
		}
		host.EndCall(taken)
	}()
	f(stop)
	returned = true
	return true
}

// canStop tells whether a context, which may be nil, can ever be done.
func canStop(ctx context.Context) bool { return ctx != nil && ctx.Done() != nil }
