package wasmtime_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// loopbackWat is a guest that sends back what comes in on a descriptor, until the end.
const loopbackWat = `(module
	(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(func (export "echo") (param $from i32) (param $to i32)
	  (loop $more
	    (i64.store (i32.const 0) (i64.const 0x40000000040)) ;; one buffer: 1024 bytes at 64
	    (drop (call $read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 4)))
	    (drop (call $write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8)))
	    (br_if $more (i32.load (i32.const 4))))))`

// A connection becomes a socket of the guest; the host closes its own copy at once.
func ExampleStore_PushConn() {
	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan string)
	go func() {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		io.WriteString(conn, "echo this")
		conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		done <- string(answer)
	}()
	conn, err := l.Accept()
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	store.SetWasi(wasmtime.NewWasiConfig())
	fd, err := store.PushConn(conn)
	if err != nil {
		log.Fatal(err)
	}
	conn.Close()
	instance, err := linker.Instantiate(store, load(engine, loopbackWat))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "echo").Call(store, int32(fd), int32(fd)); err != nil {
		log.Fatal(err)
	}
	store.Close() // and the guest's descriptors with it
	fmt.Println(<-done)
	// Output: echo this
}

// Any reader and any writer can be standard streams.
func ExampleWasiConfig_SetStdout() {
	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	var output strings.Builder
	wasi := wasmtime.NewWasiConfig()
	wasi.SetStdin(strings.NewReader("from a reader to a writer"))
	wasi.SetStdout(&output)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasi)
	instance, err := linker.Instantiate(store, load(engine, loopbackWat))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "echo").Call(store, int32(0), int32(1)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(output.String())
	// Output: from a reader to a writer
}

// wasiStore makes a store whose guests have descriptors, for the examples.
func wasiStore(engine *wasmtime.Engine) (*wasmtime.Store, *wasmtime.Linker) {
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	store.SetWasi(wasmtime.NewWasiConfig())
	return store, linker
}

// A directory becomes a descriptor, below which the guest opens paths. Nothing leads out of it.
func ExampleStore_PushDir() {
	path, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)
	if err := os.WriteFile(filepath.Join(path, "notes.txt"), []byte("found below the directory"), 0o600); err != nil {
		log.Fatal(err)
	}

	engine := wasmtime.NewEngine()
	module := load(engine, `(module
	  (import "wasi_snapshot_preview1" "path_open"
	    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
	  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (data (i32.const 32) "notes.txt")
	  (data (i32.const 48) "../secret")
	  ;; Opens the nine bytes at $path below $dir. The result is 0 or an error number.
	  (func $openAt (export "open") (param $dir i32) (param $path i32) (result i32)
	    (call $open (local.get $dir) (i32.const 0) (local.get $path) (i32.const 9)
	      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 12)))
	  (func (export "read") (param $dir i32) (result i32)
	    (drop (call $openAt (local.get $dir) (i32.const 32)))
	    (i64.store (i32.const 0) (i64.const 0x6400000040)) ;; one buffer: 100 bytes at 64
	    (drop (call $read (i32.load (i32.const 12)) (i32.const 0) (i32.const 1) (i32.const 8)))
	    (i32.load (i32.const 8))))`)
	store, linker := wasiStore(engine)
	defer store.Close()

	dir, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	fd, err := store.PushDir(dir, "/data", wasmtime.READ_ONLY) // C and Go programs find it as /data
	dir.Close()                                                // the guest has its own
	if err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		log.Fatal(err)
	}
	n, err := instance.GetFunc(store, "read").Call(store, int32(fd))
	if err != nil {
		log.Fatal(err)
	}
	text, _ := instance.GetMemory(store, "memory").View(store).String(64, uint64(n.(int32)))
	fmt.Println(text)
	errno, err := instance.GetFunc(store, "open").Call(store, int32(fd), 48)
	fmt.Println("outside: error number", errno, err) // EPERM
	// Output:
	// found below the directory
	// outside: error number 63 <nil>
}

// acceptWat is a guest that accepts a connection, sends back what comes, and closes it.
const acceptWat = `(module
	(import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
	(memory (export "memory") 1)
	(func (export "serve") (param $listener i32) (local $conn i32)
	  (drop (call $accept (local.get $listener) (i32.const 0) (i32.const 12)))
	  (local.set $conn (i32.load (i32.const 12)))
	  (loop $more
	    (i64.store (i32.const 0) (i64.const 0x40000000040)) ;; one buffer: 1024 bytes at 64
	    (drop (call $read (local.get $conn) (i32.const 0) (i32.const 1) (i32.const 4)))
	    (drop (call $write (local.get $conn) (i32.const 0) (i32.const 1) (i32.const 8)))
	    (br_if $more (i32.load (i32.const 4))))
	  (drop (call $close (local.get $conn)))))`

// A listener becomes a socket that accepts: the guest is the server.
func ExampleStore_PushListener() {
	engine := wasmtime.NewEngine()
	store, linker := wasiStore(engine)
	defer store.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fd, err := store.PushListener(l)
	if err != nil {
		log.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // the guest has its own

	answer := make(chan string)
	go func() {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "served by the guest")
		conn.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(conn)
		answer <- string(b)
	}()
	instance, err := linker.Instantiate(store, load(engine, acceptWat))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "serve").Call(store, int32(fd)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-answer)
	// Output: served by the guest
}

// A listener that has no descriptor is the guest's from then on. This one speaks TLS, of which the guest knows
// nothing.
func ExampleStore_InsertListener() {
	engine := wasmtime.NewEngine()
	store, linker := wasiStore(engine)
	defer store.Close() // and the listener with it
	cert, err := testkit.NewCertificate()
	if err != nil {
		log.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.InsertListener(3, l); err != nil {
		log.Fatal(err)
	}

	answer := make(chan string)
	go func() {
		conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // nobody has signed it
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "encrypted on the way")
		conn.CloseWrite()
		b, _ := io.ReadAll(conn)
		answer <- string(b)
	}()
	instance, err := linker.Instantiate(store, load(engine, acceptWat))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "serve").Call(store, 3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-answer)
	// Output: encrypted on the way
}

// A connection that has no descriptor, as a tls.Conn or this pipe, is the guest's from then on. It sees no difference.
func ExampleStore_InsertConn() {
	engine := wasmtime.NewEngine()
	store, linker := wasiStore(engine)
	defer store.Close()
	mine, its := net.Pipe()
	if err := store.InsertConn(3, its); err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(store, load(engine, loopbackWat))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		io.WriteString(mine, "through memory")
		answer := make([]byte, 14)
		io.ReadFull(mine, answer)
		fmt.Println(string(answer))
		mine.Close()
	}()
	if _, err := instance.GetFunc(store, "echo").Call(store, 3, 3); err != nil {
		log.Fatal(err)
	}
	// Output: through memory
}

// Any reader and any writer can be a descriptor. This guest reads what a gzip.Reader unpacks, and writes into a hash.
func ExampleStore_PushReader() {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, "data")
	w.Close()

	engine := wasmtime.NewEngine()
	store, linker := wasiStore(engine)
	defer store.Close()
	unpacked, err := gzip.NewReader(&packed)
	if err != nil {
		log.Fatal(err)
	}
	from, err := store.PushReader(unpacked)
	if err != nil {
		log.Fatal(err)
	}
	hash := sha256.New()
	to, err := store.PushWriter(hash)
	if err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(store, load(engine, loopbackWat))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "echo").Call(store, int32(from), int32(to)); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", hash.Sum(nil)[:8])
	// Output: 3a6eb0790f39ac87
}

// A context stops a guest that waits as well: here in a read of a pipe into which nobody writes.
func ExampleFunc_CallContext_waiting() {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	store, linker := wasiStore(engine)
	defer store.Close()
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	fd, err := store.PushFile(r, wasmtime.READ_ONLY)
	r.Close()
	if err != nil {
		log.Fatal(err)
	}
	instance, err := linker.InstantiateContext(context.Background(), store, load(engine, loopbackWat))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = instance.GetFunc(store, "echo").CallContext(ctx, store, int32(fd), 1)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}
