// Package owner is a lock that knows its owner: it lets the goroutine that holds it in again and turns others away
// without waiting. A store uses it to find concurrent use while it lets host functions call back in.
package owner

import "sync/atomic"

// Result says how an attempt to acquire ended.
type Result int

const (
	// Acquired: the caller holds the lock now and has to release it.
	Acquired Result = iota
	// Nested: the caller's goroutine held the lock already; it has not to release it again.
	Nested
	// Busy: another goroutine holds the lock, or nobody can have it any more.
	Busy
)

// Lock is such a lock. Its zero value is free.
//
// Taking and releasing it is on the path of every call into a guest, so its holder is written down only by Identify,
// which the holder calls before anything can happen that leads to another Acquire on the same goroutine.
type Lock struct {
	state atomic.Uintptr
	// holder is the address of the owner's g, 0 while nobody has identified. It cannot be another's as long as the
	// owner lives.
	holder atomic.Uintptr
}

// The states of a lock.
const (
	free = iota
	held
	retired
)

// Acquire takes the lock, or says who has it. It never waits.
func (l *Lock) Acquire() Result {
	if l.state.CompareAndSwap(free, held) {
		return Acquired
	}
	return l.contend()
}

//go:noinline
func (l *Lock) contend() Result {
	if l.Mine() {
		return Nested
	}
	return Busy
}

// Identify lets the goroutine that holds the lock acquire it again. Only the holder may call it.
func (l *Lock) Identify() {
	if l.holder.Load() == 0 {
		l.holder.Store(getg())
	}
}

// Mine tells whether the goroutine holds the lock, and has identified.
func (l *Lock) Mine() bool { return l.state.Load() == held && l.holder.Load() == getg() }

// Disown takes back what Identify did, until the next one: the holder itself finds the lock Busy. It tells whether
// there was anything to take back. Only the holder may call it.
func (l *Lock) Disown() bool { return l.holder.Swap(0) != 0 }

// Release frees the lock. Only the call that got Acquired may do so.
func (l *Lock) Release() {
	if l.holder.Load() != 0 {
		l.holder.Store(0)
	}
	l.release()
}

// Retire makes the lock Busy for everyone and for good, its owner included. Only the owner may do so.
func (l *Lock) Retire() {
	l.holder.Store(0)
	l.state.Store(retired)
}
