// Command hostfunc gives a guest functions that are written in Go: one that returns a value, one that reads the guest's
// memory, and one that fails.
package main

import (
	"errors"
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (import "host" "price" (func $price (param i32) (result i64)))
  (import "host" "print" (func $print (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "a word from the guest")
  (func (export "greet") (call $print (i32.const 16) (i32.const 21)))
  (func (export "total") (param $item i32) (param $count i64) (result i64)
    (i64.mul (call $price (local.get $item)) (local.get $count))))`

var errNoSuchItem = errors.New("there is no such item")

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

	// A typed host function: parameters and result are what the guest passes, without boxing or reflection.
	prices := map[int32]int64{1: 250, 2: 1200}
	price := wasmtime.HostFunc1(func(_ *wasmtime.Caller, item int32) (int64, error) {
		p, ok := prices[item]
		if !ok {
			return 0, fmt.Errorf("item %d: %w", item, errNoSuchItem)
		}
		return p, nil
	})
	// The caller is the way to the guest's memory. None stands for no result.
	say := wasmtime.HostFunc2(func(c *wasmtime.Caller, address, length uint32) (wasmtime.None, error) {
		text, ok := c.Memory().String(uint64(address), uint64(length))
		if !ok {
			return wasmtime.None{}, errors.New("the text lies outside of the memory")
		}
		fmt.Println("the guest says:", text)
		return wasmtime.None{}, nil
	})
	linker := wasmtime.NewLinker(engine)
	if err := errors.Join(linker.DefineHost("host", "price", price), linker.DefineHost("host", "print", say)); err != nil {
		return err
	}

	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return err
	}
	if _, err := instance.GetFunc(store, "greet").Call(store); err != nil {
		return err
	}
	total, err := wasmtime.Bind2[int32, int64, int64](store, instance.GetFunc(store, "total"))
	if err != nil {
		return err
	}
	sum, err := total.Call(2, 3)
	if err != nil {
		return err
	}
	fmt.Println("three of item 2:", sum)

	// An error of a host function ends the guest. The call returns an error that wraps it.
	_, err = total.Call(99, 1)
	fmt.Println("item 99 is unknown:", errors.Is(err, errNoSuchItem))
	return nil
}
