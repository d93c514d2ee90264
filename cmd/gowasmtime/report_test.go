package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// exited is the error of a program that has exited, with the native library's text.
type exited int32

func (e exited) Error() string {
	return fmt.Sprintf("error while executing at wasm backtrace:\n    0: f\n\nCaused by:\n    Exited with i32 exit status %d", int32(e))
}

func (e exited) Unwrap() error { return &wasmtime.ExitError{Status: int32(e)} }

// The guest's status is the command's up to 125; wasmtime takes any other for an error.
func TestReportOfExit(t *testing.T) {
	for status, want := range map[int32]int{0: 0, 1: 1, 3: 3, 125: 125, 126: 1, 127: 1, 255: 1, 256: 1, -1: 1, -1 << 31: 1} {
		var stderr strings.Builder
		testkit.Equal(t, fmt.Sprint("status ", status), report(&stderr, failed(exited(status), "failed to run")), want)
		text := stderr.String()
		if fails := uint32(status) > 125; fails != strings.HasSuffix(text, "exit with invalid exit status outside of [0..126)\n") || !fails && text != "" {
			t.Errorf("status %d: %q", status, text)
		}
	}
}
