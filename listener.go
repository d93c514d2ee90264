package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
)

// listener serves a guest's listening socket from Go: a listener without a descriptor of its own.
//
// If the guest may wait and nobody can stop it, Accept is called in the middle of the guest's call. Otherwise a goroutine
// calls it, one connection ahead, so that the guest can go on, poll, or be stopped meanwhile.
type listener struct {
	served
	l net.Listener

	// accepted was not taken by the guest yet, and acceptErr not told.
	accepted  net.Conn
	acceptErr error
	accepting bool
	// ended says that the guest has ended it by a shutdown.
	ended bool
}

// newListener makes a listening socket of a listener.
func newListener(l net.Listener) *served {
	ln := &listener{served: served{kind: ffi.StreamListener}, l: l}
	ln.by = ln
	return &ln.served
}

func (ln *listener) serve(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	switch r.What {
	case ffi.StreamAccept:
		return ln.accept(ctx, r)
	case ffi.StreamPollRead:
		if ln.ended || ln.accepted != nil || ln.acceptErr != nil {
			return 0, ffi.StreamDone
		}
		ln.fetch()
		return 0, ffi.StreamWouldWait
	case ffi.StreamPollWrite:
		return 0, ffi.StreamWouldWait
	case ffi.StreamShutdown:
		return ln.shutdown(r.Flags)
	}
	return uint64(wasiErrnoNotsup), ffi.StreamFailed
}

// accept and what it calls are called with the lock held, and let go of it while they wait.
func (ln *listener) accept(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	mayWait := r.Flags&ffi.StreamMayWait != 0
	for {
		switch {
		case ln.ended:
			return uint64(wasiErrnoInval), ffi.StreamFailed
		case ln.accepted != nil:
			return ln.hand(r)
		case ln.acceptErr != nil:
			err := ln.acceptErr
			if !errors.Is(err, net.ErrClosed) {
				ln.acceptErr = nil // the next call may succeed
			}
			return wasiErrnoOf(err), ffi.StreamFailed
		case !mayWait:
			ln.fetch()
			return 0, ffi.StreamWouldWait
		case ln.accepting || canStop(ctx):
			ln.fetch()
			if !ln.wait(ctx) {
				return 0, ffi.StreamStop
			}
		default:
			ln.keep(ln.acceptNow())
		}
	}
}

// acceptNow accepts in the middle of the guest's call.
func (ln *listener) acceptNow() (net.Conn, error) {
	ln.mu.Unlock()
	defer ln.mu.Lock()
	return ln.l.Accept()
}

// fetch makes a goroutine accept, unless one does already.
func (ln *listener) fetch() {
	if ln.accepting {
		return
	}
	ln.accepting = true
	go func() {
		var conn net.Conn
		err := errGoexit
		defer func() {
			value := recover()
			ln.mu.Lock()
			defer ln.mu.Unlock()
			ln.accepting = false
			ln.keep(conn, err)
			ln.done(value)
		}()
		conn, err = ln.l.Accept()
	}()
}

// keep keeps what Accept has returned for the guest. A connection that comes when the guest is gone is closed.
func (ln *listener) keep(conn net.Conn, err error) {
	switch {
	case err != nil:
		ln.acceptErr = err
	case isNil(conn):
		ln.acceptErr = errNoConn
	case ln.ended || ln.native.IsNil():
		go ln.panics.guard(func() { conn.Close() })
	default:
		ln.accepted = conn
	}
}

// errNoConn is the error of a listener that has accepted nothing without having one.
var errNoConn = errors.New("Accept returned neither a connection nor an error")

// hand gives the accepted connection to the guest: a socket of the host if it is one, and otherwise one that Go serves.
func (ln *listener) hand(r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	conn := ln.accepted
	ln.accepted = nil
	if servedByGo(conn) {
		s := newConnStream(conn)
		s.attach(ln.entry, ln.native)
		return s.number, ffi.StreamDone
	}
	var failed ffi.Error
	err := withFd(fmt.Sprintf("%T", conn), conn.(syscall.Conn), func(host uintptr) { failed = r.AcceptFile(host) })
	switch {
	case err != nil: // somebody has closed it
		return uint64(wasiErrnoConnaborted), ffi.StreamFailed
	case !failed.IsNil():
		panic(newError(failed)) // not the right request: cannot be
	case r.Status == ffi.StreamFailed:
		ln.accepted = conn // as in the operating system, where it waits until there is a descriptor for it
	default:
		conn.Close() // the guest has its own
	}
	return r.Count, r.Status
}

// shutdown ends the listener when it ends the direction that accepts, as on Linux.
func (ln *listener) shutdown(how uint32) (uint64, ffi.StreamStatus) {
	if ln.ended {
		return uint64(wasiErrnoNotconn), ffi.StreamFailed
	}
	if how&ffi.StreamShutRead != 0 {
		ln.ended = true
		ln.close()
	}
	return 0, ffi.StreamDone
}

func (ln *listener) gone() { ln.close() }

// close closes the listener, which ends an Accept, and a connection that the guest has not taken.
func (ln *listener) close() {
	ln.closeSoon(ln.l)
	if ln.accepted != nil {
		ln.closeSoon(ln.accepted)
		ln.accepted = nil
	}
}
