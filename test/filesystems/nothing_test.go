package filesystems_test

import (
	"io/fs"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/examples/memfs/memfs"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// nothingFS is a file system that returns nothing, and no error, where it says so.
type nothingFS struct {
	*memfs.FS
	files, infos, entries bool
}

type nothingFile struct {
	*memfs.File
	of *nothingFS
}

func (n *nothingFS) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	if n.files {
		return nil, nil
	}
	f, err := n.FS.OpenFile(name, flag, perm)
	return nothingFile{f, n}, err
}

func (n *nothingFS) Open(name string) (fs.File, error) { return n.OpenFile(name, 0, 0) }

func (n *nothingFS) Stat(name string) (fs.FileInfo, error) {
	if n.infos {
		return nil, nil
	}
	return n.FS.Stat(name)
}

func (n *nothingFS) Lstat(name string) (fs.FileInfo, error) {
	if n.infos {
		return nil, nil
	}
	return n.FS.Lstat(name)
}

func (n *nothingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if n.entries {
		return []fs.DirEntry{nil}, nil
	}
	return fs.ReadDir(n.FS, name)
}

func (f nothingFile) Stat() (fs.FileInfo, error) {
	if f.of.infos {
		return nil, nil
	}
	return f.File.Stat()
}

// onlyOpens hides all methods but one.
type onlyOpens struct{ fs.FS }

// A file system that returns nothing, and no error, is one that cannot be read: it ends neither guest nor program.
func TestFSReturnsNothing(t *testing.T) {
	for name, wrap := range map[string]func(*nothingFS) fs.FS{
		"writable": func(n *nothingFS) fs.FS { return Writable(n) },
		"readable": func(n *nothingFS) fs.FS { return n },
		"bare":     func(n *nothingFS) fs.FS { return onlyOpens{n} },
	} {
		t.Run(name, func(t *testing.T) {
			n := &nothingFS{FS: memfs.New(1 << 20)}
			Check(t, n.Mkdir("dir", 0o777))
			f := Must(n.FS.OpenFile("file", 0x42, 0o666))
			Check(t, f.Close())
			config := NewWasiConfig()
			Check(t, config.PreopenFS(wrap(n), "/"))
			g := NewWasiGuest(t, config)
			fd, errno := g.OpenRights(3, "file", 0, RightRead)
			WantErrno(t, "open", errno, ErrnoSuccess)
			dir, errno := g.OpenRights(3, "dir", OflagDirectory, 0)
			WantErrno(t, "open", errno, ErrnoSuccess)
			for i, set := range []*bool{&n.files, &n.infos, &n.entries} {
				*set = true
				if i == 0 {
					_, errno = g.OpenRights(3, "file", 0, RightRead)
					WantErrno(t, "open", errno, ErrnoIo)
				}
				if i == 1 {
					_, errno = g.Filestat(fd)
					WantErrno(t, "filestat", errno, ErrnoIo)
					_, errno = g.Seek(fd, 0, 2)
					WantErrno(t, "seek", errno, ErrnoIo)
					_, errno = g.Stat(3, 1, "file")
					WantErrno(t, "stat", errno, ErrnoIo)
					_, errno = g.Filestat(dir)
					WantErrno(t, "filestat of a directory", errno, ErrnoIo)
				}
				g.Call("fd_readdir", int(dir), GuestBuffer, 4096, int64(0), GuestResult)
				g.Mkdir(3, "new")
				g.Rename(3, "file", 3, "other")
				g.Rename(3, "other", 3, "file")
				g.Unlink(3, "none")
				g.Stat(3, 0, "dir/none")
				*set = false
			}
			_, errno = g.OpenRights(3, "file", 0, RightRead)
			WantErrno(t, "open", errno, ErrnoSuccess)
		})
	}
}
