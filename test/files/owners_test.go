package files_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestHostClosesItsFileAfterInsert(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "content")
	Insert(t, g.Store, 5, f, READ_WRITE)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, errno := g.Read(5, 20)
	Want(t, "read", s, errno, "content")
	n, errno := g.Write(5, "!")
	Want(t, "write", n, errno, 1)
	if got := Content(t, f); got != "content!" {
		t.Errorf("the file holds %q", got)
	}
}

func TestGuestClosesAndHostGoesOn(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "content")
	for _, leave := range []func() bool{
		func() bool { return g.Close(5) == ErrnoSuccess },
		func() bool { return g.Store.RemoveFile(5) == nil },
	} {
		Insert(t, g.Store, 5, f, READ_WRITE)
		if !leave() {
			t.Error("closing failed")
		}
		b := make([]byte, 3)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "con" {
			t.Errorf("the host reads %q, %v", b, err)
		}
		if _, err := f.WriteAt([]byte("C"), 0); err != nil {
			t.Error(err)
		}
		f.WriteAt([]byte("c"), 0)
	}
}

func TestHostPipeAfterGuestCloses(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 3, r, READ_ONLY)
	Insert(t, g.Store, 4, w, WRITE_ONLY)
	g.Close(3)
	g.Close(4)
	go w.WriteString("still here")
	b := make([]byte, 20)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "still here" {
		t.Errorf("the host reads %q, %v", b[:n], err)
	}
}

// A duplicate shares the open file and with it the position, both ways.
func TestOffsetIsShared(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "0123456789")
	if _, err := f.Seek(2, 0); err != nil {
		t.Fatal(err)
	}
	Insert(t, g.Store, 3, f, READ_WRITE)
	s, errno := g.Read(3, 3)
	Want(t, "read from where the host was", s, errno, "234")
	if at, _ := f.Seek(0, 1); at != 5 {
		t.Errorf("the host is at %d after the guest's read, want 5", at)
	}
	if _, err := f.Seek(8, 0); err != nil {
		t.Fatal(err)
	}
	at, errno := g.Tell(3)
	Want(t, "tell after the host's seek", at, errno, 8)
	g.Seek(3, 1, 0)
	b := make([]byte, 2)
	if _, err := io.ReadFull(f, b); err != nil || string(b) != "12" {
		t.Errorf("the host reads %q, %v after the guest's seek", b, err)
	}
	n, errno := g.Write(3, "X")
	Want(t, "write", n, errno, 1)
	if at, _ := f.Seek(0, 1); at != 4 {
		t.Errorf("the host is at %d after the guest's write, want 4", at)
	}
	Insert(t, g.Store, 4, f, READ_ONLY)
	s, errno = g.Read(4, 1)
	Want(t, "read through a second descriptor", s, errno, "4")
	at, errno = g.Tell(3)
	Want(t, "tell of the first", at, errno, 5)
}

func TestInsertReplacesLiveDescriptor(t *testing.T) {
	g := NewWasiGuest(t, nil)
	first, second := TempFile(t, "first"), TempFile(t, "second")
	Insert(t, g.Store, 6, first, READ_WRITE)
	Insert(t, g.Store, 6, second, READ_ONLY)
	s, errno := g.Read(6, 20)
	Want(t, "read", s, errno, "second")
	_, errno = g.Write(6, "x")
	WantErrno(t, "write in the new mode", errno, ErrnoBadf)
	if at, _ := first.Seek(0, 1); at != 0 {
		t.Error("the replaced file was read")
	}

	// What was replaced is closed: the reader of a pipe sees its end.
	r, w := Pipe(t)
	Insert(t, g.Store, 6, w, WRITE_ONLY)
	w.Close()
	Insert(t, g.Store, 6, first, READ_ONLY)
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
	// Inserting a file over its own duplicate works.
	Insert(t, g.Store, 6, first, READ_WRITE)
	s, errno = g.Read(6, 20)
	Want(t, "read", s, errno, "first")
}

func TestInsertReplacesStandardStreams(t *testing.T) {
	config := NewWasiConfig()
	dir := TempDir(t)
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "in"), []byte("configured"), 0o644),
		config.SetStdinFile(filepath.Join(dir, "in")),
		config.SetStdoutFile(filepath.Join(dir, "out")),
		config.SetStderrFile(filepath.Join(dir, "err")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	defer config.Close()
	g := NewWasiGuest(t, config)
	in, out, stderr := TempFile(t, "inserted"), TempFile(t, ""), TempFile(t, "")
	Insert(t, g.Store, 0, in, READ_ONLY)
	Insert(t, g.Store, 1, out, WRITE_ONLY)
	Insert(t, g.Store, 2, stderr, WRITE_ONLY)
	s, errno := g.Read(0, 20)
	Want(t, "read standard input", s, errno, "inserted")
	g.Write(1, "to standard output")
	g.Write(2, "to standard error")
	if Content(t, out) != "to standard output" || Content(t, stderr) != "to standard error" {
		t.Errorf("%q %q", Content(t, out), Content(t, stderr))
	}
	for _, name := range []string{"out", "err"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) > 0 {
			t.Errorf("the configured %s holds %q, %v", name, b, err)
		}
	}
}

func TestInsertReplacesOpenedFileAndDirectory(t *testing.T) {
	config := NewWasiConfig()
	dir := TempDir(t)
	if err := config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE); err != nil {
		t.Fatal(err)
	}
	g := NewWasiGuest(t, config)
	fd, errno := g.Open(3, "opened", OflagCreate)
	Want(t, "open", fd, errno, 4)
	f := TempFile(t, "inserted")
	Insert(t, g.Store, 4, f, READ_ONLY)
	s, errno := g.Read(4, 20)
	Want(t, "read", s, errno, "inserted")
	Insert(t, g.Store, 3, f, READ_ONLY)
	_, errno = g.Open(3, "opened", 0)
	WantErrno(t, "open below what was a directory", errno, ErrnoNotdir)
	// And back: a file that the guest opens takes the number of an inserted one that it closed.
	g2 := NewWasiGuest(t, config)
	Insert(t, g2.Store, 4, f, READ_ONLY)
	g2.Close(4)
	fd, errno = g2.Open(3, "opened", 0)
	Want(t, "open", fd, errno, 4)
}

// The guest's descriptor outlives the *os.File that it was made from, which closes itself when it is collected.
func TestInsertedFileSurvivesCollection(t *testing.T) {
	g := NewWasiGuest(t, nil)
	path := TempFile(t, "content").Name()
	func() {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		Insert(t, g.Store, 3, f, READ_ONLY)
	}()
	for range 5 {
		runtime.GC()
	}
	for range 100 { // what would take the number if it had been closed
		if f, err := os.Open(os.DevNull); err == nil {
			defer f.Close()
		}
	}
	s, errno := g.Read(3, 20)
	Want(t, "read", s, errno, "content")
}

// Closing the store closes what was inserted.
func TestStoreCloseClosesInsertedFiles(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 9, w, WRITE_ONLY)
	w.Close()
	g.Store.Close()
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
}

// So does configuring WASI anew.
func TestSetWasiClosesInsertedFiles(t *testing.T) {
	g := NewWasiGuest(t, nil)
	r, w := Pipe(t)
	Insert(t, g.Store, 9, w, WRITE_ONLY)
	w.Close()
	g.Store.SetWasi(NewWasiConfig())
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
	if g.IsOpen(9) {
		t.Error("the descriptor is open in the new configuration")
	}
	if fd, err := g.Store.PushFile(TempFile(t, ""), READ_ONLY); err != nil || fd != 3 {
		t.Error(fd, err)
	}
}

// The file may be closed by another goroutine at any moment: it is inserted, or the error says that it is closed. It
// is never another file that took its number.
func TestInsertWhileHostCloses(t *testing.T) {
	g := NewWasiGuest(t, nil)
	path := TempFile(t, "right").Name()
	decoy := TempFile(t, "wrong").Name()
	rounds := 300
	if Debug {
		rounds = 30
	}
	inserted := 0
	for range rounds {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan *os.File)
		go func() {
			f.Close()
			other, _ := os.Open(decoy)
			done <- other
		}()
		err = g.Store.InsertFile(3, f, READ_ONLY)
		(<-done).Close()
		if err != nil {
			WantTyped(t, err, ErrBadFile, "")
			continue
		}
		inserted++
		s, errno := g.Pread(3, 10, 0)
		Want(t, "read", s, errno, "right")
	}
	t.Logf("inserted %d times of %d", inserted, rounds)
}
