package wasi2_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// shared are what the tests share, each to be closed before what it was made of.
var shared struct {
	sync.Mutex
	closers []func()
}

// closeAtEnd has something that the tests share closed after all of them, before what came earlier.
func closeAtEnd(f func()) {
	shared.Lock()
	defer shared.Unlock()
	shared.closers = append(shared.closers, f)
}

func TestMain(m *testing.M) {
	testkit.Main(m, func() {
		for _, f := range slices.Backward(shared.closers) {
			f()
		}
	})
}
