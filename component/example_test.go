package component_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// greeterWat imports decorate: func(text: string) -> string, and exports greet of the same type, which calls it.
const greeterWat = `(component
  (import "example:docs/host@1.0.0" (instance $host (export "decorate" (func (param "text" string) (result string)))))
  (alias export $host "decorate" (func $decorate))
  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.add (global.get $next) (local.get 3)))
      (i32.sub (global.get $next) (local.get 3))))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $decorate' (canon lower (func $decorate) (memory $m) (realloc $realloc)))
  (core module $main
    (import "host" "decorate" (func $decorate (param i32 i32 i32)))
    (func (export "greet") (param i32 i32) (result i32)
      (call $decorate (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16)))
  (core instance $i (instantiate $main (with "host" (instance (export "decorate" (func $decorate'))))))
  (func (export "greet") (param "name" string) (result string)
    (canon lift (core func $i "greet") (memory $m) (realloc $realloc))))`

// decorator is the interface example:docs/host, as a Go type.
type decorator struct{ with string }

func (d decorator) Decorate(text string) string { return d.with + strings.ToUpper(text) + d.with }

func Example() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(greeterWat))
	if err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker(engine)
	if err := linker.Instance("example:docs/host@1.0.0").InterfaceOf(c, decorator{"*"}); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(context.Background(), store, c)
	if err != nil {
		log.Fatal(err)
	}
	f, err := instance.Func("greet")
	if err != nil {
		log.Fatal(err)
	}
	greet, err := component.Bind1[string, string](f)
	if err != nil {
		log.Fatal(err)
	}
	text, err := greet.Call(context.Background(), "world")
	fmt.Println(text, err)

	same, err := f.CallText(context.Background(), `"text"`)
	fmt.Println(same, err)
	// Output:
	// *WORLD* <nil>
	// "*TEXT*" <nil>
}
