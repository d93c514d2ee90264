package otel

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowasmtime/wasmtime/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/trace"
)

// version is that of wasi:otel, as the crate spin-sdk 7.0.0 has it in wit/deps. No other version is compatible with a
// pre-release.
const version = "@0.2.0-rc.2"

// What is kept of what a guest reports at once. A guest decides how much it passes, and what is kept here stays until
// it has been sent on.
const (
	// mostEntries is how many attributes, events or links there are in one place.
	mostEntries = 128
	// mostText is how many bytes a text has.
	mostText = 4096
)

// keyValue is the record key-value. The value is JSON.
type keyValue struct{ Key, Value string }

// datetime is that of wasi:clocks.
type datetime struct {
	Seconds     uint64
	Nanoseconds uint32
}

func (d datetime) time() time.Time {
	const year9999 = 253402300799 // beyond which texts of times have no form
	return time.Unix(int64(min(d.Seconds, year9999)), int64(d.Nanoseconds)).UTC()
}

// scope is the record instrumentation-scope.
type scope struct {
	Name               string
	Version, SchemaURL component.Option[string]
	Attributes         []keyValue
}

func (s scope) scope() instrumentation.Scope {
	attributes, _ := attributesOf(s.Attributes)
	return instrumentation.Scope{
		Name: text(s.Name), Version: text(s.Version.Or("")), SchemaURL: text(s.SchemaURL.Or("")),
		Attributes: attribute.NewSet(attributes...),
	}
}

// text is a text of a guest to be kept: cut to the most that there may be, and apart from the memory of the call.
func text(s string) string {
	if len(s) > mostText {
		return strings.ToValidUTF8(s[:mostText], "")
	}
	return strings.Clone(s)
}

// kept are the first entries of a list, and how many there are besides.
func kept[T any](list []T) (first []T, dropped int) {
	if len(list) <= mostEntries {
		return list, 0
	}
	return list[:mostEntries], len(list) - mostEntries
}

// attributesOf makes attributes, and says how many were left out.
func attributesOf(list []keyValue) (attributes []attribute.KeyValue, dropped int) {
	list, dropped = kept(list)
	for _, kv := range list {
		attributes = append(attributes, attribute.KeyValue{Key: attribute.Key(text(kv.Key)), Value: valueOf(text(kv.Value))})
	}
	return attributes, dropped
}

// bytesPrefix begins a text that stands for bytes.
const bytesPrefix = "{base64}:"

// valueOf reads a value in JSON. What is none is the text itself.
func valueOf(source string) attribute.Value {
	d := json.NewDecoder(strings.NewReader(source))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		value = source
	} else if _, err := d.Token(); err != io.EOF {
		value = source
	}
	return attributeOf(value)
}

// attributeOf is a value of JSON as attributes have it.
func attributeOf(value any) attribute.Value {
	switch v := value.(type) {
	case string:
		if encoded, ok := strings.CutPrefix(v, bytesPrefix); ok {
			if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				return attribute.ByteSliceValue(decoded)
			}
		}
		return attribute.StringValue(v)
	case bool:
		return attribute.BoolValue(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return attribute.Int64Value(n)
		}
		f, _ := v.Float64() // what is too large is infinite
		return attribute.Float64Value(f)
	case []any:
		return listOf(v)
	case map[string]any:
		var entries []attribute.KeyValue
		for _, key := range slices.Sorted(maps.Keys(v)) {
			entries = append(entries, attribute.KeyValue{Key: attribute.Key(key), Value: attributeOf(v[key])})
		}
		return attribute.MapValue(entries...)
	}
	return attribute.Value{} // null
}

// listOf is a list, as one of a type if all of it is of that.
func listOf(list []any) attribute.Value {
	values := make([]attribute.Value, len(list))
	for i, element := range list {
		values[i] = attributeOf(element)
	}
	if texts, ok := all(values, attribute.STRING, attribute.Value.AsString); ok {
		return attribute.StringSliceValue(texts)
	}
	if flags, ok := all(values, attribute.BOOL, attribute.Value.AsBool); ok {
		return attribute.BoolSliceValue(flags)
	}
	if numbers, ok := all(values, attribute.INT64, attribute.Value.AsInt64); ok {
		return attribute.Int64SliceValue(numbers)
	}
	if numbers, ok := all(values, attribute.FLOAT64, attribute.Value.AsFloat64); ok {
		return attribute.Float64SliceValue(numbers)
	}
	return attribute.SliceValue(values...)
}

// all are values that are of one type.
func all[T any](values []attribute.Value, of attribute.Type, as func(attribute.Value) T) (list []T, ok bool) {
	for _, v := range values {
		if v.Type() != of {
			return nil, false
		}
		list = append(list, as(v))
	}
	return list, true
}

// spanContext is the record span-context.
type spanContext struct {
	TraceID, SpanID string
	// TraceFlags is sampled, or not.
	TraceFlags uint8
	IsRemote   bool
	TraceState []component.Tuple2[string, string]
}

// newSpanContext makes what a guest is told.
func newSpanContext(c trace.SpanContext) spanContext {
	told := spanContext{
		TraceID: c.TraceID().String(), SpanID: c.SpanID().String(),
		TraceFlags: uint8(c.TraceFlags() & trace.FlagsSampled), IsRemote: c.IsRemote(),
	}
	c.TraceState().Walk(func(key, value string) bool {
		told.TraceState = append(told.TraceState, component.Tuple2[string, string]{A: key, B: value})
		return true
	})
	return told
}

// context is what a guest says. Identifiers that are none are invalid in what it returns, and a state that is none is
// left out.
func (c spanContext) context() trace.SpanContext {
	config := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(c.TraceFlags) & trace.FlagsSampled, Remote: c.IsRemote}
	config.TraceID, _ = trace.TraceIDFromHex(c.TraceID)
	config.SpanID, _ = trace.SpanIDFromHex(c.SpanID)
	var state trace.TraceState
	list, _ := kept(c.TraceState)
	for i := len(list) - 1; i >= 0; i-- { // what is inserted comes first
		next, err := state.Insert(text(list[i].A), text(list[i].B))
		if err != nil {
			return trace.NewSpanContext(config)
		}
		state = next
	}
	config.TraceState = state
	return trace.NewSpanContext(config)
}
