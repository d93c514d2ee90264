package component_test

import (
	"errors"
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
	WantTyped(t, at("@1.0.0").InterfaceOf(c, &counters{}, resource.Named("count")), component.ErrMissing,
		"#counter` resource: no ResourceOf of that name was given with the *component_test.counters, but of count: see ResourceType.Named")
	WantTyped(t, at("@2.0.0").InterfaceOf(c, &counters{}, resource), component.ErrNotFound,
		"does not import `example:test/counters@2.0.0`; its imports are example:test/counters@1.0.0")

	wasi := Must(component.New(engine, []byte(`(component (import "wasi:cli/environment@0.2.0" (instance (export "initial-cwd" (func)))))`)))
	WantTyped(t, component.NewLinker(engine).Check(wasi), component.ErrMissing, "see Linker.DefineWasi")

	w := newWorld(t, apiWat, nil)
	WantTyped(t, ErrorOf(w.instance.Func("run")), component.ErrNotFound, "no such export: `run`; near it: `example:test/api@1.2.3#run`")
	WantTyped(t, ErrorOf(w.instance.Func("example:test/api@2.0.0#run")), component.ErrNotFound,
		"no such export: `example:test/api@2.0.0`; near it: `example:test/api@1.2.3`")
	WantTyped(t, ErrorOf(w.instance.Func("stop")), component.ErrNotFound, "no such export: `stop`; there are example:test/api@1.2.3")
	for name, near := range map[string]string{"Run": "run", "rnu": "run", "[method]runs": "run"} {
		WantTyped(t, ErrorOf(w.instance.Func("example:test/api@1.2.3#"+name)), component.ErrNotFound,
			"no such export: `example:test/api@1.2.3#"+name+"`; near it: `example:test/api@1.2.3#"+near+"`")
	}
	WantTyped(t, ErrorOf(c.Export("counter.use")), component.ErrNotFound, "there are family, keep, make")
	WantTyped(t, ErrorOf(c.Export("example:test/counters@1.0.0#take")), component.ErrNotFound,
		"no such export: `example:test/counters@1.0.0`; the component imports it")

	linker := component.NewLinker(engine)
	Check(t, linker.Instance("example:test/counters@2.0.0").Interface(&counters{}, resource))
	err := linker.Check(c)
	text := "the linker has it in another version: `example:test/counters@2.0.0`"
	WantTyped(t, err, component.ErrMissing, text)
	if n := strings.Count(err.Error(), text); n != 1 {
		t.Errorf("it says so %d times: %v", n, err)
	}
}

// rooted are functions that a component imports by itself.
type rooted struct{ counters }

func (rooted) Log(string)          {}
func (rooted) TimeZone() string    { return "" }
func (rooted) Wrong(uint32) uint32 { return 0 }
func (rooted) Two() (a, b uint32)  { return 0, 0 }

// An interface may be what a component imports outside of instances, or in an instance within another.
func TestInterfacesOfOtherPlaces(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	root := func(l *component.Linker) *component.LinkerInstance { return l.Root() }
	inner := func(l *component.Linker) *component.LinkerInstance {
		return l.Instance("example:test/outer@1.0.0").Instance("inner")
	}
	const imports = `(import "log" (func (param "text" string))) (import "time-zone" (func (result string)))`
	for _, test := range []struct {
		imports string
		place   func(*component.Linker) *component.LinkerInstance
		cause   error
		text    string
	}{
		{imports, root, nil, ""},
		{imports + `(import "other" (instance))`, root, nil, ""}, // which is no function of the root
		{imports + `(import "wrong" (func))`, root, component.ErrType, "`wrong` func(): WIT has func(), Go has a function of 1 parameter"},
		{imports + `(import "two" (func))`, root, component.ErrType, "a func() (uint32, uint32): a WIT function has one result"},
		{imports + `(import "price-of" (func))`, root, component.ErrMissing, "`price-of` func(): component_test.rooted has no method PriceOf"},
		{`(import "example:test/outer@1.0.0" (instance))`, root, component.ErrNotFound,
			"the component imports nothing outside of instances; its imports are example:test/outer@1.0.0"},
		{`(import "example:test/outer@1.2.0" (instance (export "inner" (instance (export "time-zone" (func (result string)))))))`,
			inner, nil, ""},
		{`(import "example:test/outer@1.0.0" (instance (export "inner" (instance (export "wrong" (func))))))`, inner, component.ErrType,
			"`example:test/outer@1.0.0#inner#wrong` func(): "},
		{imports, inner, component.ErrNotFound, "the component does not import `example:test/outer@1.0.0#inner`; its imports are log, time-zone"},
	} {
		c := Must(component.New(engine, []byte("(component "+test.imports+")")))
		l := component.NewLinker(engine)
		err := test.place(l).InterfaceOf(c, rooted{})
		if test.cause != nil {
			WantTyped(t, err, test.cause, test.text)
			continue
		}
		Check(t, err)
		Check(t, l.Check(c))
	}
}

// The error about a function that is missing says which one was meant instead.
func TestMisplacedFunctions(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	c := Must(component.New(engine, []byte(`(component (import "example:test/clock@1.0.0" (instance
		(export "now" (func (result u64))) (export "time-zone" (func (result string))))))`)))
	now, zone := func() uint64 { return 0 }, func() string { return "" }
	const missing = "`example:test/clock@1.0.0#now` func() -> u64"
	for what, test := range map[string]struct {
		define func(l *component.Linker) error
		want   string
	}{
		"nothing": {func(l *component.Linker) error { return nil }, missing + "\n    `"},
		"in the root": {func(l *component.Linker) error { return l.Root().Func("now", now) },
			missing + ": the linker has it outside of the instance: what is in one is defined by Linker.Instance"},
		"a Go name": {func(l *component.Linker) error { return l.Instance("example:test/clock@1.0.0").Func("Now", now) },
			missing + ": near it in the linker: `Now`"},
		"misspelt": {func(l *component.Linker) error {
			return l.Instance("example:test/clock@1.0.0").Func("time-zones", zone)
		},
			"#time-zone` func() -> string: near it in the linker: `time-zones`"},
		"a misspelt instance": {func(l *component.Linker) error { return l.Instance("example:test/clocks@1.0.0").Func("now", now) },
			missing + ": near it in the linker: `example:test/clocks@1.0.0`"},
		// What the component imports as well was not meant.
		"another": {func(l *component.Linker) error {
			i := l.Instance("example:test/clock@1.0.0")
			return errors.Join(i.Func("time-zone", zone), i.Func("new", now))
		}, missing + ": near it in the linker: `new`"},
	} {
		l := component.NewLinker(engine)
		Check(t, test.define(l))
		err := l.Check(c)
		WantTyped(t, err, component.ErrMissing, test.want)
		if t.Failed() {
			t.Fatal(what)
		}
	}
}
