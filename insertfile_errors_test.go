package wasmtime_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// wantTyped checks the type, the cause and that the text says something.
func wantTyped(t testing.TB, err, cause error, text string) {
	t.Helper()
	typed, ok := err.(*Error)
	switch {
	case err == nil:
		t.Errorf("no error, want %v", cause)
	case !ok:
		t.Errorf("the error is a %T, want a *Error: %v", err, err)
	case !errors.Is(err, cause):
		t.Errorf("the error does not wrap %v: %v", cause, err)
	case !strings.Contains(typed.Error(), text):
		t.Errorf("the error does not say %q: %v", text, err)
	}
}

func TestInsertFileErrors(t *testing.T) {
	g := newWasiGuest(t, nil)
	good := tempFile(t, "good")
	live := tempFile(t, "live")
	insert(t, g.store, 3, live, READ_WRITE)

	closed := tempFile(t, "")
	closed.Close()
	dir, err := os.Open(tempDir(t))
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
			wantTyped(t, g.store.InsertFile(c.fd, c.file, c.mode), c.cause, c.text)
			if c.push {
				fd, err := g.store.PushFile(c.file, c.mode)
				wantTyped(t, err, c.cause, c.text)
				if fd != 0 {
					t.Errorf("a number beside an error: %d", fd)
				}
			}
			// Nothing changed: what was open is the same, and no number has been taken.
			live.Seek(0, 0)
			s, errno := g.read(3, 10)
			want(t, "read", s, errno, "live")
			live.Seek(0, 0)
			n, errno := g.write(3, "live")
			want(t, "write", n, errno, 4)
			fd, err := g.store.PushFile(good, READ_ONLY)
			if err != nil || fd != 4 {
				t.Errorf("the lowest free number is %d, %v, want 4", fd, err)
			}
			if err := g.store.RemoveFile(4); err != nil {
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
	f := tempFile(t, "x")
	wantTyped(t, store.InsertFile(3, f, READ_ONLY), ErrNoWasi, "WASI")
	fd, err := store.PushFile(f, READ_ONLY)
	wantTyped(t, err, ErrNoWasi, "WASI")
	if fd != 0 {
		t.Error(fd)
	}
	wantTyped(t, store.RemoveFile(1), ErrNoWasi, "WASI")

	store.SetWasi(NewWasiConfig())
	if fd, err := store.PushFile(f, READ_ONLY); err != nil || fd != 3 {
		t.Errorf("after SetWasi: %d, %v", fd, err)
	}
}

func TestRemoveFileErrors(t *testing.T) {
	g := newWasiGuest(t, nil)
	wantTyped(t, g.store.RemoveFile(3), ErrBadFd, "3 is not open")
	wantTyped(t, g.store.RemoveFile(1<<20-1), ErrBadFd, "not open")
	wantTyped(t, g.store.RemoveFile(1<<20), ErrBadFd, "out of range")
	if err := g.store.RemoveFile(0); err != nil {
		t.Error(err)
	}
	wantTyped(t, g.store.RemoveFile(0), ErrBadFd, "0 is not open")
	for fd := range uint32(3) {
		if g.isOpen(fd) != (fd != 0) {
			t.Errorf("descriptor %d: %v", fd, g.isOpen(fd))
		}
	}
}

func TestInsertFileAfterClose(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "x")
	g.store.Close()
	wantTyped(t, g.store.InsertFile(3, f, READ_ONLY), ErrClosed, "closed")
	_, err := g.store.PushFile(f, READ_ONLY)
	wantTyped(t, err, ErrClosed, "closed")
	wantTyped(t, g.store.RemoveFile(3), ErrClosed, "closed")
	if err := g.store.ConfigureWasi(NewWasiConfig()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Another goroutine is in a call of the store meanwhile.
func TestInsertFileDuringOtherUse(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "x")
	entered, leave, done := make(chan bool), make(chan bool), make(chan error)
	host := WrapFunc(g.store, func() {
		close(entered)
		<-leave
	})
	go func() {
		_, err := host.Call(g.store)
		done <- err
	}()
	<-entered
	wantTyped(t, g.store.InsertFile(3, f, READ_ONLY), ErrConcurrentUse, "another goroutine")
	_, err := g.store.PushFile(f, READ_ONLY)
	wantTyped(t, err, ErrConcurrentUse, "another goroutine")
	wantTyped(t, g.store.RemoveFile(0), ErrConcurrentUse, "another goroutine")
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if fd, err := g.store.PushFile(f, READ_ONLY); err != nil || fd != 3 {
		t.Error(fd, err)
	}
}
