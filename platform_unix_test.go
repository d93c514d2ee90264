//go:build unix

package wasmtime_test

import (
	"os"
	"syscall"
	"testing"
)

// errRefused is what nobody who listens says.
const errRefused = syscall.ECONNREFUSED

// blockingPipe makes a pipe whose ends block on the host's side.
func blockingPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// openFds counts the descriptors of this process. The count can go down by itself, when files of earlier tests are
// collected.
func openFds(t testing.TB) int {
	t.Helper()
	// Linux has it as a link to /proc/self/fd.
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
