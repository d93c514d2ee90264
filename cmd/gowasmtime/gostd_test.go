package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// TestGoStandardLibrary runs tests of Go's standard library as guests, by the script that comes with Go and calls
// "wasmtime run", which is this command here.
func TestGoStandardLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles and runs large programs")
	}
	if runtime.GOOS == "windows" {
		t.Skip("Go's script for it takes a Unix shell")
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	scripts := filepath.Join(strings.TrimSpace(string(out)), "lib", "wasm")
	if _, err := os.Stat(filepath.Join(scripts, "go_wasip1_wasm_exec")); err != nil {
		t.Fatal(err)
	}
	bin := testkit.TempDir(t)
	if err := os.Symlink(program, filepath.Join(bin, "wasmtime")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-short", "strings", "os")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOWASIRUNTIME=",
		"XDG_CACHE_HOME="+cacheHome, "PATH="+strings.Join([]string{bin, scripts, os.Getenv("PATH")}, string(os.PathListSeparator)))
	if os.Getenv("GOCACHE") == "" { // by default it is in the place that was just changed
		cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "GOCACHE="+strings.TrimSpace(string(cache)))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
