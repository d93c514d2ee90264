package wasmtime_test

import (
	"os"
	"path/filepath"
	"sync"
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

var tempDirs sync.Map

// tempDir makes a folder that goes with the test. Wine 8 cannot remove folders as testing does.
func tempDir(t testing.TB) string {
	t.Helper()
	root, ok := tempDirs.Load(t)
	if !ok {
		made, err := os.MkdirTemp("", "wasmtime-test-")
		check(t, err)
		t.Cleanup(func() {
			tempDirs.Delete(t)
			remove(made)
		})
		root = made
		tempDirs.Store(t, root)
	}
	dir, err := os.MkdirTemp(root.(string), "")
	check(t, err)
	return dir
}

// remove removes a folder with what is in it, of which some may still be open.
func remove(path string) {
	if os.Remove(path) == nil {
		return
	}
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		remove(filepath.Join(path, e.Name()))
	}
	os.Remove(path)
}

// onWine tells whether this is not Windows itself, but Wine, which lacks some of it.
func onWine() bool { return syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil }
