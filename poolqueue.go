package wasmtime

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmtime/wasmtime/internal/registry"
)

// poolQueue holds the instantiations that wait for a place in an engine's pool, in the order in which they began. A
// store that is closed lets as many of them try as there were instances and the like in it. Nobody holds the queue
// while trying, because a start function may take its time, and one that finds no place all the same, for others were
// faster or it needs more than one, waits again where it was.
//
// One for which no place can become free does not wait. That is so when all stores that may have something of the pool
// are those of goroutines that wait themselves: a store is closed by who uses it, and nobody does who waits.
type poolQueue struct {
	// given counts how often places may have been given back, and waiting the queue. They are all that most stores look
	// at.
	given, waiting atomic.Uint64
	// holders is the number of stores that may have something of the pool. Who gives something back counts that in
	// given first: so who finds given as it was has found no holder too few.
	holders atomic.Int64

	mu     sync.Mutex
	queue  []*placeWaiter
	ticket uint64
	// stuck is how many of the holders are those of goroutines that are in the queue.
	stuck int64
}

// placeWaiter is an instantiation that waits, or has waited.
type placeWaiter struct {
	// ticket is its place in the order; 0 until it has waited.
	ticket uint64
	// ready is closed when it may try.
	ready chan struct{}
	// holders is the number of stores of the pool that its goroutine is in.
	holders int64
	// hopeless says that it has been found that no place can become free.
	hopeless bool
}

// enlist and dismiss count a store that may have something of the pool. They do nothing for an engine without a pool.
func (q *poolQueue) enlist() {
	if q != nil {
		q.holders.Add(1)
	}
}

func (q *poolQueue) dismiss() {
	if q != nil {
		q.given.Add(1)
		q.holders.Add(-1)
	}
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
		q.stuck -= q.queue[0].holders // which its own goroutine sets anew
		close(q.queue[0].ready)
		q.queue = q.queue[1:]
	}
	q.waiting.Store(uint64(len(q.queue)))
}

// A turn is what an instantiation does next that has found no place.
type turn int

const (
	// tryAgain: places have been given back.
	tryAgain turn = iota
	// wait: it is in the queue.
	wait
	// giveUp: nothing can be given back.
	giveUp
)

// enter makes an instantiation wait, unless places may have been given back since given was read, or never will be.
func (q *poolQueue) enter(w *placeWaiter, given uint64) turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Add(1) // before given is looked at, or a store that is closed now might look too early
	holders := q.holders.Load()
	switch {
	case q.given.Load() != given:
		q.waiting.Store(uint64(len(q.queue)))
		return tryAgain
	case holders <= q.stuck+w.holders:
		q.waiting.Store(uint64(len(q.queue)))
		return giveUp
	}
	if w.ticket == 0 {
		q.ticket++
		w.ticket = q.ticket
	}
	w.ready = make(chan struct{})
	i, _ := slices.BinarySearchFunc(q.queue, w, func(a, b *placeWaiter) int { return cmp.Compare(a.ticket, b.ticket) })
	q.queue = slices.Insert(q.queue, i, w)
	q.stuck += w.holders
	return wait
}

// leave forgets an instantiation that does not wait any more. It tells whether that had not been let try.
func (q *poolQueue) leave(w *placeWaiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.queue, w)
	if i >= 0 {
		q.queue = slices.Delete(q.queue, i, i+1)
		q.stuck -= w.holders
		q.waiting.Store(uint64(len(q.queue)))
	}
	return i >= 0
}

// errNeverServed says why an instantiation does not wait.
var errNeverServed = errors.New("it is not waited for, because all who have one are waiting themselves")

// awaitPlace waits until an instantiation in the store, which is entered and watches a context, may try. given is what
// the queue had given back before it tried last. It is an error that the context has ended, and errNeverServed that no
// place can become free: when that is found twice, because in between another attempt, which has failed as well, may
// have had for a moment what this one lacked.
func (s *state) awaitPlace(outermost bool, w *placeWaiter, given uint64) error {
	q := s.engine.pool
	s.lock.Identify()
	w.holders = entered.holdersHere(q)
	next, hopeless := q.enter(w, given), w.hopeless
	w.hopeless = next == giveUp
	switch {
	case next == giveUp && hopeless:
		return errNeverServed
	case next != wait:
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

// holdersHere is the number of stores that the goroutine is in and that may have something of the pool: none of them is
// closed before the goroutine goes on. What it reads of a store is written by the store's own goroutine only; another
// store's place in the table may change meanwhile.
//
//go:norace
func (t *storeTable) holdersHere(q *poolQueue) (n int64) {
	for i := range t.chunks {
		chunk := t.chunks[i].Load()
		if chunk == nil {
			return n
		}
		for j := range registry.ChunkSize {
			s := chunk.stores[j]
			if s != nil && s.lock.Mine() && s.slot != nil && s.slot.pool == q && s.slot.holds() {
				n++
			}
		}
	}
	return n
}
