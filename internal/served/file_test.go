package served

import (
	"context"
	"io"
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// scriptFS has one file, which answers each Read as it is told to, and counts what is open of it.
type scriptFS struct {
	reads []func(p []byte) (int, error)
	mode  fs.FileMode
	size  int64
	open  int
	asked int
	close func()
}

func (s *scriptFS) Open(name string) (fs.File, error) {
	s.open++
	return &scriptFile{s}, nil
}

type scriptFile struct{ of *scriptFS }

func (f *scriptFile) Stat() (fs.FileInfo, error) {
	return fs.Stat(fstest.MapFS{"file": {Mode: f.of.mode, Data: make([]byte, f.of.size)}}, "file")
}

func (f *scriptFile) Read(p []byte) (int, error) {
	s := f.of
	if s.asked++; s.asked > len(s.reads) {
		return 0, io.EOF
	}
	return s.reads[s.asked-1](p)
}

func (f *scriptFile) Close() error {
	f.of.open--
	if f.of.close != nil {
		f.of.close()
	}
	return nil
}

func gives(text string, err error) func([]byte) (int, error) {
	return func(p []byte) (int, error) { return copy(p, text), err }
}

// opened is the file of a file system, open.
func opened(t *testing.T, h Host, fsys fs.FS) *node {
	t.Helper()
	child, _, err := root(t, fsys, h).open("file", 0)
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// contexts are one that cannot be cancelled, and one that can.
func contexts(t *testing.T) map[string]context.Context {
	return map[string]context.Context{"in place": nil, "by a goroutine": t.Context()}
}

// A regular file fills the guest's buffer, with as many reads as it takes; another one gives what there is.
func TestFileFills(t *testing.T) {
	for name, ctx := range contexts(t) {
		for mode, want := range map[fs.FileMode]string{0: "one two", fs.ModeDevice: "one "} {
			n := opened(t, &testHost{}, &scriptFS{mode: mode, size: 7, reads: []func([]byte) (int, error){gives("one ", nil), gives("two", nil)}})
			p := make([]byte, 7)
			k, err := n.file.read(ctx, p, false)
			if string(p[:k]) != want || err != nil {
				t.Errorf("%s, mode %v: %q, %v", name, mode, p[:k], err)
			}
		}
	}
}

// An error of a file is told once, at its place, after what was read before it.
func TestFileErrorsPass(t *testing.T) {
	for name, ctx := range contexts(t) {
		n := opened(t, &testHost{}, &scriptFS{mode: fs.ModeDevice, size: 7, reads: []func([]byte) (int, error){
			gives("one ", syscall.EAGAIN), gives("two", nil), gives("", syscall.EIO), gives("end", nil),
		}})
		p := make([]byte, 9)
		for i, want := range []struct {
			s   string
			err error
		}{{"one ", nil}, {"", syscall.EAGAIN}, {"two", nil}, {"", syscall.EIO}, {"end", nil}, {"", nil}} {
			k, err := n.file.read(ctx, p, false)
			if string(p[:k]) != want.s || err != want.err {
				t.Errorf("%s, read %d: %q, %v, want %q, %v", name, i, p[:k], err, want.s, want.err)
			}
		}
	}
}

// An error at one place is none for what is read elsewhere, and not that of a guest that had to stop.
func TestFileErrorsHaveAPlace(t *testing.T) {
	n := opened(t, &testHost{}, &scriptFS{size: 4, reads: []func([]byte) (int, error){gives("one ", syscall.EIO), gives("one ", nil)}})
	p := make([]byte, 4)
	n.file.read(nil, p, false)
	if k, err := n.file.pread(nil, p, 0, false); string(p[:k]) != "one " || err != nil {
		t.Errorf("at another place: %q, %v", p[:k], err)
	}
	if _, err := n.file.pread(nil, p, 4, false); err != syscall.EIO {
		t.Errorf("at its place: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	defer close(block)
	n = opened(t, &testHost{}, &scriptFS{size: 8, reads: []func([]byte) (int, error){
		gives("one ", nil), func([]byte) (int, error) { cancel(); <-block; return 0, nil },
	}})
	if k, err := n.file.read(ctx, make([]byte, 8), false); err != errStopped {
		t.Errorf("a guest that has to stop: %d, %v", k, err)
	}
	if n.file.failed != nil {
		t.Errorf("for the next guest: %v", n.file.failed)
	}
}

// A guest's call that has read something does not hear of an error of its next buffer; the next call does, once.
func TestFileErrorsWait(t *testing.T) {
	for name, ctx := range contexts(t) {
		for what, reads := range map[string][]func([]byte) (int, error){
			"with what was read": {gives("one ", syscall.EIO), gives("two ", nil)},
			"by itself":          {gives("one ", nil), gives("", syscall.EIO), gives("two ", nil)},
		} {
			n := opened(t, &testHost{}, &scriptFS{mode: fs.ModeDevice, reads: reads})
			p := make([]byte, 4)
			for i, want := range []struct {
				goesOn bool
				text   string
				err    error
			}{{false, "one ", nil}, {true, "", syscall.EIO}, {false, "", syscall.EIO}, {false, "two ", nil}} {
				k, err := n.file.read(ctx, p, want.goesOn)
				if string(p[:k]) != want.text || err != want.err {
					t.Errorf("%s, %s, request %d: %q, %v, want %q, %v", name, what, i, p[:k], err, want.text, want.err)
				}
			}
		}
	}
}

// Files that return negative numbers, or nothing for ever, or go back by being opened again.
func TestAbsurdFiles(t *testing.T) {
	nothing := &scriptFS{mode: fs.ModeDevice}
	for range 1000 {
		nothing.reads = append(nothing.reads, gives("", nil))
	}
	n := opened(t, &testHost{}, nothing)
	if _, err := n.file.read(nil, make([]byte, 4), false); err != io.ErrNoProgress || nothing.asked != 100 {
		t.Errorf("nothing for ever: %v after %d reads", err, nothing.asked)
	}
	n = opened(t, &testHost{}, &scriptFS{mode: fs.ModeDevice, reads: []func([]byte) (int, error){
		func([]byte) (int, error) { return -9, syscall.EIO },
	}})
	if k, err := n.file.read(nil, make([]byte, 4), false); k != 0 || err != syscall.EIO || n.file.pos != 0 {
		t.Errorf("fewer than none: %d, %v, at %d", k, err, n.file.pos)
	}
	again := &scriptFS{size: 4, reads: []func([]byte) (int, error){gives("text", nil), gives("text", nil)}}
	n = opened(t, &testHost{}, again)
	p := make([]byte, 4)
	n.file.read(nil, p, false)
	if k, err := n.file.pread(nil, p, 0, false); string(p[:k]) != "text" || err != nil || again.open != 1 {
		t.Errorf("going back: %q, %v, %d are open", p[:k], err, again.open)
	}
}

// What was read ahead is forgotten before a file is read elsewhere, even if nothing comes of that.
func TestFileForgetsAhead(t *testing.T) {
	n := opened(t, &testHost{}, &scriptFS{size: 8, reads: []func([]byte) (int, error){
		gives("text", nil), func(p []byte) (int, error) { copy(p, "else"); panic("reading") },
	}})
	ctx := t.Context()
	p := make([]byte, 4)
	n.file.pread(ctx, p, 0, false)
	func() {
		defer func() {
			if value := recover(); value != "reading" {
				t.Errorf("recovered %v", value)
			}
		}()
		n.file.pread(ctx, p, 4, false)
	}()
	if len(n.file.ahead) != 0 {
		t.Error("what was read ahead stays, in a buffer that is another's")
	}
}

// What a call panics with comes out of the guest's request, or of the next one if the guest had to stop meanwhile.
func TestFSCallPanics(t *testing.T) {
	h := &testHost{stop: t.Context()}
	n := opened(t, h, &scriptFS{size: 4, close: func() { panic("closing") }})
	number := nodes.Add(&h.shelf.nodes, n)
	r := &ffi.FSRequest{Env: number, What: ffi.FSGone}
	if OnFS(r); r.Status != ffi.FSStop || h.panicked != "closing" {
		t.Errorf("status %d, the host heard %v", r.Status, h.panicked)
	}
	if nodes.Get(number) != nil {
		t.Error("what is gone is kept")
	}

	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	h = &testHost{stop: ctx}
	n = opened(t, h, &scriptFS{size: 4, reads: []func([]byte) (int, error){func([]byte) (int, error) { cancel(); <-block; panic("late") }}})
	if _, err := n.file.read(ctx, make([]byte, 4), false); err != errStopped {
		t.Errorf("stopped with %v", err)
	}
	close(block)
	n.mount.turn <- struct{}{} // it is over
	n.mount.release()
	h.stop = nil
	r = &ffi.FSRequest{Env: nodes.Add(&h.shelf.nodes, n), What: ffi.FSFileStat}
	defer nodes.Remove(r.Env)
	if OnFS(r); r.Status != ffi.FSStop || h.panicked != "late" {
		t.Errorf("the next request: status %d, the host heard %v", r.Status, h.panicked)
	}
	if OnFS(r); r.Status != ffi.FSDone {
		t.Errorf("the one after that: status %d", r.Status)
	}
}

// What a guest gets in time is not taken back; nor does a file system in memory wait for a context.
func TestFSCallsInTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := opened(t, &testHost{}, &scriptFS{}).mount
	if err := m.take(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.run(ctx, func() error { return nil }, func() { t.Error("taken back") }); err != nil {
		t.Error(err)
	}
	cancel()
	h := &testHost{stop: ctx}
	n := opened(t, h, &scriptFS{size: 4})
	r := &ffi.FSRequest{Env: nodes.Add(&h.shelf.nodes, n), What: ffi.FSFileStat}
	defer nodes.Remove(r.Env)
	n.mount.turn <- struct{}{}
	if OnFS(r); r.Status != ffi.FSStop {
		t.Errorf("a guest that has to stop: status %d", r.Status)
	}
	n.mount.release()
	n.mount.inMemory = true
	if OnFS(r); r.Status != ffi.FSDone || r.Stat.Size != 4 {
		t.Errorf("in memory: status %d, %d bytes", r.Status, r.Stat.Size)
	}
}

// A result that comes at the moment in which the guest is stopped is either the guest's or taken back.
func TestFSCallsSettleOnce(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		m := opened(t, &testHost{}, &scriptFS{}).mount
		undone := make(chan struct{}, 1)
		if err := m.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := m.run(ctx, func() error { cancel(); return nil }, func() { undone <- struct{}{} })
		m.turn <- struct{}{} // it is over
		if (err == errStopped) != (len(undone) == 1) {
			t.Fatalf("the guest got %v, and it was taken back %d times", err, len(undone))
		}
	}
}

// Files that are closed with the store are closed together, one of a file system at a time.
func TestFilesGoneTogether(t *testing.T) {
	h := &testHost{}
	h.Behind().Together = true
	let, closing := make(chan struct{}), 0
	f := &scriptFS{close: func() {
		if closing++; closing > 1 {
			panic("two at a time")
		}
		<-let
		closing--
	}}
	at := root(t, f, h)
	gone := []uint64{nodes.Add(&h.shelf.nodes, &node{mount: at.mount, path: "."})}
	for range 3 {
		child, _, err := at.open("file", 0)
		if err != nil {
			t.Fatal(err)
		}
		gone = append(gone, nodes.Add(&h.shelf.nodes, child))
	}
	for _, number := range gone {
		OnFS(&ffi.FSRequest{Env: number, What: ffi.FSGone})
	}
	if h.behind.waited != 0 {
		t.Error("it has waited for each")
	}
	time.AfterFunc(time.Millisecond, func() { close(let) })
	h.behind.Await()
	if value, panicked := h.behind.Panicked(); panicked {
		t.Error(value)
	}
	if f.open != 0 {
		t.Errorf("%d files are open", f.open)
	}
}
