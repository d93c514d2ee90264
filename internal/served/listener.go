package served

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
// If the guest may wait and nobody can stop it, Accept is called in the middle of the guest's call. Otherwise a
// goroutine calls it, one connection ahead, so that the guest can go on, poll, or be stopped meanwhile.
type listener struct {
	Descriptor
	l net.Listener

	// accepted was not taken by the guest yet, and acceptErr not told unless it is final.
	accepted  net.Conn
	acceptErr error
	accepting bool
	// ended says that the guest has ended it by a shutdown.
	ended bool
}

// NewListener makes a listening socket of a listener, which it closes when the guest closes its descriptor.
func NewListener(l net.Listener) *Descriptor {
	ln := &listener{Descriptor: Descriptor{kind: ffi.StreamListener}, l: l}
	ln.by = ln
	return &ln.Descriptor
}

func (ln *listener) serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	switch r.What {
	case ffi.StreamAccept:
		return ln.acceptLocked(ctx, r)
	case ffi.StreamPollRead:
		if ln.ended || ln.accepted != nil || ln.acceptErr != nil {
			return 0, ffi.StreamDone
		}
		ln.fetchLocked()
		return 0, ffi.StreamWouldWait
	case ffi.StreamPollWrite:
		return 0, ffi.StreamWouldWait
	case ffi.StreamShutdown:
		return ln.shutdownLocked(r.Flags)
	case ffi.StreamAddress:
		if r.Flags == 0 {
			return answerAddress(r, ln.l.Addr())
		}
	}
	return uint64(errnoNotsup), ffi.StreamFailed
}

// acceptLocked lets go of the lock while it waits.
func (ln *listener) acceptLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	mayWait := r.Flags&ffi.StreamMayWait != 0
	for {
		ln.panics.Raise()
		switch {
		case ln.ended:
			return uint64(errnoInval), ffi.StreamFailed
		case ln.accepted != nil:
			return ln.handLocked(r)
		case ln.acceptErr != nil:
			return tell(&ln.acceptErr, false)
		case !mayWait:
			ln.fetchLocked()
			return 0, ffi.StreamWouldWait
		case ln.accepting || canStop(ctx):
			ln.fetchLocked()
			if !ln.waitLocked(ctx) {
				return 0, ffi.StreamStop
			}
		default:
			ln.keepLocked(ln.acceptNowLocked())
		}
	}
}

// acceptNowLocked accepts in the middle of the guest's call, without the lock meanwhile.
func (ln *listener) acceptNowLocked() (net.Conn, error) {
	ln.mu.Unlock()
	defer ln.mu.Lock()
	return ln.l.Accept()
}

// fetchLocked makes a goroutine accept, unless one does already.
func (ln *listener) fetchLocked() {
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
			if value == nil { // else it is the panic that the guest hears of
				ln.keepLocked(conn, err)
			}
			ln.doneLocked(value)
		}()
		conn, err = ln.l.Accept()
	}()
}

// keepLocked keeps what Accept has returned for the guest. A connection that comes when the guest is gone is closed.
func (ln *listener) keepLocked(conn net.Conn, err error) {
	switch {
	case err != nil:
		ln.acceptErr = err
	case IsNil(conn):
		ln.acceptErr = errNoConn
	case ln.ended || ln.closed:
		go ln.panics.Guard(func() { conn.Close() })
	default:
		ln.accepted = conn
	}
}

// errNoConn is the error of a listener that has accepted nothing without having one.
var errNoConn = errors.New("neither a connection nor an error came from Accept")

// handLocked gives the accepted connection to the guest: a socket of the host if it is one, and otherwise one that Go
// serves.
func (ln *listener) handLocked(r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	conn := ln.accepted
	ln.accepted = nil
	if !IsSocket(conn) {
		return NewConn(conn).Attach(ln.host), ffi.StreamDone
	}
	var failed ffi.Error
	err := WithDescriptor(fmt.Sprintf("%T", conn), conn.(syscall.Conn), func(host uintptr) { failed = r.AcceptFile(host) })
	switch {
	case err != nil: // somebody has closed it
		return uint64(errnoConnaborted), ffi.StreamFailed
	case !failed.IsNil():
		panic(failed.Take().Message()) // not the right request: cannot be
	case r.Status == ffi.StreamFailed:
		ln.accepted = conn // as in the operating system, where it waits until there is a descriptor for it
	default:
		conn.Close() // the guest has its own
	}
	return r.Count, r.Status
}

// shutdownLocked ends the listener when it ends the direction that accepts, as on Linux.
func (ln *listener) shutdownLocked(how uint32) (uint64, ffi.StreamStatus) {
	if ln.ended {
		return uint64(errnoNotconn), ffi.StreamFailed
	}
	if how&ffi.StreamShutRead != 0 {
		ln.ended = true
		b := ln.host.Behind()
		ln.closeLocked(b)
		ln.mu.Unlock()
		defer ln.mu.Lock()
		b.settle()
	}
	return 0, ffi.StreamDone
}

func (ln *listener) goneLocked(b *Behind) {
	if !ln.ended {
		ln.closeLocked(b)
	}
}

// closeLocked closes the listener, which ends an Accept, and a connection that the guest has not taken.
func (ln *listener) closeLocked(b *Behind) {
	b.close(ln.l)
	if ln.accepted != nil {
		b.close(ln.accepted)
		ln.accepted = nil
	}
}
