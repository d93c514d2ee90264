package component_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// pourWat writes as many bytes as a stream takes without waiting, and tells how many; and it splices.
const pourWat = `(component
  (import "wasi:io/error@0.2.0" (instance $io-error (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $output)) (result (result u64 (error $stream-error)))))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $output)) (param "contents" (list u8)) (result (result (error $stream-error)))))
    (export "[method]output-stream.blocking-splice" (func (param "self" (borrow $output))
      (param "src" (borrow $input)) (param "len" u64) (result (result u64 (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (core module $libc (memory (export "memory") 4))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $check-write (canon lower (func $streams "[method]output-stream.check-write") (memory $memory)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $splice (canon lower (func $streams "[method]output-stream.blocking-splice") (memory $memory)))
  (core func $drop-input (canon resource.drop $input))
  (core func $drop-output (canon resource.drop $output))
  (core module $m
    (import "libc" "memory" (memory 4))
    (import "" "check-write" (func $check-write (param i32 i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (import "" "splice" (func $splice (param i32 i32 i64 i32)))
    (import "" "drop-input" (func $drop-input (param i32)))
    (import "" "drop-output" (func $drop-output (param i32)))
    (func (export "pour") (param $s i32) (result i64) (local $all i64) (local $n i64)
      (block $done (loop $next
        (call $check-write (local.get $s) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then unreachable))
        (local.set $n (i64.load (i32.const 24)))
        (br_if $done (i64.eqz (local.get $n)))
        (call $write (local.get $s) (i32.const 1024) (i32.wrap_i64 (local.get $n)) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then unreachable))
        (local.set $all (i64.add (local.get $all) (local.get $n)))
        (br $next)))
      (call $drop-output (local.get $s))
      (local.get $all))
    (func (export "splice") (param $to i32) (param $from i32) (param $n i64) (result i32)
      (call $splice (local.get $to) (local.get $from) (local.get $n) (i32.const 16))
      (call $drop-output (local.get $to))
      (call $drop-input (local.get $from))
      (i32.eqz (i32.load8_u (i32.const 16)))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "check-write" (func $check-write)) (export "write" (func $write)) (export "splice" (func $splice))
    (export "drop-input" (func $drop-input)) (export "drop-output" (func $drop-output))))))
  (func (export "pour") (param "s" (borrow $output)) (result u64) (canon lift (core func $i "pour")))
  (func (export "splice") (param "to" (borrow $output)) (param "from" (borrow $input)) (param "n" u64) (result bool)
    (canon lift (core func $i "splice"))))`

var pourComponent = sync.OnceValues(func() (*component.Component, error) {
	return share(component.New(stdEngine(), []byte(pourWat)))
})

// pouring is a guest that pours, and a connection of which the peer reads what it is told to read.
type pouring struct {
	*socketGuest
	pours                 *component.Instance
	socket, input, output *component.Resource
	peer                  net.Conn
}

// newPouring makes one that takes so little that a part of what the guest writes is kept.
func newPouring(t *testing.T, served bool) *pouring {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a connection takes all at once")
	}
	p := &pouring{socketGuest: newSocketGuest(t)}
	p.pours = Must(p.linker.Instantiate(nil, p.store, Must(pourComponent())))
	listener := Must(net.Listen("unix", filepath.Join(TempDir(t), "s")))
	defer listener.Close()
	p.peer = Must(net.Dial("unix", listener.Addr().String()))
	t.Cleanup(func() { p.peer.Close() })
	conn := Must(listener.Accept()).(*net.UnixConn)
	t.Cleanup(func() { conn.Close() })
	Check(t, conn.SetWriteBuffer(16<<10))
	var given net.Conn = conn
	if served {
		given = servedUnix{conn}
	}
	var err error
	p.socket, p.input, p.output, err = component.WasiSocket(p.store, Must(p.store.PushConn(given)))
	Check(t, err)
	if !served {
		conn.Close() // the guest has a duplicate
	}
	return p
}

// servedUnix is a connection that Go serves, one direction of which can be ended.
type servedUnix struct{ *net.UnixConn }

// pour lets the guest write, and returns how many bytes that were.
func (p *pouring) pour() int64 {
	p.t.Helper()
	n, err := Must(p.pours.Func("pour")).Call(nil, p.output)
	Check(p.t, err)
	if n.(uint64) == 0 {
		p.t.Fatal("the stream takes nothing")
	}
	return int64(n.(uint64))
}

// reads makes the peer read to the end, and tells how many bytes that were.
func (p *pouring) reads() <-chan int64 {
	came := make(chan int64, 1)
	go func() {
		n, err := io.Copy(io.Discard, p.peer)
		if err != nil {
			n = -1
		}
		came <- n
	}()
	return came
}

// What a component has written before it ends a direction of a connection arrives.
func TestWasiShutdownSendsAll(t *testing.T) {
	for _, served := range []bool{false, true} {
		for _, how := range []string{"send", "both"} {
			t.Run(fmt.Sprintf("served=%v %s", served, how), func(t *testing.T) {
				p := newPouring(t, served)
				written := p.pour()
				came := p.reads()
				p.told("shutdown", p.socket, how)
				for _, r := range []*component.Resource{p.output, p.input, p.socket} {
					Check(t, r.Drop(nil))
				}
				Equal(t, "what came", <-came, written)
			})
		}
	}
}

// A wait that a context ends is no end of the stream: of what was written before, nothing is lost, and nothing comes
// twice.
func TestWasiWriterGoesOn(t *testing.T) {
	p := newPouring(t, false)
	written, came := p.pour(), int64(0)
	w := Must(component.WasiWriter(p.store, p.output))
	close := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		w.SetContext(ctx)
		return w.Close()
	}
	for err := close(); err != nil; err = close() {
		isError(t, err, context.DeadlineExceeded)
		// What has been sent is read, so that a part of the rest can be.
		Check(t, p.peer.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		n, err := io.Copy(io.Discard, p.peer)
		came += n
		if isError(t, err, os.ErrDeadlineExceeded); came > written || t.Failed() {
			break
		}
	}
	Check(t, p.peer.SetReadDeadline(time.Time{}))
	Check(t, p.input.Drop(nil))
	Check(t, p.socket.Drop(nil))
	Equal(t, "what came", came+<-p.reads(), written)
}

// What cannot be dropped yet can be dropped later.
func TestWasiDropAgain(t *testing.T) {
	p := newPouring(t, false)
	written := p.pour()
	for range 2 {
		if err := p.socket.Drop(nil); err == nil || errors.Is(err, component.ErrHandle) {
			t.Fatalf("the socket has streams: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	isError(t, p.output.Drop(ctx), context.DeadlineExceeded)
	isError(t, p.output.Drop(ctx), context.DeadlineExceeded)
	came := p.reads()
	for _, r := range []*component.Resource{p.output, p.input, p.socket} {
		Check(t, r.Drop(nil))
		isError(t, r.Drop(nil), component.ErrHandle)
	}
	Equal(t, "what came", <-came, written)
}

// Nor is it for who reads.
func TestWasiReaderGoesOn(t *testing.T) {
	for _, served := range []bool{false, true} {
		p := newPouring(t, served)
		r := Must(component.WasiReader(p.store, p.input))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		r.SetContext(ctx)
		for range 2 {
			_, err := r.Read(make([]byte, 10))
			isError(t, err, context.DeadlineExceeded)
		}
		Must(io.WriteString(p.peer, "late"))
		r.SetContext(nil)
		got := make([]byte, 10)
		n, err := r.Read(got)
		Equal(t, "what came", fmt.Sprintf("%s %v", got[:n], err), "late <nil>")
	}
}

// What cannot be written is not taken from where it comes.
func TestWasiSpliceToTheEnd(t *testing.T) {
	p := newPouring(t, false)
	Check(t, p.peer.Close())
	w := Must(component.WasiWriter(p.store, p.output))
	for err := error(nil); err == nil; {
		_, err = io.WriteString(w, "more")
	}
	from := Must(component.NewInput(p.store, strings.NewReader(text)))
	splice := Must(p.pours.Func("splice"))
	for range 2 {
		done, err := splice.Call(nil, p.output, from, uint64(4))
		Check(t, err)
		Equal(t, "spliced", done, any(false))
	}
	got := Must(io.ReadAll(Must(component.WasiReader(p.store, from))))
	Equal(t, "what is left", string(got), text)
}

// A name that is too long to be read is an error, and what comes behind it is read.
func TestWasiLongNames(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	tree := fstest.MapFS{"a": {}, "z": {}}
	long := 0
	for _, n := range []int{4096, 32 << 10, 64 << 10} {
		for at := range 3 {
			tree[strings.Repeat("x", n+at*16-24)] = &fstest.MapFile{}
			long++
		}
	}
	dir := Must(component.WasiFile(store, Must(component.NewDescriptor(store, tree))))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	dir.SetContext(ctx)
	var names []string
	for {
		entries, err := dir.ReadDir(1)
		if err == io.EOF {
			break
		}
		if err != nil {
			if long--; !errors.Is(err, syscall.ENAMETOOLONG) || long < 0 {
				t.Fatal(err)
			}
			continue
		}
		names = append(names, entries[0].Name())
		if len(entries[0].Name()) > 1 {
			long--
		}
	}
	Equal(t, "first and last", names[0]+names[len(names)-1], "az")
	Equal(t, "long names that were missing", long, 0)
	Check(t, dir.Close())
}

// failingDir is a file system whose directories cannot be listed at times.
type failingDir struct {
	fstest.MapFS
	fails *bool
}

func (f failingDir) ReadDir(name string) ([]fs.DirEntry, error) {
	if *f.fails {
		return nil, syscall.EIO
	}
	return f.MapFS.ReadDir(name)
}

// What a listing has after it has failed is what there is.
func TestWasiListingGoesOn(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	fails, tree := true, fstest.MapFS{}
	const count = 2_000 // more than are read at once
	for i := range count {
		tree[fmt.Sprintf("%04d", i)] = &fstest.MapFile{}
	}
	dir := Must(component.WasiFile(store, Must(component.NewDescriptor(store, failingDir{tree, &fails}))))
	for range 2 {
		_, err := dir.ReadDir(1)
		isError(t, err, syscall.EIO)
	}
	fails = false
	for i := range count {
		entries, err := dir.ReadDir(1)
		if err != nil || entries[0].Name() != fmt.Sprintf("%04d", i) {
			t.Fatalf("the entry %d: %v, %v", i, entries, err)
		}
	}
	_, err := dir.ReadDir(1)
	Equal(t, "the end", err, io.EOF)
}

// Listings that fail, or that a context ends, take no descriptors.
func TestWasiListingsEnd(t *testing.T) {
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	store.SetEpochDeadline(1 << 40)
	store.SetMaxResources(5)
	Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
	tree := fstest.MapFS{"a": {}, "b\xff": {}, "c": {}}
	root := Must(component.NewDescriptor(store, tree))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 10 {
		dir := Must(component.WasiFile(store, root))
		_, err := dir.ReadDir(-1)
		isError(t, err, syscall.EILSEQ)
		Equal(t, "one", len(Must(dir.ReadDir(1))), 1)
		dir.SetContext(ended)
		_, err = dir.ReadDir(-1)
		isError(t, err, context.Canceled)
	}
	Check(t, Must(component.WasiFile(store, root)).Close())
}
