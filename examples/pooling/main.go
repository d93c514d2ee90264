// Command pooling serves many short requests, each in a store and an instance of its own that nothing of an earlier
// one can reach. A pooling allocator makes that cheap.
package main

import (
	"fmt"
	"log"
	"sync"

	"github.com/gowasmtime/wasmtime"
)

// The guest counts how often it was asked; in a fresh instance that is always the first time.
const guest = `(module
  (memory (export "memory") 1)
  (func (export "handle") (param $request i64) (result i64)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i64.mul (local.get $request) (i64.extend_i32_u (i32.load (i32.const 0))))))`

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	config := wasmtime.NewConfig()
	config.SetPooling(wasmtime.PoolingPreset())
	engine, err := wasmtime.TryNewEngine(config)
	if err != nil {
		return err
	}
	defer engine.Close()
	wasm, err := wasmtime.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return err
	}
	// What the module imports is looked up and checked once, for all instances.
	pre, err := wasmtime.NewLinker(engine).InstantiatePre(module)
	if err != nil {
		return err
	}

	const workers, requests = 8, 1000
	sums := make([]int64, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for request := range int64(requests) {
				result, err := handle(engine, pre, request)
				if err != nil {
					errs[worker] = err
					return
				}
				sums[worker] += result
			}
		})
	}
	wg.Wait()
	for worker, err := range errs {
		if err != nil {
			return fmt.Errorf("worker %d: %w", worker, err)
		}
	}
	fmt.Println(workers*requests, "requests in as many instances; a worker's sum is", sums[0])
	return nil
}

// handle serves one request. Closing the store gives the instance's slot back.
func handle(engine *wasmtime.Engine, pre *wasmtime.InstancePre, request int64) (int64, error) {
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := pre.Instantiate(store)
	if err != nil {
		return 0, err
	}
	f, err := wasmtime.Bind1[int64, int64](store, instance.GetFunc(store, "handle"))
	if err != nil {
		return 0, err
	}
	return f.Call(request)
}
