package otel

import (
	"context"
	"errors"

	"github.com/gowasmtime/wasmtime/component"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// spanData is the record span-data.
type spanData struct {
	SpanContext                                    spanContext
	ParentSpanID                                   string
	SpanKind                                       uint8
	Name                                           string
	StartTime, EndTime                             datetime
	Attributes                                     []keyValue
	Events                                         []event
	Links                                          []link
	Status                                         component.Variant
	InstrumentationScope                           scope
	DroppedAttributes, DroppedEvents, DroppedLinks uint32
}

type event struct {
	Name       string
	Time       datetime
	Attributes []keyValue
}

type link struct {
	SpanContext spanContext
	Attributes  []keyValue
}

// kinds are the cases of the enum span-kind.
var kinds = [...]trace.SpanKind{
	trace.SpanKindClient, trace.SpanKindServer, trace.SpanKindProducer, trace.SpanKindConsumer, trace.SpanKindInternal,
}

// DefineTracing defines wasi:otel/tracing in the version 0.2.0-rc.2, so that guests can report spans: these go to the
// processor as they are, with the identifiers that the guest has chosen, as spans of of, which may be nil. What the
// guest finds as the outer span is the one in the context of the call: with an [Observer], that of the request.
//
// The processor is called by the goroutines of guests, several at once, and so must not wait: a batch span processor
// drops what is too much. A span without valid identifiers is thrown away. Of attributes, events and links 128 are kept
// in each place, and 4096 bytes of a text; the span says how many are missing. How many spans a guest reports is not
// limited here.
func DefineTracing(linker *component.Linker, processor sdktrace.SpanProcessor, of *resource.Resource) error {
	if processor == nil {
		return errors.New("otel: the span processor is nil")
	}
	tracing := linker.Instance("wasi:otel/tracing" + version)
	return errors.Join(
		tracing.Func("on-start", func(spanContext) {}),
		tracing.Func("on-end", func(span spanData) {
			if stub := span.stub(of); stub.SpanContext.IsValid() {
				processor.OnEnd(stub.Snapshot())
			}
		}),
		tracing.Func("outer-span-context", func(ctx context.Context) spanContext {
			return newSpanContext(trace.SpanContextFromContext(ctx))
		}),
	)
}

// stub is the span as the SDK has it.
func (s *spanData) stub(of *resource.Resource) tracetest.SpanStub {
	own := s.SpanContext.context()
	parent := trace.SpanContextConfig{TraceFlags: own.TraceFlags()}
	var err error
	if parent.SpanID, err = trace.SpanIDFromHex(s.ParentSpanID); err == nil {
		parent.TraceID = own.TraceID()
	}
	stub := tracetest.SpanStub{
		Name: text(s.Name), SpanContext: own, Parent: trace.NewSpanContext(parent), SpanKind: kinds[s.SpanKind],
		StartTime: s.StartTime.time(), EndTime: s.EndTime.time(), Resource: of,
		InstrumentationScope: s.InstrumentationScope.scope(),
	}
	var dropped int
	stub.Attributes, dropped = attributesOf(s.Attributes)
	stub.DroppedAttributes = int(s.DroppedAttributes) + dropped
	events, dropped := kept(s.Events)
	stub.DroppedEvents = int(s.DroppedEvents) + dropped
	for _, e := range events {
		attributes, dropped := attributesOf(e.Attributes)
		stub.Events = append(stub.Events, sdktrace.Event{
			Name: text(e.Name), Time: e.Time.time(), Attributes: attributes, DroppedAttributeCount: dropped,
		})
	}
	links, dropped := kept(s.Links)
	stub.DroppedLinks = int(s.DroppedLinks) + dropped
	for _, l := range links {
		attributes, dropped := attributesOf(l.Attributes)
		stub.Links = append(stub.Links, sdktrace.Link{
			SpanContext: l.SpanContext.context(), Attributes: attributes, DroppedAttributeCount: dropped,
		})
	}
	switch s.Status.Case {
	case "ok":
		stub.Status.Code = codes.Ok
	case "error":
		stub.Status.Code = codes.Error
		description, _ := s.Status.Value.(string)
		stub.Status.Description = text(description)
	}
	return stub
}
