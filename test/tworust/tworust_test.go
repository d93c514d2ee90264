// Package tworust proves that a Go program can use this module together with another static Rust library: their
// copies of the Rust runtime do not clash, because our archive shows the C API only.
package tworust

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTwoRustLibraries(t *testing.T) {
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		t.Skip("cargo is not installed")
	}
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	run(t, "second", cargo, "build", "--release", "--locked", "--offline", "--quiet", "--target-dir", target)
	archive := filepath.Join(target, "release", "libsecond.a")

	// How to link it is written into one more file of the program, which exists for this build only.
	link := filepath.Join(dir, "link.go")
	source := fmt.Sprintf("package main\n\n// #cgo LDFLAGS: %s -lgcc_eh -lpthread -lm -ldl\nimport \"C\"\n", archive)
	if err := os.WriteFile(link, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Abs(filepath.Join("testdata", "program", "link.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {place: link}})
	if err != nil {
		t.Fatal(err)
	}
	overlayPath := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayPath, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	run(t, ".", "go", "build", "-overlay", overlayPath, "-o", program, "./testdata/program")
	if out := run(t, dir, program); out != "OK\n" {
		t.Errorf("the program printed %q", out)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
