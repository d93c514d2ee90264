package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// The process has no descriptors left to duplicate a file with.
func TestInsertFileWithoutHostDescriptors(t *testing.T) {
	if !Survives(t) {
		return
	}
	g := NewWasiGuest(t, nil)
	live, other := TempFile(t, "live"), TempFile(t, "other")
	Insert(t, g.Store, 3, live, READ_WRITE)
	Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: 100}))
	var all []*os.File
	for len(all) < 200 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		all = append(all, f)
	}
	err := g.Store.InsertFile(3, other, READ_ONLY)
	if _, ok := err.(*Error); !ok || !strings.Contains(err.Error(), "(os error 24)") {
		t.Errorf("%T %v", err, err)
	}
	if fd, err := g.Store.PushFile(other, READ_ONLY); err == nil {
		t.Errorf("pushed to %d", fd)
	}
	s, errno := g.Read(3, 10)
	Want(t, "read what was there", s, errno, "live")
	for _, f := range all {
		f.Close()
	}
	fd, err := g.Store.PushFile(other, READ_ONLY)
	if err != nil || fd != 4 {
		t.Error(fd, err)
	}
}

func TestInsertNamedPipe(t *testing.T) {
	path := filepath.Join(TempDir(t), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	g := NewWasiGuest(t, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		time.Sleep(10 * time.Millisecond)
		w.WriteString("through a name")
		w.Close()
	})
	r, err := os.Open(path)
	Check(t, err)
	Insert(t, g.Store, 3, r, READ_ONLY)
	r.Close()
	s, errno := g.ReadAll(3)
	Want(t, "read", s, errno, "through a name")
	wg.Wait()
}

// A guest that holds the last reading end keeps the pipe alive for Go's writer, and closing it breaks it.
func TestGuestHoldsLastEnd(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	r.Close()
	if _, err := w.WriteString("x"); err != nil {
		t.Error(err)
	}
	WantErrno(t, "close", g.Close(3), ErrnoSuccess)
	if _, err := w.WriteString("x"); err == nil {
		t.Error("writing to a pipe without a reader worked")
	}
}

// Many guests wait in system calls at the same time, each on a thread; the rest of the program goes on.
func TestManyWaitingGuests(t *testing.T) {
	const guests = 50
	var wg sync.WaitGroup
	var ends []*os.File
	for range guests {
		g := NewWasiGuest(t, nil)
		r, w := Pipe(t)
		ends = append(ends, w)
		Insert(t, g.Store, 3, r, READ_ONLY)
		wg.Go(func() {
			if s, errno := g.Read(3, 10); errno != ErrnoSuccess || s != "go" {
				t.Errorf("%q, errno %d", s, errno)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	for _, w := range ends {
		w.WriteString("go")
	}
	wg.Wait()
}

// A guest's write to a full pipe waits for Go's reader, however slow.
func TestSlowReader(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, w, WRITE_ONLY)
	w.Close()
	data := strings.Repeat("0123456789", 50_000)
	var got strings.Builder
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 30_000)
		for {
			n, err := r.Read(b)
			got.Write(b[:n])
			if err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	n, errno := g.Write(3, data)
	Want(t, "write", n, errno, len(data))
	g.Close(3)
	wg.Wait()
	if got.String() != data {
		t.Errorf("%d bytes arrived", got.Len())
	}
}
