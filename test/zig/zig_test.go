// Package zig proves that Go programs with this module can be linked by zig against glibc 2.17, and then need nothing
// newer.
package zig

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const (
	target   = "x86_64-linux-gnu.2.17"
	newest   = "GLIBC_2.17"
	examples = "github.com/gowasmtime/wasmtime/examples/"
)

// zig finds the compiler: the program that ZIG names, or the one in PyPI's package ziglang.
func zig(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("ZIG"); path != "" {
		return path
	}
	if out, err := exec.Command("python3", "-m", "ziglang", "version").CombinedOutput(); err != nil {
		t.Skipf("zig is not installed (pip install ziglang, or set ZIG): %v %s", err, out)
	}
	return "python3 -m ziglang"
}

func TestLinkedByZig(t *testing.T) {
	switch {
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64":
		t.Skip("for linux/amd64")
	case testing.Short():
		t.Skip("links for a minute")
	}
	cc := zig(t) + " cc -target " + target
	for program, output := range map[string]string{
		"insertfile": "Hello from a file that the host opened!\n", // WASI
		"hostfunc":   "item 99 is unknown: true\n",                // an error that unwinds a guest
		"cancel":     "the next call returns 42\n",                // threads and traps
	} {
		t.Run(program, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), program)
			build := exec.Command("go", "build", "-ldflags=-linkmode=external", "-o", path, examples+program)
			build.Env = append(os.Environ(), "CC="+cc, "CGO_ENABLED=1")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("building: %v\n%s", err, out)
			}
			if out, err := exec.Command(path).CombinedOutput(); err != nil || !strings.HasSuffix(string(out), output) {
				t.Errorf("running: %v\n%s", err, out)
			}
			checkVersions(t, path)
		})
	}
}

// checkVersions looks at every symbol that the program takes from a shared library.
func checkVersions(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	versioned := 0
	for _, s := range symbols {
		if strings.HasPrefix(s.Version, "GLIBC_") {
			versioned++
		}
		if newer(s.Version) {
			t.Errorf("%s needs %s of %s", s.Name, s.Version, s.Library)
		}
	}
	if versioned == 0 {
		t.Error("no symbol has a version: nothing was checked")
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries {
		switch library {
		case "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2", "ld-linux-x86-64.so.2":
		default:
			t.Errorf("it needs %s, which is no part of glibc", library)
		}
	}
}

// newer tells whether a symbol's version is one of glibc beyond the newest that is allowed.
func newer(version string) bool {
	numbers, ok := strings.CutPrefix(version, "GLIBC_")
	if !ok || version == "GLIBC_PRIVATE" {
		return ok
	}
	allowed := strings.Split(strings.TrimPrefix(newest, "GLIBC_"), ".")
	for i, part := range strings.Split(numbers, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || i >= len(allowed) {
			return true
		}
		if limit, _ := strconv.Atoi(allowed[i]); n != limit {
			return n > limit
		}
	}
	return false
}

// The guest of examples/wasi is committed; it is what zig makes of its source.
func TestWasiExampleGuest(t *testing.T) {
	cc := zig(t)
	words := strings.Fields(cc)
	if version, err := exec.Command(words[0], append(words[1:], "version")...).Output(); err != nil || !strings.HasPrefix(string(version), "0.17.") {
		t.Skipf("another version of zig: %s %v", version, err)
	}
	dir := filepath.Join("..", "..", "examples", "wasi")
	built := filepath.Join(t.TempDir(), "guest.wasm")
	args := append(words[1:], "cc", "-target", "wasm32-wasi", "-O2", "-g0", "-s", "-o", built, "guest/guest.c")
	build := exec.Command(words[0], args...)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "guest.wasm")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("run go generate in examples/wasi (%v)", err)
	}
}

func TestNewer(t *testing.T) {
	for version, want := range map[string]bool{
		"": false, "GLIBC_2.2.5": false, "GLIBC_2.9": false, "GLIBC_2.17": false, "GCC_3.0": false,
		"GLIBC_2.17.1": true, "GLIBC_2.18": true, "GLIBC_2.34": true, "GLIBC_3.0": true, "GLIBC_PRIVATE": true,
	} {
		if newer(version) != want {
			t.Errorf("%q: %v", version, !want)
		}
	}
}
