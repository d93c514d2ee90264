package filesystems_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// operations are all calls that change something, by the name of the method of the file system, or of the file, that
// they end in.
var operations = map[string]struct {
	call func(g *WasiGuest, dir, fd uint32) (string, []any)
	// prepare is called before.
	prepare func(g *WasiGuest, dir, fd uint32)
}{
	"OpenFile": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("new")
		return "path_open", []any{int(dir), 0, GuestPath, 3, OflagCreate, int64(bothRights), int64(0), 0, GuestResult}
	}},
	"Mkdir": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("new")
		return "path_create_directory", []any{int(dir), GuestPath, 3}
	}},
	"Remove": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("empty")
		return "path_remove_directory", []any{int(dir), GuestPath, 5}
	}},
	"Rename": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("empty")
		g.Mem.Write(GuestPath2, []byte("new"))
		return "path_rename", []any{int(dir), GuestPath, 5, int(dir), GuestPath2, 3}
	}},
	"Link": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("sub/below")
		g.Mem.Write(GuestPath2, []byte("new"))
		return "path_link", []any{int(dir), 0, GuestPath, 9, int(dir), GuestPath2, 3}
	}},
	"Symlink": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("file")
		g.Mem.Write(GuestPath2, []byte("new"))
		return "path_symlink", []any{GuestPath, 4, int(dir), GuestPath2, 3}
	}},
	"Chtimes": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		return "fd_filestat_set_times", []any{int(fd), int64(5), int64(7), FstMtim}
	}},
	"Lstat": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("file")
		return "path_filestat_set_times", []any{int(dir), 0, GuestPath, 4, int64(5), int64(7), FstMtim}
	}},
	"Readlink": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.PutPath("dirlink/new")
		return "path_create_directory", []any{int(dir), GuestPath, 11}
	}},
	"Write": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.Iovec(100)
		return "fd_write", []any{int(fd), GuestIovec, 1, GuestResult}
	}},
	"WriteAt": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		g.Iovec(100)
		return "fd_pwrite", []any{int(fd), GuestIovec, 1, int64(3), GuestResult}
	}},
	"Truncate": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) {
		return "fd_filestat_set_size", []any{int(fd), int64(3)}
	}},
	"Sync":  {call: func(g *WasiGuest, dir, fd uint32) (string, []any) { return "fd_sync", []any{int(fd)} }},
	"Close": {call: func(g *WasiGuest, dir, fd uint32) (string, []any) { return "fd_close", []any{int(fd)} }},
}

// hook makes a method fail, or whatever f does.
func (h *hookedRoot) hook(method string, f func() error) {
	on := func(called string) error {
		if called == method {
			return f()
		}
		return nil
	}
	h.call, h.file = func(called string, _ ...string) error { return on(called) }, on
}

// openHooked gives a guest a file system, and opens a file in it for writing.
func openHooked(t testing.TB, g *WasiGuest, h *hookedRoot) (dir, fd uint32) {
	t.Helper()
	dir, _ = pushFS(t, g, Writable(h), "")
	fd, errno := g.PathOpen(dir, 0, "file", 0, bothRights, 0)
	WantErrno(t, "open", errno, ErrnoSuccess)
	return dir, fd
}

// The guest gets the error number of what a file system says, from every call that changes something.
func TestWritableFSErrors(t *testing.T) {
	for method, op := range operations {
		for _, c := range []struct {
			err   error
			errno Errno
		}{
			{syscall.ENOSPC, errnoNospc},
			{&fs.PathError{Op: "x", Path: "y", Err: fs.ErrPermission}, 2},
			{fmt.Errorf("wrapped: %w", syscall.EROFS), 69},
			{&os.LinkError{Op: "x", Old: "y", New: "z", Err: syscall.EXDEV}, errnoXdev},
			{syscall.EDQUOT, 19},
			{syscall.EMLINK, 34},
			{syscall.ETXTBSY, 74},
			{syscall.EFBIG, errnoFbig},
			{errors.ErrUnsupported, errnoNotsup},
			{errors.New("another"), ErrnoIo},
		} {
			h := &hookedRoot{FS: digitsTree.memFS(t)}
			g := NewWasiGuest(t, nil)
			dir, fd := openHooked(t, g, h)
			h.hook(method, func() error { return c.err })
			name, args := op.call(g, dir, fd)
			WantErrno(t, fmt.Sprint(method, ": ", c.err), g.Call(name, args...), c.errno)
			h.call, h.file = nil, nil
			if method != "Close" {
				WantErrno(t, fmt.Sprint(method, " when all is well"), g.Call(name, args...), ErrnoSuccess)
			}
			g.Store.Close()
		}
	}
}

// A panic in a file system ends the guest that changes something, and is the caller's; the store is as good as before.
func TestWritableFSPanics(t *testing.T) {
	for method, op := range operations {
		for _, cancellable := range []bool{false, true} {
			h := &hookedRoot{FS: digitsTree.memFS(t)}
			g := NewWasiGuest(t, nil)
			if cancellable {
				g = NewCancellableGuest(t)
				g.Ctx = t.Context()
			}
			dir, fd := openHooked(t, g, h)
			h.hook(method, func() error { panic("boom") })
			name, args := op.call(g, dir, fd)
			if value := PanicOf(t, func() { g.Call(name, args...) }); value != "boom" {
				t.Errorf("%s: panicked with %v", method, value)
			}
			h.call, h.file = nil, nil
			if method != "Close" {
				WantErrno(t, method+" afterwards", g.Call(name, args...), ErrnoSuccess)
			}
			g.Store.Close()
		}
	}
}

// A guest does not wait for a file system that changes something when its context ends. The change goes on.
func TestContextEndsWritableFS(t *testing.T) {
	for method, op := range operations {
		t.Run(method, func(t *testing.T) {
			h := &hookedRoot{FS: digitsTree.memFS(t)}
			g := NewCancellableGuest(t)
			dir, fd := openHooked(t, g, h)
			goOn, entered := make(chan bool), make(chan bool, 100)
			h.hook(method, func() error { entered <- true; <-goOn; return nil })
			ctx, cancel := context.WithCancel(context.Background())
			go func() { <-entered; cancel() }()
			g.Mem.Write(GuestBuffer, []byte(strings.Repeat("w", 100)))
			name, args := op.call(g, dir, fd)
			_, err := g.Instance.GetFunc(g.Store, name).CallContext(ctx, g.Store, args...)
			var trap *Trap
			if !errors.As(err, &trap) || !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			// The guest's memory may be anything now, or nothing.
			g.Mem.Write(GuestBuffer, []byte(strings.Repeat("?", 100)))
			again, cancelAgain := context.WithTimeout(context.Background(), 5*time.Millisecond)
			defer cancelAgain()
			g.PutPath("sub")
			_, err = g.Instance.GetFunc(g.Store, "path_filestat_get").CallContext(again, g.Store, int(dir), 0, GuestPath, 3, GuestResult)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the next one: %v", err)
			}
			close(goOn)
			WantErrno(t, "stat afterwards", ErrnoOf(g.Stat(dir, 0, "sub")), ErrnoSuccess)
			b, err := fs.ReadFile(h.FS, "file")
			if want := map[string]string{"Write": strings.Repeat("w", 100), "WriteAt": "012" + strings.Repeat("w", 100), "Truncate": "012"}[method]; want != "" && (string(b) != want || err != nil) {
				t.Errorf("%q, %v, want %q", b, err, want)
			}
			g.Store.Close()
		})
	}
}

// A store can be closed, and its memory be gone, while a write goes on for which nobody waits.
func TestWritableFSAbandonedWrite(t *testing.T) {
	h := &hookedRoot{FS: digitsTree.memFS(t)}
	g := NewCancellableGuest(t)
	_, fd := openHooked(t, g, h)
	goOn, entered, closed := make(chan bool), make(chan bool, 1), make(chan bool, 1)
	h.file = func(method string) error {
		switch method {
		case "Write":
			entered <- true
			<-goOn
		case "Close":
			closed <- true
		}
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-entered; cancel() }()
	g.Mem.Write(GuestBuffer, []byte(strings.Repeat("w", 100)))
	g.Iovec(100)
	_, err := g.Instance.GetFunc(g.Store, "fd_write").CallContext(ctx, g.Store, int(fd), GuestIovec, 1, GuestResult)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	g.Store.Close()
	close(goOn)
	<-closed
	if b, err := fs.ReadFile(h.FS, "file"); string(b) != strings.Repeat("w", 100) || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
