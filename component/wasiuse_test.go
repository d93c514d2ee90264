package component_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// hands lends and gives its standard streams and what it is passed to the host, and waits for the host's pollables.
const hands = `(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type (sub resource)))
    (export "[method]input-stream.subscribe" (func (param "self" (borrow $in)) (result (own $p))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input (type $i'))
    (export "input-stream" (type $i (eq $i')))
    (export "get-stdin" (func (result (own $i))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output (type $o'))
    (export "output-stream" (type $o (eq $o')))
    (export "get-stdout" (func (result (own $o))))))
  (import "wasi:filesystem/types@0.2.0" (instance $fs (export "descriptor" (type (sub resource)))))
  (alias export $fs "descriptor" (type $descriptor))
  (import "test:host/hands" (instance $hands
    (alias outer 1 $input (type $i'))
    (export "input-stream" (type $i (eq $i')))
    (alias outer 1 $output (type $o'))
    (export "output-stream" (type $o (eq $o')))
    (alias outer 1 $descriptor (type $d'))
    (export "descriptor" (type $d (eq $d')))
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "lend-input" (func (param "s" (borrow $i))))
    (export "give-input" (func (param "s" (own $i))))
    (export "lend-output" (func (param "s" (borrow $o))))
    (export "lend-descriptor" (func (param "d" (borrow $d))))
    (export "new-pollable" (func (result (own $p))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $lend-input (canon lower (func $hands "lend-input")))
  (core func $give-input (canon lower (func $hands "give-input")))
  (core func $lend-output (canon lower (func $hands "lend-output")))
  (core func $lend-descriptor (canon lower (func $hands "lend-descriptor")))
  (core func $new-pollable (canon lower (func $hands "new-pollable")))
  (core func $subscribe (canon lower (func $streams "[method]input-stream.subscribe")))
  (core func $after (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core func $poll' (canon lower (func $poll "poll") (memory $m) (realloc $realloc)))
  (core func $drop-input (canon resource.drop $input))
  (core func $drop-output (canon resource.drop $output))
  (core func $drop-descriptor (canon resource.drop $descriptor))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core module $main
    (import "" "get-stdin" (func $get-stdin (result i32)))
    (import "" "get-stdout" (func $get-stdout (result i32)))
    (import "" "lend-input" (func $lend-input (param i32)))
    (import "" "give-input" (func $give-input (param i32)))
    (import "" "lend-output" (func $lend-output (param i32)))
    (import "" "lend-descriptor" (func $lend-descriptor (param i32)))
    (import "" "new-pollable" (func $new-pollable (result i32)))
    (import "" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "" "after" (func $after (param i64) (result i32)))
    (import "" "block" (func $block (param i32)))
    (import "" "ready" (func $ready (param i32) (result i32)))
    (import "" "poll" (func $poll (param i32 i32 i32)))
    (import "" "drop-input" (func $drop-input (param i32)))
    (import "" "drop-output" (func $drop-output (param i32)))
    (import "" "drop-descriptor" (func $drop-descriptor (param i32)))
    (import "" "drop-pollable" (func $drop-pollable (param i32)))
    (import "" "memory" (memory 1))
    (func (export "lend-input") (local $s i32)
      (call $lend-input (local.tee $s (call $get-stdin)))
      (call $drop-input (local.get $s)))
    (func (export "give-input") (call $give-input (call $get-stdin)))
    (func (export "lend-output") (local $s i32)
      (call $lend-output (local.tee $s (call $get-stdout)))
      (call $drop-output (local.get $s)))
    (func (export "lend-descriptor") (param $d i32)
      (call $lend-descriptor (local.get $d))
      (call $drop-descriptor (local.get $d)))
    (func (export "lend") (param $s i32)
      (call $lend-input (local.get $s))
      (call $drop-input (local.get $s)))
    ;; Waits for a pollable of the host's, some time, and standard input. What is ready is a set of bits.
    (func (export "wait") (param $time i64) (result i32) (local $s i32) (local $at i32) (local $set i32)
      (i32.store (i32.const 0) (call $new-pollable))
      (i32.store (i32.const 4) (call $after (local.get $time)))
      (i32.store (i32.const 8) (call $subscribe (local.tee $s (call $get-stdin))))
      (call $poll (i32.const 0) (i32.const 3) (i32.const 16))
      (local.set $at (i32.load (i32.const 20)))
      (loop $next
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (local.set $set (i32.or (local.get $set) (i32.shl (i32.const 1)
          (i32.load (i32.add (i32.load (i32.const 16)) (i32.mul (local.get $at) (i32.const 4)))))))
        (br_if $next (local.get $at)))
      (call $drop-pollable (i32.load (i32.const 0)))
      (call $drop-pollable (i32.load (i32.const 4)))
      (call $drop-pollable (i32.load (i32.const 8)))
      (call $drop-input (local.get $s))
      (local.get $set))
    (func (export "block") (local $p i32)
      (call $block (local.tee $p (call $new-pollable)))
      (call $drop-pollable (local.get $p)))
    (func (export "ready") (result i32) (local $p i32)
      (call $ready (local.tee $p (call $new-pollable)))
      (call $drop-pollable (local.get $p)))
    (func (export "hoard") (param $n i32)
      (loop $next
        (drop (call $ready (call $new-pollable)))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (core instance $i (instantiate $main (with "" (instance
    (export "get-stdin" (func $get-stdin)) (export "get-stdout" (func $get-stdout))
    (export "lend-input" (func $lend-input)) (export "give-input" (func $give-input))
    (export "lend-output" (func $lend-output)) (export "lend-descriptor" (func $lend-descriptor))
    (export "new-pollable" (func $new-pollable)) (export "subscribe" (func $subscribe)) (export "after" (func $after))
    (export "block" (func $block)) (export "ready" (func $ready)) (export "poll" (func $poll'))
    (export "drop-input" (func $drop-input)) (export "drop-output" (func $drop-output))
    (export "drop-descriptor" (func $drop-descriptor)) (export "drop-pollable" (func $drop-pollable))
    (export "memory" (memory $m))))))
  (func (export "lend-input") (canon lift (core func $i "lend-input")))
  (func (export "give-input") (canon lift (core func $i "give-input")))
  (func (export "lend-output") (canon lift (core func $i "lend-output")))
  (func (export "lend-descriptor") (param "d" (own $descriptor)) (canon lift (core func $i "lend-descriptor")))
  (func (export "lend") (param "s" (own $input)) (canon lift (core func $i "lend")))
  (func (export "wait") (param "time" u64) (result u32) (canon lift (core func $i "wait")))
  (func (export "block") (canon lift (core func $i "block")))
  (func (export "ready") (result bool) (canon lift (core func $i "ready")))
  (func (export "hoard") (param "n" u32) (canon lift (core func $i "hoard"))))`

// handsComponent is hands, compiled.
var handsComponent = sync.OnceValues(func() (*component.Component, error) {
	return share(component.New(stdEngine(), []byte(hands)))
})

// handsHost is what hands calls.
type handsHost struct {
	lendInput, giveInput, lendOutput, lendDescriptor func(*wasmtime.Caller, *component.Resource) error
	newPollable                                      func(*wasmtime.Caller) (*component.Resource, error)
}

// handsGuest is an instance of hands.
type handsGuest struct {
	t        *testing.T
	linker   *component.Linker
	store    *wasmtime.Store
	instance *component.Instance
}

func newGuest(t *testing.T, config *wasmtime.WasiConfig, h handsHost) *handsGuest {
	t.Helper()
	linker := component.NewLinker(stdEngine())
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	in := linker.Instance("test:host/hands")
	for name, f := range map[string]func(*wasmtime.Caller, *component.Resource) error{
		"lend-input": h.lendInput, "give-input": h.giveInput, "lend-output": h.lendOutput, "lend-descriptor": h.lendDescriptor,
	} {
		Check(t, in.Func(name, func(c *wasmtime.Caller, r *component.Resource) error { return f(c, r) }))
	}
	Check(t, in.Func("new-pollable", func(c *wasmtime.Caller) (*component.Resource, error) { return h.newPollable(c) }))
	store := wasmtime.NewStore(stdEngine())
	t.Cleanup(store.Close)
	store.SetEpochDeadline(1 << 40)
	Check(t, store.ConfigureWasi(config))
	return &handsGuest{t, linker, store, Must(linker.Instantiate(nil, store, Must(handsComponent())))}
}

// isError checks that an error, of whatever type, wraps another.
func isError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %T %v, want an error that wraps %q", err, err, target)
	}
}

// call calls an export.
func (g *handsGuest) call(ctx context.Context, name string, args ...any) (any, error) {
	g.t.Helper()
	return Must(g.instance.Func(name)).Call(ctx, args...)
}

const text = "0123456789abcdef"

// A Go function reads what a guest lends, whatever is behind it, and what the guest has given is the program's.
func TestWasiReader(t *testing.T) {
	long := strings.Repeat(text, 20_000)
	file := filepath.Join(t.TempDir(), "in")
	Check(t, os.WriteFile(file, []byte(long), 0o600))
	for name, give := range map[string]func(*wasmtime.WasiConfig) error{
		"bytes":  func(c *wasmtime.WasiConfig) error { c.SetStdinBytes([]byte(long)); return nil },
		"reader": func(c *wasmtime.WasiConfig) error { c.SetStdin(io.MultiReader(strings.NewReader(long))); return nil },
		"file":   func(c *wasmtime.WasiConfig) error { return c.SetStdinFile(file) },
		"pipe": func(c *wasmtime.WasiConfig) error {
			r, w := Pipe(t)
			go func() { io.WriteString(w, long); w.Close() }()
			c.SetStdin(r)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := wasmtime.NewWasiConfig()
			Check(t, give(config))
			var kept *component.StreamReader
			var own *component.Resource
			g := newGuest(t, config, handsHost{
				lendInput: func(c *wasmtime.Caller, r *component.Resource) error {
					s, err := component.WasiReader(c, r)
					Check(t, err)
					head := make([]byte, 3)
					Equal(t, "head", Must(io.ReadFull(s, head)), 3)
					isError(t, s.Close(), component.ErrBorrowed)
					if _, err := component.WasiWriter(c, r); !errors.Is(err, component.ErrType) {
						t.Errorf("an input as an output: %v", err)
					}
					if _, err := component.WasiFile(c, r); !errors.Is(err, component.ErrType) {
						t.Errorf("an input as a file: %v", err)
					}
					kept = s
					return nil
				},
				giveInput: func(c *wasmtime.Caller, r *component.Resource) error { own = r; return nil },
			})
			Must(g.call(context.Background(), "lend-input"))
			_, err := kept.Read(make([]byte, 1))
			isError(t, err, component.ErrHandle)
			isError(t, kept.Close(), component.ErrBorrowed)

			Must(g.call(context.Background(), "give-input"))
			s := Must(component.WasiReader(g.store, own))
			rest := Must(io.ReadAll(s))
			// Where the descriptor has a position, each stream of standard input goes on from it.
			if !strings.HasSuffix(long, string(rest)) || len(rest) < len(long)-3 {
				t.Errorf("%d of %d bytes", len(rest), len(long))
			}
			_, err = s.Read(make([]byte, 1))
			Equal(t, "at the end", err, io.EOF)
			Check(t, s.Close())
			isError(t, s.Close(), fs.ErrClosed)
			_, err = s.Read(make([]byte, 1))
			isError(t, err, fs.ErrClosed)
			isError(t, own.Drop(nil), component.ErrHandle)
			_, err = component.WasiReader(g.store, own)
			isError(t, err, component.ErrHandle)

			other := wasmtime.NewStore(stdEngine())
			defer other.Close()
			_, err = component.WasiReader(other, own)
			isError(t, err, wasmtime.ErrWrongStore)
			_, err = component.WasiReader(g.store, nil)
			isError(t, err, wasmtime.ErrClosed)
			g.store.Close()
			_, err = kept.Read(make([]byte, 1))
			isError(t, err, wasmtime.ErrClosed)
		})
	}
}

// signalled is a reader that says when it is asked.
type signalled struct {
	io.Reader
	asked func()
}

func (s signalled) Read(p []byte) (int, error) {
	s.asked()
	return s.Reader.Read(p)
}

// A wait of the host's ends with the context of the guest's call, and with one of its own.
func TestWasiReaderContext(t *testing.T) {
	for _, kind := range []string{"reader", "pipe"} {
		ctx, cancel := context.WithCancel(context.Background())
		config := wasmtime.NewWasiConfig()
		asked := cancel
		if kind == "reader" {
			in, _ := io.Pipe()
			config.SetStdin(signalled{in, func() { cancel() }})
		} else {
			in, _ := Pipe(t)
			config.SetStdin(in)
			asked = func() { time.AfterFunc(20*time.Millisecond, cancel) }
		}
		var failed error
		var own *component.Resource
		g := newGuest(t, config, handsHost{
			lendInput: func(c *wasmtime.Caller, r *component.Resource) error {
				s, err := component.WasiReader(c, r)
				Check(t, err)
				if kind != "reader" {
					asked()
				}
				_, failed = s.Read(make([]byte, 1))
				return failed
			},
			giveInput: func(_ *wasmtime.Caller, r *component.Resource) error { own = r; return nil },
		})
		Must(g.call(context.Background(), "give-input"))
		_, err := g.call(ctx, "lend-input")
		isError(t, err, context.Canceled)
		isError(t, failed, context.Canceled)
		var trap *wasmtime.Trap
		if !errors.As(failed, &trap) {
			t.Errorf("%s: the host has %v", kind, failed)
		}

		s := Must(component.WasiReader(g.store, own))
		ctx, cancel = context.WithCancel(context.Background())
		s.SetContext(ctx)
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err = s.Read(make([]byte, 1))
		isError(t, err, context.Canceled)
		cancel()
	}
}

// blockedReader says that it is read, and ends when it may.
type blockedReader struct{ inside, may chan struct{} }

func (r blockedReader) Read([]byte) (int, error) {
	close(r.inside)
	<-r.may
	return 0, io.EOF
}

// What a context has ended can be closed, and so can what could not be closed at first.
func TestWasiCloseAgain(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "f"), []byte("text"), 0o600))
	engine := EngineWith(t, func(c *wasmtime.Config) { c.SetEpochInterruption(true) })
	defer engine.Close()
	store := wasmtime.NewStore(engine)
	defer store.Close()
	config := wasmtime.NewWasiConfig()
	Check(t, store.ConfigureWasi(config))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	root := Must(component.WasiFile(store, Must(component.NewDescriptor(store, os.DirFS(dir)))))
	for range 2 * 1024 { // twice as many as may be open
		f, err := root.OpenFile("f", os.O_RDONLY)
		Check(t, err)
		f.SetContext(ended)
		_, err = f.Read(make([]byte, 1))
		isError(t, err, context.Canceled)
		Check(t, f.Close())
		isError(t, f.Close(), fs.ErrClosed)
	}
	_, err := root.ReadDir(1)
	Check(t, err)
	root.SetContext(ended)
	Check(t, root.Close())

	r := Must(component.WasiReader(store, Must(component.NewInput(store, strings.NewReader("text")))))
	r.SetContext(ended)
	Check(t, r.Close())
	pipe, w := Pipe(t)
	fd := Must(store.PushFile(w, wasmtime.WRITE_ONLY))
	out := Must(component.WasiWriter(store, Must(component.WasiOutput(store, fd))))
	out.SetContext(ended)
	isError(t, out.Close(), context.Canceled)
	out.SetContext(nil)
	Check(t, out.Close())
	isError(t, out.Close(), fs.ErrClosed)
	_ = pipe

	// While another goroutine uses the store, nothing is closed.
	inside, in := make(chan struct{}), make(chan struct{})
	blocked := Must(component.WasiReader(store, Must(component.NewInput(store, blockedReader{inside, in}))))
	f := Must(component.WasiReader(store, Must(component.NewInput(store, strings.NewReader("text")))))
	done := make(chan error)
	go func() {
		_, err := blocked.Read(make([]byte, 1))
		done <- err
	}()
	<-inside
	isError(t, f.Close(), wasmtime.ErrConcurrentUse)
	close(in)
	isError(t, <-done, io.EOF)
	Check(t, f.Close())
	isError(t, f.Close(), fs.ErrClosed)

	// Nothing that nobody has made is used.
	for what, err := range map[string]error{
		"Read": ErrorOf(new(component.StreamReader).Read(nil)), "Close": new(component.StreamReader).Close(),
		"Flush": new(component.StreamWriter).Flush(), "Write": ErrorOf(new(component.StreamWriter).Write([]byte("x"))),
		"Stat": ErrorOf(new(component.File).Stat()), "ReadDir": ErrorOf(new(component.File).ReadDir(0)),
		"OpenFile": ErrorOf(new(component.File).OpenFile("f", 0)), "Open": ErrorOf(new(component.File).FS().Open("f")),
		"File.Close": new(component.File).Close(),
	} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s of nothing: %v", what, err)
		}
	}
	never := Must(component.NewPollableContext(store, nil))
	Check(t, never.Drop(nil))
}

// A Go function writes to what a guest lends, after what the guest has written.
func TestWasiWriter(t *testing.T) {
	long := strings.Repeat(text, 20_000)
	var out bytes.Buffer
	config := wasmtime.NewWasiConfig()
	config.SetStdout(&out)
	g := newGuest(t, config, handsHost{lendOutput: func(c *wasmtime.Caller, r *component.Resource) error {
		s, err := component.WasiWriter(c, r)
		Check(t, err)
		Equal(t, "written", Must(io.WriteString(s, long)), len(long))
		Check(t, s.Flush())
		isError(t, s.Close(), component.ErrBorrowed)
		_, err = component.WasiReader(c, r)
		isError(t, err, component.ErrType)
		return nil
	}})
	Must(g.call(context.Background(), "lend-output"))
	if out.String() != long {
		t.Errorf("%d of %d bytes", out.Len(), len(long))
	}

	for _, c := range []struct{ says, means error }{
		{fs.ErrPermission, fs.ErrPermission}, {syscall.ENOSPC, syscall.ENOSPC}, {io.ErrClosedPipe, io.ErrClosedPipe},
		{errors.New("anything"), syscall.EIO},
	} {
		w := Must(component.WasiWriter(g.store, Must(component.NewOutput(g.store, failingWriter{c.says}))))
		_, err := io.WriteString(w, text)
		isError(t, err, c.means)
		var path *fs.PathError
		if !errors.As(err, &path) || path.Path != "output-stream" {
			t.Errorf("%#v", err)
		}
		_ = w.Close()
	}
	r := Must(component.WasiReader(g.store, Must(component.NewInput(g.store, iotestErr{fs.ErrNotExist}))))
	_, err := r.Read(make([]byte, 1))
	isError(t, err, fs.ErrNotExist)
	Check(t, r.Close())
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

type iotestErr struct{ err error }

func (r iotestErr) Read([]byte) (int, error) { return 0, r.err }

// A Go function uses a descriptor that a guest lends as far as its mode allows, and one that is its own.
func TestWasiFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	Check(t, os.WriteFile(path, []byte(text), 0o600))
	var lent func(*component.File)
	g := newGuest(t, wasmtime.NewWasiConfig(), handsHost{lendDescriptor: func(c *wasmtime.Caller, r *component.Resource) error {
		f, err := component.WasiFile(c, r)
		Check(t, err)
		lent(f)
		isError(t, f.Close(), component.ErrBorrowed)
		return nil
	}})
	lend := func(fd uint32, err error, use func(f *component.File)) {
		t.Helper()
		Check(t, err)
		lent = use
		Must(g.call(context.Background(), "lend-descriptor", Must(component.WasiDescriptor(g.store, fd))))
	}
	open := func(flag int) *os.File {
		f := Must(os.OpenFile(path, flag, 0))
		t.Cleanup(func() { f.Close() })
		return f
	}
	fd, err := g.store.PushFile(open(os.O_RDWR), wasmtime.READ_ONLY)
	lend(fd, err, func(f *component.File) {
		Equal(t, "content", string(Must(io.ReadAll(f))), text)
		Equal(t, "position", Must(f.Seek(-3, io.SeekEnd)), int64(len(text)-3))
		Equal(t, "rest", string(Must(io.ReadAll(f))), "def")
		part := make([]byte, 5)
		n, err := f.ReadAt(part, 13)
		Equal(t, "at the end", fmt.Sprintln(n, err, string(part[:n])), "3 EOF def\n")
		info := Must(f.Stat())
		Equal(t, "attributes", fmt.Sprint(info.Size(), info.Mode(), info.IsDir()), "16 -r--r--r-- false")
		if time.Since(info.ModTime()) > time.Hour {
			t.Errorf("modified at %v", info.ModTime())
		}
		_, err = f.Write([]byte("no"))
		isError(t, err, fs.ErrPermission)
		isError(t, f.Truncate(0), fs.ErrPermission)
		_, err = f.ReadDir(-1)
		isError(t, err, syscall.ENOTDIR)
		_, err = f.ReadAt(part, -1)
		isError(t, err, fs.ErrInvalid)
		_, err = f.Seek(-1, io.SeekStart)
		isError(t, err, fs.ErrInvalid)
	})
	fd, err = g.store.PushFile(open(os.O_RDWR), wasmtime.WRITE_ONLY)
	lend(fd, err, func(f *component.File) {
		_, err := f.Read(make([]byte, 1))
		isError(t, err, syscall.EBADF)
		Equal(t, "written", Must(f.Write([]byte("AB"))), 2)
		Equal(t, "written", Must(f.Write([]byte("CD"))), 2)
		Equal(t, "written", Must(f.WriteAt([]byte("Z"), 15)), 1)
		Check(t, f.Sync())
		Check(t, f.Truncate(15))
		Equal(t, "mode", Must(f.Stat()).Mode().String(), "--w--w--w-")
	})
	Equal(t, "the file", string(Must(os.ReadFile(path))), "ABCD456789abcde")

	tree := fstest.MapFS{"a/b": {Data: []byte("in Go")}, "c": {Data: []byte("c")}}
	fd, err = g.store.PushFS(tree, "")
	lend(fd, err, func(f *component.File) { testTree(t, f, true) })
	Check(t, os.MkdirAll(filepath.Join(dir, "d", "a"), 0o700))
	Check(t, os.WriteFile(filepath.Join(dir, "d", "a", "b"), []byte("in Go"), 0o600))
	Check(t, os.WriteFile(filepath.Join(dir, "d", "c"), []byte("c"), 0o600))
	host := Must(os.Open(filepath.Join(dir, "d")))
	defer host.Close()
	fd, err = g.store.PushDir(host, "", wasmtime.READ_WRITE)
	lend(fd, err, func(f *component.File) { testTree(t, f, false) })
	Equal(t, "new", string(Must(os.ReadFile(filepath.Join(dir, "d", "new")))), "12")

	own := Must(component.WasiFile(g.store, Must(component.WasiDescriptor(g.store, Must(g.store.PushFS(tree, ""))))))
	Must(own.ReadDir(1)) // which is not at its end when the directory is closed
	Check(t, own.Close())
	isError(t, own.Close(), fs.ErrClosed)
	_, err = own.Stat()
	isError(t, err, fs.ErrClosed)
}

// testTree uses a directory with a/b and c.
func testTree(t *testing.T, f *component.File, readOnly bool) {
	t.Helper()
	Equal(t, "is a directory", Must(f.Stat()).IsDir(), true)
	_, err := f.Read(make([]byte, 1))
	if err == nil || err == io.EOF {
		t.Errorf("a directory was read: %v", err)
	}
	names := func(entries []fs.DirEntry, err error) string {
		Check(t, err)
		all := make([]string, 0, len(entries))
		for _, e := range entries {
			all = append(all, fmt.Sprint(e, Must(e.Info()).Size() == 1))
		}
		slices.Sort(all)
		return strings.Join(all, ", ")
	}
	const both = "- c true, d a/ false"
	Equal(t, "entries", names(f.ReadDir(-1)), both)
	Equal(t, "and more", names(f.ReadDir(-1)), "")
	_, err = f.ReadDir(1)
	Equal(t, "at the end", err, io.EOF)
	Must(f.Seek(0, io.SeekStart))
	one, err := f.ReadDir(1)
	two, err2 := f.ReadDir(5)
	Equal(t, "one by one", names(append(one, two...), errors.Join(err, err2)), both)

	tree := f.FS()
	Equal(t, "a file", string(Must(fs.ReadFile(tree, "a/b"))), "in Go")
	_, err = fs.Stat(tree, "nothing")
	isError(t, err, fs.ErrNotExist)
	_, err = tree.Open("nothing")
	isError(t, err, fs.ErrNotExist)
	_, err = f.OpenFile("../f", os.O_RDONLY)
	isError(t, err, fs.ErrPermission)
	_, err = tree.Open("../f")
	isError(t, err, fs.ErrInvalid)
	if err := fstest.TestFS(tree, "a/b", "c"); err != nil {
		t.Error(err)
	}
	made, err := f.OpenFile("new", os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND)
	if readOnly {
		isError(t, err, fs.ErrPermission)
		return
	}
	Check(t, err)
	Equal(t, "name", made.Name(), "new")
	Must(made.Write([]byte("1")))
	Must(made.Seek(0, io.SeekStart))
	Must(made.Write([]byte("2")))
	Check(t, made.Close())
	_, err = f.OpenFile("new", os.O_RDWR|os.O_CREATE|os.O_EXCL)
	isError(t, err, fs.ErrExist)
}

// settled waits until there are no more goroutines than there were.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, there were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// A guest that waits for a pollable of Go's together with others goes on when one of them is ready.
func TestPollable(t *testing.T) {
	var done chan struct{}
	var made atomic.Int32
	in, toGuest := Pipe(t)
	config := wasmtime.NewWasiConfig()
	config.SetStdin(in)
	h := handsHost{newPollable: func(c *wasmtime.Caller) (*component.Resource, error) {
		made.Add(1)
		return component.NewPollable(c, done)
	}}
	g := newGuest(t, config, h)
	before := runtime.NumGoroutine()
	const long = uint64(1 << 62)

	done = make(chan struct{})
	close(done)
	Equal(t, "done before", Must(g.call(context.Background(), "wait", long)), any(uint32(1)))
	Equal(t, "ready", Must(g.call(context.Background(), "ready")), any(true))
	done = make(chan struct{})
	Equal(t, "a time", Must(g.call(context.Background(), "wait", uint64(1000))), any(uint32(2)))
	Equal(t, "not ready", Must(g.call(context.Background(), "ready")), any(false))
	settled(t, before)
	time.AfterFunc(20*time.Millisecond, func() { close(done) })
	Equal(t, "done", Must(g.call(context.Background(), "wait", long)), any(uint32(1)))
	done = make(chan struct{})
	time.AfterFunc(20*time.Millisecond, func() { close(done) })
	Must(g.call(context.Background(), "block"))
	done = nil
	go io.WriteString(toGuest, "x")
	Equal(t, "input", Must(g.call(context.Background(), "wait", long)), any(uint32(4)))
	settled(t, before)

	// A context ends the wait, and what is left of it ends with the store.
	done = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	made.Store(0)
	go func() {
		for made.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := g.call(ctx, "block")
	isError(t, err, context.Canceled)
	g.store.Close()
	settled(t, before)

	// So it does if the guest keeps what it has.
	g = newGuest(t, wasmtime.NewWasiConfig(), h)
	Must(g.call(context.Background(), "hoard", uint32(100)))
	g.store.Close()
	settled(t, before)
}

func TestPollableLimits(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	_, err := component.NewPollable(store, nil)
	isError(t, err, wasmtime.ErrNoWasi)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	_, err = component.NewPollable(nil, nil)
	isError(t, err, wasmtime.ErrClosed)
	p := Must(component.NewPollable(store, nil))
	Equal(t, "name", p.Name(), "pollable")
	Check(t, p.Drop(nil))
	isError(t, p.Drop(nil), component.ErrHandle)
	ctx, cancel := context.WithCancel(context.Background())
	Check(t, Must(component.NewPollableContext(store, ctx)).Drop(nil))
	cancel()
	component.SetLimits(store, component.Limits{Resources: 3})
	for range 3 {
		Must(component.NewPollable(store, nil))
	}
	_, err = component.NewPollable(store, nil)
	isError(t, err, component.ErrTooManyHandles)
	// Nothing is left behind: the number is free.
	Equal(t, "free", Must(store.PushReader(strings.NewReader(""))), 3)
}

// A reader that a host function pushes and cannot give away is not left behind.
func TestNewInput(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	_, err := component.NewInput(store, strings.NewReader(text))
	isError(t, err, wasmtime.ErrNoWasi)
	_, err = component.NewInput(nil, strings.NewReader(text))
	isError(t, err, wasmtime.ErrClosed)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	_, err = component.NewInput(store, nil)
	isError(t, err, wasmtime.ErrBadFile)
	component.SetLimits(store, component.Limits{Resources: 2})
	in, out := Must(component.NewInput(store, strings.NewReader(text))), Must(component.NewOutput(store, io.Discard))
	for range 10 {
		_, err = component.NewInput(store, strings.NewReader(text))
		isError(t, err, component.ErrTooManyHandles)
		_, err = component.NewOutput(store, io.Discard)
		isError(t, err, component.ErrTooManyHandles)
		_, err = component.NewDescriptor(store, fstest.MapFS{})
		isError(t, err, component.ErrTooManyHandles)
	}
	Equal(t, "free", Must(store.PushReader(strings.NewReader(""))), 3)
	Check(t, in.Drop(nil))
	Check(t, out.Drop(nil))
	dir := Must(component.NewDescriptor(store, fstest.MapFS{}))
	Equal(t, "name", dir.Name(), "descriptor")
	Check(t, dir.Drop(nil))
	_, err = component.NewDescriptor(store, nil)
	if err == nil {
		t.Error("a file system that is nil")
	}
}

// What a Go function makes of a guest's stream cannot be served to the guest: it would use the store in the middle of
// the guest's call of WASI.
func TestWasiReaderServed(t *testing.T) {
	config := wasmtime.NewWasiConfig()
	config.SetStdinBytes([]byte(text))
	var failed error
	g := newGuest(t, config, handsHost{
		giveInput: func(c *wasmtime.Caller, r *component.Resource) error {
			s, err := component.WasiReader(c, r)
			Check(t, err)
			again, err := component.WasiReader(c, Must(component.NewInput(c, io.MultiReader(s))))
			Check(t, err)
			_, failed = again.Read(make([]byte, 1))
			return nil
		},
	})
	Must(g.call(context.Background(), "give-input"))
	isError(t, failed, syscall.EIO)
}

// A lent stream that is used first inside of another call is what it is, and afterwards all is as it was.
func TestWasiReaderNested(t *testing.T) {
	config := wasmtime.NewWasiConfig()
	config.SetStdinBytes([]byte(text))
	var g *handsGuest
	var outer, own *component.Resource
	read := func(c *wasmtime.Caller, r *component.Resource) string {
		part := make([]byte, 4)
		return string(part[:Must(Must(component.WasiReader(c, r)).Read(part))])
	}
	lent := func(c *wasmtime.Caller, r *component.Resource) error {
		if outer != nil {
			Equal(t, "of the outer call", read(c, outer), "0123")
			Equal(t, "of the inner call", read(c, r), "own!")
			_, err := component.WasiReader(c, own)
			isError(t, err, component.ErrHandle)
			return nil
		}
		outer, own = r, Must(component.NewInput(c, strings.NewReader("own!")))
		other := Must(g.linker.Instantiate(nil, c, Must(handsComponent())))
		Must(Must(other.Func("lend")).Call(nil, own))
		Equal(t, "afterwards", read(c, r), "4567")
		return nil
	}
	g = newGuest(t, config, handsHost{lendInput: func(c *wasmtime.Caller, r *component.Resource) error { return lent(c, r) }})
	Must(g.call(context.Background(), "lend-input"))
	_, err := component.WasiReader(g.store, outer)
	isError(t, err, component.ErrHandle)

	// What is the host's own stays so when it has been used.
	own = Must(component.NewInput(g.store, strings.NewReader("own!own!")))
	lent = func(*wasmtime.Caller, *component.Resource) error { return nil }
	s := Must(component.WasiReader(g.store, own))
	Equal(t, "own", Must(io.ReadFull(s, make([]byte, 4))), 4)
	Must(g.call(context.Background(), "lend", own))
	_, err = s.Read(make([]byte, 1))
	isError(t, err, component.ErrHandle)
}

// The streams of a guest's own sockets, which are upstream's, are read and written like all others.
func TestWasiReaderOfSocket(t *testing.T) {
	listener := Must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	go func() {
		conn := Must(listener.Accept())
		got, _ := io.ReadAll(conn)
		time.Sleep(20 * time.Millisecond) // the guest waits
		fmt.Fprintf(conn, "I got %s", got)
		conn.Close()
	}()
	p := newProgram(t, "connect", listener.Addr().String())
	p.config.InheritNetwork()
	p.config.AllowTCP(true)
	p.Linker = component.NewLinker(stdEngine())
	defer p.Linker.Close()
	Check(t, p.Linker.DefineWasi())
	streams := p.Linker.Instance("wasi:io/streams@0.2.0")
	var read, written atomic.Int32
	for _, name := range []string{"read", "blocking-read"} {
		Check(t, streams.Func("[method]input-stream."+name, func(c *wasmtime.Caller, s *component.Resource, n uint64) ([]byte, error) {
			buffer := make([]byte, min(n, 1000))
			got, err := Must(component.WasiReader(c, s)).Read(buffer)
			if err == io.EOF {
				return nil, &component.ResultError{Value: component.Variant{Case: "closed"}}
			}
			read.Add(int32(got))
			return buffer[:got], err
		}))
	}
	for _, name := range []string{"write", "blocking-write-and-flush"} {
		Check(t, streams.Func("[method]output-stream."+name, func(c *wasmtime.Caller, s *component.Resource, contents []byte) error {
			n, err := Must(component.WasiWriter(c, s)).Write(contents)
			written.Add(int32(n))
			return err
		}))
	}
	const answer = "answer I got hello from the guest\n"
	Equal(t, "stdout", p.run(), answer)
	Equal(t, "read", read.Load(), int32(len("I got hello from the guest\n")))
	Equal(t, "written", written.Load(), int32(len("hello from the guest\n")+len(answer)))
}
