package wasmtime_test

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// errRefused is what nobody who listens says: WSAECONNREFUSED.
const errRefused = syscall.Errno(10061)

// blockingPipe makes a pipe whose ends block on the host's side, as all of os.Pipe do here.
func blockingPipe(t *testing.T) (r, w *os.File) { return pipe(t) }

var processHandleCount = kernel32.NewProc("GetProcessHandleCount")

// openFds counts the handles of this process. The count can go down by itself, when files of earlier tests are collected,
// and up, when threads are made.
func openFds(t testing.TB) int {
	t.Helper()
	process, err := syscall.GetCurrentProcess()
	check(t, err)
	var n uint32
	if ok, _, err := processHandleCount.Call(uintptr(process), uintptr(unsafe.Pointer(&n))); ok == 0 {
		t.Fatal(err)
	}
	return int(n)
}
