package main_test

import (
	"errors"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m) }

// shop implements what the package has been made of.
type shop struct{}

func (shop) Find(_ *wasmtime.Caller, _ string, colour Colour) (component.Option[Shape], error) {
	if colour == ColourRed {
		return component.Some[Shape](ShapeRound{1.5}), nil
	}
	return component.None[Shape](), nil
}
func (shop) Nine(_ *wasmtime.Caller, a uint8, b uint16, d uint32, e uint64, f int8, g float32, h float64, i rune, j bool) (Price, error) {
	if !j {
		return 0, errors.New("j is false")
	}
	return uint32(a) + uint32(b) + d + uint32(e) + uint32(f) + uint32(g) + uint32(h) + uint32(i), nil
}
func (shop) All(*wasmtime.Caller, Rights, Numbers, Pair) ([]component.Result[uint32, struct{}], error) {
	return nil, nil
}
func (shop) Check(*wasmtime.Caller, Item, component.Option[*uint8]) error { return errors.New("no") }
func (shop) Nothing(*wasmtime.Caller) error                               { return nil }
func (shop) NewBasket(*wasmtime.Caller, string) (Basket, error)           { return &basket{}, nil }
func (shop) BasketMerge(_ *wasmtime.Caller, a, _ Basket) (Basket, error)  { return a, nil }
func (shop) Later(*wasmtime.Caller, [2]uint8) error                       { return nil }
func (shop) Place(_ *wasmtime.Caller, b Basket) ([]byte, error)           { return []byte("placed"), nil }

type basket struct{ items int }

func (b *basket) Add(_ *wasmtime.Caller, item Item) (uint32, error) {
	if item.Price == nil {
		return 0, ProblemMissing("a price")
	}
	b.items++
	return uint32(b.items), nil
}

// guest imports all of the shop, and exports the function with nine parameters.
const guest = `(component
  (import "example:shop/catalog@1.2.0" (instance $catalog
    (type $item' (record (field "full-name" string) (field "tags" (list string)) (field "price" (option u32))))
    (export "item" (type $item (eq $item')))
    (type $colour' (enum "red" "dark-blue")) (export "colour" (type $colour (eq $colour')))
    (type $rights' (flags "a" "b" "c" "d" "e" "f" "g" "h" "i")) (export "rights" (type $rights (eq $rights')))
    (type $problem' (variant (case "missing" string) (case "busy"))) (export "problem" (type $problem (eq $problem')))
    (type $shape' (variant (case "round" f32) (case "box" (tuple u32 string)) (case "none")))
    (export "shape" (type $shape (eq $shape')))
    (export "basket" (type $basket (sub resource)))
    (export "find" (func (param "type" string) (param "c" $colour) (result (option $shape))))
    (export "nine" (func (param "a" u8) (param "b" u16) (param "d" u32) (param "e" u64) (param "f" s8) (param "g" f32)
      (param "h" f64) (param "i" char) (param "j" bool) (result u32)))
    (export "all" (func (param "rights" $rights) (param "numbers" (list u32)) (param "pair" (tuple u8 string))
      (result (list (result u32)))))
    (export "check" (func (param "item" $item) (param "deep" (option (option u8))) (result (result (error string)))))
    (export "nothing" (func))
    (export "later" (func (param "two" (tuple u8 u8))))
    (export "[constructor]basket" (func (param "owner" string) (result (own $basket))))
    (export "[method]basket.add" (func (param "self" (borrow $basket)) (param "item" $item) (result (result u32 (error $problem)))))
    (export "[static]basket.merge" (func (param "a" (own $basket)) (param "b" (own $basket)) (result (own $basket))))))
  (alias export $catalog "basket" (type $basket))
  (import "example:shop/orders@1.0.0" (instance
    (alias outer 1 $basket (type $basket'))
    (export "basket" (type $basket (eq $basket')))
    (export "place" (func (param "basket" (borrow $basket)) (result (list u8))))))
  (alias export $catalog "nine" (func $nine))
  (core func $nine' (canon lower (func $nine)))
  (core module $m
    (import "" "nine" (func $nine (param i32 i32 i32 i64 i32 f32 f64 i32 i32) (result i32)))
    (func (export "nine") (result i32)
      (call $nine (i32.const 1) (i32.const 2) (i32.const 3) (i64.const 4) (i32.const 5) (f32.const 6) (f64.const 7)
        (i32.const 8) (i32.const 1))))
  (core instance $i (instantiate $m (with "" (instance (export "nine" (func $nine'))))))
  (func (export "nine") (result u32) (canon lift (core func $i "nine"))))`

// A package of another world than WASI's does what its WIT says, with resources of Go's alone.
func TestShop(t *testing.T) {
	engine := wasmtime.NewEngine()
	t.Cleanup(engine.Close)
	c := Must(component.New(engine, []byte(guest)))
	t.Cleanup(c.Close)
	linker := component.NewLinker(engine)
	t.Cleanup(linker.Close)
	Check(t, DefineCatalog(linker, shop{}))
	if err := linker.Check(c); !errors.Is(err, component.ErrMissing) {
		t.Errorf("without the rest: %v", err)
	}
	Check(t, DefineCatalogUnstable(linker, shop{}))
	Check(t, DefineOrders(linker, shop{}))
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	instance := Must(linker.Instantiate(nil, store, c))
	value, err := Must(instance.Func("nine")).Call(nil)
	Check(t, err)
	Equal(t, "nine", value, any(uint32(36)))

	Equal(t, "an enum", ColourDarkBlue.String()+Colour(7).String(), "dark-blue7")
	Equal(t, "flags", (RightsA|RightsI).String()+", "+Rights(1<<10).String(), "a|i, 0x400")
	Equal(t, "an error", ProblemMissing("a price").Error()+", "+ProblemBusy().Error(), "missing(a price), busy")
}
