package sockets_test

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// slow is for what is not closed until the test ends.
type slow struct{ begun, end chan struct{} }

func newSlow(t *testing.T) *slow {
	s := &slow{begun: make(chan struct{}, 100), end: make(chan struct{})}
	t.Cleanup(func() { close(s.end) })
	return s
}

func (s *slow) close() error {
	s.begun <- struct{}{}
	<-s.end
	return nil
}

// waitBegun waits until n are being closed.
func (s *slow) waitBegun(n int) {
	for range n {
		<-s.begun
	}
}

type slowConn struct {
	net.Conn
	*slow
}

func (c slowConn) Close() error { return c.slow.close() }

// slowFS has files that are slow to close.
type slowFS struct {
	fs.FS
	*slow
}

func (s slowFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if name == "." {
		return f, err
	}
	return slowFile{f, s.slow}, err
}

type slowFile struct {
	fs.File
	*slow
}

func (f slowFile) Close() error { return f.slow.close() }

// takes fails the test if f takes as long as a second, which is ten times what closing may take.
func takes(t *testing.T, what string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took >= time.Second {
		t.Errorf("%s took %v", what, took)
	}
}

// insertSlow gives a guest n connections that are slow to close, and one at the end that is not, whose other side it
// returns.
func insertSlow(t *testing.T, g *WasiGuest, s *slow, n int) net.Conn {
	t.Helper()
	for range n {
		_, its := net.Pipe()
		_, err := g.Store.PushConn(slowConn{its, s})
		Check(t, err)
	}
	mine, its := net.Pipe()
	_, err := g.Store.PushConn(its)
	Check(t, err)
	return mine
}

// However many connections are slow to close, the store is not, and all of them are being closed.
func TestManySlowConnections(t *testing.T) {
	const many = 50
	for name, end := range map[string]func(t *testing.T, g *WasiGuest){
		"close":     func(t *testing.T, g *WasiGuest) { g.Store.Close() },
		"configure": func(t *testing.T, g *WasiGuest) { g.Store.SetWasi(NewWasiConfig()) },
		"a guest closes them": func(t *testing.T, g *WasiGuest) {
			linker := NewLinker(g.Store.Engine)
			defer linker.Close()
			Check(t, linker.DefineWasi())
			closes, err := linker.Instantiate(g.Store, Compile(t, g.Store.Engine, fmt.Sprintf(`(module
			  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
			  (memory (export "memory") 1)
			  (func (export "all") (local $fd i32)
			    (local.set $fd (i32.const 3))
			    (loop $next
			      (if (call $close (local.get $fd)) (then unreachable))
			      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
			      (br_if $next (i32.le_u (local.get $fd) (i32.const %d))))))`, 3+many)))
			Check(t, err)
			Call(t, g.Store, closes, "all")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, s := NewWasiGuest(t, nil), newSlow(t)
			quick := insertSlow(t, g, s, many)
			takes(t, name, func() { end(t, g) })
			s.waitBegun(many)
			if _, err := quick.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the other side of one that is quick to close: %v", err)
			}
		})
	}
}

// A store that nobody closed does not keep other clean-ups waiting.
func TestSlowConnectionsOfGarbage(t *testing.T) {
	const many = 20
	s := newSlow(t)
	func() {
		store := NewStore(NewEngine())
		store.SetWasi(NewWasiConfig())
		for range many {
			_, its := net.Pipe()
			_, err := store.PushConn(slowConn{its, s})
			Check(t, err)
		}
	}()
	Collected(t, "the store", func() bool { return len(s.begun) > 0 })
	takes(t, "a clean-up after that", func() {
		cleaned := make(chan struct{})
		runtime.AddCleanup(new(*slow), func(int) { close(cleaned) }, 0)
		for {
			runtime.GC()
			select {
			case <-cleaned:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	s.waitBegun(many)
}

// Files of a file system, too, are closed together with the store.
func TestManySlowFiles(t *testing.T) {
	const many = 20
	g, s := NewWasiGuest(t, nil), newSlow(t)
	for range many { // each in a file system of its own, which closes one at a time
		dir, err := g.Store.PushFS(slowFS{fstest.MapFS{"file": {Data: []byte("content")}}, s}, "")
		Check(t, err)
		_, errno := g.PathOpen(dir, 0, "file", 0, RightRead, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
	}
	closed := make(chan struct{})
	go func() { g.Store.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(time.Second):
		t.Fatal("closing the store waits for every file")
	}
	s.waitBegun(many)
}

// panickyConn panics when it is closed.
type panickyConn struct{ net.Conn }

func (panickyConn) Close() error { panic("closing") }

// What closing a connection panics with comes out of what closes it.
func TestClosePanics(t *testing.T) {
	for name, end := range map[string]func(g *WasiGuest){
		"close store": func(g *WasiGuest) { g.Store.Close() },
		"configure":   func(g *WasiGuest) { g.Store.SetWasi(NewWasiConfig()) },
		"remove":      func(g *WasiGuest) { g.Store.RemoveFile(3) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			_, its := net.Pipe()
			Check(t, g.Store.InsertConn(3, panickyConn{its}))
			if value := PanicOf(t, func() { end(g) }); value != "closing" {
				t.Errorf("recovered %v", value)
			}
			g.Store.Close()
		})
	}
}

// A listener that the guest has ended by a shutdown is not closed again.
func TestListenerIsClosedOnce(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := newMemoryListener()
	var closed atomic.Int32
	Check(t, g.Store.InsertListener(3, closeCounter{l, &closed}))
	WantErrno(t, "shutdown", g.Call("sock_shutdown", 3, ShutRead), ErrnoSuccess)
	Equal(t, "closed by the shutdown", closed.Load(), 1)
	WantErrno(t, "close", g.Close(3), ErrnoSuccess)
	Equal(t, "closed in the end", closed.Load(), 1)
}

type closeCounter struct {
	net.Listener
	closed *atomic.Int32
}

func (c closeCounter) Close() error { c.closed.Add(1); return c.Listener.Close() }
