package wasmtime

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
)

// hostFunc is a Go function that guests call.
type hostFunc struct {
	sig *FuncType
	// run reads its arguments from the slots and writes its results there. It may panic. A *Trap is passed on as it is.
	run func(c *Caller, slots unsafe.Pointer) error
}

// linkerEnv marks the number of a function that belongs to a linker; the others are indices into the store's hosts.
const linkerEnv = 1 << 63

// linkerFuncs are the host functions of all linkers. They stay until the native library says that neither the linker nor a
// store needs them.
var linkerFuncs registry[hostFunc]

// addHost keeps a host function for the life of the store and makes it one of its functions.
func (s *state) addHost(h *hostFunc) *Func {
	outermost := s.mustEnter()
	defer s.leave(outermost)
	s.hosts = append(s.hosts, h)
	f := &Func{state: s, sig: h.sig}
	if err := s.native.NewFunc(h.sig.encode(), uint64(len(s.hosts)-1), &f.item); !err.IsNil() {
		panic(newError(err))
	}
	return f
}

// onHostCall serves every call of a guest to the host.
func onHostCall(call *ffi.HostCall) {
	s := stores.get(call.Data)
	var h *hostFunc
	if call.Env&linkerEnv == 0 {
		h = s.hosts[call.Env]
	} else {
		h = linkerFuncs.get(call.Env &^ linkerEnv)
	}
	s.lock.Identify()
	c := s.lendCaller(call)
	defer c.end()
	if err := h.run(c, call.Slots); err != nil {
		c.fail(err)
	}
	c.done = true
}

// serveGuest runs f, which serves a guest in the middle of a WASI call: nothing may use the store, not even what f calls. If f
// panics, stop says that the guest has to stop, and the call that runs it panics; the first one wins.
func (s *state) serveGuest(f, stop func()) {
	if s.lock.Disown() {
		defer s.lock.Identify()
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		stop()
		value := recover()
		if exiting("(*state).serveGuest") {
			s.abandon()
		} else if !s.panicking {
			s.panicking, s.panicked = true, value
		}
	}()
	f()
	returned = true
}

// raise panics as Go code did that the native library called while no guest ran.
func (s *state) raise() {
	if s.panicking {
		value := s.panicked
		s.panicking, s.panicked = false, nil
		panic(value)
	}
}

// end ends a host call. A panic stops the guest and waits in the store for the call that it came from; the first one wins.
func (c *Caller) end() {
	s, call := c.state, c.call
	if !c.done {
		value := recover()
		if exiting("onHostCall") {
			s.abandon() // the call that this is part of will never return
			return
		}
		if !s.panicking {
			s.panicking, s.panicked = true, value
		}
		call.SetTrap(ffi.NewTrap("go panicked"))
	}
	c.returnCaller()
}

// exiting tells a deferred function whether [runtime.Goexit] is ending the goroutine, and not a panic alone: a panic in a
// function that Goexit runs can be recovered, and Goexit goes on. below is the function of this package that called the user's.
func exiting(below string) bool {
	below = "." + below
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for frames, more := runtime.CallersFrames(pcs[:n]), n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			switch {
			case frame.Function == "runtime.Goexit":
				return true
			case strings.HasSuffix(frame.Function, below):
				return false
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// fail makes the host call end with an error.
func (c *Caller) fail(err error) {
	trap, ok := err.(*Trap)
	if ok && trap == nil {
		panic("a host function returned a nil *Trap as its error; return nil")
	}
	if !ok {
		c.state.hostErr = err
		c.call.SetTrap(ffi.NewTrap(err.Error()))
		return
	}
	native, ok := trap.take(c.state)
	if !ok {
		panic("cannot return trap twice")
	}
	c.state.hostErr = trap.cause
	c.call.SetTrap(native)
}
