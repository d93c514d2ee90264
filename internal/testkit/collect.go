package testkit

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Collected waits, collecting garbage, until a condition holds that a cleanup or finalizer brings about.
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

type Payload struct{ Bytes [64]byte }

// Tracked is a value whose end is heard of.
func Tracked(gone *atomic.Int32) *Payload {
	p := new(Payload)
	runtime.AddCleanup(p, func(gone *atomic.Int32) { gone.Add(1) }, gone)
	return p
}
