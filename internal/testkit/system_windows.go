package testkit

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// ErrRefused is what Dial says where nobody listens: WSAECONNREFUSED.
const ErrRefused = syscall.Errno(10061)

// BlockingPipe makes a pipe whose ends block on the host's side, as all of os.Pipe do here.
func BlockingPipe(t testing.TB) (r, w *os.File) { return Pipe(t) }

var processHandleCount = syscall.NewLazyDLL("kernel32.dll").NewProc("GetProcessHandleCount")

// OpenFds counts the handles of this process. The count can go down by itself, when files of earlier tests are
// collected, and up, when threads are made.
func OpenFds(t testing.TB) int {
	t.Helper()
	process, err := syscall.GetCurrentProcess()
	Check(t, err)
	var n uint32
	if ok, _, err := processHandleCount.Call(uintptr(process), uintptr(unsafe.Pointer(&n))); ok == 0 {
		t.Fatal(err)
	}
	return int(n)
}
