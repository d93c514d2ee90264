// Command hello compiles a module, instantiates it and calls a function of it.
package main

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))`

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

	// Call takes any arguments and checks them.
	sum, err := instance.GetFunc(store, "add").Call(store, 40, 2)
	if err != nil {
		return err
	}
	fmt.Println("40 + 2 =", sum)

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
	fmt.Println("0 + 1 + … + 999 =", total)
	return nil
}
