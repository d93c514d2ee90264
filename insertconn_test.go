package wasmtime_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// networks are the kinds of stream sockets that tests use. Windows has the second since 2018, Wine not yet.
var networks = func() []string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return []string{"tcp"}
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		return []string{"tcp"}
	}
	l.Close()
	return []string{"tcp", "unix"}
}()

func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(tempDir(t), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connected returns both ends of a connection.
func connected(t testing.TB, network string) (here, there net.Conn) {
	t.Helper()
	l := listen(t, network)
	here, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

func overNetworks(t *testing.T, f func(t *testing.T, network string)) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) { f(t, network) })
	}
}

const (
	peek      = 1
	waitAll   = 2
	shutRead  = 1
	shutWrite = 2
)

func TestConn(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := newWasiGuest(t, nil)
		mine, its := connected(t, network)
		if err := g.store.InsertConn(5, its); err != nil {
			t.Fatal(err)
		}
		its.Close() // the guest has its own
		runtime.GC()

		stat, errno := g.fdstat(5)
		want(t, "file type", stat.filetype, errno, filetypeStream)
		want(t, "flags", stat.flags, errno, 0)
		filestat, errno := g.filestat(5)
		want(t, "file type of filestat", filestat.filetype, errno, filetypeStream)
		_, errno = g.seek(5, 0, 0)
		wantErrno(t, "seek", errno, errnoSpipe)
		_, errno = g.pread(5, 1, 0)
		wantErrno(t, "pread", errno, errnoSpipe)
		_, errno = g.accept(5, 0)
		wantErrno(t, "accept", errno, errnoInval)

		io.WriteString(mine, "hello guest")
		s, errno := g.recv(5, 5, peek)
		want(t, "peek", s, errno, "hello")
		s, errno = g.read(5, 6)
		want(t, "read", s, errno, "hello ")
		s, errno = g.recv(5, 100, 0)
		want(t, "recv", s, errno, "guest")
		n, errno := g.write(5, "written ")
		want(t, "write", n, errno, 8)
		n, errno = g.send(5, "sent")
		want(t, "send", n, errno, 4)
		b := make([]byte, 12)
		if _, err := io.ReadFull(mine, b); err != nil || string(b) != "written sent" {
			t.Errorf("the host got %q, %v", b, err)
		}

		// The guest ends its direction, and still reads the other.
		wantErrno(t, "shutdown", g.call("sock_shutdown", 5, shutWrite), errnoSuccess)
		if rest, err := io.ReadAll(mine); len(rest) != 0 || err != nil {
			t.Errorf("after the shutdown: %q, %v", rest, err)
		}
		_, errno = g.write(5, "more")
		wantErrno(t, "write after the shutdown", errno, errnoPipe)
		io.WriteString(mine, "last")
		mine.Close()
		s, errno = g.readAll(5)
		want(t, "the rest", s, errno, "last")
		wantErrno(t, "close", g.close(5), errnoSuccess)
		wantErrno(t, "no direction", g.call("sock_shutdown", 5, 0), errnoBadf)
	})
}

func TestConnWaitAll(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := newWasiGuest(t, nil)
		mine, its := connected(t, network)
		fd, err := g.store.PushConn(its)
		if err != nil || fd != 3 {
			t.Fatalf("PushConn: %d, %v", fd, err)
		}
		go func() {
			for _, part := range []string{"one ", "two ", "three"} {
				io.WriteString(mine, part)
				time.Sleep(5 * time.Millisecond)
			}
		}()
		s, errno := g.recv(3, 13, waitAll|peek)
		want(t, "peek at all", s, errno, "one two three")
		s, errno = g.recv(3, 13, waitAll)
		want(t, "wait for all", s, errno, "one two three")
		time.AfterFunc(5*time.Millisecond, func() { io.WriteString(mine, "short"); mine.Close() })
		if !onWine() { // which does not tell of an end that lies behind data
			s, errno = g.recv(3, 100, waitAll|peek)
			want(t, "peek until the end", s, errno, "short")
		}
		s, errno = g.recv(3, 100, waitAll)
		want(t, "wait until the end", s, errno, "short")
	})
}

// The guest's non-blocking mode is its own: Go's connection waits as before.
func TestConnNonblocking(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := newWasiGuest(t, nil)
		mine, its := connected(t, network)
		if err := g.store.InsertConn(3, its); err != nil {
			t.Fatal(err)
		}
		wantErrno(t, "set NONBLOCK", g.setFlags(3, fdflagNonblock), errnoSuccess)
		_, errno := g.read(3, 1)
		wantErrno(t, "read", errno, errnoAgain)
		_, errno = g.recv(3, 1, peek)
		wantErrno(t, "recv", errno, errnoAgain)
		chunk, total := strings.Repeat("x", 1<<20), 0
		for {
			n, errno := g.write(3, chunk)
			if errno == errnoAgain {
				break
			}
			want(t, "write", n > 0, errno, true)
			total += n
		}
		its.Close()
		done := make(chan int64)
		go func() { n, _ := io.Copy(io.Discard, mine); done <- n }()
		wantErrno(t, "close", g.close(3), errnoSuccess)
		if n := <-done; n != int64(total) {
			t.Errorf("%d bytes arrived of %d", n, total)
		}
	})
}

// A guest whose descriptor blocks writes everything, though Go's does not block.
func TestConnWritesAll(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := newWasiGuest(t, nil)
		mine, its := connected(t, network)
		if err := g.store.InsertConn(3, its); err != nil {
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
		n, errno := g.write(3, string(text))
		want(t, "write", n, errno, len(text))
		g.close(3)
		if !bytes.Equal(<-got, text) {
			t.Error("something else arrived")
		}
	})
}

func TestConnReset(t *testing.T) {
	g := newWasiGuest(t, nil)
	mine, its := connected(t, "tcp")
	if err := g.store.InsertConn(3, its); err != nil {
		t.Fatal(err)
	}
	mine.(*net.TCPConn).SetLinger(0)
	mine.Close()
	kinds, _, hangup := g.pollRead(3, uint64(time.Second))
	if len(kinds) != 1 || !hangup {
		t.Errorf("poll: %v, hang-up %v", kinds, hangup)
	}
	_, errno := g.read(3, 1)
	wantErrno(t, "read", errno, errnoReset)
}

func TestConnAccessMode(t *testing.T) {
	g := newWasiGuest(t, nil)
	mine, its := connected(t, "tcp")
	f, err := its.(*net.TCPConn).File()
	if runtime.GOOS == "windows" && err != nil {
		t.Skip("Wine cannot do that:", err)
	}
	check(t, err)
	defer f.Close()
	insert(t, g.store, 3, f, READ_ONLY)
	insert(t, g.store, 4, f, WRITE_ONLY)
	_, errno := g.write(3, "x")
	wantErrno(t, "write to read-only", errno, errnoBadf)
	_, errno = g.send(3, "x")
	wantErrno(t, "send to read-only", errno, errnoBadf)
	wantErrno(t, "end the writing of read-only", g.call("sock_shutdown", 3, shutWrite), errnoBadf)
	_, errno = g.read(4, 1)
	wantErrno(t, "read from write-only", errno, errnoBadf)
	_, errno = g.recv(4, 1, 0)
	wantErrno(t, "recv from write-only", errno, errnoBadf)
	wantErrno(t, "end the reading of write-only", g.call("sock_shutdown", 4, shutRead), errnoBadf)
	n, errno := g.write(4, "x")
	want(t, "write", n, errno, 1)
	io.WriteString(mine, "y")
	s, errno := g.read(3, 9)
	want(t, "read", s, errno, "y")
}

func TestListener(t *testing.T) {
	overNetworks(t, func(t *testing.T, network string) {
		g := newWasiGuest(t, nil)
		l := listen(t, network)
		fd, err := g.store.PushListener(l)
		if err != nil || fd != 3 {
			t.Fatalf("PushListener: %d, %v", fd, err)
		}
		wantErrno(t, "set NONBLOCK", g.setFlags(3, fdflagNonblock), errnoSuccess)
		_, errno := g.accept(3, 0)
		wantErrno(t, "accept without a connection", errno, errnoAgain)
		wantErrno(t, "clear NONBLOCK", g.setFlags(3, 0), errnoSuccess)
		dialled := make(chan net.Conn)
		go func() {
			time.Sleep(5 * time.Millisecond)
			conn, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Error(err)
			}
			dialled <- conn
		}()
		kinds, _, _ := g.pollRead(3, uint64(10*time.Second))
		if len(kinds) != 1 || kinds[0] != 1 {
			t.Errorf("poll: %v", kinds)
		}
		conn := <-dialled
		defer conn.Close()
		_, errno = g.accept(3, 1)
		wantErrno(t, "accept with a bad flag", errno, errnoInval)
		accepted, errno := g.accept(3, fdflagNonblock)
		want(t, "accept", accepted, errno, 4)
		stat, errno := g.fdstat(4)
		want(t, "flags of the accepted", stat.flags, errno, fdflagNonblock)
		_, errno = g.read(4, 1)
		wantErrno(t, "read of nothing", errno, errnoAgain)
		wantErrno(t, "clear NONBLOCK", g.setFlags(4, 0), errnoSuccess)
		io.WriteString(conn, "ping")
		s, errno := g.read(4, 9)
		want(t, "read", s, errno, "ping")
		g.write(4, "pong")
		g.close(4)
		if b, err := io.ReadAll(conn); string(b) != "pong" || err != nil {
			t.Errorf("the host got %q, %v", b, err)
		}
	})
}

func TestSocketCallsOnFiles(t *testing.T) {
	g := newWasiGuest(t, nil)
	insert(t, g.store, 3, tempFile(t, "text"), READ_WRITE)
	_, errno := g.accept(3, 0)
	wantErrno(t, "accept", errno, errnoNotsock)
	_, errno = g.recv(3, 1, 0)
	wantErrno(t, "recv", errno, errnoNotsock)
	_, errno = g.send(3, "x")
	wantErrno(t, "send", errno, errnoNotsock)
	wantErrno(t, "shutdown", g.call("sock_shutdown", 3, shutRead), errnoNotsock)
}

func TestInsertConnErrors(t *testing.T) {
	g := newWasiGuest(t, nil)
	wantTyped(t, g.store.InsertConn(3, nil), ErrBadFile, "nil")
	var none *net.TCPConn
	wantTyped(t, g.store.InsertConn(3, none), ErrBadFile, "nil")
	_, its := connected(t, "tcp")
	its.Close()
	wantTyped(t, g.store.InsertConn(3, its), ErrBadFile, "closed")
	l := listen(t, "tcp")
	l.Close()
	wantTyped(t, g.store.InsertListener(3, l), ErrBadFile, "closed")
	if g.isOpen(3) {
		t.Error("something was inserted")
	}
	_, its = connected(t, "tcp")
	wantTyped(t, g.store.InsertConn(1<<20, its), ErrBadFd, "out of range")
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.InsertConn(3, its); !errors.Is(err, ErrNoWasi) {
		t.Errorf("without WASI: %v", err)
	}
}
