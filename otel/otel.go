// Package otel has what OpenTelemetry is to know of components that are served: traces and metrics of their requests,
// and what guests report themselves through wasi:otel.
//
//	observer, err := otel.NewObserver(otel.WithTracerProvider(tracers), otel.WithMeterProvider(meters))
//	err = component.DefineHTTP(linker, component.HTTPObserve(observer))
//	handler := component.NewHandler(pre, component.WithObserver(observer))
//	err = otel.DefineTracing(linker, processor)
//
// Of wasi:otel there are tracing and logs; a component that imports wasi:otel/metrics does not link.
//
// It is a Go module of its own, so that programs without OpenTelemetry have nothing of it.
package otel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the name of the instrumentation scope of what this package reports.
const ScopeName = "github.com/gowasmtime/wasmtime/otel"

// ReusedKey is the attribute of a span that says whether the instance had served other requests before.
const ReusedKey = attribute.Key("wasmtime.instance.reused")

// Observer reports requests: it is a [component.HTTPObserver], for any number of handlers and linkers at once, and safe
// for concurrent use. It has no end of its own: what it reports through is the program's to be shut down.
//
// A request that is served is a span of kind server, whose parent comes with the request, in traceparent and whatever
// else the propagator knows; one that a guest makes is a span of kind client below that, and takes a traceparent along.
// Names of spans, attributes and metrics are those of OpenTelemetry's semantic conventions for HTTP:
//
//	http.server.request.duration, http.client.request.duration    histograms, in seconds
//	http.server.request.body.size, http.server.response.body.size    histograms, in bytes
//	http.server.active_requests, http.client.active_requests    how many there are at the moment
//
// The duration of a client's request ends with the headers of the response.
type Observer struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	server     instruments
	client     instruments
	// received and sent are the sizes of bodies, of the server only.
	received, sent metric.Int64Histogram
}

// instruments are those of one direction.
type instruments struct {
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
}

// Option is an option of [NewObserver].
type Option func(*options)

type options struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
}

// WithTracerProvider says where spans go; it is the global one otherwise.
func WithTracerProvider(tracers trace.TracerProvider) Option {
	return func(o *options) { o.tracers = tracers }
}

// WithMeterProvider says where metrics go; it is the global one otherwise.
func WithMeterProvider(meters metric.MeterProvider) Option {
	return func(o *options) { o.meters = meters }
}

// WithPropagator says how traces come in and go out; it is W3C's traceparent, tracestate and baggage otherwise.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return func(o *options) { o.propagator = propagator }
}

// NewObserver makes an observer. An error is the meter provider's.
func NewObserver(opts ...Option) (*Observer, error) {
	o := options{
		tracers: api.GetTracerProvider(), meters: api.GetMeterProvider(),
		propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	}
	for _, option := range opts {
		option(&o)
	}
	meter := o.meters.Meter(ScopeName)
	observer := &Observer{tracer: o.tracers.Tracer(ScopeName), propagator: o.propagator}
	var errs [4]error
	observer.server, errs[0] = newInstruments(meter, "http.server", "served")
	observer.client, errs[1] = newInstruments(meter, "http.client", "made by guests")
	observer.received, errs[2] = meter.Int64Histogram("http.server.request.body.size",
		metric.WithUnit("By"), metric.WithDescription("Bytes of the bodies of requests"))
	observer.sent, errs[3] = meter.Int64Histogram("http.server.response.body.size",
		metric.WithUnit("By"), metric.WithDescription("Bytes of the bodies of responses"))
	return observer, errors.Join(errs[:]...)
}

// newInstruments makes those of a direction.
func newInstruments(meter metric.Meter, prefix, which string) (i instruments, err error) {
	var failed error
	i.duration, err = meter.Float64Histogram(prefix+".request.duration", metric.WithUnit("s"),
		metric.WithDescription("How long requests take that are "+which),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	i.active, failed = meter.Int64UpDownCounter(prefix+".active_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that are being "+which))
	return i, errors.Join(err, failed)
}

// Begin begins the span of a request. It is the handler's and the linker's to be called.
func (o *Observer) Begin(r *http.Request, outgoing bool) context.Context {
	ctx := r.Context()
	kind, attributes := trace.SpanKindServer, serverAttributes(r)
	if outgoing {
		kind, attributes = trace.SpanKindClient, clientAttributes(r)
	} else {
		ctx = o.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, _ = o.tracer.Start(ctx, method(r), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	if outgoing {
		o.propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
	}
	o.of(outgoing).active.Add(ctx, 1, metric.WithAttributes(common(r)...))
	return ctx
}

// End ends the span of a request, and measures it. It is the handler's and the linker's to be called.
func (o *Observer) End(ctx context.Context, e component.HTTPEvent) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	attributes := common(e.Request)
	o.of(e.Outgoing).active.Add(ctx, -1, metric.WithAttributes(attributes...))
	if e.Status != 0 {
		attributes = append(attributes, semconv.HTTPResponseStatusCode(e.Status))
		span.SetAttributes(semconv.HTTPResponseStatusCode(e.Status))
	}
	if kind := errorType(e); kind != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(kind))
		span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		text := ""
		if e.Err != nil {
			span.RecordError(e.Err)
			text, _, _ = strings.Cut(e.Err.Error(), "\n")
		}
		span.SetStatus(codes.Error, text)
	}
	measured := metric.WithAttributes(attributes...)
	o.of(e.Outgoing).duration.Record(ctx, e.Duration.Seconds(), measured)
	if e.Outgoing {
		return
	}
	span.SetAttributes(semconv.HTTPRequestBodySize(int(e.Received)), semconv.HTTPResponseBodySize(int(e.Sent)), ReusedKey.Bool(e.Reused))
	o.received.Record(ctx, e.Received, measured)
	o.sent.Record(ctx, e.Sent, measured)
}

func (o *Observer) of(outgoing bool) *instruments {
	if outgoing {
		return &o.client
	}
	return &o.server
}

// errorType is what was wrong with a request, of few different values; "" if nothing was.
func errorType(e component.HTTPEvent) string {
	code, isCode := errors.AsType[component.HTTPErrorCode](e.Err)
	trap, isTrap := errors.AsType[*wasmtime.Trap](e.Err)
	worst := http.StatusInternalServerError
	if e.Outgoing {
		worst = http.StatusBadRequest
	}
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(e.Err, context.Canceled):
		return "canceled"
	case isCode:
		return code.Case
	case isTrap && trap.Code() != nil:
		return "trap"
	case e.Err != nil:
		return semconv.ErrorType(e.Err).Value.AsString()
	case e.Status >= worst:
		return strconv.Itoa(e.Status)
	}
	return ""
}

// method is a request's method, if it is one of the known ones.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	case "":
		return http.MethodGet
	}
	return "HTTP"
}

// common are the attributes of metrics: of few different values, whatever clients send.
func common(r *http.Request) []attribute.KeyValue {
	name := semconv.HTTPRequestMethodKey.String(method(r))
	if name.Value.AsString() == "HTTP" {
		name = semconv.HTTPRequestMethodOther
	}
	return []attribute.KeyValue{name, semconv.URLScheme(scheme(r))}
}

func scheme(r *http.Request) string {
	if r.URL.Scheme != "" {
		return r.URL.Scheme
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// serverAttributes are those of a span of a request that is served.
func serverAttributes(r *http.Request) []attribute.KeyValue {
	attributes := append(common(r), semconv.URLPath(r.URL.Path), semconv.NetworkProtocolVersion(protocol(r)))
	attributes = append(attributes, place(r.Host)...)
	if r.URL.RawQuery != "" {
		attributes = append(attributes, semconv.URLQuery(r.URL.RawQuery))
	}
	if agent := r.UserAgent(); agent != "" {
		attributes = append(attributes, semconv.UserAgentOriginal(agent))
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		attributes = append(attributes, semconv.ClientAddress(host), semconv.NetworkPeerAddress(host))
	}
	return attributes
}

// clientAttributes are those of a span of a request that a guest makes.
func clientAttributes(r *http.Request) []attribute.KeyValue {
	url := *r.URL
	url.User = nil
	return append(append(common(r), semconv.URLFull(url.String())), place(r.URL.Host)...)
}

// place is where a server is, by a host that may have a port.
func place(host string) []attribute.KeyValue {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(strings.Trim(host, "[]"))}
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(name)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(name), semconv.ServerPort(n)}
}

// protocol is the version of HTTP.
func protocol(r *http.Request) string {
	if r.ProtoMajor >= 2 {
		return strconv.Itoa(r.ProtoMajor)
	}
	return strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor)
}
