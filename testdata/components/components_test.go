package components

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Were the digests different, what the script builds would never be found.
func TestSumIsTheScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("build.sh takes a Unix")
	}
	for _, name := range []string{"c", "chttp", "js", "jshttp", "jsprogram", "pyhttp", "pyprogram", "python", "rust"} {
		want, err := exec.Command("./build.sh", "--sum", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sourceSum(name); got != strings.TrimSpace(string(want)) || err != nil {
			t.Errorf("%s: %s, %v, but the script says %s", name, got, err, want)
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GOWASMTIME_COMPONENTS", dir)
	if _, err := File("cobol"); err == nil || errors.Is(err, ErrNotBuilt) {
		t.Errorf("a component that has no sources: %v", err)
	}
	if _, err := File("c"); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("a component that is not built: %v", err)
	}
	sum, err := sourceSum("c")
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "c-"+sum)
	for _, extension := range []string{".error", ".wasm"} {
		if err := os.WriteFile(base+extension, []byte("no compiler\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		path, err := File("c")
		switch extension {
		case ".error":
			if !errors.Is(err, ErrNotBuilt) || !strings.HasSuffix(err.Error(), ": no compiler") {
				t.Errorf("a component that could not be built: %v", err)
			}
		case ".wasm":
			if path != base+".wasm" || err != nil {
				t.Errorf("a built component: %s, %v", path, err)
			}
		}
	}
}
