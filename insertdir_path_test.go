//go:build linux

package wasmtime_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
)

// mkfifo makes a named pipe.
func mkfifo(t *testing.T, path string) {
	t.Helper()
	check(t, syscall.Mkfifo(path, 0o600))
}

func TestDirOpen(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		check(t, os.WriteFile(host("old"), []byte("old content"), 0o644))
		check(t, os.Mkdir(host("sub"), 0o755))
		check(t, os.Symlink("old", host("link")))
		check(t, os.Symlink("sub", host("sublink")))
		check(t, os.Symlink("gone", host("dangling")))
		check(t, os.Symlink("loop", host("loop")))
		const both = rightRead | rightWrite
		for _, c := range []struct {
			name   string
			path   string
			lookup int
			oflags int
			rights int64
			errno  wasiErrno
		}{
			{"a file", "old", 0, 0, both, errnoSuccess},
			{"without any right", "old", 0, 0, 0, errnoSuccess},
			{"by detours", "./sub/..//sub/../old", 0, 0, both, errnoSuccess},
			{"a missing file", "missing", 0, 0, both, errnoNoent},
			{"below a missing directory", "missing/file", 0, oflagCreate, both, errnoNoent},
			{"below a file", "old/file", 0, 0, both, errnoNotdir},
			{"a file with a slash", "old/", 0, 0, rightRead, errnoNotdir},
			{"an empty path", "", 0, 0, both, errnoNoent},
			{"a zero in it", "ol\x00d", 0, 0, both, errnoInval},
			{"not UTF-8", "\xff", 0, 0, both, errnoIlseq},
			{"too long a path", strings.Repeat("a/", 3000), 0, 0, both, errnoNametoolong},
			{"too long a name", strings.Repeat("a", 300), 0, 0, both, errnoNametoolong},
			{"a file as a directory", "old", 0, oflagDirectory, rightRead, errnoNotdir},
			{"a directory", "sub", 0, oflagDirectory, rightRead, errnoSuccess},
			{"a directory without saying so", "sub", 0, 0, rightRead, errnoSuccess},
			{"a directory with a slash", "sub/", 0, 0, rightRead, errnoSuccess},
			{"a directory to write", "sub", 0, 0, both, errnoIsdir},
			{"a directory to create", "sub", 0, oflagCreate, rightRead, errnoIsdir},
			{"a directory to create it", "new", 0, oflagCreate | oflagDirectory, rightRead, errnoInval},
			{"a file anew", "old", 0, oflagCreate | oflagExclusive, both, errnoExist},
			{"a link anew", "dangling", lookupFollow, oflagCreate | oflagExclusive, both, errnoExist},
			{"a link", "link", lookupFollow, 0, both, errnoSuccess},
			{"a link itself", "link", 0, 0, both, errnoLoop},
			{"a link to a directory", "sublink", lookupFollow, oflagDirectory, rightRead, errnoSuccess},
			{"a link below a link", "sublink/../link", lookupFollow, 0, both, errnoSuccess},
			{"a link to nothing", "dangling", lookupFollow, 0, both, errnoNoent},
			{"a link to itself", "loop", lookupFollow, 0, both, errnoLoop},
			{"a new file with a slash", "new/", 0, oflagCreate, both, errnoIsdir},
		} {
			fd, errno := g.pathOpen(dir, c.lookup, c.path, c.oflags, c.rights, 0)
			wantErrno(t, c.name, errno, c.errno)
			if errno == errnoSuccess {
				g.close(fd)
			}
		}
		entries, err := os.ReadDir(path)
		if err != nil || len(entries) != 6 {
			t.Errorf("the failures left %v, %v", entries, err)
		}

		// The rights decide what can be done, the flags how.
		open := func(name string, oflags int, rights int64, flags int) uint32 {
			t.Helper()
			fd, errno := g.pathOpen(dir, lookupFollow, name, oflags, rights, flags)
			wantErrno(t, "open "+name, errno, errnoSuccess)
			return fd
		}
		fd := open("old", 0, rightRead, 0)
		_, errno := g.write(fd, "x")
		wantErrno(t, "write what was opened to read", errno, errnoBadf)
		g.close(fd)
		fd = open("old", 0, rightWrite, 0)
		_, errno = g.read(fd, 1)
		wantErrno(t, "read what was opened to write", errno, errnoBadf)
		n, errno := g.write(fd, "OLD")
		want(t, "write", n, errno, 3)
		g.close(fd)
		fd = open("link", 0, both, fdflagAppend|fdflagSync|fdflagNonblock)
		n, errno = g.write(fd, "!")
		want(t, "append", n, errno, 1)
		stat, errno := g.fdstat(fd)
		want(t, "flags", stat.flags, errno, fdflagAppend|fdflagSync|fdflagNonblock)
		wantErrno(t, "take appending back", g.call("fd_fdstat_set_flags", int(fd), fdflagSync), errnoSuccess)
		g.seek(fd, 0, 0)
		n, errno = g.write(fd, "#")
		want(t, "write at the start", n, errno, 1)
		wantErrno(t, "another way to synchronise", g.call("fd_fdstat_set_flags", int(fd), 2), errnoInval)
		g.close(fd)
		b, err := os.ReadFile(host("old"))
		if string(b) != "#LD content!" {
			t.Errorf("the file holds %q, %v", b, err)
		}
		g.close(open("old", oflagTrunc, both, 0))
		if info, err := os.Stat(host("old")); err != nil || info.Size() != 0 {
			t.Error(info, err)
		}
		g.close(open("dangling", oflagCreate, both, 0))
		if info, err := os.Lstat(host("gone")); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 != 0 {
			t.Error(info, err)
		}
		g.close(open("read", oflagCreate, rightRead, 0))
		if _, err := os.Lstat(host("read")); err != nil {
			t.Error(err)
		}

		// A directory opened below is one to open paths in.
		sub := open("sub", oflagDirectory, rightReaddir, 0)
		below, errno := g.open(sub, "file", oflagCreate)
		wantErrno(t, "create below", errno, errnoSuccess)
		n, errno = g.write(below, "below")
		want(t, "write", n, errno, 5)
		_, errno = g.open(below, "x", 0)
		wantErrno(t, "open below a file", errno, errnoNotdir)
		if b, err := os.ReadFile(host("sub/file")); err != nil || string(b) != "below" {
			t.Errorf("%q, %v", b, err)
		}
		wantErrno(t, "prestat of what was opened", g.call("fd_prestat_get", int(sub), guestResult), errnoBadf)
	})
}

// A named pipe that nobody has opened for writing has ended, whether or not somebody could stop the guest if it waited.
func TestDirReadWithoutWriter(t *testing.T) {
	for name, guest := range map[string]*wasiGuest{"alone": newWasiGuest(t, nil), "with a context": newCancellableGuest(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if name == "with a context" {
				guest.ctx = ctx
			}
			dir := tempDir(t)
			mkfifo(t, filepath.Join(dir, "fifo"))
			fd, err := guest.store.PushDir(openDir(t, dir), "", READ_WRITE)
			check(t, err)
			for _, flags := range []int{0, fdflagNonblock} {
				r, errno := guest.pathOpen(fd, 0, "fifo", 0, rightRead, flags)
				wantErrno(t, "open", errno, errnoSuccess)
				s, errno := guest.read(r, 10)
				want(t, "read", s, errno, "")
				w, errno := guest.pathOpen(fd, 0, "fifo", 0, rightWrite, 0)
				wantErrno(t, "open to write", errno, errnoSuccess)
				_, errno = guest.write(w, "text")
				wantErrno(t, "write", errno, errnoSuccess)
				s, errno = guest.read(r, 10)
				want(t, "read what was written", s, errno, "text")
				if flags == fdflagNonblock {
					_, errno = guest.read(r, 10)
					wantErrno(t, "read with a writer", errno, errnoAgain)
				}
				guest.close(w)
				guest.close(r)
			}
		})
	}
}

// Nothing waits in the open; a pipe and a device are known for what they are.
func TestDirOpenSpecialFiles(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		mkfifo(t, filepath.Join(path, "fifo"))
		r, errno := g.pathOpen(dir, 0, "fifo", 0, rightRead, 0)
		wantErrno(t, "open to read", errno, errnoSuccess)
		stat, errno := g.filestat(r)
		want(t, "type", stat.filetype, errno, filetypeUnknown)
		w, errno := g.pathOpen(dir, 0, "fifo", 0, rightWrite, 0)
		wantErrno(t, "open to write", errno, errnoSuccess)
		n, errno := g.write(w, "through")
		want(t, "write", n, errno, 7)
		kinds, bytes, _ := g.pollRead(r, 0)
		if len(kinds) != 1 || bytes != 7 {
			t.Errorf("poll: %v, %d bytes", kinds, bytes)
		}
		s, errno := g.read(r, 100)
		want(t, "read", s, errno, "through")
		wantErrno(t, "set times", g.setTimes(dir, lookupFollow, "fifo", 0, 9e9, fstMtim), errnoSuccess)
		_, errno = g.seek(r, 0, 1)
		wantErrno(t, "seek", errno, errnoSpipe)
		g.close(r)
		_, errno = g.write(w, "to nobody")
		wantErrno(t, "write without a reader", errno, errnoPipe)
		g.close(w)

		l, err := os.Stat(filepath.Join(path, "fifo"))
		if err != nil || !l.ModTime().After(time.Unix(8, 0)) {
			t.Error(l, err)
		}
		entries, _ := g.entries(dir, 0, 4096)
		equal(t, "type", entries[2].filetype, filetypeUnknown)
	})
}

func TestDirStat(t *testing.T) {
	withDir(t, READ_ONLY, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		file := filepath.Join(path, "file")
		check(t, os.WriteFile(file, []byte("12345"), 0o644))
		check(t, os.Symlink("file", filepath.Join(path, "link")))
		old := time.Unix(1_000_000_000, 123_000_000)
		check(t, os.Chtimes(file, old, old.Add(time.Second)))
		info, err := os.Stat(file)
		check(t, err)
		sys := info.Sys().(*syscall.Stat_t)
		for _, c := range []struct {
			path   string
			lookup int
		}{{"file", 0}, {"link", lookupFollow}, {"./link", lookupFollow}} {
			stat, errno := g.stat(dir, c.lookup, c.path)
			wantErrno(t, c.path, errno, errnoSuccess)
			if stat.filetype != filetypeRegular || stat.size != 5 || stat.links != 1 || stat.inode != sys.Ino ||
				stat.access != uint64(old.UnixNano()) || stat.mod != uint64(old.Add(time.Second).UnixNano()) {
				t.Errorf("%s: %+v", c.path, stat)
			}
		}
		stat, errno := g.stat(dir, 0, "link")
		want(t, "a link", stat.filetype, errno, filetypeSymlink)
		want(t, "its length", stat.size, errno, 4)
		stat, errno = g.stat(dir, 0, ".")
		want(t, "the directory", stat.filetype, errno, filetypeDirectory)
		for path, wanted := range map[string]wasiErrno{
			"missing": errnoNoent, "file/x": errnoNotdir, "file/": errnoNotdir, "link/": errnoNotdir, "": errnoNoent,
			"..": errnoPerm, "/": errnoPerm,
		} {
			for _, lookup := range []int{0, lookupFollow} {
				_, errno = g.stat(dir, lookup, path)
				wantErrno(t, "stat "+path, errno, wanted)
			}
		}
	})
}

func TestDirSetTimes(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		file, link := filepath.Join(path, "sub", "file"), filepath.Join(path, "link")
		check(t, os.Mkdir(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, nil, 0o400))
		check(t, os.Symlink("sub/../sub/file", link))
		modified := func(name string) time.Time {
			info, err := os.Lstat(name)
			check(t, err)
			return info.ModTime()
		}
		wantErrno(t, "a file", g.setTimes(dir, 0, "sub/file", 1e9, 2e9+5, fstAtim|fstMtim), errnoSuccess)
		equal(t, "modified", modified(file), time.Unix(2, 5))
		wantErrno(t, "through a link", g.setTimes(dir, lookupFollow, "link", 3e9, 4e9, fstMtim), errnoSuccess)
		equal(t, "modified", modified(file), time.Unix(4, 0))
		wantErrno(t, "a link", g.setTimes(dir, 0, "link", 3e9, 5e9, fstMtim), errnoSuccess)
		equal(t, "modified", modified(link), time.Unix(5, 0))
		equal(t, "modified", modified(file), time.Unix(4, 0))
		wantErrno(t, "only accessed", g.setTimes(dir, 0, "sub/file", 0, 0, fstAtimNow), errnoSuccess)
		equal(t, "modified", modified(file), time.Unix(4, 0))
		stat, errno := g.stat(dir, 0, "sub/file")
		if errno != errnoSuccess || time.Since(time.Unix(0, int64(stat.access))) > time.Hour {
			t.Errorf("accessed: %+v, errno %d", stat, errno)
		}
		wantErrno(t, "now", g.setTimes(dir, 0, "sub/file", 0, 0, fstMtimNow), errnoSuccess)
		if time.Since(modified(file)) > time.Hour {
			t.Error(modified(file))
		}
		wantErrno(t, "a directory", g.setTimes(dir, 0, "sub/", 0, 6e9, fstMtim), errnoSuccess)
		equal(t, "modified", modified(filepath.Dir(file)), time.Unix(6, 0))
		wantErrno(t, "both", g.setTimes(dir, 0, "sub", 0, 0, fstMtim|fstMtimNow), errnoInval)
		wantErrno(t, "missing", g.setTimes(dir, 0, "missing", 0, 0, fstMtim), errnoNoent)
		check(t, os.Symlink("../..", filepath.Join(path, "out")))
		wantErrno(t, "outside", g.setTimes(dir, lookupFollow, "out", 0, 0, fstMtim), errnoPerm)
	})
}

func TestDirCreateAndRemove(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		check(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o644))
		check(t, os.Symlink("d", filepath.Join(path, "link")))
		for _, c := range []struct {
			name  string
			errno wasiErrno
			wants wasiErrno
		}{
			{"mkdir", g.mkdir(dir, "d"), errnoSuccess},
			{"mkdir again", g.mkdir(dir, "d"), errnoExist},
			{"mkdir with a slash", g.mkdir(dir, "d/e/"), errnoSuccess},
			{"mkdir over a file", g.mkdir(dir, "file"), errnoExist},
			{"mkdir below nothing", g.mkdir(dir, "x/y"), errnoNoent},
			{"mkdir below a file", g.mkdir(dir, "file/y"), errnoNotdir},
			{"mkdir of nothing", g.mkdir(dir, ""), errnoNoent},
			{"mkdir through a link", g.mkdir(dir, "link/f"), errnoSuccess},
			{"rmdir of a full one", g.rmdir(dir, "d"), errnoNotempty},
			{"rmdir", g.rmdir(dir, "d/f"), errnoSuccess},
			{"rmdir with slashes", g.rmdir(dir, "d/e//"), errnoSuccess},
			{"rmdir again", g.rmdir(dir, "d/e"), errnoNoent},
			{"rmdir of a file", g.rmdir(dir, "file"), errnoNotdir},
			{"rmdir of a file with a slash", g.rmdir(dir, "file/"), errnoNotdir},
			{"rmdir of a link", g.rmdir(dir, "link"), errnoNotdir},
			{"rmdir of itself", g.rmdir(dir, "."), errnoInval},
			{"unlink of a directory", g.unlink(dir, "d"), errnoIsdir},
			{"unlink of a directory with a slash", g.unlink(dir, "d/"), errnoIsdir},
			{"unlink of a file with a slash", g.unlink(dir, "file/"), errnoNotdir},
			{"unlink", g.unlink(dir, "file"), errnoSuccess},
			{"unlink again", g.unlink(dir, "file"), errnoNoent},
			{"unlink of a link", g.unlink(dir, "link"), errnoSuccess},
			{"rmdir of the last", g.rmdir(dir, "d"), errnoSuccess},
		} {
			wantErrno(t, c.name, c.errno, c.wants)
		}
		if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
			t.Error(entries, err)
		}
		// A directory that is removed while it is open.
		wantErrno(t, "mkdir", g.mkdir(dir, "open"), errnoSuccess)
		fd, errno := g.pathOpen(dir, 0, "open", oflagDirectory, rightReaddir, 0)
		wantErrno(t, "open", errno, errnoSuccess)
		wantErrno(t, "rmdir", g.rmdir(dir, "open"), errnoSuccess)
		_, errno = g.open(fd, "x", oflagCreate)
		wantErrno(t, "create in what is gone", errno, errnoNoent)
	})
}

func TestDirRenameAndLink(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		other := tempDir(t)
		check(t, g.store.InsertDir(20, openDir(t, other), "", READ_WRITE))
		for _, name := range []string{"a", "b", "c"} {
			check(t, os.WriteFile(host(name), []byte(name), 0o644))
		}
		check(t, os.MkdirAll(host("d/e"), 0o755))
		check(t, os.Mkdir(host("empty"), 0o755))
		check(t, os.Symlink("a", host("link")))
		for _, c := range []struct {
			name  string
			errno wasiErrno
			wants wasiErrno
		}{
			{"rename", g.rename(dir, "a", dir, "a2"), errnoSuccess},
			{"rename over another", g.rename(dir, "a2", dir, "b"), errnoSuccess},
			{"rename what is gone", g.rename(dir, "a2", dir, "b"), errnoNoent},
			{"rename into a directory", g.rename(dir, "b", dir, "d/e/f"), errnoSuccess},
			{"rename a file over a directory", g.rename(dir, "c", dir, "d"), errnoIsdir},
			{"rename a directory over a file", g.rename(dir, "d", dir, "c"), errnoNotdir},
			{"rename a directory over a full one", g.rename(dir, "empty", dir, "d"), errnoNotempty},
			{"rename a directory over an empty one", g.rename(dir, "d/e", dir, "empty/"), errnoSuccess},
			{"rename a directory below itself", g.rename(dir, "empty", dir, "empty/x"), errnoInval},
			{"rename a file with a slash", g.rename(dir, "c/", dir, "c2"), errnoNotdir},
			{"rename a file to a slash", g.rename(dir, "c", dir, "c2/"), errnoNotdir},
			{"rename a directory to a slash", g.rename(dir, "d", dir, "d2/"), errnoSuccess},
			{"rename a link", g.rename(dir, "link", dir, "link2"), errnoSuccess},
			{"rename to another descriptor", g.rename(dir, "c", 20, "c"), errnoSuccess},
			{"rename from another descriptor", g.rename(20, "c", dir, "d2/c"), errnoSuccess},
			{"rename to what is no directory", g.rename(dir, "d2", 0, "c"), errnoNotdir},
			{"rename to what is not open", g.rename(dir, "d2", 77, "c"), errnoBadf},

			{"link", g.link(dir, 0, "d2/c", dir, "c"), errnoSuccess},
			{"link to another descriptor", g.link(dir, 0, "c", 20, "c"), errnoSuccess},
			{"link over another", g.link(dir, 0, "c", dir, "d2/c"), errnoExist},
			{"link a directory", g.link(dir, 0, "d2", dir, "d3"), errnoPerm},
			{"link what is missing", g.link(dir, 0, "missing", dir, "d3"), errnoNoent},
			{"link a link", g.link(dir, 0, "link2", dir, "link3"), errnoSuccess},
			{"link what a link leads to", g.link(dir, lookupFollow, "link2", dir, "x"), errnoInval},
			{"link outside", g.link(dir, 0, "c", dir, "../c"), errnoPerm},
		} {
			wantErrno(t, c.name, c.errno, c.wants)
		}
		if b, err := os.ReadFile(host("empty/f")); err != nil || string(b) != "a" {
			t.Errorf("%q, %v", b, err)
		}
		stat, errno := g.stat(20, 0, "c")
		want(t, "links", stat.links, errno, 3)
		if s, err := os.Readlink(host("link3")); err != nil || s != "a" {
			t.Error(s, err)
		}
	})
}

func TestDirSymlink(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		check(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o644))
		wantErrno(t, "symlink", g.symlink("sub/target", dir, "link"), errnoSuccess)
		if s, err := os.Readlink(filepath.Join(path, "link")); err != nil || s != "sub/target" {
			t.Error(s, err)
		}
		s, errno := g.readlink(dir, "link", 100)
		want(t, "readlink", s, errno, "sub/target")
		s, errno = g.readlink(dir, "./link", 4)
		want(t, "readlink into a short buffer", s, errno, "sub/")
		s, errno = g.readlink(dir, "link", 0)
		want(t, "readlink into none", s, errno, "")
		wantErrno(t, "symlink again", g.symlink("x", dir, "link"), errnoExist)
		wantErrno(t, "symlink over a file", g.symlink("x", dir, "file"), errnoExist)
		wantErrno(t, "symlink to nothing", g.symlink("", dir, "empty"), errnoNoent)
		wantErrno(t, "symlink with a slash", g.symlink("x", dir, "new/"), errnoNoent)
		wantErrno(t, "symlink to an absolute path", g.symlink("/etc/passwd", dir, "abs"), errnoPerm)
		wantErrno(t, "symlink outside", g.symlink("x", dir, "../x"), errnoPerm)
		wantErrno(t, "symlink that leads out", g.symlink("../../x", dir, "out"), errnoSuccess)
		_, errno = g.pathOpen(dir, lookupFollow, "out", 0, rightRead, 0)
		wantErrno(t, "follow it", errno, errnoPerm)
		_, errno = g.readlink(dir, "file", 100)
		wantErrno(t, "readlink of a file", errno, errnoInval)
		_, errno = g.readlink(dir, "missing", 100)
		wantErrno(t, "readlink of nothing", errno, errnoNoent)
		check(t, os.Symlink("/etc/passwd", filepath.Join(path, "host")))
		_, errno = g.readlink(dir, "host", 100)
		wantErrno(t, "readlink of an absolute link", errno, errnoPerm)
	})
}

// Below a directory that can only be read nothing is changed, whatever the call.
func TestDirReadOnly(t *testing.T) {
	withDir(t, READ_ONLY, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		check(t, os.Mkdir(filepath.Join(path, "sub"), 0o755))
		for _, name := range []string{"file", "sub/file"} {
			check(t, os.WriteFile(filepath.Join(path, name), []byte("content"), 0o644))
		}
		check(t, os.Symlink("file", filepath.Join(path, "link")))
		writable := tempDir(t)
		check(t, os.WriteFile(filepath.Join(writable, "file"), nil, 0o644))
		check(t, g.store.InsertDir(20, openDir(t, writable), "", READ_WRITE))
		before := snapshot(t, path)
		sub, errno := g.pathOpen(dir, 0, "sub", oflagDirectory, rightReaddir, 0)
		wantErrno(t, "open", errno, errnoSuccess)
		for _, fd := range []uint32{dir, sub} {
			open := func(path string, oflags int, rights int64) wasiErrno {
				_, errno := g.pathOpen(fd, lookupFollow, path, oflags, rights, 0)
				return errno
			}
			for name, errno := range map[string]wasiErrno{
				"open to write":          open("file", 0, rightWrite),
				"open to read and write": open("file", 0, rightRead|rightWrite),
				"cut":                    open("file", oflagTrunc, rightRead),
				"create":                 open("new", oflagCreate, rightRead),
				"create what is there":   open("file", oflagCreate, rightRead),
				"mkdir":                  g.mkdir(fd, "new"),
				"rmdir":                  g.rmdir(fd, "sub"),
				"unlink":                 g.unlink(fd, "file"),
				"rename":                 g.rename(fd, "file", fd, "new"),
				"rename away":            g.rename(fd, "file", 20, "new"),
				"rename here":            g.rename(20, "file", fd, "new"),
				"link":                   g.link(fd, 0, "file", fd, "new"),
				"link away":              g.link(fd, 0, "file", 20, "new"),
				"link here":              g.link(20, 0, "file", fd, "new"),
				"symlink":                g.symlink("file", fd, "new"),
				"set times":              g.setTimes(fd, 0, "file", 0, 0, fstMtim),
				"set times of a link":    g.setTimes(fd, lookupFollow, "link", 0, 0, fstMtim),
				"set own times":          g.call("fd_filestat_set_times", int(fd), int64(0), int64(0), fstMtim),
			} {
				wantErrno(t, name, errno, errnoPerm)
			}
		}
		fd, errno := g.pathOpen(dir, 0, "file", 0, rightRead, fdflagAppend)
		wantErrno(t, "open to read", errno, errnoSuccess)
		_, errno = g.write(fd, "x")
		wantErrno(t, "write", errno, errnoBadf)
		_, errno = g.pwrite(fd, "x", 0)
		wantErrno(t, "pwrite", errno, errnoBadf)
		wantErrno(t, "set size", g.call("fd_filestat_set_size", int(fd), int64(0)), errnoInval)
		wantErrno(t, "set times", g.call("fd_filestat_set_times", int(fd), int64(0), int64(0), fstMtim), errnoPerm)
		wantErrno(t, "allocate", g.call("fd_allocate", int(fd), int64(0), int64(100)), errnoBadf)
		s, errno := g.readAll(fd)
		want(t, "read", s, errno, "content")
		s, errno = g.readlink(dir, "link", 100)
		want(t, "readlink", s, errno, "file")
		if after := snapshot(t, path); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// snapshot describes everything below a directory.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	check(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
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
