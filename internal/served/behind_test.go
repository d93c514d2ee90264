package served

import (
	"context"
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
		locked(d, func() { d.by.(*Stream).writeLocked(nil, []byte("x"), false) })
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
		locked(&st.Descriptor, func() { st.writeLocked(nil, []byte("x"), false) })
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
