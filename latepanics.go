package wasmtime

import (
	"sync"
	"sync/atomic"
)

// latePanics are what goroutines panicked with that nobody waited for: a guest's next request panics with the first of them. It
// is safe for concurrent use.
type latePanics struct {
	// kept is nil as long as there was none, which is all that most requests look at.
	kept atomic.Pointer[keptPanics]
}

type keptPanics struct {
	mu     sync.Mutex
	values []any
}

// keep keeps what a goroutine panicked with.
func (l *latePanics) keep(value any) {
	l.kept.CompareAndSwap(nil, &keptPanics{})
	k := l.kept.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = append(k.values, value)
}

// guard runs f, and keeps what it panics with.
func (l *latePanics) guard(f func()) {
	defer func() {
		if value := recover(); value != nil {
			l.keep(value)
		}
	}()
	f()
}

// raise panics with the first that is left, if there is any.
func (l *latePanics) raise() {
	if k := l.kept.Load(); k != nil {
		k.raise()
	}
}

func (k *keptPanics) raise() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.values) > 0 {
		value := k.values[0]
		k.values = k.values[1:]
		panic(value)
	}
}
