// Command memory passes a string to a guest and reads one back, through a view of the guest's memory.
package main

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
)

// The guest turns lower-case letters into capitals, in place.
const guest = `(module
  (memory (export "memory") 1)
  (func (export "upper") (param $at i32) (param $len i32) (local $end i32) (local $c i32)
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $c (i32.load8_u (local.get $at)))
        (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
          (then (i32.store8 (local.get $at) (i32.sub (local.get $c) (i32.const 32)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))))`

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	wasm, err := wasmtime.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	engine := wasmtime.NewEngine()
	defer engine.Close()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return err
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return err
	}
	memory := instance.GetMemory(store, "memory")

	// A view is checked and follows the memory when that grows. What lies out of bounds is false, never a crash.
	view := memory.View(store)
	text := "webassembly"
	const address = 1000
	if !view.Write(address, []byte(text)) {
		return fmt.Errorf("%q does not fit", text)
	}
	if _, err := instance.GetFunc(store, "upper").Call(store, address, len(text)); err != nil {
		return err
	}
	upper, _ := view.String(address, uint64(len(text)))
	fmt.Println(upper)

	_, ok := view.Uint32(view.Size())
	fmt.Println("beyond the end:", ok)
	if _, err := memory.Grow(store, 1); err != nil {
		return err
	}
	fmt.Println("after growing there are", view.Size(), "bytes")
	return nil
}
