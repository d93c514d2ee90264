package filesystems_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// The guest gets the error number of what a file system says, from every call.
func TestFSErrors(t *testing.T) {
	for _, c := range []struct {
		err   error
		errno Errno
	}{
		{fs.ErrNotExist, ErrnoNoent},
		{fs.ErrPermission, 2},
		{fs.ErrInvalid, ErrnoInval},
		{fs.ErrClosed, ErrnoBadf},
		{fs.ErrExist, ErrnoExist},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ELOOP}, ErrnoLoop},
		{fmt.Errorf("wrapped: %w", syscall.ENOSPC), 51},
		{syscall.EPERM, ErrnoPerm},
		{syscall.EISDIR, ErrnoIsdir},
		{syscall.ENOTDIR, ErrnoNotdir},
		{syscall.ESTALE, 72},
		{syscall.Errno(4000), ErrnoIo},
		{context.DeadlineExceeded, 73},
		{errors.ErrUnsupported, 58},
		{errors.New("another"), ErrnoIo},
		{io.ErrUnexpectedEOF, ErrnoIo},
	} {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := NewWasiGuest(t, nil)
		dir, fd := pushFS(t, g, h, "large")
		fail := func() error { return c.err }
		h.open = func(string) error { return c.err }
		WantErrno(t, fmt.Sprint("open: ", c.err), ErrnoOf(g.PathOpen(dir, 0, "a/b/c/file", 0, RightRead, 0)), c.errno)
		h.open, h.stat = nil, fail
		WantErrno(t, fmt.Sprint("stat after open: ", c.err), ErrnoOf(g.PathOpen(dir, 0, "a/b/c/file", 0, RightRead, 0)), c.errno)
		WantErrno(t, fmt.Sprint("stat: ", c.err), ErrnoOf(g.Filestat(fd)), c.errno)
		WantErrno(t, fmt.Sprint("stat of a path: ", c.err), ErrnoOf(g.Stat(dir, 0, "large")), c.errno)
		WantErrno(t, fmt.Sprint("seek: ", c.err), ErrnoOf(g.Seek(fd, 0, 2)), c.errno)
		h.stat, h.read = nil, fail
		WantErrno(t, fmt.Sprint("read: ", c.err), ErrnoOf(g.Read(fd, 10)), c.errno)
		h.read, h.readDir = nil, fail
		WantErrno(t, fmt.Sprint("readdir: ", c.err), g.Call("fd_readdir", int(dir), GuestBuffer, 100, int64(0), GuestResult), c.errno)
		h.readDir, h.closed = nil, fail
		s, errno := g.Read(fd, 4)
		Want(t, "read when all is well", s, errno, "some")
		WantErrno(t, fmt.Sprint("close: ", c.err), g.Close(fd), c.errno)
		WantErrno(t, "close again", g.Close(fd), ErrnoBadf)
	}
}

// What was read before an error is not lost, and the error is met by the next call.
func TestFSErrorInTheMiddle(t *testing.T) {
	h := &hookedFS{FS: largeTree.mapFS()}
	g := NewWasiGuest(t, nil)
	_, fd := pushFS(t, g, h, "large")
	reads := 0
	h.read = func() error {
		if reads++; reads > 1 {
			return syscall.ESTALE
		}
		return nil
	}
	g.Mem.PutUint32(GuestIovec, GuestBuffer)
	g.Mem.PutUint32(GuestIovec+4, 10)
	g.Mem.PutUint32(GuestIovec+8, GuestBuffer+10)
	g.Mem.PutUint32(GuestIovec+12, 10)
	s, errno := g.Transferred(g.Call("fd_read", int(fd), GuestIovec, 2, GuestResult+8))
	_ = s
	n, _ := g.Mem.Uint32(GuestResult + 8)
	Want(t, "the first read", n, errno, 10)
	WantErrno(t, "the second", ErrnoOf(g.Read(fd, 10)), 72)
	h.read = nil
	s, errno = g.Read(fd, 4)
	Want(t, "and on", s, errno, largeTree.files["large"][10:14])
}

// A panic in a file system ends the guest, and is the caller's; the store is as good as before.
func TestFSPanics(t *testing.T) {
	boom := func() error { panic("boom") }
	for name, c := range map[string]struct {
		hook func(h *hookedFS)
		call func(g *WasiGuest, dir, fd uint32)
	}{
		"open": {func(h *hookedFS) { h.open = func(string) error { return boom() } }, func(g *WasiGuest, dir, fd uint32) {
			g.PathOpen(dir, 0, "large", 0, RightRead, 0)
		}},
		"stat":    {func(h *hookedFS) { h.stat = boom }, func(g *WasiGuest, dir, fd uint32) { g.Filestat(fd) }},
		"read":    {func(h *hookedFS) { h.read = boom }, func(g *WasiGuest, dir, fd uint32) { g.Read(fd, 1) }},
		"poll":    {func(h *hookedFS) { h.stat = boom }, func(g *WasiGuest, dir, fd uint32) { g.PollRead(fd, 0) }},
		"readdir": {func(h *hookedFS) { h.readDir = boom }, func(g *WasiGuest, dir, fd uint32) { g.Entries(dir, 0, 100) }},
		"close":   {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) { g.Close(fd) }},
		"replace": {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) { g.Call("fd_renumber", int(dir), int(fd)) }},
		"remove":  {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) { g.Store.RemoveFile(fd) }},
		"insert over it": {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) {
			g.Store.InsertFile(fd, TempFile(g.TB, ""), READ_ONLY)
		}},
		"insert a file system over it": {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) {
			g.Store.InsertFS(fd, probeTree.mapFS(), "")
		}},
		"insert a stream over it": {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) {
			g.Store.InsertWriter(fd, io.Discard)
		}},
		"configure": {func(h *hookedFS) { h.closed = boom }, func(g *WasiGuest, dir, fd uint32) { g.Store.SetWasi(NewWasiConfig()) }},
	} {
		for how, newGuest := range map[string]func(t *testing.T) *WasiGuest{
			"": func(t *testing.T) *WasiGuest { return NewWasiGuest(t, nil) },
			", cancellable": func(t *testing.T) *WasiGuest {
				g := NewCancellableGuest(t)
				g.Ctx = t.Context()
				return g
			},
		} {
			t.Run(name+how, func(t *testing.T) {
				h := &hookedFS{FS: largeTree.mapFS()}
				g := newGuest(t)
				dir, fd := pushFS(t, g, h, "large")
				c.hook(h)
				if value := PanicOf(t, func() { c.call(g, dir, fd) }); value != "boom" {
					t.Errorf("panicked with %v", value)
				}
				*h = hookedFS{FS: h.FS}
				if _, errno := g.Fdstat(0); errno != ErrnoSuccess {
					t.Errorf("the store afterwards: errno %d", errno)
				}
				g.Store.Close()
			})
		}
	}
	t.Run("Store.Close", func(t *testing.T) {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := NewWasiGuest(t, nil)
		pushFS(t, g, h, "large")
		h.closed = boom
		if value := PanicOf(t, g.Store.Close); value != "boom" {
			t.Errorf("panicked with %v", value)
		}
		g.Store.Close()
	})
}

// A goroutine that a file system ends takes the store with it.
func TestFSGoexit(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	h := &hookedFS{FS: largeTree.mapFS()}
	g := NewWasiGuest(t, nil)
	dir, _ := pushFS(t, g, h, "")
	h.open = func(string) error { runtime.Goexit(); return nil }
	done := make(chan bool)
	go func() {
		defer close(done)
		g.PathOpen(dir, 0, "large", 0, RightRead, 0)
	}()
	<-done
	WantTyped(t, g.Store.InsertFS(3, h.FS, ""), ErrClosed, "Goexit")

	c := NewCancellableGuest(t)
	c.Ctx = t.Context()
	h.open = nil
	dir, _ = pushFS(t, c, h, "")
	h.open = func(string) error { runtime.Goexit(); return nil }
	WantErrno(t, "open by another goroutine", ErrnoOf(c.PathOpen(dir, 0, "large", 0, RightRead, 0)), ErrnoIo)
}

// The store is in the middle of a call while a file system is called: using it is refused, not undefined.
func TestFSMustNotUseStore(t *testing.T) {
	for _, cancellable := range []bool{false, true} {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := NewWasiGuest(t, nil)
		if cancellable {
			g = NewCancellableGuest(t)
			g.Ctx = t.Context()
		}
		dir, _ := pushFS(t, g, h, "")
		var used error
		h.open = func(string) error { used = g.Store.SetFuel(1); return nil }
		WantErrno(t, "open", ErrnoOf(g.PathOpen(dir, 0, "large", 0, RightRead, 0)), ErrnoSuccess)
		WantIs(t, used, ErrConcurrentUse)
	}
}

// Every file is closed once, whatever becomes of the guest.
func TestFSClosesFiles(t *testing.T) {
	for name, end := range map[string]func(g *WasiGuest, files []uint32){
		"close":  func(g *WasiGuest, files []uint32) { eachFd(files, func(fd uint32) { g.Close(fd) }) },
		"remove": func(g *WasiGuest, files []uint32) { eachFd(files, func(fd uint32) { g.Store.RemoveFile(fd) }) },
		"insert over them": func(g *WasiGuest, files []uint32) {
			eachFd(files, func(fd uint32) { g.Store.InsertFile(fd, TempFile(g.TB, ""), READ_ONLY) })
		},
		"renumber over them": func(g *WasiGuest, files []uint32) {
			g.Call("fd_renumber", int(files[0]), int(files[1]))
			g.Call("fd_renumber", int(files[1]), int(files[2]))
			g.Close(files[2])
		},
		"configure":   func(g *WasiGuest, files []uint32) { g.Store.SetWasi(NewWasiConfig()) },
		"close store": func(g *WasiGuest, files []uint32) { g.Store.Close() },
		"trap, close store": func(g *WasiGuest, files []uint32) {
			name := "fd_read"
			if _, err := g.Instance.GetFunc(g.Store, name).Call(g.Store, int32(files[0]), int32(-4), int32(1), int32(0)); err == nil {
				g.TB.Error("no trap")
			}
			g.Store.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			counting := &countingFS{fsys: largeTree.mapFS()}
			g := NewWasiGuest(t, nil)
			dir, _ := pushFS(t, g, counting, "")
			var files []uint32
			for _, name := range []string{"large", "a/b/c/file", "many/lots.txt"} {
				fd, errno := g.PathOpen(dir, 0, name, 0, RightRead, 0)
				WantErrno(t, "open", errno, ErrnoSuccess)
				files = append(files, fd)
				g.Read(fd, 100)
				g.Seek(fd, 2, 0) // and so reads from a file that is opened anew
				g.Read(fd, 1)
			}
			g.Entries(dir, 0, 4096)
			g.PathOpen(dir, 0, "a", OflagDirectory, RightReaddir, 0)
			g.PathOpen(dir, 0, "missing", 0, RightRead, 0)
			g.PathOpen(dir, 0, "large", OflagDirectory, RightRead, 0)
			Equal(t, "open files", counting.alive.Load(), 3)
			end(g, files)
			Equal(t, "open files in the end", counting.alive.Load(), 0)
		})
	}
	t.Run("garbage", func(t *testing.T) {
		counting := &countingFS{fsys: largeTree.mapFS()}
		func() {
			engine := NewEngine()
			code, err := WrapperCode()
			Check(t, err)
			module, err := NewModuleDeserialize(engine, code)
			Check(t, err)
			linker := NewLinker(engine)
			Check(t, linker.DefineWasi())
			store := NewStore(engine)
			store.SetWasi(NewWasiConfig())
			instance, err := linker.Instantiate(store, module)
			Check(t, err)
			g := &WasiGuest{TB: t, Store: store, Instance: instance, Mem: instance.GetMemory(store, "memory").View(store)}
			pushFS(t, g, counting, "large")
		}()
		Collected(t, "a store with an open file", func() bool { return counting.alive.Load() == 0 })
	})
}

func eachFd(fds []uint32, f func(uint32)) {
	for _, fd := range fds {
		f(fd)
	}
}

// Many stores on one file system, on many goroutines.
func TestFSInManyStores(t *testing.T) {
	counting := &countingFS{fsys: largeTree.mapFS()}
	config := NewWasiConfig()
	Check(t, config.PreopenFS(counting, "/"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				g := NewWasiGuest(t, config)
				fd, errno := g.PathOpen(3, 0, "large", 0, RightRead, 0)
				WantErrno(t, "open", errno, ErrnoSuccess)
				s, errno := g.ReadAll(fd)
				Want(t, "content", s, errno, largeTree.files["large"])
				g.Store.Close()
			}
		})
	}
	wg.Wait()
	Equal(t, "open files in the end", counting.alive.Load(), 0)
}

// A guest does not wait for a file system when its context ends. The call goes on, and what it opens is closed.
func TestContextEndsFS(t *testing.T) {
	for name, c := range map[string]struct {
		hook func(h *hookedFS, f func() error)
		call func(g *WasiGuest, dir, fd uint32) (string, []any)
	}{
		"open": {func(h *hookedFS, f func() error) { h.open = func(string) error { return f() } }, func(g *WasiGuest, dir, fd uint32) (string, []any) {
			g.PutPath("a/b/c/file")
			return "path_open", []any{int(dir), 0, GuestPath, 10, 0, int64(RightRead), int64(0), 0, GuestResult}
		}},
		"stat": {func(h *hookedFS, f func() error) { h.stat = f }, func(g *WasiGuest, dir, fd uint32) (string, []any) {
			return "fd_filestat_get", []any{int(fd), GuestResult}
		}},
		"read": {func(h *hookedFS, f func() error) { h.read = f }, func(g *WasiGuest, dir, fd uint32) (string, []any) {
			g.Iovec(100)
			return "fd_read", []any{int(fd), GuestIovec, 1, GuestResult}
		}},
		"readdir": {func(h *hookedFS, f func() error) { h.readDir = f }, func(g *WasiGuest, dir, fd uint32) (string, []any) {
			return "fd_readdir", []any{int(dir), GuestBuffer, 100, int64(0), GuestResult}
		}},
		"close": {func(h *hookedFS, f func() error) { h.closed = f }, func(g *WasiGuest, dir, fd uint32) (string, []any) {
			return "fd_close", []any{int(fd)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			counting := &countingFS{fsys: largeTree.mapFS()}
			h := &hookedFS{FS: counting}
			g := NewCancellableGuest(t)
			dir, fd := pushFS(t, g, h, "large")
			goOn, entered := make(chan bool), make(chan bool, 100)
			c.hook(h, func() error { entered <- true; <-goOn; return nil })
			ctx, cancel := context.WithCancel(context.Background())
			go func() { <-entered; cancel() }()
			name, args := c.call(g, dir, fd)
			_, err := g.Instance.GetFunc(g.Store, name).CallContext(ctx, g.Store, args...)
			var trap *Trap
			if !errors.As(err, &trap) || !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			// The next guest waits for the call that still goes on, or is stopped while it does.
			again, cancelAgain := context.WithTimeout(context.Background(), 5*time.Millisecond)
			defer cancelAgain()
			g.PutPath("large")
			_, err = g.Instance.GetFunc(g.Store, "path_filestat_get").CallContext(again, g.Store, int(dir), 0, GuestPath, 5, GuestResult)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the next one: %v", err)
			}
			close(goOn)
			stat, errno := g.Stat(dir, 0, "large")
			Want(t, "stat afterwards", int(stat.Size), errno, len(largeTree.files["large"]))
			if name != "fd_close" {
				s, errno := g.Read(fd, 4)
				Want(t, "read afterwards", s, errno, "some")
			}
			g.Store.Close()
			for deadline := time.Now().Add(10 * time.Second); counting.alive.Load() != 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			Equal(t, "open files in the end", counting.alive.Load(), 0)
		})
	}
}

// A store can be closed while a call goes on for which nobody waits; what it panics with is the next guest's, if there
// is one.
func TestFSAbandoned(t *testing.T) {
	counting := &countingFS{fsys: largeTree.mapFS()}
	h := &hookedFS{FS: counting}
	g := NewCancellableGuest(t)
	dir, fd := pushFS(t, g, h, "large")
	goOn, entered := make(chan bool), make(chan bool, 100)
	h.read = func() error { entered <- true; <-goOn; panic("late") }
	cancelled := func() {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-entered; cancel() }()
		g.Iovec(100)
		_, err := g.Instance.GetFunc(g.Store, "fd_read").CallContext(ctx, g.Store, int(fd), GuestIovec, 1, GuestResult)
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	cancelled()
	goOn <- true
	var value any
	for deadline := time.Now().Add(10 * time.Second); value == nil && time.Now().Before(deadline); {
		func() {
			defer func() { value = recover() }()
			g.Stat(dir, 0, "large")
		}()
	}
	Equal(t, "panic of the next request", value, any("late"))
	cancelled()
	g.Store.Close()
	goOn <- true
	for deadline := time.Now().Add(10 * time.Second); counting.alive.Load() != 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	Equal(t, "open files in the end", counting.alive.Load(), 0)
}
