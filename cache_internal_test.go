package wasmtime

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTidyCache(t *testing.T) {
	dir, err := os.MkdirTemp("", "wasmtime-test-")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	t.Cleanup(func() { // Wine 8 cannot remove folders as testing does
		os.Remove(filepath.Join(dir, "new.part"))
		os.Remove(dir)
	})
	put := func(name string, size int, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	want := func(what string, names ...string) {
		t.Helper()
		if got := left(); !slices.Equal(got, names) {
			t.Errorf("%s: %q", what, got)
		}
	}
	for i, name := range []string{"a", "b", "c", "d"} { // a is the youngest
		put(name, 100, time.Duration(i+1)*time.Minute)
	}
	put("new.part", 1, time.Minute)
	put("old.part", 1, 2*time.Hour)
	tidyCache(dir, 4, 400, now)
	want("within the limits", "a", "b", "c", "d", "new.part")
	tidyCache(dir, 10, 399, now)
	want("too many bytes", "a", "b", "new.part")
	tidyCache(dir, 1, 10000, now)
	want("too many files", "new.part")
	tidyCache(filepath.Join(dir, "none"), 0, 0, now)
}
