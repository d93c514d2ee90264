//go:build linux

package dirs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestDirOpen(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		Check(t, os.WriteFile(host("old"), []byte("old content"), 0o644))
		Check(t, os.Mkdir(host("sub"), 0o755))
		Check(t, os.Symlink("old", host("link")))
		Check(t, os.Symlink("sub", host("sublink")))
		Check(t, os.Symlink("gone", host("dangling")))
		Check(t, os.Symlink("loop", host("loop")))
		const both = RightRead | RightWrite
		for _, c := range []struct {
			name   string
			path   string
			lookup int
			oflags int
			rights int64
			errno  Errno
		}{
			{"a file", "old", 0, 0, both, ErrnoSuccess},
			{"without any right", "old", 0, 0, 0, ErrnoSuccess},
			{"by detours", "./sub/..//sub/../old", 0, 0, both, ErrnoSuccess},
			{"a missing file", "missing", 0, 0, both, ErrnoNoent},
			{"below a missing directory", "missing/file", 0, OflagCreate, both, ErrnoNoent},
			{"below a file", "old/file", 0, 0, both, ErrnoNotdir},
			{"a file with a slash", "old/", 0, 0, RightRead, ErrnoNotdir},
			{"an empty path", "", 0, 0, both, ErrnoNoent},
			{"a zero in it", "ol\x00d", 0, 0, both, ErrnoInval},
			{"not UTF-8", "\xff", 0, 0, both, ErrnoIlseq},
			{"too long a path", strings.Repeat("a/", 3000), 0, 0, both, ErrnoNametoolong},
			{"too long a name", strings.Repeat("a", 300), 0, 0, both, ErrnoNametoolong},
			{"a file as a directory", "old", 0, OflagDirectory, RightRead, ErrnoNotdir},
			{"a directory", "sub", 0, OflagDirectory, RightRead, ErrnoSuccess},
			{"a directory without saying so", "sub", 0, 0, RightRead, ErrnoSuccess},
			{"a directory with a slash", "sub/", 0, 0, RightRead, ErrnoSuccess},
			{"a directory to write", "sub", 0, 0, both, ErrnoIsdir},
			{"a directory to create", "sub", 0, OflagCreate, RightRead, ErrnoIsdir},
			{"a directory to create it", "new", 0, OflagCreate | OflagDirectory, RightRead, ErrnoInval},
			{"a file anew", "old", 0, OflagCreate | OflagExclusive, both, ErrnoExist},
			{"a link anew", "dangling", LookupFollow, OflagCreate | OflagExclusive, both, ErrnoExist},
			{"a link", "link", LookupFollow, 0, both, ErrnoSuccess},
			{"a link itself", "link", 0, 0, both, ErrnoLoop},
			{"a link to a directory", "sublink", LookupFollow, OflagDirectory, RightRead, ErrnoSuccess},
			{"a link below a link", "sublink/../link", LookupFollow, 0, both, ErrnoSuccess},
			{"a link to nothing", "dangling", LookupFollow, 0, both, ErrnoNoent},
			{"a link to itself", "loop", LookupFollow, 0, both, ErrnoLoop},
			{"a new file with a slash", "new/", 0, OflagCreate, both, ErrnoIsdir},
		} {
			fd, errno := g.PathOpen(dir, c.lookup, c.path, c.oflags, c.rights, 0)
			WantErrno(t, c.name, errno, c.errno)
			if errno == ErrnoSuccess {
				g.Close(fd)
			}
		}
		entries, err := os.ReadDir(path)
		if err != nil || len(entries) != 6 {
			t.Errorf("the failures left %v, %v", entries, err)
		}

		// The rights decide what can be done, the flags how.
		open := func(name string, oflags int, rights int64, flags int) uint32 {
			t.Helper()
			fd, errno := g.PathOpen(dir, LookupFollow, name, oflags, rights, flags)
			WantErrno(t, "open "+name, errno, ErrnoSuccess)
			return fd
		}
		fd := open("old", 0, RightRead, 0)
		_, errno := g.Write(fd, "x")
		WantErrno(t, "write what was opened to read", errno, ErrnoBadf)
		g.Close(fd)
		fd = open("old", 0, RightWrite, 0)
		_, errno = g.Read(fd, 1)
		WantErrno(t, "read what was opened to write", errno, ErrnoBadf)
		n, errno := g.Write(fd, "OLD")
		Want(t, "write", n, errno, 3)
		g.Close(fd)
		fd = open("link", 0, both, FdflagAppend|FdflagSync|FdflagNonblock)
		n, errno = g.Write(fd, "!")
		Want(t, "append", n, errno, 1)
		stat, errno := g.Fdstat(fd)
		Want(t, "flags", stat.Flags, errno, FdflagAppend|FdflagSync|FdflagNonblock)
		WantErrno(t, "take appending back", g.Call("fd_fdstat_set_flags", int(fd), FdflagSync), ErrnoSuccess)
		g.Seek(fd, 0, 0)
		n, errno = g.Write(fd, "#")
		Want(t, "write at the start", n, errno, 1)
		WantErrno(t, "another way to synchronise", g.Call("fd_fdstat_set_flags", int(fd), 2), ErrnoInval)
		g.Close(fd)
		b, err := os.ReadFile(host("old"))
		if string(b) != "#LD content!" {
			t.Errorf("the file holds %q, %v", b, err)
		}
		g.Close(open("old", OflagTrunc, both, 0))
		if info, err := os.Stat(host("old")); err != nil || info.Size() != 0 {
			t.Error(info, err)
		}
		g.Close(open("dangling", OflagCreate, both, 0))
		if info, err := os.Lstat(host("gone")); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 != 0 {
			t.Error(info, err)
		}
		g.Close(open("read", OflagCreate, RightRead, 0))
		if _, err := os.Lstat(host("read")); err != nil {
			t.Error(err)
		}

		// A directory opened below is one to open paths in.
		sub := open("sub", OflagDirectory, RightReaddir, 0)
		below, errno := g.Open(sub, "file", OflagCreate)
		WantErrno(t, "create below", errno, ErrnoSuccess)
		n, errno = g.Write(below, "below")
		Want(t, "write", n, errno, 5)
		_, errno = g.Open(below, "x", 0)
		WantErrno(t, "open below a file", errno, ErrnoNotdir)
		if b, err := os.ReadFile(host("sub/file")); err != nil || string(b) != "below" {
			t.Errorf("%q, %v", b, err)
		}
		WantErrno(t, "prestat of what was opened", g.Call("fd_prestat_get", int(sub), GuestResult), ErrnoBadf)
	})
}

// A named pipe that nobody has opened for writing has ended, whether or not somebody could stop the guest if it
// waited.
func TestDirReadWithoutWriter(t *testing.T) {
	for name, guest := range map[string]*WasiGuest{"alone": NewWasiGuest(t, nil), "with a context": NewCancellableGuest(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if name == "with a context" {
				guest.Ctx = ctx
			}
			dir := TempDir(t)
			Mkfifo(t, filepath.Join(dir, "fifo"))
			fd, err := guest.Store.PushDir(OpenDir(t, dir), "", READ_WRITE)
			Check(t, err)
			for _, flags := range []int{0, FdflagNonblock} {
				r, errno := guest.PathOpen(fd, 0, "fifo", 0, RightRead, flags)
				WantErrno(t, "open", errno, ErrnoSuccess)
				s, errno := guest.Read(r, 10)
				Want(t, "read", s, errno, "")
				w, errno := guest.PathOpen(fd, 0, "fifo", 0, RightWrite, 0)
				WantErrno(t, "open to write", errno, ErrnoSuccess)
				_, errno = guest.Write(w, "text")
				WantErrno(t, "write", errno, ErrnoSuccess)
				s, errno = guest.Read(r, 10)
				Want(t, "read what was written", s, errno, "text")
				if flags == FdflagNonblock {
					_, errno = guest.Read(r, 10)
					WantErrno(t, "read with a writer", errno, ErrnoAgain)
				}
				guest.Close(w)
				guest.Close(r)
			}
		})
	}
}

// Nothing waits in the open; a pipe and a device are known for what they are.
func TestDirOpenSpecialFiles(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		Mkfifo(t, filepath.Join(path, "fifo"))
		r, errno := g.PathOpen(dir, 0, "fifo", 0, RightRead, 0)
		WantErrno(t, "open to read", errno, ErrnoSuccess)
		stat, errno := g.Filestat(r)
		Want(t, "type", stat.Filetype, errno, FiletypeUnknown)
		w, errno := g.PathOpen(dir, 0, "fifo", 0, RightWrite, 0)
		WantErrno(t, "open to write", errno, ErrnoSuccess)
		n, errno := g.Write(w, "through")
		Want(t, "write", n, errno, 7)
		kinds, bytes, _ := g.PollRead(r, 0)
		if len(kinds) != 1 || bytes != 7 {
			t.Errorf("poll: %v, %d bytes", kinds, bytes)
		}
		s, errno := g.Read(r, 100)
		Want(t, "read", s, errno, "through")
		WantErrno(t, "set times", g.SetTimes(dir, LookupFollow, "fifo", 0, 9e9, FstMtim), ErrnoSuccess)
		_, errno = g.Seek(r, 0, 1)
		WantErrno(t, "seek", errno, ErrnoSpipe)
		g.Close(r)
		_, errno = g.Write(w, "to nobody")
		WantErrno(t, "write without a reader", errno, ErrnoPipe)
		g.Close(w)

		l, err := os.Stat(filepath.Join(path, "fifo"))
		if err != nil || !l.ModTime().After(time.Unix(8, 0)) {
			t.Error(l, err)
		}
		entries, _ := g.Entries(dir, 0, 4096)
		Equal(t, "type", entries[2].Filetype, FiletypeUnknown)
	})
}

func TestDirStat(t *testing.T) {
	withDir(t, READ_ONLY, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		file := filepath.Join(path, "file")
		Check(t, os.WriteFile(file, []byte("12345"), 0o644))
		Check(t, os.Symlink("file", filepath.Join(path, "link")))
		old := time.Unix(1_000_000_000, 123_000_000)
		Check(t, os.Chtimes(file, old, old.Add(time.Second)))
		info, err := os.Stat(file)
		Check(t, err)
		sys := info.Sys().(*syscall.Stat_t)
		for _, c := range []struct {
			path   string
			lookup int
		}{{"file", 0}, {"link", LookupFollow}, {"./link", LookupFollow}} {
			stat, errno := g.Stat(dir, c.lookup, c.path)
			WantErrno(t, c.path, errno, ErrnoSuccess)
			if stat.Filetype != FiletypeRegular || stat.Size != 5 || stat.Links != 1 || stat.Inode != sys.Ino ||
				stat.Access != uint64(old.UnixNano()) || stat.Mod != uint64(old.Add(time.Second).UnixNano()) {
				t.Errorf("%s: %+v", c.path, stat)
			}
		}
		stat, errno := g.Stat(dir, 0, "link")
		Want(t, "a link", stat.Filetype, errno, FiletypeSymlink)
		Want(t, "its length", stat.Size, errno, 4)
		stat, errno = g.Stat(dir, 0, ".")
		Want(t, "the directory", stat.Filetype, errno, FiletypeDirectory)
		for path, wanted := range map[string]Errno{
			"missing": ErrnoNoent, "file/x": ErrnoNotdir, "file/": ErrnoNotdir, "link/": ErrnoNotdir, "": ErrnoNoent,
			"..": ErrnoPerm, "/": ErrnoPerm,
		} {
			for _, lookup := range []int{0, LookupFollow} {
				_, errno = g.Stat(dir, lookup, path)
				WantErrno(t, "stat "+path, errno, wanted)
			}
		}
	})
}

func TestDirSetTimes(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		file, link := filepath.Join(path, "sub", "file"), filepath.Join(path, "link")
		Check(t, os.Mkdir(filepath.Dir(file), 0o755))
		Check(t, os.WriteFile(file, nil, 0o400))
		Check(t, os.Symlink("sub/../sub/file", link))
		modified := func(name string) time.Time {
			info, err := os.Lstat(name)
			Check(t, err)
			return info.ModTime()
		}
		WantErrno(t, "a file", g.SetTimes(dir, 0, "sub/file", 1e9, 2e9+5, FstAtim|FstMtim), ErrnoSuccess)
		Equal(t, "modified", modified(file), time.Unix(2, 5))
		WantErrno(t, "through a link", g.SetTimes(dir, LookupFollow, "link", 3e9, 4e9, FstMtim), ErrnoSuccess)
		Equal(t, "modified", modified(file), time.Unix(4, 0))
		WantErrno(t, "a link", g.SetTimes(dir, 0, "link", 3e9, 5e9, FstMtim), ErrnoSuccess)
		Equal(t, "modified", modified(link), time.Unix(5, 0))
		Equal(t, "modified", modified(file), time.Unix(4, 0))
		WantErrno(t, "only accessed", g.SetTimes(dir, 0, "sub/file", 0, 0, FstAtimNow), ErrnoSuccess)
		Equal(t, "modified", modified(file), time.Unix(4, 0))
		stat, errno := g.Stat(dir, 0, "sub/file")
		if errno != ErrnoSuccess || time.Since(time.Unix(0, int64(stat.Access))) > time.Hour {
			t.Errorf("accessed: %+v, errno %d", stat, errno)
		}
		WantErrno(t, "now", g.SetTimes(dir, 0, "sub/file", 0, 0, FstMtimNow), ErrnoSuccess)
		if time.Since(modified(file)) > time.Hour {
			t.Error(modified(file))
		}
		WantErrno(t, "a directory", g.SetTimes(dir, 0, "sub/", 0, 6e9, FstMtim), ErrnoSuccess)
		Equal(t, "modified", modified(filepath.Dir(file)), time.Unix(6, 0))
		WantErrno(t, "both", g.SetTimes(dir, 0, "sub", 0, 0, FstMtim|FstMtimNow), ErrnoInval)
		WantErrno(t, "missing", g.SetTimes(dir, 0, "missing", 0, 0, FstMtim), ErrnoNoent)
		Check(t, os.Symlink("../..", filepath.Join(path, "out")))
		WantErrno(t, "outside", g.SetTimes(dir, LookupFollow, "out", 0, 0, FstMtim), ErrnoPerm)
	})
}

func TestDirCreateAndRemove(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		Check(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o644))
		Check(t, os.Symlink("d", filepath.Join(path, "link")))
		for _, c := range []struct {
			name  string
			errno Errno
			wants Errno
		}{
			{"mkdir", g.Mkdir(dir, "d"), ErrnoSuccess},
			{"mkdir again", g.Mkdir(dir, "d"), ErrnoExist},
			{"mkdir with a slash", g.Mkdir(dir, "d/e/"), ErrnoSuccess},
			{"mkdir over a file", g.Mkdir(dir, "file"), ErrnoExist},
			{"mkdir below nothing", g.Mkdir(dir, "x/y"), ErrnoNoent},
			{"mkdir below a file", g.Mkdir(dir, "file/y"), ErrnoNotdir},
			{"mkdir of nothing", g.Mkdir(dir, ""), ErrnoNoent},
			{"mkdir through a link", g.Mkdir(dir, "link/f"), ErrnoSuccess},
			{"rmdir of a full one", g.Rmdir(dir, "d"), ErrnoNotempty},
			{"rmdir", g.Rmdir(dir, "d/f"), ErrnoSuccess},
			{"rmdir with slashes", g.Rmdir(dir, "d/e//"), ErrnoSuccess},
			{"rmdir again", g.Rmdir(dir, "d/e"), ErrnoNoent},
			{"rmdir of a file", g.Rmdir(dir, "file"), ErrnoNotdir},
			{"rmdir of a file with a slash", g.Rmdir(dir, "file/"), ErrnoNotdir},
			{"rmdir of a link", g.Rmdir(dir, "link"), ErrnoNotdir},
			{"rmdir of itself", g.Rmdir(dir, "."), ErrnoInval},
			{"unlink of a directory", g.Unlink(dir, "d"), ErrnoIsdir},
			{"unlink of a directory with a slash", g.Unlink(dir, "d/"), ErrnoIsdir},
			{"unlink of a file with a slash", g.Unlink(dir, "file/"), ErrnoNotdir},
			{"unlink", g.Unlink(dir, "file"), ErrnoSuccess},
			{"unlink again", g.Unlink(dir, "file"), ErrnoNoent},
			{"unlink of a link", g.Unlink(dir, "link"), ErrnoSuccess},
			{"rmdir of the last", g.Rmdir(dir, "d"), ErrnoSuccess},
		} {
			WantErrno(t, c.name, c.errno, c.wants)
		}
		if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
			t.Error(entries, err)
		}
		// A directory that is removed while it is open.
		WantErrno(t, "mkdir", g.Mkdir(dir, "open"), ErrnoSuccess)
		fd, errno := g.PathOpen(dir, 0, "open", OflagDirectory, RightReaddir, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		WantErrno(t, "rmdir", g.Rmdir(dir, "open"), ErrnoSuccess)
		_, errno = g.Open(fd, "x", OflagCreate)
		WantErrno(t, "create in what is gone", errno, ErrnoNoent)
	})
}

func TestDirRenameAndLink(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		other := TempDir(t)
		Check(t, g.Store.InsertDir(20, OpenDir(t, other), "", READ_WRITE))
		for _, name := range []string{"a", "b", "c"} {
			Check(t, os.WriteFile(host(name), []byte(name), 0o644))
		}
		Check(t, os.MkdirAll(host("d/e"), 0o755))
		Check(t, os.Mkdir(host("empty"), 0o755))
		Check(t, os.Symlink("a", host("link")))
		for _, c := range []struct {
			name  string
			errno Errno
			wants Errno
		}{
			{"rename", g.Rename(dir, "a", dir, "a2"), ErrnoSuccess},
			{"rename over another", g.Rename(dir, "a2", dir, "b"), ErrnoSuccess},
			{"rename what is gone", g.Rename(dir, "a2", dir, "b"), ErrnoNoent},
			{"rename into a directory", g.Rename(dir, "b", dir, "d/e/f"), ErrnoSuccess},
			{"rename a file over a directory", g.Rename(dir, "c", dir, "d"), ErrnoIsdir},
			{"rename a directory over a file", g.Rename(dir, "d", dir, "c"), ErrnoNotdir},
			{"rename a directory over a full one", g.Rename(dir, "empty", dir, "d"), ErrnoNotempty},
			{"rename a directory over an empty one", g.Rename(dir, "d/e", dir, "empty/"), ErrnoSuccess},
			{"rename a directory below itself", g.Rename(dir, "empty", dir, "empty/x"), ErrnoInval},
			{"rename a file with a slash", g.Rename(dir, "c/", dir, "c2"), ErrnoNotdir},
			{"rename a file to a slash", g.Rename(dir, "c", dir, "c2/"), ErrnoNotdir},
			{"rename a directory to a slash", g.Rename(dir, "d", dir, "d2/"), ErrnoSuccess},
			{"rename a link", g.Rename(dir, "link", dir, "link2"), ErrnoSuccess},
			{"rename to another descriptor", g.Rename(dir, "c", 20, "c"), ErrnoSuccess},
			{"rename from another descriptor", g.Rename(20, "c", dir, "d2/c"), ErrnoSuccess},
			{"rename to what is no directory", g.Rename(dir, "d2", 0, "c"), ErrnoNotdir},
			{"rename to what is not open", g.Rename(dir, "d2", 77, "c"), ErrnoBadf},

			{"link", g.Link(dir, 0, "d2/c", dir, "c"), ErrnoSuccess},
			{"link to another descriptor", g.Link(dir, 0, "c", 20, "c"), ErrnoSuccess},
			{"link over another", g.Link(dir, 0, "c", dir, "d2/c"), ErrnoExist},
			{"link a directory", g.Link(dir, 0, "d2", dir, "d3"), ErrnoPerm},
			{"link what is missing", g.Link(dir, 0, "missing", dir, "d3"), ErrnoNoent},
			{"link a link", g.Link(dir, 0, "link2", dir, "link3"), ErrnoSuccess},
			{"link what a link leads to", g.Link(dir, LookupFollow, "link2", dir, "x"), ErrnoInval},
			{"link outside", g.Link(dir, 0, "c", dir, "../c"), ErrnoPerm},
		} {
			WantErrno(t, c.name, c.errno, c.wants)
		}
		if b, err := os.ReadFile(host("empty/f")); err != nil || string(b) != "a" {
			t.Errorf("%q, %v", b, err)
		}
		stat, errno := g.Stat(20, 0, "c")
		Want(t, "links", stat.Links, errno, 3)
		if s, err := os.Readlink(host("link3")); err != nil || s != "a" {
			t.Error(s, err)
		}
	})
}

func TestDirSymlink(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		Check(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o644))
		WantErrno(t, "symlink", g.Symlink("sub/target", dir, "link"), ErrnoSuccess)
		if s, err := os.Readlink(filepath.Join(path, "link")); err != nil || s != "sub/target" {
			t.Error(s, err)
		}
		s, errno := g.Readlink(dir, "link", 100)
		Want(t, "readlink", s, errno, "sub/target")
		s, errno = g.Readlink(dir, "./link", 4)
		Want(t, "readlink into a short buffer", s, errno, "sub/")
		s, errno = g.Readlink(dir, "link", 0)
		Want(t, "readlink into none", s, errno, "")
		WantErrno(t, "symlink again", g.Symlink("x", dir, "link"), ErrnoExist)
		WantErrno(t, "symlink over a file", g.Symlink("x", dir, "file"), ErrnoExist)
		WantErrno(t, "symlink to nothing", g.Symlink("", dir, "empty"), ErrnoNoent)
		WantErrno(t, "symlink with a slash", g.Symlink("x", dir, "new/"), ErrnoNoent)
		WantErrno(t, "symlink to an absolute path", g.Symlink("/etc/passwd", dir, "abs"), ErrnoPerm)
		WantErrno(t, "symlink outside", g.Symlink("x", dir, "../x"), ErrnoPerm)
		WantErrno(t, "symlink that leads out", g.Symlink("../../x", dir, "out"), ErrnoSuccess)
		_, errno = g.PathOpen(dir, LookupFollow, "out", 0, RightRead, 0)
		WantErrno(t, "follow it", errno, ErrnoPerm)
		_, errno = g.Readlink(dir, "file", 100)
		WantErrno(t, "readlink of a file", errno, ErrnoInval)
		_, errno = g.Readlink(dir, "missing", 100)
		WantErrno(t, "readlink of nothing", errno, ErrnoNoent)
		Check(t, os.Symlink("/etc/passwd", filepath.Join(path, "host")))
		_, errno = g.Readlink(dir, "host", 100)
		WantErrno(t, "readlink of an absolute link", errno, ErrnoPerm)
	})
}

// Below a directory that can only be read nothing is changed, whatever the call.
func TestDirReadOnly(t *testing.T) {
	withDir(t, READ_ONLY, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		Check(t, os.Mkdir(filepath.Join(path, "sub"), 0o755))
		for _, name := range []string{"file", "sub/file"} {
			Check(t, os.WriteFile(filepath.Join(path, name), []byte("content"), 0o644))
		}
		Check(t, os.Symlink("file", filepath.Join(path, "link")))
		writable := TempDir(t)
		Check(t, os.WriteFile(filepath.Join(writable, "file"), nil, 0o644))
		Check(t, g.Store.InsertDir(20, OpenDir(t, writable), "", READ_WRITE))
		before := snapshot(t, path)
		sub, errno := g.PathOpen(dir, 0, "sub", OflagDirectory, RightReaddir, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		for _, fd := range []uint32{dir, sub} {
			open := func(path string, oflags int, rights int64) Errno {
				_, errno := g.PathOpen(fd, LookupFollow, path, oflags, rights, 0)
				return errno
			}
			for name, errno := range map[string]Errno{
				"open to write":          open("file", 0, RightWrite),
				"open to read and write": open("file", 0, RightRead|RightWrite),
				"cut":                    open("file", OflagTrunc, RightRead),
				"create":                 open("new", OflagCreate, RightRead),
				"create what is there":   open("file", OflagCreate, RightRead),
				"mkdir":                  g.Mkdir(fd, "new"),
				"rmdir":                  g.Rmdir(fd, "sub"),
				"unlink":                 g.Unlink(fd, "file"),
				"rename":                 g.Rename(fd, "file", fd, "new"),
				"rename away":            g.Rename(fd, "file", 20, "new"),
				"rename here":            g.Rename(20, "file", fd, "new"),
				"link":                   g.Link(fd, 0, "file", fd, "new"),
				"link away":              g.Link(fd, 0, "file", 20, "new"),
				"link here":              g.Link(20, 0, "file", fd, "new"),
				"symlink":                g.Symlink("file", fd, "new"),
				"set times":              g.SetTimes(fd, 0, "file", 0, 0, FstMtim),
				"set times of a link":    g.SetTimes(fd, LookupFollow, "link", 0, 0, FstMtim),
				"set own times":          g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstMtim),
			} {
				WantErrno(t, name, errno, ErrnoPerm)
			}
		}
		fd, errno := g.PathOpen(dir, 0, "file", 0, RightRead, FdflagAppend)
		WantErrno(t, "open to read", errno, ErrnoSuccess)
		_, errno = g.Write(fd, "x")
		WantErrno(t, "write", errno, ErrnoBadf)
		_, errno = g.Pwrite(fd, "x", 0)
		WantErrno(t, "pwrite", errno, ErrnoBadf)
		WantErrno(t, "set size", g.Call("fd_filestat_set_size", int(fd), int64(0)), ErrnoInval)
		WantErrno(t, "set times", g.Call("fd_filestat_set_times", int(fd), int64(0), int64(0), FstMtim), ErrnoPerm)
		WantErrno(t, "allocate", g.Call("fd_allocate", int(fd), int64(0), int64(100)), ErrnoBadf)
		s, errno := g.ReadAll(fd)
		Want(t, "read", s, errno, "content")
		s, errno = g.Readlink(dir, "link", 100)
		Want(t, "readlink", s, errno, "file")
		if after := snapshot(t, path); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// snapshot describes everything below a directory.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	Check(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		all.WriteString(strings.TrimPrefix(path, dir) + " " + info.Mode().String() + " " + info.ModTime().String())
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			all.Write(b)
			if err != nil {
				return err
			}
		}
		all.WriteString("\n")
		return nil
	}))
	return all.String()
}
