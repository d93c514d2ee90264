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
// guest accepts is its own. As long as l is open as well, both accept, each connection going to one of them. Of a
// listener that is not one of package net's, but has a descriptor, the descriptor is what the guest gets.
func (store *Store) InsertListener(fd uint32, l net.Listener) error {
	return insertSocket(store, fd, l)
}

// PushListener makes a listener of the host the guest's descriptor with the lowest free number, which it returns. Everything
// else is as with [Store.InsertListener].
func (store *Store) PushListener(l net.Listener) (uint32, error) { return pushSocket(store, l) }

// InsertConn is [Store.InsertConn] for the store of the caller.
func (c *Caller) InsertConn(fd uint32, conn net.Conn) error { return insertConn(c, fd, conn) }

// PushConn is [Store.PushConn] for the store of the caller.
func (c *Caller) PushConn(conn net.Conn) (uint32, error) { return pushConn(c, conn) }

// InsertListener is [Store.InsertListener] for the store of the caller.
func (c *Caller) InsertListener(fd uint32, l net.Listener) error { return insertSocket(c, fd, l) }

// PushListener is [Store.PushListener] for the store of the caller.
func (c *Caller) PushListener(l net.Listener) (uint32, error) { return pushSocket(c, l) }

func insertConn(store Storelike, fd uint32, c net.Conn) error {
	if servedByGo(c) {
		_, err := insertStream(store, fd, false, READ_WRITE, &stream{reader: c, writer: c, conn: c})
		return err
	}
	return insertSocket(store, fd, c)
}

func pushConn(store Storelike, c net.Conn) (uint32, error) {
	if servedByGo(c) {
		return insertStream(store, 0, true, READ_WRITE, &stream{reader: c, writer: c, conn: c})
	}
	return pushSocket(store, c)
}

// servedByGo tells whether a connection is not just a descriptor. A type that embeds one that is may read and write otherwise.
func servedByGo(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn, *net.UDPConn, *net.IPConn:
		return false
	}
	return !isNil(c)
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
		return errorf(ErrBadFile, "the connection is nil: %v", ErrBadFile)
	}
	conn, ok := socket.(syscall.Conn)
	if !ok {
		return errorf(ErrUnsupported, "a %T has no descriptor: %v", socket, ErrUnsupported)
	}
	return withDescriptor(store, fmt.Sprintf("%T", socket), conn, f)
}
