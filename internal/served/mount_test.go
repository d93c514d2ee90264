package served

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

var tree = fstest.MapFS{
	"file":       {Data: []byte("the content"), ModTime: time.Unix(5, 7)},
	"dir/inner":  {Data: []byte("inner")},
	"dir/link":   {Data: []byte("inner"), Mode: fs.ModeSymlink},
	"dir/up":     {Data: []byte("../file"), Mode: fs.ModeSymlink},
	"dir/beyond": {Data: []byte("../../etc"), Mode: fs.ModeSymlink},
	"dir/abs":    {Data: []byte("/etc"), Mode: fs.ModeSymlink},
	"loop":       {Data: []byte("loop"), Mode: fs.ModeSymlink},
}

func root(t *testing.T, fsys fs.FS, h Host) *node {
	t.Helper()
	number := Mount(h, fsys, 3)
	t.Cleanup(func() { Unmount(number) })
	return nodes.Get(number)
}

func TestOpen(t *testing.T) {
	at := root(t, tree, &testHost{})
	tests := []struct {
		path   string
		flags  uint32
		want   string
		failed error
	}{
		{path: "file", want: "the content"},
		{path: "dir/../file", want: "the content"},
		{path: "dir/link", flags: ffi.FSFollow, want: "inner"},
		{path: "dir/up", flags: ffi.FSFollow, want: "the content"},
		{path: "dir/link", failed: errnoLoop},
		{path: "loop", flags: ffi.FSFollow, failed: errnoLoop},
		{path: "dir/beyond", flags: ffi.FSFollow, failed: errnoPerm},
		{path: "dir/abs", flags: ffi.FSFollow, failed: errnoPerm},
		{path: "..", failed: errnoPerm},
		{path: "/file", failed: errnoPerm},
		{path: "", failed: errnoNoent},
		{path: "fi\x00le", failed: errnoInval},
		{path: "file/", failed: errnoNotdir},
		{path: "file", flags: ffi.FSDirectory, failed: errnoNotdir},
		{path: "nothing", failed: fs.ErrNotExist},
	}
	for _, test := range tests {
		child, stat, err := at.open(test.path, test.flags)
		if test.failed != nil {
			if !errors.Is(err, test.failed) {
				t.Errorf("%q: %v, want %v", test.path, err, test.failed)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.path, err)
			continue
		}
		p := make([]byte, 99)
		n, err := child.file.read(nil, p, false)
		if string(p[:n]) != test.want || err != nil || stat.Size != uint64(len(test.want)) || stat.Dev != servedDevs+3 {
			t.Errorf("%q: %q, %v, %+v", test.path, p[:n], err, stat)
		}
		if err := child.gone(nil); err != nil {
			t.Error(err)
		}
	}
}

func TestReadDir(t *testing.T) {
	at := root(t, tree, &testHost{})
	dir, _, err := at.open("dir", ffi.FSDirectory)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name string
		kind uint32
	}{
		{".", filetypeDirectory}, {"..", filetypeDirectory}, {"abs", filetypeSymbolicLink}, {"beyond", filetypeSymbolicLink},
		{"inner", filetypeRegularFile}, {"link", filetypeSymbolicLink}, {"up", filetypeSymbolicLink},
	}
	p := make([]byte, direntSize+6) // one entry, or a part of one
	for i, entry := range want {
		n, err := dir.readDir(nil, p, uint64(i))
		if err != nil || n < direntSize+uint64(len(entry.name)) {
			t.Fatalf("entry %d: %d bytes, %v", i, n, err)
		}
		next, name := binary.LittleEndian.Uint64(p), string(p[direntSize:direntSize+len(entry.name)])
		if next != uint64(i+1) || name != entry.name || uint32(p[20]) != entry.kind {
			t.Errorf("entry %d: %q of type %d, then %d; want %q of type %d", i, name, p[20], next, entry.name, entry.kind)
		}
	}
	if n, err := dir.readDir(nil, p, uint64(len(want))); n != 0 || err != nil {
		t.Errorf("the end: %d bytes, %v", n, err)
	}
}

func TestSeekAndPread(t *testing.T) {
	at := root(t, tree, &testHost{})
	child, _, err := at.open("file", 0)
	if err != nil {
		t.Fatal(err)
	}
	f := child.file
	if to, err := f.seek(nil, -7, 2); to != 4 || err != nil {
		t.Fatalf("to %d, %v", to, err)
	}
	p := make([]byte, 3)
	if n, err := f.read(nil, p, false); string(p[:n]) != "con" || err != nil {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := f.pread(nil, p, 0, false); string(p[:n]) != "the" || err != nil {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := f.read(nil, p, false); string(p[:n]) != "ten" || err != nil {
		t.Errorf("pread has moved: %q, %v", p[:n], err)
	}
	if _, err := f.seek(nil, -1, 0); err != errnoInval {
		t.Errorf("before the beginning: %v", err)
	}
	if n, err := f.pread(nil, p, 1<<40, false); n != 0 || err != nil {
		t.Errorf("far beyond the end: %d, %v", n, err)
	}
}

// slowFS opens files when it is let.
type slowFS struct {
	fs.FS
	let    chan struct{}
	closed chan struct{}
}

func (s *slowFS) Open(name string) (fs.File, error) {
	<-s.let
	f, err := s.FS.Open(name)
	return &slowFile{f, s}, err
}

type slowFile struct {
	fs.File
	of *slowFS
}

func (f *slowFile) Close() error { close(f.of.closed); return f.File.Close() }

// A guest that has to stop does not wait for its file system; what that opened for it is closed.
func TestOpenStops(t *testing.T) {
	slow := &slowFS{FS: noStat{tree}, let: make(chan struct{}), closed: make(chan struct{})}
	h := &testHost{}
	at := root(t, slow, h)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	opened := at.mount
	if err := opened.take(ctx); err != nil {
		t.Fatal(err)
	}
	var child *node
	err := opened.run(ctx, func() (err error) { child, _, err = at.open("file", 0); return err }, func() { child.file.close() })
	if err != errStopped {
		t.Fatalf("stopped with %v", err)
	}
	close(slow.let)
	<-slow.closed
	if err := opened.take(t.Context()); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// noStat hides that a file system can look at a file without opening it.
type noStat struct{ fs.FS }

// Without a store, as when the garbage collector frees one, files are closed by a goroutine.
func TestGoneWithoutStore(t *testing.T) {
	slow := &slowFS{FS: noStat{tree}, let: make(chan struct{}), closed: make(chan struct{})}
	close(slow.let)
	h := &testHost{}
	at := root(t, slow, h)
	child, _, err := at.open("file", 0)
	if err != nil {
		t.Fatal(err)
	}
	number := nodes.Add(&h.shelf.nodes, child)
	h.absent = true
	OnFS(&ffi.FSRequest{Env: number, What: ffi.FSGone})
	<-slow.closed
	if nodes.Get(number) != nil {
		t.Error("what is gone is kept")
	}
}

// A file that a guest has open is closed when the garbage collector has found the store, and all that served the file.
func TestFilesOfALostStore(t *testing.T) {
	slow := &slowFS{FS: noStat{tree}, let: make(chan struct{}), closed: make(chan struct{})}
	close(slow.let)
	number := func() uint64 {
		h := &testHost{}
		at := root(t, slow, h)
		child, _, err := at.open("file", 0)
		if err != nil {
			t.Fatal(err)
		}
		number := nodes.Add(&h.shelf.nodes, child)
		child.file.keep(number)
		return number
	}()
	for range 100 {
		if nodes.Get(number) == nil {
			break
		}
		runtime.GC()
	}
	if nodes.Get(number) != nil {
		t.Fatal("a file keeps what serves it")
	}
	OnFS(&ffi.FSRequest{Env: number, What: ffi.FSGone})
	<-slow.closed
	if _, ok := openFiles.take(number); ok {
		t.Error("what is gone is kept")
	}
}
