package dirs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestInsertDirNames(t *testing.T) {
	config := NewWasiConfig()
	Check(t, config.PreopenDir(TempDir(t), "/first", DIR_READ, FILE_READ))
	g := NewWasiGuest(t, config)
	dir := OpenDir(t, TempDir(t))
	Equal(t, "preopened", g.Preopens(), "/first")
	fd, err := g.Store.PushDir(dir, "/second", READ_ONLY)
	Check(t, err)
	Equal(t, "pushed to", fd, 4)
	Check(t, g.Store.InsertDir(5, dir, "Ünï/code", READ_WRITE))
	fd, err = g.Store.PushDir(dir, "", READ_ONLY)
	Check(t, err)
	Equal(t, "pushed to", fd, 6)
	Check(t, g.Store.InsertDir(7, dir, "/behind one without a name", READ_ONLY))
	Equal(t, "preopened", g.Preopens(), "/first /second Ünï/code")

	WantErrno(t, "too short a buffer", g.Call("fd_prestat_dir_name", 4, GuestBuffer, 3), ErrnoNametoolong)
	WantErrno(t, "prestat without a name", g.Call("fd_prestat_get", 6, GuestResult), ErrnoBadf)
	WantErrno(t, "the name of one without", g.Call("fd_prestat_dir_name", 6, GuestBuffer, 100), ErrnoNotdir)
	WantErrno(t, "renumber", g.Call("fd_renumber", 7, 6), ErrnoSuccess)
	Equal(t, "preopened", g.Preopens(), "/first /second Ünï/code /behind one without a name")
	Check(t, g.Store.RemoveFile(4))
	Equal(t, "preopened", g.Preopens(), "/first")
}

// Both ends are independent of each other.
func TestInsertDirIsDuplicated(t *testing.T) {
	path := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(path, "file"), []byte("content"), 0o644))
	g := NewWasiGuest(t, nil)
	before := OpenFds(t)
	dir, err := os.Open(path)
	Check(t, err)
	Check(t, g.Store.InsertDir(3, dir, "", READ_ONLY))
	Check(t, dir.Close())
	fd, errno := g.OpenRights(3, "file", 0, RightRead)
	Want(t, "open", fd, errno, 4)
	s, errno := g.ReadAll(fd)
	Want(t, "read", s, errno, "content")
	if got := OpenFds(t); got != before+2 && !OnWine() {
		t.Errorf("%d descriptors before, %d after", before, got)
	}

	dir = OpenDir(t, path)
	Check(t, g.Store.InsertDir(3, dir, "", READ_ONLY))
	g.Entries(3, 0, 4096)
	if names, err := dir.Readdirnames(-1); err != nil || len(names) != 1 {
		t.Errorf("the host reads %q, %v, after the guest has", names, err)
	}
	all, _ := g.Entries(3, 0, 4096)
	Equal(t, "entries after the host has read", len(all), 3)
	WantErrno(t, "close", g.Close(3), ErrnoSuccess)
	if _, err := dir.Stat(); err != nil {
		t.Error(err)
	}
	g.Close(4)
	if got := OpenFds(t); got != before+1 && !OnWine() {
		t.Errorf("%d descriptors before, %d in the end", before, got)
	}
}

func TestInsertDirErrors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Insert(t, g.Store, 3, TempFile(t, "kept"), READ_ONLY)
	good, file := OpenDir(t, TempDir(t)), TempFile(t, "x")
	closed, err := os.Open(TempDir(t))
	Check(t, err)
	closed.Close()
	r, _ := Pipe(t)
	for _, c := range []struct {
		name  string
		fd    uint32
		dir   *os.File
		path  string
		mode  WasiFileAccessMode
		cause error
		text  string
		push  bool
	}{
		{"nil", 3, nil, "", READ_ONLY, ErrBadFile, "nil", true},
		{"closed", 3, closed, "", READ_ONLY, ErrBadFile, "closed", true},
		{"a file", 3, file, "/", READ_ONLY, ErrBadFile, "cannot be used", true},
		{"a pipe", 3, r, "/", READ_ONLY, ErrBadFile, "cannot be used", true},
		{"mode 0", 3, good, "", 0, ErrBadAccessMode, "access mode 0", true},
		{"write only", 3, good, "", WRITE_ONLY, ErrBadAccessMode, "write-only", true},
		{"mode 4", 3, good, "", 4, ErrBadAccessMode, "access mode 4", true},
		{"number", 1 << 20, good, "", READ_ONLY, ErrBadFd, "1048576", false},
		{"not UTF-8", 3, good, "\xff", READ_ONLY, nil, "UTF-8", true},
		{"a zero", 3, good, "a\x00b", READ_ONLY, nil, "zero byte", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := []error{g.Store.InsertDir(c.fd, c.dir, c.path, c.mode)}
			if c.push {
				fd, err := g.Store.PushDir(c.dir, c.path, c.mode)
				Equal(t, "a number beside an error", fd, 0)
				errs = append(errs, err)
			}
			WantAll(t, errs, c.cause, c.text)
			s, errno := g.Pread(3, 10, 0)
			Want(t, "read what was there", s, errno, "kept")
			if g.IsOpen(4) {
				t.Error("a number was taken")
			}
		})
	}

	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	WantTyped(t, store.InsertDir(3, good, "", READ_ONLY), ErrNoWasi, "WASI")
	store.Close()
	WantTyped(t, store.InsertDir(3, good, "", READ_ONLY), ErrClosed, "closed")
	_, err = store.PushDir(good, "", READ_ONLY)
	WantTyped(t, err, ErrClosed, "closed")
}

func TestCallerInsertsDir(t *testing.T) {
	path := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(path, "a"), nil, 0o644))
	dir := OpenDir(t, path)
	store, instance := CallerGuest(t, func(c *Caller) int32 {
		Check(t, c.InsertDir(100, dir, "/", READ_ONLY))
		fd, err := c.PushDir(dir, "/", READ_ONLY)
		Check(t, err)
		Equal(t, "pushed to", fd, 3)
		return 3
	}, func(*Caller, int32) {})
	// The guest reads the descriptor as if it were a file's, and returns.
	result, err := instance.GetFunc(store, "run").Call(store)
	if err != nil || result != int32(-1) {
		t.Error(result, err)
	}
}

// The calls on the descriptor itself.
func TestDirDescriptor(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, fd uint32, dir string) {
		info, err := os.Stat(dir)
		Check(t, err)
		stat, errno := g.Filestat(fd)
		WantErrno(t, "filestat", errno, ErrnoSuccess)
		if stat.Filetype != FiletypeDirectory || stat.Inode == 0 || stat.Mod != uint64(info.ModTime().UnixNano()) {
			t.Errorf("filestat: %+v", stat)
		}
		fdstat, errno := g.Fdstat(fd)
		WantErrno(t, "fdstat", errno, ErrnoSuccess)
		if fdstat.Filetype != FiletypeDirectory || fdstat.Rights&RightReaddir == 0 || fdstat.Rights&RightSeek != 0 {
			t.Errorf("fdstat: %+v", fdstat)
		}
		WantErrno(t, "sync", g.Call("fd_sync", int(fd)), ErrnoSuccess)
		WantErrno(t, "datasync", g.Call("fd_datasync", int(fd)), ErrnoSuccess)
		WantErrno(t, "set times", g.Call("fd_filestat_set_times", int(fd), int64(5e9), int64(7e9), FstAtim|FstMtim), ErrnoSuccess)
		if info, err := os.Stat(dir); err != nil || !info.ModTime().Equal(time.Unix(7, 0)) {
			t.Error(info.ModTime(), err)
		}
		WantErrno(t, "a time and now", g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstAtim|FstAtimNow), ErrnoInval)
		WantErrno(t, "set flags", g.Call("fd_fdstat_set_flags", int(fd), FdflagNonblock), ErrnoSuccess)
		fdstat, errno = g.Fdstat(fd)
		Want(t, "flags", fdstat.Flags, errno, FdflagNonblock)

		_, errno = g.Read(fd, 1)
		WantErrno(t, "read", errno, ErrnoIsdir)
		_, errno = g.Pread(fd, 1, 0)
		WantErrno(t, "pread", errno, ErrnoIsdir)
		_, errno = g.Write(fd, "x")
		WantErrno(t, "write", errno, ErrnoBadf)
		_, errno = g.Pwrite(fd, "x", 0)
		WantErrno(t, "pwrite", errno, ErrnoBadf)
		_, errno = g.Seek(fd, 0, 0)
		WantErrno(t, "seek", errno, ErrnoBadf)
		_, errno = g.Tell(fd)
		WantErrno(t, "tell", errno, ErrnoBadf)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(fd), int64(0), int64(1)), ErrnoBadf)
		WantErrno(t, "advise", g.Call("fd_advise", int(fd), int64(0), int64(1), 0), ErrnoBadf)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(fd), int64(0)), ErrnoInval)
		kinds, _, _ := g.PollRead(fd, 0)
		Equal(t, "events", len(kinds), 1)
		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
		WantErrno(t, "after the close", g.Mkdir(fd, "x"), ErrnoBadf)
	})
}

// A thousand entries through a small buffer, while others come and go.
func TestReaddirManyEntries(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, fd uint32, dir string) {
		wanted := map[string]byte{".": FiletypeDirectory, "..": FiletypeDirectory}
		for i := range 1000 {
			name := fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%50))
			path := filepath.Join(dir, name)
			switch {
			case i%10 == 0:
				wanted[name] = FiletypeDirectory
				Check(t, os.Mkdir(path, 0o755))
			case i%10 == 1 && CanSymlink():
				wanted[name] = FiletypeSymlink
				Check(t, os.Symlink("0000", path))
			default:
				wanted[name] = FiletypeRegular
				Check(t, os.WriteFile(path, nil, 0o644))
			}
		}
		rooms := []int{100, 128, 4096, 1 << 20}
		if Debug {
			rooms = rooms[2:]
		}
		for _, room := range rooms {
			seen := map[string]bool{}
			var cookies []uint64
			for cookie, end := uint64(0), false; !end; {
				var all []DirEntry
				all, end = g.Entries(fd, cookie, room)
				if len(all) == 0 && !end {
					t.Fatalf("no entry fits into %d bytes", room)
				}
				for _, e := range all {
					if seen[e.Name] || wanted[e.Name] != e.Filetype {
						t.Fatalf("room %d: %+v", room, e)
					}
					seen[e.Name] = true
					cookies = append(cookies, e.Next)
					cookie = e.Next
				}
				// What comes and goes meanwhile does not disturb.
				if len(seen)%50 == 0 {
					Check(t, os.WriteFile(filepath.Join(dir, "late"), nil, 0o644))
				} else if len(seen)%50 == 25 {
					os.Remove(filepath.Join(dir, "late"))
				}
			}
			if len(seen) != len(wanted) {
				t.Errorf("room %d: %d entries, want %d", room, len(seen), len(wanted))
			}
			os.Remove(filepath.Join(dir, "late"))
			// Any cookie can be gone back to.
			again, _ := g.Entries(fd, cookies[499], room)
			Equal(t, "the cookie behind an earlier one", again[0].Next, cookies[500])
		}
		last, end := g.Entries(fd, 1002, 100)
		if len(last) != 0 || !end {
			t.Errorf("behind the end: %v", last)
		}
		last, end = g.Entries(fd, 1<<63, 100)
		if len(last) != 0 || !end {
			t.Errorf("far behind the end: %v", last)
		}
		Check(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
		all, _ := g.Entries(fd, 0, 1<<20)
		Equal(t, "entries after starting anew", len(all), 1003)
		for _, e := range all[:2] {
			stat, errno := g.Filestat(fd)
			if e.Name == "." {
				Want(t, "the inode of .", e.Inode, errno, stat.Inode)
			}
		}
	})
}

// A directory of the host's root shows nothing of what is above it.
func TestReaddirParentOfRoot(t *testing.T) {
	g := NewWasiGuest(t, nil)
	dir := TempDir(t)
	Check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	Check(t, g.Store.InsertDir(3, OpenDir(t, dir), "", READ_ONLY))
	all, _ := g.Entries(3, 0, 4096)
	Equal(t, "the inode of the root's parent", all[1].Inode, all[0].Inode)
	sub, errno := g.PathOpen(3, 0, "sub", OflagDirectory, RightReaddir, 0)
	Want(t, "open", sub, errno, 4)
	below, _ := g.Entries(sub, 0, 4096)
	Equal(t, "the inode of ..", below[1].Inode, all[0].Inode)
	again, errno := g.PathOpen(sub, 0, ".", OflagDirectory, RightReaddir, 0)
	Want(t, "open .", again, errno, 5)
	_, errno = g.PathOpen(sub, 0, "..", OflagDirectory, RightReaddir, 0)
	WantErrno(t, "leave the directory", errno, ErrnoPerm)
}

func TestPreopenedDirWithoutListing(t *testing.T) {
	if os.Getuid() <= 0 {
		return // who may do everything may list it; Windows has other permissions
	}
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	Check(t, os.Chmod(dir, 0o111))
	defer os.Chmod(dir, 0o755)
	config := NewWasiConfig()
	Check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
	g := NewWasiGuest(t, config)
	fd, errno := g.OpenRights(3, "file", 0, RightRead)
	Want(t, "open", fd, errno, 4)
	if errno := g.Call("fd_readdir", 3, GuestBuffer, 100, int64(0), GuestResult); errno == ErrnoSuccess {
		t.Error("the directory was listed")
	}
}

func TestInsertDirTooManyDescriptors(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Check(t, g.Store.InsertDir(1<<20-1, OpenDir(t, TempDir(t)), "", READ_ONLY))
	Equal(t, "open", g.IsOpen(1<<20-1), true)
	if err := g.Store.InsertDir(1<<20, nil, "", READ_ONLY); !errors.Is(err, ErrBadFile) {
		t.Error(err)
	}
}
