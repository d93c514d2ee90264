package served

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// stuck is a connection, or a listener, that is not closed until the test ends.
type stuck struct {
	net.Conn
	begun, end chan struct{}
}

func newStuck(t *testing.T) *stuck {
	s := &stuck{begun: make(chan struct{}, 1), end: make(chan struct{})}
	t.Cleanup(func() { close(s.end) })
	return s
}

func (s *stuck) Close() error { s.begun <- struct{}{}; <-s.end; return nil }

// took is how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// An operation waits for what is quick to close, for half of its time at most in the middle, and for the rest in the
// end.
func TestBehindWaits(t *testing.T) {
	h := &testHost{}
	quick := make(chan struct{})
	b := h.Behind()
	b.begin()
	b.finish(func() { time.Sleep(time.Millisecond); close(quick) })
	b.settle()
	select {
	case <-quick:
	default:
		t.Error("the operation goes on before something quick is closed")
	}
	b = new(Behind)
	for range 20 {
		b.close(newStuck(t))
		b.settle()
	}
	if b.waited < settling/4 || b.waited > settling/2 {
		t.Errorf("in the middle it has waited %v", b.waited)
	}
	b.CatchUp(nil)
	if b.waited < settling*9/10 || b.waited > settling {
		t.Errorf("in the end it has waited %v", b.waited)
	}
	if again := took(func() { b.CatchUp(nil) }); again > settling/2 {
		t.Errorf("it waits again, %v", again)
	}
}

// What closes many waits when all have begun.
func TestBehindTogether(t *testing.T) {
	b := &Behind{Together: true}
	s := newStuck(t)
	b.close(s)
	b.settle()
	if b.waited != 0 {
		t.Errorf("it has waited %v for the first of many", b.waited)
	}
	b.Await()
	if b.waited < settling*9/10 {
		t.Errorf("it has waited %v for all of them", b.waited)
	}
}

// A store that the garbage collector frees waits for nobody, whatever its descriptors do.
func TestGoneOfGarbage(t *testing.T) {
	const many = 20
	h := &testHost{}
	var numbers []uint64
	for i := range many {
		d := NewConn(newStuck(t))
		if i%2 == 0 {
			d = NewListener(stuckListener{newStuck(t)})
		}
		numbers = append(numbers, d.Attach(h))
		g := &gate{let: make(chan struct{})}
		defer close(g.let)
		d = NewWriter(g)
		numbers = append(numbers, d.Attach(h))
		locked(d, func() { d.by.(*Stream).writeLocked(nil, []byte("x"), false, false) })
	}
	h.absent = true
	if waited := took(func() {
		for _, number := range numbers {
			OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
		}
	}); waited > settling*many/4 {
		t.Errorf("%d descriptors have kept the clean-ups waiting for %v", 2*many, waited)
	}
}

type stuckListener struct{ *stuck }

func (stuckListener) Accept() (net.Conn, error) { select {} }
func (stuckListener) Addr() net.Addr            { return nil }

// Writers that are stuck have one deadline when the guest has to stop.
func TestStuckWritersHaveOneDeadline(t *testing.T) {
	const many = 100
	h := &testHost{}
	for range many {
		g := &gate{let: make(chan struct{})}
		defer close(g.let)
		st := attached(t, h, NewWriter(g))
		locked(&st.Descriptor, func() { st.writeLocked(nil, []byte("x"), false, false) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if waited := took(func() { h.catchUp(ctx) }); waited < settling*9/10 || waited > settling*many/4 {
		t.Errorf("%d writers have kept the guest's call for %v", many, waited)
	}
}

// What a guest has written is sent when its descriptor is gone, and then the connection is closed.
func TestGoneWhileWriting(t *testing.T) {
	c, g := newTalker(), &gate{let: make(chan struct{})}
	st := attached(t, &testHost{}, NewConn(c))
	st.writer = g
	st.mustWrite(t, nil, "sent", false, 4, ffi.StreamDone)
	st.gone()
	c.silent(t)
	close(g.let)
	c.want(t, "close: ")
	if g.text() != "sent" {
		t.Errorf("written: %q", g.text())
	}
}

// Writers have more time than what is being closed when nothing stops the guest.
func TestSlowWritersHaveTime(t *testing.T) {
	h, g := &testHost{}, &gate{let: make(chan struct{})}
	st := attached(t, h, NewWriter(g))
	st.mustWrite(t, nil, "slow", false, 4, ffi.StreamDone)
	time.AfterFunc(2*settling, func() { close(g.let) })
	h.catchUp(nil)
	if g.text() != "slow" {
		t.Errorf("written when the call has returned: %q", g.text())
	}
}

// What a writer has failed to take is given to it once more when the guest's call returns, and the store hears of the
// writer again when the guest writes again.
func TestCatchUpTriesAgain(t *testing.T) {
	h, w := &testHost{}, &failingWriter{err: syscall.EINTR}
	st := attached(t, h, NewWriter(w))
	for range 2 {
		w.times = 1
		st.mustWrite(t, nil, "text", false, 4, ffi.StreamDone)
		if len(h.behind.writers) != 1 {
			t.Fatalf("the host heard of %d writers", len(h.behind.writers))
		}
		h.catchUp(nil)
		if st.writing || len(st.queued) != 0 || st.behind {
			t.Errorf("at work: %v, %d bytes are kept, known to be behind: %v", st.writing, len(st.queued), st.behind)
		}
	}
	if w.got.String() != "texttext" {
		t.Errorf("written: %q", w.got.String())
	}
}

// All that is being closed is waited for, and not the first of it.
func TestBehindWaitsForAll(t *testing.T) {
	b := new(Behind)
	b.close(newStuck(t))
	b.begin()
	time.AfterFunc(time.Millisecond, b.end)
	if b.Await(); b.waited < settling*9/10 {
		t.Errorf("it has waited %v", b.waited)
	}
}

// What closing panics with is the host's.
func TestGonePanics(t *testing.T) {
	h := &testHost{}
	d := NewConn(panickyConn{})
	d.Attach(h)
	OnStream(&ffi.StreamRequest{Env: d.number, What: ffi.StreamGone})
	if h.panicked != "closing" {
		t.Errorf("the host heard %v", h.panicked)
	}
}

type panickyConn struct{ net.Conn }

func (panickyConn) Close() error { panic("closing") }

// What is gone while its writer is at work is closed once, also if the writer is tried again.
func TestGoneIsClosedOnce(t *testing.T) {
	h, w := &testHost{}, &failingWriter{err: syscall.EINTR, times: 1}
	d := NewWriter(w)
	number := d.Attach(h)
	st := d.by.(*Stream)
	locked(d, func() {
		st.writeLocked(nil, []byte("text"), false, false)
		st.uses, st.closed = 0, true
		st.goneLocked(h.Behind())
	})
	b := h.behind
	h.catchUp(nil)
	if w.got.String() != "text" || b.closing != 0 {
		t.Errorf("written %q, and %d are being closed", w.got.String(), b.closing)
	}
	h.Shelf().descriptors.remove(number)
}

// What a writer will never take, whose descriptor is gone, is forgotten when the call has tried it again.
func TestGoneWriterIsForgotten(t *testing.T) {
	h, w := &testHost{}, &failingWriter{err: syscall.EINTR, times: 2}
	d := NewWriter(w)
	number := d.Attach(h)
	d.by.(*Stream).mustWrite(t, nil, "text", false, 4, ffi.StreamDone)
	OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	h.behind.CatchUp(nil)
	lost := h.behind.Unwritten()
	if len(lost) != 1 || lost[0] != (Unwritten{2, syscall.EINTR}) { // it takes one byte each time
		t.Errorf("unwritten: %v", lost)
	}
	if h.behind.Rest() != nil || h.shelf.ends.writers.get(w) != nil {
		t.Error("the writer is kept")
	}
}

// What waits for a writer that then says that it is closed is lost as well.
func TestUnwrittenIsAll(t *testing.T) {
	h, g := &testHost{}, &gate{let: make(chan struct{}), err: io.ErrClosedPipe}
	st := attached(t, h, NewWriter(g))
	for range 2 {
		st.mustWrite(t, nil, "text", false, 4, ffi.StreamDone)
	}
	close(g.let)
	h.behind.CatchUp(nil)
	if lost := h.behind.Unwritten(); len(lost) != 1 || lost[0] != (Unwritten{4, io.ErrClosedPipe}) {
		t.Errorf("unwritten: %v", lost)
	}
	st.mustWrite(t, nil, "more", false, uint64(errnoPipe), ffi.StreamFailed)
}

// A descriptor of a writer that is gone, and that is to be tried once more, is the one that an equal writer gets.
func TestGoneWriterIsTriedByItsHeir(t *testing.T) {
	h, w := &testHost{}, &failingWriter{err: syscall.EINTR, times: 1}
	first, second := NewWriter(w), NewWriter(w)
	number := first.Attach(h)
	st := first.by.(*Stream)
	st.mustWrite(t, nil, "first ", false, 6, ffi.StreamDone)
	st.settled()
	OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	if second.Attach(h); second.serves != first {
		t.Fatal("another pipe has the writer")
	}
	st.mustWrite(t, nil, "", false, uint64(errnoIntr), ffi.StreamFailed)
	st.mustWrite(t, nil, "second", false, 6, ffi.StreamDone)
	h.catchUp(nil)
	if w.got.String() != "first second" || h.behind != nil {
		t.Errorf("written %q, behind: %v", w.got.String(), h.behind)
	}
	OnStream(&ffi.StreamRequest{Env: second.number, What: ffi.StreamGone})
	if h.shelf.ends.writers.get(w) != nil {
		t.Error("a pipe that nobody has is kept")
	}
}

// A writer that is late is not waited for again before it has taken something.
func TestLateWriters(t *testing.T) {
	h, g := &testHost{}, &gate{let: make(chan struct{})}
	st := attached(t, h, NewWriter(g))
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	st.mustWrite(t, nil, "one", false, 3, ffi.StreamDone)
	st.catchUp(over)
	if waited := took(func() { st.catchUp(t.Context()) }); waited > linger/2 || !st.late {
		t.Errorf("waited for %v", waited)
	}
	if lost := h.behind.Unwritten(); len(lost) != 1 || lost[0] != (Unwritten{3, nil}) {
		t.Errorf("unwritten: %v", lost)
	}
	h.behind = h.behind.Rest()
	if lost := h.behind.Unwritten(); lost != nil {
		t.Errorf("told again: %v", lost)
	}
	close(g.let)
	st.settled()
	if h.behind = h.behind.Rest(); h.behind != nil || st.late || st.left != nil || left.any.Load() != 0 {
		t.Errorf("behind: %v, late: %v, left: %v, %d in all", h.behind, st.late, st.left, left.any.Load())
	}
}
