package streams_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func TestInsertReader(t *testing.T) {
	for name, r := range map[string]func() io.Reader{
		"plain":          func() io.Reader { return strings.NewReader("read by the guest") },
		"a byte a read":  func() io.Reader { return iotest.OneByteReader(strings.NewReader("read by the guest")) },
		"end with data":  func() io.Reader { return iotest.DataErrReader(strings.NewReader("read by the guest")) },
		"empty attempts": func() io.Reader { return &hesitant{Reader: strings.NewReader("read by the guest")} },
	} {
		for mode, flags := range map[string]int{"blocking": 0, "non-blocking": FdflagNonblock} {
			t.Run(name+", "+mode, func(t *testing.T) {
				g := NewWasiGuest(t, nil)
				if err := g.Store.InsertReader(3, r()); err != nil {
					t.Fatal(err)
				}
				WantErrno(t, "set flags", g.SetFlags(3, flags), ErrnoSuccess)
				var all strings.Builder
				for {
					s, errno := g.Read(3, 4)
					if errno == ErrnoAgain && flags != 0 {
						if kinds, _, _ := g.PollRead(3, uint64(10*time.Second)); len(kinds) != 1 || kinds[0] != 1 {
							t.Fatalf("poll: %v", kinds)
						}
						continue
					}
					Want(t, "read", len(s) <= 4, errno, true)
					if s == "" {
						break
					}
					all.WriteString(s)
				}
				if all.String() != "read by the guest" {
					t.Errorf("the guest read %q", all.String())
				}
				_, errno := g.Write(3, "x")
				WantErrno(t, "write", errno, ErrnoBadf)
				_, errno = g.Seek(3, 0, 0)
				WantErrno(t, "seek", errno, ErrnoSpipe)
				_, errno = g.Recv(3, 1, 0)
				WantErrno(t, "recv", errno, ErrnoNotsock)
			})
		}
	}
}

// hesitant returns nothing now and then, which a reader may.
type hesitant struct {
	io.Reader
	calls int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.calls++; h.calls%3 != 0 {
		return 0, nil
	}
	return h.Reader.Read(p)
}

func TestInsertReaderErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	broken := errors.New("broken")
	if err := g.Store.InsertReader(3, io.MultiReader(strings.NewReader("before"), iotest.ErrReader(broken))); err != nil {
		t.Fatal(err)
	}
	s, errno := g.Read(3, 100)
	Want(t, "read", s, errno, "before")
	for range 2 {
		_, errno = g.Read(3, 100)
		WantErrno(t, "read of a broken reader", errno, ErrnoIo)
	}
	if err := g.Store.InsertReader(3, iotest.ErrReader(io.ErrClosedPipe)); err != nil {
		t.Fatal(err)
	}
	_, errno = g.Read(3, 100)
	WantErrno(t, "read of a closed pipe", errno, ErrnoPipe)
	if err := g.Store.InsertReader(3, iotest.ErrReader(nil)); err != nil {
		t.Fatal(err)
	}
	_, errno = g.Read(3, 100)
	WantErrno(t, "read of a reader that never has anything", errno, ErrnoIo)

	WantTyped(t, g.Store.InsertReader(3, nil), ErrBadFile, "nil")
	WantTyped(t, g.Store.InsertReader(3, (*bytes.Buffer)(nil)), ErrBadFile, "nil")
	WantTyped(t, g.Store.InsertWriter(3, nil), ErrBadFile, "nil")
	WantTyped(t, g.Store.InsertReader(1<<20, strings.NewReader("")), ErrBadFd, "out of range")
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.InsertReader(3, strings.NewReader("")); !errors.Is(err, ErrNoWasi) {
		t.Errorf("without WASI: %v", err)
	}
}

func TestInsertWriter(t *testing.T) {
	g := NewWasiGuest(t, nil)
	var got bytes.Buffer
	fd, err := g.Store.PushWriter(&got)
	if err != nil || fd != 3 {
		t.Fatalf("PushWriter: %d, %v", fd, err)
	}
	for _, s := range []string{"one ", "two ", "three"} {
		n, errno := g.Write(3, s)
		Want(t, "write", n, errno, len(s))
	}
	if got.String() != "one two three" {
		t.Errorf("the writer got %q", got.String())
	}
	_, errno := g.Read(3, 1)
	WantErrno(t, "read", errno, ErrnoBadf)

	// A writer that takes a part is met with the error that it should have had.
	if err := g.Store.InsertWriter(3, iotest.TruncateWriter(io.Discard, 2)); err != nil {
		t.Fatal(err)
	}
	n, errno := g.Write(3, "many")
	Want(t, "write to one that pretends", n, errno, 4)
	if err := g.Store.InsertWriter(3, limited(3)); err != nil {
		t.Fatal(err)
	}
	n, errno = g.Write(3, "many")
	Want(t, "write of a part", n, errno, 3)
	_, errno = g.Write(3, "more")
	WantErrno(t, "write to a full one", errno, 51)
}

// limited takes so many bytes, and then fails as a full disk does.
type limited int

func (l limited) Write(p []byte) (int, error) {
	if len(p) > int(l) {
		return int(l), &os.PathError{Op: "write", Path: "disk", Err: syscall.ENOSPC}
	}
	return len(p), nil
}

// A guest that does not wait is not kept by a writer that is slow, which may be 64 KiB behind.
func TestInsertWriterNonblocking(t *testing.T) {
	t.Parallel() // the call leaves a writer only after some seconds
	g := NewWasiGuest(t, nil)
	r, w := io.Pipe()
	if err := g.Store.InsertWriter(3, w); err != nil {
		t.Fatal(err)
	}
	WantErrno(t, "set NONBLOCK", g.SetFlags(3, FdflagNonblock), ErrnoSuccess)
	var written bytes.Buffer
	write := g.Instance.GetFunc(g.Store, "fd_write")
	for line := strings.Repeat("0123456789", 100); ; {
		g.Iovec(len(line))
		g.Mem.Write(GuestBuffer, []byte(line))
		errno, err := write.Call(g.Store, 3, GuestIovec, 1, GuestResult)
		if Errno(errno.(int32)) == ErrnoAgain {
			Check(t, err)
			break
		}
		WantErrno(t, "write", Errno(errno.(int32)), ErrnoSuccess)
		written.WriteString(line[:g.Result32()])
		wantUnwritten(t, err, written.Len(), nil) // all calls know that they leave the writer
	}
	if written.Len() != 64<<10 {
		t.Errorf("%d bytes were taken ahead of the writer, want 64 KiB", written.Len())
	}
	taken := make([]byte, written.Len())
	if _, err := io.ReadFull(r, taken); err != nil || string(taken) != written.String() {
		t.Errorf("the writer had something else: %v", err)
	}
	go io.ReadFull(r, taken[:5]) // the call that writes waits for it
	deadline := time.Now().Add(10 * time.Second)
	n, errno := g.Write(3, "after")
	for errno == ErrnoAgain && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
		n, errno = g.Write(3, "after")
	}
	Want(t, "write afterwards", n, errno, 5)
	r.Close()
}

// Go's runtime makes its streams non-blocking, writes its last words in small pieces, and dies of an error.
func TestStderrHasLastWords(t *testing.T) {
	wasm, err := guests.Go("lastwords")
	if err != nil {
		t.Fatal(err)
	}
	engine := EngineWith(t, CompilesQuickly)
	defer engine.Close()
	module := Must(NewModule(engine, wasm))
	for _, dies := range []struct{ how, says string }{
		{"panic", "panic: these are my last words\n\ngoroutine 1 [running]:\nmain.main()"},
		{"print", "one 1\ntwo 2\nthree 3\n"},
		{"deadlock", "fatal error: all goroutines are asleep - deadlock!"},
	} {
		var stderr bytes.Buffer
		config := NewWasiConfig()
		config.SetArgv([]string{"lastwords", dies.how})
		config.SetStderr(&stderr)
		store := NewStore(engine)
		if err := store.ConfigureWasi(config); err != nil {
			t.Fatal(err)
		}
		linker := NewLinker(engine)
		if err := linker.DefineWasi(); err != nil {
			t.Fatal(err)
		}
		_, err := Must(linker.Instantiate(store, module)).GetFunc(store, "_start").Call(store)
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Status != 2 {
			t.Errorf("%s: %v, want status 2", dies.how, err)
		}
		if !strings.HasPrefix(stderr.String(), dies.says) {
			t.Errorf("%s: it says %q, want %q", dies.how, stderr.String(), dies.says)
		}
		store.Close()
	}
}

func TestStdioStreams(t *testing.T) {
	var out, errs bytes.Buffer
	config := NewWasiConfig()
	config.SetStdin(strings.NewReader("input"))
	config.SetStdout(&out)
	config.SetStderr(&errs)
	g := NewWasiGuest(t, config)
	s, errno := g.ReadAll(0)
	Want(t, "standard input", s, errno, "input")
	g.Write(1, "to stdout")
	g.Write(2, "to stderr")
	if out.String() != "to stdout" || errs.String() != "to stderr" {
		t.Errorf("got %q and %q", out.String(), errs.String())
	}
	config = NewWasiConfig()
	config.SetStdinBytes([]byte("bytes"))
	for range 2 { // every store reads them anew
		g := NewWasiGuest(t, config)
		s, errno := g.ReadAll(0)
		Want(t, "standard input of bytes", s, errno, "bytes")
	}
	f := TempFile(t, "in a file")
	config = NewWasiConfig()
	config.SetStdin(f)
	g = NewWasiGuest(t, config)
	s, errno = g.ReadAll(0)
	Want(t, "standard input of a file", s, errno, "in a file")
	f.Close()
	store := NewStore(NewEngine())
	defer store.Close()
	WantTyped(t, store.ConfigureWasi(config), ErrBadFile, "closed")
	config = NewWasiConfig()
	config.SetStdin(nil)
	WantTyped(t, store.ConfigureWasi(config), ErrBadFile, "nil")
}

// A panic in a writer ends the guest, and is the caller's.
func TestStreamPanics(t *testing.T) {
	g := NewWasiGuest(t, nil)
	if err := g.Store.InsertWriter(3, writerFunc(func([]byte) (int, error) { panic("writer") })); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if value := recover(); value != "writer" {
				t.Errorf("recovered %v", value)
			}
		}()
		g.Write(3, "x")
		t.Error("the write returned")
	}()
	if _, errno := g.Fdstat(0); errno != ErrnoSuccess {
		t.Errorf("the store afterwards: errno %d", errno)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The store is in the middle of a call while a writer is called: using it is refused, not undefined.
func TestStreamMustNotUseStore(t *testing.T) {
	g := NewWasiGuest(t, nil)
	var used error
	g.Store.InsertWriter(3, writerFunc(func(p []byte) (int, error) {
		used = g.Store.SetFuel(1)
		return len(p), nil
	}))
	g.Write(3, "x")
	if !errors.Is(used, ErrConcurrentUse) {
		t.Errorf("got %v", used)
	}
}

func TestContextEndsStreams(t *testing.T) {
	for name, c := range map[string]struct {
		insert func(g *WasiGuest)
		call   func(g *WasiGuest) (string, []any)
	}{
		"read": {
			func(g *WasiGuest) { r, _ := io.Pipe(); g.Store.InsertReader(3, r) },
			func(g *WasiGuest) (string, []any) { g.Iovec(1); return "fd_read", []any{3, GuestIovec, 1, GuestResult} },
		},
		"write": {
			func(g *WasiGuest) { _, w := io.Pipe(); g.Store.InsertWriter(3, w) },
			func(g *WasiGuest) (string, []any) {
				g.Iovec(1)
				return "fd_write", []any{3, GuestIovec, 1, GuestResult}
			},
		},
		"poll": {
			func(g *WasiGuest) { r, _ := io.Pipe(); g.Store.InsertReader(3, r) },
			func(g *WasiGuest) (string, []any) {
				sub := make([]byte, 48)
				sub[8], sub[16] = 1, 3
				g.Mem.Write(GuestBuffer, sub)
				return "poll_oneoff", []any{GuestBuffer, GuestBuffer + 4096, 1, GuestResult}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewCancellableGuest(t)
			c.insert(g)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			name, args := c.call(g)
			_, err := g.Instance.GetFunc(g.Store, name).CallContext(ctx, g.Store, args...)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			if _, errno := g.Fdstat(0); errno != ErrnoSuccess {
				t.Errorf("afterwards: errno %d", errno)
			}
		})
	}
}

// A guest that waits for a stream stops with the context of any call around its own.
func TestOuterContextEndsStreams(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetEpochInterruption(true) })
	wasm, err := Wat2Wasm(`(module
		(import "" "nested" (func $nested))
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(func (export "outer") (call $nested))
		(func (export "read") (i32.store (i32.const 4) (i32.const 1))
			(drop (call $read (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8)))))`)
	if err != nil {
		t.Fatal(err)
	}
	module, err := NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	for name, inner := range map[string]func() (context.Context, func()){
		"background": func() (context.Context, func()) { return context.Background(), func() {} },
		"another":    func() (context.Context, func()) { return context.WithCancel(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			store.SetWasi(NewWasiConfig())
			linker := NewLinker(engine)
			defer linker.Close()
			if err := linker.DefineWasi(); err != nil {
				t.Fatal(err)
			}
			var instance *Instance
			if err := linker.DefineHost("", "nested", HostFunc0(func(c *Caller) (None, error) {
				ctx, cancel := inner()
				defer cancel()
				_, err := instance.GetFunc(store, "read").CallContext(ctx, c)
				return None{}, err
			})); err != nil {
				t.Fatal(err)
			}
			if instance, err = linker.InstantiateContext(context.Background(), store, module); err != nil {
				t.Fatal(err)
			}
			r, w := io.Pipe()
			defer w.Close()
			if err := store.InsertReader(3, r); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			if _, err := instance.GetFunc(store, "outer").CallContext(ctx, store); err == nil {
				t.Error("the guest went on")
			}
		})
	}
}

// tlsPair returns both ends of a TLS connection.
func tlsPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	cert := SelfSigned(t)
	a, b := Connected(t, "tcp")
	server = tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}})
	client = tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error)
	go func() { done <- server.(*tls.Conn).Handshake() }()
	if err := client.(*tls.Conn).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestConnServedByGo(t *testing.T) {
	for name, pair := range map[string]func(t *testing.T) (mine, its net.Conn){
		"net.Pipe": func(*testing.T) (net.Conn, net.Conn) { return net.Pipe() },
		"tls.Conn": tlsPair,
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			g := NewWasiGuest(t, nil)
			mine, its := pair(t)
			if err := g.Store.InsertConn(4, its); err != nil {
				t.Fatal(err)
			}
			stat, errno := g.Fdstat(4)
			Want(t, "file type", stat.Filetype, errno, FiletypeStream)
			go io.WriteString(mine, "hello guest")
			s, errno := g.Recv(4, 5, Peek)
			Want(t, "peek", s, errno, "hello")
			s, errno = g.Recv(4, 11, WaitAll)
			Want(t, "wait for all", s, errno, "hello guest")
			WantErrno(t, "set NONBLOCK", g.SetFlags(4, FdflagNonblock), ErrnoSuccess)
			_, errno = g.Read(4, 1)
			WantErrno(t, "read of nothing", errno, ErrnoAgain)
			go func() { time.Sleep(5 * time.Millisecond); io.WriteString(mine, "more") }()
			kinds, n, _ := g.PollRead(4, uint64(10*time.Second))
			if len(kinds) != 1 || kinds[0] != 1 || n != 4 {
				t.Errorf("poll: %v, %d bytes", kinds, n)
			}
			s, errno = g.Read(4, 9)
			Want(t, "read", s, errno, "more")
			WantErrno(t, "clear NONBLOCK", g.SetFlags(4, 0), ErrnoSuccess)
			got := make(chan string)
			go func() { b, _ := io.ReadAll(mine); got <- string(b) }()
			w, errno := g.Send(4, "from the guest")
			Want(t, "send", w, errno, 14)
			if name == "tls.Conn" {
				WantErrno(t, "shutdown", g.Call("sock_shutdown", 4, ShutWrite), ErrnoSuccess)
			} else {
				WantErrno(t, "close", g.Close(4), ErrnoSuccess)
			}
			if s := <-got; s != "from the guest" {
				t.Errorf("the host got %q", s)
			}
			mine.Close()
			g.Store.Close()
			for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+1 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			if after := runtime.NumGoroutine(); after > before+1 {
				t.Errorf("%d goroutines before, %d after", before, after)
			}
		})
	}
}
