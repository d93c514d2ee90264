package streams_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// step is what a reader or a writer does once.
type step struct {
	s   string // what it reads
	n   int    // how many bytes of what it is given it writes
	err error
}

// script reads and writes as it says, and repeats its last step.
type script struct {
	mu    sync.Mutex
	steps []step
	asked int
	got   bytes.Buffer
}

func (s *script) next() step {
	s.asked++
	at := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	return at
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.next()
	return copy(p, at.s), at.err
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.next()
	n := min(at.n, len(p))
	s.got.Write(p[:n])
	return n, at.err
}

func (s *script) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

const (
	errnoTimedout Errno = 73
	errnoIo       Errno = 29
)

// ways are the ways in which a guest that waits is served: in its call, and by a goroutine.
var ways = map[string]func(t *testing.T) *WasiGuest{
	"in the call": func(t *testing.T) *WasiGuest { return NewWasiGuest(t, nil) },
	"in a goroutine": func(t *testing.T) *WasiGuest {
		g := NewCancellableGuest(t)
		g.Ctx = t.Context()
		return g
	},
}

// An error that passes is told once; then the reader is asked again.
func TestReadErrorsPass(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			Check(t, g.Store.InsertReader(3, &script{steps: []step{
				{err: syscall.EAGAIN},
				{s: "one"},
				{s: "two", err: os.ErrDeadlineExceeded},
				{err: fmt.Errorf("for now: %w", syscall.EIO)},
				{s: "three"},
				{err: io.EOF},
				{s: "after the end"},
			}}))
			for _, want := range []struct {
				s     string
				errno Errno
			}{
				{"", ErrnoAgain}, {"one", 0}, {"two", 0}, {"", errnoTimedout}, {"", errnoIo}, {"three", 0}, {"", 0}, {"", 0},
			} {
				s, errno := g.Read(3, 100)
				if s != want.s || errno != want.errno {
					t.Errorf("read %q with errno %d, want %q with %d", s, errno, want.s, want.errno)
				}
			}
		})
	}
}

// A guest that polls is told that there is something to hear of, once for each error, and not of an end; the reader is
// asked no more often than the guest reads.
func TestPollHearsOfErrorsOnce(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r := &script{steps: []step{{err: syscall.EAGAIN}, {err: syscall.EAGAIN}, {s: "text"}, {err: net.ErrClosed}}}
	Check(t, g.Store.InsertReader(3, r))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	for i, want := range []struct {
		s      string
		errno  Errno
		hangup bool
	}{{"", ErrnoAgain, false}, {"", ErrnoAgain, false}, {"text", 0, false}, {"", ErrnoBadf, true}, {"", ErrnoBadf, true}} {
		for range 2 { // what was not heard yet stays ready
			kinds, _, hangup := g.PollRead(3, uint64(10*time.Second))
			if len(kinds) != 1 || kinds[0] != 1 || hangup != want.hangup {
				t.Errorf("poll %d: %v, hang-up %v, want %v", i, kinds, hangup, want.hangup)
			}
		}
		s, errno := g.Read(3, 100)
		if s != want.s || errno != want.errno {
			t.Errorf("read %d: %q with errno %d, want %q with %d", i, s, errno, want.s, want.errno)
		}
	}
	if r.asked != 4 {
		t.Errorf("the reader was asked %d times for 4 answers", r.asked)
	}
}

// A reader that always returns nothing is an error every hundred times, also for a guest that polls, which is not kept.
func TestPollOfNothing(t *testing.T) {
	g := NewWasiGuest(t, nil)
	var asked atomic.Int64
	Check(t, g.Store.InsertReader(3, readerFunc(func([]byte) (int, error) { asked.Add(1); return 0, nil })))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	for i := range 2 {
		if kinds, _, _ := g.PollRead(3, uint64(10*time.Second)); len(kinds) != 1 || kinds[0] != 1 {
			t.Errorf("poll: %v", kinds)
		}
		_, errno := g.Read(3, 1)
		WantErrno(t, "read", errno, errnoIo)
		Equal(t, "asked", asked.Load(), int64(i+1)*100)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The end, and an object that is closed, stay: nobody is asked again.
func TestFinalErrorsStay(t *testing.T) {
	for _, err := range []error{net.ErrClosed, fs.ErrClosed, io.ErrClosedPipe, &net.OpError{Op: "read", Err: net.ErrClosed}} {
		for name, serve := range ways {
			t.Run(fmt.Sprint(err, ", ", name), func(t *testing.T) {
				g := serve(t)
				r := &script{steps: []step{{err: err}}}
				Check(t, g.Store.InsertReader(3, r))
				_, errno := g.Read(3, 1)
				for range 3 {
					_, again := g.Read(3, 1)
					WantErrno(t, "read again", again, errno)
				}
				Equal(t, "asked", r.asked, 1)
				w := &script{steps: []step{{err: err}}}
				Check(t, g.Store.InsertWriter(3, w))
				for range 3 {
					_, again := g.Write(3, "x")
					WantErrno(t, "write", again, errno)
				}
				Equal(t, "asked to write", w.asked, 1)
			})
		}
	}
}

// An error of a writer that passes is told once, and what the guest knows to be written is written once.
func TestWriteErrorsPass(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			w := &script{steps: []step{{n: 0, err: syscall.EAGAIN}, {n: 2, err: os.ErrDeadlineExceeded}, {n: 1}, {n: 100}}}
			Check(t, g.Store.InsertWriter(3, w))
			for i, want := range []struct {
				n     int
				errno Errno
			}{
				{0, ErrnoAgain},
				{2, 0}, {0, errnoTimedout}, // a part, and then why
				{1, 0}, {0, errnoIo}, // io.ErrShortWrite
				{4, 0}, {4, 0},
			} {
				n, errno := g.Write(3, "text")
				if n != want.n && errno == 0 || errno != want.errno {
					t.Errorf("write %d: %d with errno %d, want %d with %d", i, n, errno, want.n, want.errno)
				}
			}
			Equal(t, "written", w.text(), "te"+"t"+"text"+"text")
		})
	}
}

// What a guest has written without waiting is not lost to an error that passes: somebody hears of it, here the call,
// and the writer is given the rest again.
func TestWriteBehindErrorsPass(t *testing.T) {
	g := NewWasiGuest(t, nil)
	w := &script{steps: []step{{n: 2, err: syscall.EAGAIN}, {n: 1, err: syscall.EAGAIN}, {n: 100}}}
	Check(t, g.Store.InsertWriter(3, w))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	g.Iovec(6)
	g.Mem.Write(GuestBuffer, []byte("first "))
	_, err := g.Instance.GetFunc(g.Store, "fd_write").Call(g.Store, 3, GuestIovec, 1, GuestResult)
	wantUnwritten(t, err, 3, syscall.EAGAIN)
	Equal(t, "written by two attempts", w.text(), "fir")
	if happened := g.PollWrite(3); happened[0] != 2 {
		t.Errorf("poll: %v", happened)
	}
	n, errno := g.Write(3, "second")
	Want(t, "write again", n, errno, 6)
	Equal(t, "written in the end", w.text(), "first second")
}

// A write that fails once more at the end of the call needs no guest to be complete.
func TestLastWordsAreTriedAgain(t *testing.T) {
	g := NewWasiGuest(t, nil)
	w := &script{steps: []step{{n: 2, err: syscall.EINTR}, {n: 100}}}
	Check(t, g.Store.InsertWriter(3, w))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	n, errno := g.Write(3, "last words")
	Want(t, "write", n, errno, 10)
	Equal(t, "written when the call returned", w.text(), "last words")
}

// A connection whose deadline has passed goes on when the deadline is another.
func TestDeadlinesPass(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			mine, its := net.Pipe()
			defer mine.Close()
			Check(t, g.Store.InsertConn(3, its))
			its.SetDeadline(time.Unix(1, 0))
			_, errno := g.Read(3, 4)
			WantErrno(t, "read", errno, errnoTimedout)
			_, errno = g.Write(3, "text")
			WantErrno(t, "write", errno, errnoTimedout)
			its.SetDeadline(time.Time{})
			go io.WriteString(mine, "ping")
			s, errno := g.Read(3, 4)
			Want(t, "read afterwards", s, errno, "ping")
			got := make(chan string)
			go func() { b := make([]byte, 4); io.ReadFull(mine, b); got <- string(b) }()
			n, errno := g.Write(3, "pong")
			Want(t, "write afterwards", n, errno, 4)
			Equal(t, "arrived", <-got, "pong")
		})
	}
}

// What a guest has sent without waiting arrives when it closes its descriptor, although a deadline had passed.
func TestKeptBytesAreSentInTheEnd(t *testing.T) {
	for name, end := range map[string]func(g *WasiGuest){
		"close":       func(g *WasiGuest) { WantErrno(g.TB, "close", g.Close(3), ErrnoSuccess) },
		"close store": func(g *WasiGuest) { g.Store.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			mine, its := net.Pipe()
			defer mine.Close()
			Check(t, g.Store.InsertConn(3, its))
			WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
			its.SetWriteDeadline(time.Unix(1, 0))
			n, errno := g.Write(3, "kept")
			Want(t, "write", n, errno, 4)
			for errno != errnoTimedout { // until the goroutine has failed, and the guest has heard of it
				_, errno = g.Write(3, "!")
			}
			its.SetWriteDeadline(time.Time{})
			got := make(chan string)
			go func() { b, _ := io.ReadAll(mine); got <- string(b) }()
			end(g)
			if s := <-got; !strings.HasPrefix(s, "kept") {
				t.Errorf("arrived: %q", s)
			}
		})
	}
}

// A panic of a reader that the guest waits for ends the guest at once, and is no error for it.
func TestPanicsAreNoErrors(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			calls := 0
			Check(t, g.Store.InsertReader(3, readerFunc(func(p []byte) (int, error) {
				if calls++; calls == 1 {
					panic("reader")
				}
				return copy(p, "fine"), nil
			})))
			if value := PanicOf(t, func() { g.Read(3, 9) }); value != "reader" {
				t.Errorf("recovered %v", value)
			}
			s, errno := g.Read(3, 9)
			Want(t, "read afterwards", s, errno, "fine")
			calls = 0
			Check(t, g.Store.InsertWriter(3, writerFunc(func(p []byte) (int, error) {
				if calls++; calls == 1 {
					panic("writer")
				}
				return len(p), nil
			})))
			if value := PanicOf(t, func() { g.Write(3, "x") }); value != "writer" {
				t.Errorf("recovered %v", value)
			}
			n, errno := g.Write(3, "fine")
			Want(t, "write afterwards", n, errno, 4)
		})
	}
}

// What a writer panics with that is behind the guest comes out of the call that has written, and out of no other.
func TestPanicOfAWriterBehind(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			calls := 0
			Check(t, g.Store.InsertWriter(3, writerFunc(func(p []byte) (int, error) {
				if calls++; calls == 1 {
					panic("writer")
				}
				return len(p), nil
			})))
			WantErrno(t, "set non-blocking", g.SetFlags(3, 4), ErrnoSuccess)
			if value := PanicOf(t, func() { g.Write(3, "x") }); value != "writer" {
				t.Errorf("recovered %v", value)
			}
			n, errno := g.Write(3, "fine")
			Want(t, "write afterwards", n, errno, 4)
			Equal(t, "calls", calls, 2)
			g.Store.Close()
		})
	}
}

// A reader of package iotest that times out once.
func TestTimeoutReader(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Check(t, g.Store.InsertReader(3, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc")))))
	var all strings.Builder
	failed := 0
	for range 10 {
		s, errno := g.Read(3, 9)
		all.WriteString(s)
		if errno != 0 {
			failed++
		}
	}
	Equal(t, "read", all.String(), "abc")
	Equal(t, "errors", failed, 1)
}

// several makes the guest transfer buffers of these lengths, one behind the other, in one call. It returns how many
// bytes went.
func several(g *WasiGuest, function string, lens []int, more ...any) (uint32, Errno) {
	const iovecs = 256
	at := GuestBuffer
	for i, n := range lens {
		g.Mem.PutUint32(uint64(iovecs+8*i), uint32(at))
		g.Mem.PutUint32(uint64(iovecs+8*i+4), uint32(n))
		at += n
	}
	errno := g.Call(function, append([]any{3, iovecs, len(lens)}, more...)...)
	if errno != ErrnoSuccess {
		return 0, errno
	}
	return g.Result32(), errno
}

// An error behind a buffer that was written is not lost: the guest hears of the short count, and of the error in its
// next call, once. Then the writer is asked again.
func TestErrorsBetweenBuffers(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			for what, steps := range map[string][]step{
				"a whole buffer": {{n: 4}, {err: syscall.EIO}, {n: 100}},
				"part of one":    {{n: 4, err: syscall.EIO}, {n: 100}},
			} {
				g := serve(t)
				w := &script{steps: steps}
				Check(t, g.Store.InsertWriter(3, w))
				first := 4
				if what == "part of one" {
					first = 6
				}
				g.Mem.Write(GuestBuffer, []byte("one two three"))
				n, errno := several(g, "fd_write", []int{first, 4}, GuestResult)
				WantErrno(t, what+": a part", errno, ErrnoSuccess)
				Equal(t, what+": written", n, 4)
				_, errno = several(g, "fd_write", []int{4}, GuestResult)
				WantErrno(t, what+": the next call", errno, errnoIo)
				n, errno = several(g, "fd_write", []int{4, 4}, GuestResult)
				WantErrno(t, what+": and then", errno, ErrnoSuccess)
				Equal(t, what+": written", n, 8)
				Equal(t, what+": the writer has", w.text(), "one one two ")
			}
		})
	}
}

// errorConn is a connection that reads and writes by a script.
type errorConn struct {
	net.Conn
	*script
}

func (c errorConn) Read(p []byte) (int, error)  { return c.script.Read(p) }
func (c errorConn) Write(p []byte) (int, error) { return c.script.Write(p) }
func (c errorConn) Close() error                { return nil }

// The same of a guest that receives as much as it asks for, and of one that sends.
func TestErrorsBehindReceived(t *testing.T) {
	const recvWaitall = 2
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			Check(t, g.Store.InsertConn(3, errorConn{script: &script{steps: []step{
				{s: "one"}, {err: syscall.EIO}, {s: "two"}, {s: "!", err: syscall.EIO}, {s: "six"}, {n: 3}, {err: syscall.EIO}, {n: 9},
			}}}))
			for i, want := range []struct {
				s     string
				errno Errno
			}{{"one", 0}, {"", errnoIo}, {"two!", 0}, {"", errnoIo}} {
				s, errno := g.Recv(3, 6, recvWaitall)
				if s != want.s || errno != want.errno {
					t.Errorf("receive %d: %q with errno %d, want %q with %d", i, s, errno, want.s, want.errno)
				}
			}
			s, errno := g.Recv(3, 3, recvWaitall)
			Want(t, "received in the end", s, errno, "six")
			for i, want := range []struct {
				n     uint32
				errno Errno
			}{{3, 0}, {0, errnoIo}, {6, 0}} {
				n, errno := several(g, "sock_send", []int{3, 3}, 0, GuestResult)
				if n != want.n || errno != want.errno {
					t.Errorf("send %d: %d with errno %d, want %d with %d", i, n, errno, want.n, want.errno)
				}
			}
		})
	}
}
