// Command cancel stops a guest that computes forever, with a context.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gowasmtime/wasmtime"
)

const guest = `(module
  (func (export "forever") (loop (br 0)))
  (func (export "answer") (result i32) (i32.const 42)))`

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	// Guests can be stopped when their code was compiled to look for it.
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
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

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = instance.GetFunc(store, "forever").CallContext(ctx, store)

	// The guest ended with a trap, which wraps the context's error.
	var trap *wasmtime.Trap
	if !errors.As(err, &trap) {
		return fmt.Errorf("the guest was not stopped: %w", err)
	}
	fmt.Println("interrupted:", *trap.Code() == wasmtime.Interrupt)
	fmt.Println("because time was up:", errors.Is(err, context.DeadlineExceeded))

	// The store is as good as before.
	answer, err := instance.GetFunc(store, "answer").CallContext(context.Background(), store)
	if err != nil {
		return err
	}
	fmt.Println("the next call returns", answer)
	return nil
}
