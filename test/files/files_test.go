package files_test

import (
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestInsertFileRegular(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "0123456789")
	Insert(t, g.Store, 7, f, READ_WRITE)

	s, errno := g.Read(7, 4)
	Want(t, "read", s, errno, "0123")
	at, errno := g.Tell(7)
	Want(t, "tell", at, errno, 4)
	s, errno = g.Pread(7, 3, 7)
	Want(t, "pread", s, errno, "789")
	at, errno = g.Tell(7)
	Want(t, "tell after pread", at, errno, 4)
	at, errno = g.Seek(7, -2, 2)
	Want(t, "seek from the end", at, errno, 8)
	s, errno = g.Read(7, 100)
	Want(t, "read less than asked for", s, errno, "89")
	s, errno = g.Read(7, 100)
	Want(t, "read at the end", s, errno, "")
	at, errno = g.Seek(7, -9, 1)
	Want(t, "seek from here", at, errno, 1)
	n, errno := g.Write(7, "AB")
	Want(t, "write", n, errno, 2)
	n, errno = g.Pwrite(7, "Z", 9)
	Want(t, "pwrite", n, errno, 1)
	at, errno = g.Tell(7)
	Want(t, "tell after pwrite", at, errno, 3)
	at, errno = g.Seek(7, 12, 0)
	Want(t, "seek beyond the end", at, errno, 12)
	n, errno = g.Write(7, "!")
	Want(t, "write beyond the end", n, errno, 1)
	if got := Content(t, f); got != "0AB345678Z\x00\x00!" {
		t.Errorf("the file holds %q", got)
	}
	_, errno = g.Seek(7, -1, 0)
	WantErrno(t, "seek before the start", errno, ErrnoInval)
	_, errno = g.Seek(7, 0, 3)
	WantErrno(t, "seek from nowhere", errno, ErrnoInval)
	s, errno = g.Read(7, 0)
	Want(t, "read nothing", s, errno, "")
	WantErrno(t, "close", g.Close(7), ErrnoSuccess)
	_, errno = g.Read(7, 1)
	WantErrno(t, "read after close", errno, ErrnoBadf)
	WantErrno(t, "close twice", g.Close(7), ErrnoBadf)
}

func TestInsertFileStat(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, strings.Repeat("x", 12345))
	Insert(t, g.Store, 3, f, READ_WRITE)
	old := time.Unix(1_000_000_000, 123_000_000)
	if err := os.Chtimes(f.Name(), old, old); err != nil {
		t.Fatal(err)
	}
	stat, errno := g.Filestat(3)
	WantErrno(t, "filestat", errno, ErrnoSuccess)
	if stat.Filetype != FiletypeRegular || stat.Size != 12345 || stat.Links != 1 || stat.Inode == 0 {
		t.Errorf("filestat: %+v", stat)
	}
	if stat.Mod != uint64(old.UnixNano()) {
		t.Errorf("modified at %d, want %d", stat.Mod, old.UnixNano())
	}

	WantErrno(t, "set size", g.Call("fd_filestat_set_size", 3, int64(10)), ErrnoSuccess)
	WantErrno(t, "allocate", g.Call("fd_allocate", 3, int64(0), int64(20)), ErrnoSuccess)
	stat, errno = g.Filestat(3)
	Want(t, "size", stat.Size, errno, 20)
	const setBoth = 1 | 4
	WantErrno(t, "set times", g.Call("fd_filestat_set_times", 3, int64(5e9), int64(7e9), setBoth), ErrnoSuccess)
	info, err := f.Stat()
	if err != nil || info.Size() != 20 || !info.ModTime().Equal(time.Unix(7, 0)) {
		t.Errorf("the host sees %v %v", info, err)
	}
	WantErrno(t, "advise", g.Call("fd_advise", 3, int64(0), int64(0), 1), ErrnoSuccess)
	WantErrno(t, "sync", g.Call("fd_sync", 3), ErrnoSuccess)
	WantErrno(t, "datasync", g.Call("fd_datasync", 3), ErrnoSuccess)

	fdstat, errno := g.Fdstat(3)
	WantErrno(t, "fdstat", errno, ErrnoSuccess)
	if fdstat.Filetype != FiletypeRegular || fdstat.Flags != 0 || fdstat.Rights&(RightSeek|RightRead|RightWrite|RightAllocate) != RightSeek|RightRead|RightWrite|RightAllocate {
		t.Errorf("fdstat: %+v", fdstat)
	}
	_, errno = g.Open(3, "x", 0)
	WantErrno(t, "open below a file", errno, ErrnoNotdir)
	WantErrno(t, "prestat of a file", g.Call("fd_prestat_get", 3, GuestResult), ErrnoBadf)
}

func TestInsertFileAppendFlag(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "start")
	Insert(t, g.Store, 4, f, READ_WRITE)
	WantErrno(t, "set append", g.Call("fd_fdstat_set_flags", 4, FdflagAppend), ErrnoSuccess)
	stat, errno := g.Fdstat(4)
	Want(t, "flags", stat.Flags, errno, FdflagAppend)
	n, errno := g.Write(4, "+guest")
	Want(t, "write", n, errno, 6)
	// The flag is the guest's alone: the host's file still writes at its position.
	f.Seek(0, 0)
	if _, err := f.WriteString("S"); err != nil {
		t.Fatal(err)
	}
	if got := Content(t, f); got != "Start+guest" {
		t.Errorf("the file holds %q", got)
	}

	appending, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer appending.Close()
	Insert(t, g.Store, 5, appending, WRITE_ONLY)
	stat, errno = g.Fdstat(5)
	Want(t, "flags of the host's file", stat.Flags, errno, FdflagAppend)
	WantErrno(t, "take the host's append away", g.Call("fd_fdstat_set_flags", 5, 0), ErrnoPerm)
	n, errno = g.Write(5, "!")
	Want(t, "write", n, errno, 1)
	if got := Content(t, f); got != "Start+guest!" {
		t.Errorf("the file holds %q", got)
	}
}

func TestInsertFileDevice(t *testing.T) {
	g := NewWasiGuest(t, nil)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	Insert(t, g.Store, 3, null, READ_WRITE)
	stat, errno := g.Filestat(3)
	Want(t, "file type", stat.Filetype, errno, FiletypeCharacter)
	n, errno := g.Write(3, "gone")
	Want(t, "write", n, errno, 4)
	s, errno := g.Read(3, 10)
	Want(t, "read", s, errno, "")
}

func TestPushFileLowestNumber(t *testing.T) {
	config := NewWasiConfig()
	dir := TempDir(t)
	if err := config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE); err != nil {
		t.Fatal(err)
	}
	g := NewWasiGuest(t, config) // 0, 1, 2, and the directory at 3
	f := TempFile(t, "x")
	push := func(wanted uint32) {
		t.Helper()
		fd, err := g.Store.PushFile(f, READ_ONLY)
		if err != nil || fd != wanted {
			t.Errorf("pushed to %d, %v, want %d", fd, err, wanted)
		}
	}
	open := func(path string, wanted uint32) {
		t.Helper()
		fd, errno := g.Open(3, path, OflagCreate)
		Want(t, "open "+path, fd, errno, wanted)
	}
	push(4)
	open("a", 5)
	Insert(t, g.Store, 7, f, READ_ONLY)
	push(6)
	open("b", 8)
	WantErrno(t, "close", g.Close(5), ErrnoSuccess)
	if err := g.Store.RemoveFile(4); err != nil {
		t.Error(err)
	}
	open("c", 4)
	push(5)
	push(9)
	WantErrno(t, "close standard input", g.Close(0), ErrnoSuccess)
	open("d", 0)
	for _, fd := range []uint32{1, 2, 3} {
		if err := g.Store.RemoveFile(fd); err != nil {
			t.Error(err)
		}
	}
	push(1)
	push(2)
	push(3)
	push(10)
	s, errno := g.Read(1, 1)
	Want(t, "read what was pushed to 1", s, errno, "x")
}

func TestRenumberInsertedFile(t *testing.T) {
	g := NewWasiGuest(t, nil)
	a, b := TempFile(t, "aaa"), TempFile(t, "bbb")
	Insert(t, g.Store, 10, a, READ_ONLY)
	Insert(t, g.Store, 20, b, READ_ONLY)
	WantErrno(t, "renumber", g.Call("fd_renumber", 10, 20), ErrnoSuccess)
	if g.IsOpen(10) {
		t.Error("the old number is still open")
	}
	s, errno := g.Read(20, 3)
	Want(t, "read", s, errno, "aaa")
	fd, err := g.Store.PushFile(b, READ_ONLY)
	if err != nil || fd != 3 {
		t.Error(fd, err)
	}
}

func TestRemoveFile(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "x")
	Insert(t, g.Store, 3, f, READ_ONLY)
	if err := g.Store.RemoveFile(3); err != nil {
		t.Fatal(err)
	}
	if g.IsOpen(3) {
		t.Error("a removed descriptor is open")
	}
	if _, err := f.Stat(); err != nil {
		t.Errorf("the host's file: %v", err)
	}
}

// Every number that is allowed, at the ends of the range.
func TestInsertFileHighestNumber(t *testing.T) {
	g := NewWasiGuest(t, nil)
	f := TempFile(t, "x")
	Insert(t, g.Store, 1048575, f, READ_ONLY)
	s, errno := g.Read(1048575, 5)
	Want(t, "read", s, errno, "x")
	fd, err := g.Store.PushFile(f, READ_ONLY)
	if err != nil || fd != 3 {
		t.Error(fd, err)
	}
	if err := g.Store.RemoveFile(1048575); err != nil {
		t.Error(err)
	}
}
