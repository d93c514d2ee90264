package registry

import (
	"runtime"
	"sync/atomic"
)

// Closed is what a method that cannot return an error panics with when its object has been closed.
const Closed = "object has been closed already"

// Deleter is a native object that its owner deletes.
type Deleter interface{ Delete() }

// Handle owns a native object that several goroutines may use and one may close meanwhile: it is deleted once, when
// it has been closed and the last use of it is over, or when its owner has become unreachable. Its zero value counts
// as closed.
type Handle[T Deleter] struct {
	native T
	// owned is false in a zero value.
	owned bool
	// users is the number of uses that go on, and closing when the handle has been closed.
	users   atomic.Int64
	cleanup runtime.Cleanup
}

const closing = 1 << 62

// Own makes h, a field of owner, own the native object.
func Own[O any, T Deleter](h *Handle[T], owner *O, native T) {
	h.native, h.owned = native, true
	h.cleanup = runtime.AddCleanup(owner, func(native T) { native.Delete() }, native)
}

// Acquire is TryAcquire for methods that cannot return an error: it panics with [Closed] if the handle has been closed.
func (h *Handle[T]) Acquire() T {
	native, ok := h.TryAcquire()
	if !ok {
		panic(Closed)
	}
	return native
}

// TryAcquire begins a use of the native object, which Release ends. It tells whether it could: not if the handle has
// been closed.
func (h *Handle[T]) TryAcquire() (native T, ok bool) {
	for {
		n := h.users.Load()
		if n >= closing || !h.owned {
			return native, false
		}
		if h.users.CompareAndSwap(n, n+1) {
			return h.native, true
		}
	}
}

// Release ends a use. As long as it is still to come, the owner is reachable.
func (h *Handle[T]) Release() {
	if h.users.Add(-1) == closing {
		h.native.Delete()
	}
}

// Shared tells whether there is another use of the native object than that of the caller, who has acquired it.
func (h *Handle[T]) Shared() bool { return h.users.Load()&(closing-1) > 1 }

// Closed tells whether the handle has been closed.
func (h *Handle[T]) Closed() bool { return !h.owned || h.users.Load() >= closing }

// Close makes the handle refuse new uses. Closing twice does nothing.
func (h *Handle[T]) Close() {
	if !h.owned {
		return
	}
	switch n := h.users.Or(closing); {
	case n >= closing:
		// closed before
	case n == 0:
		h.cleanup.Stop()
		h.native.Delete()
	default:
		h.cleanup.Stop()
		runtime.KeepAlive(h) // the owner with it: whoever ends the last use deletes, and the cleanup must not
	}
}
