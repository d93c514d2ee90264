package served

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// talker is a connection that tells of every call, and answers as it is told to.
type talker struct {
	net.Conn
	calls     chan string
	reads     chan string // closed is the end
	deadlines chan time.Time

	mu       sync.Mutex
	got      bytes.Buffer
	writeErr error
}

func newTalker() *talker {
	return &talker{calls: make(chan string, 100), reads: make(chan string, 100), deadlines: make(chan time.Time, 100)}
}

func (c *talker) Read(p []byte) (int, error) {
	c.calls <- "read"
	s, ok := <-c.reads
	if !ok {
		return 0, io.EOF
	}
	return copy(p, s), nil
}

func (c *talker) Write(p []byte) (int, error) {
	c.calls <- "write"
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	return c.got.Write(p)
}

func (c *talker) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeErr = err
}

func (c *talker) CloseWrite() error { c.calls <- "end: " + c.written(); return nil }
func (c *talker) Close() error      { c.calls <- "close: " + c.written(); return nil }

func (c *talker) written() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String()
}

func (c *talker) SetDeadline(at time.Time) error { c.deadlines <- at; return nil }

// want is the next call.
func (c *talker) want(t *testing.T, call string) {
	t.Helper()
	select {
	case got := <-c.calls:
		if got != call {
			t.Errorf("the connection was called to %q, want %q", got, call)
		}
	case <-time.After(linger): // or a connection is closed at last
		t.Fatalf("nobody has called the connection to %q", call)
	}
}

// silent fails the test if there was another call.
func (c *talker) silent(t *testing.T) {
	t.Helper()
	select {
	case got := <-c.calls:
		t.Errorf("the connection was called to %q", got)
	default:
	}
}

// ask makes a request that needs no memory.
func (st *Stream) ask(what ffi.StreamOp, flags uint32) (uint64, ffi.StreamStatus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.serveLocked(nil, &ffi.StreamRequest{What: what, Flags: flags})
}

func (st *Stream) mustWrite(t *testing.T, ctx context.Context, s string, mayWait bool, want uint64, status ffi.StreamStatus) {
	t.Helper()
	st.mustWriteAfter(t, ctx, false, s, mayWait, want, status)
}

// mustWriteAfter is mustWrite, of a call that may have written a part already.
func (st *Stream) mustWriteAfter(
	t *testing.T, ctx context.Context, goesOn bool, s string, mayWait bool, want uint64, status ffi.StreamStatus,
) {
	t.Helper()
	locked(&st.Descriptor, func() {
		if n, how := st.writeLocked(ctx, []byte(s), mayWait, goesOn); n != want || how != status {
			t.Errorf("writing %d bytes: %d with status %d, want %d with %d", len(s), n, how, want, status)
		}
	})
}

// settled waits until no goroutine is at work.
func (st *Stream) settled() {
	locked(&st.Descriptor, func() {
		for st.reading || st.writing {
			st.waitLocked(nil)
		}
	})
}

// One reader is called at a time, also when the guest polls, and waits, and peeks while a goroutine reads.
func TestOneReadAtATime(t *testing.T) {
	c := newTalker()
	st := attached(t, &testHost{}, NewConn(c))
	st.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
	c.want(t, "read")
	st.mustRead(t, nil, 9, false, "", ffi.StreamWouldWait)
	if _, how := st.ask(ffi.StreamPollRead, 0); how != ffi.StreamWouldWait {
		t.Errorf("poll: %d", how)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	st.mustRead(t, ctx, 9, true, "", ffi.StreamStop)
	c.silent(t)
	time.AfterFunc(time.Millisecond, func() { c.reads <- "text" })
	st.mustRead(t, nil, 2, true, "te", ffi.StreamDone) // of what the goroutine reads
	locked(&st.Descriptor, func() {
		p := make([]byte, 9)
		for range 2 {
			if n, how := st.readLocked(nil, p, true, true, false); string(p[:n]) != "xt" || how != ffi.StreamDone {
				t.Errorf("peek: %q, %d", p[:n], how)
			}
		}
	})
	st.mustRead(t, nil, 9, true, "xt", ffi.StreamDone)
	c.silent(t)
	c.reads <- "more"
	locked(&st.Descriptor, func() { // a peek reads ahead, and takes nothing
		p := make([]byte, 2)
		if n, how := st.readLocked(nil, p, true, true, false); string(p[:n]) != "mo" || how != ffi.StreamDone {
			t.Errorf("peek of what is not there yet: %q, %d", p[:n], how)
		}
	})
	st.mustRead(t, nil, 9, true, "more", ffi.StreamDone)
}

// The end, and what is closed, is told as often as the guest asks, and to polls as an end; an error that may pass is
// told once, and is no end.
func TestPollsOfErrors(t *testing.T) {
	for _, test := range []struct {
		err   error
		final bool
		count uint64
		how   ffi.StreamStatus
	}{
		{io.EOF, true, 0, ffi.StreamDone},
		{net.ErrClosed, true, uint64(errnoBadf), ffi.StreamFailed},
		{fs.ErrClosed, true, uint64(errnoBadf), ffi.StreamFailed},
		{io.ErrClosedPipe, true, uint64(errnoPipe), ffi.StreamFailed},
		{io.ErrUnexpectedEOF, false, uint64(errnoIo), ffi.StreamFailed},
		{syscall.EAGAIN, false, uint64(errnoAgain), ffi.StreamFailed},
	} {
		asked := 0
		st := attached(t, &testHost{}, NewReader(readerFunc(func([]byte) (int, error) { asked++; return 0, test.err })))
		for i := range 3 {
			if _, how := st.ask(ffi.StreamPollRead, 0); (how == ffi.StreamDone) != (test.final && i > 0) {
				t.Errorf("%v, poll %d: %d", test.err, i, how)
			}
			st.settled()
			for range 2 {
				n, how := st.ask(ffi.StreamPollRead, 0)
				if how != ffi.StreamDone || (n == 0) != test.final {
					t.Errorf("%v, poll %d of what is to be told: %d, %d", test.err, i, n, how)
				}
			}
			locked(&st.Descriptor, func() {
				if n, how := st.readLocked(nil, make([]byte, 1), false, false, false); n != test.count || how != test.how {
					t.Errorf("%v, read %d: %d, %d", test.err, i, n, how)
				}
			})
		}
		if want := map[bool]int{true: 1, false: 3}[test.final]; asked != want {
			t.Errorf("%v: the reader was asked %d times, want %d", test.err, asked, want)
		}
	}
}

// A reader that never has anything is an error after a hundred times.
func TestReadsNothing(t *testing.T) {
	for name, ctx := range contexts(t) {
		asked := 0
		st := attached(t, &testHost{}, NewReader(readerFunc(func([]byte) (int, error) {
			if asked++; asked > 1000 {
				return 0, io.EOF
			}
			return 0, nil
		})))
		for i := range 2 {
			locked(&st.Descriptor, func() {
				n, how := st.readLocked(ctx, make([]byte, 1), true, false, false)
				if n != uint64(errnoIo) || how != ffi.StreamFailed || asked != (i+1)*100 {
					t.Errorf("%s: %d with status %d, after %d times", name, n, how, asked)
				}
			})
		}
	}
}

// A writer that takes a part without an error is taken to have had one, of which the guest's next write hears.
func TestShortWrites(t *testing.T) {
	for name, ctx := range contexts(t) {
		st := attached(t, &testHost{}, NewWriter(writerFunc(func(p []byte) (int, error) { return 1, nil })))
		st.mustWrite(t, ctx, "text", true, 1, ffi.StreamDone)
		st.mustWriteAfter(t, ctx, true, "ext", true, uint64(errnoIo), ffi.StreamFailed)
		st.mustWrite(t, ctx, "ext", true, uint64(errnoIo), ffi.StreamFailed)
		st.mustWrite(t, ctx, "e", true, 1, ffi.StreamDone)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// A panic of a goroutine ends one request, and is no error for those after it.
func TestAfterPanics(t *testing.T) {
	calls := 0
	panics := func(p []byte) (int, error) {
		if calls++; calls == 1 {
			panic("once")
		}
		return copy(p, "fine"), nil
	}
	for _, d := range []*Descriptor{NewReader(readerFunc(panics)), NewWriter(writerFunc(panics))} {
		h := &testHost{}
		st := attached(t, h, d)
		calls = 0
		if st.reader != nil {
			st.mustRead(t, nil, 4, false, "", ffi.StreamWouldWait)
		} else {
			st.mustWrite(t, nil, "lost", false, 4, ffi.StreamDone)
		}
		st.settled()
		r := &ffi.StreamRequest{Env: st.number, What: ffi.StreamPollWrite}
		if OnStream(r); r.Status != ffi.StreamStop || h.panicked != "once" {
			t.Errorf("the next request: %d, the host heard %v", r.Status, h.panicked)
		}
		if st.reader != nil {
			st.mustRead(t, nil, 4, true, "fine", ffi.StreamDone)
		} else {
			st.mustWrite(t, nil, "text", true, 4, ffi.StreamDone)
		}
		if calls != 2 {
			t.Errorf("called %d times", calls)
		}
	}
}

// A panic while the guest waits ends it at once.
func TestPanicsWhileTheGuestWaits(t *testing.T) {
	panics := func([]byte) (int, error) { panic("once") }
	for _, d := range []*Descriptor{NewReader(readerFunc(panics)), NewWriter(writerFunc(panics))} {
		st := attached(t, &testHost{}, d)
		value := func() (value any) {
			defer func() { value = recover() }()
			locked(&st.Descriptor, func() {
				if st.reader != nil {
					st.readLocked(t.Context(), make([]byte, 1), true, false, false)
				} else {
					st.writeLocked(t.Context(), make([]byte, 1), true, false)
				}
			})
			return nil
		}()
		if value != "once" {
			t.Errorf("recovered %v", value)
		}
	}
}

// A direction that the guest has ended is at its end, and ready.
func TestEndedDirections(t *testing.T) {
	synctest.Test(t, testEndedDirections)
}

func testEndedDirections(t *testing.T) {
	c := newTalker()
	st := attached(t, &testHost{}, NewConn(c))
	shutdown := func() {
		if n, how := st.ask(ffi.StreamShutdown, ffi.StreamShutRead|ffi.StreamShutWrite); n != 0 || how != ffi.StreamDone {
			t.Errorf("shutdown: %d, %d", n, how)
		}
	}
	shutdown()
	c.want(t, "end: ")
	for range 50 {
		shutdown()
	}
	st.mustRead(t, nil, 9, true, "", ffi.StreamDone)
	st.mustWrite(t, nil, "x", true, uint64(errnoPipe), ffi.StreamFailed)
	for _, poll := range []ffi.StreamOp{ffi.StreamPollRead, ffi.StreamPollWrite} {
		if _, how := st.ask(poll, 0); how != ffi.StreamDone {
			t.Errorf("poll %d: %d", poll, how)
		}
	}
	if _, how := st.ask(ffi.StreamAccept, 0); how != ffi.StreamFailed {
		t.Errorf("accept: %d", how)
	}
	synctest.Wait() // for whoever would end the writing again
	c.silent(t)
	st.gone()
	c.want(t, "close: ")
	synctest.Wait()
	c.silent(t)
}

// Writing is ended when all has been written; what a guest cannot write any more is ready all the same.
func TestEndWhileWriting(t *testing.T) {
	c := newTalker()
	g := &gate{let: make(chan struct{})}
	st := attached(t, &testHost{}, NewConn(c))
	st.writer = g
	st.mustWrite(t, nil, string(make([]byte, readAhead)), false, readAhead, ffi.StreamDone)
	st.ask(ffi.StreamShutdown, ffi.StreamShutWrite)
	c.silent(t)
	if _, how := st.ask(ffi.StreamPollWrite, 0); how != ffi.StreamDone {
		t.Errorf("poll: %d", how)
	}
	close(g.let)
	c.want(t, "end: ")
	if len(g.text()) != readAhead {
		t.Errorf("%d bytes were written before the end", len(g.text()))
	}
}

// What is kept after an error is written before the end, and before a connection is closed, which happens once.
func TestKeptIsWrittenBeforeTheEnd(t *testing.T) {
	for call, end := range map[string]func(st *Stream){
		"end: kept":   func(st *Stream) { st.ask(ffi.StreamShutdown, ffi.StreamShutWrite) },
		"close: kept": func(st *Stream) { st.gone(); st.closeConn() },
	} {
		h, c := &testHost{}, newTalker()
		st := attached(t, h, NewConn(c))
		c.fail(os.ErrDeadlineExceeded)
		st.mustWrite(t, nil, "kept", false, 4, ffi.StreamDone)
		st.settled()
		c.want(t, "write")
		c.fail(nil)
		if h.behind != nil {
			t.Error("the guest's call waits for a connection")
		}
		end(st)
		st.settled()
		c.want(t, "write")
		c.want(t, call)
		c.silent(t)
	}
}

// A connection whose other side takes nothing has a deadline when the guest's descriptor is gone.
func TestGoneHasDeadline(t *testing.T) {
	c := newTalker()
	g := &gate{let: make(chan struct{})}
	defer close(g.let)
	st := attached(t, &testHost{}, NewConn(c))
	st.writer = g
	st.mustWrite(t, nil, "x", false, 1, ffi.StreamDone)
	st.gone()
	select {
	case at := <-c.deadlines:
		if left := time.Until(at); left < linger/2 || left > linger {
			t.Errorf("it has %v left", left)
		}
	case <-time.After(linger):
		t.Error("it has none")
	}
}

// Nobody waits for a reader or a writer that is not at work.
func TestGoneAtOnce(t *testing.T) {
	h := &testHost{}
	for _, d := range []*Descriptor{NewReader(bytes.NewReader(nil)), NewWriter(io.Discard)} {
		d.Attach(h)
		OnStream(&ffi.StreamRequest{Env: d.number, What: ffi.StreamGone})
		if there(d.number) != nil {
			t.Error("what is gone is kept")
		}
	}
	if h.behind != nil {
		t.Error("something was left behind")
	}
}

// A negative number with an error is that error.
func TestNegativeNumbers(t *testing.T) {
	for _, wait := range []bool{true, false} {
		st := attached(t, &testHost{}, NewReader(readerFunc(func(p []byte) (int, error) { return -1, io.EOF })))
		if !wait {
			st.mustRead(t, nil, 4, false, "", ffi.StreamWouldWait)
			st.settled()
		}
		st.mustRead(t, nil, 4, wait, "", ffi.StreamDone)
	}
	st := attached(t, &testHost{}, NewWriter(writerFunc(func(p []byte) (int, error) { return -1, syscall.ENOSPC })))
	st.mustWrite(t, nil, "text", true, uint64(errnoNospc), ffi.StreamFailed)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A guest that has to stop leaves its writer the time that one takes which does not block, and may do with its memory
// what it wants.
func TestWriteStops(t *testing.T) {
	entered := make(chan struct{}, 10)
	g := &gate{let: make(chan struct{})}
	st := attached(t, &testHost{}, NewWriter(writerFunc(func(p []byte) (int, error) {
		entered <- struct{}{}
		return g.Write(p)
	})))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
		time.Sleep(settling / 10)
		close(g.let)
	}()
	p := []byte("text")
	locked(&st.Descriptor, func() {
		if _, how := st.writeLocked(ctx, p, true, false); how != ffi.StreamStop {
			t.Errorf("status %d", how)
		}
		if st.writing {
			t.Error("the writer is at work still")
		}
	})
	if g.text() != "text" {
		t.Errorf("written: %q", g.text())
	}
	st.mustWrite(t, ctx, "more", true, 0, ffi.StreamStop)
	st.settled()
	if g.text() != "text" {
		t.Errorf("written for a guest that has to stop: %q", g.text())
	}
}

// The writer has its own copy of what it writes when the guest does not wait for it any more.
func TestWriteCopies(t *testing.T) {
	entered := make(chan struct{})
	g := &gate{let: make(chan struct{})}
	st := attached(t, &testHost{}, NewWriter(writerFunc(func(p []byte) (int, error) {
		close(entered)
		return g.Write(p)
	})))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	p := []byte("text")
	locked(&st.Descriptor, func() { st.writeLocked(ctx, p, true, false) })
	copy(p, "gone")
	close(g.let)
	st.settled()
	if g.text() != "text" {
		t.Errorf("written: %q", g.text())
	}
}

// What a guest waits for comes after what it has written without waiting.
func TestWritesKeepTheirOrder(t *testing.T) {
	for _, stoppable := range []bool{false, true} {
		ctx := context.Context(nil)
		if stoppable {
			ctx = t.Context()
		}
		g := &gate{let: make(chan struct{})}
		st := attached(t, &testHost{}, NewWriter(g))
		st.mustWrite(t, nil, "one ", false, 4, ffi.StreamDone)
		st.mustWrite(t, nil, "two ", false, 4, ffi.StreamDone)
		time.AfterFunc(time.Millisecond, func() { close(g.let) })
		st.mustWrite(t, ctx, "three", true, 5, ffi.StreamDone)
		if g.text() != "one two three" {
			t.Errorf("written: %q", g.text())
		}
	}
}

// failing is a writer that fails so many times, after a byte each.
type failingWriter struct {
	times int
	err   error
	got   bytes.Buffer
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.times == 0 {
		return w.got.Write(p)
	}
	w.times--
	n, _ := w.got.Write(p[:1])
	return n, w.err
}

// What is kept is given to the writer again by a write that waits, and counts as written once.
func TestKeptComesFirst(t *testing.T) {
	for _, stoppable := range []bool{false, true} {
		ctx := context.Context(nil)
		if stoppable {
			ctx = t.Context()
		}
		w := &failingWriter{times: 2, err: syscall.EINTR}
		st := attached(t, &testHost{}, NewWriter(w))
		st.mustWrite(t, nil, "first ", false, 6, ffi.StreamDone)
		st.settled()
		st.mustWrite(t, ctx, "second", true, uint64(errnoIntr), ffi.StreamFailed) // told
		st.mustWrite(t, ctx, "second", true, uint64(errnoIntr), ffi.StreamFailed) // met again
		st.mustWrite(t, ctx, "second", true, 6, ffi.StreamDone)
		if w.got.String() != "first second" {
			t.Errorf("written: %q", w.got.String())
		}
	}
}

// With an error that stays, or a writer that ends its goroutine, what is kept is lost, and nothing else is tried.
func TestKeptIsLostForGood(t *testing.T) {
	for _, stoppable := range []bool{false, true} {
		ctx := context.Context(nil)
		if stoppable {
			ctx = t.Context()
		}
		w := &failingWriter{times: 1, err: syscall.EINTR}
		st := attached(t, &testHost{}, NewWriter(w))
		st.mustWrite(t, nil, "lost", false, 4, ffi.StreamDone)
		st.settled()
		w.times, w.err = 1, io.ErrClosedPipe
		st.mustWrite(t, ctx, "x", true, uint64(errnoIntr), ffi.StreamFailed)
		for range 2 {
			st.mustWrite(t, ctx, "x", true, uint64(errnoPipe), ffi.StreamFailed)
		}
		if w.got.String() != "lo" || len(st.queued) != 0 {
			t.Errorf("written: %q; %d bytes are kept", w.got.String(), len(st.queued))
		}
	}
}

// A poll hears of an error although there is no room, and once it was told waits for the writer, which it makes try
// again.
func TestPollOfFullQueue(t *testing.T) {
	asked := make(chan struct{}, 10)
	st := attached(t, &testHost{}, NewWriter(writerFunc(func([]byte) (int, error) {
		asked <- struct{}{}
		return 0, syscall.EAGAIN
	})))
	st.mustWrite(t, nil, string(make([]byte, readAhead)), false, readAhead, ffi.StreamDone)
	for range 2 {
		<-asked
		st.settled()
		if n, how := st.ask(ffi.StreamPollWrite, 0); n != 1 || how != ffi.StreamDone {
			t.Errorf("poll of an error: %d, %d", n, how)
		}
		st.mustWrite(t, nil, "x", false, uint64(errnoAgain), ffi.StreamFailed)
		if len(asked) != 0 {
			t.Error("the writer is asked before the guest asks again")
		}
		if n, how := st.ask(ffi.StreamPollWrite, 0); how != ffi.StreamWouldWait {
			t.Errorf("poll when the error was told: %d, %d", n, how)
		}
	}
	<-asked
	st.settled()
}

// If there is no room for more, a poll makes the writer try again.
func TestPollTriesAgain(t *testing.T) {
	w := &failingWriter{times: 1, err: syscall.EINTR}
	st := attached(t, &testHost{}, NewWriter(w))
	st.mustWrite(t, nil, string(make([]byte, readAhead)), false, readAhead, ffi.StreamDone)
	st.settled()
	st.mustWrite(t, nil, "x", false, uint64(errnoIntr), ffi.StreamFailed)
	st.mustWrite(t, nil, "xx", false, 1, ffi.StreamDone)
	st.settled()
	w.times = 1
	st.mustWrite(t, nil, string(make([]byte, readAhead+1)), false, readAhead, ffi.StreamDone)
	st.settled() // one is written, so one fits, and the error is to be told, but not to a call that goes on
	st.mustWriteAfter(t, nil, true, "y", false, uint64(errnoIntr), ffi.StreamFailed)
	st.mustWrite(t, nil, "y", false, uint64(errnoIntr), ffi.StreamFailed)
	w.times = 0
	locked(&st.Descriptor, func() { st.queued = append(st.queued, 'z') }) // as full as can be
	if n, how := st.ask(ffi.StreamPollWrite, 0); how != ffi.StreamWouldWait {
		t.Errorf("poll of a full queue: %d, %d", n, how)
	}
	st.settled()
	if n, how := st.ask(ffi.StreamPollWrite, 0); n != readAhead || how != ffi.StreamDone {
		t.Errorf("poll when all has been written: %d, %d", n, how)
	}
}

// A writer that is still at work when its descriptor is gone is not called at once by the descriptor that gets it next.
func TestWriterThatIsBusyIsAdopted(t *testing.T) {
	h := &testHost{}
	w := &gate{let: make(chan struct{})}
	first := NewWriter(w)
	number := first.Attach(h)
	locked(first, func() { first.by.(*Stream).writeLocked(nil, []byte("x"), false, false) })
	OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	second := NewWriter(w)
	second.Attach(h)
	if second.serves != first {
		t.Error("another pipe has the writer that is at work")
	}
	close(w.let)
	locked(first, func() { first.by.(*Stream).finishLocked(nil) })
	second.Detach()
	third := NewWriter(w)
	third.Attach(h)
	if third.serves != third {
		t.Error("a pipe that nobody has is used again")
	}
}
