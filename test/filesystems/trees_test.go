package filesystems_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// served is a tree of files and directories, in every kind of file system.
type served struct {
	// files are contents by names, dirs the empty directories, links the symbolic ones.
	files map[string]string
	dirs  []string
	links map[string]string
}

// servedTime is the time of all files.
var servedTime = time.Unix(1_000_000_000, 0)

// probeTree is what the probe guest expects.
var probeTree = served{
	files: map[string]string{"file": "content", "sub/below": "below"},
	dirs:  []string{"empty"},
	links: map[string]string{"link": "file", "escape": "../outside", "loop": "loop"},
}

// largeTree has a large file, and names that are not ASCII.
var largeTree = served{files: map[string]string{
	"large":         strings.Repeat("some bytes that are not the same everywhere; ", 8000) + "the end",
	"a/b/c/file":    "deep",
	"a/Ünï.txt":     "code",
	"empty file":    "",
	"many/lots.txt": strings.Repeat("0123456789abcdef\n", 400),
}}

// host makes the tree in a folder of the host, beside which there is a file.
func (s served) host(t testing.TB) string {
	t.Helper()
	root := filepath.Join(TempDir(t), "dir")
	write := func(name, content string) {
		path := filepath.Join(root, name)
		Check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		Check(t, os.WriteFile(path, []byte(content), 0o644))
		Check(t, os.Chtimes(path, servedTime, servedTime))
	}
	for name, content := range s.files {
		write(name, content)
	}
	write("../outside", "outside")
	for _, name := range s.dirs {
		Check(t, os.MkdirAll(filepath.Join(root, name), 0o755))
	}
	for name, to := range s.links {
		Check(t, os.Symlink(to, filepath.Join(root, name)))
	}
	return root
}

func (s served) mapFS() fstest.MapFS {
	m := fstest.MapFS{}
	for name, content := range s.files {
		m[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: servedTime}
	}
	for _, name := range s.dirs {
		m[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, ModTime: servedTime}
	}
	for name, to := range s.links {
		m[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777, ModTime: servedTime}
	}
	return m
}

// zip packs the tree without its links, which an archive cannot follow.
func (s served) zip(t testing.TB) *zip.Reader {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range s.files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: servedTime})
		Check(t, err)
		_, err = f.Write([]byte(content))
		Check(t, err)
	}
	for _, name := range s.dirs {
		_, err := w.Create(name + "/")
		Check(t, err)
	}
	Check(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	Check(t, err)
	return r
}

// all are file systems with the tree, by name.
func (s served) all(t testing.TB) map[string]fs.FS {
	t.Helper()
	if len(s.links) > 0 && !CanSymlink() {
		return map[string]fs.FS{"MapFS": s.mapFS()}
	}
	dir := s.host(t)
	root, err := os.OpenRoot(dir)
	Check(t, err)
	t.Cleanup(func() { root.Close() })
	all := map[string]fs.FS{
		"os.DirFS": os.DirFS(dir),
		"os.Root":  root.FS(),
		"MapFS":    s.mapFS(),
		"only Go":  onlyFS{os.DirFS(dir).(fs.ReadLinkFS)},
	}
	if len(s.links) == 0 {
		all["zip"] = s.zip(t)
		all["bare"] = bareFS{s.mapFS()}
	}
	return all
}

// onlyFS is a file system whose files have no descriptors.
type onlyFS struct{ fs.ReadLinkFS }

func (f onlyFS) Open(name string) (fs.File, error) {
	file, err := f.ReadLinkFS.Open(name)
	if dir, ok := file.(fs.ReadDirFile); ok && err == nil {
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return struct{ fs.File }{file}, err
}

// bareFS is a file system that has nothing but Open, and files that have nothing but Read.
type bareFS struct{ fsys fs.FS }

func (f bareFS) Open(name string) (fs.File, error) {
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	if dir, ok := file.(fs.ReadDirFile); ok {
		return dir, nil
	}
	return struct{ fs.File }{file}, nil
}

// countingFS counts the files that are open. Its files have nothing but Read.
type countingFS struct {
	fsys         fs.FS
	opens, alive atomic.Int32
}

func (f *countingFS) Open(name string) (fs.File, error) {
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	f.opens.Add(1)
	f.alive.Add(1)
	if dir, ok := file.(fs.ReadDirFile); ok {
		return &countedDir{dir, f}, nil
	}
	return &countedFile{file, f}, nil
}

type countedFile struct {
	fs.File
	in *countingFS
}

func (f *countedFile) Close() error { f.in.alive.Add(-1); return f.File.Close() }

type countedDir struct {
	fs.ReadDirFile
	in *countingFS
}

func (f *countedDir) Close() error { f.in.alive.Add(-1); return f.ReadDirFile.Close() }

// hookedFS does what its functions say, where it has any, before what the file system does.
type hookedFS struct {
	fs.FS
	open                        func(name string) error
	read, stat, readDir, closed func() error
}

func hook(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (h *hookedFS) Open(name string) (fs.File, error) {
	if h.open != nil {
		if err := h.open(name); err != nil {
			return nil, err
		}
	}
	file, err := h.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &hookedFile{file, h}, nil
}

func (h *hookedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := hook(h.readDir); err != nil {
		return nil, err
	}
	return fs.ReadDir(h.FS, name)
}

type hookedFile struct {
	fs.File
	h *hookedFS
}

func (f *hookedFile) Read(p []byte) (int, error) {
	if err := hook(f.h.read); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *hookedFile) Stat() (fs.FileInfo, error) {
	if err := hook(f.h.stat); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *hookedFile) Close() error {
	err := f.File.Close()
	if hooked := hook(f.h.closed); hooked != nil {
		return hooked
	}
	return err
}

// pushFS gives the guest a file system, and opens a file in it unless its name is empty.
func pushFS(t testing.TB, g *WasiGuest, fsys fs.FS, name string) (dir, fd uint32) {
	t.Helper()
	dir, err := g.Store.PushFS(fsys, "/")
	Check(t, err)
	if name == "" {
		return dir, 0
	}
	fd, errno := g.PathOpen(dir, LookupFollow, name, 0, RightRead, 0)
	WantErrno(t, "open "+name, errno, ErrnoSuccess)
	return dir, fd
}
