package testkit

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Main is what TestMain of a package with guests does: it runs the tests and ends the process. With the build tag
// debug it fails when native handles are left after all tests and as many collections as it takes. Before that, it
// closes what the tests have shared.
func Main(m *testing.M, shared ...func()) {
	code := m.Run()
	for _, end := range shared {
		end()
	}
	if leaked := leaks(); leaked != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "native handles have leaked:", leaked)
		code = 1
	}
	os.Exit(code)
}

// leaks lists the native handles that collections do not free, with their numbers. Without the build tag debug nobody
// counts.
func leaks() (leaked string) {
	if !Debug {
		return ""
	}
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
