package sockets_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func overNetworks(t *testing.T, f func(t *testing.T, network string)) {
	for _, network := range Networks {
		t.Run(network, func(t *testing.T) { f(t, network) })
	}
}

func TestConn(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := NewWasiGuest(t, nil)
		mine, its := Connected(t, network)
		if err := g.Store.InsertConn(5, its); err != nil {
			t.Fatal(err)
		}
		its.Close() // the guest has its own
		runtime.GC()

		stat, errno := g.Fdstat(5)
		Want(t, "file type", stat.Filetype, errno, FiletypeStream)
		Want(t, "flags", stat.Flags, errno, 0)
		filestat, errno := g.Filestat(5)
		Want(t, "file type of filestat", filestat.Filetype, errno, FiletypeStream)
		_, errno = g.Seek(5, 0, 0)
		WantErrno(t, "seek", errno, ErrnoSpipe)
		_, errno = g.Pread(5, 1, 0)
		WantErrno(t, "pread", errno, ErrnoSpipe)
		_, errno = g.Accept(5, 0)
		WantErrno(t, "accept", errno, ErrnoInval)

		io.WriteString(mine, "hello guest")
		s, errno := g.Recv(5, 5, Peek)
		Want(t, "peek", s, errno, "hello")
		s, errno = g.Read(5, 6)
		Want(t, "read", s, errno, "hello ")
		s, errno = g.Recv(5, 100, 0)
		Want(t, "recv", s, errno, "guest")
		n, errno := g.Write(5, "written ")
		Want(t, "write", n, errno, 8)
		n, errno = g.Send(5, "sent")
		Want(t, "send", n, errno, 4)
		b := make([]byte, 12)
		if _, err := io.ReadFull(mine, b); err != nil || string(b) != "written sent" {
			t.Errorf("the host got %q, %v", b, err)
		}

		// The guest ends its direction, and still reads the other.
		WantErrno(t, "shutdown", g.Call("sock_shutdown", 5, ShutWrite), ErrnoSuccess)
		if rest, err := io.ReadAll(mine); len(rest) != 0 || err != nil {
			t.Errorf("after the shutdown: %q, %v", rest, err)
		}
		_, errno = g.Write(5, "more")
		WantErrno(t, "write after the shutdown", errno, ErrnoPipe)
		io.WriteString(mine, "last")
		mine.Close()
		s, errno = g.ReadAll(5)
		Want(t, "the rest", s, errno, "last")
		WantErrno(t, "close", g.Close(5), ErrnoSuccess)
		WantErrno(t, "no direction", g.Call("sock_shutdown", 5, 0), ErrnoBadf)
	})
}

func TestConnWaitAll(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := NewWasiGuest(t, nil)
		mine, its := Connected(t, network)
		fd, err := g.Store.PushConn(its)
		if err != nil || fd != 3 {
			t.Fatalf("PushConn: %d, %v", fd, err)
		}
		go func() {
			for _, part := range []string{"one ", "two ", "three"} {
				io.WriteString(mine, part)
				time.Sleep(5 * time.Millisecond)
			}
		}()
		s, errno := g.Recv(3, 13, WaitAll|Peek)
		Want(t, "peek at all", s, errno, "one two three")
		s, errno = g.Recv(3, 13, WaitAll)
		Want(t, "wait for all", s, errno, "one two three")
		time.AfterFunc(5*time.Millisecond, func() { io.WriteString(mine, "short"); mine.Close() })
		if !OnWine() { // which does not tell of an end that lies behind data
			s, errno = g.Recv(3, 100, WaitAll|Peek)
			Want(t, "peek until the end", s, errno, "short")
		}
		s, errno = g.Recv(3, 100, WaitAll)
		Want(t, "wait until the end", s, errno, "short")
	})
}

// The guest's non-blocking mode is its own: Go's connection waits as before.
func TestConnNonblocking(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := NewWasiGuest(t, nil)
		mine, its := Connected(t, network)
		if err := g.Store.InsertConn(3, its); err != nil {
			t.Fatal(err)
		}
		WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
		_, errno := g.Read(3, 1)
		WantErrno(t, "read", errno, ErrnoAgain)
		_, errno = g.Recv(3, 1, Peek)
		WantErrno(t, "recv", errno, ErrnoAgain)
		chunk, total := strings.Repeat("x", 1<<20), 0
		for {
			n, errno := g.Write(3, chunk)
			if errno == ErrnoAgain {
				break
			}
			Want(t, "write", n > 0, errno, true)
			total += n
		}
		its.Close()
		done := make(chan int64)
		go func() { n, _ := io.Copy(io.Discard, mine); done <- n }()
		WantErrno(t, "close", g.Close(3), ErrnoSuccess)
		if n := <-done; n != int64(total) {
			t.Errorf("%d bytes arrived of %d", n, total)
		}
	})
}

// A guest whose descriptor blocks writes everything, though Go's does not block.
func TestConnWritesAll(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := NewWasiGuest(t, nil)
		mine, its := Connected(t, network)
		if err := g.Store.InsertConn(3, its); err != nil {
			t.Fatal(err)
		}
		its.Close()
		text := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		got := make(chan []byte)
		go func() {
			time.Sleep(10 * time.Millisecond)
			all, _ := io.ReadAll(mine)
			got <- all
		}()
		n, errno := g.Write(3, string(text))
		Want(t, "write", n, errno, len(text))
		g.Close(3)
		if !bytes.Equal(<-got, text) {
			t.Error("something else arrived")
		}
	})
}

func TestConnReset(t *testing.T) {
	g := NewWasiGuest(t, nil)
	mine, its := Connected(t, "tcp")
	if err := g.Store.InsertConn(3, its); err != nil {
		t.Fatal(err)
	}
	mine.(*net.TCPConn).SetLinger(0)
	mine.Close()
	kinds, _, hangup := g.PollRead(3, uint64(time.Second))
	if len(kinds) != 1 || !hangup {
		t.Errorf("poll: %v, hang-up %v", kinds, hangup)
	}
	_, errno := g.Read(3, 1)
	WantErrno(t, "read", errno, ErrnoReset)
}

func TestConnAccessMode(t *testing.T) {
	g := NewWasiGuest(t, nil)
	mine, its := Connected(t, "tcp")
	f, err := its.(*net.TCPConn).File()
	if runtime.GOOS == "windows" && err != nil {
		t.Skip("Wine cannot do that:", err)
	}
	Check(t, err)
	defer f.Close()
	Insert(t, g.Store, 3, f, READ_ONLY)
	Insert(t, g.Store, 4, f, WRITE_ONLY)
	_, errno := g.Write(3, "x")
	WantErrno(t, "write to read-only", errno, ErrnoBadf)
	_, errno = g.Send(3, "x")
	WantErrno(t, "send to read-only", errno, ErrnoBadf)
	WantErrno(t, "end the writing of read-only", g.Call("sock_shutdown", 3, ShutWrite), ErrnoBadf)
	_, errno = g.Read(4, 1)
	WantErrno(t, "read from write-only", errno, ErrnoBadf)
	_, errno = g.Recv(4, 1, 0)
	WantErrno(t, "recv from write-only", errno, ErrnoBadf)
	WantErrno(t, "end the reading of write-only", g.Call("sock_shutdown", 4, ShutRead), ErrnoBadf)
	n, errno := g.Write(4, "x")
	Want(t, "write", n, errno, 1)
	io.WriteString(mine, "y")
	s, errno := g.Read(3, 9)
	Want(t, "read", s, errno, "y")
}

func TestListener(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := NewWasiGuest(t, nil)
		l := Listen(t, network)
		fd, err := g.Store.PushListener(l)
		if err != nil || fd != 3 {
			t.Fatalf("PushListener: %d, %v", fd, err)
		}
		WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
		_, errno := g.Accept(3, 0)
		WantErrno(t, "accept without a connection", errno, ErrnoAgain)
		WantErrno(t, "clear NONBLOCK", g.SetFlags(3, 0), ErrnoSuccess)
		dialled := make(chan net.Conn)
		go func() {
			time.Sleep(5 * time.Millisecond)
			conn, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Error(err)
			}
			dialled <- conn
		}()
		kinds, _, _ := g.PollRead(3, uint64(10*time.Second))
		if len(kinds) != 1 || kinds[0] != 1 {
			t.Errorf("poll: %v", kinds)
		}
		conn := <-dialled
		defer conn.Close()
		_, errno = g.Accept(3, 1)
		WantErrno(t, "accept with a bad flag", errno, ErrnoInval)
		accepted, errno := g.Accept(3, FdflagNonblock)
		Want(t, "accept", accepted, errno, 4)
		stat, errno := g.Fdstat(4)
		Want(t, "flags of the accepted", stat.Flags, errno, FdflagNonblock)
		_, errno = g.Read(4, 1)
		WantErrno(t, "read of nothing", errno, ErrnoAgain)
		WantErrno(t, "clear NONBLOCK", g.SetFlags(4, 0), ErrnoSuccess)
		io.WriteString(conn, "ping")
		s, errno := g.Read(4, 9)
		Want(t, "read", s, errno, "ping")
		g.Write(4, "pong")
		g.Close(4)
		if b, err := io.ReadAll(conn); string(b) != "pong" || err != nil {
			t.Errorf("the host got %q, %v", b, err)
		}
	})
}

func TestSocketCallsOnFiles(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Insert(t, g.Store, 3, TempFile(t, "text"), READ_WRITE)
	_, errno := g.Accept(3, 0)
	WantErrno(t, "accept", errno, ErrnoNotsock)
	_, errno = g.Recv(3, 1, 0)
	WantErrno(t, "recv", errno, ErrnoNotsock)
	_, errno = g.Send(3, "x")
	WantErrno(t, "send", errno, ErrnoNotsock)
	WantErrno(t, "shutdown", g.Call("sock_shutdown", 3, ShutRead), ErrnoNotsock)
}

func TestInsertConnErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	WantTyped(t, g.Store.InsertConn(3, nil), ErrBadFile, "nil")
	var none *net.TCPConn
	WantTyped(t, g.Store.InsertConn(3, none), ErrBadFile, "nil")
	_, its := Connected(t, "tcp")
	its.Close()
	WantTyped(t, g.Store.InsertConn(3, its), ErrBadFile, "closed")
	l := Listen(t, "tcp")
	l.Close()
	WantTyped(t, g.Store.InsertListener(3, l), ErrBadFile, "closed")
	if g.IsOpen(3) {
		t.Error("something was inserted")
	}
	_, its = Connected(t, "tcp")
	WantTyped(t, g.Store.InsertConn(1<<20, its), ErrBadFd, "out of range")
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.InsertConn(3, its); !errors.Is(err, ErrNoWasi) {
		t.Errorf("without WASI: %v", err)
	}
}
