package component_test

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// doublerWat exports double: func(s: shape) -> shape, which returns a box of twice the width and everything else as it
// was.
const doublerWat = `(component
  (type $size' (record (field "width" u32) (field "height" u32)))
  (export $size "size" (type $size'))
  (type $shape' (variant (case "circle" f32) (case "box" $size) (case "empty")))
  (export $shape "shape" (type $shape'))
  (core module $m
    (memory (export "memory") 1)
    (func (export "double") (param $case i32) (param $first i32) (param $second i32) (result i32)
      (if (i32.eq (local.get $case) (i32.const 1))
        (then (local.set $first (i32.mul (local.get $first) (i32.const 2)))))
      (i32.store8 (i32.const 16) (local.get $case))
      (i32.store (i32.const 20) (local.get $first))
      (i32.store (i32.const 24) (local.get $second))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "double") (param "s" $shape) (result $shape)
    (canon lift (core func $i "double") (memory (core memory $i "memory")))))`

// Shape is variant shape { circle(f32), box(size), empty }.
type Shape interface{ shape(cases) }

// cases are the types that a Shape may have; the names of the fields are those of the cases.
type cases struct {
	Circle Circle
	Box    Box
	Empty  Empty
}

type (
	Circle float32
	Box    struct{ Width, Height uint32 } // the record size
	Empty  struct{}
)

func (Circle) shape(cases) {}
func (Box) shape(cases)    {}
func (Empty) shape(cases)  {}

// A variant is an interface with a type for each case.
func ExampleVariant() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(doublerWat))
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := component.NewLinker(engine).Instantiate(nil, store, c)
	if err != nil {
		log.Fatal(err)
	}
	f, err := instance.Func("double")
	if err != nil {
		log.Fatal(err)
	}
	double, err := component.Bind1[Shape, Shape](f)
	if err != nil {
		log.Fatal(err)
	}
	for _, shape := range []Shape{Circle(1.5), Box{Width: 3, Height: 4}, Empty{}} {
		doubled, err := double.Call(nil, shape)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%T%v\n", doubled, doubled)
	}

	// Without types of one's own, it is a Variant.
	doubled, err := f.Call(nil, component.Variant{Case: "box", Value: map[string]any{"width": 5, "height": 1}})
	fmt.Println(doubled, err)
	// Output:
	// component_test.Circle1.5
	// component_test.Box{6 4}
	// component_test.Empty{}
	// box(map[height:1 width:10]) <nil>
}
