package served

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// testHost is a store without a guest: it says what happened.
type testHost struct {
	shelf    Shelf
	stop     context.Context
	absent   bool
	taken    int
	panicked any
	failed   error
	exited   bool
	behind   *Behind
	number   uint64
	woken    atomic.Int64
}

// testHosts are all of them by their numbers, but for 0.
var testHosts struct {
	sync.Mutex
	all []*testHost
}

func init() {
	HostOf = func(number uint64) Host {
		testHosts.Lock()
		defer testHosts.Unlock()
		if h := testHosts.all[number-1]; !h.absent {
			return h
		}
		return nil
	}
}

// there is the descriptor with a number.
func there(number uint64) *Descriptor {
	return HostOf(number >> tableBits).Shelf().descriptors.get(number)
}

func (h *testHost) Number() uint64 {
	testHosts.Lock()
	defer testHosts.Unlock()
	if h.number == 0 {
		testHosts.all = append(testHosts.all, h)
		h.number = uint64(len(testHosts.all))
	}
	return h.number
}

func (h *testHost) Shelf() *Shelf { return &h.shelf }

func (h *testHost) Wake() { h.woken.Add(1) }

func (h *testHost) BeginCall() (context.Context, bool, bool) {
	h.taken++
	return h.stop, true, !h.absent
}

func (h *testHost) EndCall(taken bool) {
	if taken {
		h.taken--
	}
}
func (h *testHost) Panicked(value any) { h.panicked = value }
func (h *testHost) Failed(err error)   { h.failed = err }
func (h *testHost) Exited()            { h.exited = true }
func (h *testHost) Behind() *Behind {
	if h.absent {
		return nil
	}
	if h.behind == nil {
		h.behind = new(Behind)
	}
	return h.behind
}

// catchUp ends an operation of the host.
func (h *testHost) catchUp(ctx context.Context) {
	h.behind.CatchUp(ctx)
	h.behind = h.behind.Rest()
}

// attached is a stream of a host, as after Attach.
func attached(t *testing.T, h Host, d *Descriptor) *Stream {
	t.Helper()
	number := d.Attach(h)
	t.Cleanup(d.Detach)
	if there(number) != d {
		t.Fatal("not found by its number")
	}
	return d.by.(*Stream)
}

// locked runs f with the lock of a descriptor held, as a request of a guest does.
func locked(d *Descriptor, f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (st *Stream) mustRead(t *testing.T, ctx context.Context, n int, mayWait bool, want string, status ffi.StreamStatus) {
	t.Helper()
	locked(&st.Descriptor, func() {
		p := make([]byte, n)
		got, how := st.readLocked(ctx, p, mayWait, false, false)
		if how != status || how == ffi.StreamDone && string(p[:got]) != want {
			t.Errorf("read %q with status %d, want %q with %d", p[:min(got, uint64(n))], how, want, status)
		}
	})
}

func TestCall(t *testing.T) {
	h := &testHost{stop: t.Context()}
	ran := false
	if !Call(h, func(stop context.Context) { ran = stop == t.Context() }, nil) || !ran || h.taken != 0 {
		t.Error("a call with the context that stops the guest did not run, or has kept the store")
	}
	h.absent = true
	if Call(h, func(context.Context) { t.Error("a call without a store has run") }, nil) {
		t.Error("a call without a store was made")
	}
	h.absent, h.taken = false, 0
	stopped := 0
	Call(h, func(context.Context) { panic("in the middle") }, func() { stopped++ })
	if h.panicked != "in the middle" || stopped != 1 || h.taken != 0 {
		t.Errorf("a panic: the host heard %v, the guest was stopped %d times", h.panicked, stopped)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Call(h, func(context.Context) { runtime.Goexit() }, func() { stopped++ })
		t.Error("Goexit came back")
	}()
	<-done
	if !h.exited || stopped != 2 || h.taken != 1 {
		t.Error("the host did not hear of Goexit, or was given the store back")
	}
}

func TestReadInPlace(t *testing.T) {
	st := attached(t, &testHost{}, NewReader(strings.NewReader("some text")))
	st.mustRead(t, nil, 4, true, "some", ffi.StreamDone)
	st.mustRead(t, nil, 99, true, " text", ffi.StreamDone)
	st.mustRead(t, nil, 99, true, "", ffi.StreamDone)
	locked(&st.Descriptor, func() {
		if n, how := st.writeLocked(nil, []byte("x"), true, false); n != uint64(errnoBadf) || how != ffi.StreamFailed {
			t.Errorf("writing to a reader: %d, %d", n, how)
		}
	})
}

func TestReadAhead(t *testing.T) {
	r, w := io.Pipe()
	st := attached(t, &testHost{}, NewReader(r))
	st.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
	var changed <-chan struct{}
	locked(&st.Descriptor, func() { changed = st.nextChangeLocked() })
	if _, err := w.Write([]byte("ahead")); err != nil {
		t.Fatal(err)
	}
	<-changed
	locked(&st.Descriptor, func() {
		if n, how := st.serveLocked(nil, &ffi.StreamRequest{What: ffi.StreamPollRead}); n != 5 || how != ffi.StreamDone {
			t.Errorf("%d bytes are ready, %d", n, how)
		}
	})
	st.mustRead(t, nil, 2, false, "ah", ffi.StreamDone)
	st.mustRead(t, nil, 9, true, "ead", ffi.StreamDone)
	w.CloseWithError(errors.New("some error"))
	st.mustRead(t, nil, 9, true, "", ffi.StreamFailed)
}

func TestReadStops(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	st := attached(t, &testHost{}, NewReader(r))
	time.AfterFunc(10*time.Millisecond, cancel)
	st.mustRead(t, ctx, 9, true, "", ffi.StreamStop)
}

// gate is a writer that writes when it is let.
type gate struct {
	mu      sync.Mutex
	written strings.Builder
	let     chan struct{}
	err     error
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.let
	g.mu.Lock()
	defer g.mu.Unlock()
	n, _ := g.written.Write(p)
	return n, g.err
}

func (g *gate) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.written.String()
}

// A guest that does not wait may be so many bytes behind, and no more; the host hears of it once.
func TestWriteBehind(t *testing.T) {
	h, g := &testHost{}, &gate{let: make(chan struct{})}
	st := attached(t, h, NewWriter(g))
	write := func(n int) (uint64, ffi.StreamStatus) {
		st.mu.Lock()
		defer st.mu.Unlock()
		return st.writeLocked(nil, make([]byte, n), false, false)
	}
	for _, n := range []int{1, readAhead - 2} {
		if got, how := write(n); got != uint64(n) || how != ffi.StreamDone {
			t.Fatalf("%d bytes: %d, %d", n, got, how)
		}
	}
	if got, how := write(9); got != 1 || how != ffi.StreamDone {
		t.Fatalf("what fits is one byte: %d, %d", got, how)
	}
	if _, how := write(9); how != ffi.StreamWouldWait {
		t.Fatalf("a full queue: %d", how)
	}
	if len(h.behind.writers) != 1 || h.behind.writers[0] != st {
		t.Fatalf("the host heard of %d writers", len(h.behind.writers))
	}
	close(g.let)
	h.catchUp(nil)
	if got := len(g.text()); got != readAhead {
		t.Errorf("%d of %d bytes were written before the call returned", got, readAhead)
	}
	if got, how := write(5); got != 5 || how != ffi.StreamDone || len(h.behind.writers) != 1 {
		t.Errorf("after it caught up: %d, %d", got, how)
	}
	h.catchUp(nil)
}

func TestWriteErrors(t *testing.T) {
	g := &gate{let: make(chan struct{}), err: io.ErrClosedPipe}
	close(g.let)
	st := attached(t, &testHost{}, NewWriter(g))
	locked(&st.Descriptor, func() {
		if n, how := st.writeLocked(nil, []byte("all of it"), true, false); n != 9 || how != ffi.StreamDone {
			t.Errorf("bytes that were written before an error: %d, %d", n, how)
		}
		if n, how := st.writeLocked(nil, []byte("more"), true, false); n != uint64(errnoPipe) || how != ffi.StreamFailed {
			t.Errorf("the error: %d, %d", n, how)
		}
	})
}

func TestPanicsOfGoroutines(t *testing.T) {
	h := &testHost{}
	st := attached(t, h, NewReader(readerFunc(func([]byte) (int, error) { panic("the reader") })))
	st.mustRead(t, nil, 1, false, "", ffi.StreamWouldWait)
	locked(&st.Descriptor, func() {
		for st.reading {
			st.waitLocked(nil)
		}
	})
	r := &ffi.StreamRequest{Env: st.number, What: ffi.StreamPollRead}
	OnStream(r)
	if h.panicked != "the reader" || r.Status != ffi.StreamStop {
		t.Errorf("the next request: %v, %d", h.panicked, r.Status)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	d := NewConn(ours)
	st := attached(t, &testHost{}, d)
	if d.Kind() != ffi.StreamConnection || IsSocket(ours) {
		t.Error("not a connection that Go serves")
	}
	locked(d, func() {
		if n, how := st.shutdownLocked(ffi.StreamShutWrite); n != uint64(errnoNotsup) || how != ffi.StreamFailed {
			t.Errorf("ending one direction of a net.Pipe: %d, %d", n, how)
		}
	})
	d.gone()
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other side of a connection that is gone: %v", err)
	}
}

// memListener accepts what is sent to it.
type memListener struct {
	net.Listener
	conns  chan net.Conn
	closed chan struct{}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error { close(l.closed); return nil }

func TestListener(t *testing.T) {
	l := &memListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	d := NewListener(l)
	d.Attach(&testHost{})
	defer d.Detach()
	ours, theirs := net.Pipe()
	l.conns <- ours
	var number uint64
	locked(d, func() {
		var how ffi.StreamStatus
		number, how = d.by.serveLocked(nil, &ffi.StreamRequest{What: ffi.StreamAccept, Flags: ffi.StreamMayWait})
		if how != ffi.StreamDone || there(number).by.(*Stream).conn != ours {
			t.Fatalf("accepted %d, %d", number, how)
		}
	})
	OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other side of what was accepted and is gone: %v", err)
	}
	locked(d, func() {
		if _, how := d.by.serveLocked(nil, &ffi.StreamRequest{What: ffi.StreamAccept}); how != ffi.StreamWouldWait {
			t.Errorf("accepting without waiting: %d", how)
		}
	})
	d.gone()
	<-l.closed
}

func TestErrnos(t *testing.T) {
	tests := []struct {
		err  error
		want errno
	}{
		{errnoSpipe, errnoSpipe},
		{&net.OpError{Err: net.ErrClosed}, errnoBadf},
		{context.DeadlineExceeded, errnoTimedout},
		{errors.New("anything else"), errnoIo},
	}
	for _, test := range tests {
		if got := errnoOf(test.err); got != uint64(test.want) {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}

// oneTime is a listener that says one thing after the other, the last again and again.
type oneTime struct {
	stuckListener
	says  []func() (net.Conn, error)
	asked int
}

func (l *oneTime) Accept() (net.Conn, error) {
	say := l.says[min(l.asked, len(l.says)-1)]
	l.asked++
	return say()
}

func failing(err error) func() (net.Conn, error) {
	return func() (net.Conn, error) { return nil, err }
}

// An error of a listener that passes is told once, and what is closed stays so; a panic is no error.
func TestAcceptErrors(t *testing.T) {
	for _, wait := range []bool{false, true} {
		l := &oneTime{says: []func() (net.Conn, error){
			failing(syscall.EMFILE), func() (net.Conn, error) { panic("accept") },
			failing(errors.New("other")), failing(net.ErrClosed),
		}}
		h := &testHost{}
		d := NewListener(l)
		number := d.Attach(h)
		defer d.Detach()
		accept := func() *ffi.StreamRequest {
			r := &ffi.StreamRequest{Env: number, What: ffi.StreamAccept}
			if wait {
				r.Flags = ffi.StreamMayWait
			}
			for {
				var changed <-chan struct{}
				locked(d, func() { changed = d.nextChangeLocked() })
				if OnStream(r); r.Status != ffi.StreamWouldWait {
					return r
				}
				<-changed
			}
		}
		for i, want := range []struct {
			count  errno
			status ffi.StreamStatus
		}{
			{errnoMfile, ffi.StreamFailed}, {0, ffi.StreamStop}, {errnoIo, ffi.StreamFailed},
			{errnoBadf, ffi.StreamFailed}, {errnoBadf, ffi.StreamFailed},
		} {
			r := accept()
			if r.Status != want.status || r.Count != uint64(want.count) {
				t.Errorf("waiting %v, %d: %d with status %d, want %d with %d", wait, i, r.Count, r.Status, want.count, want.status)
			}
		}
		if h.panicked != "accept" || l.asked != 4 {
			t.Errorf("waiting %v: the host heard %v, and the listener was asked %d times", wait, h.panicked, l.asked)
		}
	}
}
