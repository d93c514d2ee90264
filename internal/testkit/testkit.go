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

// Must returns a value whose error has to be nil.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Equal compares two values.
func Equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func ErrorOf[T any](_ T, err error) error { return err }

// RandomStream is random data, the same for the same seed.
func RandomStream(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// During keeps doing something beside a test until the test is over.
func During(t *testing.T, f func()) {
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
