package wasi_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
)

// clockAndArguments exports the seconds of the clock, and the number of its arguments.
const clockAndArguments = `(component
  (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  (alias export $clock "now" (func $now))
  (alias export $environment "get-arguments" (func $arguments))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $now' (canon lower (func $now) (memory $m) (realloc $realloc)))
  (core func $arguments' (canon lower (func $arguments) (memory $m) (realloc $realloc)))
  (core module $main
    (import "mem" "memory" (memory 1))
    (import "wasi" "now" (func $now (param i32)))
    (import "wasi" "arguments" (func $arguments (param i32)))
    (func (export "seconds") (result i64)
      (call $now (i32.const 16))
      (i64.load (i32.const 16)))
    (func (export "count") (result i32)
      (call $arguments (i32.const 16))
      (i32.load (i32.const 20))))
  (core instance $i (instantiate $main (with "mem" (instance $mem))
    (with "wasi" (instance (export "now" (func $now')) (export "arguments" (func $arguments'))))))
  (func (export "seconds") (result u64) (canon lift (core func $i "seconds")))
  (func (export "count") (result u32) (canon lift (core func $i "count"))))`

// stopped is a clock that has stopped.
type stopped struct{ at uint64 }

func (s stopped) Now(*wasmtime.Caller) (wasi.Datetime, error) {
	return wasi.Datetime{Seconds: s.at}, nil
}

func (s stopped) Resolution(*wasmtime.Caller) (wasi.Datetime, error) {
	return wasi.Datetime{Seconds: 1}, nil
}

// The clock is Go's, and everything else the library's.
func Example() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(clockAndArguments))
	if err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		log.Fatal(err)
	}
	if err := wasi.DefineWallClock(linker, stopped{1_000_000_000}); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	config := wasmtime.NewWasiConfig()
	config.SetArgv([]string{"program", "argument"})
	if err := store.ConfigureWasi(config); err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(context.Background(), store, c)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"seconds", "count"} {
		f, err := instance.Func(name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Call(context.Background()))
	}
	// Output:
	// 1000000000 <nil>
	// 2 <nil>
}

// lines are what a program reads from its standard input.
type lines []string

func (l lines) GetStdin(c *wasmtime.Caller) (*component.Resource, error) {
	return component.NewInput(c, strings.NewReader(strings.Join(l, "\n")))
}

// The type parameter of Stdin follows from what GetStdin returns: a stream of the library's.
func ExampleDefineStdin() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	if err := wasi.DefineStdin(linker, lines{"one", "two"}); err != nil {
		log.Fatal(err)
	}
}
