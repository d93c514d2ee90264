package wasmtime

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// entered finds the store that a call from the native library is about: C knows it by its number. A store is in the
// table only while it is entered, so the table keeps no store alive.
var entered storeTable

type storeTable struct {
	chunks  [registry.MaxChunks]atomic.Pointer[storeChunk]
	numbers registry.Numbers
}

// storeChunk is a part of the table. It stays for good.
type storeChunk struct {
	stores [registry.ChunkSize]*state
	// epochs are the stores' memory epochs. They outlive the stores and never fall, also when a number is used again,
	// so that a view of a memory of a closed store finds that its epoch is over.
	epochs []uint64
}

// get returns the entered store with a number; nil if it is not entered.
func (t *storeTable) get(i uintptr) *state {
	return t.chunks[i/registry.ChunkSize].Load().stores[i%registry.ChunkSize]
}

// newSlot returns a slot with a number that no other has.
func (t *storeTable) newSlot() *storeSlot {
	i := t.numbers.Take(func(chunk uint64) {
		t.chunks[chunk].Store(&storeChunk{epochs: ffi.NewCounters(registry.ChunkSize)})
	})
	chunk := t.chunks[i/registry.ChunkSize].Load()
	return &storeSlot{
		index:  uintptr(i),
		native: ffi.NewStore(),
		entry:  &chunk.stores[i%registry.ChunkSize],
		epoch:  &chunk.epochs[i%registry.ChunkSize],
	}
}

// storeSlot is a store's part of the table, with what is left to do when the store is gone. It does not keep the
// store alive.
type storeSlot struct {
	index uintptr
	// native is the place where the native store is made, again and again; nil if it is lost.
	native ffi.Store
	// taken says that there is a store, native or not yet.
	taken bool
	// wake is held by whoever wakes the guest, which has to be awake for that: the native store is there.
	wake  sync.Mutex
	awake bool
	// unmade is the engine's handle, in use, as long as the native store has not been made; nil otherwise.
	unmade *registry.Handle[ffi.Engine]
	// wasi is what the native store will be made with.
	wasi ffi.WasiOptions
	// entry holds the store while it is entered. Only the goroutine that has entered the store touches it.
	entry **state
	// epoch is its memory epoch.
	epoch *uint64
	// places is how many are taken by what is in the store, and pool is who waits for them, if anybody may.
	places int64
	pool   *poolQueue
	// more says that the store may have something of the pool besides: a GC heap, instances that nobody has counted.
	more bool
}

// open begins a store of an engine, of which it gets a use.
func (s *storeSlot) open(engine *Engine, native ffi.Engine) {
	s.taken, s.unmade, s.pool = true, &engine.handle, engine.pool
	s.native.Open(native, s.index, engine.epochs, s.epoch)
}

// made lets go of what the native store was to be made with, if it has been made.
func (s *storeSlot) made() {
	if s.unmade != nil && s.native.IsMade() {
		s.forgetSetup()
		s.setAwake(true)
	}
}

// setAwake says whether the guest can be woken.
func (s *storeSlot) setAwake(awake bool) {
	s.wake.Lock()
	defer s.wake.Unlock()
	s.awake = awake
}

// Wake makes a guest of the store that polls ask its streams again. That may be a later store's: it asks for nothing.
func (s *storeSlot) Wake() {
	s.wake.Lock()
	defer s.wake.Unlock()
	if s.awake {
		s.native.Wake()
	}
}

// forgetSetup lets go of what the native store is to be made with.
func (s *storeSlot) forgetSetup() {
	if !s.wasi.IsNil() {
		s.wasi.Delete()
		s.wasi = ffi.WasiOptions{}
	}
	if s.unmade != nil {
		s.unmade.Release()
		s.unmade = nil
	}
}

// take counts a place that something in the store is about to take, and untake takes that back.
func (s *storeSlot) take() {
	if !s.holds() {
		s.pool.enlist()
	}
	s.places++
	held.taken.Add(1)
	held.relieve()
}

func (s *storeSlot) untake() {
	s.places--
	held.taken.Add(-1)
	if !s.holds() {
		s.pool.dismiss()
	}
}

// takeMore says that the store may have something of the pool from now on.
func (s *storeSlot) takeMore() {
	if !s.holds() {
		s.pool.enlist()
	}
	s.more = true
}

// holds tells whether the store may have something of the pool.
func (s *storeSlot) holds() bool { return s.places > 0 || s.more }

// slotOwner is what an open store holds, and nothing else does. When it becomes unreachable with the store, the
// native store is deleted.
type slotOwner struct{ slot *storeSlot }

// unusedSlots are owners whose store has been closed. Using a slot again is much cheaper than making one for every
// store.
var unusedSlots sync.Pool

// takeSlot returns a slot that no other store has.
func takeSlot() *slotOwner {
	if o, ok := unusedSlots.Get().(*slotOwner); ok {
		return o
	}
	o := &slotOwner{entered.newSlot()}
	runtime.AddCleanup(o, (*storeSlot).collected, o.slot)
	return o
}

// giveBack ends the native store and lets another store have the slot.
func (o *slotOwner) giveBack() {
	o.slot.closeNative()
	o.slot.clear()
	unusedSlots.Put(o)
}

// closeNative ends the native store, once, even if a panic comes of it: then its place is lost.
func (s *storeSlot) closeNative() {
	s.made() // if nobody has noticed
	s.setAwake(false)
	native := s.native
	s.native, s.taken = ffi.Store{}, false
	native.Close()
	s.native = native
	s.forgetSetup()
}

// lose forgets a store whose native store is in the middle of a call for good.
func (s *storeSlot) lose() {
	s.setAwake(false)
	s.native = ffi.Store{}
	s.forgetSetup()
	s.clear()
}

// clear forgets the store.
func (s *storeSlot) clear() {
	s.taken = false
	*s.entry = nil
	*s.epoch++
	held.stores.Add(-1)
	guests.look()
	if s.holds() {
		s.pool.dismiss()
		held.given.Add(s.places)
		s.pool.giveBack(max(s.places, 1))
		s.places, s.more = 0, false
	}
	s.pool = nil
}

// collected ends a slot whose owner has become unreachable.
func (s *storeSlot) collected() {
	if s.taken {
		places := s.places
		s.closeNative()
		s.clear()
		held.found.Add(places)
	}
	if !s.native.IsNil() {
		s.native.Delete()
	}
	entered.numbers.GiveBack(uint64(s.index))
}

// A slot is the host of what Go serves to the store's guests.
var _ served.Host = (*storeSlot)(nil)

// hostOf returns the slot of the entered store with a number; nil if it is not entered.
func hostOf(number uint64) served.Host {
	if s := entered.get(uintptr(number)); s != nil {
		return s.slot
	}
	return nil
}

// BeginCall takes the store away from its goroutine for the length of a WASI call.
func (s *storeSlot) BeginCall() (stop context.Context, taken, ok bool) {
	in := *s.entry
	if in == nil {
		return nil, false, false
	}
	s.made() // before goroutines serve the guest: a start function may be running
	return in.stop(), in.lock.Disown(), true
}

// EndCall gives the store back to its goroutine.
func (s *storeSlot) EndCall(taken bool) {
	if taken {
		(*s.entry).lock.Identify()
	}
}

// Number is the number of the slot.
func (s *storeSlot) Number() uint64 { return uint64(s.index) }

// Shelf returns what Go serves the store's guests.
func (s *storeSlot) Shelf() *served.Shelf { return &(*s.entry).belongings().shelf }

// Panicked keeps what a WASI call panicked with for the call into the guest that it is part of.
func (s *storeSlot) Panicked(value any) { (*s.entry).keepPanic(value) }

// Failed keeps the error that a WASI call ends the guest with.
func (s *storeSlot) Failed(err error) { (*s.entry).hostErr = err }

// Exited gives the store up.
func (s *storeSlot) Exited() { (*s.entry).abandon() }

// Behind returns what the store's operation leaves behind, and waits for when it ends.
func (s *storeSlot) Behind() *served.Behind {
	in := *s.entry
	if in == nil {
		return nil
	}
	if in.behind == nil {
		in.behind = new(served.Behind)
	}
	in.behind.Together = in.together
	return in.behind
}
