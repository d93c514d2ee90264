package ours_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
	"github.com/gowasmtime/wasmtime/component"
)

// newHandler serves a component, with instances from a pool.
func newHandler(b *testing.B, binary []byte, options ...component.HandlerOption) http.Handler {
	b.Helper()
	config := wasmtime.NewConfig()
	config.SetPooling(wasmtime.PoolingPreset())
	config.SetEpochInterruption(true)
	engine := wasmtime.NewEngineWithConfig(config)
	c, err := component.New(engine, binary)
	check(b, err)
	linker := component.NewLinker(engine)
	check(b, linker.DefineWasi())
	check(b, component.DefineHTTP(linker, component.HTTPAllowHosts("127.0.0.1"), component.HTTPAllowNetworks(netip.MustParsePrefix("127.0.0.0/8"))))
	pre, err := linker.InstantiatePre(c)
	check(b, err)
	handler := component.NewHandler(pre, options...)
	check(b, handler.Err())
	return handler
}

// An op is a request to an instance of its own, without a server.
func BenchmarkHTTPHello(b *testing.B) {
	work.Answered(b, newHandler(b, work.HTTPHello), "/", nil, int64(len(work.HelloOutput)))
}

// The same with an instance that has served others.
func BenchmarkHTTPHelloReused(b *testing.B) {
	handler := newHandler(b, work.HTTPHello, component.WithReuse(1<<30, 0))
	work.Answered(b, handler, "/", nil, int64(len(work.HelloOutput)))
}

// An op is a request to an instance of its own, over TCP.
func BenchmarkHTTPServe(b *testing.B) { work.Served(b, newHandler(b, work.HTTPHello)) }

// An op is a body of 10 MiB from the guest, over TCP.
func BenchmarkHTTPBodyOut(b *testing.B) { work.BodyOut(b, newHandler(b, work.HTTPPaths)) }

// An op is a body of 10 MiB to the guest, over TCP.
func BenchmarkHTTPBodyIn(b *testing.B) { work.BodyIn(b, newHandler(b, work.HTTPPaths)) }

// An op is a request that the guest makes, one of many.
func BenchmarkHTTPFetch(b *testing.B) { work.Fetched(b, newHandler(b, work.HTTPPaths)) }
