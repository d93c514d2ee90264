package testkit

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Collected waits, collecting garbage, until a condition holds that a cleanup or finalizer brings about. It
// fails the test after twenty seconds.
func Collected(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			tb.Fatalf("%s was not collected", what)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// Payload is what Tracked makes.
type Payload struct{ Bytes [64]byte }

// Tracked is a value whose end is heard of: gone counts it when it is collected.
func Tracked(gone *atomic.Int32) *Payload {
	p := new(Payload)
	runtime.AddCleanup(p, func(gone *atomic.Int32) { gone.Add(1) }, gone)
	return p
}
