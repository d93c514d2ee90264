package wazy_test

import (
	"net/http"
	"testing"

	"github.com/samyfodil/wazy/component"
	"github.com/samyfodil/wazy/imports/wasip2"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// newHTTP returns how to make an instance of the handler that says hello. What can be prepared is in the cache.
func newHTTP(b *testing.B) func() *component.Instance {
	b.Helper()
	rt, cache := newRuntime(b), component.NewCompileCache()
	b.Cleanup(func() { cache.Close(ctx) })
	options := append(wasip2.With(wasip2.Config{EnableHTTP: true}), component.WithCompileCache(cache))
	return func() *component.Instance {
		inst, err := component.Instantiate(ctx, rt, work.HTTPHello, options...)
		if err != nil {
			b.Fatal(err)
		}
		return inst
	}
}

// An op is a request to an instance of its own, without a server.
func BenchmarkHTTPHello(b *testing.B) {
	instantiate := newHTTP(b)
	work.Answered(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inst := instantiate()
		defer inst.Close(ctx)
		wasip2.Handler(inst).ServeHTTP(w, r)
	}), "/", nil, int64(len(work.HelloOutput)))
}

// The same with one instance for all requests, as wazy's documentation has it.
func BenchmarkHTTPHelloReused(b *testing.B) {
	inst := newHTTP(b)()
	b.Cleanup(func() { inst.Close(ctx) })
	work.Answered(b, wasip2.Handler(inst), "/", nil, int64(len(work.HelloOutput)))
}
