package wasmtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// load compiles a module from its text, for the examples.
func load(engine *wasmtime.Engine, wat string) *wasmtime.Module {
	wasm, err := wasmtime.Wat2Wasm(wat)
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		log.Fatal(err)
	}
	return module
}

// Compile a module, instantiate it, and call one of its functions.
func Example() {
	wasm, err := wasmtime.Wat2Wasm(`(module
	  (func (export "add") (param i32 i32) (result i32)
	    (i32.add (local.get 0) (local.get 1))))`)
	if err != nil {
		log.Fatal(err)
	}
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}
	sum, err := instance.GetFunc(store, "add").Call(store, 40, 2)
	fmt.Println(sum, err)
	// Output: 42 <nil>
}

// A host file becomes a descriptor of a WASI guest, whichever way the host came by it.
func ExampleStore_InsertFile() {
	engine := wasmtime.NewEngine()
	module := load(engine, `(module
	  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (func (export "read") (param $fd i32) (result i32)
	    (i32.store (i32.const 0) (i32.const 64))
	    (i32.store (i32.const 4) (i32.const 100))
	    (drop (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
	    (i32.load (i32.const 8))))`)
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasmtime.NewWasiConfig())

	reader, writer, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	if err := store.InsertFile(7, reader, wasmtime.READ_ONLY); err != nil {
		log.Fatal(err)
	}
	reader.Close() // the guest has its own
	fmt.Fprint(writer, "through a pipe")

	instance, err := linker.Instantiate(store, module)
	if err != nil {
		log.Fatal(err)
	}
	n, err := instance.GetFunc(store, "read").Call(store, 7)
	if err != nil {
		log.Fatal(err)
	}
	text, _ := instance.GetMemory(store, "memory").View(store).String(64, uint64(n.(int32)))
	fmt.Println(text)
	// Output: through a pipe
}

// The errors of an insertion say what was wrong.
func ExampleStore_PushFile() {
	engine := wasmtime.NewEngine()
	store := wasmtime.NewStore(engine)
	defer store.Close()

	_, err := store.PushFile(os.Stdin, wasmtime.READ_ONLY)
	fmt.Println("no WASI yet:", errors.Is(err, wasmtime.ErrNoWasi))

	store.SetWasi(wasmtime.NewWasiConfig())
	null, err := os.Open(os.DevNull)
	if err != nil {
		log.Fatal(err)
	}
	fd, err := store.PushFile(null, wasmtime.READ_ONLY)
	fmt.Println("the lowest free number:", fd, err)

	null.Close()
	_, err = store.PushFile(null, wasmtime.READ_ONLY)
	fmt.Println("closed:", errors.Is(err, wasmtime.ErrBadFile))
	// Output:
	// no WASI yet: true
	// the lowest free number: 3 <nil>
	// closed: true
}

// A function that is called often is bound once; its calls are checked by the Go compiler and allocate nothing.
func ExampleBind2() {
	engine := wasmtime.NewEngine()
	module := load(engine, `(module
	  (func (export "mul") (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1))))`)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}
	mul, err := wasmtime.Bind2[int64, int64, int64](store, instance.GetFunc(store, "mul"))
	if err != nil {
		log.Fatal(err)
	}
	product := int64(1)
	for i := range int64(10) {
		if product, err = mul.Call(product, i+1); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(product)
	// Output: 3628800
}

// A Go function becomes an import of guests. Its error comes back from the call.
func ExampleHostFunc1() {
	errNegative := errors.New("negative")
	half := wasmtime.HostFunc1(func(_ *wasmtime.Caller, n int32) (int32, error) {
		if n < 0 {
			return 0, errNegative
		}
		return n / 2, nil
	})
	engine := wasmtime.NewEngine()
	module := load(engine, `(module
	  (import "host" "half" (func $half (param i32) (result i32)))
	  (func (export "quarter") (param i32) (result i32) (call $half (call $half (local.get 0)))))`)
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineHost("host", "half", half); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		log.Fatal(err)
	}
	quarter := instance.GetFunc(store, "quarter")
	result, err := quarter.Call(store, 100)
	fmt.Println(result, err)
	_, err = quarter.Call(store, -1)
	fmt.Println(errors.Is(err, errNegative))
	// Output:
	// 25 <nil>
	// true
}

// A context stops a guest that would go on for ever.
func ExampleFunc_CallContext() {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	module := load(engine, `(module (func (export "forever") (loop (br 0))))`)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = instance.GetFunc(store, "forever").CallContext(ctx, store)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// A WASI program that exits tells its status.
func ExampleExitError() {
	engine := wasmtime.NewEngine()
	module := load(engine, `(module
	  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
	  (memory (export "memory") 1)
	  (func (export "_start") (call $exit (i32.const 3))))`)
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasmtime.NewWasiConfig())
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		log.Fatal(err)
	}
	_, err = instance.GetFunc(store, "_start").Call(store)
	var exit *wasmtime.ExitError
	if errors.As(err, &exit) {
		fmt.Println("status", exit.Status)
	}
	// Output: status 3
}

// A view reads and writes a guest's memory without calling the native library.
func ExampleMemory_View() {
	engine := wasmtime.NewEngine()
	module := load(engine, `(module (memory (export "memory") 1) (data (i32.const 8) "\2a\00\00\00hello"))`)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}
	view := instance.GetMemory(store, "memory").View(store)
	number, _ := view.Uint32(8)
	text, _ := view.String(12, 5)
	_, ok := view.Uint32(1 << 16)
	fmt.Println(number, text, ok)
	// Output: 42 hello false
}

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
