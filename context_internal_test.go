package wasmtime

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// A guest whose context ended while a call inside of it was being interrupted stops when it goes on, also if nobody
// interrupts it again: the end of the inner call takes the interrupt back, for all calls of the store.
func TestEndOfAnInterruptRaisesTheOuterOneAgain(t *testing.T) {
	defer func(was time.Duration) { raiseAgain = was }(raiseAgain)
	raiseAgain = time.Hour
	config := NewConfig()
	config.SetEpochInterruption(true)
	config.SetConsumeFuel(true) // which ends the guest if nothing else does
	engine := NewEngineWithConfig(config)
	wasm, err := Wat2Wasm(`(module (import "" "f" (func $f)) (func (export "run") (call $f) (loop $again (br $again))))`)
	if err != nil {
		t.Fatal(err)
	}
	module, err := NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, between := range []string{"nothing", "a call without a context", "a call whose context cannot end"} {
		t.Run(between, func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			if err := store.SetFuel(10_000_000); err != nil {
				t.Fatal(err)
			}
			outer, cancelOuter := context.WithCancel(context.Background())
			defer cancelOuter()
			s := store.state
			interrupted := func(*Caller) {
				inner, cancelInner := context.WithCancel(context.Background())
				defer cancelInner()
				call, err := s.begin(inner)
				if err != nil {
					t.Error(err)
					return
				}
				cancelOuter()
				cancelInner()
				for w := s.watch; w != nil; w = w.outer {
					for !w.raised.Load() { // soon: its context is done
						runtime.Gosched()
					}
				}
				for range 100 { // for the interrupt itself, which follows
					runtime.Gosched()
				}
				call.end()
			}
			f := WrapFunc(store, func(c *Caller) {
				within := WrapFunc(c, interrupted)
				switch between {
				case "nothing":
					interrupted(c)
				case "a call without a context":
					_, err = within.Call(c)
				default:
					_, err = within.CallContext(context.Background(), c)
				}
				if err != nil {
					t.Error(err)
				}
			})
			instance, err := NewInstance(store, module, []AsExtern{f})
			if err != nil {
				t.Fatal(err)
			}
			_, err = instance.GetFunc(store, "run").CallContext(outer, store)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the guest ended with %v", err)
			}
		})
	}
}
