package component_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// lenderWat exports run, which lends its standard input to count: func(text: borrow<input-stream>) -> u64, and returns
// what that does.
const lenderWat = `(component
  (import "wasi:io/streams@0.2.0" (instance $streams (export "input-stream" (type (sub resource)))))
  (alias export $streams "input-stream" (type $input))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input (type $i'))
    (export "input-stream" (type $i (eq $i')))
    (export "get-stdin" (func (result (own $i))))))
  (import "example:docs/words" (instance $words
    (alias outer 1 $input (type $i'))
    (export "input-stream" (type $i (eq $i')))
    (export "count" (func (param "text" (borrow $i)) (result u64)))))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $count (canon lower (func $words "count")))
  (core func $drop (canon resource.drop $input))
  (core module $m
    (import "" "get-stdin" (func $get-stdin (result i32)))
    (import "" "count" (func $count (param i32) (result i64)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (result i64) (local $stream i32) (local $n i64)
      (local.set $stream (call $get-stdin))
      (local.set $n (call $count (local.get $stream)))
      (call $drop (local.get $stream))
      (local.get $n)))
  (core instance $i (instantiate $m (with "" (instance
    (export "get-stdin" (func $get-stdin)) (export "count" (func $count)) (export "drop" (func $drop))))))
  (func (export "run") (result u64) (canon lift (core func $i "run"))))`

// A Go function reads the stream that a guest lends to it.
func ExampleWasiReader() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(lenderWat))
	if err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	err = linker.Instance("example:docs/words").Func("count", func(caller *wasmtime.Caller, text *component.Resource) (uint64, error) {
		r, err := component.WasiReader(caller, text)
		if err != nil {
			return 0, err
		}
		all, err := io.ReadAll(r)
		return uint64(len(strings.Fields(string(all)))), err
	})
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	config := wasmtime.NewWasiConfig()
	config.SetStdin(strings.NewReader("what a guest is given, it can lend"))
	if err := store.ConfigureWasi(config); err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(context.Background(), store, c)
	if err != nil {
		log.Fatal(err)
	}
	run, err := instance.Func("run")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Call(context.Background()))
	// Output: 8 <nil>
}
