package wasmtime

import (
	"context"
	"errors"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/goexit"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Caller is what called a host function: the instance, and its store. It may be used until the host function returns,
// and on its goroutine only; after that its methods panic, or find no export, unless another host call of the same
// depth has begun, which it then speaks for. See wasmtime::Caller.
type Caller struct {
	descriptors
	state *state
	call  *ffi.HostCall
	// done says that the host function has returned, not panicked.
	done   bool
	deeper *Caller
}

// Data returns what [NewStoreWithData] was given for the store.
func (c *Caller) Data() any { return c.storeState().data }

func (c *Caller) storeState() *state {
	if c.call == nil {
		panic("cannot use caller after host function returns")
	}
	return c.state
}

// Context returns the context of the call that the host function is part of: the one that was given to a method such as
// [Func.CallContext], otherwise context.Background().
func (c *Caller) Context() context.Context {
	if ctx := c.storeState().ctx; ctx != nil {
		return ctx
	}
	return context.Background()
}

// GetExport returns what the calling instance exports as name; nil if there is no such export, no calling instance,
// or the host function has returned. See wasmtime::Caller::get_export.
func (c *Caller) GetExport(name string) *Extern {
	s := c.state
	outermost, err := s.Enter()
	if err != nil {
		panic(err.Error())
	}
	defer s.Leave(outermost)
	if c.call == nil {
		return nil
	}
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
	s := c.storeState()
	outermost := s.mustEnter()
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

// Callers are lent to the host calls of a store that are running, one for each depth, and used again: a list that grows
// when a host call is nested deeper than any before.

// lendCaller takes the next Caller for a host call.
func (s *state) lendCaller(call *ffi.HostCall) *Caller {
	c := s.caller
	if c.deeper == nil {
		c.deeper = newCaller(s)
	}
	s.caller = c.deeper
	c.call, c.done = call, false
	return c
}

func newCaller(s *state) *Caller {
	c := &Caller{state: s}
	c.descriptors.of = c
	return c
}

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

// check panics for the function of a zero HostFunc.
func (h *hostFunc) check() {
	if h == nil {
		panic("wasmtime: a HostFunc that is no function: use HostFuncOf, or HostFunc1 and its like")
	}
}

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
func (s *state) addHost(h *hostFunc) *Func {
	h.check()
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	f, err := s.newHost(h)
	if err != nil {
		panic(err)
	}
	return f
}

// tryAddHost keeps a host function for the life of the store and makes it one of its functions.
func (s *state) tryAddHost(h *hostFunc) (*Func, error) {
	outermost, err := s.Enter()
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
	if failed := s.native.NewFunc(h.sig.encode(), uint64(len(s.hosts)-1), &f.item); !failed.IsNil() {
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
func (s *state) Host(run func(caller any, frame unsafe.Pointer) error, frame unsafe.Pointer) (trap ffi.Trap) {
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
	if failed := run(c, frame); failed != nil {
		trap = s.trapOf(failed)
	}
	c.done = true
	return trap
}
