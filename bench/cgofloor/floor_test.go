package cgofloor_test

import (
	"testing"

	"github.com/gowasmtime/wasmtime/bench/cgofloor"
	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// An op is one call of an empty C function.
func BenchmarkCall(b *testing.B) {
	cgofloor.Call(b.N)
}

// An op is one call of an empty Go function from C; work.Loops of them share one call from Go.
func BenchmarkHostCall(b *testing.B) {
	for done := 0; done < b.N; done += work.Loops {
		cgofloor.Callbacks(work.Loops)
	}
}
