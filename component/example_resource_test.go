package component_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// counterWat exports a resource: a counter, with a constructor and a method. What the guest knows of one is the number
// that the counter counts to.
const counterWat = `(component
  (core module $destructor (func (export "drop") (param i32)))
  (core instance $d (instantiate $destructor))
  (type $counter' (resource (rep i32) (dtor (core func $d "drop"))))
  (core func $new (canon resource.new $counter'))
  (core module $m
    (import "counter" "new" (func $new (param i32) (result i32)))
    (func (export "counter") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $i (instantiate $m (with "counter" (instance (export "new" (func $new))))))
  (export $counter "counter" (type $counter'))
  (func (export "[constructor]counter") (param "n" u32) (result (own $counter)) (canon lift (core func $i "counter")))
  (func (export "[method]counter.next") (param "self" (borrow $counter)) (result u32) (canon lift (core func $i "next"))))`

// Counter is a handle of the guest's resource, with a Go type of its own.
type Counter struct{ *component.Resource }

// A resource of a guest is passed on, and dropped.
func ExampleResource() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(counterWat))
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := component.NewLinker(engine).Instantiate(nil, store, c)
	if err != nil {
		log.Fatal(err)
	}
	constructor, err := instance.Func("counter")
	if err != nil {
		log.Fatal(err)
	}
	method, err := instance.Func("counter.next")
	if err != nil {
		log.Fatal(err)
	}
	newCounter, err := component.Bind1[uint32, Counter](constructor)
	if err != nil {
		log.Fatal(err)
	}
	next, err := component.Bind1[Counter, uint32](method)
	if err != nil {
		log.Fatal(err)
	}

	counter, err := newCounter.Call(nil, 41)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(next.Call(nil, counter))
	if err := counter.Drop(nil); err != nil {
		log.Fatal(err)
	}
	_, err = next.Call(nil, counter)
	fmt.Println(errors.Is(err, component.ErrHandle), err)
	// Output:
	// 42 <nil>
	// true [method]counter.next: parameter 1: the handle was dropped
}
