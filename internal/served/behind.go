package served

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
)

// Behind is what an operation of a store leaves behind: writers that are at work still on what the guest has written,
// or have failed and nobody knows, and descriptors that are being closed. The operation waits for both before it
// returns, but not for long. A nil Behind is that of a store that is in no operation, because the garbage collector
// frees it: nobody waits.
type Behind struct {
	// Together says that many descriptors are being closed: whoever closes them waits when all have begun.
	Together bool
	// CaughtUp says that the call that ends now has waited for the writers already, for as long as its context lets it.
	CaughtUp bool
	// Panicking says that the call ends with a panic, so that nobody would hear of an error.
	Panicking bool

	writers []*Stream
	// signals are those that a guest has asked in vain, and for which goroutines wait.
	signals map[*signal]struct{}
	// waited is how much of the time that the operation may wait for closings is gone.
	waited time.Duration

	mu sync.Mutex
	// closing counts what is being closed. closed is closed when that is nothing any more; nil as long as nobody waits.
	closing int
	closed  chan struct{}
	// unclosed are the errors of files that guests have written, and that were closed for them.
	unclosed []error
	// panics are those of closings, and of writers that were caught up with.
	panics Panics
}

// settling is how long an operation of a store waits at most for all that it closes, and for writers that do not come
// to an end when the guest has to stop.
const settling = 100 * time.Millisecond

// linger is how long a writer or a connection may take for what a guest has written, when the guest's call or the
// guest itself is over.
const linger = 5 * time.Second

// begin counts something that is being closed.
func (b *Behind) begin() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closing++
}

// end says that something has been closed for which begin was called.
func (b *Behind) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closing--
	if b.closing == 0 && b.closed != nil {
		close(b.closed)
		b.closed = nil
	}
}

// finish runs f, which closes something for which begin was called, in a goroutine: closing may wait for the other
// side.
func (b *Behind) finish(f func()) {
	go func() {
		defer b.end()
		b.guard(f)
	}()
}

// close closes something, which waits for nobody.
func (b *Behind) close(c io.Closer) {
	b.begin()
	b.finish(func() { c.Close() })
}

// fail remembers what a file has said that a guest has written, and that was closed for it: nobody else hears of it.
func (b *Behind) fail(err error) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unclosed = append(b.unclosed, err)
}

// takeUnclosed returns what fail has remembered, and takes it for told.
func (b *Behind) takeUnclosed() (errs []error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs, b.unclosed = b.unclosed, nil
	return errs
}

// guard runs f, and keeps what it panics with for as long as somebody waits.
func (b *Behind) guard(f func()) {
	if b == nil {
		b = new(Behind)
	}
	b.panics.Guard(f)
}

// settle waits for what is being closed, so that the guest goes on with a world in which it is. All of an operation's
// waits are half of what it may take, and each is half of what is left: so there is some for what it closes next, and
// for the end.
func (b *Behind) settle() {
	if b != nil && !b.Together {
		b.await((settling/2 - b.waited) / 2)
	}
}

// Await waits for all that is being closed, for as long as the operation has left for that.
func (b *Behind) Await() { b.await(settling - b.waited) }

// await waits until nothing is being closed, or until the time is over.
func (b *Behind) await(most time.Duration) {
	closed := b.whenClosed()
	if closed == nil || most <= 0 {
		return
	}
	start := time.Now()
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-closed:
	case <-late.C:
	}
	b.waited += min(time.Since(start), most) // and not what a busy machine adds
}

// whenClosed is closed when nothing is being closed any more; nil if nothing is.
func (b *Behind) whenClosed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing > 0 && b.closed == nil {
		b.closed = make(chan struct{})
	}
	return b.closed
}

// Panicked returns what something panicked with while it was closed or caught up with, and forgets it.
func (b *Behind) Panicked() (value any, panicked bool) {
	if b == nil {
		return nil, false
	}
	return b.panics.Take()
}

// CatchUp waits for all that is left behind when a call into the guest has come to its end: for writers so long that
// they have all of what the guest has written unless they block, and hardly when ctx is done, which may be nil.
func (b *Behind) CatchUp(ctx context.Context) {
	if len(b.writers) > 0 {
		b.catchUp(ctx)
	}
	b.Await()
}

// Unwritten is what a writer has not taken of what a guest has been told was written.
type Unwritten struct {
	// Bytes is how many, 0 if the writer has taken all, and failed nevertheless.
	Bytes int
	// Err is what the writer said; nil if it is still at work.
	Err error
}

// Unwritten returns what nobody has been told of, for the outermost call to tell: nothing if that ends with a panic,
// which leaves it for the next call. A nil Behind has nothing.
func (b *Behind) Unwritten() (all []Unwritten) {
	if b == nil {
		return nil
	}
	if b.Panicking || b.panics.Any() {
		return nil
	}
	for _, err := range b.takeUnclosed() {
		all = append(all, Unwritten{0, err})
	}
	for _, st := range b.writers {
		if u, ok := st.takeUnwritten(); ok {
			all = append(all, u)
		}
	}
	return all
}

// Rest ends the operation. It returns what the store's next one has to find: writers that are at work still, and errors
// that nobody has been told of; nil if there are none.
func (b *Behind) Rest() *Behind {
	for s := range b.signals {
		s.leaveAlone()
	}
	b.writers = slices.DeleteFunc(b.writers, (*Stream).leave)
	unclosed := b.takeUnclosed()
	if len(b.writers) == 0 && len(unclosed) == 0 {
		return nil
	}
	return &Behind{writers: b.writers, unclosed: unclosed}
}

// follow ends with the operation what waits for a signal.
func (b *Behind) follow(s *signal) {
	if b.signals == nil {
		b.signals = map[*signal]struct{}{}
	}
	b.signals[s] = struct{}{}
}

// HostCall waits, before the host serves a call of the guest, until writers have what the guest has written before it.
// One that takes longer than a moment may be waiting for just that call: the descriptor's writer is not waited for here
// again. The wait ends when stop is done, which may be nil.
func (b *Behind) HostCall(stop context.Context) {
	b.writers = slices.DeleteFunc(b.writers, func(st *Stream) bool { return st.arrive(stop) })
}

// AtWork tells whether writers may be at work still.
func (b *Behind) AtWork() bool { return len(b.writers) > 0 }

func (b *Behind) catchUp(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.Background(), linger)
	defer cancel()
	if canStop(ctx) {
		stop := context.AfterFunc(ctx, func() { time.AfterFunc(settling, cancel) })
		defer stop()
	}
	for _, st := range b.writers {
		st.catchUp(limited)
		if value, panicked := st.panics.Take(); panicked {
			b.panics.Keep(value) // the guest may never ask for the descriptor again
		}
	}
}
