// Command hello compiles a module, instantiates it and calls a function of it: checked, and bound to its Go type. It
// says what it does, and what to try next.
package main

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))`

const next = `
Next:
  go run ./examples/hostfunc      the guest calls Go
  go run ./examples/plugin        plugins in Go, C and Rust: strings both ways, limits, reload
  go run ./examples/wasi          a program with arguments, files and output
  go run ./examples/insertfile    an open file as the guest's descriptor
The guide, with short programs to copy: docs/guide.md`

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
	fmt.Println("compiled a guest of", len(wasm), "bytes to machine code; it exports", module.Exports()[0].Name())
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return err
	}

	// Call takes any arguments and checks them.
	sum, err := instance.GetFunc(store, "add").Call(store, 40, 2)
	if err != nil {
		return err
	}
	fmt.Println("called it in the guest: 40 + 2 =", sum)

	// A function that is called often is bound once to its Go type: the calls are fast then and allocate nothing.
	add, err := wasmtime.Bind2[int32, int32, int32](store, instance.GetFunc(store, "add"))
	if err != nil {
		return err
	}
	total := int32(0)
	for i := range int32(1000) {
		if total, err = add.Call(total, i); err != nil {
			return err
		}
	}
	fmt.Println("called it a thousand times, bound to its Go type: 0 + 1 + … + 999 =", total)
	fmt.Println(next)
	return nil
}
