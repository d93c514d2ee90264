package wasmtime

import (
	"runtime"
	"sync/atomic"
)

// deleter is a handle of the native library.
type deleter interface{ Delete() }

// handle owns a native object that several goroutines may use and one may close meanwhile: it is deleted once, when it has
// been closed and the last use of it is over, or when its owner has become unreachable.
type handle[T deleter] struct {
	native T
	// owned is false in a zero value, which counts as closed.
	owned bool
	// users is the number of uses that go on, and closing when the handle has been closed.
	users   atomic.Int64
	cleanup runtime.Cleanup
}

const closing = 1 << 62

// own makes h, a field of owner, own the native object.
func own[O any, T deleter](h *handle[T], owner *O, native T) {
	h.native, h.owned = native, true
	h.cleanup = runtime.AddCleanup(owner, func(native T) { native.Delete() }, native)
}

// acquire begins a use of the native object, which release ends. It panics if the handle has been closed.
func (h *handle[T]) acquire() T {
	for {
		n := h.users.Load()
		if n >= closing || !h.owned {
			panic(closedText)
		}
		if h.users.CompareAndSwap(n, n+1) {
			return h.native
		}
	}
}

// release ends a use. As long as it is still to come, the owner is reachable.
func (h *handle[T]) release() {
	if h.users.Add(-1) == closing {
		h.native.Delete()
	}
}

// close makes the handle refuse new uses.
func (h *handle[T]) close() {
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
