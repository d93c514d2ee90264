package wasmtime

import "sync"

// latePanics are what goroutines panicked with that nobody waited for: a guest's next request panics with the first of them. It
// is safe for concurrent use.
type latePanics struct {
	mu     sync.Mutex
	values []any
}

// keep keeps what a goroutine panicked with.
func (l *latePanics) keep(value any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, value)
}

// raise panics with the first that is left, if there is any.
func (l *latePanics) raise() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.values) > 0 {
		value := l.values[0]
		l.values = l.values[1:]
		panic(value)
	}
}
