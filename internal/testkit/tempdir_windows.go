package testkit

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

var tempDirs sync.Map

// TempDir makes a folder that goes with the test. Wine 8 cannot remove folders as testing does.
func TempDir(t testing.TB) string {
	t.Helper()
	root, ok := tempDirs.Load(t)
	if !ok {
		made, err := os.MkdirTemp("", "wasmtime-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			tempDirs.Delete(t)
			remove(made)
		})
		root = made
		tempDirs.Store(t, root)
	}
	dir, err := os.MkdirTemp(root.(string), "")
	if err != nil {
		t.Fatal(err)
	}
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

// OnWine tells whether this is not Windows itself, but Wine, which lacks some of it.
func OnWine() bool { return syscall.NewLazyDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil }
