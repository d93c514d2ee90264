package wasmtime

import "sync/atomic"

// registry keeps things that C knows by a number. What has a number is found without a lock.
type registry[T any] struct {
	chunks  [8192]atomic.Pointer[[chunkSize]*T]
	numbers numbers
}

// add keeps a thing and returns its number.
func (r *registry[T]) add(thing *T) uint64 {
	i := r.numbers.take(func(chunk uint64) {
		if chunk >= uint64(len(r.chunks)) {
			panic("wasmtime: more than eight million host functions, or streams, are alive")
		}
		r.chunks[chunk].Store(new([chunkSize]*T))
	})
	r.chunks[i/chunkSize].Load()[i%chunkSize] = thing
	return i
}

// get returns the thing with a number, which add returned.
func (r *registry[T]) get(i uint64) *T { return r.chunks[i/chunkSize].Load()[i%chunkSize] }

// remove forgets a thing that nobody asks for any more.
func (r *registry[T]) remove(i uint64) {
	r.chunks[i/chunkSize].Load()[i%chunkSize] = nil
	r.numbers.giveBack(i)
}
