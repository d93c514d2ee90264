package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// A compiled module that is in use stays what it is when another is written to its file.
func TestCompileOverModuleInUse(t *testing.T) {
	needMaps(t)
	dir := testkit.TempDir(t)
	output := filepath.Join(dir, "m.cwasm")
	compile := func(n string) ran {
		return gowasmtime(t, dir, "compile", "-o", output, write(t, dir, "m.wat", `(module (func (export "f") (result i32) (i32.const `+n+`)))`))
	}
	compile("1").want(t, 0, "")
	before, err := os.Stat(output)
	testkit.Check(t, err)
	open, err := os.Open(output) // as a mapping would
	testkit.Check(t, err)
	defer open.Close()
	old := readText(t, output)
	if again := compile("2"); runtime.GOOS == "windows" && again.status != 0 {
		again.want(t, 1, "", "failed to write output") // a file that is open cannot be replaced there
	} else {
		again.want(t, 0, "")
		after, err := os.Stat(output)
		testkit.Check(t, err)
		testkit.Equal(t, "written in place", os.SameFile(before, after), false)
		testkit.Equal(t, "permissions", after.Mode(), before.Mode())
		gowasmtime(t, dir, "run", "--allow-precompiled", "--invoke", "f", output).want(t, 0, "2\n")
	}
	if got, err := io.ReadAll(open); err != nil || string(got) != old {
		t.Errorf("whoever had the file open has %d bytes, other than before: %v", len(got), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.part"))
	testkit.Check(t, err)
	testkit.Equal(t, "unfinished files", len(left), 0)
}

func TestCompile(t *testing.T) {
	needMaps(t)
	dir, other := testkit.TempDir(t), testkit.TempDir(t)
	module := write(t, dir, "m.wat", `(module (func (export "f") (result i32) (i32.const 11)))`)

	// The file is in the current folder, whatever folder the module is in.
	gowasmtime(t, other, "compile", module).want(t, 0, "")
	invoke := func(args ...string) ran {
		return gowasmtime(t, other, append([]string{"run", "--invoke", "f"}, args...)...)
	}
	invoke("--allow-precompiled", "m.cwasm").want(t, 0, "11\n")
	invoke("m.cwasm").want(t, 1, "", "requires the `--allow-precompiled` flag")
	invoke("--allow-precompiled", "-W", "fuel=100", "m.cwasm").want(t, 1, "", "compiled without fuel")
	invoke("--preload", "x=m.cwasm", "--allow-precompiled", "m.cwasm").want(t, 0, "11\n")

	gowasmtime(t, other, "compile", "-o", "with fuel", "-Wfuel=1", "-O", "opt-level=0", module).want(t, 0, "")
	invoke("--allow-precompiled", "-W", "fuel=100", "with fuel").want(t, 0, "11\n")

	stdin := readText(t, filepath.Join(other, "m.cwasm"))
	cmd := prepare(t, other, "run", "--allow-precompiled", "--invoke", "f", "-")
	cmd.Stdin = strings.NewReader(stdin)
	finish(t, cmd).want(t, 0, "11\n")
	cmd = prepare(t, other, "compile", "-", "--output=from stdin")
	cmd.Stdin = strings.NewReader("(module)")
	finish(t, cmd).want(t, 0, "")

	gowasmtime(t, other, "compile", "-").want(t, 1, "", "needs --output")
	gowasmtime(t, other, "compile", "absent.wasm").want(t, 1, "", "failed to open wasm module", testkit.NoSuchFile())
	gowasmtime(t, other, "compile", "m.cwasm").want(t, 1, "", "compiled already")
	gowasmtime(t, other, "compile", module, "-o", "absent/m.cwasm").want(t, 1, "", "failed to write output: absent/m.cwasm")
	gowasmtime(t, other, "compile", "--emit-clif", "x", module).want(t, 2, "", "wasmtime has this")

	damaged := write(t, other, "damaged.cwasm", stdin[:len(stdin)/2])
	invoke("--allow-precompiled", damaged).want(t, 1, "", "Error: ")
}
