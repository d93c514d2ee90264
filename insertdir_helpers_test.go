package wasmtime_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
)

// More error numbers, file types and flags of WASI 0.1.
const (
	errnoExist       wasiErrno = 20
	errnoIlseq       wasiErrno = 25
	errnoIo          wasiErrno = 29
	errnoIsdir       wasiErrno = 31
	errnoLoop        wasiErrno = 32
	errnoNametoolong wasiErrno = 37
	errnoNotempty    wasiErrno = 55

	filetypeSymlink = 7

	oflagDirectory = 2
	oflagExclusive = 4

	fdflagSync = 16

	lookupFollow = 1

	fstAtim    = 1
	fstAtimNow = 2
	fstMtim    = 4
	fstMtimNow = 8

	rightReaddir = 1 << 14
)

// guestPath2 is where the wrapper guest keeps the second path of a call.
const guestPath2 = 1 << 14

// openDir opens a directory of the host for the duration of the test.
func openDir(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// withDir runs a test with every way to give a guest a directory. The guest has it as the descriptor fd.
func withDir(t *testing.T, mode WasiFileAccessMode, test func(t *testing.T, g *wasiGuest, fd uint32, dir string)) {
	t.Run("preopen", func(t *testing.T) {
		dir := tempDir(t)
		config := NewWasiConfig()
		if mode == READ_WRITE {
			check(t, config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
		} else {
			check(t, config.PreopenDir(dir, "/", DIR_READ, FILE_READ))
		}
		test(t, newWasiGuest(t, config), 3, dir)
	})
	t.Run("named", func(t *testing.T) {
		dir := tempDir(t)
		g := newWasiGuest(t, nil)
		check(t, g.store.InsertDir(9, openDir(t, dir), "/name", mode))
		test(t, g, 9, dir)
	})
	t.Run("nameless", func(t *testing.T) {
		dir := tempDir(t)
		g := newWasiGuest(t, nil)
		fd, err := g.store.PushDir(openDir(t, dir), "", mode)
		check(t, err)
		equal(t, "the number", fd, 3)
		test(t, g, fd, dir)
	})
	t.Run("below", func(t *testing.T) {
		dir := tempDir(t)
		check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
		g := newWasiGuest(t, nil)
		check(t, g.store.InsertFile(5, openDir(t, dir), mode))
		fd, errno := g.pathOpen(5, 0, "sub", oflagDirectory, rightReaddir, 0)
		want(t, "open sub", fd, errno, 3)
		test(t, g, fd, filepath.Join(dir, "sub"))
	})
}

func (g *wasiGuest) pathOpen(dir uint32, lookup int, path string, oflags int, rights int64, flags int) (uint32, wasiErrno) {
	g.putPath(path)
	errno := g.call("path_open", int(dir), lookup, guestPath, len(path), oflags, rights, int64(0), flags, guestResult)
	return g.result32(), errno
}

// onPath calls a function that takes a directory and a path.
func (g *wasiGuest) onPath(name string, dir uint32, path string) wasiErrno {
	g.putPath(path)
	return g.call(name, int(dir), guestPath, len(path))
}

func (g *wasiGuest) mkdir(dir uint32, path string) wasiErrno {
	return g.onPath("path_create_directory", dir, path)
}

func (g *wasiGuest) rmdir(dir uint32, path string) wasiErrno {
	return g.onPath("path_remove_directory", dir, path)
}

func (g *wasiGuest) unlink(dir uint32, path string) wasiErrno {
	return g.onPath("path_unlink_file", dir, path)
}

func (g *wasiGuest) twoPaths(a, b string) {
	g.mem.Write(guestPath, []byte(a))
	g.mem.Write(guestPath2, []byte(b))
}

func (g *wasiGuest) rename(dir uint32, path string, toDir uint32, to string) wasiErrno {
	g.twoPaths(path, to)
	return g.call("path_rename", int(dir), guestPath, len(path), int(toDir), guestPath2, len(to))
}

func (g *wasiGuest) link(dir uint32, lookup int, path string, toDir uint32, to string) wasiErrno {
	g.twoPaths(path, to)
	return g.call("path_link", int(dir), lookup, guestPath, len(path), int(toDir), guestPath2, len(to))
}

func (g *wasiGuest) symlink(target string, dir uint32, path string) wasiErrno {
	g.twoPaths(target, path)
	return g.call("path_symlink", guestPath, len(target), int(dir), guestPath2, len(path))
}

func (g *wasiGuest) readlink(dir uint32, path string, room int) (string, wasiErrno) {
	g.putPath(path)
	return g.transferred(g.call("path_readlink", int(dir), guestPath, len(path), guestBuffer, room, guestResult))
}

func (g *wasiGuest) stat(dir uint32, lookup int, path string) (guestFilestat, wasiErrno) {
	g.putPath(path)
	errno := g.call("path_filestat_get", int(dir), lookup, guestPath, len(path), guestResult)
	b := make([]byte, 64)
	g.mem.Read(guestResult, b)
	u := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	return guestFilestat{u(0), u(8), b[16], u(24), u(32), u(40), u(48), u(56)}, errno
}

func (g *wasiGuest) setTimes(dir uint32, lookup int, path string, atim, mtim int64, flags int) wasiErrno {
	g.putPath(path)
	return g.call("path_filestat_set_times", int(dir), lookup, guestPath, len(path), atim, mtim, flags)
}

// guestEntry is what fd_readdir tells of one entry.
type guestEntry struct {
	name     string
	next     uint64
	inode    uint64
	filetype byte
}

// entries calls fd_readdir once and returns the entries that fit, and whether the listing is at its end.
func (g *wasiGuest) entries(fd uint32, cookie uint64, room int) (all []guestEntry, end bool) {
	g.t.Helper()
	wantErrno(g.t, "readdir", g.call("fd_readdir", int(fd), guestBuffer, room, int64(cookie), guestResult), errnoSuccess)
	b := make([]byte, g.result32())
	g.mem.Read(guestBuffer, b)
	end = len(b) < room
	for len(b) >= 24 {
		n := int(binary.LittleEndian.Uint32(b[16:]))
		if len(b) < 24+n {
			break
		}
		all = append(all, guestEntry{string(b[24 : 24+n]), binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), b[20]})
		b = b[24+n:]
	}
	return all, end
}

// preopens asks for the names of preopened directories as C libraries do.
func (g *wasiGuest) preopens() string {
	var names []string
	for fd := 3; ; fd++ {
		if g.call("fd_prestat_get", fd, guestResult) != errnoSuccess {
			return strings.Join(names, " ")
		}
		n, _ := g.mem.Uint32(guestResult + 4)
		wantErrno(g.t, "dir name", g.call("fd_prestat_dir_name", fd, guestBuffer, int(n)), errnoSuccess)
		name, _ := g.mem.String(guestBuffer, uint64(n))
		names = append(names, name)
	}
}

// canSymlink tells whether this process can make symbolic links: Windows wants a privilege for it, and Wine cannot.
var canSymlink = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	link := filepath.Join(dir, "link")
	if os.Symlink("target", link) != nil {
		return false
	}
	_, err = os.Readlink(link) // Wine 8 says that it has made one
	return err == nil
})

// needSymlinks skips a test that is about symbolic links.
func needSymlinks(t testing.TB) {
	t.Helper()
	if !canSymlink() {
		t.Skip("no symbolic links can be made")
	}
}

// errnoOf is the error number of a call that has a result as well.
func errnoOf[T any](_ T, errno wasiErrno) wasiErrno { return errno }
