// Package local shows what ci/local makes of every form in which another build of the native library comes.
package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The library that stands for another build of Wasmtime's C API.
const archive = "../../../build/linux-x86_64/libwasmtime.a"

func needHost(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" || testing.Short() {
		t.Skip("links programs for linux/amd64")
	}
}

// local runs ci/local and returns what it said, and the folder that it wrote to.
func local(t *testing.T, path string) (said string, dist string, err error) {
	t.Helper()
	dist = t.TempDir()
	cmd := exec.Command("../../local", path)
	cmd.Env = append(os.Environ(), "DIST="+dist, "CARGO_TARGET_DIR=")
	out, err := cmd.CombinedOutput()
	return string(out), dist, err
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// put places the archive, as it is or as a shared library, below a folder.
func put(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".so") {
		run(t, "gcc", "-shared", "-o", path, "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", "-lgcc_eh", "-lm", "-ldl", "-lpthread")
		return
	}
	run(t, "cp", archive, path)
}

func TestLocal(t *testing.T) {
	needHost(t)
	include, err := filepath.Abs("../../../include")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ library, headers, given string }{
		"a library":             {"libwasmtime.a", "", "libwasmtime.a"},
		"a release":             {"lib/libwasmtime.a", "include", ""},
		"a shared release":      {"lib/libwasmtime.so", "include", ""},
		"a checkout":            {"target/release/libwasmtime.a", "crates/c-api/include", ""},
		"one of this project's": {"rust/target/debug/libwasmtime.a", "rust/xtask/../../include", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, test.library)
			if test.headers != "" {
				at := filepath.Join(dir, filepath.FromSlash(test.headers))
				if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(test.headers, "rust/") {
					if err := os.MkdirAll(filepath.Join(dir, "rust/xtask"), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Symlink(include, at); err != nil {
					t.Fatal(err)
				}
			}
			said, dist, err := local(t, filepath.Join(dir, test.given))
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			program := filepath.Join(dist, "program")
			shell := exec.Command("bash", "-c", `. "$1/local/env" && go build -tags gowasmtime_local -o "$2" ./examples/insertfile && "$2"`, "-", dist, program)
			shell.Dir = "../../.."
			out, err := shell.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "Hello from a file that the host opened!") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestLocalNamesWhatIsMissing(t *testing.T) {
	needHost(t)
	dir := t.TempDir()
	lacking := filepath.Join(dir, "libwasmtime.a")
	run(t, "objcopy", "--localize-symbol=wasmtime_ext_abi", "--localize-symbol=wasmtime_context_insert_file", archive, lacking)
	said, dist, err := local(t, lacking)
	if err == nil || !strings.Contains(said, "lacks 2 of the functions") ||
		!strings.Contains(said, "wasmtime_ext_abi\n") || !strings.Contains(said, "wasmtime_context_insert_file\n") {
		t.Errorf("%v\n%s", err, said)
	}
	if _, err := os.Stat(filepath.Join(dist, "local", "env")); err == nil {
		t.Error("it says how to build with such a library")
	}

	source := filepath.Join(dir, "none.c")
	if err := os.WriteFile(source, []byte("int nothing;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none", "libwasmtime.a")
	run(t, "mkdir", filepath.Dir(none))
	run(t, "gcc", "-c", "-o", filepath.Join(dir, "none.o"), source)
	run(t, "ar", "rc", none, filepath.Join(dir, "none.o"))
	said, _, err = local(t, none)
	if err == nil || !strings.Contains(said, "more, all of which are in") {
		t.Errorf("%v\n%s", err, said)
	}
	said, _, err = local(t, filepath.Join(dir, "absent"))
	if err == nil || !strings.Contains(said, "ci/local PATH") {
		t.Errorf("%v\n%s", err, said)
	}
	said, _, err = local(t, source)
	if err == nil || said == "" {
		t.Errorf("%v\n%s", err, said)
	}
}
