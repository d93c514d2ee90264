package wasmtime

import (
	"sync"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
)

// stores finds the store that a call from the native library is about: C knows it by its number. A store is in the table
// only while it is entered, so the table keeps nobody alive.
var stores storeTable

const chunkSize = 1024

type storeTable struct {
	chunks [8192]atomic.Pointer[storeChunk]
	mu     sync.Mutex
	next   uintptr
	unused []uintptr
}

// storeChunk is a part of the table. It stays for good.
type storeChunk struct {
	stores [chunkSize]*state
	// epochs are the stores' memory epochs. They outlive the stores and never fall, also when a number is used again, so that
	// a view of a memory of a closed store finds that its epoch is over.
	epochs []uint64
}

// reserve returns a number that no store has.
func (t *storeTable) reserve() uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.unused); n > 0 {
		i := t.unused[n-1]
		t.unused = t.unused[:n-1]
		return i
	}
	i := t.next
	if i/chunkSize >= uintptr(len(t.chunks)) {
		panic("wasmtime: too many stores are open")
	}
	if i%chunkSize == 0 {
		t.chunks[i/chunkSize].Store(&storeChunk{epochs: ffi.NewCounters(chunkSize)})
	}
	t.next++
	return i
}

// free gives a number back, whose store is gone.
func (t *storeTable) free(i uintptr) {
	*t.entry(i) = nil
	*t.epoch(i)++
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unused = append(t.unused, i)
}

// entry returns where the store with a number is kept while it is entered. Only who holds the store touches it.
func (t *storeTable) entry(i uintptr) **state {
	return &t.chunks[i/chunkSize].Load().stores[i%chunkSize]
}

// epoch returns the memory epoch of the store with a number.
func (t *storeTable) epoch(i uintptr) *uint64 {
	return &t.chunks[i/chunkSize].Load().epochs[i%chunkSize]
}

// get returns the entered store with a number; nil if it is not entered.
func (t *storeTable) get(i uintptr) *state { return t.chunks[i/chunkSize].Load().stores[i%chunkSize] }
