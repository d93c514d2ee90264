package wasmtime

import (
	"context"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/owner"
)

// state is what a store is made of. A Store and everything that belongs to it hold it, so that it lives as long as any of
// them is reachable. All of it but the lock is touched only by who holds the lock.
type state struct {
	native ffi.Store
	lock   owner.Lock
	// call is the frame that calls into guests share; a nested call reuses it (see ffi.Call).
	call *ffi.Call
	// slots is the number of arguments or results that call has room for.
	slots int
	// epoch points at a counter that rises when a memory may have moved, and when the store is closed.
	epoch *uint64
	// place is nil when the store is closed. entry is the place's, set while the store is entered.
	place *place
	entry **state

	// nativeID is what items of the store carry; 0 until it has been asked for.
	nativeID uint64

	engine *Engine
	data   any
	hosts  []*hostFunc
	// externs are the values that guests hold as externrefs; nil as long as there was none.
	externs *slab
	// caller is for the next host call.
	caller      *Caller
	firstCaller Caller
	// firstInstance is what most stores have one of.
	firstInstance Instance
	// ctx is the context of the innermost call, and stop one that ends with it or with that of any call around it.
	ctx, stop context.Context

	// mounts counts the file systems that guests were given.
	mounts uint64

	// What a host function left behind for the call that it came from.
	panicking bool
	panicked  any
	hostErr   error

	// behind are streams whose writers may be at work still on what a guest has written.
	behind []*stream

	closed atomic.Bool
	// abandoned says that it was closed by abandon.
	abandoned atomic.Bool
}

// open makes the state of a new store in s.
func (s *state) open(engine *Engine, data any) {
	e := engine.handle.acquire()
	defer engine.handle.release()
	s.engine, s.data, s.place = engine, data, takePlace()
	s.entry, s.epoch = s.place.entry, s.place.epoch
	s.native = ffi.NewStore(e, s.place.index, engine.epochs, s.epoch)
	s.place.native = s.native
	s.call, s.slots = s.native.Call(), ffi.StoreSlots
	s.caller = &s.firstCaller
	s.firstCaller.state = s
}

// close frees the store. It panics if a guest is running in it.
func (s *state) close() {
	switch s.lock.Acquire() {
	case owner.Nested:
		panic("wasmtime: Store.Close called from inside a call of the store")
	case owner.Busy:
		if s.closed.Load() {
			return
		}
		panic("wasmtime: Store.Close: " + ErrConcurrentUse.Error())
	}
	*s.entry = s // finalizers of externrefs look for the store
	s.place.leave()
	s.place, s.hosts, s.externs, s.data = nil, nil, nil, nil
	s.closed.Store(true)
	s.lock.Retire()
	s.raise()
}

// enter takes the store for an operation. It returns whether the operation is the outermost one, and an error that wraps
// ErrClosed or ErrConcurrentUse if the store cannot be had.
func (s *state) enter() (outermost bool, err error) {
	switch s.lock.Acquire() {
	case owner.Acquired:
		*s.entry = s
		return true, nil
	case owner.Nested:
		return false, nil
	}
	return false, s.refusal()
}

// mustEnter is enter for operations that cannot return an error.
func (s *state) mustEnter() (outermost bool) {
	outermost, err := s.enter()
	if err != nil {
		panic(err.Error())
	}
	return outermost
}

// leave gives the store back after enter.
func (s *state) leave(outermost bool) {
	if outermost && !s.closed.Load() {
		if s.behind != nil {
			s.catchUp(nil)
		}
		*s.entry = nil
		s.lock.Release()
	}
	runtime.KeepAlive(s)
}

// abandon gives the store up in the middle of a call, whose native frames runtime.Goexit throws away: nothing may touch it
// again, and its memory is lost. So is the thread, which the native library has marked as being in the call: it ends with
// the goroutine, which stays locked to it.
func (s *state) abandon() {
	runtime.LockOSThread()
	if s.place == nil {
		return // a call inside of this one has given it up
	}
	s.place.vacate()
	s.place = nil
	s.abandoned.Store(true)
	s.closed.Store(true)
	s.lock.Retire()
}

// refusal says why the store could not be had.
func (s *state) refusal() error {
	if s.abandoned.Load() {
		return errorf(ErrClosed, "the store was lost when a host function ended its goroutine (runtime.Goexit): %v", ErrClosed)
	}
	if s.closed.Load() {
		return errorf(ErrClosed, "%v", ErrClosed)
	}
	return errorf(ErrConcurrentUse, "%v", ErrConcurrentUse)
}

// reserve makes sure that the frame has room for n arguments or results.
func (s *state) reserve(n int) {
	if n > s.slots {
		s.call, s.slots = s.native.LargerCall(n), n
	}
}

// failure makes the error of a call that failed, or panics as the host function did that made it fail. It is called by
// who is in the store.
func (s *state) failure(trap ffi.Trap, err ffi.Error) error {
	hostErr := s.hostErr
	s.hostErr = nil
	if s.panicking {
		value := s.panicked
		s.panicking, s.panicked = false, nil
		if !trap.IsNil() {
			trap.Delete()
		}
		if !err.IsNil() {
			err.Delete()
		}
		panic(value)
	}
	if !trap.IsNil() {
		t := newTrap(trap)
		if code := t.Code(); code != nil && *code == Interrupt && hostErr == nil {
			switch {
			case s.ctx != nil && s.ctx.Err() != nil:
				hostErr = contextError(s.ctx)
				t.note = "The context of the call ended: " + hostErr.Error()
			case s.native.DeadlineUnset():
				t.note = "The store has no epoch deadline yet: set one with Store.SetEpochDeadline, or call with a context"
			}
		}
		t.cause = hostErr
		return t
	}
	e := newError(err)
	if hostErr != nil {
		e.cause = hostErr
	}
	return e
}

// owns tells whether an item that came from a linker belongs to the store. The native library does not tell what number its
// store has, but a global of the store does.
func (s *state) owns(item *ffi.Item) bool {
	if s.nativeID == 0 {
		var global ffi.Item
		zero := ffi.Val{Kind: ffi.ValI32}
		if err := s.native.NewGlobal(NewGlobalType(NewValType(KindI32), false).encode(), &zero, &global); !err.IsNil() {
			panic(newError(err))
		}
		s.nativeID = global.StoreID()
	}
	id := item.StoreID()
	return id == 0 || id == s.nativeID
}

// slot returns the address of the i-th slot.
func slot(base unsafe.Pointer, i uintptr) unsafe.Pointer {
	return unsafe.Add(base, i*unsafe.Sizeof(ffi.Slot{}))
}
