//go:build unix

package testkit

import (
	"os"
	"syscall"
	"testing"
)

// Mkfifo makes a named pipe.
func Mkfifo(t testing.TB, path string) {
	t.Helper()
	Check(t, syscall.Mkfifo(path, 0o600))
}

// ErrRefused is what Dial says where nobody listens.
const ErrRefused = syscall.ECONNREFUSED

// BlockingPipe makes a pipe whose ends block on the host's side. They are closed with the test.
func BlockingPipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// OpenFds counts the descriptors of this process. The count can go down by itself, when files of earlier tests are
// collected.
func OpenFds(t testing.TB) int {
	t.Helper()
	// Linux has it as a link to /proc/self/fd.
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
