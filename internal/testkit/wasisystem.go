package testkit

import (
	"time"

	"github.com/gowasmtime/wasmtime"
)

// ReaderFunc is an io.Reader that is a function.
type ReaderFunc func([]byte) (int, error)

// Read is the function.
func (f ReaderFunc) Read(p []byte) (int, error) { return f(p) }

// SystemWith is a configuration that calls f for every part of the system that a guest of WASI 0.1 can reach: two
// clocks, of which one says 1970 and a second and the other a nanosecond, and random bytes, which stay as they are.
func SystemWith(f func()) *wasmtime.WasiConfig {
	config := wasmtime.NewWasiConfig()
	config.SetWallClock(func() time.Time { f(); return time.Unix(1, 0) }, 1)
	config.SetMonotonicClock(func() time.Duration { f(); return 1 }, 1)
	config.SetSecureRandom(ReaderFunc(func(p []byte) (int, error) { f(); return len(p), nil }))
	return config
}
