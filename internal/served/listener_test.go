package served

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// doorman is a listener that accepts what it is told to, and counts.
type doorman struct {
	stuckListener
	asked  chan struct{}
	conns  chan net.Conn
	closed chan struct{}
}

func newDoorman() *doorman {
	return &doorman{asked: make(chan struct{}, 100), conns: make(chan net.Conn, 1), closed: make(chan struct{}, 100)}
}

func (l *doorman) Accept() (net.Conn, error) { l.asked <- struct{}{}; return <-l.conns, nil }
func (l *doorman) Close() error              { l.closed <- struct{}{}; return nil }

// guest is a listener with requests of a guest that need no memory.
type guest struct {
	*listener
	t *testing.T
}

func attachedListener(t *testing.T, l net.Listener) guest {
	t.Helper()
	d := NewListener(l)
	d.Attach(&testHost{})
	t.Cleanup(d.Detach)
	return guest{d.by.(*listener), t}
}

func (g guest) must(ctx context.Context, what ffi.StreamOp, flags uint32, want errno, status ffi.StreamStatus) uint64 {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	n, how := g.serveLocked(ctx, &ffi.StreamRequest{What: what, Flags: flags})
	if how != status || how == ffi.StreamFailed && n != uint64(want) {
		g.t.Errorf("request %d: %d with status %d, want %d with %d", what, n, how, want, status)
	}
	return n
}

// accepted waits until a goroutine has accepted, or failed.
func (g guest) accepted() {
	locked(&g.Descriptor, func() {
		for g.accepting {
			g.waitLocked(nil)
		}
	})
}

// One Accept is called at a time, also when the guest polls, and waits, and is stopped while a goroutine accepts.
func TestOneAcceptAtATime(t *testing.T) {
	l := newDoorman()
	g := attachedListener(t, l)
	g.must(nil, ffi.StreamAccept, 0, 0, ffi.StreamWouldWait)
	g.must(nil, ffi.StreamPollRead, 0, 0, ffi.StreamWouldWait)
	g.must(nil, ffi.StreamAccept, 0, 0, ffi.StreamWouldWait)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	g.must(ctx, ffi.StreamAccept, ffi.StreamMayWait, 0, ffi.StreamStop)
	its := newTalker()
	time.AfterFunc(time.Millisecond, func() { l.conns <- its })
	number := g.must(nil, ffi.StreamAccept, ffi.StreamMayWait, 0, ffi.StreamDone)
	if there(number).by.(*Stream).conn != net.Conn(its) {
		t.Error("another connection")
	}
	OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	if len(l.asked) != 1 {
		t.Errorf("it was asked %d times for one connection", len(l.asked))
	}
}

// A guest that could be stopped is not kept by an Accept that it is the first to need.
func TestAcceptStops(t *testing.T) {
	g := attachedListener(t, newDoorman())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	g.must(ctx, ffi.StreamAccept, ffi.StreamMayWait, 0, ffi.StreamStop)
}

// Polls hear of a connection, of an error and of the end.
func TestListenerPolls(t *testing.T) {
	l := newDoorman()
	g := attachedListener(t, l)
	for _, conn := range []net.Conn{newTalker(), nil, (*talker)(nil)} {
		g.must(nil, ffi.StreamPollRead, 0, 0, ffi.StreamWouldWait)
		l.conns <- conn
		g.accepted()
		for range 2 {
			g.must(nil, ffi.StreamPollRead, 0, 0, ffi.StreamDone)
		}
		if conn == net.Conn(nil) || conn == net.Conn((*talker)(nil)) {
			g.must(nil, ffi.StreamAccept, 0, errnoIo, ffi.StreamFailed)
			continue
		}
		number := g.must(nil, ffi.StreamAccept, 0, 0, ffi.StreamDone)
		OnStream(&ffi.StreamRequest{Env: number, What: ffi.StreamGone})
	}
	g.must(nil, ffi.StreamPollWrite, 0, 0, ffi.StreamWouldWait)
	g.must(nil, ffi.StreamRead, 0, errnoNotsup, ffi.StreamFailed)
	g.must(nil, ffi.StreamShutdown, ffi.StreamShutWrite, 0, ffi.StreamDone)
	g.must(nil, ffi.StreamShutdown, ffi.StreamShutRead, 0, ffi.StreamDone)
	g.must(nil, ffi.StreamPollRead, 0, 0, ffi.StreamDone)
	g.must(nil, ffi.StreamAccept, 0, errnoInval, ffi.StreamFailed)
	g.must(nil, ffi.StreamShutdown, ffi.StreamShutRead, errnoNotconn, ffi.StreamFailed)
	if len(l.closed) != 1 {
		t.Errorf("it was closed %d times", len(l.closed))
	}
}

// A connection that nobody takes any more is closed: one that was accepted, and one that comes too late.
func TestConnectionsThatNobodyTakes(t *testing.T) {
	for name, end := range map[string]func(g guest){
		"shutdown": func(g guest) { g.must(nil, ffi.StreamShutdown, ffi.StreamShutRead, 0, ffi.StreamDone) },
		"gone":     func(g guest) { g.gone() },
	} {
		for _, late := range []bool{false, true} {
			l, c := newDoorman(), newTalker()
			g := attachedListener(t, l)
			g.must(nil, ffi.StreamAccept, 0, 0, ffi.StreamWouldWait)
			if late {
				end(g)
				l.conns <- c
			} else {
				l.conns <- c
				g.accepted()
				end(g)
			}
			c.want(t, "close: ")
			g.accepted()
			if g.listener.accepted != nil {
				t.Errorf("%s: a connection is kept, late: %v", name, late)
			}
			<-l.closed
			if g.gone(); name == "shutdown" && len(l.closed) != 0 {
				t.Error("the listener was closed again")
			}
		}
	}
}

// What a goroutine has panicked with ends the next request, whatever that is.
func TestAcceptPanics(t *testing.T) {
	h := &testHost{}
	d := NewListener(&oneTime{says: []func() (net.Conn, error){func() (net.Conn, error) { panic("accept") }}})
	number := d.Attach(h)
	defer d.Detach()
	g := guest{d.by.(*listener), t}
	g.must(nil, ffi.StreamAccept, 0, 0, ffi.StreamWouldWait)
	g.accepted()
	r := &ffi.StreamRequest{Env: number, What: ffi.StreamShutdown, Flags: ffi.StreamShutWrite}
	if OnStream(r); r.Status != ffi.StreamStop || h.panicked != "accept" {
		t.Errorf("status %d, the host heard %v", r.Status, h.panicked)
	}
	if OnStream(r); r.Status != ffi.StreamDone {
		t.Errorf("the request after that: %d", r.Status)
	}
}

// A panic while the guest waits ends it at once.
func TestAcceptPanicsWhileTheGuestWaits(t *testing.T) {
	h := &testHost{stop: t.Context()}
	d := NewListener(&oneTime{says: []func() (net.Conn, error){
		func() (net.Conn, error) { panic("accept") }, failing(errors.New("asked again")),
	}})
	number := d.Attach(h)
	defer d.Detach()
	r := &ffi.StreamRequest{Env: number, What: ffi.StreamAccept, Flags: ffi.StreamMayWait}
	if OnStream(r); r.Status != ffi.StreamStop || h.panicked != "accept" {
		t.Errorf("status %d, the host heard %v", r.Status, h.panicked)
	}
}
