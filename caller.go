package wasmtime

import (
	"context"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Caller is who called a host function: the instance and its store. It may be used until the host function returns, and on
// its goroutine only; after that its methods panic, or find no export, unless another host call of the same depth has begun, which it then speaks for.
// See wasmtime::Caller.
type Caller struct {
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

// GetExport returns what the calling instance exports as name; nil if there is no such export, no calling instance, or the
// host function has returned. See wasmtime::Caller::get_export.
func (c *Caller) GetExport(name string) *Extern {
	s := c.state
	outermost, err := s.enter()
	if err != nil {
		panic(err.Error())
	}
	defer s.leave(outermost)
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

// Callers are lent to the host calls of a store that are running, one for each depth, and used again: a list that grows
// when a host call is nested deeper than any before.

// lendCaller takes the next Caller for a host call.
func (s *state) lendCaller(call *ffi.HostCall) *Caller {
	c := s.caller
	if c.deeper == nil {
		c.deeper = &Caller{state: s}
	}
	s.caller = c.deeper
	c.call, c.done = call, false
	return c
}

// returnCaller gives it back; the guest's next host call at this depth gets it again.
func (c *Caller) returnCaller() {
	c.call = nil
	c.state.caller = c
}
