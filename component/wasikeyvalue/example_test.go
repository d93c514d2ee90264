package wasikeyvalue_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
)

// counterWat exports count: func(key: string) -> u64, which adds one to a key of the bucket without a name.
const counterWat = `(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))))
  (alias export $store "bucket" (type $bucket))
  (alias export $store "error" (type $error))
  (alias export $store "open" (func $open))
  (import "wasi:keyvalue/atomics@0.2.0-draft" (instance $atomics
    (alias outer 1 $bucket (type $b'))
    (export "bucket" (type $b (eq $b')))
    (alias outer 1 $error (type $e'))
    (export "error" (type $e (eq $e')))
    (export "increment" (func (param "bucket" (borrow $b)) (param "key" string) (param "delta" u64)
      (result (result u64 (error $e)))))))
  (alias export $atomics "increment" (func $increment))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $open' (canon lower (func $open) (memory $m) (realloc $realloc)))
  (core func $increment' (canon lower (func $increment) (memory $m) (realloc $realloc)))
  (core func $drop' (canon resource.drop $bucket))
  (core module $main
    (import "host" "memory" (memory 1))
    (import "host" "open" (func $open (param i32 i32 i32)))
    (import "host" "increment" (func $increment (param i32 i32 i32 i64 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "count") (param $key i32) (param $length i32) (result i64)
      (call $open (i32.const 0) (i32.const 0) (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then unreachable))
      (call $increment (i32.load (i32.const 20)) (local.get $key) (local.get $length) (i64.const 1) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then unreachable))
      (call $drop (i32.load (i32.const 20)))
      (i64.load (i32.const 40))))
  (core instance $i (instantiate $main (with "host" (instance
    (export "memory" (memory $m)) (export "open" (func $open')) (export "increment" (func $increment'))
    (export "drop" (func $drop'))))))
  (func (export "count") (param "key" string) (result u64)
    (canon lift (core func $i "count") (memory $m) (realloc $realloc))))`

// Two components have the same bucket, and so does the program.
func Example() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(counterWat))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	data := wasikeyvalue.NewMemory(wasikeyvalue.Limits{Entries: 100, Bytes: 1 << 20})
	bucket, err := data.Open(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	if err := bucket.Set(ctx, "apples", []byte("40")); err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker(engine)
	if err := wasikeyvalue.Define(linker, data); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		store := wasmtime.NewStore(engine)
		defer store.Close()
		instance, err := linker.Instantiate(ctx, store, c)
		if err != nil {
			log.Fatal(err)
		}
		count, err := instance.Func("count")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(count.Call(ctx, "apples"))
	}
	value, found, err := bucket.Get(ctx, "apples")
	fmt.Println(string(value), found, err)
	// Output:
	// 41 <nil>
	// 42 <nil>
	// 42 true <nil>
}
