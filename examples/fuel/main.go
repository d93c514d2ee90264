// Command fuel limits how much guests may compute. Fuel counts instructions, so the same work takes the same fuel on
// every machine.
package main

import (
	"errors"
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add
        (call $fib (i32.sub (local.get $n) (i32.const 1)))
        (call $fib (i32.sub (local.get $n) (i32.const 2))))))))`

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	config := wasmtime.NewConfig()
	config.SetConsumeFuel(true)
	engine := wasmtime.NewEngineWithConfig(config)
	defer engine.Close()
	wasm, err := wasmtime.Wat2Wasm(guest)
	if err != nil {
		return err
	}
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
	fib, err := wasmtime.Bind1[int32, int32](store, instance.GetFunc(store, "fib"))
	if err != nil {
		return err
	}

	const tank = 10_000
	for _, n := range []int32{5, 10, 20} {
		if err := store.SetFuel(tank); err != nil {
			return err
		}
		result, err := fib.Call(n)
		var trap *wasmtime.Trap
		if errors.As(err, &trap) && *trap.Code() == wasmtime.OutOfFuel {
			fmt.Printf("fib(%d) needs more than %d\n", n, tank)
			continue
		}
		if err != nil {
			return err
		}
		left, err := store.GetFuel()
		if err != nil {
			return err
		}
		fmt.Printf("fib(%d) = %d, enough fuel: %v\n", n, result, left > 0)
	}
	return nil
}
