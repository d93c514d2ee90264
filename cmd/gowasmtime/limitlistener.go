package main

import (
	"net"
	"sync"
)

// limitedListener accepts only so many connections as may be open at once.
type limitedListener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	close  func() error
}

// limitConnections limits how many connections of a listener are open at once. Others wait until they are accepted.
func limitConnections(l net.Listener, most uint64) net.Listener {
	limited := &limitedListener{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
	limited.close = sync.OnceValue(func() error {
		close(limited.closed)
		return l.Close()
	})
	return limited
}

// Accept waits for a place, and then for a connection.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close ends the listener, and whoever waits for a place.
func (l *limitedListener) Close() error { return l.close() }

// limitedConn is a connection that has a place.
type limitedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection and leaves the place.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
