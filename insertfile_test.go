package wasmtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// tempFile creates a file with some content, open for reading and writing at its start.
func tempFile(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(tempDir(t), "file")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// insert inserts a file, which must work.
func insert(t testing.TB, store interface {
	InsertFile(uint32, *os.File, WasiFileAccessMode) error
}, fd uint32, f *os.File, mode WasiFileAccessMode) {
	t.Helper()
	if err := store.InsertFile(fd, f, mode); err != nil {
		t.Fatal(err)
	}
}

// content is what the file holds now.
func content(t testing.TB, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// want compares a result of the guest.
func want[T comparable](t testing.TB, what string, got T, errno wasiErrno, wanted T) {
	t.Helper()
	if errno != errnoSuccess || got != wanted {
		t.Errorf("%s: %#v and errno %d, want %#v", what, got, errno, wanted)
	}
}

// wantErrno compares an error of the guest.
func wantErrno(t testing.TB, what string, errno, wanted wasiErrno) {
	t.Helper()
	if errno != wanted {
		t.Errorf("%s: errno %d, want %d", what, errno, wanted)
	}
}

func TestInsertFileRegular(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "0123456789")
	insert(t, g.store, 7, f, READ_WRITE)

	s, errno := g.read(7, 4)
	want(t, "read", s, errno, "0123")
	at, errno := g.tell(7)
	want(t, "tell", at, errno, 4)
	s, errno = g.pread(7, 3, 7)
	want(t, "pread", s, errno, "789")
	at, errno = g.tell(7)
	want(t, "tell after pread", at, errno, 4)
	at, errno = g.seek(7, -2, 2)
	want(t, "seek from the end", at, errno, 8)
	s, errno = g.read(7, 100)
	want(t, "read less than asked for", s, errno, "89")
	s, errno = g.read(7, 100)
	want(t, "read at the end", s, errno, "")
	at, errno = g.seek(7, -9, 1)
	want(t, "seek from here", at, errno, 1)
	n, errno := g.write(7, "AB")
	want(t, "write", n, errno, 2)
	n, errno = g.pwrite(7, "Z", 9)
	want(t, "pwrite", n, errno, 1)
	at, errno = g.tell(7)
	want(t, "tell after pwrite", at, errno, 3)
	at, errno = g.seek(7, 12, 0)
	want(t, "seek beyond the end", at, errno, 12)
	n, errno = g.write(7, "!")
	want(t, "write beyond the end", n, errno, 1)
	if got := content(t, f); got != "0AB345678Z\x00\x00!" {
		t.Errorf("the file holds %q", got)
	}
	_, errno = g.seek(7, -1, 0)
	wantErrno(t, "seek before the start", errno, errnoInval)
	_, errno = g.seek(7, 0, 3)
	wantErrno(t, "seek from nowhere", errno, errnoInval)
	s, errno = g.read(7, 0)
	want(t, "read nothing", s, errno, "")
	wantErrno(t, "close", g.close(7), errnoSuccess)
	_, errno = g.read(7, 1)
	wantErrno(t, "read after close", errno, errnoBadf)
	wantErrno(t, "close twice", g.close(7), errnoBadf)
}

func TestInsertFileStat(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, strings.Repeat("x", 12345))
	insert(t, g.store, 3, f, READ_WRITE)
	old := time.Unix(1_000_000_000, 123_000_000)
	if err := os.Chtimes(f.Name(), old, old); err != nil {
		t.Fatal(err)
	}
	stat, errno := g.filestat(3)
	wantErrno(t, "filestat", errno, errnoSuccess)
	if stat.filetype != filetypeRegular || stat.size != 12345 || stat.links != 1 || stat.inode == 0 {
		t.Errorf("filestat: %+v", stat)
	}
	if stat.mod != uint64(old.UnixNano()) {
		t.Errorf("modified at %d, want %d", stat.mod, old.UnixNano())
	}

	wantErrno(t, "set size", g.call("fd_filestat_set_size", 3, int64(10)), errnoSuccess)
	wantErrno(t, "allocate", g.call("fd_allocate", 3, int64(0), int64(20)), errnoSuccess)
	stat, errno = g.filestat(3)
	want(t, "size", stat.size, errno, 20)
	const setBoth = 1 | 4
	wantErrno(t, "set times", g.call("fd_filestat_set_times", 3, int64(5e9), int64(7e9), setBoth), errnoSuccess)
	info, err := f.Stat()
	if err != nil || info.Size() != 20 || !info.ModTime().Equal(time.Unix(7, 0)) {
		t.Errorf("the host sees %v %v", info, err)
	}
	wantErrno(t, "advise", g.call("fd_advise", 3, int64(0), int64(0), 1), errnoSuccess)
	wantErrno(t, "sync", g.call("fd_sync", 3), errnoSuccess)
	wantErrno(t, "datasync", g.call("fd_datasync", 3), errnoSuccess)

	fdstat, errno := g.fdstat(3)
	wantErrno(t, "fdstat", errno, errnoSuccess)
	if fdstat.filetype != filetypeRegular || fdstat.flags != 0 || fdstat.rights&(rightSeek|rightRead|rightWrite|rightAllocate) != rightSeek|rightRead|rightWrite|rightAllocate {
		t.Errorf("fdstat: %+v", fdstat)
	}
	_, errno = g.open(3, "x", 0)
	wantErrno(t, "open below a file", errno, errnoNotdir)
	wantErrno(t, "prestat of a file", g.call("fd_prestat_get", 3, guestResult), errnoBadf)
}

func TestInsertFileAppendFlag(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "start")
	insert(t, g.store, 4, f, READ_WRITE)
	wantErrno(t, "set append", g.call("fd_fdstat_set_flags", 4, fdflagAppend), errnoSuccess)
	stat, errno := g.fdstat(4)
	want(t, "flags", stat.flags, errno, fdflagAppend)
	n, errno := g.write(4, "+guest")
	want(t, "write", n, errno, 6)
	// The flag is the guest's alone: the host's file still writes at its position.
	f.Seek(0, 0)
	if _, err := f.WriteString("S"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f); got != "Start+guest" {
		t.Errorf("the file holds %q", got)
	}

	appending, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer appending.Close()
	insert(t, g.store, 5, appending, WRITE_ONLY)
	stat, errno = g.fdstat(5)
	want(t, "flags of the host's file", stat.flags, errno, fdflagAppend)
	wantErrno(t, "take the host's append away", g.call("fd_fdstat_set_flags", 5, 0), errnoPerm)
	n, errno = g.write(5, "!")
	want(t, "write", n, errno, 1)
	if got := content(t, f); got != "Start+guest!" {
		t.Errorf("the file holds %q", got)
	}
}

func TestInsertFileDevice(t *testing.T) {
	g := newWasiGuest(t, nil)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	insert(t, g.store, 3, null, READ_WRITE)
	stat, errno := g.filestat(3)
	want(t, "file type", stat.filetype, errno, filetypeCharacter)
	n, errno := g.write(3, "gone")
	want(t, "write", n, errno, 4)
	s, errno := g.read(3, 10)
	want(t, "read", s, errno, "")
}

func TestPushFileLowestNumber(t *testing.T) {
	config := NewWasiConfig()
	dir := tempDir(t)
	if err := config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE); err != nil {
		t.Fatal(err)
	}
	g := newWasiGuest(t, config) // 0, 1, 2, and the directory at 3
	f := tempFile(t, "x")
	push := func(wanted uint32) {
		t.Helper()
		fd, err := g.store.PushFile(f, READ_ONLY)
		if err != nil || fd != wanted {
			t.Errorf("pushed to %d, %v, want %d", fd, err, wanted)
		}
	}
	open := func(path string, wanted uint32) {
		t.Helper()
		fd, errno := g.open(3, path, oflagCreate)
		want(t, "open "+path, fd, errno, wanted)
	}
	push(4)
	open("a", 5)
	insert(t, g.store, 7, f, READ_ONLY)
	push(6)
	open("b", 8)
	wantErrno(t, "close", g.close(5), errnoSuccess)
	if err := g.store.RemoveFile(4); err != nil {
		t.Error(err)
	}
	open("c", 4)
	push(5)
	push(9)
	wantErrno(t, "close standard input", g.close(0), errnoSuccess)
	open("d", 0)
	for _, fd := range []uint32{1, 2, 3} {
		if err := g.store.RemoveFile(fd); err != nil {
			t.Error(err)
		}
	}
	push(1)
	push(2)
	push(3)
	push(10)
	s, errno := g.read(1, 1)
	want(t, "read what was pushed to 1", s, errno, "x")
}

func TestRenumberInsertedFile(t *testing.T) {
	g := newWasiGuest(t, nil)
	a, b := tempFile(t, "aaa"), tempFile(t, "bbb")
	insert(t, g.store, 10, a, READ_ONLY)
	insert(t, g.store, 20, b, READ_ONLY)
	wantErrno(t, "renumber", g.call("fd_renumber", 10, 20), errnoSuccess)
	if g.isOpen(10) {
		t.Error("the old number is still open")
	}
	s, errno := g.read(20, 3)
	want(t, "read", s, errno, "aaa")
	fd, err := g.store.PushFile(b, READ_ONLY)
	if err != nil || fd != 3 {
		t.Error(fd, err)
	}
}

func TestRemoveFile(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "x")
	insert(t, g.store, 3, f, READ_ONLY)
	if err := g.store.RemoveFile(3); err != nil {
		t.Fatal(err)
	}
	if g.isOpen(3) {
		t.Error("a removed descriptor is open")
	}
	if _, err := f.Stat(); err != nil {
		t.Errorf("the host's file: %v", err)
	}
}

// Every number that is allowed, at the ends of the range.
func TestInsertFileHighestNumber(t *testing.T) {
	g := newWasiGuest(t, nil)
	f := tempFile(t, "x")
	insert(t, g.store, 1048575, f, READ_ONLY)
	s, errno := g.read(1048575, 5)
	want(t, "read", s, errno, "x")
	fd, err := g.store.PushFile(f, READ_ONLY)
	if err != nil || fd != 3 {
		t.Error(fd, err)
	}
	if err := g.store.RemoveFile(1048575); err != nil {
		t.Error(err)
	}
}
