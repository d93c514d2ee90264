package wasmtime_test

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
)

// The guest gets the error number of what a file system says, from every call.
func TestFSErrors(t *testing.T) {
	for _, c := range []struct {
		err   error
		errno wasiErrno
	}{
		{fs.ErrNotExist, errnoNoent},
		{fs.ErrPermission, 2},
		{fs.ErrInvalid, errnoInval},
		{fs.ErrClosed, errnoBadf},
		{fs.ErrExist, errnoExist},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ELOOP}, errnoLoop},
		{fmt.Errorf("wrapped: %w", syscall.ENOSPC), 51},
		{syscall.EPERM, errnoPerm},
		{syscall.EISDIR, errnoIsdir},
		{syscall.ENOTDIR, errnoNotdir},
		{syscall.ESTALE, 72},
		{syscall.Errno(4000), errnoIo},
		{context.DeadlineExceeded, 73},
		{errors.ErrUnsupported, 58},
		{errors.New("another"), errnoIo},
		{io.ErrUnexpectedEOF, errnoIo},
	} {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := newWasiGuest(t, nil)
		dir, fd := pushFS(t, g, h, "large")
		fail := func() error { return c.err }
		h.open = func(string) error { return c.err }
		wantErrno(t, fmt.Sprint("open: ", c.err), errnoOf(g.pathOpen(dir, 0, "a/b/c/file", 0, rightRead, 0)), c.errno)
		h.open, h.stat = nil, fail
		wantErrno(t, fmt.Sprint("stat after open: ", c.err), errnoOf(g.pathOpen(dir, 0, "a/b/c/file", 0, rightRead, 0)), c.errno)
		wantErrno(t, fmt.Sprint("stat: ", c.err), errnoOf(g.filestat(fd)), c.errno)
		wantErrno(t, fmt.Sprint("stat of a path: ", c.err), errnoOf(g.stat(dir, 0, "large")), c.errno)
		wantErrno(t, fmt.Sprint("seek: ", c.err), errnoOf(g.seek(fd, 0, 2)), c.errno)
		h.stat, h.read = nil, fail
		wantErrno(t, fmt.Sprint("read: ", c.err), errnoOf(g.read(fd, 10)), c.errno)
		h.read, h.readDir = nil, fail
		wantErrno(t, fmt.Sprint("readdir: ", c.err), g.call("fd_readdir", int(dir), guestBuffer, 100, int64(0), guestResult), c.errno)
		h.readDir, h.closed = nil, fail
		s, errno := g.read(fd, 4)
		want(t, "read when all is well", s, errno, "some")
		wantErrno(t, fmt.Sprint("close: ", c.err), g.close(fd), c.errno)
		wantErrno(t, "close again", g.close(fd), errnoBadf)
	}
}

// What was read before an error is not lost, and the error is met by the next call.
func TestFSErrorInTheMiddle(t *testing.T) {
	h := &hookedFS{FS: largeTree.mapFS()}
	g := newWasiGuest(t, nil)
	_, fd := pushFS(t, g, h, "large")
	reads := 0
	h.read = func() error {
		if reads++; reads > 1 {
			return syscall.ESTALE
		}
		return nil
	}
	g.mem.PutUint32(guestIovec, guestBuffer)
	g.mem.PutUint32(guestIovec+4, 10)
	g.mem.PutUint32(guestIovec+8, guestBuffer+10)
	g.mem.PutUint32(guestIovec+12, 10)
	s, errno := g.transferred(g.call("fd_read", int(fd), guestIovec, 2, guestResult+8))
	_ = s
	n, _ := g.mem.Uint32(guestResult + 8)
	want(t, "the first read", n, errno, 10)
	wantErrno(t, "the second", errnoOf(g.read(fd, 10)), 72)
	h.read = nil
	s, errno = g.read(fd, 4)
	want(t, "and on", s, errno, largeTree.files["large"][10:14])
}

// A panic in a file system ends the guest, and is the caller's; the store is as good as before.
func TestFSPanics(t *testing.T) {
	boom := func() error { panic("boom") }
	for name, c := range map[string]struct {
		hook func(h *hookedFS)
		call func(g *wasiGuest, dir, fd uint32)
	}{
		"open": {func(h *hookedFS) { h.open = func(string) error { return boom() } }, func(g *wasiGuest, dir, fd uint32) {
			g.pathOpen(dir, 0, "large", 0, rightRead, 0)
		}},
		"stat":    {func(h *hookedFS) { h.stat = boom }, func(g *wasiGuest, dir, fd uint32) { g.filestat(fd) }},
		"read":    {func(h *hookedFS) { h.read = boom }, func(g *wasiGuest, dir, fd uint32) { g.read(fd, 1) }},
		"poll":    {func(h *hookedFS) { h.stat = boom }, func(g *wasiGuest, dir, fd uint32) { g.pollRead(fd, 0) }},
		"readdir": {func(h *hookedFS) { h.readDir = boom }, func(g *wasiGuest, dir, fd uint32) { g.entries(dir, 0, 100) }},
		"close":   {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) { g.close(fd) }},
		"replace": {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) { g.call("fd_renumber", int(dir), int(fd)) }},
		"remove":  {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) { g.store.RemoveFile(fd) }},
		"insert over it": {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) {
			g.store.InsertFile(fd, tempFile(g.t, ""), READ_ONLY)
		}},
		"insert a file system over it": {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) {
			g.store.InsertFS(fd, probeTree.mapFS(), "")
		}},
		"insert a stream over it": {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) {
			g.store.InsertWriter(fd, io.Discard)
		}},
		"configure": {func(h *hookedFS) { h.closed = boom }, func(g *wasiGuest, dir, fd uint32) { g.store.SetWasi(NewWasiConfig()) }},
	} {
		for how, newGuest := range map[string]func(t *testing.T) *wasiGuest{
			"": func(t *testing.T) *wasiGuest { return newWasiGuest(t, nil) },
			", cancellable": func(t *testing.T) *wasiGuest {
				g := newCancellableGuest(t)
				g.ctx = t.Context()
				return g
			},
		} {
			t.Run(name+how, func(t *testing.T) {
				h := &hookedFS{FS: largeTree.mapFS()}
				g := newGuest(t)
				dir, fd := pushFS(t, g, h, "large")
				c.hook(h)
				if value := panicOf(t, func() { c.call(g, dir, fd) }); value != "boom" {
					t.Errorf("panicked with %v", value)
				}
				*h = hookedFS{FS: h.FS}
				if _, errno := g.fdstat(0); errno != errnoSuccess {
					t.Errorf("the store afterwards: errno %d", errno)
				}
				g.store.Close()
			})
		}
	}
	t.Run("Store.Close", func(t *testing.T) {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := newWasiGuest(t, nil)
		pushFS(t, g, h, "large")
		h.closed = boom
		if value := panicOf(t, g.store.Close); value != "boom" {
			t.Errorf("panicked with %v", value)
		}
		g.store.Close()
	})
}

// A goroutine that a file system ends takes the store with it.
func TestFSGoexit(t *testing.T) {
	if debugEnabled {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !survives(t) {
		return
	}
	h := &hookedFS{FS: largeTree.mapFS()}
	g := newWasiGuest(t, nil)
	dir, _ := pushFS(t, g, h, "")
	h.open = func(string) error { runtime.Goexit(); return nil }
	done := make(chan bool)
	go func() {
		defer close(done)
		g.pathOpen(dir, 0, "large", 0, rightRead, 0)
	}()
	<-done
	wantTyped(t, g.store.InsertFS(3, h.FS, ""), ErrClosed, "Goexit")

	c := newCancellableGuest(t)
	c.ctx = t.Context()
	h.open = nil
	dir, _ = pushFS(t, c, h, "")
	h.open = func(string) error { runtime.Goexit(); return nil }
	wantErrno(t, "open by another goroutine", errnoOf(c.pathOpen(dir, 0, "large", 0, rightRead, 0)), errnoIo)
}

// The store is in the middle of a call while a file system is called: using it is refused, not undefined.
func TestFSMustNotUseStore(t *testing.T) {
	for _, cancellable := range []bool{false, true} {
		h := &hookedFS{FS: largeTree.mapFS()}
		g := newWasiGuest(t, nil)
		if cancellable {
			g = newCancellableGuest(t)
			g.ctx = t.Context()
		}
		dir, _ := pushFS(t, g, h, "")
		var used error
		h.open = func(string) error { used = g.store.SetFuel(1); return nil }
		wantErrno(t, "open", errnoOf(g.pathOpen(dir, 0, "large", 0, rightRead, 0)), errnoSuccess)
		wantIs(t, used, ErrConcurrentUse)
	}
}

// Every file is closed once, whatever becomes of the guest.
func TestFSClosesFiles(t *testing.T) {
	for name, end := range map[string]func(g *wasiGuest, files []uint32){
		"close":  func(g *wasiGuest, files []uint32) { eachFd(files, func(fd uint32) { g.close(fd) }) },
		"remove": func(g *wasiGuest, files []uint32) { eachFd(files, func(fd uint32) { g.store.RemoveFile(fd) }) },
		"insert over them": func(g *wasiGuest, files []uint32) {
			eachFd(files, func(fd uint32) { g.store.InsertFile(fd, tempFile(g.t, ""), READ_ONLY) })
		},
		"renumber over them": func(g *wasiGuest, files []uint32) {
			g.call("fd_renumber", int(files[0]), int(files[1]))
			g.call("fd_renumber", int(files[1]), int(files[2]))
			g.close(files[2])
		},
		"configure":   func(g *wasiGuest, files []uint32) { g.store.SetWasi(NewWasiConfig()) },
		"close store": func(g *wasiGuest, files []uint32) { g.store.Close() },
		"trap, close store": func(g *wasiGuest, files []uint32) {
			name := "fd_read"
			if _, err := g.instance.GetFunc(g.store, name).Call(g.store, int32(files[0]), int32(-4), int32(1), int32(0)); err == nil {
				g.t.Error("no trap")
			}
			g.store.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			counting := &countingFS{fsys: largeTree.mapFS()}
			g := newWasiGuest(t, nil)
			dir, _ := pushFS(t, g, counting, "")
			var files []uint32
			for _, name := range []string{"large", "a/b/c/file", "many/lots.txt"} {
				fd, errno := g.pathOpen(dir, 0, name, 0, rightRead, 0)
				wantErrno(t, "open", errno, errnoSuccess)
				files = append(files, fd)
				g.read(fd, 100)
				g.seek(fd, 2, 0) // and so reads from a file that is opened anew
				g.read(fd, 1)
			}
			g.entries(dir, 0, 4096)
			g.pathOpen(dir, 0, "a", oflagDirectory, rightReaddir, 0)
			g.pathOpen(dir, 0, "missing", 0, rightRead, 0)
			g.pathOpen(dir, 0, "large", oflagDirectory, rightRead, 0)
			equal(t, "open files", counting.alive.Load(), 3)
			end(g, files)
			equal(t, "open files in the end", counting.alive.Load(), 0)
		})
	}
	t.Run("garbage", func(t *testing.T) {
		counting := &countingFS{fsys: largeTree.mapFS()}
		func() {
			engine := NewEngine()
			code, err := wrapperCode()
			check(t, err)
			module, err := NewModuleDeserialize(engine, code)
			check(t, err)
			linker := NewLinker(engine)
			check(t, linker.DefineWasi())
			store := NewStore(engine)
			store.SetWasi(NewWasiConfig())
			instance, err := linker.Instantiate(store, module)
			check(t, err)
			g := &wasiGuest{t: t, store: store, instance: instance, mem: instance.GetMemory(store, "memory").View(store)}
			pushFS(t, g, counting, "large")
		}()
		collected(t, "a store with an open file", func() bool { return counting.alive.Load() == 0 })
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
	check(t, config.PreopenFS(counting, "/"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				g := newWasiGuest(t, config)
				fd, errno := g.pathOpen(3, 0, "large", 0, rightRead, 0)
				wantErrno(t, "open", errno, errnoSuccess)
				s, errno := g.readAll(fd)
				want(t, "content", s, errno, largeTree.files["large"])
				g.store.Close()
			}
		})
	}
	wg.Wait()
	equal(t, "open files in the end", counting.alive.Load(), 0)
}

// A guest does not wait for a file system when its context ends. The call goes on, and what it opens is closed.
func TestContextEndsFS(t *testing.T) {
	for name, c := range map[string]struct {
		hook func(h *hookedFS, f func() error)
		call func(g *wasiGuest, dir, fd uint32) (string, []any)
	}{
		"open": {func(h *hookedFS, f func() error) { h.open = func(string) error { return f() } }, func(g *wasiGuest, dir, fd uint32) (string, []any) {
			g.putPath("a/b/c/file")
			return "path_open", []any{int(dir), 0, guestPath, 10, 0, int64(rightRead), int64(0), 0, guestResult}
		}},
		"stat": {func(h *hookedFS, f func() error) { h.stat = f }, func(g *wasiGuest, dir, fd uint32) (string, []any) {
			return "fd_filestat_get", []any{int(fd), guestResult}
		}},
		"read": {func(h *hookedFS, f func() error) { h.read = f }, func(g *wasiGuest, dir, fd uint32) (string, []any) {
			g.iovec(100)
			return "fd_read", []any{int(fd), guestIovec, 1, guestResult}
		}},
		"readdir": {func(h *hookedFS, f func() error) { h.readDir = f }, func(g *wasiGuest, dir, fd uint32) (string, []any) {
			return "fd_readdir", []any{int(dir), guestBuffer, 100, int64(0), guestResult}
		}},
		"close": {func(h *hookedFS, f func() error) { h.closed = f }, func(g *wasiGuest, dir, fd uint32) (string, []any) {
			return "fd_close", []any{int(fd)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			counting := &countingFS{fsys: largeTree.mapFS()}
			h := &hookedFS{FS: counting}
			g := newCancellableGuest(t)
			dir, fd := pushFS(t, g, h, "large")
			goOn, entered := make(chan bool), make(chan bool, 100)
			c.hook(h, func() error { entered <- true; <-goOn; return nil })
			ctx, cancel := context.WithCancel(context.Background())
			go func() { <-entered; cancel() }()
			name, args := c.call(g, dir, fd)
			_, err := g.instance.GetFunc(g.store, name).CallContext(ctx, g.store, args...)
			var trap *Trap
			if !errors.As(err, &trap) || !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			// The next guest waits for the call that still goes on, or is stopped while it does.
			again, cancelAgain := context.WithTimeout(context.Background(), 5*time.Millisecond)
			defer cancelAgain()
			g.putPath("large")
			_, err = g.instance.GetFunc(g.store, "path_filestat_get").CallContext(again, g.store, int(dir), 0, guestPath, 5, guestResult)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the next one: %v", err)
			}
			close(goOn)
			stat, errno := g.stat(dir, 0, "large")
			want(t, "stat afterwards", int(stat.size), errno, len(largeTree.files["large"]))
			if name != "fd_close" {
				s, errno := g.read(fd, 4)
				want(t, "read afterwards", s, errno, "some")
			}
			g.store.Close()
			for deadline := time.Now().Add(10 * time.Second); counting.alive.Load() != 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			equal(t, "open files in the end", counting.alive.Load(), 0)
		})
	}
}

// A store can be closed while a call goes on for which nobody waits; what it panics with is the next guest's, if there is one.
func TestFSAbandoned(t *testing.T) {
	counting := &countingFS{fsys: largeTree.mapFS()}
	h := &hookedFS{FS: counting}
	g := newCancellableGuest(t)
	dir, fd := pushFS(t, g, h, "large")
	goOn, entered := make(chan bool), make(chan bool, 100)
	h.read = func() error { entered <- true; <-goOn; panic("late") }
	cancelled := func() {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-entered; cancel() }()
		g.iovec(100)
		_, err := g.instance.GetFunc(g.store, "fd_read").CallContext(ctx, g.store, int(fd), guestIovec, 1, guestResult)
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
			g.stat(dir, 0, "large")
		}()
	}
	equal(t, "panic of the next request", value, any("late"))
	cancelled()
	g.store.Close()
	goOn <- true
	for deadline := time.Now().Add(10 * time.Second); counting.alive.Load() != 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	equal(t, "open files in the end", counting.alive.Load(), 0)
}
