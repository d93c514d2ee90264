package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

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
