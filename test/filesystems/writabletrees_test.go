package filesystems_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/examples/memfs/memfs"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// changeable is a file system of Go's with a tree that a guest may change.
type changeable struct {
	// fsys is what is given to the guest.
	fsys fs.FS
	// files is what the host finds in it.
	files fs.FS
	close func()
}

// changeables make file systems with a tree, by name.
func (s served) changeables() map[string]func(t testing.TB) changeable {
	return map[string]func(t testing.TB) changeable{
		"os.Root": func(t testing.TB) changeable {
			root, err := os.OpenRoot(s.host(t))
			Check(t, err)
			return changeable{Writable(root), root.FS(), func() { root.Close() }}
		},
		// The same, with files that are not handed over.
		"served os.Root": func(t testing.TB) changeable {
			root, err := os.OpenRoot(s.host(t))
			Check(t, err)
			return changeable{Writable(servedRoot{root}), root.FS(), func() { root.Close() }}
		},
		"memfs": func(t testing.TB) changeable {
			m := s.memFS(t)
			return changeable{Writable(m), m, func() {}}
		},
	}
}

// memFS makes the tree in memory.
func (s served) memFS(t testing.TB) *memfs.FS {
	t.Helper()
	m := memfs.New(16 << 20)
	mkdir := func(name string) {
		for i := range name + "/" {
			if (name + "/")[i] == '/' {
				if err := m.Mkdir(name[:i], 0o755); !errors.Is(err, fs.ErrExist) {
					Check(t, err)
				}
			}
		}
	}
	for name, content := range s.files {
		if dir := path.Dir(name); dir != "." {
			mkdir(dir)
		}
		f, err := m.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
		Check(t, err)
		_, err = f.Write([]byte(content))
		Check(t, err)
		Check(t, f.Close())
		Check(t, m.Chtimes(name, servedTime, servedTime))
	}
	for _, name := range s.dirs {
		mkdir(name)
	}
	for name, to := range s.links {
		Check(t, m.Symlink(to, name))
	}
	return m
}

// servedRoot is an os.Root whose files are not the host's, as far as one can tell by their type.
type servedRoot struct{ *os.Root }

type servedRootFile struct{ *os.File }

func (r servedRoot) OpenFile(name string, flag int, perm fs.FileMode) (servedRootFile, error) {
	f, err := r.Root.OpenFile(name, flag, perm)
	return servedRootFile{f}, err
}

// contents is a text for everything below a directory.
func contents(t testing.TB, fsys fs.FS) string {
	t.Helper()
	all := ""
	Check(t, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type().IsRegular():
			b, err := fs.ReadFile(fsys, name)
			all += fmt.Sprintf(" %s=%q", name, b)
			return err
		case d.Type()&fs.ModeSymlink != 0:
			to, err := readLink(fsys, name)
			all += " " + name + "->" + to
			return err
		}
		all += " " + name
		return nil
	}))
	return all
}

func readLink(fsys fs.FS, name string) (string, error) {
	if m, ok := fsys.(*memfs.FS); ok {
		return m.Readlink(name)
	}
	return fs.ReadLink(fsys, name)
}

// withEachChangeable runs a test with every kind of file system that can be written, and with contexts that can and
// cannot be cancelled.
func withEachChangeable(t *testing.T, tree served, test func(t *testing.T, g *WasiGuest, dir uint32, files fs.FS)) {
	if len(tree.links) > 0 && !CanSymlink() {
		tree.links = nil
	}
	kinds := tree.changeables()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		for _, cancellable := range []bool{false, true} {
			title := name
			if cancellable {
				title += ", cancellable"
			}
			t.Run(title, func(t *testing.T) {
				c := kinds[name](t)
				defer c.close()
				g := NewWasiGuest(t, nil)
				if cancellable {
					g = NewCancellableGuest(t)
					g.Ctx = t.Context()
				}
				defer g.Store.Close() // before the root is removed, which Windows would not allow otherwise
				dir, _ := pushFS(t, g, c.fsys, "")
				test(t, g, dir, c.files)
			})
		}
	}
}

// hookedRoot is a file system in memory that does what its functions say, where it has any, before what it does.
type hookedRoot struct {
	*memfs.FS
	// call is called with the name of the method and the paths.
	call func(method string, names ...string) error
	// file is called with the name of a file's method.
	file func(method string) error
}

func (h *hookedRoot) before(method string, names ...string) error {
	if h.call == nil {
		return nil
	}
	return h.call(method, names...)
}

func (h *hookedRoot) OpenFile(name string, flag int, perm fs.FileMode) (*hookedRootFile, error) {
	if err := h.before("OpenFile", name); err != nil {
		return nil, err
	}
	f, err := h.FS.OpenFile(name, flag, perm)
	return &hookedRootFile{f, h}, err
}

func (h *hookedRoot) Mkdir(name string, perm fs.FileMode) error {
	return first(func() error { return h.before("Mkdir", name) }, func() error { return h.FS.Mkdir(name, perm) })
}

func (h *hookedRoot) Remove(name string) error {
	return first(func() error { return h.before("Remove", name) }, func() error { return h.FS.Remove(name) })
}

func (h *hookedRoot) Rename(from, to string) error {
	return first(func() error { return h.before("Rename", from, to) }, func() error { return h.FS.Rename(from, to) })
}

func (h *hookedRoot) Link(from, to string) error {
	return first(func() error { return h.before("Link", from, to) }, func() error { return h.FS.Link(from, to) })
}

func (h *hookedRoot) Symlink(target, name string) error {
	return first(func() error { return h.before("Symlink", name) }, func() error { return h.FS.Symlink(target, name) })
}

func (h *hookedRoot) Chtimes(name string, atime, mtime time.Time) error {
	return first(func() error { return h.before("Chtimes", name) }, func() error { return h.FS.Chtimes(name, atime, mtime) })
}

func (h *hookedRoot) Lstat(name string) (fs.FileInfo, error) {
	if err := h.before("Lstat", name); err != nil {
		return nil, err
	}
	return h.FS.Lstat(name)
}

func (h *hookedRoot) Readlink(name string) (string, error) {
	if err := h.before("Readlink", name); err != nil {
		return "", err
	}
	return h.FS.Readlink(name)
}

// first is the first error.
func first(all ...func() error) error {
	for _, f := range all {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

type hookedRootFile struct {
	*memfs.File
	h *hookedRoot
}

func (f *hookedRootFile) before(method string) error {
	if f.h.file == nil {
		return nil
	}
	return f.h.file(method)
}

func (f *hookedRootFile) Write(p []byte) (int, error) {
	if err := f.before("Write"); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *hookedRootFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.before("WriteAt"); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *hookedRootFile) Truncate(size int64) error {
	return first(func() error { return f.before("Truncate") }, func() error { return f.File.Truncate(size) })
}

func (f *hookedRootFile) Sync() error { return f.before("Sync") }

func (f *hookedRootFile) Close() error { return errors.Join(f.before("Close"), f.File.Close()) }

// digitsTree has a file of ten bytes, and directories.
var digitsTree = served{
	files: map[string]string{"file": "0123456789", "sub/below": "below"},
	dirs:  []string{"empty", "sub/deep/deeper"},
	links: map[string]string{"link": "file", "dirlink": "sub", "dangling": "nothing", "out": "../outside", "sub/up": "../file", "loop": "loop"},
}
