package testkit

import (
	"encoding/binary"
	"strings"
)

// PathOpen is path_open with everything that it takes but inherited rights.
func (g *WasiGuest) PathOpen(dir uint32, lookup int, path string, oflags int, rights int64, flags int) (uint32, Errno) {
	g.PutPath(path)
	errno := g.Call("path_open", int(dir), lookup, GuestPath, len(path), oflags, rights, int64(0), flags, GuestResult)
	return g.Result32(), errno
}

// onPath calls a function that takes a directory and a path.
func (g *WasiGuest) onPath(name string, dir uint32, path string) Errno {
	g.PutPath(path)
	return g.Call(name, int(dir), GuestPath, len(path))
}

// Mkdir is path_create_directory.
func (g *WasiGuest) Mkdir(dir uint32, path string) Errno {
	return g.onPath("path_create_directory", dir, path)
}

// Rmdir is path_remove_directory.
func (g *WasiGuest) Rmdir(dir uint32, path string) Errno {
	return g.onPath("path_remove_directory", dir, path)
}

// Unlink is path_unlink_file.
func (g *WasiGuest) Unlink(dir uint32, path string) Errno {
	return g.onPath("path_unlink_file", dir, path)
}

// twoPaths writes the paths of a call that takes two.
func (g *WasiGuest) twoPaths(a, b string) {
	g.Mem.Write(GuestPath, []byte(a))
	g.Mem.Write(GuestPath2, []byte(b))
}

// Rename is path_rename.
func (g *WasiGuest) Rename(dir uint32, path string, toDir uint32, to string) Errno {
	g.twoPaths(path, to)
	return g.Call("path_rename", int(dir), GuestPath, len(path), int(toDir), GuestPath2, len(to))
}

// Link is path_link: to becomes another name of path.
func (g *WasiGuest) Link(dir uint32, lookup int, path string, toDir uint32, to string) Errno {
	g.twoPaths(path, to)
	return g.Call("path_link", int(dir), lookup, GuestPath, len(path), int(toDir), GuestPath2, len(to))
}

// Symlink is path_symlink: path becomes a link to target.
func (g *WasiGuest) Symlink(target string, dir uint32, path string) Errno {
	g.twoPaths(target, path)
	return g.Call("path_symlink", GuestPath, len(target), int(dir), GuestPath2, len(path))
}

// Readlink is path_readlink, into a buffer of room bytes.
func (g *WasiGuest) Readlink(dir uint32, path string, room int) (string, Errno) {
	g.PutPath(path)
	return g.Transferred(g.Call("path_readlink", int(dir), GuestPath, len(path), GuestBuffer, room, GuestResult))
}

// Stat is path_filestat_get.
func (g *WasiGuest) Stat(dir uint32, lookup int, path string) (Filestat, Errno) {
	g.PutPath(path)
	errno := g.Call("path_filestat_get", int(dir), lookup, GuestPath, len(path), GuestResult)
	return g.filestat(), errno
}

// SetTimes is path_filestat_set_times, with times in nanoseconds.
func (g *WasiGuest) SetTimes(dir uint32, lookup int, path string, atim, mtim int64, flags int) Errno {
	g.PutPath(path)
	return g.Call("path_filestat_set_times", int(dir), lookup, GuestPath, len(path), atim, mtim, flags)
}

// DirEntry is what fd_readdir tells of one entry.
type DirEntry struct {
	Name     string
	Next     uint64
	Inode    uint64
	Filetype byte
}

// Entries is fd_readdir, into a buffer of room bytes. It returns the entries that fit, and whether the listing is at
// its end.
func (g *WasiGuest) Entries(fd uint32, cookie uint64, room int) (all []DirEntry, end bool) {
	g.TB.Helper()
	WantErrno(g.TB, "readdir", g.Call("fd_readdir", int(fd), GuestBuffer, room, int64(cookie), GuestResult), ErrnoSuccess)
	b := make([]byte, g.Result32())
	g.Mem.Read(GuestBuffer, b)
	end = len(b) < room
	for len(b) >= 24 {
		n := int(binary.LittleEndian.Uint32(b[16:]))
		if len(b) < 24+n {
			break
		}
		all = append(all, DirEntry{string(b[24 : 24+n]), binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), b[20]})
		b = b[24+n:]
	}
	return all, end
}

// Preopens asks for the names of preopened directories as C libraries do, and returns them with spaces in between.
func (g *WasiGuest) Preopens() string {
	var names []string
	for fd := 3; ; fd++ {
		if g.Call("fd_prestat_get", fd, GuestResult) != ErrnoSuccess {
			return strings.Join(names, " ")
		}
		n, _ := g.Mem.Uint32(GuestResult + 4)
		WantErrno(g.TB, "dir name", g.Call("fd_prestat_dir_name", fd, GuestBuffer, int(n)), ErrnoSuccess)
		name, _ := g.Mem.String(GuestBuffer, uint64(n))
		names = append(names, name)
	}
}
