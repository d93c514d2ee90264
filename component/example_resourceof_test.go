package component_test

import (
	"fmt"
	"log"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// tellerWat imports a resource of the host, and exports pay: func(amount: u32) -> u32, which opens an account with
// that, asks for its balance, and drops it.
const tellerWat = `(component
  (import "example:docs/bank@1.0.0" (instance $bank
    (export "account" (type $account (sub resource)))
    (export "[constructor]account" (func (param "amount" u32) (result (own $account))))
    (export "[method]account.balance" (func (param "self" (borrow $account)) (result u32)))))
  (alias export $bank "account" (type $account))
  (alias export $bank "[constructor]account" (func $open))
  (alias export $bank "[method]account.balance" (func $balance))
  (core func $open' (canon lower (func $open)))
  (core func $balance' (canon lower (func $balance)))
  (core func $drop' (canon resource.drop $account))
  (core module $m
    (import "bank" "open" (func $open (param i32) (result i32)))
    (import "bank" "balance" (func $balance (param i32) (result i32)))
    (import "bank" "drop" (func $drop (param i32)))
    (func (export "pay") (param i32) (result i32) (local $account i32) (local $balance i32)
      (local.set $account (call $open (local.get 0)))
      (local.set $balance (call $balance (local.get $account)))
      (call $drop (local.get $account))
      (local.get $balance)))
  (core instance $i (instantiate $m (with "bank" (instance
    (export "open" (func $open')) (export "balance" (func $balance')) (export "drop" (func $drop'))))))
  (func (export "pay") (param "amount" u32) (result u32) (canon lift (core func $i "pay"))))`

// Account is the resource account: its methods are those of the Go type, and Close is its destructor.
type Account struct{ amount uint32 }

func (a *Account) Balance() uint32 { return a.amount }

func (a *Account) Close() { fmt.Println("the account is closed") }

// Bank is the interface example:docs/bank: the constructor is a method, as static functions and functions are.
type Bank struct{ bonus uint32 }

func (b *Bank) NewAccount(amount uint32) *Account { return &Account{amount + b.bonus} }

// A resource of the host is a Go value, of which guests have handles.
func ExampleResourceOf() {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, []byte(tellerWat))
	if err != nil {
		log.Fatal(err)
	}
	linker := component.NewLinker(engine)
	bank := linker.Instance("example:docs/bank@1.0.0")
	if err := bank.InterfaceOf(c, &Bank{bonus: 5}, component.ResourceOf[*Account]()); err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(nil, store, c)
	if err != nil {
		log.Fatal(err)
	}
	f, err := instance.Func("pay")
	if err != nil {
		log.Fatal(err)
	}
	balance, err := f.Call(nil, 100)
	fmt.Println(balance, err)
	// Output:
	// the account is closed
	// 105 <nil>
}
