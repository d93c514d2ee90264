// Command relay is a relay between two connections, as relay.c is, in ordinary Go: net.Conn, goroutines, deadlines. Its
// runtime waits for them with poll_oneoff.
//
// relay(conn, cancel, idle_ms) asks its host for the other side, and carries bytes both ways until both sides have
// ended. It stops when there is something to read from the descriptor cancel, or its writer is gone, and when nothing
// has moved for idle_ms milliseconds. All three descriptors are closed at the end. count(i) tells what happened.
package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The results; a negative one is an errno.
const (
	ended     = 0
	cancelled = 1
	idle      = 2
)

var (
	errCancelled = errors.New("cancelled")
	errIdle      = errors.New("idle")
)

// dial dials the other side, and returns its descriptor or a negative errno.
//
//go:wasmimport host dial
func dial() int32

// counts are bytes from the connection to the other side, and bytes back.
var counts [2]atomic.Int64

//go:wasmexport count
func count(which int32) int64 {
	if int(which) >= len(counts) {
		return 0
	}
	return counts[which].Load()
}

//go:wasmexport relay
func relay(conn, cancel, idleMs int32) int32 {
	counts[0].Store(0)
	counts[1].Store(0)
	stop, err := open(cancel, "cancel")
	if err != nil {
		return result(err)
	}
	defer stop.Close()
	client, err := connection(conn)
	if err != nil {
		return result(err)
	}
	defer client.Close()
	fd := dial()
	if fd < 0 {
		return fd
	}
	server, err := connection(fd)
	if err != nil {
		return result(err)
	}
	defer server.Close()

	// Whoever has a reason to stop first closes both connections, which ends both directions.
	reason := make(chan error, 1)
	finish := func(err error) {
		select {
		case reason <- err:
			client.Close()
			server.Close()
		default:
		}
	}
	period := time.Duration(idleMs) * time.Millisecond
	timer := time.AfterFunc(period, func() { finish(errIdle) })
	defer timer.Stop()
	moved := func() { timer.Reset(period) }

	var wg, watch sync.WaitGroup
	watch.Go(func() {
		if _, err := stop.Read(make([]byte, 1)); err == nil || err == io.EOF {
			finish(errCancelled)
		}
	})
	for i, way := range [][2]*net.TCPConn{{client, server}, {server, client}} {
		wg.Go(func() {
			if err := carry(way[1], source{way[0], moved, &counts[i]}); err != nil {
				finish(err)
			}
		})
	}
	wg.Wait()
	finish(nil)
	stop.Close()
	watch.Wait()
	return result(<-reason)
}

// carry copies until the source has ended, and says so to the other side.
func carry(to *net.TCPConn, from io.Reader) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if err := to.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		return err
	}
	return nil
}

// A source is the reading side of a connection, which reports that something moves.
type source struct {
	conn  *net.TCPConn
	moved func()
	count *atomic.Int64
}

func (s source) Read(p []byte) (int, error) {
	s.moved() // what was read before has been written by now
	n, err := s.conn.Read(p)
	s.count.Add(int64(n))
	s.moved()
	return n, err
}

// open makes a file of a descriptor. One that does not block is left to Go's poller, so that only a goroutine waits.
func open(fd int32, name string) (*os.File, error) {
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func connection(fd int32) (*net.TCPConn, error) {
	f, err := open(fd, "socket")
	if err != nil {
		return nil, err
	}
	defer f.Close() // the connection is a copy; the descriptor is closed with the last one
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// result is what relay returns for the reason of its end.
func result(err error) int32 {
	var errno syscall.Errno
	switch {
	case err == nil:
		return ended
	case errors.Is(err, errCancelled):
		return cancelled
	case errors.Is(err, errIdle):
		return idle
	case errors.As(err, &errno):
		return -int32(errno)
	}
	return -int32(syscall.EIO)
}

func main() {}
