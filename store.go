package wasmtime

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/owner"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// Store holds instances and what belongs to them. It is used by one goroutine at a time; use by two at once is refused
// with [ErrConcurrentUse]. Once it is closed, its methods, and those of what belongs to it, return an error that wraps
// [ErrClosed], or panic with that text if they return no error. See wasmtime::Store.
type Store struct {
	// Engine is the engine that the store was made with.
	Engine *Engine

	state *state
}

// Storelike is a [*Store] or, inside a host function, its [*Caller]. A nil one counts as closed, and so does a Caller
// whose host function has returned.
type Storelike interface {
	// Data returns what [NewStoreWithData] was given; nil for other stores.
	Data() any

	// storeState returns the store; nil if there is none. It may be one that cannot be used: see enter.
	storeState() *state
}

// NewStore creates an empty store. It panics if the engine is closed, or nil.
func NewStore(engine *Engine) *Store { return NewStoreWithData(engine, nil) }

// NewStoreWithData creates an empty store that carries data, for host functions to find with [Caller.Data]. It panics
// if the engine is closed, or nil.
func NewStoreWithData(engine *Engine, data any) *Store {
	both := &struct { // one allocation for what has one life
		Store
		state
	}{}
	both.state.open(engine, data)
	both.Store = Store{Engine: engine, state: &both.state}
	return &both.Store
}

// Close frees the store now, with everything in it. What Go serves the store's guests, and they had open, is closed:
// all at once, and Close waits for that, but for 100 ms at most, since a connection may wait for its other side. What
// is slower is closed by a goroutine later. It panics while a guest runs in the store, and with what closing something
// panicked with. Closing twice does nothing.
func (store *Store) Close() {
	if s := store.storeState(); s != nil {
		s.close()
	}
}

// Data returns what [NewStoreWithData] was given; nil for other stores and after Close.
func (store *Store) Data() any {
	if s := store.storeState(); s != nil {
		return s.data
	}
	return nil
}

func (store *Store) storeState() *state {
	if store == nil {
		return nil
	}
	return store.state
}

// stateOf returns the store; nil if there is none.
func stateOf(store Storelike) *state {
	if store == nil {
		return nil
	}
	return store.storeState()
}

// noStore is the error about a store when stateOf returns nil.
func noStore(store Storelike) *Error {
	switch of := store.(type) {
	case *Store:
		if of == nil {
			return isNil[Store]()
		}
		return closedError("store")
	case *Caller:
		if of == nil {
			return isNil[Caller]()
		}
		return errReturned
	}
	return errorf(ErrClosed, "nil Storelike")
}

// enter takes a store that somebody was given, as Enter does. It is also an error that wraps ErrClosed if there is no
// store, or a Caller stands for it whose host function has returned.
func enter(store Storelike) (s *state, outermost bool, err error) {
	s = stateOf(store)
	if s == nil {
		return nil, false, noStore(store)
	}
	if outermost, err = s.Enter(); err != nil {
		return nil, false, err
	}
	if hasReturned(store) {
		s.Leave(outermost)
		return nil, false, errReturned
	}
	return s, outermost, nil
}

// mustEnter is enter for methods that cannot return an error.
func mustEnter(store Storelike) (s *state, outermost bool) {
	if stateOf(store) == nil {
		panicNil(noStore(store))
	}
	s, outermost, err := enter(store)
	if err != nil {
		panic(panicText(err))
	}
	return s, outermost
}

// GC runs the collector of the store's GC heap: externrefs that no guest can reach any more are let go. It panics if
// the store is closed or in use. See wasmtime::Store::gc.
func (store *Store) GC() { collect(store) }

// collect is GC of a store, or of the one that a Caller stands for.
func collect(store Storelike) {
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	if err := s.made().GC(); !err.IsNil() {
		panic(newError(err))
	}
}

// SetFuel sets the fuel that guests of the store may still use. It is an error unless the engine consumes fuel, see
// [Config.SetConsumeFuel]; a new store has 0. See wasmtime::Store::set_fuel.
func (store *Store) SetFuel(fuel uint64) error {
	s, outermost, err := enter(store)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	if err := s.made().SetFuel(fuel); !err.IsNil() {
		return noFuelError(err)
	}
	s.fueled = true
	return nil
}

// GetFuel returns the fuel that is left. It is 0 and an error unless the engine consumes fuel. See
// wasmtime::Store::get_fuel.
func (store *Store) GetFuel() (uint64, error) {
	s, outermost, err := enter(store)
	if err != nil {
		return 0, err
	}
	defer s.Leave(outermost)
	fuel, nerr := s.made().Fuel()
	if !nerr.IsNil() {
		return 0, noFuelError(nerr)
	}
	return fuel, nil
}

// noFuelError is the error of a store whose engine does not consume fuel.
func noFuelError(native ffi.Error) error {
	e := newError(native)
	e.message += ": fuel needs an engine with Config.SetConsumeFuel"
	return e
}

// SetEpochDeadline stops guests of the store with [Interrupt] once the engine's epoch has advanced by deadline ticks
// from now. It has an effect if the engine was made with [Config.SetEpochInterruption]; a new store's deadline is
// over.
//
// It stops a guest that computes. One that waits in a call of WASI, 0.1 or 0.2, for a clock, a pipe, a connection or a
// reader of Go's, is stopped when the wait is over and it computes again; a context stops it at once: see
// [Func.CallContext]. See wasmtime::Store::set_epoch_deadline.
func (store *Store) SetEpochDeadline(deadline uint64) {
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	s.setDeadline(deadline)
}

// state is what a store is made of. A Store and everything that belongs to it hold it, so that it lives as long as
// any of them is reachable. All of it but the lock and the flags is touched only by the goroutine that has entered
// the store.
type state struct {
	// native is the native store, once that is made: see made.
	native ffi.Store
	lock   owner.Lock
	// call is the frame that calls into guests share; a nested call reuses it (see ffi.Call).
	call *ffi.Call
	// slots is the number of arguments or results that call has room for.
	slots int
	// epoch points at a counter that rises when a memory may have moved, and when the store is closed.
	epoch *uint64
	// owner is nil when the store is closed. slot is what it owns; entry and epoch are the slot's.
	owner *slotOwner
	slot  *storeSlot
	// entry holds the store while it is entered.
	entry **state

	// fueled says that the store has been given fuel, or none on purpose.
	fueled bool
	// nativeID is what items of the store carry; 0 until it has been asked for.
	nativeID uint64

	engine *Engine
	data   any
	hosts  []*hostFunc
	// linked are the host functions of the first linker that something in the store came from.
	linked *registry.Family[hostFunc]
	// more is nil as long as there was none of it.
	more *belongings
	// attached is what another package keeps in the store; nil as long as that is nothing.
	attached bridge.Attachment
	// externs are the values that guests hold as externrefs; nil as long as there was none.
	externs *registry.Slab
	// boxes are for the results of calls.
	boxes boxes
	// caller is for the next host call.
	caller      *Caller
	firstCaller Caller
	// firstInstance is what most stores have one of.
	firstInstance Instance
	// firstView is the view of the first memory that a host function has asked its caller for; nil if none has.
	firstView *viewed
	// ctx is the context of the innermost call that has one, and watch stops the guest when that, or the context of a
	// call around it, is done. Either may be nil.
	ctx   context.Context
	watch *watch
	// interrupted says that guests have been interrupted for a call, and nobody has taken that back.
	interrupted bool
	// hasDeadline says that an epoch deadline was set, be it one that never comes.
	hasDeadline bool

	// mounts counts the file systems that guests were given.
	mounts uint64

	// What a host function left behind for the call that it came from.
	panicking bool
	panicked  any
	hostErr   error
	// hostTrap says that it was a trap of its own.
	hostTrap bool

	// behind is what the outermost operation has to wait for when it ends, and what it has to find of earlier ones; nil
	// as long as that is nothing.
	behind *served.Behind
	// together says that many descriptors are being closed.
	together bool

	// panicStack is where what was kept last has panicked.
	panicStack atomic.Pointer[string]

	closed atomic.Bool
	// abandoned says that it was closed by abandon.
	abandoned atomic.Bool
}

// belongings are what few stores have.
type belongings struct {
	// linked are the host functions of more linkers that something in the store came from.
	linked map[*registry.Family[hostFunc]]struct{}
	// views are those of other memories than the first that host functions have asked their callers for.
	views map[ffi.MemoryID]*viewed
	// shelf and systems are what Go serves the store's guests.
	shelf   served.Shelf
	systems registry.Family[servedSystem]
	// refused hears of what the limits refuse; nil if nobody does.
	refused func(Refusal)
}

// belongings returns what few stores have.
func (s *state) belongings() *belongings {
	if s.more == nil {
		s.more = &belongings{}
	}
	return s.more
}

// open makes the state of a new store in s.
func (s *state) open(engine *Engine, data any) {
	e := notNil(engine).handle.Acquire() // released when the native store is made
	s.engine, s.data, s.owner = engine, data, takeSlot()
	s.slot = s.owner.slot
	s.slot.open(engine, e)
	held.stores.Add(1)
	held.relieve()
	guests.look()
	s.entry, s.epoch, s.native = s.slot.entry, s.slot.epoch, s.slot.native
	s.call, s.slots = s.native.Call(), ffi.StoreSlots
	s.caller = &s.firstCaller
	s.firstCaller.init(s)
}

// close frees the store. It panics if a guest is running in it. It returns what guests have written in vain, of which
// nobody has been told: a file of a file system has failed, for one, when it was closed now.
func (s *state) close() (lost []served.Unwritten) {
	switch s.lock.Acquire() {
	case owner.Nested:
		panic("wasmtime: Store.Close called from inside a call of the store")
	case owner.Busy:
		if s.closed.Load() {
			return nil
		}
		panic("wasmtime: Store.Close: " + ErrConcurrentUse.Error())
	}
	*s.entry = s // finalizers of externrefs look for the store
	s.together = true
	s.owner.giveBack()
	s.endTogether()
	lost = s.behind.Unwritten()
	s.owner, s.slot, s.hosts, s.externs, s.data = nil, nil, nil, nil, nil
	attached := s.attached
	s.linked, s.more, s.behind, s.attached = nil, nil, nil, nil
	s.closed.Store(true)
	s.lock.Retire()
	if attached != nil {
		s.closeAttached(attached)
	}
	s.raisePanic()
	return lost
}

// closeAttached tells another package that the store has been closed. What comes of that as a panic is kept.
func (s *state) closeAttached(attached bridge.Attachment) {
	returned := false
	defer func() {
		if value := recover(); !returned && value != nil { // nil for runtime.Goexit
			s.keepPanic(value)
		}
	}()
	attached.StoreClosed()
	returned = true
}

// Enter takes the store for an operation. It returns whether the operation is the outermost one, and an error that
// wraps ErrClosed or ErrConcurrentUse if the store cannot be had.
func (s *state) Enter() (outermost bool, err error) {
	switch s.lock.Acquire() {
	case owner.Acquired:
		*s.entry = s
		return true, nil
	case owner.Nested:
		return false, nil
	}
	return false, s.refusal()
}

// Native returns the native store, which is valid until the store is left.
func (s *state) Native() ffi.Store {
	s.slot.takeMore() // whatever that is for
	return s.made()
}

// made returns the native store, which is made now unless it has been. The store is entered. Whatever may be the first
// to use the native store has to ask for it here; most often it is an instantiation, which makes it in passing.
func (s *state) made() ffi.Store {
	if s.slot.unmade != nil {
		s.makeNative()
	}
	return s.native
}

func (s *state) makeNative() { s.wantMade(s.native.Make()) }

// wantMade notes that the native store has been made, if it had not been before, unless that failed with err.
func (s *state) wantMade(err ffi.Error) {
	s.slot.made()
	if !err.IsNil() {
		panic(newError(err)) // a defect: whoever leaves something for later has seen that it can be done
	}
}

// mustEnter is Enter for what is known to belong to the store, and cannot return an error.
func (s *state) mustEnter() (outermost bool) {
	outermost, err := s.Enter()
	if err != nil {
		panic(panicText(err))
	}
	return outermost
}

// panicText is what a method panics with that cannot return an error of Enter. If the store is closed, it is what
// wasmtime-go's methods panic with, which do not say what was closed.
func panicText(err error) string { return strings.TrimPrefix(err.Error(), "the store: ") }

// Leave gives the store back after Enter. It panics with what closing something, or a writer, has panicked with.
func (s *state) Leave(outermost bool) {
	switch {
	case !outermost:
		if s.behind != nil {
			s.behind.CaughtUp, s.behind.Panicking = false, false // it was a call inside of another
		}
	case !s.closed.Load():
		if s.behind != nil {
			s.leaveBehind()
		}
		*s.entry = nil
		s.lock.Release()
	}
	runtime.KeepAlive(s)
}

// Finish is Leave after a call into a guest, which has ended with *err. The outermost call waits for writers that are
// at work still on what guests have written, unless it has done so already, and adds to *err what they have not taken
// and nobody has been told of.
func (s *state) Finish(outermost bool, err *error) {
	if !outermost || s.behind == nil || s.closed.Load() {
		s.Leave(outermost)
		return
	}
	s.finishBehind(err)
}

func (s *state) finishBehind(err *error) {
	defer s.Leave(true)
	if !s.behind.CaughtUp {
		s.behind.CatchUp(nil)
	}
	if lost := s.behind.Unwritten(); lost != nil {
		*err = withUnwritten(*err, lost)
	}
}

// finished is Finish for the outermost call, which has ended without an error.
func (s *state) finished() (err error) {
	s.Finish(true, &err)
	return err
}

// abandon gives the store up in the middle of a call, whose native frames runtime.Goexit throws away: nothing may
// touch it again, and its memory is lost. So is the thread, which the native library has marked as being in the call:
// it ends with the goroutine, which stays locked to it.
func (s *state) abandon() {
	runtime.LockOSThread()
	if s.owner == nil {
		return // a call inside of this one has given it up
	}
	s.slot.lose()
	s.owner, s.slot = nil, nil
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
		return closedError("store")
	}
	return errorf(ErrConcurrentUse, "%v", ErrConcurrentUse)
}

// setDeadline sets the epoch deadline, in ticks of the engine from now.
func (s *state) setDeadline(ticks uint64) {
	s.made().SetDeadline(ticks)
	s.hasDeadline = true
	s.interruptAgain()
}

// reserve makes sure that the frame has room for n arguments or results.
func (s *state) reserve(n int) {
	if n > s.slots {
		s.call, s.slots = s.native.LargerCall(n), n
	}
}

// leaveBehind waits for what is being closed when the outermost operation ends, and keeps for the next one what that
// has to find. If something has panicked, it gives the store back and panics.
func (s *state) leaveBehind() {
	behind := s.behind
	behind.Await()
	value, panicked := behind.Panicked()
	if s.behind = behind.Rest(); panicked {
		*s.entry = nil
		s.lock.Release()
		panic(value)
	}
}

// closeTogether runs f, which closes many descriptors of the guest, and waits for all of them at once. What closing
// them panics with is kept.
func (s *state) closeTogether(f func()) {
	s.together = true
	f()
	s.endTogether()
}

func (s *state) endTogether() {
	s.together = false
	if s.behind == nil {
		return // there were none
	}
	s.behind.Await()
	if value, panicked := s.behind.Panicked(); panicked {
		s.keepPanic(value)
	}
}

// keepPanic keeps what Go code panicked with that the native library called; the first one wins.
func (s *state) keepPanic(value any) {
	if !s.panicking {
		s.panicking, s.panicked = true, value
		stack := string(debug.Stack())
		s.panicStack.Store(&stack)
	}
}

// PanicStack returns the stack of the goroutine when a host function has panicked last, or whatever else of Go's serves
// guests of the store: the text of [debug.Stack], "" if nothing has. The panic comes out of the call into the guest,
// where the stack is another one, and whoever recovers it may ask. It may be called at any time, also when the store is
// closed.
func (store *Store) PanicStack() string {
	if s := notNil(store).state; s != nil {
		if stack := s.panicStack.Load(); stack != nil {
			return *stack
		}
	}
	return ""
}

// raisePanic panics with what was kept, if anything was.
func (s *state) raisePanic() {
	if s.panicking {
		value := s.panicked
		s.panicking, s.panicked = false, nil
		if s.behind != nil {
			s.behind.Panicking = true
		}
		panic(value)
	}
}

// Failure makes the error of a call that failed, or panics as the host function did that made it fail. The store is
// entered.
func (s *state) Failure(trap ffi.Trap, err ffi.Error) error {
	hostErr, hostTrap := s.hostErr, s.hostTrap
	s.hostErr, s.hostTrap = nil, false
	if s.panicking {
		if !trap.IsNil() {
			trap.Delete()
		}
		if !err.IsNil() {
			err.Delete()
		}
		s.raisePanic()
	}
	if trap.IsNil() {
		e := newError(err)
		switch {
		case hostErr != nil:
			e.cause = hostErr
		case e.cause == error(OutOfFuel) && !s.fueled:
			e.message = withNote(e.message, noFuelNote)
		}
		return e
	}
	t := newTrap(trap)
	code := t.code()
	switch {
	case hostErr != nil && !hostTrap && code != nil && *code == Interrupt: // for what has served it wrongly
		return &Error{message: withNote(hostErr.Error(), t.Message()), cause: hostErr, inGuest: true}
	case hostErr != nil || code == nil:
	case *code == OutOfFuel && !s.fueled:
		t.note = noFuelNote
	case *code == UnreachableCodeReached && t.ofUninitializedGo():
		t.note = uninitializedNote
	case *code == Interrupt:
		switch ended := s.endedContext(); {
		case ended != nil:
			hostErr = contextError(ended)
			t.note = "The context of the call ended: " + hostErr.Error()
		case !s.hasDeadline:
			t.note = "The store has no epoch deadline yet: set one with Store.SetEpochDeadline, or call with a context"
		}
	}
	t.cause = hostErr
	return t
}

// noFuelNote is what one reads who has switched fuel on and set none.
const noFuelNote = "The store has no fuel yet: set some with Store.SetFuel"

// uninitializedNote is what one reads who has called an export of Go too early.
const uninitializedNote = "The guest is a Go program or library whose runtime has not been initialised: Linker.InstantiateReactor calls " +
	"the _initialize of a library, and a program's _start comes before its exports"

// owns tells whether an item that came from a linker belongs to the store. The native library does not tell what
// number its store has, but a global of the store does.
func (s *state) owns(item *ffi.Item) bool {
	if s.nativeID == 0 {
		var global ffi.Item
		zero := ffi.Val{Kind: ffi.ValI32}
		if err := s.made().NewGlobal(NewGlobalType(NewValType(KindI32), false).encode(), &zero, &global); !err.IsNil() {
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
