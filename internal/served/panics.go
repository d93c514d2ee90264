package served

import (
	"sync"
	"sync/atomic"
)

// Panics are what goroutines panicked with that nobody waited for: a guest's next request panics with the first of
// them. Its zero value has none. It is safe for concurrent use.
type Panics struct {
	// kept is nil as long as there was none, which is all that most requests look at.
	kept atomic.Pointer[keptPanics]
}

type keptPanics struct {
	mu     sync.Mutex
	values []any
}

// Keep keeps what a goroutine panicked with.
func (p *Panics) Keep(value any) {
	p.kept.CompareAndSwap(nil, &keptPanics{})
	k := p.kept.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = append(k.values, value)
}

// Guard runs f, and keeps what it panics with.
func (p *Panics) Guard(f func()) {
	defer func() {
		if value := recover(); value != nil {
			p.Keep(value)
		}
	}()
	f()
}

// Raise panics with the first that is left, if there is any.
func (p *Panics) Raise() {
	if value, panicked := p.Take(); panicked {
		panic(value)
	}
}

// Any tells whether any is left.
func (p *Panics) Any() bool {
	k := p.kept.Load()
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.values) > 0
}

// Take returns the first that is left, if there is any, which then is not left any more.
func (p *Panics) Take() (value any, panicked bool) {
	if k := p.kept.Load(); k != nil {
		return k.take()
	}
	return nil, false
}

func (k *keptPanics) take() (value any, panicked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.values) == 0 {
		return nil, false
	}
	value = k.values[0]
	k.values = k.values[1:]
	return value, true
}
