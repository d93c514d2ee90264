// Package registry keeps what the native library knows by a number or owns a part of: things of Go's that C asks for
// by their numbers, and native objects that Go code shares.
package registry

import "sync/atomic"

// Registry keeps things that C knows by a number. Its zero value is empty. It is safe for concurrent use, and what
// has a number is found without a lock.
type Registry[T any] struct {
	chunks  [MaxChunks]atomic.Pointer[[ChunkSize]*T]
	numbers Numbers
}

// Add keeps a thing and returns its number. It panics when more than eight million things are kept.
func (r *Registry[T]) Add(thing *T) uint64 {
	i := r.numbers.Take(func(chunk uint64) { r.chunks[chunk].Store(new([ChunkSize]*T)) })
	r.chunks[i/ChunkSize].Load()[i%ChunkSize] = thing
	return i
}

// Get returns the thing with a number that Add returned.
func (r *Registry[T]) Get(i uint64) *T { return r.chunks[i/ChunkSize].Load()[i%ChunkSize] }

// Remove forgets a thing that nobody asks for any more, and lets another have its number.
func (r *Registry[T]) Remove(i uint64) {
	r.chunks[i/ChunkSize].Load()[i%ChunkSize] = nil
	r.numbers.GiveBack(i)
}
