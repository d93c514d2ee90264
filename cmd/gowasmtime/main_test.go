package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// program is the command, built once for all tests.
var program string

// cacheHome is where the command's cache of compiled modules is while tests run.
var cacheHome string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gowasmtime-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "gowasmtime")
	cacheHome = filepath.Join(dir, "cache")
	if built := os.Getenv("GOWASMTIME_TEST_PROGRAM"); built != "" { // where there is no go command
		program = built
		return m.Run()
	}
	if out, err := exec.Command("go", "build", "-tags="+tags(), "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// tags are the build tags of the tests, which say what library is linked.
func tags() string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			return s.Value
		}
	}
	return ""
}

// ran is what a run of the command came to.
type ran struct {
	stdout, stderr string
	status         int
}

// prepare makes the command ready to run in a folder, with a small environment.
func prepare(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{cacheVariable() + "=" + cacheHome, "INHERITED=from the host", "OTHER=too"}
	return cmd
}

// cacheVariable is what says where programs keep their caches.
func cacheVariable() string {
	switch runtime.GOOS {
	case "darwin":
		return "HOME" // below which they are in Library/Caches
	case "windows":
		return "LocalAppData"
	}
	return "XDG_CACHE_HOME"
}

// finish runs a command that is ready.
func finish(t *testing.T, cmd *exec.Cmd) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// needMaps skips a test that loads a compiled module from a file.
func needMaps(t *testing.T) {
	t.Helper()
	if testkit.OnWine() {
		t.Skip("Wine does not change the protection of what is mapped")
	}
}

// gowasmtime runs the command in a folder.
func gowasmtime(t *testing.T, dir string, args ...string) ran {
	t.Helper()
	return finish(t, prepare(t, dir, args...))
}

// want checks the status, all of standard output, and that each part is in standard error; without parts that is empty.
func (r ran) want(t *testing.T, status int, stdout string, stderr ...string) {
	t.Helper()
	if r.status != status || r.stdout != stdout {
		t.Errorf("status %d, output %q; want %d, %q\n%s", r.status, r.stdout, status, stdout, r.stderr)
	}
	if len(stderr) == 0 && r.stderr != "" {
		t.Errorf("standard error has %q", r.stderr)
	}
	for _, part := range stderr {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("standard error lacks %q:\n%s", part, r.stderr)
		}
	}
}

// write writes a file into a folder and returns its name.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readText returns a file's text.
func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// guestFile is a guest of the repository.
func guestFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../testdata/guests", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// hostTriple is what the compiler calls the platform that this is built for.
func hostTriple() string {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64gc"}[runtime.GOARCH]
	switch runtime.GOOS {
	case "windows":
		return machine + "-pc-windows-gnu"
	case "darwin":
		return machine + "-apple-darwin"
	}
	if slices.Contains(strings.Split(tags(), ","), "musl") {
		return machine + "-unknown-linux-musl"
	}
	return machine + "-unknown-linux-gnu"
}
