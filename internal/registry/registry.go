// Package registry keeps what the native library knows by a number or owns a part of: things of Go's that C asks for
// by their numbers, and native objects that Go code shares.
package registry

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// Registry finds things that C knows by a number. It keeps none of them alive: a [Family] does, which belongs to
// whoever C's side belongs to, a linker or a store. So a thing may refer to its owner, and both are collected
// together. Its zero value is empty. It is safe for concurrent use.
type Registry[T any] struct {
	chunks  [MaxChunks]atomic.Pointer[familyChunk[T]]
	numbers Numbers
	// rounds differ in families that had the same number one after the other: C may ask for things of the first when
	// the second is there.
	rounds atomic.Uint64
}

type familyChunk[T any] [ChunkSize]atomic.Pointer[member[T]]

// member is a family that has things in the registry.
type member[T any] struct {
	id     uint64
	family weak.Pointer[Family[T]]
}

// Family keeps things of one owner, and C knows each by a number. Its zero value is empty. It is safe for concurrent
// use, and what has a number is found without a lock.
type Family[T any] struct {
	// id is the upper part of the numbers, from thingBits on; 0 as long as there was none.
	id     atomic.Uint64
	things atomic.Pointer[[]atomic.Pointer[T]]

	mu     sync.Mutex
	next   uint64
	unused []uint64
}

// A number is made of the round, the number of the family, and the number of the thing in it. Together these are less
// than 64 bits: the uppermost is the caller's.
const (
	thingBits  = 23
	familyBits = 23
	roundBits  = 63 - thingBits - familyBits
)

// Add keeps a thing in a family and returns its number. It panics when there are more than eight million things in a
// family, or as many families.
func (r *Registry[T]) Add(f *Family[T], thing *T) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Empty() {
		r.enroll(f)
	}
	i := f.next
	if last := len(f.unused) - 1; last >= 0 {
		i = f.unused[last]
		f.unused = f.unused[:last]
	} else {
		f.growLocked()
	}
	(*f.things.Load())[i].Store(thing)
	return f.id.Load()<<thingBits | i
}

// enroll gives a family its number. That is another's when the family is gone.
func (r *Registry[T]) enroll(f *Family[T]) {
	i := r.numbers.Take(func(chunk uint64) { r.chunks[chunk].Store(new(familyChunk[T])) })
	round := 1 + r.rounds.Add(1)%(1<<roundBits-1)
	f.id.Store(round<<familyBits | i)
	r.at(i).Store(&member[T]{f.id.Load(), weak.Make(f)})
	runtime.AddCleanup(f, func(i uint64) {
		r.at(i).Store(nil)
		r.numbers.GiveBack(i)
	}, i)
}

func (r *Registry[T]) at(family uint64) *atomic.Pointer[member[T]] {
	return &r.chunks[family/ChunkSize].Load()[family%ChunkSize]
}

// growLocked makes room for one more thing. Those who look for one of the others meanwhile find it in either slice.
func (f *Family[T]) growLocked() {
	if f.next == 1<<thingBits {
		panic("wasmtime: more than eight million host functions of a linker, or descriptors of a store, are alive")
	}
	f.next++
	var things []atomic.Pointer[T]
	if had := f.things.Load(); had != nil {
		things = *had
	}
	if f.next > uint64(len(things)) {
		larger := make([]atomic.Pointer[T], max(4, 2*len(things)))
		for i := range things {
			larger[i].Store(things[i].Load())
		}
		f.things.Store(&larger)
	}
}

// Empty tells whether the family has never had a thing.
func (f *Family[T]) Empty() bool { return f.things.Load() == nil }

// Get returns the thing with a number; nil if it is none of the family's.
func (f *Family[T]) Get(number uint64) *T {
	if f.id.Load() != number>>thingBits {
		return nil
	}
	return (*f.things.Load())[number%(1<<thingBits)].Load()
}

// Get returns the thing with a number that Add returned; nil if its family is gone. It takes longer than
// [Family.Get].
func (r *Registry[T]) Get(number uint64) *T {
	if f := r.family(number); f != nil {
		return f.Get(number)
	}
	return nil
}

// Remove forgets a thing that nobody asks for any more, and lets another of its family have the number.
func (r *Registry[T]) Remove(number uint64) {
	f := r.family(number)
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := number % (1 << thingBits)
	(*f.things.Load())[i].Store(nil)
	f.unused = append(f.unused, i)
}

func (r *Registry[T]) family(number uint64) *Family[T] {
	id := number >> thingBits
	m := r.at(id % (1 << familyBits)).Load()
	if m == nil || m.id != id {
		return nil
	}
	return m.family.Value()
}
