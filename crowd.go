package wasmtime

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmtime/wasmtime/internal/goexit"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// DefaultMaxConcurrentGuests is how many guests run at once unless [SetMaxConcurrentGuests] says otherwise. A guest
// that runs or waits for long takes a thread. Go ends a process that has 10,000 of them, see
// [runtime/debug.SetMaxThreads], and Linux by default one that has some 65,000 mappings, of which a thread takes about
// six.
const DefaultMaxConcurrentGuests = 8000

// SetMaxConcurrentGuests limits how many stores of the process are in a call into a guest, an instantiation included,
// at once, and returns what the limit was. 0 or less is no limit. A call beyond the limit waits until another call has
// ended, or its context, which is then what the error wraps, besides [ErrTooManyGuests]. A call without a context that
// can end fails at once with an [*Error] that wraps ErrTooManyGuests. Calls that a host function makes are not limited,
// nor are those that go on already when the limit is lowered. The limit is kept to within a few calls that begin at the
// same moment. It is safe for concurrent use.
func SetMaxConcurrentGuests(n int) (previous int) {
	limit := int64(n)
	if n <= 0 {
		limit = math.MaxInt64
	}
	was := guests.limit.Swap(limit)
	guests.left.Store(0)
	guests.look()
	if was == math.MaxInt64 {
		return 0
	}
	return int(was)
}

// Statistics are counters of the process, from about the same moment.
type Statistics struct {
	// OpenStores is the number of stores that have not been closed, those included that are garbage and have not been
	// collected yet.
	OpenStores int
	// RunningGuests is the number of stores that are in a call into a guest, or in another operation.
	RunningGuests int
	// WaitingGuests is the number of calls that wait because too many guests run, see [SetMaxConcurrentGuests].
	WaitingGuests int
	// WaitingInstances is the number of instantiations that wait for a place in a pool, see [Config.SetPooling].
	WaitingInstances int
}

// Stats returns counters to watch. It looks at all open stores, which takes some microseconds for thousands of them. It
// is safe for concurrent use.
func Stats() Statistics {
	return Statistics{
		OpenStores:       int(held.stores.Load()),
		RunningGuests:    int(entered.count()),
		WaitingGuests:    int(guests.waiting.Load()),
		WaitingInstances: int(waitingForPools.Load()),
	}
}

// guests are those that run.
var guests = newCrowd(DefaultMaxConcurrentGuests)

// crowd limits the number of guests that run at once. Nobody counts them when they come and go, which would cost each
// call some time. There cannot be too many as long as there are no more open stores than guests that may run; only when
// there are, do calls ask, and then the stores that are entered are counted now and then.
type crowd struct {
	// crowded says that there may be too many. It is all that most calls look at.
	crowded atomic.Bool
	_       [64]byte

	limit atomic.Int64
	// left is how many may still begin before they are counted again.
	left    atomic.Int64
	waiting atomic.Int64

	mu    sync.Mutex
	queue []*waiter
	// coming have been let in and have not entered yet.
	coming atomic.Int64
}

// waiter is a call that waits until it may begin.
type waiter struct{ begin chan struct{} }

func newCrowd(limit int64) *crowd {
	c := &crowd{}
	c.limit.Store(limit)
	return c
}

// look finds out whether there may be too many guests. It is called when the number of open stores, or the limit, has
// changed.
func (c *crowd) look() {
	stores, limit := held.stores.Load(), c.limit.Load()
	switch crowded := c.crowded.Load(); {
	case stores > limit && !crowded:
		c.left.Store(0)
		c.crowded.Store(true)
	case crowded && stores <= limit-limit/8: // not to and fro with each store
		c.crowded.Store(false)
	}
}

// admit lets the store, which is entered, begin a call into a guest, when there may be too many. It waits if the call
// has a context that may end.
func (c *crowd) admit(s *state) error {
	if c.left.Add(-1) >= 0 || insideGuest() {
		return nil
	}
	*s.entry = nil // it is not to be counted
	defer func() { *s.entry = s }()
	w, stop := (*waiter)(nil), s.stop()
	c.mu.Lock()
	switch {
	case len(c.queue) == 0 && c.countLocked() > 0:
		c.left.Add(-1)
	case stop == nil:
		c.mu.Unlock()
		return errorf(ErrTooManyGuests, "%v", ErrTooManyGuests)
	default:
		w = c.enqueueLocked()
	}
	c.mu.Unlock()
	if w == nil {
		return nil
	}
	defer c.waiting.Add(-1)
	select {
	case <-w.begin:
		*s.entry = s
		c.coming.Add(-1)
		return nil
	case <-stop.Done():
		c.dequeue(w)
		ended := contextError(s.endedContext())
		return errorf(fmt.Errorf("%w: %w", ended, ErrTooManyGuests), "%v: %v", ended, ErrTooManyGuests)
	}
}

// countLocked counts the guests that run, and returns how many may still begin.
func (c *crowd) countLocked() int64 {
	left := c.limit.Load() - entered.count() - c.coming.Load()
	c.left.Store(left)
	return left
}

// enqueueLocked makes a call wait. As long as there is one, somebody looks whether it may begin.
func (c *crowd) enqueueLocked() *waiter {
	w := &waiter{make(chan struct{})}
	c.queue = append(c.queue, w)
	c.waiting.Add(1)
	if len(c.queue) == 1 {
		go c.watch()
	}
	return w
}

// dequeue forgets a call that does not wait any more.
func (c *crowd) dequeue(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.queue {
		if c.queue[i] == w {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return
		}
	}
	c.coming.Add(-1) // it may begin just now
}

// watch lets calls begin that wait, in their order, until none does.
func (c *crowd) watch() {
	const often = time.Millisecond
	for {
		time.Sleep(often)
		c.mu.Lock()
		for left := c.countLocked(); left > 0 && len(c.queue) > 0; left-- {
			c.coming.Add(1)
			c.left.Add(-1)
			close(c.queue[0].begin)
			c.queue = c.queue[1:]
		}
		waiting := len(c.queue)
		c.mu.Unlock()
		if waiting == 0 {
			return
		}
	}
}

// admitOutermost is admit for a call that has entered the store, and leaves it again on an error.
func (s *state) admitOutermost() error {
	err := guests.admit(s)
	if err != nil {
		s.Leave(true)
	}
	return err
}

// insideGuest tells whether the goroutine is in a call of a guest already, and so has its thread: waiting for the end
// of another guest, it might wait for its own.
func insideGuest() bool {
	for name := range goexit.Stack {
		if slices.ContainsFunc(hostFrames[:], func(host string) bool { return strings.HasSuffix(name, host) }) {
			return true
		}
	}
	return false
}

// hostFrames are the functions through which guests call Go.
var hostFrames = [...]string{"/wasmtime.onHostCall", "/wasmtime.(*state).Host", "/internal/served.Call"}

// count returns how many stores are entered. It does not stop anyone: those who enter or leave meanwhile may be counted
// or not.
//
//go:norace
func (t *storeTable) count() (n int64) {
	for i := range t.chunks {
		chunk := t.chunks[i].Load()
		if chunk == nil {
			return n
		}
		for j := range registry.ChunkSize {
			if chunk.stores[j] != nil {
				n++
			}
		}
	}
	return n
}
