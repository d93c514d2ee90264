package wasmtime_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
	"testing/fstest"
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

// A Go function of numbers becomes what guests import. Its types may have names, a *Caller or a context may come first,
// and an error last.
func ExampleLinker_DefineGoFunc() {
	type account uint32
	balances := map[account]int64{7: 100}
	withdraw := func(from account, amount int64) (int64, error) {
		if balances[from] < amount {
			return 0, fmt.Errorf("account %d has no %d", from, amount)
		}
		balances[from] -= amount
		return balances[from], nil
	}

	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineGoFunc("bank", "withdraw", withdraw); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(store, load(engine, `(module
	  (import "bank" "withdraw" (func $withdraw (param i32 i64) (result i64)))
	  (func (export "run") (param i64) (result i64) (call $withdraw (i32.const 7) (local.get 0))))`))
	if err != nil {
		log.Fatal(err)
	}
	run := instance.GetFunc(store, "run")
	fmt.Println(run.Call(store, 60))
	_, err = run.Call(store, 60)
	fmt.Println(errors.Unwrap(err))
	// Output:
	// 40 <nil>
	// account 7 has no 60
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

// A WASI program, run in one call: what it prints is in a buffer, and its status in the error.
func ExampleCommand() {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true) // so that a context can stop it
	engine := wasmtime.NewEngineWithConfig(config)
	module := load(engine, `(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
	  (memory (export "memory") 1)
	  (data (i32.const 0) "\10\00\00\00\06\00\00\00") ;; one buffer: 6 bytes at 16
	  (data (i32.const 16) "hello\n")
	  (func (export "_start")
	    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
	    (call $exit (i32.const 3))))`)

	var out strings.Builder
	wasi := wasmtime.NewWasiConfig()
	defer wasi.Close()
	wasi.SetArgv([]string{"hello"})
	wasi.SetStdout(&out)
	command := wasmtime.Command{
		Module: module,
		Wasi:   wasi,
		Prepare: func(store *wasmtime.Store) error {
			store.SetLimits(wasmtime.Limits{MemorySize: 64 << 20})
			return nil
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := command.Run(ctx)

	var exit *wasmtime.ExitError
	switch {
	case err == nil:
		fmt.Println("status 0")
	case errors.As(err, &exit):
		fmt.Println("status", exit.Status)
	default:
		log.Fatal(err) // a trap, with the guest's backtrace, or a module that cannot be run
	}
	fmt.Print(out.String())
	// Output:
	// status 3
	// hello
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

// A guest whose clocks stand still and whose random bytes come from a seed does the same every time.
func ExampleWasiConfig_SetSecureRandom() {
	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	module := load(engine, `(module
	  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
	  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (func (export "time") (result i64)
	    (drop (call $time (i32.const 0) (i64.const 1) (i32.const 0)))
	    (i64.load (i32.const 0)))
	  (func (export "dice") (result i32)
	    (drop (call $random (i32.const 0) (i32.const 4)))
	    (i32.add (i32.const 1) (i32.rem_u (i32.load (i32.const 0)) (i32.const 6)))))`)

	for range 2 {
		wasi := wasmtime.NewWasiConfig()
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		wasi.SetWallClock(func() time.Time { return start }, time.Second)
		wasi.SetMonotonicClock(func() time.Duration { return time.Second }, time.Second)
		wasi.SetSecureRandom(rand.NewChaCha8([32]byte([]byte("the seed decides on all the dice"))))
		store := wasmtime.NewStore(engine)
		defer store.Close()
		store.SetWasi(wasi)
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			log.Fatal(err)
		}
		call := func(name string) any {
			result, err := instance.GetFunc(store, name).Call(store)
			if err != nil {
				log.Fatal(err)
			}
			return result
		}
		fmt.Println(time.Unix(0, call("time").(int64)).UTC(), call("dice"), call("dice"), call("dice"))
	}
	// Output:
	// 2026-01-02 03:04:05 +0000 UTC 2 5 6
	// 2026-01-02 03:04:05 +0000 UTC 2 5 6
}

// A file system of Go's, such as an embed.FS or an archive, is a directory of the guest.
func ExampleWasiConfig_PreopenFS() {
	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	wasi := wasmtime.NewWasiConfig()
	wasi.SetStdout(os.Stdout)
	files := fstest.MapFS{"texts/greeting": {Data: []byte("hello from a map\n")}}
	if err := wasi.PreopenFS(files, "/"); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasi)

	// A guest in C or Go would open "/texts/greeting"; this one is used to calling WASI itself.
	instance, err := linker.Instantiate(store, load(engine, `(module
		(import "wasi_snapshot_preview1" "path_open"
		  (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 32) "texts/greeting")
		(func (export "_start")
		  (drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 14) (i32.const 0)
		    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
		  (i64.store (i32.const 0) (i64.const 0x40000000040)) ;; one buffer: 1024 bytes at 64
		  (drop (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 4)))
		  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "_start").Call(store); err != nil {
		log.Fatal(err)
	}
	// Output: hello from a map
}

// An *os.Root, or a file system of your own with its methods, is a directory that the guest writes.
func ExampleWritable() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()

	engine := wasmtime.NewEngine()
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	wasi := wasmtime.NewWasiConfig()
	if err := wasi.PreopenFS(wasmtime.Writable(root), "/"); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	store.SetWasi(wasi)

	instance, err := linker.Instantiate(store, load(engine, `(module
		(import "wasi_snapshot_preview1" "path_open"
		  (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 32) "greeting")
		(data (i32.const 64) "hello from the guest")
		(func (export "_start")
		  (drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 8)
		    (i32.const 1) ;; it is made
		    (i64.const 0x40) (i64.const 0) (i32.const 0) (i32.const 16)))
		  (i64.store (i32.const 0) (i64.const 0x1400000040)) ;; one buffer: 20 bytes at 64
		  (drop (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))))`))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := instance.GetFunc(store, "_start").Call(store); err != nil {
		log.Fatal(err)
	}
	text, err := root.ReadFile("greeting")
	fmt.Println(string(text), err)
	// Output: hello from the guest <nil>
}
