// Package testkit is what the tests of several packages need: engines and guests, files and sockets to give them,
// checks of what came of it, and what tests have to know of the system that they run on. Its centre is WasiGuest,
// which makes WASI calls one at a time.
//
// A helper that takes a testing.TB fails that test when it cannot do what it says, and frees what it has made with the
// test.
package testkit

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// Check fails the test if the error is not nil.
func Check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Must returns a value whose error has to be nil; it panics with any other.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Equal fails the test, and lets it go on, if got is not want. What says what they are.
func Equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// ErrorOf is the error of a call that has a result as well.
func ErrorOf[T any](_ T, err error) error { return err }

// RandomStream is random data without an end, the same for the same seed.
func RandomStream(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// During calls f again and again beside a test, until the test is over.
func During(t testing.TB, f func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				f()
			}
		}
	})
	t.Cleanup(func() { close(stop); wg.Wait() })
}
