// A library for C programs that runs guests on the threads that call it.
package main

import "C"

import (
	"errors"
	"fmt"

	"github.com/gowasmtime/wasmtime"
)

// Enter compiles a guest that may take a stack of that many bytes, 0 for the default, lets it use up all of it, and
// prints what came of that.
//
//export Enter
func Enter(thread *C.char, size int) {
	fmt.Printf("%s: %s\n", C.GoString(thread), enter(size))
}

func enter(size int) string {
	cfg := wasmtime.NewConfig()
	if size != 0 {
		cfg.SetMaxWasmStack(size)
	}
	engine, err := wasmtime.TryNewEngine(cfg)
	if err != nil {
		return err.Error()
	}
	wasm, err := wasmtime.Wat2Wasm(`(module (import "" "host" (func $host))
		(func $recurse (export "recurse") (call $host) (call $recurse)))`)
	if err != nil {
		return err.Error()
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return err.Error()
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := wasmtime.NewInstance(store, module, []wasmtime.AsExtern{wasmtime.WrapFunc(store, func() {})})
	if errors.Is(err, wasmtime.ErrStackTooSmall) {
		return "refused"
	} else if err != nil {
		return err.Error()
	}
	_, err = instance.GetFunc(store, "recurse").Call(store)
	if trap := new(wasmtime.Trap); errors.As(err, &trap) && *trap.Code() == wasmtime.StackOverflow {
		return "entered"
	}
	return fmt.Sprint(err)
}

func main() {}
