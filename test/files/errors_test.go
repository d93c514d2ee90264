package files_test

import (
	"errors"
	"os"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestInsertFileErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	good := TempFile(t, "good")
	live := TempFile(t, "live")
	Insert(t, g.Store, 3, live, READ_WRITE)

	closed := TempFile(t, "")
	closed.Close()
	dir, err := os.Open(TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, c := range []struct {
		name  string
		fd    uint32
		file  *os.File
		mode  WasiFileAccessMode
		cause error
		text  string
		push  bool // whether PushFile meets the same error
	}{
		{"nil file", 3, nil, READ_ONLY, ErrBadFile, "nil", true},
		{"closed file", 3, closed, READ_ONLY, ErrBadFile, "closed", true},
		{"mode 0", 3, good, 0, ErrBadAccessMode, "access mode 0", true},
		{"mode 4", 3, good, 4, ErrBadAccessMode, "access mode 4", true},
		{"mode 99", 3, good, 99, ErrBadAccessMode, "access mode 99", true},
		{"highest mode", 3, good, 1<<32 - 1, ErrBadAccessMode, "4294967295", true},
		{"number 1048576", 1 << 20, good, READ_ONLY, ErrBadFd, "1048576", false},
		{"negative number", 1<<32 - 1, good, READ_ONLY, ErrBadFd, "4294967295", false},
		{"number 2147483648", 1 << 31, good, READ_ONLY, ErrBadFd, "2147483648", false},
		{"directory to write only", 3, dir, WRITE_ONLY, ErrBadAccessMode, "write-only", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			WantTyped(t, g.Store.InsertFile(c.fd, c.file, c.mode), c.cause, c.text)
			if c.push {
				fd, err := g.Store.PushFile(c.file, c.mode)
				WantTyped(t, err, c.cause, c.text)
				if fd != 0 {
					t.Errorf("a number beside an error: %d", fd)
				}
			}
			// Nothing changed: what was open is the same, and no number has been taken.
			live.Seek(0, 0)
			s, errno := g.Read(3, 10)
			Want(t, "read", s, errno, "live")
			live.Seek(0, 0)
			n, errno := g.Write(3, "live")
			Want(t, "write", n, errno, 4)
			fd, err := g.Store.PushFile(good, READ_ONLY)
			if err != nil || fd != 4 {
				t.Errorf("the lowest free number is %d, %v, want 4", fd, err)
			}
			if err := g.Store.RemoveFile(4); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInsertFileWithoutWasi(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	defer store.Close()
	f := TempFile(t, "x")
	WantTyped(t, store.InsertFile(3, f, READ_ONLY), ErrNoWasi, "WASI")
	fd, err := store.PushFile(f, READ_ONLY)
	WantTyped(t, err, ErrNoWasi, "WASI")
	if fd != 0 {
		t.Error(fd)
	}
	WantTyped(t, store.RemoveFile(1), ErrNoWasi, "WASI")

	store.SetWasi(NewWasiConfig())
	if fd, err := store.PushFile(f, READ_ONLY); err != nil || fd != 3 {
		t.Errorf("after SetWasi: %d, %v", fd, err)
	}
}

func TestRemoveFileErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	WantTyped(t, g.Store.RemoveFile(3), ErrBadFd, "3 is not open")
	WantTyped(t, g.Store.RemoveFile(1<<20-1), ErrBadFd, "not open")
	WantTyped(t, g.Store.RemoveFile(1<<20), ErrBadFd, "out of range")
	if err := g.Store.RemoveFile(0); err != nil {
		t.Error(err)
	}
	WantTyped(t, g.Store.RemoveFile(0), ErrBadFd, "0 is not open")
	for fd := range uint32(3) {
		if g.IsOpen(fd) != (fd != 0) {
			t.Errorf("descriptor %d: %v", fd, g.IsOpen(fd))
		}
	}
}

func TestInsertFileAfterClose(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "x")
	g.Store.Close()
	WantTyped(t, g.Store.InsertFile(3, f, READ_ONLY), ErrClosed, "closed")
	_, err := g.Store.PushFile(f, READ_ONLY)
	WantTyped(t, err, ErrClosed, "closed")
	WantTyped(t, g.Store.RemoveFile(3), ErrClosed, "closed")
	if err := g.Store.ConfigureWasi(NewWasiConfig()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Another goroutine is in a call of the store meanwhile.
func TestInsertFileDuringOtherUse(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "x")
	entered, leave, done := make(chan bool), make(chan bool), make(chan error)
	host := WrapFunc(g.Store, func() {
		close(entered)
		<-leave
	})
	go func() {
		_, err := host.Call(g.Store)
		done <- err
	}()
	<-entered
	WantTyped(t, g.Store.InsertFile(3, f, READ_ONLY), ErrConcurrentUse, "another goroutine")
	_, err := g.Store.PushFile(f, READ_ONLY)
	WantTyped(t, err, ErrConcurrentUse, "another goroutine")
	WantTyped(t, g.Store.RemoveFile(0), ErrConcurrentUse, "another goroutine")
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if fd, err := g.Store.PushFile(f, READ_ONLY); err != nil || fd != 3 {
		t.Error(fd, err)
	}
}
