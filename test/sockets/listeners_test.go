package sockets_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// memoryListener is a listener in memory: what dials it gets the other end of a net.Pipe.
type memoryListener struct {
	conns    chan net.Conn
	closed   chan struct{}
	once     sync.Once
	accepted atomic.Int64
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		l.accepted.Add(1)
		return conn, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "memory", Err: net.ErrClosed}
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

// dial connects to the listener when it accepts.
func (l *memoryListener) dial() (net.Conn, error) {
	mine, its := net.Pipe()
	select {
	case l.conns <- its:
		return mine, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	}
}

// wrappedListener hides the descriptor of a listener, as wrappers do, and not those of its connections.
type wrappedListener struct{ net.Listener }

// servedListeners are listeners that Go serves, and how to connect to them.
var servedListeners = map[string]func(t *testing.T) (l net.Listener, dial func() (net.Conn, error)){
	"memory": func(*testing.T) (net.Listener, func() (net.Conn, error)) {
		l := newMemoryListener()
		return l, l.dial
	},
	"tls": func(t *testing.T) (net.Listener, func() (net.Conn, error)) {
		l := Listen(t, "tcp")
		secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{SelfSigned(t)}})
		return secure, func() (net.Conn, error) {
			conn, err := net.Dial("tcp", l.Addr().String())
			return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), err
		}
	},
	"wrapped": func(t *testing.T) (net.Listener, func() (net.Conn, error)) {
		network := Networks[len(Networks)-1]
		l := Listen(t, network)
		return wrappedListener{l}, func() (net.Conn, error) { return net.Dial(network, l.Addr().String()) }
	},
}

func overServedListeners(t *testing.T, f func(t *testing.T, l net.Listener, dial func() net.Conn)) {
	for name, make := range servedListeners {
		t.Run(name, func(t *testing.T) {
			l, dial := make(t)
			f(t, l, func() net.Conn {
				conn, err := dial()
				if err != nil {
					t.Error(err)
				}
				return conn
			})
		})
	}
}

// A listener without a descriptor is for the guest as one with a descriptor: TestListener does the same.
func TestListenerServedByGo(t *testing.T) {
	overServedListeners(t, func(t *testing.T, l net.Listener, dial func() net.Conn) {
		before := runtime.NumGoroutine()
		g := NewWasiGuest(t, nil)
		fd, err := g.Store.PushListener(l)
		if err != nil || fd != 3 {
			t.Fatalf("PushListener: %d, %v", fd, err)
		}
		stat, errno := g.Fdstat(3)
		Want(t, "file type", stat.Filetype, errno, FiletypeStream)
		const sockAccept = 1 << 29
		Want(t, "the right to accept", stat.Rights&sockAccept != 0, errno, true)
		filestat, errno := g.Filestat(3)
		Want(t, "file type of filestat", filestat.Filetype, errno, FiletypeStream)

		WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
		_, errno = g.Accept(3, 0)
		WantErrno(t, "accept without a connection", errno, ErrnoAgain)
		WantErrno(t, "clear NONBLOCK", g.SetFlags(3, 0), ErrnoSuccess)
		dialled := make(chan net.Conn, 1)
		go func() { dialled <- dial() }()
		kinds, n, hangup := g.PollRead(3, uint64(10*time.Second))
		if len(kinds) != 1 || kinds[0] != 1 || n != 0 || hangup {
			t.Errorf("poll: %v, %d bytes, hang-up %v", kinds, n, hangup)
		}
		conn := <-dialled
		defer conn.Close()
		_, errno = g.Accept(3, 1)
		WantErrno(t, "accept with a bad flag", errno, ErrnoInval)
		accepted, errno := g.Accept(3, FdflagNonblock)
		Want(t, "accept", accepted, errno, 4)
		stat, errno = g.Fdstat(4)
		Want(t, "file type of the accepted", stat.Filetype, errno, FiletypeStream)
		Want(t, "flags of the accepted", stat.Flags, errno, FdflagNonblock)
		_, errno = g.Read(4, 1)
		WantErrno(t, "read of nothing", errno, ErrnoAgain)
		WantErrno(t, "clear NONBLOCK", g.SetFlags(4, 0), ErrnoSuccess)
		go io.WriteString(conn, "ping")
		s, errno := g.Read(4, 9)
		Want(t, "read", s, errno, "ping")
		got := make(chan string)
		go func() { b, _ := io.ReadAll(conn); got <- string(b) }()
		written, errno := g.Write(4, "pong")
		Want(t, "write", written, errno, 4)
		WantErrno(t, "close", g.Close(4), ErrnoSuccess)
		if s := <-got; s != "pong" {
			t.Errorf("the host got %q", s)
		}

		// One that waits in the middle of the call.
		go func() { dialled <- dial() }()
		accepted, errno = g.Accept(3, 0)
		Want(t, "accept that waits", accepted, errno, 4)
		(<-dialled).Close()
		_, errno = g.Accept(4, 0)
		WantErrno(t, "accept of a connection", errno, ErrnoInval)

		WantErrno(t, "close the listener", g.Close(3), ErrnoSuccess)
		WantErrno(t, "close the connection", g.Close(4), ErrnoSuccess)
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is open afterwards: %v", err)
		}
		g.Store.Close()
		wantGoroutines(t, before+1)
	})
}

// wantGoroutines waits until there are no more goroutines than that.
func wantGoroutines(t *testing.T, most int) {
	t.Helper()
	n := runtime.NumGoroutine()
	for deadline := time.Now().Add(10 * time.Second); n > most && time.Now().Before(deadline); n = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond)
	}
	if n > most {
		t.Errorf("%d goroutines, want %d at most", n, most)
	}
}

// A connection that has a descriptor is the host's, whoever accepted it, and Go's copy of it is closed.
func TestAcceptedHasDescriptor(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := Listen(t, "tcp")
	var accepted net.Conn
	Check(t, g.Store.InsertListener(3, listenerFunc{l, func() (net.Conn, error) {
		conn, err := l.Accept()
		accepted = conn
		return conn, err
	}}))
	mine, err := net.Dial("tcp", l.Addr().String())
	Check(t, err)
	defer mine.Close()
	fd, errno := g.Accept(3, 0)
	Want(t, "accept", fd, errno, 4)
	if err := accepted.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Go's copy is open: %v", err)
	}
	// A socket of the host's is a file, which has a number there, but on Windows.
	stat, errno := g.Filestat(4)
	Want(t, "inode", stat.Inode != 0, errno, runtime.GOOS != "windows")
	io.WriteString(mine, "ping")
	s, errno := g.Recv(4, 9, 0)
	Want(t, "recv", s, errno, "ping")
	n, errno := g.Send(4, "pong")
	Want(t, "send", n, errno, 4)
	WantErrno(t, "shutdown", g.Call("sock_shutdown", 4, ShutWrite), ErrnoSuccess)
	if b, err := io.ReadAll(mine); string(b) != "pong" || err != nil {
		t.Errorf("the host got %q, %v", b, err)
	}
}

// listenerFunc accepts otherwise than its listener.
type listenerFunc struct {
	net.Listener
	accept func() (net.Conn, error)
}

func (l listenerFunc) Accept() (net.Conn, error) { return l.accept() }

// What a listening socket cannot do, it cannot do if Go serves it: the errors are those of a TCP listener on Linux.
func TestListenerServedByGoIsNoConnection(t *testing.T) {
	const errnoNotconn Errno = 53
	served, host := NewWasiGuest(t, nil), NewWasiGuest(t, nil)
	Check(t, served.Store.InsertListener(3, newMemoryListener()))
	Check(t, host.Store.InsertListener(3, Listen(t, "tcp")))
	for name, g := range map[string]*WasiGuest{"served": served, "host": host} {
		t.Run(name, func(t *testing.T) {
			_, errno := g.Read(3, 1)
			WantErrno(t, "read", errno, errnoNotconn)
			_, errno = g.Recv(3, 1, 0)
			WantErrno(t, "recv", errno, errnoNotconn)
			_, errno = g.Recv(3, 1, Peek)
			WantErrno(t, "peek", errno, errnoNotconn)
			_, errno = g.Write(3, "x")
			WantErrno(t, "write", errno, ErrnoPipe)
			_, errno = g.Send(3, "x")
			WantErrno(t, "send", errno, ErrnoPipe)
			_, errno = g.Seek(3, 0, 0)
			WantErrno(t, "seek", errno, ErrnoSpipe)
			if happened := g.PollWrite(3); len(happened) != 1 || happened[0] != 0 {
				t.Errorf("poll for writing: %v, want nothing but the clock", happened)
			}
			WantErrno(t, "end writing", g.Call("sock_shutdown", 3, ShutWrite), ErrnoSuccess)
			WantErrno(t, "end accepting", g.Call("sock_shutdown", 3, ShutRead), ErrnoSuccess)
			_, errno = g.Accept(3, 0)
			WantErrno(t, "accept afterwards", errno, ErrnoInval)
			if happened, _, _ := g.PollRead(3, uint64(10*time.Second)); len(happened) != 1 || happened[0] != 1 {
				t.Errorf("poll afterwards: %v", happened)
			}
			WantErrno(t, "end it again", g.Call("sock_shutdown", 3, ShutRead), errnoNotconn)
		})
	}
}

func TestListenerServedByGoErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := Listen(t, "tcp")
	errs := []error{syscall.EMFILE, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", syscall.ECONNABORTED)}, errors.New("other"), nil}
	Check(t, g.Store.InsertListener(3, listenerFunc{l, func() (net.Conn, error) {
		if len(errs) > 0 {
			err := errs[0]
			errs = errs[1:]
			return nil, err
		}
		return l.Accept()
	}}))
	for i, errno := range []Errno{33, 13, 29, 29} {
		_, got := g.Accept(3, 0)
		WantErrno(t, []string{"EMFILE", "ECONNABORTED", "another error", "neither"}[i], got, errno)
	}
	// After an error the guest may go on.
	mine, err := net.Dial("tcp", l.Addr().String())
	Check(t, err)
	defer mine.Close()
	fd, errno := g.Accept(3, 0)
	Want(t, "accept", fd, errno, 4)

	// A listener that the host has closed stays so, and polling says so.
	l.Close()
	for range 2 {
		_, errno = g.Accept(3, 0)
		WantErrno(t, "accept of a closed one", errno, ErrnoBadf)
		if kinds, _, _ := g.PollRead(3, uint64(10*time.Second)); len(kinds) != 1 || kinds[0] != 1 {
			t.Errorf("poll of a closed one: %v", kinds)
		}
	}

	// A connection that is closed already.
	Check(t, g.Store.InsertListener(3, listenerFunc{l, func() (net.Conn, error) {
		_, its := Connected(t, "tcp")
		its.Close()
		return its, nil
	}}))
	_, errno = g.Accept(3, 0)
	WantErrno(t, "accept of a closed connection", errno, 13)

	WantTyped(t, g.Store.InsertListener(3, nil), ErrBadFile, "nil")
	WantTyped(t, g.Store.InsertListener(3, (*memoryListener)(nil)), ErrBadFile, "nil")
	WantTyped(t, g.Store.InsertListener(1<<20, newMemoryListener()), ErrBadFd, "out of range")
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.InsertListener(3, newMemoryListener()); !errors.Is(err, ErrNoWasi) {
		t.Errorf("without WASI: %v", err)
	}
	if _, err := store.PushListener(newMemoryListener()); !errors.Is(err, ErrNoWasi) {
		t.Errorf("without WASI: %v", err)
	}
}

// A guest that waits for a connection is stopped with its context; the connection that comes then is for its next
// call.
func TestContextEndsAccept(t *testing.T) {
	overServedListeners(t, func(t *testing.T, l net.Listener, dial func() net.Conn) {
		g := NewCancellableGuest(t)
		Check(t, g.Store.InsertListener(3, l))
		accept := g.Instance.GetFunc(g.Store, "sock_accept")
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			_, err := accept.CallContext(ctx, g.Store, 3, 0, GuestResult)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
		}
		go func() { dial().Close() }()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		errno, err := accept.CallContext(ctx, g.Store, 3, 0, GuestResult)
		if err != nil || errno != int32(0) || g.Result32() != 4 {
			t.Errorf("accept: errno %v, descriptor %d, %v", errno, g.Result32(), err)
		}
	})
}

// What was accepted for a guest that is gone is closed, and so is the listener.
func TestListenerGone(t *testing.T) {
	for name, wait := range map[string]func(l *memoryListener){
		"accepted": func(l *memoryListener) {
			for l.accepted.Load() == 0 {
				runtime.Gosched()
			}
		},
		"accepting": func(*memoryListener) {},
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			g := NewWasiGuest(t, nil)
			l := newMemoryListener()
			Check(t, g.Store.InsertListener(3, l))
			WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
			_, errno := g.Accept(3, 0) // a goroutine accepts from now on
			WantErrno(t, "accept", errno, ErrnoAgain)
			ended := make(chan error, 1)
			go func() {
				mine, err := l.dial()
				if err == nil {
					_, err = mine.Read(make([]byte, 1))
				}
				ended <- err
			}()
			wait(l)
			g.Store.Close()
			if err := <-ended; err != io.EOF && err != syscall.ECONNREFUSED {
				t.Errorf("the other side: %v", err)
			}
			<-l.closed
			wantGoroutines(t, before)
		})
	}
}

// A connection that Accept returns after the guest is gone is closed as well.
func TestAcceptedTooLate(t *testing.T) {
	g := NewWasiGuest(t, nil)
	mine, its := net.Pipe()
	accepting, late := make(chan struct{}), make(chan struct{})
	Check(t, g.Store.InsertListener(3, listenerFunc{newMemoryListener(), func() (net.Conn, error) {
		close(accepting)
		<-late
		return its, nil
	}}))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	_, errno := g.Accept(3, 0)
	WantErrno(t, "accept", errno, ErrnoAgain)
	<-accepting
	WantErrno(t, "close", g.Close(3), ErrnoSuccess)
	close(late)
	if _, err := mine.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other side: %v", err)
	}
}

// A panic in Accept ends the guest, and is the caller's, whoever called it.
func TestListenerPanics(t *testing.T) {
	for name, flags := range map[string]int{"in the call": 0, "in a goroutine": FdflagNonblock} {
		t.Run(name, func(t *testing.T) {
			g := NewWasiGuest(t, nil)
			Check(t, g.Store.InsertListener(3, listenerFunc{newMemoryListener(), func() (net.Conn, error) { panic("accept") }}))
			WantErrno(t, "set flags", g.SetFlags(3, flags), ErrnoSuccess)
			value := PanicOf(t, func() {
				g.Accept(3, 0)
				g.PollRead(3, uint64(10*time.Second))
			})
			if value != "accept" {
				t.Errorf("recovered %v", value)
			}
			if _, errno := g.Fdstat(3); errno != ErrnoSuccess {
				t.Errorf("the store afterwards: errno %d", errno)
			}
		})
	}
}

// An Accept that ends its goroutine is an error for the guest if the goroutine was the listener's own.
func TestListenerGoexit(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Check(t, g.Store.InsertListener(3, listenerFunc{newMemoryListener(), func() (net.Conn, error) {
		runtime.Goexit()
		return nil, nil
	}}))
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	_, errno := g.Accept(3, 0)
	WantErrno(t, "accept", errno, ErrnoAgain)
	g.PollRead(3, uint64(10*time.Second))
	_, errno = g.Accept(3, 0)
	WantErrno(t, "accept afterwards", errno, 29)
}

// The store is in the middle of a call while Accept is called.
func TestListenerMustNotUseStore(t *testing.T) {
	g := NewWasiGuest(t, nil)
	var used error
	Check(t, g.Store.InsertListener(3, listenerFunc{newMemoryListener(), func() (net.Conn, error) {
		used = g.Store.SetFuel(1)
		return nil, io.EOF
	}}))
	g.Accept(3, 0)
	if !errors.Is(used, ErrConcurrentUse) {
		t.Errorf("got %v", used)
	}
}

// A program in Go that accepts with package net, whose runtime waits with poll_oneoff, and serves all connections at
// once.
func TestListenerGuest(t *testing.T) {
	wasm, err := guests.Go("echo")
	Check(t, err)
	engine := EngineWith(t, WithEpochs, CompilesQuickly)
	defer engine.Close()
	module, err := NewModule(engine, wasm)
	Check(t, err)
	defer module.Close()
	linker := NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	const conns = 8
	run := func(ctx context.Context, l net.Listener) error {
		store := NewStore(engine)
		defer store.Close()
		config := NewWasiConfig()
		config.SetArgv([]string{"echo", strconv.Itoa(conns)})
		config.SetStderr(os.Stderr)
		store.SetWasi(config)
		config.Close()
		if err := store.InsertListener(3, l); err != nil {
			return err
		}
		instance, err := linker.InstantiateContext(ctx, store, module)
		if err != nil {
			return err
		}
		_, err = instance.GetFunc(store, "_start").CallContext(ctx, store)
		if exit := (*ExitError)(nil); errors.As(err, &exit) && exit.Status == 0 {
			return nil
		}
		return err
	}
	overServedListeners(t, func(t *testing.T, l net.Listener, dial func() net.Conn) {
		before := runtime.NumGoroutine()
		outcome := make(chan error)
		go func() { outcome <- run(context.Background(), l) }()
		var clients sync.WaitGroup
		for i := range conns {
			clients.Go(func() {
				conn := dial()
				defer conn.Close()
				go io.Copy(conn, io.LimitReader(RandomStream(uint64(i)), 100_000))
				got, want := make([]byte, 100_000), make([]byte, 100_000)
				io.ReadFull(RandomStream(uint64(i)), want)
				if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("connection %d: something else came back, %v", i, err)
				}
			})
		}
		clients.Wait()
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		wantGoroutines(t, before+1)
	})
	t.Run("cancelled", func(t *testing.T) {
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(context.Background())
		l := newMemoryListener()
		outcome := make(chan error)
		go func() { outcome <- run(ctx, l) }()
		conn, err := l.dial() // so the guest runs
		Check(t, err)
		io.WriteString(conn, "x")
		io.ReadFull(conn, make([]byte, 1))
		cancel()
		if err := <-outcome; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection afterwards: %v", err)
		}
		<-l.closed
		wantGoroutines(t, before)
	})
}

// closeTold tells when it is closed.
type closeTold struct {
	net.Listener
	closed bool
}

func (l *closeTold) Close() error {
	err := l.Listener.Close()
	l.closed = true
	return err
}

// connTold is closeTold for a connection.
type connTold struct {
	net.Conn
	closed atomic.Bool
}

func (c *connTold) Close() error {
	err := c.Conn.Close()
	c.closed.Store(true)
	return err
}

// What is given away is closed when the store is.
func TestStoreCloseClosesWhatItServes(t *testing.T) {
	g := NewWasiGuest(t, nil)
	l := &closeTold{Listener: newMemoryListener()}
	its, mine := net.Pipe()
	defer mine.Close()
	c := &connTold{Conn: its}
	Check(t, g.Store.InsertListener(3, l))
	Check(t, g.Store.InsertConn(4, c))
	g.Store.Close()
	Equal(t, "listener closed", l.closed, true)
	Equal(t, "connection closed", c.closed.Load(), true)
}
