package wasiconfig_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasiconfig"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m) }

// guest is a component that imports wasi:config of a version.
func guest(version string) string {
	return Forwarding(`
  (import "wasi:config/store@`+version+`" (instance $store
    (type $error' (variant (case "upstream" string) (case "io" string)))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "key" string) (result (result (option string) (error $error)))))
    (export "get-all" (func (result (result (list (tuple string string)) (error $error)))))))
  (alias export $store "error" (type $error))`,
		Forward{
			Instance: "$store", Name: "get", Export: "get", Core: "i32 i32", Result: "memory",
			Type: `(param "key" string) (result (result (option string) (error $error)))`,
		},
		Forward{
			Instance: "$store", Name: "get-all", Export: "get-all", Result: "memory",
			Type: `(result (result (list (tuple string string)) (error $error)))`,
		})
}

// instantiate gives a component wasi:config with a source.
func instantiate(t *testing.T, version string, source wasiconfig.Source) *component.Instance {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	t.Cleanup(engine.Close)
	linker := component.NewLinker(engine)
	Check(t, wasiconfig.Define(linker, source))
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	return Must(linker.Instantiate(t.Context(), store, Must(component.New(engine, []byte(guest(version))))))
}

func get(t *testing.T, instance *component.Instance) *component.TypedFunc1[string, *string] {
	t.Helper()
	return Must(component.Bind1[string, *string](Must(instance.Func("get"))))
}

func TestMap(t *testing.T) {
	settings := wasiconfig.Map{"b": "2", "a": "1", "": "empty", "long": strings.Repeat("é", 100_000)}
	for _, version := range []string{"0.2.0-rc.1", "0.2.0-draft"} {
		instance := instantiate(t, version, settings)
		get := get(t, instance)
		for key, want := range settings {
			if got := Must(get.Call(t.Context(), key)); got == nil || *got != want {
				t.Errorf("%q: got %v", key, got)
			}
		}
		if got := Must(get.Call(t.Context(), "c")); got != nil {
			t.Errorf("a setting that is not there: got %q", *got)
		}
		all := Must(component.Bind0[[]component.Tuple2[string, string]](Must(instance.Func("get-all"))))
		found, last := wasiconfig.Map{}, ""
		for _, pair := range Must(all.Call(t.Context())) {
			if pair.A < last {
				t.Errorf("%q comes behind %q", pair.A, last)
			}
			found[pair.A], last = pair.B, pair.A
		}
		if !maps.Equal(found, settings) {
			t.Errorf("got %v", found)
		}
		if got := Must(Must(component.Bind0[[]component.Tuple2[string, string]](Must(instantiate(t, version, nil).Func("get-all")))).Call(t.Context())); len(got) != 0 {
			t.Errorf("no source: got %v", got)
		}
	}
}

// failing is a source that fails.
type failing struct{ err error }

func (f failing) Get(context.Context, string) (string, bool, error) { return "", true, f.err }
func (f failing) All(context.Context) (map[string]string, error)    { return nil, f.err }

func TestErrors(t *testing.T) {
	long := errors.New(strings.Repeat("x", 10_000))
	for _, test := range []struct {
		err       error
		kind, say string
	}{
		{errors.New("the vault is closed"), "upstream", "the vault is closed"},
		{fmt.Errorf("%w: no route", wasiconfig.ErrIO), "io", wasiconfig.ErrIO.Error() + ": no route"},
		{errors.New("no \xff text"), "upstream", "no ? text"},
		{long, "upstream", long.Error()[:4096]},
		{&component.ResultError{Value: component.Variant{Case: "io", Value: "mine"}}, "io", "mine"},
		{context.Canceled, "upstream", context.Canceled.Error()}, // of another context than the call's
	} {
		instance := instantiate(t, "0.2.0-rc.1", failing{test.err})
		for name, call := range map[string]func() error{
			"get":     func() error { return ErrorOf(get(t, instance).Call(t.Context(), "a")) },
			"get-all": func() error { return ErrorOf(Must(instance.Func("get-all")).Call(t.Context())) },
		} {
			var failed *component.ResultError
			if err := call(); !errors.As(err, &failed) || failed.Value != any(component.Variant{Case: test.kind, Value: test.say}) {
				t.Errorf("%s, %v: got %v", name, test.err, err)
			}
		}
	}
}

// canceling is a source that waits, and while it does, the context of the call ends.
type canceling struct {
	failing
	cancel context.CancelFunc
}

func (c canceling) Get(ctx context.Context, _ string) (string, bool, error) {
	c.cancel()
	<-ctx.Done()
	return "", false, errors.New("stopped waiting")
}

// What is not the source's answer ends the guest.
func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	instance := instantiate(t, "0.2.0-rc.1", canceling{cancel: cancel})
	if _, err := get(t, instance).Call(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Fatalf("the context has ended: %v", err)
	}
	if _, err := get(t, instance).Call(t.Context(), "a"); !errors.Is(err, component.ErrUnusable) {
		t.Errorf("a call afterwards: %v", err)
	}
	trap := wasmtime.NewTrap("enough")
	instance = instantiate(t, "0.2.0-rc.1", failing{trap})
	WantText(t, ErrorOf(get(t, instance).Call(t.Context(), "a")), "enough")
	instance = instantiate(t, "0.2.0-rc.1", wasiconfig.Map{"a": "no \xff text"})
	if _, err := get(t, instance).Call(t.Context(), "a"); !errors.Is(err, component.ErrValue) {
		t.Errorf("a value that is no text: %v", err)
	}
}

func TestDefinedTwice(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	Check(t, wasiconfig.Define(linker, nil))
	if err := wasiconfig.Define(linker, nil); err == nil || !strings.Contains(err.Error(), "wasi:config/store@0.2.0-rc.1#get") {
		t.Errorf("got %v", err)
	}
	linker.AllowShadowing(true)
	Check(t, wasiconfig.Define(linker, wasiconfig.Map{}))
	WantIs(t, wasiconfig.Define(linker, (*wasiconfig.Map)(nil)), wasmtime.ErrClosed)
	linker.Close()
	if err := wasiconfig.Define(linker, nil); !errors.Is(err, wasmtime.ErrClosed) {
		t.Errorf("a closed linker: %v", err)
	}
}
