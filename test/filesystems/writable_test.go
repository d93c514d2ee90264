package filesystems_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/examples/memfs/memfs"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

const (
	bothRights = RightRead | RightWrite

	errnoNotsup Errno = 58
	errnoNospc  Errno = 51
	errnoXdev   Errno = 75
	errnoFbig   Errno = 22
)

// A file that the guest makes, with everything that it can do to it.
func TestWritableFSFile(t *testing.T) {
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		content := func(name, want string) {
			t.Helper()
			if b, err := fs.ReadFile(files, name); string(b) != want || err != nil {
				t.Errorf("%s: %q, %v, want %q", name, b, err, want)
			}
		}
		fd, errno := g.PathOpen(dir, 0, "sub/new", OflagCreate|OflagExclusive, bothRights, 0)
		WantErrno(t, "create", errno, ErrnoSuccess)
		n, errno := g.Write(fd, "hello, ")
		Want(t, "write", n, errno, 7)
		n, errno = g.Write(fd, "world")
		Want(t, "write on", n, errno, 5)
		content("sub/new", "hello, world")
		at, errno := g.Tell(fd)
		Want(t, "tell", at, errno, 12)
		_, errno = g.Seek(fd, 7, io.SeekStart)
		WantErrno(t, "seek", errno, ErrnoSuccess)
		s, errno := g.Read(fd, 100)
		Want(t, "read", s, errno, "world")
		n, errno = g.Pwrite(fd, "WOR", 7)
		Want(t, "pwrite", n, errno, 3)
		n, errno = g.Write(fd, "!")
		Want(t, "write at the end", n, errno, 1)
		s, errno = g.Pread(fd, 100, 0)
		Want(t, "pread", s, errno, "hello, WORld!")
		_, errno = g.Seek(fd, 2, io.SeekEnd)
		WantErrno(t, "seek beyond the end", errno, ErrnoSuccess)
		n, errno = g.Write(fd, "?")
		Want(t, "write beyond the end", n, errno, 1)
		content("sub/new", "hello, WORld!\x00\x00?")
		WantErrno(t, "cut", g.Call("fd_filestat_set_size", int(fd), int64(5)), ErrnoSuccess)
		WantErrno(t, "extend", g.Call("fd_filestat_set_size", int(fd), int64(7)), ErrnoSuccess)
		content("sub/new", "hello\x00\x00")
		WantErrno(t, "make room", g.Call("fd_allocate", int(fd), int64(5), int64(4)), ErrnoSuccess)
		WantErrno(t, "make room inside", g.Call("fd_allocate", int(fd), int64(0), int64(3)), ErrnoSuccess)
		content("sub/new", "hello\x00\x00\x00\x00")
		WantErrno(t, "make room for nothing", g.Call("fd_allocate", int(fd), int64(0), int64(0)), ErrnoInval)
		WantErrno(t, "make room before the beginning", g.Call("fd_allocate", int(fd), int64(-1), int64(5)), ErrnoInval)
		WantErrno(t, "a negative size", g.Call("fd_filestat_set_size", int(fd), int64(-1)), ErrnoInval)
		WantErrno(t, "pwrite before the beginning", ErrnoOf(g.Pwrite(fd, "x", -1)), ErrnoInval)
		WantErrno(t, "sync", g.Call("fd_sync", int(fd)), ErrnoSuccess)
		WantErrno(t, "datasync", g.Call("fd_datasync", int(fd)), ErrnoSuccess)
		WantErrno(t, "times", g.Call("fd_filestat_set_times", int(fd), int64(5_000_000_007), int64(1e18+7), FstAtim|FstMtim), ErrnoSuccess)
		stat, errno := g.Filestat(fd)
		WantErrno(t, "stat", errno, ErrnoSuccess)
		if stat.Mod/100 != 1e18/100 || stat.Size != 9 || stat.Filetype != FiletypeRegular || stat.Links != 1 {
			t.Errorf("stat: %+v", stat)
		}
		found, errno := g.Stat(dir, 0, "sub/new")
		Want(t, "stat of the path", found, errno, stat)
		WantErrno(t, "one time", g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstMtimNow), ErrnoSuccess)
		stat, _ = g.Filestat(fd)
		if since := time.Since(time.Unix(0, int64(stat.Mod))); since < -time.Minute || since > time.Minute {
			t.Errorf("now: %v", since)
		}
		WantErrno(t, "a time and now", g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstMtim|FstMtimNow), ErrnoInval)
		fdstat, errno := g.Fdstat(fd)
		WantErrno(t, "fdstat", errno, ErrnoSuccess)
		if all := int64(bothRights | RightSeek | RightAllocate); int64(fdstat.Rights)&all != all {
			t.Errorf("rights %x", fdstat.Rights)
		}
		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
		WantErrno(t, "write to what is closed", ErrnoOf(g.Write(fd, "x")), ErrnoBadf)
		content("sub/new", "hello\x00\x00\x00\x00")
	})
}

// What a file was opened for is all that it is good for.
func TestWritableFSModes(t *testing.T) {
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		reader, errno := g.PathOpen(dir, 0, "file", 0, RightRead, 0)
		WantErrno(t, "open for reading", errno, ErrnoSuccess)
		WantErrno(t, "write", ErrnoOf(g.Write(reader, "x")), ErrnoBadf)
		WantErrno(t, "write nothing", ErrnoOf(g.Write(reader, "")), ErrnoBadf)
		WantErrno(t, "pwrite", ErrnoOf(g.Pwrite(reader, "x", 0)), ErrnoBadf)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(reader), int64(0)), ErrnoInval)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(reader), int64(0), int64(100)), ErrnoBadf)
		WantErrno(t, "times", g.Call("fd_filestat_set_times", int(reader), int64(5), int64(7), FstMtim), ErrnoPerm)
		WantErrno(t, "sync", g.Call("fd_sync", int(reader)), ErrnoSuccess)
		stat, _ := g.Fdstat(reader)
		if stat.Rights&(RightWrite|RightAllocate) != 0 || stat.Rights&RightRead == 0 {
			t.Errorf("rights %x", stat.Rights)
		}
		writer, errno := g.PathOpen(dir, 0, "file", 0, RightWrite, 0)
		WantErrno(t, "open for writing", errno, ErrnoSuccess)
		WantErrno(t, "read", ErrnoOf(g.Read(writer, 1)), ErrnoBadf)
		WantErrno(t, "pread", ErrnoOf(g.Pread(writer, 1, 0)), ErrnoBadf)
		n, errno := g.Write(writer, "ab")
		Want(t, "write", n, errno, 2)
		stat, _ = g.Fdstat(writer)
		if stat.Rights&RightWrite == 0 || stat.Rights&RightRead != 0 {
			t.Errorf("rights %x", stat.Rights)
		}
		// What is written by one descriptor is read by the other, whatever it has read before.
		s, errno := g.Read(reader, 4)
		Want(t, "read", s, errno, "ab23")
		n, errno = g.Pwrite(writer, "xyz", 4)
		Want(t, "pwrite", n, errno, 3)
		s, errno = g.Read(reader, 2)
		Want(t, "read on", s, errno, "xy")
		WantErrno(t, "cut", g.Call("fd_filestat_set_size", int(writer), int64(7)), ErrnoSuccess)
		s, errno = g.Read(reader, 10)
		Want(t, "read the rest", s, errno, "z")
		kinds, bytes, hangup := g.PollRead(reader, 0)
		if len(kinds) != 1 || bytes != 0 || hangup {
			t.Errorf("poll: %v, %d bytes, hang-up %v", kinds, bytes, hangup)
		}
	})
}

// Appending goes to the end, wherever that is, and wherever the descriptor is.
func TestWritableFSAppend(t *testing.T) {
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		one, errno := g.PathOpen(dir, 0, "log", OflagCreate, bothRights, FdflagAppend)
		WantErrno(t, "open", errno, ErrnoSuccess)
		other, errno := g.PathOpen(dir, 0, "log", 0, bothRights, 0)
		WantErrno(t, "open again", errno, ErrnoSuccess)
		stat, errno := g.Fdstat(one)
		Want(t, "flags", stat.Flags, errno, FdflagAppend)
		g.Write(one, "one ")
		WantErrno(t, "set the flag", g.SetFlags(other, FdflagAppend), ErrnoSuccess)
		n, errno := g.Write(other, "other ")
		Want(t, "append by the flag", n, errno, 6)
		at, errno := g.Tell(other)
		Want(t, "the position behind it", at, errno, 10)
		n, errno = g.Write(one, "one ")
		Want(t, "append", n, errno, 4)
		at, errno = g.Tell(one)
		Want(t, "the position behind it", at, errno, 14)
		WantErrno(t, "take the flag back", g.SetFlags(other, 0), ErrnoSuccess)
		n, errno = g.Write(other, "O")
		Want(t, "write at the position", n, errno, 1)
		_, errno = g.Seek(one, 0, io.SeekStart)
		WantErrno(t, "seek", errno, ErrnoSuccess)
		s, errno := g.Read(one, 100)
		Want(t, "all of it", s, errno, "one other Oone"[:10]+"One ")
		g.Seek(one, 2, io.SeekStart)
		n, errno = g.Pwrite(one, "end", 0)
		Want(t, "pwrite appends, too", n, errno, 3)
		at, errno = g.Tell(one)
		Want(t, "and leaves the position", at, errno, 2)
		b, err := fs.ReadFile(files, "log")
		if string(b) != "one other One end" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// Large writes, and several buffers in one call.
func TestWritableFSMuch(t *testing.T) {
	large := strings.Repeat("some bytes that are not the same everywhere; ", 20_000)
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		fd, errno := g.PathOpen(dir, 0, "large", OflagCreate, bothRights, 0)
		WantErrno(t, "create", errno, ErrnoSuccess)
		n, errno := g.Write(fd, large)
		Want(t, "write", n, errno, len(large))
		g.Mem.Write(GuestBuffer, []byte("ABCDEFGH"))
		for i, part := range [][2]uint32{{GuestBuffer, 2}, {0, 0}, {GuestBuffer + 2, 3}, {GuestBuffer, 1}} {
			g.Mem.PutUint32(uint64(256+8*i), part[0])
			g.Mem.PutUint32(uint64(260+8*i), part[1])
		}
		WantErrno(t, "writev", g.Call("fd_write", int(fd), 256, 4, GuestResult), ErrnoSuccess)
		Equal(t, "written", g.Result32(), 6)
		WantErrno(t, "pwritev", g.Call("fd_pwrite", int(fd), 256, 4, int64(1), GuestResult), ErrnoSuccess)
		Equal(t, "written", g.Result32(), 6)
		want := large[:1] + "ABCDEA" + large[7:] + "ABCDEA"
		if b, err := fs.ReadFile(files, "large"); string(b) != want || err != nil {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

// Directories are listed as they are when the guest begins to.
func TestWritableFSListing(t *testing.T) {
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		names := func(fd uint32) string {
			all, _ := g.Entries(fd, 0, 4096)
			var s []string
			for _, e := range all[2:] {
				s = append(s, fmt.Sprint(e.Name, e.Filetype))
				stat, errno := g.Stat(fd, 0, e.Name)
				Want(t, "inode of "+e.Name, stat.Inode, errno, e.Inode)
			}
			return strings.Join(s, " ")
		}
		sub, errno := g.PathOpen(dir, 0, "sub/deep", OflagDirectory, RightReaddir, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		Equal(t, "at first", names(sub), "deeper3")
		WantErrno(t, "mkdir", g.Mkdir(sub, "made"), ErrnoSuccess)
		_, errno = g.PathOpen(sub, 0, "a", OflagCreate, RightWrite, 0)
		WantErrno(t, "create", errno, ErrnoSuccess)
		Equal(t, "with what was made", names(sub), "a4 deeper3 made3")
		WantErrno(t, "rename", g.Rename(sub, "a", dir, "sub/deep/b"), ErrnoSuccess)
		WantErrno(t, "rmdir", g.Rmdir(dir, "sub/deep/made"), ErrnoSuccess)
		WantErrno(t, "link", g.Link(sub, 0, "b", sub, "c"), ErrnoSuccess)
		Equal(t, "with what was moved", names(sub), "b4 c4 deeper3")
		WantErrno(t, "unlink", g.Unlink(sub, "b"), ErrnoSuccess)
		Equal(t, "without what was removed", names(sub), "c4 deeper3")
		WantErrno(t, "sync", g.Call("fd_sync", int(sub)), ErrnoSuccess)
		WantErrno(t, "times", g.Call("fd_filestat_set_times", int(sub), int64(5), int64(1e18), FstAtim|FstMtim), ErrnoSuccess)
		stat, errno := g.Stat(dir, 0, "sub/deep")
		Want(t, "the time", stat.Mod, errno, 1e18)
	})
}

// What the guest has open stays what it is when the guest renames or removes it.
func TestWritableFSRenamesWhatIsOpen(t *testing.T) {
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		open := func(name string, oflags int) uint32 {
			t.Helper()
			fd, errno := g.PathOpen(dir, 0, name, oflags, bothRights&^RightWrite, 0)
			WantErrno(t, "open "+name, errno, ErrnoSuccess)
			return fd
		}
		sub, deep, empty := open("sub", OflagDirectory), open("sub/deep", OflagDirectory), open("empty", OflagDirectory)
		below := open("sub/below", 0)
		same := func(what string, fd uint32, name string) {
			t.Helper()
			stat, errno := g.Filestat(fd)
			WantErrno(t, what, errno, ErrnoSuccess)
			found, errno := g.Stat(dir, 0, name)
			Want(t, what, found.Inode, errno, stat.Inode)
		}
		if runtime.GOOS == "windows" {
			g.Close(below) // no directory is renamed there in which a file is open
		}
		WantErrno(t, "rename", g.Rename(dir, "sub", dir, "moved"), ErrnoSuccess)
		same("the directory", sub, "moved")
		same("one below", deep, "moved/deep")
		WantErrno(t, "mkdir below", g.Mkdir(deep, "made"), ErrnoSuccess)
		same("another directory", empty, "empty")
		if _, err := fs.Stat(files, "moved/deep/made"); err != nil {
			t.Error(err)
		}
		// A new directory with the old name is another one.
		WantErrno(t, "mkdir", g.Mkdir(dir, "sub"), ErrnoSuccess)
		WantErrno(t, "in the new one", ErrnoOf(g.Stat(dir, 0, "sub/deep")), ErrnoNoent)
		WantErrno(t, "in the old one", ErrnoOf(g.Stat(sub, 0, "deep")), ErrnoSuccess)
		// One that was removed is none any more, whatever is there afterwards.
		WantErrno(t, "rmdir", g.Rmdir(dir, "empty"), ErrnoSuccess)
		WantErrno(t, "mkdir again", g.Mkdir(dir, "empty"), ErrnoSuccess)
		WantErrno(t, "mkdir in what is gone", g.Mkdir(empty, "x"), ErrnoNoent)
		if runtime.GOOS == "windows" {
			return
		}
		WantErrno(t, "rename a file", g.Rename(dir, "moved/below", dir, "elsewhere"), ErrnoSuccess)
		same("the file", below, "elsewhere")
		WantErrno(t, "replace it", g.Rename(dir, "file", dir, "elsewhere"), ErrnoSuccess)
		stat, errno := g.Filestat(below)
		WantErrno(t, "stat what was replaced", errno, ErrnoSuccess)
		if found, _ := g.Stat(dir, 0, "elsewhere"); found.Inode == stat.Inode {
			t.Error("what was replaced is told to be what replaced it")
		}
		s, errno := g.Read(below, 10)
		Want(t, "read it", s, errno, "below")
	})
}

// A guest that writes cannot leave the directory that it has, or one that it has opened.
func TestWritableFSNoWayOut(t *testing.T) {
	if !CanSymlink() {
		t.Skip("there are no links")
	}
	withEachChangeable(t, digitsTree, func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS) {
		sub, errno := g.PathOpen(dir, 0, "sub", OflagDirectory, RightReaddir, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		WantErrno(t, "make a link out", g.Symlink("../..", dir, "sub/upup"), ErrnoSuccess)
		WantErrno(t, "make another", g.Symlink("sub/upup/..", dir, "chain"), ErrnoSuccess)
		WantErrno(t, "make an absolute one", g.Symlink("/etc", dir, "abs"), ErrnoPerm)
		before := contents(t, files)
		for _, way := range []struct {
			dir  uint32
			path string
		}{
			{dir, "../outside"}, {dir, "../new"}, {dir, "/new"}, {dir, "sub/../../new"}, {dir, "out/"}, {dir, "sub/upup/new"}, {dir, "chain/new"},
			{sub, "../file"}, {sub, "../new"}, {sub, "deep/../../file"}, {sub, "upup/new"}, {sub, "up/"},
		} {
			for what, errno := range map[string]Errno{
				"open":      ErrnoOf(g.PathOpen(way.dir, LookupFollow, way.path, 0, bothRights, 0)),
				"create":    ErrnoOf(g.PathOpen(way.dir, LookupFollow, way.path, OflagCreate, bothRights, 0)),
				"cut":       ErrnoOf(g.PathOpen(way.dir, LookupFollow, way.path, OflagTrunc, bothRights, 0)),
				"times":     g.SetTimes(way.dir, LookupFollow, way.path, 5, 7, FstMtim),
				"link":      g.Link(way.dir, 0, way.path, dir, "new"),
				"link to":   g.Link(dir, 0, "file", way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
				"rename to": g.Rename(dir, "file", way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
				"mkdir":     g.Mkdir(way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
				"symlink":   g.Symlink("file", way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
				"unlink":    g.Unlink(way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
				"rmdir":     g.Rmdir(way.dir, strings.TrimSuffix(way.path, "/")+"/x"),
			} {
				if what == "create" && errno == ErrnoIsdir && strings.HasSuffix(way.path, "/") {
					continue // there is no file with such a name, whatever is there
				}
				if errno == ErrnoNotdir && (strings.HasSuffix(way.path, "file") || strings.HasSuffix(way.path, "outside")) {
					continue
				}
				WantErrno(t, what+" "+way.path, errno, ErrnoPerm)
			}
		}
		Equal(t, "what is there", contents(t, files), before)
	})
}

// Two file systems are two, and a directory of the host is a third one.
func TestWritableFSApart(t *testing.T) {
	g := NewWasiGuest(t, nil)
	m := digitsTree.memFS(t)
	one, _ := pushFS(t, g, Writable(m), "")
	same, _ := pushFS(t, g, Writable(m), "")
	reading, _ := pushFS(t, g, m, "")
	host, err := g.Store.PushDir(OpenDir(t, TempDir(t)), "", READ_WRITE)
	Check(t, err)
	for name, c := range map[string]struct {
		from, to uint32
		errno    Errno
	}{
		"itself": {one, one, ErrnoSuccess}, "the same twice": {one, same, errnoXdev}, "the host": {one, host, errnoXdev}, "from the host": {host, one, errnoXdev},
		"to what is read": {one, reading, ErrnoPerm}, "from what is read": {reading, one, ErrnoPerm},
	} {
		WantErrno(t, "link to "+name, g.Link(c.from, 0, "file", c.to, "new"), c.errno)
		WantErrno(t, "rename to "+name, g.Rename(c.from, "file", c.to, "moved"), c.errno)
	}
	WantErrno(t, "rename to no directory", g.Rename(one, "moved", 1, "x"), ErrnoNotdir)
	for what, errno := range map[string]Errno{
		"create": ErrnoOf(g.PathOpen(reading, 0, "x", OflagCreate, RightWrite, 0)),
		"write":  ErrnoOf(g.PathOpen(reading, 0, "moved", 0, RightWrite, 0)),
		"mkdir":  g.Mkdir(reading, "x"), "rmdir": g.Rmdir(reading, "empty"), "unlink": g.Unlink(reading, "moved"),
		"symlink": g.Symlink("x", reading, "y"), "times": g.SetTimes(reading, 0, "moved", 5, 7, FstMtim),
		"times of the root": g.Call("fd_filestat_set_times", int(reading), int64(5), int64(7), FstMtim),
	} {
		WantErrno(t, what+" where there is no Writable", errno, ErrnoPerm)
	}
}

// bareRoot has nothing but OpenFile, and files that have nothing but what an fs.File has, and Write.
type bareRoot struct{ m *memfs.FS }

type bareRootFile struct {
	fs.File
	write func(p []byte) (int, error)
}

func (f bareRootFile) Write(p []byte) (int, error) { return f.write(p) }

func (r bareRoot) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	f, err := r.m.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return f, nil
	}
	return bareRootFile{struct{ fs.File }{f}, f.Write}, nil
}

// What a file system does not have is ENOTSUP, and the rest works.
func TestWritableFSBare(t *testing.T) {
	m := memfs.New(1 << 20)
	Check(t, m.Mkdir("dir", 0o755))
	cancellable := NewCancellableGuest(t)
	cancellable.Ctx = t.Context()
	for i, g := range []*WasiGuest{NewWasiGuest(t, nil), cancellable} {
		dir, _ := pushFS(t, g, Writable(bareRoot{m}), "")
		name := fmt.Sprint("dir/file", i)
		fd, errno := g.PathOpen(dir, LookupFollow, name, OflagCreate, bothRights, 0)
		WantErrno(t, "create", errno, ErrnoSuccess)
		n, errno := g.Write(fd, "0123456789")
		Want(t, "write", n, errno, 10)
		n, errno = g.Write(fd, "abc")
		Want(t, "write on", n, errno, 3)
		_, errno = g.Seek(fd, 3, io.SeekStart)
		WantErrno(t, "seek", errno, ErrnoSuccess)
		_, errno = g.Write(fd, "x")
		WantErrno(t, "write elsewhere", errno, errnoNotsup)
		_, errno = g.Read(fd, 1)
		WantErrno(t, "read elsewhere", errno, errnoNotsup)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(fd), int64(0)), errnoNotsup)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(fd), int64(0), int64(100)), errnoNotsup)
		WantErrno(t, "allocate what is there", g.Call("fd_allocate", int(fd), int64(0), int64(5)), ErrnoSuccess)
		WantErrno(t, "sync", g.Call("fd_sync", int(fd)), ErrnoSuccess)
		WantErrno(t, "times", g.Call("fd_filestat_set_times", int(fd), int64(5), int64(7), FstMtim), errnoNotsup)
		WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
		fd, errno = g.PathOpen(dir, LookupFollow, name, 0, RightRead, 0)
		WantErrno(t, "open for reading", errno, ErrnoSuccess)
		for range 2 { // by opening it again
			s, errno := g.Pread(fd, 5, 10)
			Want(t, "read", s, errno, "abc")
			s, errno = g.Pread(fd, 3, 2)
			Want(t, "read before", s, errno, "234")
		}
		entries, _ := g.Entries(dir, 0, 4096)
		Equal(t, "entries", len(entries), 3)
		for what, errno := range map[string]Errno{
			"mkdir": g.Mkdir(dir, "x"), "rmdir": g.Rmdir(dir, "dir"), "unlink": g.Unlink(dir, name), "rename": g.Rename(dir, name, dir, "x"),
			"link": g.Link(dir, 0, name, dir, "x"), "symlink": g.Symlink("x", dir, "x"), "times": g.SetTimes(dir, LookupFollow, name, 5, 7, FstMtim),
		} {
			WantErrno(t, what, errno, errnoNotsup)
		}
		for path, errno := range map[string]Errno{
			name + "/x": ErrnoNotdir, name + "/": ErrnoIsdir, "missing/x": ErrnoNoent, "..": ErrnoPerm, "dir": ErrnoIsdir, "dir/": ErrnoIsdir, "new/": ErrnoIsdir,
			"dir/../dir/" + filepath.Base(name): ErrnoSuccess, name + "/../x": ErrnoNotdir,
		} {
			WantErrno(t, "create "+path, ErrnoOf(g.PathOpen(dir, LookupFollow, path, OflagCreate, bothRights, 0)), errno)
		}
		WantErrno(t, "create it again", ErrnoOf(g.PathOpen(dir, 0, name, OflagCreate|OflagExclusive, bothRights, 0)), ErrnoExist)
	}
}

// The file system sees nothing but names as io/fs has them, with symbolic links nowhere but at their end.
func TestWritableFSSeesValidNames(t *testing.T) {
	tree := digitsTree
	h := &hookedRoot{FS: tree.memFS(t)}
	calls := 0
	h.call = func(method string, names ...string) error {
		for _, name := range names {
			calls++
			if !fs.ValidPath(name) {
				t.Errorf("%s of %q", method, name)
			}
			for i, c := range name {
				if info, err := h.FS.Lstat(name[:i]); c == '/' && err == nil && info.Mode()&fs.ModeSymlink != 0 {
					t.Errorf("%s of %q, which leads over a link", method, name)
				}
			}
		}
		return nil
	}
	g := NewWasiGuest(t, nil)
	dir, _ := pushFS(t, g, Writable(h), "")
	sub, _ := g.PathOpen(dir, 0, "sub", OflagDirectory, RightReaddir, 0)
	paths := []string{
		"", ".", "..", "/", "//", "file/", "./file", "sub//below", "sub/../file", "sub/./", "dirlink/below", "dirlink/up", "dirlink/../file", "dangling", "dangling/x",
		"new", "new/", "dirlink/new", "out", "loop/x", "a\\b", "c:", "nul", "-", "a\x00b", "\u202e", strings.Repeat("d/", 30) + "x", "file/x", "...", "..a", "a..",
	}
	for _, at := range []uint32{dir, sub} {
		for _, path := range paths {
			for _, oflags := range []int{0, OflagCreate, OflagCreate | OflagExclusive, OflagTrunc, OflagDirectory} {
				for _, lookup := range []int{0, LookupFollow} {
					if fd, errno := g.PathOpen(at, lookup, path, oflags, bothRights, 0); errno == ErrnoSuccess {
						g.Close(fd)
					}
				}
			}
			g.Stat(at, LookupFollow, path)
			g.SetTimes(at, LookupFollow, path, 5, 7, FstMtim)
			g.Readlink(at, path, 100)
			g.Mkdir(at, path)
			g.Symlink("file", at, path)
			g.Symlink(path, at, "another link")
			g.Link(at, 0, path, dir, "linked")
			g.Link(at, 0, "file", at, path)
			g.Rename(at, path, dir, "renamed")
			g.Rename(dir, "renamed", at, path)
			g.Unlink(at, path)
			g.Rmdir(at, path)
		}
	}
	if calls < 1000 {
		t.Errorf("%d calls", calls)
	}
}

// Many stores append to one file, make and remove files, at once.
func TestWritableFSInManyStores(t *testing.T) {
	const stores, lines = 4, 50
	m := memfs.New(16 << 20)
	root, err := os.OpenRoot(TempDir(t))
	Check(t, err)
	defer root.Close()
	config := NewWasiConfig()
	Check(t, config.PreopenFS(Writable(m), "/memory"))
	Check(t, config.PreopenFS(Writable(root), "/host"))
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			g := NewWasiGuest(t, config)
			defer g.Store.Close()
			for _, dir := range []uint32{3, 4} {
				fd, errno := g.PathOpen(dir, 0, "log", OflagCreate, RightWrite, FdflagAppend)
				WantErrno(t, "open", errno, ErrnoSuccess)
				for j := range lines {
					// As a C library writes: what it has kept, and what is new.
					line := fmt.Sprintf("store %d, line %d\n", i, j)
					g.Mem.Write(GuestBuffer, []byte(line))
					g.Mem.PutUint32(256, GuestBuffer)
					g.Mem.PutUint32(260, 5)
					g.Mem.PutUint32(264, GuestBuffer+5)
					g.Mem.PutUint32(268, uint32(len(line)-5))
					WantErrno(t, "append", g.Call("fd_write", int(fd), 256, 2, GuestResult), ErrnoSuccess)
					name := fmt.Sprintf("%d-%d", i, j)
					WantErrno(t, "mkdir", g.Mkdir(dir, name), ErrnoSuccess)
					WantErrno(t, "rename", g.Rename(dir, name, dir, name+"x"), ErrnoSuccess)
					g.Entries(dir, 0, 4096)
					WantErrno(t, "rmdir", g.Rmdir(dir, name+"x"), ErrnoSuccess)
				}
				WantErrno(t, "close", g.Close(fd), ErrnoSuccess)
			}
		})
	}
	wg.Wait()
	for name, fsys := range map[string]fs.FS{"memory": m, "host": root.FS()} {
		b, err := fs.ReadFile(fsys, "log")
		Check(t, err)
		all := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		slices.Sort(all)
		if all = slices.Compact(all); len(all) != stores*lines {
			t.Errorf("%s: %d lines arrived whole, of %d", name, len(all), stores*lines)
		}
	}
}

// What a guest stores is limited by the file system, and it hears of that.
func TestWritableFSFull(t *testing.T) {
	m := memfs.New(10_000)
	g := NewWasiGuest(t, nil)
	dir, _ := pushFS(t, g, Writable(m), "")
	fd, errno := g.PathOpen(dir, 0, "file", OflagCreate, bothRights, 0)
	WantErrno(t, "create", errno, ErrnoSuccess)
	WantErrno(t, "write too much", ErrnoOf(g.Write(fd, strings.Repeat("x", 10_000))), errnoNospc)
	WantErrno(t, "extend it", g.Call("fd_filestat_set_size", int(fd), int64(1<<62)), errnoNospc)
	WantErrno(t, "make room", g.Call("fd_allocate", int(fd), int64(1<<61), int64(1<<61)), errnoNospc)
	WantErrno(t, "make room beyond all", g.Call("fd_allocate", int(fd), int64(1<<62), int64(1<<62)), errnoFbig)
	WantErrno(t, "write far away", ErrnoOf(g.Pwrite(fd, "x", 1<<62)), errnoNospc)
	WantErrno(t, "write at the end of all", ErrnoOf(g.Pwrite(fd, "x", 1<<63-1)), errnoFbig)
	made := 0
	for ; g.Mkdir(dir, fmt.Sprint(made)) == ErrnoSuccess; made++ {
	}
	if made < 10 || made > 20 {
		t.Errorf("%d directories", made)
	}
	n, errno := g.Write(fd, "y")
	Want(t, "a little", n, errno, 1)
}

// What can be wrong with a file system is found when it is given away.
func TestWritableErrors(t *testing.T) {
	closed, err := os.OpenRoot(TempDir(t))
	Check(t, err)
	closed.Close()
	g := NewWasiGuest(t, nil)
	var nothing OpenFileFS[fs.File]
	for name, c := range map[string]struct {
		fsys  fs.FS
		cause error
		text  string
	}{
		"a nil root": {Writable((*os.Root)(nil)), ErrBadFile, "nil"},
		"nothing":    {Writable(nothing), ErrBadFile, "nil"},
		"closed":     {Writable(closed), fs.ErrClosed, "the root of the file system"},
		"a file":     {Writable(fileRoot{digitsTree.memFS(t)}), ErrBadFile, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewWasiConfig()
			_, err := g.Store.PushFS(c.fsys, "")
			_, pushed := config.PushFS(c.fsys, "")
			WantAll(t, []error{g.Store.InsertFS(3, c.fsys, ""), err, pushed, config.PreopenFS(c.fsys, "/")}, c.cause, c.text)
		})
	}
}

// fileRoot is a file system whose root is a file.
type fileRoot struct{ m *memfs.FS }

func (f fileRoot) OpenFile(string, int, fs.FileMode) (*memfs.File, error) {
	return f.m.OpenFile("file", os.O_RDONLY, 0)
}

// For Go, too, what Writable returns is a file system.
func TestWritableIsFS(t *testing.T) {
	tree := served{files: digitsTree.files, dirs: digitsTree.dirs}
	root, err := os.OpenRoot(tree.host(t))
	Check(t, err)
	defer root.Close()
	for name, fsys := range map[string]fs.FS{"os.Root": Writable(root), "memfs": Writable(tree.memFS(t)), "bare": Writable(bareRoot{tree.memFS(t)})} {
		if err := fstest.TestFS(fsys, "file", "sub/below"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every file that a guest opens to write is closed, and of the host's, descriptors are given back.
func TestWritableFSClosesFiles(t *testing.T) {
	var open atomic.Int32
	h := &hookedRoot{FS: digitsTree.memFS(t)}
	h.file = func(method string) error {
		if method == "Close" {
			open.Add(-1)
		}
		return nil
	}
	root, err := os.OpenRoot(digitsTree.host(t))
	Check(t, err)
	defer root.Close()
	g := NewWasiGuest(t, nil)
	h.call = func(method string, _ ...string) error {
		if method == "OpenFile" {
			open.Add(1)
		}
		return nil
	}
	dir, _ := pushFS(t, g, Writable(h), "")
	open.Store(0)
	host, _ := pushFS(t, g, Writable(root), "")
	before := OpenFds(t)
	for i := range 10 {
		for _, at := range []uint32{dir, host} {
			_, errno := g.PathOpen(at, 0, fmt.Sprint("new", i), OflagCreate, bothRights, 0)
			WantErrno(t, "create", errno, ErrnoSuccess)
			g.PathOpen(at, 0, "file", OflagCreate|OflagExclusive, bothRights, 0)
			g.PathOpen(at, 0, "sub", 0, bothRights, 0)
			g.PathOpen(at, 0, "file", OflagDirectory, RightRead, 0)
			g.Call("fd_sync", int(at))
		}
	}
	Equal(t, "open files", open.Load(), 10)
	g.Store.Close()
	Equal(t, "open files in the end", open.Load(), 0)
	Equal(t, "descriptors", OpenFds(t), before)
}

// unclosable has files that fail when they are closed.
type unclosable struct{ *memfs.FS }

type unclosableFile struct{ *memfs.File }

var errUpload = errors.New("the upload failed")

func (u unclosable) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	f, err := u.FS.OpenFile(name, flag, perm)
	return unclosableFile{f}, err
}

func (unclosableFile) Close() error { return errUpload }

// What a file says when it is closed for a program that has written it and ended comes out of Command.Run. A program
// that closes the file itself, or has only read it, has heard of it, or has lost nothing.
func TestWritableFSCloseErrors(t *testing.T) {
	const program = `(module
		(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "file") (data (i32.const 8) "\00\00\00\00\04\00\00\00")
		(func (export "_start")
			(if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const %d) (i64.const 0)
				(i32.const 0) (i32.const 16)) (then unreachable))
			%s))`
	const write = `(if (call $write (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20)) (then unreachable))`
	engine := NewEngine()
	for _, c := range []struct {
		name   string
		rights int
		rest   string
		status int
		told   bool
	}{
		{"returns", RightWrite, write, 0, true},
		{"exits", RightWrite, write + `(call $exit (i32.const 0))`, 0, true},
		{"fails", RightWrite, write + `(call $exit (i32.const 7))`, 7, true},
		{"closes", RightWrite, write + `(if (i32.eqz (call $close (i32.load (i32.const 16)))) (then unreachable))`, 0, false},
		{"reads", RightRead, ``, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			wasi := NewWasiConfig()
			Check(t, wasi.PreopenFS(Writable(unclosable{memfs.New(1 << 20)}), "/"))
			err := (&Command{Module: Compile(t, engine, fmt.Sprintf(program, c.rights, c.rest)), Wasi: wasi}).Run(nil)
			if !c.told {
				Check(t, err)
				return
			}
			WantIs(t, err, ErrUnwritten)
			WantIs(t, err, errUpload)
			var exited *ExitError
			if errors.As(err, &exited) != (c.status != 0) || exited != nil && int(exited.Status) != c.status {
				t.Errorf("the status is %v", exited)
			}
		})
	}
}

// linkTimes sets the times of links.
type linkTimes struct {
	*os.Root
	set *[]string
}

func (l linkTimes) Lchtimes(name string, _, mtime time.Time) error {
	*l.set = append(*l.set, fmt.Sprint(name, " ", mtime.UnixNano()))
	return nil
}

// The times of a symbolic link itself are set where that can be done, and those of nothing else.
func TestWritableFSLinkTimes(t *testing.T) {
	if !CanSymlink() {
		t.Skip("there are no links")
	}
	path := TempDir(t)
	Check(t, os.Mkdir(filepath.Join(path, "sub"), 0o777))
	Check(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o666))
	Check(t, os.Symlink("../file", filepath.Join(path, "sub/link")))
	files := Must(os.OpenRoot(path))
	defer files.Close()
	const at = 1_000_000_000_000_000_007
	g := NewWasiGuest(t, nil)
	dir, _ := pushFS(t, g, Writable(files), "")
	file, _ := g.Stat(dir, 0, "file")
	want := errnoNotsup
	if runtime.GOOS == "linux" {
		want = ErrnoSuccess
	}
	before, _ := g.Stat(dir, 0, "sub/link")
	WantErrno(t, "of a link of the host", g.SetTimes(dir, 0, "sub/link", 5, at, FstMtim), want)
	after, _ := g.Stat(dir, 0, "sub/link")
	if want == ErrnoSuccess && (after.Mod != at || after.Access != before.Access) {
		t.Errorf("the link's times are %d and %d, want %d and %d", after.Access, after.Mod, before.Access, at)
	}
	if got, _ := g.Stat(dir, 0, "file"); got.Mod != file.Mod {
		t.Error("the file's times have changed")
	}
	var set []string
	dir, _ = pushFS(t, g, Writable(linkTimes{files, &set}), "")
	WantErrno(t, "of a link", g.SetTimes(dir, 0, "sub/link", 5, at, FstMtim), ErrnoSuccess)
	WantErrno(t, "of the file", g.SetTimes(dir, LookupFollow, "sub/link", 5, at, FstMtim), ErrnoSuccess)
	Equal(t, "what was asked for", fmt.Sprint(set), fmt.Sprintf("[sub/link %d]", at))
}
