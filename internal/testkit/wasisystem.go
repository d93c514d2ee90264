package testkit

import (
	"time"

	"github.com/gowasmtime/wasmtime"
)

type ReaderFunc func([]byte) (int, error)

func (f ReaderFunc) Read(p []byte) (int, error) { return f(p) }

// SystemWith calls back into f for every part of the system that a guest of WASI 0.1 can reach.
func SystemWith(f func()) *wasmtime.WasiConfig {
	config := wasmtime.NewWasiConfig()
	config.SetWallClock(func() time.Time { f(); return time.Unix(1, 0) }, 1)
	config.SetMonotonicClock(func() time.Duration { f(); return 1 }, 1)
	config.SetSecureRandom(ReaderFunc(func(p []byte) (int, error) { f(); return len(p), nil }))
	return config
}
