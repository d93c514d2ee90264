package wasmtime_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

func TestInsertDirNames(t *testing.T) {
	config := NewWasiConfig()
	check(t, config.PreopenDir(tempDir(t), "/first", DIR_READ, FILE_READ))
	g := newWasiGuest(t, config)
	dir := openDir(t, tempDir(t))
	equal(t, "preopened", g.preopens(), "/first")
	fd, err := g.store.PushDir(dir, "/second", READ_ONLY)
	check(t, err)
	equal(t, "pushed to", fd, 4)
	check(t, g.store.InsertDir(5, dir, "Ünï/code", READ_WRITE))
	fd, err = g.store.PushDir(dir, "", READ_ONLY)
	check(t, err)
	equal(t, "pushed to", fd, 6)
	check(t, g.store.InsertDir(7, dir, "/behind one without a name", READ_ONLY))
	equal(t, "preopened", g.preopens(), "/first /second Ünï/code")

	wantErrno(t, "too short a buffer", g.call("fd_prestat_dir_name", 4, guestBuffer, 3), errnoNametoolong)
	wantErrno(t, "prestat without a name", g.call("fd_prestat_get", 6, guestResult), errnoBadf)
	wantErrno(t, "the name of one without", g.call("fd_prestat_dir_name", 6, guestBuffer, 100), errnoNotdir)
	wantErrno(t, "renumber", g.call("fd_renumber", 7, 6), errnoSuccess)
	equal(t, "preopened", g.preopens(), "/first /second Ünï/code /behind one without a name")
	check(t, g.store.RemoveFile(4))
	equal(t, "preopened", g.preopens(), "/first")
}

// Both ends are independent of each other.
func TestInsertDirIsDuplicated(t *testing.T) {
	path := tempDir(t)
	check(t, os.WriteFile(filepath.Join(path, "file"), []byte("content"), 0o644))
	g := newWasiGuest(t, nil)
	before := openFds(t)
	dir, err := os.Open(path)
	check(t, err)
	check(t, g.store.InsertDir(3, dir, "", READ_ONLY))
	check(t, dir.Close())
	fd, errno := g.openRights(3, "file", 0, rightRead)
	want(t, "open", fd, errno, 4)
	s, errno := g.readAll(fd)
	want(t, "read", s, errno, "content")
	if got := openFds(t); got != before+2 && !onWine() {
		t.Errorf("%d descriptors before, %d after", before, got)
	}

	dir = openDir(t, path)
	check(t, g.store.InsertDir(3, dir, "", READ_ONLY))
	g.entries(3, 0, 4096)
	if names, err := dir.Readdirnames(-1); err != nil || len(names) != 1 {
		t.Errorf("the host reads %q, %v, after the guest has", names, err)
	}
	all, _ := g.entries(3, 0, 4096)
	equal(t, "entries after the host has read", len(all), 3)
	wantErrno(t, "close", g.close(3), errnoSuccess)
	if _, err := dir.Stat(); err != nil {
		t.Error(err)
	}
	g.close(4)
	if got := openFds(t); got != before+1 && !onWine() {
		t.Errorf("%d descriptors before, %d in the end", before, got)
	}
}

func TestInsertDirErrors(t *testing.T) {
	g := newWasiGuest(t, nil)
	insert(t, g.store, 3, tempFile(t, "kept"), READ_ONLY)
	good, file := openDir(t, tempDir(t)), tempFile(t, "x")
	closed, err := os.Open(tempDir(t))
	check(t, err)
	closed.Close()
	r, _ := pipe(t)
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
			errs := []error{g.store.InsertDir(c.fd, c.dir, c.path, c.mode)}
			if c.push {
				fd, err := g.store.PushDir(c.dir, c.path, c.mode)
				equal(t, "a number beside an error", fd, 0)
				errs = append(errs, err)
			}
			wantAll(t, errs, c.cause, c.text)
			s, errno := g.pread(3, 10, 0)
			want(t, "read what was there", s, errno, "kept")
			if g.isOpen(4) {
				t.Error("a number was taken")
			}
		})
	}

	engine := NewEngine()
	defer engine.Close()
	store := NewStore(engine)
	wantTyped(t, store.InsertDir(3, good, "", READ_ONLY), ErrNoWasi, "WASI")
	store.Close()
	wantTyped(t, store.InsertDir(3, good, "", READ_ONLY), ErrClosed, "closed")
	_, err = store.PushDir(good, "", READ_ONLY)
	wantTyped(t, err, ErrClosed, "closed")
}

func TestCallerInsertsDir(t *testing.T) {
	path := tempDir(t)
	check(t, os.WriteFile(filepath.Join(path, "a"), nil, 0o644))
	dir := openDir(t, path)
	store, instance := callerGuest(t, func(c *Caller) int32 {
		check(t, c.InsertDir(100, dir, "/", READ_ONLY))
		fd, err := c.PushDir(dir, "/", READ_ONLY)
		check(t, err)
		equal(t, "pushed to", fd, 3)
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
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, fd uint32, dir string) {
		info, err := os.Stat(dir)
		check(t, err)
		stat, errno := g.filestat(fd)
		wantErrno(t, "filestat", errno, errnoSuccess)
		if stat.filetype != filetypeDirectory || stat.inode == 0 || stat.mod != uint64(info.ModTime().UnixNano()) {
			t.Errorf("filestat: %+v", stat)
		}
		fdstat, errno := g.fdstat(fd)
		wantErrno(t, "fdstat", errno, errnoSuccess)
		if fdstat.filetype != filetypeDirectory || fdstat.rights&rightReaddir == 0 || fdstat.rights&rightSeek != 0 {
			t.Errorf("fdstat: %+v", fdstat)
		}
		wantErrno(t, "sync", g.call("fd_sync", int(fd)), errnoSuccess)
		wantErrno(t, "datasync", g.call("fd_datasync", int(fd)), errnoSuccess)
		wantErrno(t, "set times", g.call("fd_filestat_set_times", int(fd), int64(5e9), int64(7e9), fstAtim|fstMtim), errnoSuccess)
		if info, err := os.Stat(dir); err != nil || !info.ModTime().Equal(time.Unix(7, 0)) {
			t.Error(info.ModTime(), err)
		}
		wantErrno(t, "a time and now", g.call("fd_filestat_set_times", int(fd), int64(0), int64(0), fstAtim|fstAtimNow), errnoInval)
		wantErrno(t, "set flags", g.call("fd_fdstat_set_flags", int(fd), fdflagNonblock), errnoSuccess)
		fdstat, errno = g.fdstat(fd)
		want(t, "flags", fdstat.flags, errno, fdflagNonblock)

		_, errno = g.read(fd, 1)
		wantErrno(t, "read", errno, errnoIsdir)
		_, errno = g.pread(fd, 1, 0)
		wantErrno(t, "pread", errno, errnoIsdir)
		_, errno = g.write(fd, "x")
		wantErrno(t, "write", errno, errnoBadf)
		_, errno = g.pwrite(fd, "x", 0)
		wantErrno(t, "pwrite", errno, errnoBadf)
		_, errno = g.seek(fd, 0, 0)
		wantErrno(t, "seek", errno, errnoBadf)
		_, errno = g.tell(fd)
		wantErrno(t, "tell", errno, errnoBadf)
		wantErrno(t, "allocate", g.call("fd_allocate", int(fd), int64(0), int64(1)), errnoBadf)
		wantErrno(t, "advise", g.call("fd_advise", int(fd), int64(0), int64(1), 0), errnoBadf)
		wantErrno(t, "set size", g.call("fd_filestat_set_size", int(fd), int64(0)), errnoInval)
		kinds, _, _ := g.pollRead(fd, 0)
		equal(t, "events", len(kinds), 1)
		wantErrno(t, "close", g.close(fd), errnoSuccess)
		wantErrno(t, "after the close", g.mkdir(fd, "x"), errnoBadf)
	})
}

// A thousand entries through a small buffer, while others come and go.
func TestReaddirManyEntries(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, fd uint32, dir string) {
		wanted := map[string]byte{".": filetypeDirectory, "..": filetypeDirectory}
		for i := range 1000 {
			name := fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%50))
			path := filepath.Join(dir, name)
			switch {
			case i%10 == 0:
				wanted[name] = filetypeDirectory
				check(t, os.Mkdir(path, 0o755))
			case i%10 == 1 && canSymlink():
				wanted[name] = filetypeSymlink
				check(t, os.Symlink("0000", path))
			default:
				wanted[name] = filetypeRegular
				check(t, os.WriteFile(path, nil, 0o644))
			}
		}
		for _, room := range []int{100, 128, 4096, 1 << 20} {
			seen := map[string]bool{}
			var cookies []uint64
			for cookie, end := uint64(0), false; !end; {
				var all []guestEntry
				all, end = g.entries(fd, cookie, room)
				if len(all) == 0 && !end {
					t.Fatalf("no entry fits into %d bytes", room)
				}
				for _, e := range all {
					if seen[e.name] || wanted[e.name] != e.filetype {
						t.Fatalf("room %d: %+v", room, e)
					}
					seen[e.name] = true
					cookies = append(cookies, e.next)
					cookie = e.next
				}
				// What comes and goes meanwhile does not disturb.
				if len(seen)%50 == 0 {
					check(t, os.WriteFile(filepath.Join(dir, "late"), nil, 0o644))
				} else if len(seen)%50 == 25 {
					os.Remove(filepath.Join(dir, "late"))
				}
			}
			if len(seen) != len(wanted) {
				t.Errorf("room %d: %d entries, want %d", room, len(seen), len(wanted))
			}
			os.Remove(filepath.Join(dir, "late"))
			// Any cookie can be gone back to.
			again, _ := g.entries(fd, cookies[499], room)
			equal(t, "the cookie behind an earlier one", again[0].next, cookies[500])
		}
		last, end := g.entries(fd, 1002, 100)
		if len(last) != 0 || !end {
			t.Errorf("behind the end: %v", last)
		}
		last, end = g.entries(fd, 1<<63, 100)
		if len(last) != 0 || !end {
			t.Errorf("far behind the end: %v", last)
		}
		check(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
		all, _ := g.entries(fd, 0, 1<<20)
		equal(t, "entries after starting anew", len(all), 1003)
		for _, e := range all[:2] {
			stat, errno := g.filestat(fd)
			if e.name == "." {
				want(t, "the inode of .", e.inode, errno, stat.inode)
			}
		}
	})
}

// A directory of the host's root shows nothing of what is above it.
func TestReaddirParentOfRoot(t *testing.T) {
	g := newWasiGuest(t, nil)
	dir := tempDir(t)
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	check(t, g.store.InsertDir(3, openDir(t, dir), "", READ_ONLY))
	all, _ := g.entries(3, 0, 4096)
	equal(t, "the inode of the root's parent", all[1].inode, all[0].inode)
	sub, errno := g.pathOpen(3, 0, "sub", oflagDirectory, rightReaddir, 0)
	want(t, "open", sub, errno, 4)
	below, _ := g.entries(sub, 0, 4096)
	equal(t, "the inode of ..", below[1].inode, all[0].inode)
	again, errno := g.pathOpen(sub, 0, ".", oflagDirectory, rightReaddir, 0)
	want(t, "open .", again, errno, 5)
	_, errno = g.pathOpen(sub, 0, "..", oflagDirectory, rightReaddir, 0)
	wantErrno(t, "leave the directory", errno, errnoPerm)
}

func TestPreopenedDirWithoutListing(t *testing.T) {
	if os.Getuid() <= 0 {
		return // who may do everything may list it; Windows has other permissions
	}
	dir := tempDir(t)
	check(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	check(t, os.Chmod(dir, 0o111))
	defer os.Chmod(dir, 0o755)
	config := NewWasiConfig()
	check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
	g := newWasiGuest(t, config)
	fd, errno := g.openRights(3, "file", 0, rightRead)
	want(t, "open", fd, errno, 4)
	if errno := g.call("fd_readdir", 3, guestBuffer, 100, int64(0), guestResult); errno == errnoSuccess {
		t.Error("the directory was listed")
	}
}

func TestInsertDirTooManyDescriptors(t *testing.T) {
	g := newWasiGuest(t, nil)
	check(t, g.store.InsertDir(1<<20-1, openDir(t, tempDir(t)), "", READ_ONLY))
	equal(t, "open", g.isOpen(1<<20-1), true)
	if err := g.store.InsertDir(1<<20, nil, "", READ_ONLY); !errors.Is(err, ErrBadFile) {
		t.Error(err)
	}
}
