package wasmtime

import (
	"context"
	"errors"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/goexit"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Caller is what called a host function: the instance, and its store, for which it stands wherever a [Storelike] is
// wanted. It is used until the host function returns, on its goroutine only, and it is not copied.
//
// One that is kept for longer is refused: with an error that wraps [ErrClosed] where there is an error to return,
// otherwise with a panic; [Caller.GetExport] and [Caller.GetMemory] find nothing. But while a later host call of the
// same depth goes on, it may speak for that. On another goroutine it is refused with [ErrConcurrentUse] as long as the
// store is in use; only [Caller.Data] and [Caller.Context] do not look. See wasmtime::Caller.
type Caller struct {
	// self is the Caller itself, and something else in a copy of it, which is no Caller.
	self  *Caller
	state *state
	call  *ffi.HostCall
	// done says that the host function has returned, not panicked.
	done   bool
	deeper *Caller
}

// Data returns what [NewStoreWithData] was given for the store.
func (c *Caller) Data() any { return c.inCall().data }

func (c *Caller) storeState() *state {
	if c == nil {
		return nil
	}
	return c.state
}

// errReturned is for a Caller whose host function has returned. The text is wasmtime-go's.
var errReturned = errorf(ErrClosed, "cannot use caller after host function returns")

// hasReturned tells whether what stands for a store is a Caller whose host function has returned. The store is entered:
// before, only the goroutine of the host function may look.
func hasReturned(store Storelike) bool {
	c, ok := store.(*Caller)
	return ok && (c.call == nil || c.self != c)
}

// inCall returns the store; it panics if the host function has returned.
func (c *Caller) inCall() *state {
	if hasReturned(notNil(c)) {
		panic(errReturned.message)
	}
	return c.state
}

// Context returns the context of the call that the host function is part of: the one that was given to a method such as
// [Func.CallContext], otherwise context.Background().
func (c *Caller) Context() context.Context {
	if ctx := c.inCall().ctx; ctx != nil {
		return ctx
	}
	return context.Background()
}

// GetExport returns what the calling instance exports as name; nil if there is no such export, no calling instance,
// or the host function has returned. See wasmtime::Caller::get_export.
func (c *Caller) GetExport(name string) *Extern {
	s, outermost, err := enter(c)
	switch {
	case errors.Is(err, ErrClosed):
		return nil
	case err != nil:
		panic(err.Error())
	}
	defer s.Leave(outermost)
	e := &Extern{state: s}
	if !c.call.Export(name, &e.item) {
		return nil
	}
	return e.own()
}

// GetMemory returns the memory that the calling instance exports as name, nil if there is none.
func (c *Caller) GetMemory(name string) *Memory {
	e := c.GetExport(name)
	if e == nil {
		return nil
	}
	return e.Memory()
}

// Memory returns a view of the memory that the calling instance exports as "memory", the name that compilers give it.
// If there is none, or it is a shared memory, everything is out of the view's bounds, as in a memory of 0 bytes. A view
// is made once for each memory, so most calls allocate nothing; it can be used for as long as the store, as one of
// [Memory.View] can.
func (c *Caller) Memory() *MemoryView {
	s, outermost := mustEnter(c)
	defer s.Leave(outermost)
	var item ffi.Item
	switch found := c.call.Export("memory", &item); {
	case !found:
		return noMemory
	case item.Kind == ffi.ItemSharedMemory:
		item.Own().Delete()
		return noMemory
	case item.Kind != ffi.ItemMemory:
		return noMemory
	}
	return s.viewOf(item)
}

// GC is [Store.GC] for the Caller's store, in the middle of the guest's call: what its frames hold stays, and so does
// what the host function was given and has not returned from yet. It panics where [Caller.Data] does. See
// wasmtime::Caller::gc.
func (c *Caller) GC() { collect(c) }

// Callers are lent to the host calls of a store that are running, one for each depth, and used again: a list that grows
// when a host call is nested deeper than any before.

// lendCaller takes the next Caller for a host call.
func (s *state) lendCaller(call *ffi.HostCall) *Caller {
	c := s.caller
	if c.deeper == nil {
		c.deeper = new(Caller)
		c.deeper.init(s)
	}
	s.caller = c.deeper
	c.call, c.done = call, false
	return c
}

// init makes a zero Caller one of the store's.
func (c *Caller) init(s *state) { c.self, c.state = c, s }

// returnCaller gives it back; the guest's next host call at this depth gets it again.
func (c *Caller) returnCaller() {
	c.call = nil
	c.state.caller = c
}

// hostFunc is a Go function that guests call.
type hostFunc struct {
	sig *FuncType
	// run reads its arguments from the slots and writes its results there. It may panic. A *Trap is passed on as it is.
	run func(c *Caller, slots unsafe.Pointer) error
}

// errNoHost is for a zero HostFunc.
var errNoHost = errorf(ErrClosed, "a HostFunc that is no function: use HostFuncOf, or HostFunc1 and its like")

// linkerEnv marks the number of a function that belongs to a linker; the others are indices into the store's hosts.
const linkerEnv = 1 << 63

// linkerFuncs finds the host functions of linkers. A function stays until the native library says that neither the
// linker nor a store needs it, as long as Go reaches the linker, an InstancePre that came from it, or a store in which
// something of it is: these keep its functions, and nothing else does, so that a function may lead back to any of them.
var linkerFuncs registry.Registry[hostFunc]

// link keeps the host functions of a linker for the life of the store.
func (s *state) link(hosts *registry.Family[hostFunc]) {
	switch {
	case s.linked == hosts || hosts.Empty():
	case s.linked == nil:
		s.linked = hosts
	default:
		b := s.belongings()
		if b.linked == nil {
			b.linked = map[*registry.Family[hostFunc]]struct{}{}
		}
		b.linked[hosts] = struct{}{}
	}
}

// host returns the host function with a number.
func (s *state) host(env uint64) *hostFunc {
	if env&linkerEnv == 0 {
		return s.hosts[env]
	}
	number := env &^ linkerEnv
	if h := s.linked.Get(number); h != nil {
		return h
	}
	return linkerFuncs.Get(number) // of another linker, which the store keeps as well
}

// addHost is tryAddHost for functions that cannot return an error.
func addHost(store Storelike, h *hostFunc) *Func {
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	f, err := s.newHost(h)
	if err != nil {
		panic(err)
	}
	return f
}

// tryAddHost keeps a host function for the life of the store and makes it one of its functions.
func tryAddHost(store Storelike, h *hostFunc) (*Func, error) {
	s, outermost, err := enter(store)
	if err != nil {
		return nil, err
	}
	defer s.Leave(outermost)
	return s.newHost(h)
}

// newHost is tryAddHost in a store that is entered.
func (s *state) newHost(h *hostFunc) (*Func, error) {
	s.hosts = append(s.hosts, h)
	f := &Func{state: s, sig: h.sig}
	if failed := s.made().NewFunc(h.sig.encode(), uint64(len(s.hosts)-1), &f.item); !failed.IsNil() {
		return nil, newError(failed)
	}
	return f, nil
}

// onHostCall serves every call of a guest to the host.
func onHostCall(call *ffi.HostCall) {
	s := entered.get(call.Data)
	s.lock.Identify()
	if s.behind != nil {
		s.settle()
	}
	c := s.lendCaller(call)
	defer c.end()
	if err := s.host(call.Env).run(c, call.Slots); err != nil {
		c.call.SetTrap(s.trapOf(err))
	}
	c.done = true
}

// settle lets the writers have, before the guest's call is served, what the guest has written before it.
func (s *state) settle() {
	if s.behind.AtWork() {
		s.behind.HostCall(s.stop())
	}
}

// end ends a host call. A panic stops the guest.
func (c *Caller) end() {
	if !c.done {
		value := recover()
		if goexit.Running("wasmtime.onHostCall") {
			c.state.abandon() // the call that this is part of will never return
			return
		}
		c.state.keepPanic(value)
		c.call.SetTrap(ffi.NewTrap(errPanicked.Error()))
	}
	c.returnCaller()
}

// errPanicked is what the native library gets to see of a panic.
var errPanicked = errors.New("go panicked")

// trapOf is what a host call ends with whose host function has returned an error.
func (s *state) trapOf(err error) ffi.Trap {
	trap, ok := err.(*Trap)
	if ok && trap == nil {
		panic("a host function returned a nil *Trap as its error; return nil")
	}
	if !ok {
		s.hostErr = err
		return ffi.NewTrap(err.Error())
	}
	native, ok := trap.take(s)
	if !ok {
		panic("cannot return trap twice")
	}
	s.hostErr, s.hostTrap = trap.cause, true
	return native
}

// noCall is the host call of a Caller that has no calling instance.
var noCall ffi.HostCall

// Host runs a host function of another package for a guest, see [bridge.Store].
func (s *state) Host(run func(store bridge.Store, caller any, frame unsafe.Pointer) error, frame unsafe.Pointer) (trap ffi.Trap) {
	s.lock.Identify()
	if s.behind != nil {
		s.settle()
	}
	c := s.lendCaller(&noCall)
	defer func() {
		if !c.done {
			value := recover()
			if goexit.Running("wasmtime.(*state).Host") {
				s.abandon()
				return
			}
			s.keepPanic(value)
			trap = ffi.NewTrap(errPanicked.Error())
		}
		c.returnCaller()
	}()
	if failed := run(s, c, frame); failed != nil {
		trap = s.trapOf(failed)
	}
	c.done = true
	return trap
}
