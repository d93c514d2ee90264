package wasmtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// What Windows does otherwise than Unix, and a guest is not to notice.
func TestDirOnWindows(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *wasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		check(t, os.WriteFile(host("old"), []byte("old content"), 0o644))
		check(t, os.MkdirAll(host("sub/deep"), 0o755))
		check(t, os.Mkdir(host("empty"), 0o755))
		const both = rightRead | rightWrite
		for _, c := range []struct {
			name   string
			path   string
			oflags int
			rights int64
			errno  wasiErrno
		}{
			{"a file", "old", 0, both, errnoSuccess},
			{"by detours", "./sub/..//sub/../old", 0, both, errnoSuccess},
			{"a missing file", "missing", 0, both, errnoNoent},
			{"a file as a directory", "old", oflagDirectory, rightRead, errnoNotdir},
			{"a file with a slash", "old/", 0, rightRead, errnoNotdir},
			{"a directory", "sub", oflagDirectory, rightRead, errnoSuccess},
			{"a directory without saying so", "sub", 0, rightRead, errnoSuccess},
			{"a directory to write", "sub", 0, both, errnoIsdir},
			{"a file anew", "old", oflagCreate | oflagExclusive, both, errnoExist},
			{"outside", "../x", oflagCreate, both, errnoPerm},
			{"outside by backslashes", `..\x`, oflagCreate, both, errnoPerm},
			{"a drive", `C:\windows\win.ini`, 0, rightRead, errnoPerm},
			{"a share", `\\localhost\c$`, 0, rightRead, errnoPerm},
			{"a device", "NUL", 0, rightRead, errnoNoent},
			{"a device with an extension", "con.txt", oflagCreate, both, errnoNoent},
			{"a drive below", "./C:/windows/win.ini", 0, rightRead, errnoNoent},
			{"a drive's own directory", "sub/../C:", oflagDirectory, rightRead, errnoNoent},
			{"a drive after backslashes", `sub\Z:\etc\hosts`, 0, rightRead, errnoNoent},
			{"a stream of a file", "old:hidden", oflagCreate, both, errnoNoent},
			{"a name that is shortened", "old.", 0, both, errnoNoent},
		} {
			fd, errno := g.pathOpen(dir, 0, c.path, c.oflags, c.rights, 0)
			wantErrno(t, c.name, errno, c.errno)
			if errno == errnoSuccess {
				g.close(fd)
			}
		}

		// Nothing else gets there either.
		for _, drive := range []string{"./C:/", "sub/C:", `sub\..\C:\`} {
			_, errno := g.stat(dir, 0, drive+"windows")
			wantErrno(t, drive+": stat", errno, errnoNoent)
			wantErrno(t, drive+": mkdir", g.mkdir(dir, drive+"made-by-a-guest"), errnoNoent)
			wantErrno(t, drive+": rmdir", g.rmdir(dir, drive+"windows"), errnoNoent)
			wantErrno(t, drive+": unlink", g.unlink(dir, drive+"windows/win.ini"), errnoNoent)
			wantErrno(t, drive+": rename", g.rename(dir, "old", dir, drive+"old"), errnoNoent)
			wantErrno(t, drive+": link", g.link(dir, 0, drive+"windows/win.ini", dir, "stolen"), errnoNoent)
			wantErrno(t, drive+": symlink", g.symlink("old", dir, drive+"link"), errnoNoent)
			wantErrno(t, drive+": a symlink there", g.symlink(drive+"windows", dir, "way"), errnoNoent)
			wantErrno(t, drive+": set times", g.setTimes(dir, 0, drive+"windows", 5e9, 7e9, 1|4), errnoNoent)
			_, errno = g.readlink(dir, drive+"windows", 100)
			wantErrno(t, drive+": readlink", errno, errnoNoent)
		}
		wantErrno(t, "a symlink to a drive's directory", g.symlink("C:windows", dir, "way"), errnoPerm)

		// An open file can be removed, and is used to its end.
		fd, errno := g.pathOpen(dir, 0, "old", 0, both, 0)
		wantErrno(t, "open", errno, errnoSuccess)
		wantErrno(t, "remove what is open", g.unlink(dir, "old"), errnoSuccess)
		s, errno := g.read(fd, 100)
		want(t, "read what was removed", s, errno, "old content")
		g.close(fd)
		_, errno = g.stat(dir, 0, "old")
		wantErrno(t, "what was removed", errno, errnoNoent)

		fd, errno = g.pathOpen(dir, 0, "new", oflagCreate|oflagExclusive, both, 0)
		wantErrno(t, "create", errno, errnoSuccess)
		g.write(fd, "text")
		g.close(fd)
		stat, errno := g.stat(dir, 0, "new")
		want(t, "size", stat.size, errno, 4)
		want(t, "type", stat.filetype, errno, filetypeRegular)
		wantErrno(t, "a second name", g.link(dir, 0, "new", dir, "again"), errnoSuccess)
		stat, errno = g.stat(dir, 0, "again")
		want(t, "names", stat.links, errno, 2)
		wantErrno(t, "rename over itself", g.rename(dir, "new", dir, "again"), errnoSuccess)
		check(t, os.WriteFile(host("other"), nil, 0o644))
		wantErrno(t, "rename over a file", g.rename(dir, "other", dir, "new"), errnoSuccess)
		wantErrno(t, "a file over a directory", g.rename(dir, "again", dir, "empty"), errnoIsdir)
		wantErrno(t, "a directory over a file", g.rename(dir, "empty", dir, "again"), errnoNotdir)
		wantErrno(t, "a directory over a full one", g.rename(dir, "empty", dir, "sub"), errnoNotempty)
		wantErrno(t, "a directory over an empty one", g.rename(dir, "sub/deep", dir, "empty"), errnoSuccess)
		wantErrno(t, "remove a directory as a file", g.unlink(dir, "sub"), errnoIsdir)
		wantErrno(t, "remove a file as a directory", g.rmdir(dir, "again"), errnoNotdir)
		// As long as the guest has a directory open it cannot be moved; what was to make room for it is still there.
		check(t, os.Mkdir(host("room"), 0o755))
		held, errno := g.pathOpen(dir, 0, "sub", oflagDirectory, rightRead, 0)
		wantErrno(t, "hold a directory", errno, errnoSuccess)
		if errno := g.rename(dir, "sub", dir, "room"); errno == errnoSuccess {
			t.Error("a directory was moved that the guest has open")
		}
		_, errno = g.stat(dir, 0, "room")
		wantErrno(t, "the one that was to be replaced", errno, errnoSuccess)
		g.close(held)
		wantErrno(t, "remove it", g.rmdir(dir, "room"), errnoSuccess)
		wantErrno(t, "remove a directory", g.rmdir(dir, "sub"), errnoSuccess)
		wantErrno(t, "make what there is", g.mkdir(dir, "empty"), errnoExist)
		wantErrno(t, "make outside", g.mkdir(dir, `..\made`), errnoPerm)

		const set = 1 | 4
		wantErrno(t, "set times", g.setTimes(dir, 0, "empty", 5e9, 7e9, set), errnoSuccess)
		stat, errno = g.stat(dir, 0, "empty")
		want(t, "the time", stat.mod, errno, 7e9)

		entries, _ := g.entries(dir, 0, 4096)
		var names []string
		for _, e := range entries {
			names = append(names, e.name)
			stat, errno := g.stat(dir, 0, e.name)
			if e.name == ".." {
				continue
			}
			want(t, e.name+" has its inode", e.inode, errno, stat.inode)
			want(t, e.name+" has its type", e.filetype, errno, stat.filetype)
		}
		equal(t, "entries", strings.Join(names, " "), ". .. again empty new")
	})
}
