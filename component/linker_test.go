package component_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMissingImports(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat)))
	linker := component.NewLinker(engine)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	Check(t, linker.Root().Func("inc", func(n uint32) uint32 { return n }))
	err := linker.Check(c)
	for _, text := range []string{
		"component imports instance `example:test/host@0.2.1`, but a matching implementation was not found in the linker: " +
			"instance export `greet` has the wrong type: function implementation is missing",
		"have not been defined", "`example:test/host@0.2.1#greet` func(name: string, times: u8) -> string",
		"`example:test/host@0.2.1#check` func() -> result",
	} {
		WantTyped(t, err, component.ErrMissing, text)
		WantTyped(t, ErrorOf(linker.Instantiate(nil, store, c)), component.ErrMissing, text)
	}
	if strings.Contains(err.Error(), "inc") {
		t.Error(err)
	}
	linker.TrapUnknownImports(true)
	Check(t, linker.Check(c))
	instance := Must(linker.Instantiate(nil, store, c))
	Equal(t, "inc", Must(Must(instance.Func("inc")).Call(nil, 1)), any(uint32(1)))
	if _, err := Must(instance.Func("log")).Call(nil, "x"); err == nil {
		t.Error("an unknown import does not trap")
	}
	linker.TrapUnknownImports(false)
	WantIs(t, linker.Check(c), component.ErrMissing)
}

func TestWrongTypes(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat)))
	for text, change := range map[string]func(*hostFuncs){
		"component imports function `inc`, but a matching implementation was not found in the linker: parameter 1 (n): WIT has u32, Go has int": func(h *hostFuncs) { h.inc = func(int) uint32 { return 0 } },
		"instance export `greet` has the wrong type: parameter 2 (times): WIT has u8, Go has string":                                            func(h *hostFuncs) { h.greet = func(string, string) string { return "" } },
		"of 1 parameter":                 func(h *hostFuncs) { h.greet = func(string) string { return "" } },
		"result: WIT has u32, Go has s":  func(h *hostFuncs) { h.inc = func(uint32) string { return "" } },
		"result: WIT has none, Go has i": func(h *hostFuncs) { h.log = func(string) int { return 0 } },
		"result: WIT has u32, Go has no": func(h *hostFuncs) { h.parse = func(string) error { return nil } },
	} {
		host, linker := plainHost(), component.NewLinker(engine)
		change(&host)
		Check(t, host.define(linker))
		WantTyped(t, linker.Check(c), component.ErrType, text)
	}
	host, linker := plainHost(), component.NewLinker(engine)
	host.inc, host.log = func(string) uint32 { return 0 }, func() {}
	Check(t, host.define(linker))
	WantTyped(t, linker.Check(c), component.ErrType, "`inc`")
	WantTyped(t, linker.Check(c), component.ErrType, "#log` func(text: string): WIT has")
	root := component.NewLinker(engine).Root()
	for text, f := range map[string]any{
		"nil is no function": nil, "of type int is no function": 7, "is nil": (func())(nil), "any number": func(...int) {},
		"comes first": func(int, *wasmtime.Caller) {}, "one result": func() (a, b int) { return 1, 2 }, "HostFunc1": component.HostFunc{},
	} {
		WantText(t, root.Func("f", f), text)
	}
}

func TestShadowing(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat)))
	linker := component.NewLinker(engine)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	Check(t, plainHost().define(linker))
	twice := func(n uint32) uint32 { return 2 * n }
	WantText(t, linker.Root().Func("inc", twice), "AllowShadowing")
	linker.AllowShadowing(true)
	Check(t, linker.Root().Func("inc", twice))
	Equal(t, "inc", Must(Must(Must(linker.Instantiate(nil, store, c)).Func("inc")).Call(nil, 5)), any(uint32(10)))
	linker.AllowShadowing(false)
	WantText(t, linker.Root().Func("inc", twice), "AllowShadowing")
	// An instance that is there already has what was defined for it.
	WantText(t, linker.Instance("example:test/host@0.2.0").Interface(greeter{}), "AllowShadowing")
	linker.AllowShadowing(true)
	Check(t, linker.Instance("example:test/host@0.2.0").Interface(greeter{}))
	instance := Must(linker.Instantiate(nil, store, c))
	Equal(t, "greet", Must(Must(instance.Func("greet")).Call(nil, "a", 1)), any("from a method: a"))
	Equal(t, "parse", Must(Must(instance.Func("parse")).Call(nil, "12")), any(uint32(12)))
	// What is no instance makes room for one.
	calls := Must(component.New(engine, []byte(`(component (import "inc" (func (param "n" u32) (result u32))))`)))
	linker.AllowShadowing(false)
	linker.Instance("inc")
	Check(t, linker.Check(calls))
	linker.AllowShadowing(true)
	linker.Instance("inc")
	WantText(t, linker.Check(calls), "expected function found instance")
}

type greeter struct{}

func (greeter) Greet(name string, times uint8) string { return "from a method: " + name }

func TestVersions(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat))) // imports 0.2.1
	for version, want := range map[string]bool{"0.2.1": true, "0.2.0": true, "0.2.9": true, "0.3.0": false, "1.2.1": false, "0.2.1-rc": false} {
		linker := component.NewLinker(engine)
		linker.TrapUnknownImports(true)
		place := linker.Instance("example:test/host@" + version)
		Check(t, place.Func("greet", func(string) {})) // which does not fit, if it is found
		if found := errors.Is(linker.Check(c), component.ErrType); found != want {
			t.Errorf("%s: %v", version, linker.Check(c))
		}
	}
	// The exact one is preferred, then the newest.
	store := wasmtime.NewStore(engine)
	defer store.Close()
	called := func(versions ...string) (name string) {
		linker := component.NewLinker(engine)
		Check(t, linker.Root().Func("inc", func(n uint32) uint32 { return n }))
		for _, version := range versions {
			host := plainHost()
			place := linker.Instance("example:test/host@" + version)
			Check(t, errors.Join(place.Func("greet", func(string, uint8) string { return version }), place.Func("parse-number", host.parse),
				place.Func("log", host.log), place.Func("check", host.check)))
		}
		return Must(Must(Must(linker.Instantiate(nil, store, c)).Func("greet")).Call(nil, "", 0)).(string)
	}
	Equal(t, "exact", called("0.2.0", "0.2.1", "0.2.10"), "0.2.1")
	Equal(t, "newest", called("0.2.9", "0.2.10", "0.2.0"), "0.2.10")
}

// host is an interface as methods.
type host struct{ logged []string }

func (h *host) Greet(name string, times uint8) string { return fmt.Sprint(name, times) }

func (h *host) ParseNumber(text string) (uint32, error) { return uint32(len(text)), nil }

func (h *host) Log(_ *wasmtime.Caller, text string) { h.logged = append(h.logged, text) }

func (h *host) Check() error { return nil }

type wrongHost struct{ *host }

func (wrongHost) Log(int) {}

type lessHost struct{}

func (lessHost) Log(string) {}

type ambiguousHost struct{ *host }

func (ambiguousHost) LOG(string) {}

func TestInterface(t *testing.T) {
	impl := &host{}
	w := newWorld(t, hostWat, func(l *component.Linker) error {
		return errors.Join(l.Root().Func("inc", func(n uint32) uint32 { return n }), l.Instance("example:test/host@0.2.1").Interface(impl))
	})
	Equal(t, "greet", w.call(t, "greet", "a", 3), any("a3"))
	Equal(t, "parse", w.call(t, "parse", "abcd"), any(uint32(4)))
	w.call(t, "log", "text")
	Equal(t, "logged", strings.Join(impl.logged, " "), "text")

	linker := component.NewLinker(w.engine)
	place := linker.Instance("example:test/host@0.2.0")
	WantTyped(t, place.InterfaceOf(w.component, wrongHost{impl}), component.ErrType, "#log` func(text: string): parameter 1 (text): WIT has string, Go has int")
	WantTyped(t, place.InterfaceOf(w.component, lessHost{}), component.ErrMissing, "#parse-number`")
	WantText(t, place.InterfaceOf(w.component, ambiguousHost{impl}), "both methods")
	WantIs(t, linker.Instance("other").InterfaceOf(w.component, impl), component.ErrNotFound)
	Check(t, place.InterfaceOf(w.component, impl))
	WantTyped(t, linker.Check(w.component), component.ErrMissing, "`inc`")
	WantText(t, place.Func("log", func(string) {}), "AllowShadowing")
	Check(t, place.Func("another", func(string) {}))
}

func TestOtherKinds(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat)))
	linker := component.NewLinker(engine)
	linker.Instance("inc")
	WantTyped(t, linker.Check(c), component.ErrType, "component imports function `inc`, but a matching implementation was not found in the linker: expected function found instance")
	linker = component.NewLinker(engine)
	Check(t, linker.Root().Func("example:test/host@0.2.1", func() {}))
	WantTyped(t, linker.Check(c), component.ErrType, "expected instance found func")
	WantTyped(t, linker.Check(c), component.ErrMissing, "function implementation is missing")
	// An instance of which nothing is wanted need not be there, but cannot be something else.
	empty := Must(component.New(engine, []byte(`(component (import "a" (instance)))`)))
	linker = component.NewLinker(engine)
	Check(t, linker.Check(empty))
	Check(t, linker.Root().Func("a", func() {}))
	WantTyped(t, linker.Check(empty), component.ErrType, "component imports instance `a`, but a matching implementation was not found in the linker: expected instance found func")
}

func TestModules(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(`(component
	  (import "m" (core module $m (export "f" (func (result i32)))))
	  (core instance $i (instantiate $m))
	  (func (export "f") (result u32) (canon lift (core func $i "f"))))`)))
	_, known, err := c.Requirements()
	Check(t, err)
	Equal(t, "known", known, false)
	linker := component.NewLinker(engine)
	store := wasmtime.NewStore(engine)
	defer store.Close()
	WantTyped(t, linker.Check(c), component.ErrMissing, "component imports core module `m`, but a matching implementation was not found in the linker: module implementation is missing")
	good := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 42)))`)
	bad := Compile(t, engine, `(module)`)
	other := Compile(t, wasmtime.NewEngine(), `(module)`)
	WantIs(t, linker.Root().Module("m", other), wasmtime.ErrWrongEngine)
	WantText(t, linker.Root().Module("m", nil), "the module is nil")
	linker.AllowShadowing(true)
	Check(t, linker.Root().Module("m", bad))
	_, err = linker.Instantiate(nil, store, c)
	WantText(t, err, "not defined")
	Check(t, linker.Root().Module("m", good))
	instance := Must(linker.Instantiate(nil, store, c))
	Equal(t, "f", Must(Must(instance.Func("f")).Call(nil)), any(uint32(42)))
	good.Close()
	_, err = linker.Instantiate(nil, store, c)
	WantIs(t, err, wasmtime.ErrClosed)
}

func TestPool(t *testing.T) {
	engine := EngineWith(t, WithEpochs, func(c *wasmtime.Config) { c.SetPooling(wasmtime.PoolingConfig{MaxInstances: 4}) })
	c := Must(component.New(engine, []byte(testWat))) // one core instance
	pre := Must(component.NewLinker(engine).InstantiatePre(c))
	var stores []*wasmtime.Store
	for range 4 {
		store := wasmtime.NewStore(engine)
		Must(pre.Instantiate(nil, store))
		stores = append(stores, store)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	_, err := pre.Instantiate(nil, store)
	WantIs(t, err, wasmtime.ErrPoolFull)
	// With a context it waits.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for wasmtime.Stats().WaitingInstances == 0 {
			runtime.Gosched()
		}
		stores[0].Close()
	}()
	instance := Must(pre.Instantiate(ctx, store))
	Equal(t, "add", Must(Must(instance.Func("add")).Call(nil, 1, 2)), any(uint32(3)))
	for _, store := range stores[1:] {
		store.Close()
	}
}

// A linker is used by many goroutines at once.
func TestLinkerAtOnce(t *testing.T) {
	engine := wasmtime.NewEngine()
	c := Must(component.New(engine, []byte(hostWat)))
	linker := component.NewLinker(engine)
	linker.AllowShadowing(true)
	Check(t, plainHost().define(linker))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			store := wasmtime.NewStore(engine)
			defer store.Close()
			for range Rounds(20) {
				instance, err := linker.Instantiate(nil, store, c)
				if err == nil {
					_, err = Must(instance.Func("greet")).Call(nil, "a", 1)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range Rounds(20) {
				if err := plainHost().define(linker); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// A component chooses how long its names are, and how many imports there is something to be said about: what is said
// must not be the product of both.
func TestLongNamesInErrors(t *testing.T) {
	var b strings.Builder
	b.WriteString("(component (type $i (instance (type $r' (record")
	for i := range 10 {
		fmt.Fprintf(&b, " (field \"%s%c\" u8)", strings.Repeat("a", 90_000), 'a'+i)
	}
	b.WriteString(`)) (export "r" (type $r (eq $r'))) (export "f" (func (param "x" $r)))))`)
	const imports = 300
	for i := range imports {
		fmt.Fprintf(&b, "(import \"a:b/c@0.2.%d\" (instance (type $i)))", i)
	}
	b.WriteString(")")
	engine := EngineWith(t)
	c := Must(component.New(engine, []byte(b.String())))
	defer c.Close()
	l := component.NewLinker(engine)
	Check(t, l.Instance("a:b/c@0.2.0").Func("f", func(x, y uint32) {}))
	Check(t, l.Check(Must(component.New(engine, []byte("(component)")))))
	c.Imports()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := l.Check(c)
	runtime.ReadMemStats(&after)
	WantIs(t, err, component.ErrType)
	if n := len(err.Error()); n > 100_000 {
		t.Errorf("the error has %d bytes", n)
	}
	if n := (after.TotalAlloc - before.TotalAlloc) / imports; n > 500_000 {
		t.Errorf("%d bytes are taken for each import", n)
	}
}

// What limits refuse a component is told as with modules, also that there may be no more instances.
func TestOnRefusal(t *testing.T) {
	w := newWorld(t, testWat, nil)
	for _, c := range []struct {
		limits wasmtime.Limits
		want   wasmtime.RefusalReason
	}{
		{wasmtime.Limits{Instances: 1}, wasmtime.RefusedInstances},
		{wasmtime.Limits{Memories: 1}, wasmtime.RefusedMemories},
		{wasmtime.Limits{MemorySize: 1}, wasmtime.RefusedMemorySize},
		{wasmtime.Limits{TotalMemory: 1}, wasmtime.RefusedTotalMemory},
	} {
		var refused []wasmtime.RefusalReason
		c.limits.OnRefusal = func(r wasmtime.Refusal) { refused = append(refused, r.Reason) }
		w.store.SetLimits(c.limits)
		if _, err := w.linker.Instantiate(nil, w.store, w.component); err == nil || !slices.Equal(refused, []wasmtime.RefusalReason{c.want}) {
			t.Errorf("%v: refused %v, %v", c.want, refused, err)
		}
		c.limits.OnRefusal = func(wasmtime.Refusal) { panic("refused") }
		w.store.SetLimits(c.limits)
		panicked := panics(func() { _, _ = w.linker.Instantiate(nil, w.store, w.component) })
		Equal(t, "panic", panicked, any("refused"))
	}
}
