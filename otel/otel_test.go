package otel_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/otel"
	"github.com/gowasmtime/wasmtime/testdata/guests"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestMain(m *testing.M) { Main(m) }

// told is what an observer has told the SDK.
type told struct {
	spans   *tracetest.InMemoryExporter
	metrics *sdkmetric.ManualReader
}

// newObserver makes an observer whose reports stay in memory.
func newObserver(t *testing.T) (*otel.Observer, told) {
	t.Helper()
	to := told{tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()}
	observer, err := otel.NewObserver(
		otel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(to.spans))),
		otel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(to.metrics))))
	Check(t, err)
	return observer, to
}

// serve serves the guest of the repository that does what paths say.
func serve(t *testing.T, observer *otel.Observer) *httptest.Server {
	t.Helper()
	engine := EngineWith(t, WithEpochs)
	linker := component.NewLinker(engine)
	Check(t, linker.DefineWasi())
	Check(t, component.DefineHTTP(linker, component.HTTPObserve(observer), component.HTTPAllowHosts("*"),
		component.HTTPAllowNetworks(netip.MustParsePrefix("127.0.0.0/8"))))
	c := Must(component.New(engine, guests.Component("http")))
	pre := Must(linker.InstantiatePre(c))
	handler := component.NewHandler(pre, component.WithObserver(observer), component.WithLogger(nil), component.WithReuse(3, 0))
	Check(t, handler.Err())
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		handler.Close()
		pre.Close()
		c.Close()
		linker.Close()
		engine.Close()
	})
	return server
}

// get asks, with header fields, and returns the answer's status.
func get(t *testing.T, url string, fields ...string) int {
	t.Helper()
	request := Must(http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	response := Must(http.DefaultClient.Do(request))
	defer response.Body.Close()
	_, err := io.Copy(io.Discard, response.Body)
	Check(t, err)
	return response.StatusCode
}

// of returns an attribute as a text.
func of(attributes []attribute.KeyValue, key attribute.Key) string {
	for _, kv := range attributes {
		if kv.Key == key {
			return kv.Value.String()
		}
	}
	return ""
}

// A trace goes through the guest: from who asks, to whom the guest asks.
func TestTrace(t *testing.T) {
	observer, to := newObserver(t)
	server := serve(t, observer)
	var parent, state string
	asked := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		parent, state = r.Header.Get("Traceparent"), r.Header.Get("Tracestate")
	}))
	defer asked.Close()
	const traceID, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	Equal(t, "the status", get(t, server.URL+"/fetch?q=1", "X-Url", asked.URL+"/x",
		"Traceparent", "00-"+traceID+"-"+spanID+"-01", "Tracestate", "a=b", "User-Agent", "tests"), 200)
	server.Close() // nothing is reported after this
	spans := to.spans.GetSpans()
	Equal(t, "spans", len(spans), 2)
	client, served := spans[0], spans[1]
	Equal(t, "the kinds", client.SpanKind.String()+" "+served.SpanKind.String(), "client server")
	Equal(t, "the trace of the server", served.SpanContext.TraceID().String(), traceID)
	Equal(t, "the parent of the server", served.Parent.SpanID().String(), spanID)
	Equal(t, "the parent of the client", client.Parent.SpanID(), served.SpanContext.SpanID())
	Equal(t, "what is asked is told", parent, "00-"+traceID+"-"+client.SpanContext.SpanID().String()+"-01")
	Equal(t, "its state", state, "a=b")
	for key, want := range map[attribute.Key]string{
		"http.request.method": "GET", "url.path": "/fetch", "url.query": "q=1", "url.scheme": "http", "server.address": "127.0.0.1",
		"user_agent.original": "tests", "client.address": "127.0.0.1", "network.protocol.version": "1.1",
		"http.response.status_code": "200", "wasmtime.instance.reused": "false", "error.type": "",
	} {
		Equal(t, string(key), of(served.Attributes, key), want)
	}
	Equal(t, "the client's URL", of(client.Attributes, "url.full"), asked.URL+"/x")
	Equal(t, "the client's status", of(client.Attributes, "http.response.status_code"), "200")
	Equal(t, "the server's state", served.Status.Code, codes.Unset)
}

// What goes wrong is an error of the span, with few different names.
func TestTraceErrors(t *testing.T) {
	observer, to := newObserver(t)
	server := serve(t, observer)
	for path, want := range map[string]string{"/trap": "trap", "/never": "*errors.errorString", "/error": "internal-error"} {
		to.spans.Reset()
		get(t, server.URL+path)
		span := spanOf(t, to.spans)
		Equal(t, path, of(span.Attributes, "error.type"), want)
		Equal(t, path+": the state", span.Status.Code, codes.Error)
		Equal(t, path+": events", len(span.Events), 1)
	}
	to.spans.Reset()
	Equal(t, "the status", get(t, server.URL+"/fetch", "X-Url", "http://127.0.0.1:1/"), 502)
	spans := waitSpans(t, to.spans, 2)
	Equal(t, "the client's error", of(spans[0].Attributes, "error.type"), "*net.OpError")
	Equal(t, "the server's error", of(spans[1].Attributes, "error.type"), "502")
}

func spanOf(t *testing.T, spans *tracetest.InMemoryExporter) tracetest.SpanStub {
	t.Helper()
	return waitSpans(t, spans, 1)[0]
}

// waitSpans waits for what is reported when the answer is already there.
func waitSpans(t *testing.T, spans *tracetest.InMemoryExporter, n int) tracetest.SpanStubs {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(spans.GetSpans()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d spans, not %d", len(spans.GetSpans()), n)
		}
	}
	return spans.GetSpans()
}

func TestMetrics(t *testing.T) {
	observer, to := newObserver(t)
	server := serve(t, observer)
	asked := httptest.NewServer(http.NotFoundHandler())
	defer asked.Close()
	get(t, server.URL+"/hello")
	get(t, server.URL+"/bytes?1000")
	get(t, server.URL+"/trap")
	get(t, server.URL+"/fetch", "X-Url", asked.URL)
	server.Close()
	var all metricdata.ResourceMetrics
	Check(t, to.metrics.Collect(t.Context(), &all))
	found := map[string][]string{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				Equal(t, m.Name+" counts", p.Count > 0 && p.Sum > 0, true)
				found[m.Name+" "+m.Unit] = append(found[m.Name+" "+m.Unit], p.Attributes.Encoded(attribute.DefaultEncoder()))
			}
		case metricdata.Histogram[int64]:
			var sum int64
			for _, p := range data.DataPoints {
				sum += p.Sum
			}
			if m.Name == "http.server.response.body.size" && sum < 1000 {
				t.Errorf("%s: %d", m.Name, sum)
			}
			found[m.Name+" "+m.Unit] = nil
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				Equal(t, m.Name, p.Value, 0)
			}
			found[m.Name+" "+m.Unit] = nil
		}
	}
	Equal(t, "metrics", len(found), 6)
	served := found["http.server.request.duration s"]
	slices.Sort(served)
	const get = "http.request.method=GET,http.response.status_code="
	Equal(t, "served", strings.Join(served, "\n"), "error.type=trap,"+get+"502,url.scheme=http\n"+
		get+"200,url.scheme=http\n"+get+"404,url.scheme=http")
	Equal(t, "asked", strings.Join(found["http.client.request.duration s"], "\n"), "error.type=404,"+get+"404,url.scheme=http")
}
