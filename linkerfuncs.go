package wasmtime

import (
	"sync"
	"sync/atomic"
)

// linkerFuncs are the host functions of all linkers: C knows them by their numbers. They stay until the native library says
// that neither the linker nor a store needs them.
var linkerFuncs funcTable

type funcTable struct {
	chunks [8192]atomic.Pointer[[chunkSize]*hostFunc]
	mu     sync.Mutex
	next   uint64
	unused []uint64
}

// add keeps a function and returns its number, marked as a linker's.
func (t *funcTable) add(h *hostFunc) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i uint64
	if n := len(t.unused); n > 0 {
		i = t.unused[n-1]
		t.unused = t.unused[:n-1]
	} else {
		i = t.next
		if i/chunkSize >= uint64(len(t.chunks)) {
			panic("wasmtime: too many host functions are defined in linkers")
		}
		if i%chunkSize == 0 {
			t.chunks[i/chunkSize].Store(new([chunkSize]*hostFunc))
		}
		t.next++
	}
	t.chunks[i/chunkSize].Load()[i%chunkSize] = h
	return i | linkerEnv
}

// get returns the function with a marked number. It was added before anyone could call it.
func (t *funcTable) get(env uint64) *hostFunc {
	i := env &^ linkerEnv
	return t.chunks[i/chunkSize].Load()[i%chunkSize]
}

// remove forgets a function that nobody can call any more.
func (t *funcTable) remove(env uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := env &^ linkerEnv
	t.chunks[i/chunkSize].Load()[i%chunkSize] = nil
	t.unused = append(t.unused, i)
}
