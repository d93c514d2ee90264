package otel

import (
	"context"
	"errors"

	"github.com/gowasmtime/wasmtime/component"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// logRecord is the record log-record.
type logRecord struct {
	Timestamp, ObservedTimestamp component.Option[datetime]
	SeverityText                 component.Option[string]
	SeverityNumber               component.Option[uint8]
	Body                         component.Option[string]
	Attributes                   component.Option[[]keyValue]
	EventName                    component.Option[string]
	Resource                     component.Option[guestResource]
	InstrumentationScope         component.Option[scope]
	TraceID, SpanID              component.Option[string]
	TraceFlags                   component.Option[uint8]
}

// guestResource is the record resource.
type guestResource struct {
	Attributes []keyValue
	SchemaURL  component.Option[string]
}

// DefineLogs defines wasi:otel/logs in the version 0.2.0-rc.2, so that guests can log: their records go to loggers of
// the provider, each to that of its scope. The resource is the provider's, whatever the guest says that it is. A record
// that names no span is one of the request's, see [DefineTracing], which also says how much is kept and how often it is
// called.
func DefineLogs(linker *component.Linker, loggers log.LoggerProvider) error {
	if loggers == nil {
		return errors.New("otel: the logger provider is nil")
	}
	return linker.Instance("wasi:otel/logs"+version).Func("on-emit", func(ctx context.Context, r logRecord) {
		s := r.InstrumentationScope.Or(scope{Name: ScopeName}).scope()
		logger := loggers.Logger(s.Name, log.WithInstrumentationVersion(s.Version), log.WithSchemaURL(s.SchemaURL),
			log.WithInstrumentationAttributes(s.Attributes.ToSlice()...))
		own := spanContext{TraceID: r.TraceID.Or(""), SpanID: r.SpanID.Or(""), TraceFlags: r.TraceFlags.Or(0)}.context()
		if own.IsValid() {
			ctx = trace.ContextWithSpanContext(ctx, own)
		}
		logger.Emit(ctx, r.record())
	})
}

// record is the record as the API has it.
func (r *logRecord) record() (record log.Record) {
	if at, ok := r.Timestamp.Get(); ok {
		record.SetTimestamp(at.time())
	}
	if at, ok := r.ObservedTimestamp.Get(); ok {
		record.SetObservedTimestamp(at.time())
	}
	record.SetSeverityText(text(r.SeverityText.Or("")))
	record.SetSeverity(log.Severity(min(r.SeverityNumber.Or(0), uint8(log.SeverityFatal4))))
	record.SetEventName(text(r.EventName.Or("")))
	if body, ok := r.Body.Get(); ok {
		record.SetBody(valueOf(text(body)))
	}
	attributes, _ := attributesOf(r.Attributes.Or(nil))
	record.AddAttributes(attributes...)
	return record
}
