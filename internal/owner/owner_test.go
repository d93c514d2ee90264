package owner_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/owner"
)

func TestOwner(t *testing.T) {
	var l owner.Lock
	if got := l.Acquire(); got != owner.Acquired {
		t.Fatalf("a free lock: %d", got)
	}
	if got := l.Acquire(); got != owner.Busy {
		t.Fatalf("a lock of one's own before Identify: %d", got)
	}
	l.Identify()
	if got := l.Acquire(); got != owner.Nested {
		t.Fatalf("a lock of one's own: %d", got)
	}
	other := make(chan owner.Result)
	go func() { other <- l.Acquire() }()
	if got := <-other; got != owner.Busy {
		t.Fatalf("another's lock: %d", got)
	}
	l.Release()
	go func() { other <- l.Acquire() }()
	if got := <-other; got != owner.Acquired {
		t.Fatalf("a released lock: %d", got)
	}
}

func TestExclusion(t *testing.T) {
	var l owner.Lock
	var inside, entered atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10000 {
				if l.Acquire() != owner.Acquired {
					continue
				}
				if inside.Add(1) != 1 {
					t.Error("two goroutines hold the lock")
				}
				entered.Add(1)
				inside.Add(-1)
				l.Release()
			}
		})
	}
	wg.Wait()
	if entered.Load() == 0 {
		t.Error("nobody ever got the lock")
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	var l owner.Lock
	for b.Loop() {
		l.Acquire()
		l.Release()
	}
}
