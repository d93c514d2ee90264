package filesystems_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// flatFS is a file system with one directory, of so many entries.
type flatFS struct {
	fstest.MapFS
	entries []fs.DirEntry
}

func (f flatFS) ReadDir(string) ([]fs.DirEntry, error) { return f.entries, nil }

// newFlatFS makes one whose names all have the same length, and says how many bytes a listing of it counts.
func newFlatFS(entries, length int) (fsys flatFS, bytes int) {
	info := func(name string) fs.FileInfo {
		stat, err := fs.Stat(fstest.MapFS{name: {}}, name)
		if err != nil {
			panic(err)
		}
		return stat
	}
	fsys = flatFS{MapFS: fstest.MapFS{}}
	for i := range entries {
		number := fmt.Sprintf("%06d", i)
		name := number + strings.Repeat("x", length-len(number))
		fsys.entries = append(fsys.entries, fs.FileInfoToDirEntry(info(name)))
	}
	return fsys, entries*(32+length) + len(".") + len("..") + 2*32
}

// openAgain opens the directory behind a descriptor so many times.
func openAgain(g *WasiGuest, dir uint32, times int) (fds []uint32) {
	g.TB.Helper()
	for range times {
		fd, errno := g.PathOpen(dir, 0, ".", OflagDirectory, RightReaddir, 0)
		WantErrno(g.TB, "path_open", errno, ErrnoSuccess)
		fds = append(fds, fd)
	}
	return fds
}

// list reads the first entries of a directory.
func list(g *WasiGuest, fd uint32) Errno {
	return g.Call("fd_readdir", int(fd), GuestBuffer, 1000, int64(0), GuestResult)
}

// listed lists directories, and counts those that can be.
func listed(g *WasiGuest, fds []uint32) (n int) {
	g.TB.Helper()
	for _, fd := range fds {
		switch errno := list(g, fd); errno {
		case ErrnoSuccess:
			n++
		case ErrnoNomem:
		default:
			g.TB.Errorf("fd_readdir: errno %d", errno)
		}
	}
	return n
}

// All listings of a store together take what one call may take, whatever file systems they are of, and give it back
// with their descriptors.
func TestFSHostcallFuelOfListings(t *testing.T) {
	for name, newGuest := range map[string]func() *WasiGuest{
		"called in place":       func() *WasiGuest { return NewWasiGuest(t, nil) },
		"called by a goroutine": func() *WasiGuest { g := NewCancellableGuest(t); g.Ctx = t.Context(); return g },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest()
			var fds []uint32
			fsys, bytes := newFlatFS(1000, 9)
			for range 2 {
				dir, _ := pushFS(t, g, fsys, "")
				fds = append(fds, openAgain(g, dir, 10)...)
			}
			g.Store.SetHostcallFuel(uint64(5 * bytes))
			Equal(t, "the directories with a listing", listed(g, fds), 5)
			Equal(t, "the same, listed anew", listed(g, fds), 5)
			WantErrno(t, "fd_close", g.Close(fds[0]), ErrnoSuccess)
			WantErrno(t, "the place of the closed one", list(g, fds[15]), ErrnoSuccess)
			WantErrno(t, "one too many", list(g, fds[16]), ErrnoNomem)
			WantErrno(t, "fd_renumber", g.Call("fd_renumber", int(fds[19]), int(fds[1])), ErrnoSuccess)
			WantErrno(t, "the place of the replaced one", list(g, fds[16]), ErrnoSuccess)
			WantErrno(t, "one too many", list(g, fds[17]), ErrnoNomem)
			g.Store.SetHostcallFuel(uint64(bytes - 1))
			WantErrno(t, "a listing beyond the limit", list(g, fds[18]), ErrnoNomem)
			WantErrno(t, "the same", list(g, fds[16]), ErrnoNomem) // and what it had before is given back
			g.Store.SetHostcallFuel(uint64(5 * bytes))
			Equal(t, "with the limit as it was", listed(g, fds[5:19]), 2)
		})
	}
}

// A guest that opens directories and reads from each of them ends at 128 MiB.
func TestFSListingsAreLimited(t *testing.T) {
	g := NewWasiGuest(t, nil)
	fsys, bytes := newFlatFS(20_000, 255)
	dir, _ := pushFS(t, g, fsys, "")
	Equal(t, "the directories with a listing", listed(g, openAgain(g, dir, 50)), 128<<20/bytes)
}
