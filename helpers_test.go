package wasmtime_test

import (
	"runtime"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

func withFuel(cfg *Config) { cfg.SetConsumeFuel(true) }

// needsWinch skips the test where there is none.
func needsWinch(t *testing.T) {
	if !HasWinch {
		t.Skip("Winch does not compile for " + runtime.GOARCH)
	}
}
