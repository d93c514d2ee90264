// Command program uses two Rust libraries in one process: Wasmtime and one that knows nothing of it. It prints OK.
package main

/*
#include <stddef.h>
#include <stdint.h>
uint64_t second_words(const uint8_t *text, size_t len);
uint64_t second_threads(uint64_t n);
void second_hook(void);
uint64_t second_hooked(void);
uint64_t second_panic(uint64_t depth);
uint64_t second_remember(uint64_t n);
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (import "host" "second" (func $second (param i64) (result i64)))
  (func (export "run") (param i64) (result i64) (i64.add (i64.const 1) (call $second (local.get 0))))
  (func (export "trap") unreachable))`

const workers, rounds = 4, 50

func main() {
	C.second_hook()
	engine := wasmtime.NewEngine()
	wasm, err := wasmtime.Wat2Wasm(guest)
	check(err)
	module, err := wasmtime.NewModule(engine, wasm) // in threads of the first library
	check(err)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				first(engine, module)
				second()
			}
		})
	}
	wg.Wait()
	// Each library has its own panic hook: this one saw its own panics, from here and from within guests.
	if n := C.second_hooked(); n != 2*workers*rounds {
		fail("the second library's hook saw %d panics, not %d", n, 2*workers*rounds)
	}
	fmt.Println("OK")
}

// first uses Wasmtime, with a host function that uses the second library.
func first(engine *wasmtime.Engine, module *wasmtime.Module) {
	store := wasmtime.NewStore(engine)
	defer store.Close()
	host := wasmtime.NewHostFunc(store, wasmtime.HostFunc1(func(_ *wasmtime.Caller, depth int64) (int64, error) {
		return int64(C.second_panic(C.uint64_t(depth))), nil
	}))
	instance, err := wasmtime.NewInstance(store, module, []wasmtime.AsExtern{host})
	check(err)
	result, err := instance.GetFunc(store, "run").Call(store, int64(10))
	check(err)
	if result != int64(12) { // 11 destructors, and 1 of the guest's own
		fail("run returned %v", result)
	}
	_, err = instance.GetFunc(store, "trap").Call(store)
	var trap *wasmtime.Trap
	if !errors.As(err, &trap) || *trap.Code() != wasmtime.UnreachableCodeReached {
		fail("the trap: %v", err)
	}
	// Without a WASI configuration the C API panics in Rust; the extension catches it.
	if err := store.InsertFile(3, os.Stdin, wasmtime.READ_ONLY); !errors.Is(err, wasmtime.ErrNoWasi) {
		fail("a panic in Wasmtime: %v", err)
	}
}

// second uses the other library.
func second() {
	text := []byte("one two three two one Zwei zwei")
	if n := C.second_words((*C.uint8_t)(unsafe.Pointer(&text[0])), C.size_t(len(text))); n != 4 {
		fail("%d words", n)
	}
	if n := C.second_threads(20); n != 190 {
		fail("the threads' sum is %d", n)
	}
	if n := C.second_panic(100); n != 101 {
		fail("%d destructors ran in a panic", n)
	}
	if C.second_remember(1) == 0 {
		fail("a thread forgot")
	}
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}
