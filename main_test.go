//go:build debug

package wasmtime_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// debugEnabled says that every crossing collects garbage, which takes time.
const debugEnabled = true

// TestMain fails when native handles are left after all tests and as many collections as it takes.
func TestMain(m *testing.M) {
	code := m.Run()
	if leaked := leaks(); leaked != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "native handles have leaked:", leaked)
		code = 1
	}
	os.Exit(code)
}

func leaks() string {
	var leaked string
	for range 200 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		leaked = ""
		for kind, n := range ffi.Live() {
			if n != 0 {
				leaked += fmt.Sprintf("%d %s; ", n, kind)
			}
		}
		if leaked == "" {
			return ""
		}
	}
	return leaked
}
