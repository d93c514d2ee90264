package served

import "sync"

// leftovers are what has to be closed for a number that C has, even if nobody but C knows the number any more. Its zero
// value has none. It is safe for concurrent use.
type leftovers[T any] struct {
	mu sync.Mutex
	by map[uint64]T
}

// keep keeps what has to be closed for a number.
func (l *leftovers[T]) keep(number uint64, thing T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[uint64]T{}
	}
	l.by[number] = thing
}

// replace keeps something else for a number, unless what was kept has been taken.
func (l *leftovers[T]) replace(number uint64, thing T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.by[number]; ok {
		l.by[number] = thing
	}
}

// take gives it away, if there is any.
func (l *leftovers[T]) take(number uint64) (thing T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	thing, ok = l.by[number]
	delete(l.by, number)
	return thing, ok
}
