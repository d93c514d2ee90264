// Package ctest proves that the library stands without Go: C programs are compiled against include/ and the archive,
// with nothing but the flags that the Go package ffi is linked with, and run.
package ctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// linkFlags are those of package ffi: the archive and the libraries of the system.
func linkFlags(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{join .CgoLDFLAGS "\n"}}`, "./ffi")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.Fields(string(out))
	if len(flags) == 0 {
		t.Fatal("package ffi has no link flags on this platform")
	}
	return flags
}

func compiler(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"gcc", "cc", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no C compiler")
	return ""
}

func TestCPrograms(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cc, flags := compiler(t), linkFlags(t, root)
	for name, source := range map[string]string{
		"the extension":             "insert_file.c",
		"clocks and random numbers": "wasi_system.c",
		"components":                "component.c",
		"the official API":          "official.c",
		"WASI 0.2":                  "wasi2.c",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "program")
			args := []string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-I", filepath.Join(root, "include"), filepath.Join(root, "ci", "ctest", source), "-o", program}
			if out, err := exec.Command(cc, append(args, flags...)...).CombinedOutput(); err != nil {
				t.Fatalf("compiling: %v\n%s", err, out)
			}
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), "CTEST_VARIABLE=from the test",
				"CTEST_COMPONENT="+filepath.Join(root, "testdata", "guests", "components", "tries.wasm"))
			cmd.Stdin = strings.NewReader("")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(string(out), "OK\n") {
				t.Errorf("running: %v\n%s", err, out)
			}
		})
	}
}
