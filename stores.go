package wasmtime

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
)

// stores finds the store that a call from the native library is about: C knows it by its number. A store is in the table
// only while it is entered, so the table keeps nobody alive.
var stores storeTable

type storeTable struct {
	chunks  [8192]atomic.Pointer[storeChunk]
	numbers numbers
}

// storeChunk is a part of the table. It stays for good.
type storeChunk struct {
	stores [chunkSize]*state
	// epochs are the stores' memory epochs. They outlive the stores and never fall, also when a number is used again, so that
	// a view of a memory of a closed store finds that its epoch is over.
	epochs []uint64
}

// place is what a store has while it is open: a number in the table, and somebody who deletes the native store when the place
// is not reachable any more. Places are used again, which is much cheaper than to make one for every store.
type place struct{ *room }

// room is all of a place but its reachability.
type room struct {
	index  uintptr
	native ffi.Store
	// entry is where the store is found while it is entered. Only who holds the store touches it.
	entry **state
	// epoch is its memory epoch.
	epoch *uint64
}

// places are those that no store has.
var places sync.Pool

// takePlace returns a place that no other store has.
func takePlace() *place {
	if p, ok := places.Get().(*place); ok {
		return p
	}
	p := &place{stores.add()}
	runtime.AddCleanup(p, (*room).clear, p.room)
	return p
}

// leave deletes the native store and gives the place to others.
func (p *place) leave() {
	p.deleteNative()
	p.vacate()
	places.Put(p)
}

// deleteNative deletes the native store, whatever comes of that, once.
func (r *room) deleteNative() {
	native := r.native
	r.native = ffi.Store{}
	native.Delete()
}

// vacate forgets the store.
func (r *room) vacate() {
	r.native = ffi.Store{}
	*r.entry = nil
	*r.epoch++
}

// clear ends a room whose place is gone.
func (r *room) clear() {
	if !r.native.IsNil() {
		r.deleteNative()
		r.vacate()
	}
	stores.remove(r.index)
}

// add returns a room with a number that no other has.
func (t *storeTable) add() *room {
	i := t.numbers.take(func(chunk uint64) {
		if chunk >= uint64(len(t.chunks)) {
			panic("wasmtime: too many stores are open")
		}
		t.chunks[chunk].Store(&storeChunk{epochs: ffi.NewCounters(chunkSize)})
	})
	chunk := t.chunks[i/chunkSize].Load()
	return &room{index: uintptr(i), entry: &chunk.stores[i%chunkSize], epoch: &chunk.epochs[i%chunkSize]}
}

// remove lets another have a number.
func (t *storeTable) remove(i uintptr) { t.numbers.giveBack(uint64(i)) }

// get returns the entered store with a number; nil if it is not entered.
func (t *storeTable) get(i uintptr) *state { return t.chunks[i/chunkSize].Load().stores[i%chunkSize] }
