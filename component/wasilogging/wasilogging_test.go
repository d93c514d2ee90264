package wasilogging_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasilogging"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { Main(m) }

// guest is a component that imports wasi:logging under a name.
func guest(name string) string {
	return Forwarding(`
  (import "`+name+`" (instance $logging
    (type $level' (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (alias export $logging "level" (type $level))`,
		Forward{
			Instance: "$logging", Name: "log", Export: "log", Core: "i32 i32 i32 i32 i32",
			Type: `(param "level" $level) (param "context" string) (param "message" string)`,
		})
}

// logFunc instantiates a component with a logger, and returns its function.
func logFunc(t *testing.T, name string, logger *slog.Logger, limits wasilogging.Limits) *component.Func {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	t.Cleanup(engine.Close)
	linker := component.NewLinker(engine)
	Check(t, wasilogging.Define(linker, logger, limits))
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	return Must(Must(linker.Instantiate(t.Context(), store, Must(component.New(engine, []byte(guest(name)))))).Func("log"))
}

// keeper is a handler that keeps records, of a level and above.
type keeper struct {
	from    slog.Level
	records []slog.Record
	ctx     context.Context
	fail    func() error
}

func (k *keeper) Enabled(_ context.Context, level slog.Level) bool { return level >= k.from }
func (k *keeper) WithAttrs([]slog.Attr) slog.Handler               { return k }
func (k *keeper) WithGroup(string) slog.Handler                    { return k }

func (k *keeper) Handle(ctx context.Context, r slog.Record) error {
	k.records, k.ctx = append(k.records, r), ctx
	if k.fail != nil {
		return k.fail()
	}
	return nil
}

// attributes returns those of a record.
func attributes(r slog.Record) map[string]any {
	all := map[string]any{}
	r.Attrs(func(a slog.Attr) bool {
		all[a.Key] = a.Value.Any()
		return true
	})
	return all
}

func TestLevels(t *testing.T) {
	for _, name := range []string{"wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"} {
		k := &keeper{from: slog.LevelDebug}
		log := logFunc(t, name, slog.New(k), wasilogging.Limits{})
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, 1)
		for _, level := range []string{"trace", "debug", "info", "warn", "error", "critical"} {
			Must(log.Call(ctx, level, "database", "it is "+level))
		}
		Must(log.Call(ctx, "info", "", "no context"))
		want := []struct {
			level slog.Level
			text  string
		}{
			{slog.LevelDebug, "it is debug"}, {slog.LevelInfo, "it is info"}, {slog.LevelWarn, "it is warn"},
			{slog.LevelError, "it is error"}, {wasilogging.LevelCritical, "it is critical"}, {slog.LevelInfo, "no context"},
		}
		if len(k.records) != len(want) {
			t.Fatalf("%s: got %d records", name, len(k.records))
		}
		for i, r := range k.records {
			attrs := attributes(r)
			if r.Level != want[i].level || r.Message != want[i].text || r.PC != 0 || r.Time.IsZero() {
				t.Errorf("%s: got %v %q", name, r.Level, r.Message)
			}
			if group, ok := attrs[wasilogging.ContextKey]; ok != (i < 5) || ok && group != any("database") || attrs[wasilogging.OmittedKey] != nil {
				t.Errorf("%s: %q has %v", name, r.Message, attrs)
			}
		}
		if k.ctx.Value(key{}) != any(1) {
			t.Error("the context is not that of the call")
		}
		if wasilogging.LevelTrace >= slog.LevelDebug {
			t.Error("trace is not below debug")
		}
	}
}

func TestLimits(t *testing.T) {
	k := &keeper{}
	log := logFunc(t, "wasi:logging/logging@0.1.0-draft", slog.New(k), wasilogging.Limits{Message: 10, Context: 4})
	Must(log.Call(t.Context(), "error", "ünd so", "0123456789é"))
	Must(log.Call(t.Context(), "error", "four", "0123456789"))
	usual := logFunc(t, "wasi:logging/logging@0.1.0-draft", slog.New(k), wasilogging.Limits{})
	Must(usual.Call(t.Context(), "error", strings.Repeat("c", 2<<10), strings.Repeat("m", 1<<20)))
	for i, want := range []struct {
		text, group string
		omitted     any
	}{
		{"0123456789", "ünd", int64(2 + 3)}, {"0123456789", "four", nil},
		{strings.Repeat("m", 1<<16), strings.Repeat("c", 1<<10), int64(1<<20 - 1<<16 + 1<<10)},
	} {
		r := k.records[i]
		attrs := attributes(r)
		if r.Message != want.text || attrs[wasilogging.ContextKey] != any(want.group) || attrs[wasilogging.OmittedKey] != want.omitted {
			t.Errorf("got %.20q, context %.20q, omitted %v", r.Message, attrs[wasilogging.ContextKey], attrs[wasilogging.OmittedKey])
		}
	}
}

func TestHandlers(t *testing.T) {
	// What breaks a line, or moves a terminal's cursor, does not with the handlers of package slog.
	var out bytes.Buffer
	log := logFunc(t, "wasi:logging/logging", slog.New(slog.NewTextHandler(&out, nil)), wasilogging.Limits{})
	Must(log.Call(t.Context(), "warn", "a=b\n", "one\ntwo\x1b[2J level=ERROR"))
	if line := out.String(); strings.Count(line, "\n") != 1 || strings.Contains(line, "\x1b") || !strings.Contains(line, "level=WARN") {
		t.Errorf("got %q", line)
	}
	// A handler's error is lost, and its panic is not.
	k := &keeper{fail: func() error { return errors.New("the disk is full") }}
	log = logFunc(t, "wasi:logging/logging", slog.New(k), wasilogging.Limits{})
	Must(log.Call(t.Context(), "warn", "", "text"))
	k.fail = func() error { panic("a defect") }
	func() {
		defer func() {
			if recover() != "a defect" {
				t.Error("the handler's panic was lost")
			}
		}()
		log.Call(t.Context(), "warn", "", "text")
	}()
	// No logger is that of the program.
	before := slog.Default()
	defer slog.SetDefault(before)
	log = logFunc(t, "wasi:logging/logging", nil, wasilogging.Limits{})
	k = &keeper{}
	slog.SetDefault(slog.New(k))
	Must(log.Call(t.Context(), "info", "", "text"))
	Equal(t, "records", len(k.records), 1)
}

func TestDefinedTwice(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	linker := component.NewLinker(engine)
	Check(t, wasilogging.Define(linker, nil, wasilogging.Limits{}))
	if err := wasilogging.Define(linker, nil, wasilogging.Limits{}); err == nil || !strings.Contains(err.Error(), "wasi:logging/logging@0.1.0-draft#log") {
		t.Errorf("got %v", err)
	}
}
