package dirs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// What Windows does otherwise than Unix, and a guest is not to notice.
func TestDirOnWindows(t *testing.T) {
	withDir(t, READ_WRITE, func(t *testing.T, g *WasiGuest, dir uint32, path string) {
		host := func(name string) string { return filepath.Join(path, name) }
		Check(t, os.WriteFile(host("old"), []byte("old content"), 0o644))
		Check(t, os.MkdirAll(host("sub/deep"), 0o755))
		Check(t, os.Mkdir(host("empty"), 0o755))
		const both = RightRead | RightWrite
		for _, c := range []struct {
			name   string
			path   string
			oflags int
			rights int64
			errno  Errno
		}{
			{"a file", "old", 0, both, ErrnoSuccess},
			{"by detours", "./sub/..//sub/../old", 0, both, ErrnoSuccess},
			{"a missing file", "missing", 0, both, ErrnoNoent},
			{"a file as a directory", "old", OflagDirectory, RightRead, ErrnoNotdir},
			{"a file with a slash", "old/", 0, RightRead, ErrnoNotdir},
			{"a directory", "sub", OflagDirectory, RightRead, ErrnoSuccess},
			{"a directory without saying so", "sub", 0, RightRead, ErrnoSuccess},
			{"a directory to write", "sub", 0, both, ErrnoIsdir},
			{"a file anew", "old", OflagCreate | OflagExclusive, both, ErrnoExist},
			{"outside", "../x", OflagCreate, both, ErrnoPerm},
			{"outside by backslashes", `..\x`, OflagCreate, both, ErrnoPerm},
			{"a drive", `C:\windows\win.ini`, 0, RightRead, ErrnoPerm},
			{"a share", `\\localhost\c$`, 0, RightRead, ErrnoPerm},
			{"a device", "NUL", 0, RightRead, ErrnoNoent},
			{"a device with an extension", "con.txt", OflagCreate, both, ErrnoNoent},
			{"a drive below", "./C:/windows/win.ini", 0, RightRead, ErrnoNoent},
			{"a drive's own directory", "sub/../C:", OflagDirectory, RightRead, ErrnoNoent},
			{"a drive after backslashes", `sub\Z:\etc\hosts`, 0, RightRead, ErrnoNoent},
			{"a stream of a file", "old:hidden", OflagCreate, both, ErrnoNoent},
			{"a name that is shortened", "old.", 0, both, ErrnoNoent},
		} {
			fd, errno := g.PathOpen(dir, 0, c.path, c.oflags, c.rights, 0)
			WantErrno(t, c.name, errno, c.errno)
			if errno == ErrnoSuccess {
				g.Close(fd)
			}
		}

		// Nothing else gets there either.
		for _, drive := range []string{"./C:/", "sub/C:", `sub\..\C:\`} {
			_, errno := g.Stat(dir, 0, drive+"windows")
			WantErrno(t, drive+": stat", errno, ErrnoNoent)
			WantErrno(t, drive+": mkdir", g.Mkdir(dir, drive+"made-by-a-guest"), ErrnoNoent)
			WantErrno(t, drive+": rmdir", g.Rmdir(dir, drive+"windows"), ErrnoNoent)
			WantErrno(t, drive+": unlink", g.Unlink(dir, drive+"windows/win.ini"), ErrnoNoent)
			WantErrno(t, drive+": rename", g.Rename(dir, "old", dir, drive+"old"), ErrnoNoent)
			WantErrno(t, drive+": link", g.Link(dir, 0, drive+"windows/win.ini", dir, "stolen"), ErrnoNoent)
			WantErrno(t, drive+": symlink", g.Symlink("old", dir, drive+"link"), ErrnoNoent)
			WantErrno(t, drive+": a symlink there", g.Symlink(drive+"windows", dir, "way"), ErrnoNoent)
			WantErrno(t, drive+": set times", g.SetTimes(dir, 0, drive+"windows", 5e9, 7e9, 1|4), ErrnoNoent)
			_, errno = g.Readlink(dir, drive+"windows", 100)
			WantErrno(t, drive+": readlink", errno, ErrnoNoent)
		}
		WantErrno(t, "a symlink to a drive's directory", g.Symlink("C:windows", dir, "way"), ErrnoPerm)

		// An open file can be removed, and is used to its end.
		fd, errno := g.PathOpen(dir, 0, "old", 0, both, 0)
		WantErrno(t, "open", errno, ErrnoSuccess)
		WantErrno(t, "remove what is open", g.Unlink(dir, "old"), ErrnoSuccess)
		s, errno := g.Read(fd, 100)
		Want(t, "read what was removed", s, errno, "old content")
		g.Close(fd)
		_, errno = g.Stat(dir, 0, "old")
		WantErrno(t, "what was removed", errno, ErrnoNoent)

		fd, errno = g.PathOpen(dir, 0, "new", OflagCreate|OflagExclusive, both, 0)
		WantErrno(t, "create", errno, ErrnoSuccess)
		g.Write(fd, "text")
		g.Close(fd)
		stat, errno := g.Stat(dir, 0, "new")
		Want(t, "size", stat.Size, errno, 4)
		Want(t, "type", stat.Filetype, errno, FiletypeRegular)
		WantErrno(t, "a second name", g.Link(dir, 0, "new", dir, "again"), ErrnoSuccess)
		stat, errno = g.Stat(dir, 0, "again")
		Want(t, "names", stat.Links, errno, 2)
		WantErrno(t, "rename over itself", g.Rename(dir, "new", dir, "again"), ErrnoSuccess)
		Check(t, os.WriteFile(host("other"), nil, 0o644))
		WantErrno(t, "rename over a file", g.Rename(dir, "other", dir, "new"), ErrnoSuccess)
		WantErrno(t, "a file over a directory", g.Rename(dir, "again", dir, "empty"), ErrnoIsdir)
		WantErrno(t, "a directory over a file", g.Rename(dir, "empty", dir, "again"), ErrnoNotdir)
		WantErrno(t, "a directory over a full one", g.Rename(dir, "empty", dir, "sub"), ErrnoNotempty)
		WantErrno(t, "a directory over an empty one", g.Rename(dir, "sub/deep", dir, "empty"), ErrnoSuccess)
		WantErrno(t, "remove a directory as a file", g.Unlink(dir, "sub"), ErrnoIsdir)
		WantErrno(t, "remove a file as a directory", g.Rmdir(dir, "again"), ErrnoNotdir)
		// As long as the guest has a directory open it cannot be moved; what was to make room for it is still there.
		Check(t, os.Mkdir(host("room"), 0o755))
		held, errno := g.PathOpen(dir, 0, "sub", OflagDirectory, RightRead, 0)
		WantErrno(t, "hold a directory", errno, ErrnoSuccess)
		if errno := g.Rename(dir, "sub", dir, "room"); errno == ErrnoSuccess {
			t.Error("a directory was moved that the guest has open")
		}
		_, errno = g.Stat(dir, 0, "room")
		WantErrno(t, "the one that was to be replaced", errno, ErrnoSuccess)
		g.Close(held)
		WantErrno(t, "remove it", g.Rmdir(dir, "room"), ErrnoSuccess)
		WantErrno(t, "remove a directory", g.Rmdir(dir, "sub"), ErrnoSuccess)
		WantErrno(t, "make what there is", g.Mkdir(dir, "empty"), ErrnoExist)
		WantErrno(t, "make outside", g.Mkdir(dir, `..\made`), ErrnoPerm)

		const set = 1 | 4
		WantErrno(t, "set times", g.SetTimes(dir, 0, "empty", 5e9, 7e9, set), ErrnoSuccess)
		stat, errno = g.Stat(dir, 0, "empty")
		Want(t, "the time", stat.Mod, errno, 7e9)

		entries, _ := g.Entries(dir, 0, 4096)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
			stat, errno := g.Stat(dir, 0, e.Name)
			if e.Name == ".." {
				continue
			}
			Want(t, e.Name+" has its inode", e.Inode, errno, stat.Inode)
			Want(t, e.Name+" has its type", e.Filetype, errno, stat.Filetype)
		}
		Equal(t, "entries", strings.Join(names, " "), ". .. again empty new")
	})
}
