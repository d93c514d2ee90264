package component_test

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// rampWat exports ramp: func(n: u32) -> list<u32>, the numbers from 0 to n.
const rampWat = `(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "ramp") (param $n i32) (result i32) (local $i i32)
      (i32.store (i32.const 0) (i32.const 8))
      (i32.store (i32.const 4) (local.get $n))
      (block $done (loop $next
        (br_if $done (i32.eq (local.get $i) (local.get $n)))
        (i32.store offset=8 (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "ramp") (param "n" u32) (result (list u32))
    (canon lift (core func $i "ramp") (memory (core memory $i "memory")))))`

// Ramp are the parameters of ramp.
type Ramp struct{ N uint32 }

// A function that is bound to a struct of its parameters can put its result where another one was.
func ExampleTypedFunc_CallInto() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(rampWat))
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := component.NewLinker(engine).Instantiate(nil, store, c)
	if err != nil {
		log.Fatal(err)
	}
	f, err := instance.Func("ramp")
	if err != nil {
		log.Fatal(err)
	}
	ramp, err := component.Bind[Ramp, []uint32](f)
	if err != nil {
		log.Fatal(err)
	}

	buffer := make([]uint32, 100)
	for _, n := range []uint32{3, 5} {
		if err := ramp.CallInto(nil, &Ramp{n}, &buffer); err != nil {
			log.Fatal(err)
		}
		fmt.Println(buffer, cap(buffer))
	}

	// Here nothing is copied, and the numbers are gone afterwards.
	sum := uint32(0)
	err = ramp.CallView(nil, Ramp{101}, func(numbers []uint32) error {
		for _, n := range numbers {
			sum += n
		}
		return nil
	})
	fmt.Println(sum, err)
	// Output:
	// [0 1 2] 100
	// [0 1 2 3 4] 100
	// 5050 <nil>
}
