package served

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// scriptRoot has files that answer each write as they are told to, and says what it was asked for.
type scriptRoot struct {
	fstest.MapFS
	writes []func(p []byte) (int, error)
	opened []string
	got    []string
}

type scriptRootFile struct {
	fs.File
	of *scriptRoot
}

func (s *scriptRoot) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	s.opened = append(s.opened, fmt.Sprintf("%s %#x %o", name, flag, perm))
	f, err := s.Open(name)
	if dir, ok := f.(fs.ReadDirFile); ok || err != nil {
		return dir, err
	}
	return &scriptRootFile{f, s}, nil
}

func (f *scriptRootFile) Write(p []byte) (int, error) {
	f.of.got = append(f.of.got, string(p))
	if len(f.of.writes) == 0 {
		return len(p), nil
	}
	next := f.of.writes[0]
	f.of.writes = f.of.writes[1:]
	return next(p)
}

func (f *scriptRootFile) Seek(offset int64, whence int) (int64, error) {
	f.of.got = append(f.of.got, fmt.Sprint("seek ", offset))
	return offset, nil
}

func takes(n int, err error) func([]byte) (int, error) {
	return func([]byte) (int, error) { return n, err }
}

// openedFor is the file of a file system, open for writing.
func openedFor(t *testing.T, fsys fs.FS, flags uint32) *node {
	t.Helper()
	child, _, err := root(t, fsys, &testHost{}).open("file", flags|ffi.FSForWriting)
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// What a writer says is told, and no nonsense: how much was written, an error when nothing was.
func TestFileWrites(t *testing.T) {
	for name, ctx := range contexts(t) {
		for i, c := range []struct {
			script func([]byte) (int, error)
			n      uint64
			err    error
			pos    int64
		}{
			{takes(4, nil), 4, nil, 4},
			{takes(3, nil), 3, nil, 3},
			{takes(3, syscall.ENOSPC), 3, nil, 3},
			{takes(0, syscall.ENOSPC), 0, syscall.ENOSPC, 0},
			{takes(0, nil), 0, io.ErrShortWrite, 0},
			{takes(99, nil), 0, ErrBadCount, 0},
			{takes(-99, nil), 0, ErrBadCount, 0},
			{takes(-99, syscall.EIO), 0, syscall.EIO, 0},
		} {
			s := &scriptRoot{MapFS: fstest.MapFS{"file": {}}, writes: []func([]byte) (int, error){c.script}}
			n := openedFor(t, NewWritable(s), 0)
			k, err := n.file.write(ctx, []byte("text"), false)
			if k != c.n || !errors.Is(err, c.err) || n.file.pos != c.pos {
				t.Errorf("%s, %d: %d, %v, at %d", name, i, k, err, n.file.pos)
			}
		}
	}
}

// Where a file is written: in place if it is there, else after it has been moved.
func TestFileWritesInItsPlace(t *testing.T) {
	s := &scriptRoot{MapFS: fstest.MapFS{"file": {Data: []byte("0123456789")}}}
	n := openedFor(t, NewWritable(s), 0)
	f := n.file
	f.write(nil, []byte("a"), false)
	f.write(nil, []byte("b"), false)
	f.pwrite(nil, []byte("c"), 7, false)
	f.write(nil, []byte("d"), false)
	f.write(nil, []byte("e"), true)
	if got, want := fmt.Sprint(s.got), "[a b seek 7 c seek 2 d seek 10 e]"; got != want || f.pos != 11 {
		t.Errorf("%s, at %d, want %s", got, f.pos, want)
	}
	s = &scriptRoot{MapFS: fstest.MapFS{"file": {Data: []byte("0123456789")}}}
	f = openedFor(t, NewWritable(s), ffi.FSAppend).file
	f.write(nil, []byte("a"), true)
	f.pwrite(nil, []byte("b"), 3, true)
	if got := fmt.Sprint(s.got); got != "[a b]" || f.pos != 10 {
		t.Errorf("appending: %s, at %d", got, f.pos)
	}
	for _, off := range []int64{1<<63 - 1, 1<<63 - 2} {
		if _, err := f.pwrite(nil, []byte("ab"), off, false); err != errnoFbig {
			t.Errorf("at %d: %v", off, err)
		}
	}
}

// What files are opened with.
func TestOpenFlags(t *testing.T) {
	const both = ffi.FSForReading | ffi.FSForWriting
	for _, c := range []struct {
		flags uint32
		flag  int
	}{
		{ffi.FSForReading, os.O_RDONLY},
		{ffi.FSForWriting, os.O_WRONLY},
		{both, os.O_RDWR},
		{both | ffi.FSCreate, os.O_RDWR | os.O_CREATE},
		{both | ffi.FSCreate | ffi.FSExclusive, os.O_RDWR | os.O_CREATE | os.O_EXCL},
		{both | ffi.FSExclusive, os.O_RDWR},
		{ffi.FSForReading | ffi.FSTruncate, os.O_RDWR | os.O_TRUNC},
		{ffi.FSForReading | ffi.FSAppend, os.O_RDONLY},
		{ffi.FSForWriting | ffi.FSAppend, os.O_WRONLY | os.O_APPEND},
		{both | ffi.FSSynchronous | ffi.FSFollow, os.O_RDWR | os.O_SYNC},
	} {
		s := &scriptRoot{MapFS: fstest.MapFS{"file": {}}}
		if flag := openFlag(c.flags, false); flag != c.flag {
			t.Errorf("%#x: %#x, want %#x", c.flags, flag, c.flag)
		}
		if flag := openFlag(c.flags, true); flag != c.flag&^os.O_APPEND {
			t.Errorf("%#x of the host: %#x", c.flags, flag)
		}
		root(t, NewWritable(s), &testHost{}).open("file", c.flags&^ffi.FSExclusive)
		if want := fmt.Sprintf("file %#x 666", c.flag&^os.O_EXCL); len(s.opened) == 0 || s.opened[len(s.opened)-1] != want {
			t.Errorf("%#x: opened with %q, want %q", c.flags, s.opened, want)
		}
	}
}

// A file that can be written is read anew each time, whether the guest can be stopped or not.
func TestFileIsNotReadAhead(t *testing.T) {
	for name, ctx := range contexts(t) {
		dir, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		dir.WriteFile("file", []byte("0123456789"), 0o600)
		n := openedFor(t, NewWritable(dir), ffi.FSForReading)
		defer n.file.close()
		p := make([]byte, 3)
		n.file.read(ctx, p, false)
		dir.WriteFile("file", []byte("abcdefghij"), 0o600)
		if k, err := n.file.read(ctx, p, false); string(p[:k]) != "def" || err != nil {
			t.Errorf("%s: %q, %v", name, p[:k], err)
		}
	}
}

// A read that nobody waits for any more leaves nothing behind.
func TestAbandonedReadLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	text := "old"
	w := NewWritable(openerFunc(func() fs.File {
		return &readerFile{func(p []byte) (int, error) {
			n := copy(p, text)
			if cancel != nil {
				cancel()
				<-block
			}
			return n, nil
		}}
	}))
	n := openedFor(t, w, ffi.FSForReading)
	p := make([]byte, 3)
	if _, err := n.file.pread(ctx, p, 0, false); err != errStopped {
		t.Fatalf("stopped with %v", err)
	}
	close(block)
	n.mount.turn <- struct{}{} // it is over
	cancel, text = nil, "new"
	n.mount.release()
	if k, err := n.file.pread(t.Context(), p, 0, false); string(p[:k]) != "new" || err != nil {
		t.Errorf("%q, %v", p[:k], err)
	}
}

// openerFunc opens one file.
type openerFunc func() fs.File

func (f openerFunc) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	if name == "." {
		return tree.Open(name)
	}
	return f(), nil
}

// readerFile is a file that is read at offsets.
type readerFile struct{ read func(p []byte) (int, error) }

func (f *readerFile) Stat() (fs.FileInfo, error)                { return tree.Lstat("file") }
func (f *readerFile) Read(p []byte) (int, error)                { return f.read(p) }
func (f *readerFile) ReadAt(p []byte, off int64) (int, error)   { return f.read(p) }
func (f *readerFile) Seek(off int64, whence int) (int64, error) { return off, nil }
func (f *readerFile) Close() error                              { return nil }

// Names follow what is renamed and removed, and only that.
func TestOpenNodes(t *testing.T) {
	var o openNodes
	paths := []string{"a", "a/b", "a/b/c", "ab", "b", "b/a", "x"}
	var all []*node
	for _, path := range paths {
		n := &node{path: path}
		o.add(n)
		all = append(all, n)
	}
	gone := &node{path: "a/gone"}
	o.add(gone)
	o.remove(gone)
	o.renamed("a", "x")
	o.removed("b/a")
	o.renamed("b", "a")
	got := ""
	for _, n := range append(all, gone) {
		got += fmt.Sprintf("%s %t, ", n.path, n.removed)
	}
	if want := "x false, x/b false, x/b/c false, ab false, a false, b/a true, x true, a/gone false, "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(o.all) != len(paths) {
		t.Errorf("%d nodes", len(o.all))
	}
}

// A guest that has to stop while a file is made for it gets none, and keeps none.
func TestOpenStopsCreating(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	slow := &slowRoot{dir, make(chan struct{}), make(chan struct{}, 9)}
	ctx, cancel := context.WithCancel(t.Context())
	h := &testHost{stop: ctx}
	at := root(t, NewWritable(slow), h)
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := at.serveOpen(ctx, "new", &ffi.FSRequest{Flags: ffi.FSCreate | ffi.FSForWriting}); err != errStopped {
		t.Fatalf("stopped with %v", err)
	}
	close(slow.let)
	<-slow.closed
	at.mount.turn <- struct{}{} // it is over
	at.mount.release()
	if len(at.mount.open.all) != 0 {
		t.Error("what the guest has not got is kept")
	}
	if _, err := dir.Stat("new"); err != nil {
		t.Error(err)
	}
}

type slowRoot struct {
	*os.Root
	let, closed chan struct{}
}

type slowRootFile struct {
	*os.File
	of *slowRoot
}

func (s *slowRoot) OpenFile(name string, flag int, perm fs.FileMode) (*slowRootFile, error) {
	<-s.let
	f, err := s.Root.OpenFile(name, flag, perm)
	return &slowRootFile{f, s}, err
}

func (f *slowRootFile) Close() error { f.of.closed <- struct{}{}; return f.File.Close() }

// What only reads is not asked for changes.
func TestChangesNeedWritable(t *testing.T) {
	at := root(t, tree, &testHost{})
	for _, what := range []ffi.FSOp{ffi.FSMakeDir, ffi.FSRemoveDir, ffi.FSUnlink, ffi.FSRename, ffi.FSLink, ffi.FSSymlink, ffi.FSPathSetTimes} {
		if err := at.change(&change{what: what, path: "new", to: at, toPath: "file"}); err != errnoPerm {
			t.Errorf("%d: %v", what, err)
		}
	}
	if err := at.setTimes(time.Time{}, time.Time{}); err != errnoPerm {
		t.Error(err)
	}
	if err := at.sync(); err != nil {
		t.Error(err)
	}
}

// Whatever name a file system is asked for is one that io/fs knows.
func TestWritableChecksNames(t *testing.T) {
	w := NewWritable(&panickingRoot{})
	for _, name := range []string{"", "/", "..", "a/..", "a/", "./a", "a//b", "\xff"} {
		_, opened := w.Open(name)
		_, stat := w.Stat(name)
		_, lstat := w.Lstat(name)
		_, link := w.ReadLink(name)
		_, dir := w.ReadDir(name)
		for what, err := range map[string]error{
			"open": opened, "stat": stat, "lstat": lstat, "readlink": link, "readdir": dir, "mkdir": w.Mkdir(name, 0), "remove": w.Remove(name),
			"rename": w.Rename(name, "a"), "rename to": w.Rename("a", name), "link": w.Link(name, "a"), "link to": w.Link("a", name),
			"symlink": w.Symlink("a", name), "chtimes": w.Chtimes(name, time.Time{}, time.Time{}), "sync": w.SyncDir(name),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}

// panickingRoot has all methods, none of which may be called.
type panickingRoot struct{ *os.Root }

func (*panickingRoot) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	panic(name)
}

// Without a way to read links, none are made: the file system might follow them itself.
func TestNoLinksThatNobodyReads(t *testing.T) {
	w := NewWritable(onlyLinks{})
	if err := w.Symlink("a", "b"); !errors.Is(err, errors.ErrUnsupported) || errnoOf(err) != uint64(errnoNotsup) {
		t.Error(err)
	}
}

type onlyLinks struct{ scriptRoot }

func (onlyLinks) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	return tree.Open(name)
}
func (onlyLinks) Lstat()                    {}
func (onlyLinks) Symlink(a, b string) error { return nil }

// The way that a file system is sent is not longer than it may be, however often directories and links add to it.
func TestLongWays(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	at := root(t, NewWritable(dir), &testHost{})
	made, long := 0, strings.Repeat("x", 200)
	for below := at; ; made++ {
		if err := below.makeDir(long); err != nil {
			if err != errnoNametoolong {
				t.Error(err)
			}
			break
		}
		if below, _, err = below.open(long, ffi.FSDirectory); err != nil {
			t.Fatal(err)
		}
	}
	if made != maxPath/201 {
		t.Errorf("%d directories", made)
	}
	for i := range 4 {
		dir.Mkdir(strings.TrimSuffix(strings.Repeat("a/", i+1), "/"), 0o700)
	}
	way := strings.Repeat("a/", 4) + strings.Repeat("../", 4)
	for _, c := range []struct {
		times  int
		failed error
	}{{20, nil}, {maxParts / 4, nil}, {maxParts/4 + 1, errnoNametoolong}} {
		if _, err := at.resolve(strings.Repeat(way, c.times), false); err != c.failed {
			t.Errorf("%d times: %v, want %v", c.times, err, c.failed)
		}
	}
}
