package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
)

const inspectText = `(module
	(import "env" "f" (func (param i32 i64) (result f32 f64)))
	(import "env" "a \"name\"" (global i32))
	(import "env" "m" (memory 1 2 shared))
	(import "env" "t" (table 3 externref))
	(memory (export "memory") 1 16)
	(memory i64 2)
	(table (export "table") 1 5 funcref)
	(global (export "g") (mut v128) (v128.const i32x4 0 0 0 0))
	(tag (export "tag") (param i32))
	(func (export "_start"))
	(@custom "notes" "hello")
	(data "x"))`

const inspected = `module: text, %d bytes
import "env" "f": (func (param i32 i64) (result f32 f64))
import "env" "a \"name\"": (global i32)
import "env" "m": (memory 1 2 shared)
import "env" "t": (table 3 externref)
export "memory": (memory 1 16)
export "table": (table 1 5 funcref)
export "g": (global (mut v128))
export "tag": (tag)
export "_start": (func)
memory 1: (memory 1 16)
memory 2: (memory i64 2)
section type: 15 bytes, 3 entries
section import: 45 bytes, 4 entries
section function: 2 bytes, 1 entries
section table: 5 bytes, 1 entries
section memory: 6 bytes, 2 entries
section tag: 3 bytes, 1 entries
section global: 22 bytes, 1 entries
section export: 37 bytes, 5 entries
section code: 4 bytes, 1 entries
section data: 4 bytes, 1 entries
custom section "notes": 11 bytes
`

func TestInspect(t *testing.T) {
	needMaps(t)
	dir := testkit.TempDir(t)
	write(t, dir, "m.wat", inspectText)
	gowasmtime(t, dir, "inspect", "m.wat").want(t, 0, fmt.Sprintf(inspected, len(inspectText)))
	gowasmtime(t, dir, "inspect", "-W", "multi-memory=n", "m.wat").want(t, 1, "", "multiple memories")
	gowasmtime(t, dir, "inspect", "absent").want(t, 1, "", "failed to open")

	// Binary: the same but for the first line. Precompiled: no memories and sections, and types only if it is trusted.
	wasm, err := wasmtime.Wat2Wasm(inspectText)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "m.wasm", string(wasm))
	_, rest, _ := strings.Cut(inspected, "\n")
	gowasmtime(t, dir, "inspect", "m.wasm").want(t, 0, fmt.Sprintf("module: binary, %d bytes\n%s", len(wasm), rest))
	gowasmtime(t, dir, "compile", "m.wasm").want(t, 0, "")
	size := len(readText(t, dir+"/m.cwasm"))
	types, _, _ := strings.Cut(rest, "memory 1:")
	gowasmtime(t, dir, "inspect", "m.cwasm").want(t, 0, fmt.Sprintf("module: precompiled, %d bytes\nimports and exports: need --allow-precompiled\n", size))
	gowasmtime(t, dir, "inspect", "m.cwasm", "--allow-precompiled").want(t, 0, fmt.Sprintf("module: precompiled, %d bytes\n%s", size, types))

	hello := gowasmtime(t, dir, "inspect", guestFile(t, "hello.wasm"))
	for _, line := range []string{
		"import \"wasi_snapshot_preview1\" \"fd_write\": (func (param i32 i32 i32 i32) (result i32))\n",
		"export \"_start\": (func)\n",
	} {
		if !strings.Contains(hello.stdout, line) {
			t.Errorf("no %q in\n%s", line, hello.stdout)
		}
	}
}
