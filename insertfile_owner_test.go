package wasmtime_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// pipe makes a pipe whose ends are closed with the test.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

func TestHostClosesItsFileAfterInsert(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "content")
	insert(t, g.store, 5, f, READ_WRITE)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, errno := g.read(5, 20)
	want(t, "read", s, errno, "content")
	n, errno := g.write(5, "!")
	want(t, "write", n, errno, 1)
	if got := content(t, f); got != "content!" {
		t.Errorf("the file holds %q", got)
	}
}

func TestGuestClosesAndHostGoesOn(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "content")
	for _, leave := range []func() bool{
		func() bool { return g.close(5) == errnoSuccess },
		func() bool { return g.store.RemoveFile(5) == nil },
	} {
		insert(t, g.store, 5, f, READ_WRITE)
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
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 3, r, READ_ONLY)
	insert(t, g.store, 4, w, WRITE_ONLY)
	g.close(3)
	g.close(4)
	go w.WriteString("still here")
	b := make([]byte, 20)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "still here" {
		t.Errorf("the host reads %q, %v", b[:n], err)
	}
}

// A duplicate shares the open file and with it the position, both ways.
func TestOffsetIsShared(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "0123456789")
	if _, err := f.Seek(2, 0); err != nil {
		t.Fatal(err)
	}
	insert(t, g.store, 3, f, READ_WRITE)
	s, errno := g.read(3, 3)
	want(t, "read from where the host was", s, errno, "234")
	if at, _ := f.Seek(0, 1); at != 5 {
		t.Errorf("the host is at %d after the guest's read, want 5", at)
	}
	if _, err := f.Seek(8, 0); err != nil {
		t.Fatal(err)
	}
	at, errno := g.tell(3)
	want(t, "tell after the host's seek", at, errno, 8)
	g.seek(3, 1, 0)
	b := make([]byte, 2)
	if _, err := io.ReadFull(f, b); err != nil || string(b) != "12" {
		t.Errorf("the host reads %q, %v after the guest's seek", b, err)
	}
	n, errno := g.write(3, "X")
	want(t, "write", n, errno, 1)
	if at, _ := f.Seek(0, 1); at != 4 {
		t.Errorf("the host is at %d after the guest's write, want 4", at)
	}
	insert(t, g.store, 4, f, READ_ONLY)
	s, errno = g.read(4, 1)
	want(t, "read through a second descriptor", s, errno, "4")
	at, errno = g.tell(3)
	want(t, "tell of the first", at, errno, 5)
}

func TestInsertReplacesLiveDescriptor(t *testing.T) {
	g := newWasiGuest(t, nil)
	first, second := tempFile(t, "first"), tempFile(t, "second")
	insert(t, g.store, 6, first, READ_WRITE)
	insert(t, g.store, 6, second, READ_ONLY)
	s, errno := g.read(6, 20)
	want(t, "read", s, errno, "second")
	_, errno = g.write(6, "x")
	wantErrno(t, "write in the new mode", errno, errnoBadf)
	if at, _ := first.Seek(0, 1); at != 0 {
		t.Error("the replaced file was read")
	}

	// What was replaced is closed: the reader of a pipe sees its end.
	r, w := pipe(t)
	insert(t, g.store, 6, w, WRITE_ONLY)
	w.Close()
	insert(t, g.store, 6, first, READ_ONLY)
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
	// Inserting a file over its own duplicate works.
	insert(t, g.store, 6, first, READ_WRITE)
	s, errno = g.read(6, 20)
	want(t, "read", s, errno, "first")
}

func TestInsertReplacesStandardStreams(t *testing.T) {
	config := NewWasiConfig()
	dir := tempDir(t)
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
	g := newWasiGuest(t, config)
	in, out, stderr := tempFile(t, "inserted"), tempFile(t, ""), tempFile(t, "")
	insert(t, g.store, 0, in, READ_ONLY)
	insert(t, g.store, 1, out, WRITE_ONLY)
	insert(t, g.store, 2, stderr, WRITE_ONLY)
	s, errno := g.read(0, 20)
	want(t, "read standard input", s, errno, "inserted")
	g.write(1, "to standard output")
	g.write(2, "to standard error")
	if content(t, out) != "to standard output" || content(t, stderr) != "to standard error" {
		t.Errorf("%q %q", content(t, out), content(t, stderr))
	}
	for _, name := range []string{"out", "err"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) > 0 {
			t.Errorf("the configured %s holds %q, %v", name, b, err)
		}
	}
}

func TestInsertReplacesOpenedFileAndDirectory(t *testing.T) {
	config := NewWasiConfig()
	dir := tempDir(t)
	if err := config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE); err != nil {
		t.Fatal(err)
	}
	g := newWasiGuest(t, config)
	fd, errno := g.open(3, "opened", oflagCreate)
	want(t, "open", fd, errno, 4)
	f := tempFile(t, "inserted")
	insert(t, g.store, 4, f, READ_ONLY)
	s, errno := g.read(4, 20)
	want(t, "read", s, errno, "inserted")
	insert(t, g.store, 3, f, READ_ONLY)
	_, errno = g.open(3, "opened", 0)
	wantErrno(t, "open below what was a directory", errno, errnoNotdir)
	// And back: a file that the guest opens takes the number of an inserted one that it closed.
	g2 := newWasiGuest(t, config)
	insert(t, g2.store, 4, f, READ_ONLY)
	g2.close(4)
	fd, errno = g2.open(3, "opened", 0)
	want(t, "open", fd, errno, 4)
}

// The guest's descriptor outlives the *os.File that it was made from, which closes itself when it is collected.
func TestInsertedFileSurvivesCollection(t *testing.T) {
	g := newWasiGuest(t, nil)
	path := tempFile(t, "content").Name()
	func() {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		insert(t, g.store, 3, f, READ_ONLY)
	}()
	for range 5 {
		runtime.GC()
	}
	for range 100 { // what would take the number if it had been closed
		if f, err := os.Open(os.DevNull); err == nil {
			defer f.Close()
		}
	}
	s, errno := g.read(3, 20)
	want(t, "read", s, errno, "content")
}

// Closing the store closes what was inserted.
func TestStoreCloseClosesInsertedFiles(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 9, w, WRITE_ONLY)
	w.Close()
	g.store.Close()
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
}

// So does configuring WASI anew.
func TestSetWasiClosesInsertedFiles(t *testing.T) {
	g := newWasiGuest(t, nil)
	r, w := pipe(t)
	insert(t, g.store, 9, w, WRITE_ONLY)
	w.Close()
	g.store.SetWasi(NewWasiConfig())
	if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
	if g.isOpen(9) {
		t.Error("the descriptor is open in the new configuration")
	}
	if fd, err := g.store.PushFile(tempFile(t, ""), READ_ONLY); err != nil || fd != 3 {
		t.Error(fd, err)
	}
}

// The file may be closed by another goroutine at any moment: it is inserted, or the error says that it is closed. It is
// never another file that took its number.
func TestInsertWhileHostCloses(t *testing.T) {
	g := newWasiGuest(t, nil)
	path := tempFile(t, "right").Name()
	decoy := tempFile(t, "wrong").Name()
	rounds := 300
	if debugBuild() {
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
		err = g.store.InsertFile(3, f, READ_ONLY)
		(<-done).Close()
		if err != nil {
			wantTyped(t, err, ErrBadFile, "")
			continue
		}
		inserted++
		s, errno := g.pread(3, 10, 0)
		want(t, "read", s, errno, "right")
	}
	t.Logf("inserted %d times of %d", inserted, rounds)
}
