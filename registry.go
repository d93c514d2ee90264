package wasmtime

import (
	"sync"
	"sync/atomic"
)

const chunkSize = 1024

// registry keeps things that C knows by a number. What has a number is found without a lock.
type registry[T any] struct {
	chunks [8192]atomic.Pointer[[chunkSize]*T]
	mu     sync.Mutex
	next   uint64
	unused []uint64
}

// add keeps a thing and returns its number.
func (r *registry[T]) add(thing *T) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var i uint64
	if n := len(r.unused); n > 0 {
		i = r.unused[n-1]
		r.unused = r.unused[:n-1]
	} else {
		i = r.next
		if i/chunkSize >= uint64(len(r.chunks)) {
			panic("wasmtime: more than eight million host functions, streams, or files are alive")
		}
		if i%chunkSize == 0 {
			r.chunks[i/chunkSize].Store(new([chunkSize]*T))
		}
		r.next++
	}
	r.chunks[i/chunkSize].Load()[i%chunkSize] = thing
	return i
}

// get returns the thing with a number, which add returned.
func (r *registry[T]) get(i uint64) *T { return r.chunks[i/chunkSize].Load()[i%chunkSize] }

// remove forgets a thing that nobody asks for any more.
func (r *registry[T]) remove(i uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chunks[i/chunkSize].Load()[i%chunkSize] = nil
	r.unused = append(r.unused, i)
}
