package component_test

import (
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// withoutTake is counters without one of its functions, and pointerTake has that with a pointer.
type (
	withoutTake struct{}
	pointerTake struct{ withoutTake }
)

func (withoutTake) NewCounter(uint32) *counter          { return nil }
func (withoutTake) CounterMerge(_, _ *counter) *counter { return nil }
func (*pointerTake) Take(*counter) uint32               { return 0 }

// apiWat exports a function in an instance.
const apiWat = `(component
  (core module $m (func (export "run")))
  (core instance $i (instantiate $m))
  (func $run (canon lift (core func $i "run")))
  (instance $api (export "run" (func $run)))
  (export "example:test/api@1.2.3" (instance $api)))`

// The error about an import that is missing says what is near to it.
func TestHints(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c := Must(component.New(engine, []byte(countersWat)))
	resource := component.ResourceOf[*counter]()
	at := func(version string) *component.LinkerInstance {
		return component.NewLinker(engine).Instance("example:test/counters" + version)
	}
	WantTyped(t, at("@1.0.0").InterfaceOf(c, withoutTake{}, resource), component.ErrMissing,
		"#take` func(c: own<counter>) -> u32: component_test.withoutTake has no method Take")
	WantTyped(t, at("@1.0.0").InterfaceOf(c, pointerTake{}, resource), component.ErrMissing,
		"#take` func(c: own<counter>) -> u32: Take is a method of *component_test.pointerTake: give a pointer")
	Check(t, at("@1.0.0").InterfaceOf(c, &pointerTake{}, resource))
	WantTyped(t, at("@1.0.0").InterfaceOf(c, &counters{}), component.ErrMissing,
		"#counter` resource: no ResourceOf was given with the *component_test.counters")
	WantTyped(t, at("@1.0.0").InterfaceOf(c, &counters{}, component.ResourceOf[*withoutTake]().Named("counter")), component.ErrMissing,
		"#[method]counter.get` func(self: borrow<counter>) -> u32: *component_test.withoutTake has no method Get")
	WantTyped(t, at("@2.0.0").InterfaceOf(c, &counters{}, resource), component.ErrNotFound,
		"does not import `example:test/counters@2.0.0`; its imports are example:test/counters@1.0.0")

	wasi := Must(component.New(engine, []byte(`(component (import "wasi:cli/environment@0.2.0" (instance (export "initial-cwd" (func)))))`)))
	WantTyped(t, component.NewLinker(engine).Check(wasi), component.ErrMissing, "see Linker.DefineWasi")

	w := newWorld(t, apiWat, nil)
	WantTyped(t, ErrorOf(w.instance.Func("run")), component.ErrNotFound, "no such export: `run`; near it: `example:test/api@1.2.3#run`")
	WantTyped(t, ErrorOf(w.instance.Func("example:test/api@2.0.0#run")), component.ErrNotFound,
		"no such export: `example:test/api@2.0.0`; near it: `example:test/api@1.2.3`")
	WantTyped(t, ErrorOf(w.instance.Func("stop")), component.ErrNotFound, "no such export: `stop`; there are example:test/api@1.2.3")

	linker := component.NewLinker(engine)
	Check(t, linker.Instance("example:test/counters@2.0.0").Interface(&counters{}, resource))
	err := linker.Check(c)
	text := "the linker has it in another version: `example:test/counters@2.0.0`"
	WantTyped(t, err, component.ErrMissing, text)
	if n := strings.Count(err.Error(), text); n != 1 {
		t.Errorf("it says so %d times: %v", n, err)
	}
}
