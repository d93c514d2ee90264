package component_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// The store's frame is memory of C's. When a call has returned, it leads to no list of Go's any more: the next call
// would tell the garbage collector of that one, which may be gone, and the collector ends a process for that.
func TestListsAreForgotten(t *testing.T) {
	w := newWorld(t, testWat, nil)
	fill := Must(component.Bind1[uint32, []byte](w.fn(t, "fill")))
	add := Must(component.Bind2[uint32, uint32, uint32](w.fn(t, "add")))
	var collections atomic.Int64
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				collections.Add(1)
			}
		}
	}()
	for range 40 {
		for range 2 { // the second knows how long it will be
			Must(fill.Call(nil, 60_000))
		}
		for before := collections.Load(); collections.Load() < before+2; {
			runtime.Gosched()
		}
		for before := collections.Load(); collections.Load() < before+1; {
			Must(fill.Call(nil, 1))
			Must(add.Call(nil, 1, 2))
			Must(fill.Call(nil, 60_000))
			Must(fill.Call(nil, 60_000))
		}
	}
}
