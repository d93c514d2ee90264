package wasmtime

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// poolQueue holds the instantiations that wait for a place in an engine's pool, in the order in which they began. A
// store that is closed lets as many of them try as there were instances and the like in it. Nobody holds the queue
// while trying, because a start function may take its time, and one that finds no place all the same, for others were
// faster or it needs more than one, waits again where it was.
type poolQueue struct {
	// given counts how often places have been given back, and waiting the queue. They are all that most stores look at.
	given, waiting atomic.Uint64

	mu     sync.Mutex
	queue  []*placeWaiter
	ticket uint64
}

// placeWaiter is an instantiation that waits, or has waited.
type placeWaiter struct {
	// ticket is its place in the order; 0 until it has waited.
	ticket uint64
	// ready is closed when it may try.
	ready chan struct{}
}

// poolRetry is after which time an instantiation tries again although no place has been given back: there may be stores
// that are garbage, or others may have had places for a moment only.
const poolRetry = longPause

// waitingForPools is the number of instantiations that wait for a place in any pool.
var waitingForPools atomic.Int64

// giveBack lets n of those who wait try. It does nothing for an engine without a pool.
func (q *poolQueue) giveBack(n int64) {
	if q == nil {
		return
	}
	q.given.Add(1)
	if q.waiting.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; n > 0 && len(q.queue) > 0; n-- {
		close(q.queue[0].ready)
		q.queue = q.queue[1:]
	}
	q.waiting.Store(uint64(len(q.queue)))
}

// enter makes an instantiation wait, unless places have been given back since given was read.
func (q *poolQueue) enter(w *placeWaiter, given uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Add(1) // before given is looked at, or a store that is closed now might look too early
	if q.given.Load() != given {
		q.waiting.Store(uint64(len(q.queue)))
		return false
	}
	if w.ticket == 0 {
		q.ticket++
		w.ticket = q.ticket
	}
	w.ready = make(chan struct{})
	i, _ := slices.BinarySearchFunc(q.queue, w, func(a, b *placeWaiter) int { return cmp.Compare(a.ticket, b.ticket) })
	q.queue = slices.Insert(q.queue, i, w)
	return true
}

// leave forgets an instantiation that does not wait any more. It tells whether that had not been let try.
func (q *poolQueue) leave(w *placeWaiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.queue, w)
	if i >= 0 {
		q.queue = slices.Delete(q.queue, i, i+1)
		q.waiting.Store(uint64(len(q.queue)))
	}
	return i >= 0
}

// awaitPlace waits until an instantiation in the store, which is entered and watches a context, may try. given is what
// the queue had given back before it tried last. It is an error that the context has ended.
func (s *state) awaitPlace(outermost bool, w *placeWaiter, given uint64) error {
	q := s.engine.pool
	if !q.enter(w, given) {
		return nil
	}
	if outermost {
		*s.entry = nil // it does not count as one that runs
		defer func() { *s.entry = s }()
	}
	waitingForPools.Add(1)
	defer waitingForPools.Add(-1)
	timer := time.NewTimer(poolRetry)
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-timer.C:
		q.leave(w)
	case <-s.stop().Done():
		if !q.leave(w) {
			q.giveBack(1) // to the next one
		}
		ended := contextError(s.endedContext())
		return errorf(fmt.Errorf("%w: %w", ended, ErrPoolFull), "%v: %v", ended, ErrPoolFull)
	}
	return nil
}
