package otel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// guest is a component that calls each function of wasi:otel that is here, in exports of its own.
func guest(version string) string {
	const kv = `(list $key-value)`
	return Forwarding(`
  (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type (eq $datetime')))))
  (alias export $clock "datetime" (type $datetime))
  (import "wasi:otel/types`+version+`" (instance $types
    (type $key-value' (record (field "key" string) (field "value" string)))
    (export "key-value" (type $key-value (eq $key-value')))
    (type $scope' (record (field "name" string) (field "version" (option string)) (field "schema-url" (option string))
      (field "attributes" (list $key-value))))
    (export "instrumentation-scope" (type (eq $scope')))
    (type $resource' (record (field "attributes" (list $key-value)) (field "schema-url" (option string))))
    (export "resource" (type (eq $resource')))))
  (alias export $types "key-value" (type $key-value))
  (alias export $types "instrumentation-scope" (type $scope))
  (alias export $types "resource" (type $resource))
  (import "wasi:otel/tracing`+version+`" (instance $tracing
    (alias outer 1 $datetime (type $datetime'))
    (export "datetime" (type $datetime (eq $datetime')))
    (alias outer 1 $key-value (type $key-value'))
    (export "key-value" (type $key-value (eq $key-value')))
    (alias outer 1 $scope (type $scope'))
    (export "instrumentation-scope" (type $scope (eq $scope')))
    (type $flags' (flags "sampled"))
    (export "trace-flags" (type $flags (eq $flags')))
    (type $context' (record (field "trace-id" string) (field "span-id" string) (field "trace-flags" $flags)
      (field "is-remote" bool) (field "trace-state" (list (tuple string string)))))
    (export "span-context" (type $context (eq $context')))
    (type $kind' (enum "client" "server" "producer" "consumer" "internal"))
    (export "span-kind" (type $kind (eq $kind')))
    (type $event' (record (field "name" string) (field "time" $datetime) (field "attributes" `+kv+`)))
    (export "event" (type $event (eq $event')))
    (type $link' (record (field "span-context" $context) (field "attributes" `+kv+`)))
    (export "link" (type $link (eq $link')))
    (type $status' (variant (case "unset") (case "ok") (case "error" string)))
    (export "status" (type $status (eq $status')))
    (type $span' (record (field "span-context" $context) (field "parent-span-id" string) (field "span-kind" $kind)
      (field "name" string) (field "start-time" $datetime) (field "end-time" $datetime) (field "attributes" `+kv+`)
      (field "events" (list $event)) (field "links" (list $link)) (field "status" $status)
      (field "instrumentation-scope" $scope) (field "dropped-attributes" u32) (field "dropped-events" u32)
      (field "dropped-links" u32)))
    (export "span-data" (type $span (eq $span')))
    (export "on-start" (func (param "context" $context)))
    (export "on-end" (func (param "span" $span)))
    (export "outer-span-context" (func (result $context)))))
  (alias export $tracing "trace-flags" (type $flags))
  (alias export $tracing "span-context" (type $context))
  (alias export $tracing "span-data" (type $span))
  (import "wasi:otel/logs`+version+`" (instance $logs
    (alias outer 1 $datetime (type $datetime'))
    (export "datetime" (type $datetime (eq $datetime')))
    (alias outer 1 $key-value (type $key-value'))
    (export "key-value" (type $key-value (eq $key-value')))
    (alias outer 1 $scope (type $scope'))
    (export "instrumentation-scope" (type $scope (eq $scope')))
    (alias outer 1 $resource (type $resource'))
    (export "resource" (type $resource (eq $resource')))
    (alias outer 1 $flags (type $flags'))
    (export "trace-flags" (type $flags (eq $flags')))
    (type $record' (record (field "timestamp" (option $datetime)) (field "observed-timestamp" (option $datetime))
      (field "severity-text" (option string)) (field "severity-number" (option u8)) (field "body" (option string))
      (field "attributes" (option `+kv+`)) (field "event-name" (option string)) (field "resource" (option $resource))
      (field "instrumentation-scope" (option $scope)) (field "trace-id" (option string)) (field "span-id" (option string))
      (field "trace-flags" (option $flags))))
    (export "log-record" (type $record (eq $record')))
    (export "on-emit" (func (param "data" $record)))))
  (alias export $logs "log-record" (type $record))`,
		Forward{Instance: "$tracing", Name: "on-start", Export: "start", Core: "i32 i32 i32 i32 i32 i32 i32 i32", Type: `(param "context" $context)`},
		Forward{Instance: "$tracing", Name: "on-end", Export: "end", Core: "i32", Type: `(param "span" $span)`},
		Forward{Instance: "$tracing", Name: "outer-span-context", Export: "outer", Result: "memory", Type: `(result $context)`},
		Forward{Instance: "$logs", Name: "on-emit", Export: "emit", Core: "i32", Type: `(param "data" $record)`},
	)
}

// calls returns what calls an export of the guest with arguments as text.
func calls(t *testing.T, linker *component.Linker) func(ctx context.Context, name, args string) string {
	t.Helper()
	store := wasmtime.NewStore(linker.Engine)
	t.Cleanup(store.Close)
	instance := Must(linker.Instantiate(t.Context(), store, Must(component.New(linker.Engine, []byte(guest("@0.2.0-rc.2"))))))
	return func(ctx context.Context, name, args string) string {
		t.Helper()
		return Must(Must(instance.Func(name)).CallText(ctx, args))
	}
}

// keeper is a processor that keeps what has ended.
type keeper struct {
	sdktrace.SpanProcessor
	spans []sdktrace.ReadOnlySpan
}

func (k *keeper) OnEnd(span sdktrace.ReadOnlySpan) { k.spans = append(k.spans, span) }

// with is a context within a span.
func with(t *testing.T, traceID, spanID string) context.Context {
	state := Must(trace.ParseTraceState("a=1,b=2"))
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: Must(trace.TraceIDFromHex(traceID)), SpanID: Must(trace.SpanIDFromHex(spanID)), TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
}

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	outerID = "b7ad6b7169203331"
	ownID   = "00f067aa0ba902b7"
)

// logKeeper keeps records that are logged.
type logKeeper struct {
	sdklog.Processor
	records []sdklog.Record
}

func (k *logKeeper) OnEmit(_ context.Context, r *sdklog.Record) error {
	k.records = append(k.records, r.Clone())
	return nil
}

// reports links the guest with what it reports to.
func reports(t *testing.T) (call func(ctx context.Context, name, args string) string, spans *keeper, logs *logKeeper) {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	t.Cleanup(engine.Close)
	linker := component.NewLinker(engine)
	spans, logs = &keeper{}, &logKeeper{}
	Check(t, otel.DefineTracing(linker, spans, resource.NewSchemaless(attribute.String("service.name", "tests"))))
	Check(t, otel.DefineLogs(linker, sdklog.NewLoggerProvider(sdklog.WithProcessor(logs))))
	return calls(t, linker), spans, logs
}

// span is a span as a guest reports it.
func span(spanID, more string) string {
	context := fmt.Sprintf(`{trace-id: %q, span-id: %q, trace-flags: {sampled}, is-remote: false, trace-state: [("a", "1")]}`, traceID, spanID)
	text := `{span-context: ` + context + `, parent-span-id: "` + outerID + `", span-kind: internal, name: "work",
	  start-time: {seconds: 100, nanoseconds: 5}, end-time: {seconds: 101, nanoseconds: 0},
	  attributes: [{key: "a", value: "\"text\""}, {key: "b", value: "7"}, {key: "c", value: "1.5"}, {key: "d", value: "true"},
	    {key: "e", value: "[1, 2]"}, {key: "f", value: "[1, 2.5]"}, {key: "g", value: "[\"x\"]"}, {key: "h", value: "[1, \"x\"]"},
	    {key: "i", value: "no json"}, {key: "j", value: "{base64}:AAE="}],
	  events: [{name: "it", time: {seconds: 100, nanoseconds: 7}, attributes: [{key: "a", value: "1"}]}],
	  links: [{span-context: ` + context + `, attributes: []}], status: error("why"),
	  instrumentation-scope: {name: "lib", version: some("1.0"), schema-url: none, attributes: []},
	  dropped-attributes: 1, dropped-events: 2, dropped-links: 3}`
	if more != "" {
		text = strings.Replace(text, "attributes: [", "attributes: ["+more, 1)
	}
	return text
}

func TestTracing(t *testing.T) {
	call, spans, _ := reports(t)
	ctx := with(t, traceID, outerID)
	Equal(t, "the outer span", call(ctx, "outer", ""), `{trace-id: "`+traceID+`", span-id: "`+outerID+
		`", trace-flags: {sampled}, is-remote: false, trace-state: [("a", "1"), ("b", "2")]}`)
	Equal(t, "no outer span", call(t.Context(), "outer", ""), `{trace-id: "`+strings.Repeat("0", 32)+`", span-id: "`+strings.Repeat("0", 16)+
		`", trace-flags: {}, is-remote: false, trace-state: []}`)
	call(ctx, "start", `{trace-id: "", span-id: "", trace-flags: {}, is-remote: false, trace-state: []}`)
	call(ctx, "end", span(ownID, ""))
	Equal(t, "spans", len(spans.spans), 1)
	s := spans.spans[0]
	Equal(t, "the trace", s.SpanContext().TraceID().String(), traceID)
	Equal(t, "the span", s.SpanContext().SpanID().String(), ownID)
	Equal(t, "it is sampled", s.SpanContext().IsSampled(), true)
	Equal(t, "the state", s.SpanContext().TraceState().String(), "a=1")
	Equal(t, "the parent", s.Parent().SpanID().String(), outerID)
	Equal(t, "the trace of the parent", s.Parent().TraceID().String(), traceID)
	Equal(t, "the kind", s.SpanKind(), trace.SpanKindInternal)
	Equal(t, "the name", s.Name(), "work")
	Equal(t, "the start", s.StartTime(), time.Unix(100, 5).UTC())
	Equal(t, "the end", s.EndTime(), time.Unix(101, 0).UTC())
	Equal(t, "the status", s.Status(), sdktrace.Status{Code: codes.Error, Description: "why"})
	Equal(t, "the scope", s.InstrumentationScope().Name+" "+s.InstrumentationScope().Version, "lib 1.0")
	Equal(t, "the resource", s.Resource().String(), "service.name=tests")
	Equal(t, "what was dropped", fmt.Sprint(s.DroppedAttributes(), s.DroppedEvents(), s.DroppedLinks()), "1 2 3")
	Equal(t, "events and links", fmt.Sprint(len(s.Events()), " ", s.Events()[0].Name, " ", len(s.Links())), "1 it 1")
	var values []string
	for _, kv := range s.Attributes() {
		values = append(values, fmt.Sprintf("%s %v %s", kv.Key, kv.Value.Type(), kv.Value.String()))
	}
	Equal(t, "the attributes", strings.Join(values, "\n"), `a STRING text
b INT64 7
c FLOAT64 1.5
d BOOL true
e INT64SLICE [1,2]
f SLICE [1,2.5]
g STRINGSLICE ["x"]
h SLICE [1,"x"]
i STRING no json
j BYTESLICE AAE=`)
}

// Of what a guest reports, so much is kept.
func TestTracingLimits(t *testing.T) {
	call, spans, _ := reports(t)
	many := strings.Repeat(`{key: "`+strings.Repeat("k", 5000)+`", value: "1"}, `, 200)
	call(t.Context(), "end", span(ownID, many))
	for _, bad := range []string{"", "x", strings.Repeat("0", 16), ownID + "00"} {
		call(t.Context(), "end", span(bad, ""))
	}
	Equal(t, "spans", len(spans.spans), 1)
	s := spans.spans[0]
	Equal(t, "attributes", len(s.Attributes()), 128)
	Equal(t, "what was dropped", s.DroppedAttributes(), 1+200+10-128)
	Equal(t, "a name", len(s.Attributes()[0].Key), 4096)
}

func TestLogs(t *testing.T) {
	call, _, logs := reports(t)
	const nothing = `timestamp: none, observed-timestamp: none, severity-text: none, severity-number: none, body: none,
	  attributes: none, event-name: none, %resource: none, instrumentation-scope: none, trace-id: none, span-id: none, trace-flags: none`
	record := func(more ...string) string {
		text := nothing
		for i := 0; i < len(more); i += 2 {
			text = strings.Replace(text, more[i]+": none", more[i]+": some("+more[i+1]+")", 1)
		}
		return "{" + text + "}"
	}
	call(with(t, traceID, outerID), "emit", record())
	call(with(t, traceID, outerID), "emit", record("timestamp", "{seconds: 100, nanoseconds: 5}", "severity-text", `"WARN"`,
		"severity-number", "13", "body", `"{\"b\": [1, 2.5, null], \"a\": true}"`, "attributes", `[{key: "k", value: "\"v\""}]`,
		"event-name", `"it"`, "trace-id", `"`+traceID+`"`, "span-id", `"`+ownID+`"`, "trace-flags", "{sampled}",
		"instrumentation-scope", `{name: "lib", version: none, schema-url: none, attributes: []}`))
	Equal(t, "records", len(logs.records), 2)
	first, r := logs.records[0], logs.records[1]
	Equal(t, "the span of the request", first.SpanID().String(), outerID)
	Equal(t, "the scope of none", first.InstrumentationScope().Name, otel.ScopeName)
	Equal(t, "the span", r.SpanID().String()+" "+r.TraceID().String(), ownID+" "+traceID)
	Equal(t, "the time", r.Timestamp(), time.Unix(100, 5).UTC())
	Equal(t, "the severity", r.SeverityText()+" "+r.Severity().String(), "WARN WARN")
	Equal(t, "the body", r.Body().String(), `{"a":true,"b":[1,2.5,null]}`)
	Equal(t, "the event", r.EventName(), "it")
	Equal(t, "the scope", r.InstrumentationScope().Name, "lib")
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		Equal(t, "an attribute", string(kv.Key)+" "+kv.Value.AsString(), "k v")
		return true
	})
	Equal(t, "attributes", r.AttributesLen(), 1)
}

// What is missing is an error where it is given.
func TestDefineNothing(t *testing.T) {
	engine := EngineWith(t)
	defer engine.Close()
	linker := component.NewLinker(engine)
	if otel.DefineTracing(linker, nil, nil) == nil || otel.DefineLogs(linker, nil) == nil {
		t.Error("nothing is defined without an error")
	}
}
