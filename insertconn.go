package wasmtime

import (
	"fmt"
	"net"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
)

// InsertConn makes a connection of the host the guest's descriptor fd, as [Store.InsertFile] does with a file: a stream
// socket, which the guest reads, writes, polls and shuts down.
//
// A connection that is not one of package net's sockets, such as a [crypto/tls.Conn], one end of [net.Pipe], or a type of your own around
// a socket, is served by Go, as
// [Store.InsertReader] and [Store.InsertWriter] say, and given away: it is closed when the guest closes its descriptor or the
// store is closed.
//
// Any other connection is duplicated. c may be closed as soon as InsertConn returns, and usually should be: the other side sees the
// end of the connection when both are closed. A shutdown by the guest is one of the connection, for c as well. Whether
// the guest waits is its own affair; c stays as it is.
func (store *Store) InsertConn(fd uint32, c net.Conn) error { return insertConn(store, fd, c) }

// PushConn makes a connection of the host the guest's descriptor with the lowest free number, which it returns. Everything
// else is as with [Store.InsertConn].
func (store *Store) PushConn(c net.Conn) (uint32, error) { return pushConn(store, c) }

// InsertListener makes a listener of the host the guest's descriptor fd, as [Store.InsertConn] does with a connection. What the
// guest accepts is its own.
//
// A listener that is not one of package net's sockets, such as that of [crypto/tls.NewListener], one in memory, or a type of your own
// around a socket, is served by Go.
//
// Any other listener is duplicated. As long as l is open as well, both accept, each connection going to one of them.
//
// One that is served by Go is given away, as a connection is: it is closed when the guest closes its descriptor or the
// store is closed, and so is a connection that it has accepted and the guest has not. Accept is called when the guest
// accepts, in the middle of its call or, if the guest polls, has set its descriptor non-blocking, or has a context that can be
// cancelled, by a goroutine that accepts one connection ahead. A connection of package net that it returns is a socket of the host for
// the guest, any other one is served by Go. An error of Accept is an error number for the guest, which may accept
// again; panics are as with [Store.InsertReader], and the listener must not use the store either.
func (store *Store) InsertListener(fd uint32, l net.Listener) error {
	return insertListener(store, fd, l)
}

// PushListener makes a listener of the host the guest's descriptor with the lowest free number, which it returns. Everything
// else is as with [Store.InsertListener].
func (store *Store) PushListener(l net.Listener) (uint32, error) { return pushListener(store, l) }

// InsertConn is [Store.InsertConn] for the store of the caller.
func (c *Caller) InsertConn(fd uint32, conn net.Conn) error { return insertConn(c, fd, conn) }

// PushConn is [Store.PushConn] for the store of the caller.
func (c *Caller) PushConn(conn net.Conn) (uint32, error) { return pushConn(c, conn) }

// InsertListener is [Store.InsertListener] for the store of the caller.
func (c *Caller) InsertListener(fd uint32, l net.Listener) error { return insertListener(c, fd, l) }

// PushListener is [Store.PushListener] for the store of the caller.
func (c *Caller) PushListener(l net.Listener) (uint32, error) { return pushListener(c, l) }

func insertConn(store Storelike, fd uint32, c net.Conn) error {
	if servedByGo(c) {
		_, err := insertServed(store, fd, false, READ_WRITE, newConnStream(c))
		return err
	}
	return insertSocket(store, fd, c)
}

func pushConn(store Storelike, c net.Conn) (uint32, error) {
	if servedByGo(c) {
		return insertServed(store, 0, true, READ_WRITE, newConnStream(c))
	}
	return pushSocket(store, c)
}

func insertListener(store Storelike, fd uint32, l net.Listener) error {
	if listensByGo(l) {
		_, err := insertServed(store, fd, false, READ_WRITE, newListener(l))
		return err
	}
	return insertSocket(store, fd, l)
}

func pushListener(store Storelike, l net.Listener) (uint32, error) {
	if listensByGo(l) {
		return insertServed(store, 0, true, READ_WRITE, newListener(l))
	}
	return pushSocket(store, l)
}

// servedByGo tells whether a connection is not just a descriptor. A type that embeds one that is may read and write otherwise.
func servedByGo(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn, *net.UDPConn, *net.IPConn:
		return false
	}
	return !isNil(c)
}

// listensByGo is servedByGo for listeners: one that embeds another may accept otherwise, and make something of what it accepts.
func listensByGo(l net.Listener) bool {
	switch l.(type) {
	case *net.TCPListener, *net.UnixListener:
		return false
	}
	return !isNil(l)
}

func insertSocket(store Storelike, fd uint32, socket any) error {
	return withSocket(store, socket, func(s ffi.Store, host uintptr) ffi.Error {
		return s.InsertFile(fd, host, uint32(READ_WRITE))
	})
}

func pushSocket(store Storelike, socket any) (fd uint32, err error) {
	err = withSocket(store, socket, func(s ffi.Store, host uintptr) (failed ffi.Error) {
		fd, failed = s.PushFile(host, uint32(READ_WRITE))
		return failed
	})
	return fd, err
}

// withSocket runs f with the store taken and the socket's descriptor held.
func withSocket(store Storelike, socket any, f func(s ffi.Store, host uintptr) ffi.Error) error {
	if isNil(socket) {
		return errorf(ErrBadFile, "the connection or the listener is nil: %v", ErrBadFile)
	}
	conn, ok := socket.(syscall.Conn)
	if !ok {
		return errorf(ErrUnsupported, "a %T has no descriptor: %v", socket, ErrUnsupported)
	}
	return withDescriptor(store, fmt.Sprintf("%T", socket), conn, f)
}
