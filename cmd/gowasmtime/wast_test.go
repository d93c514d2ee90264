package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// scriptFile is a script of the repository.
func scriptFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../testdata/wast", name, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What scripts print is the output. Those that pass say nothing else.
func TestWast(t *testing.T) {
	printed := "666: i32\n666: i64\n1.5: f32\n-inf: f64\n-1: i32\nNaN: f32\n1000000000000000000000: f64\ninf: f64\n"
	host, builtins := scriptFile(t, "host"), scriptFile(t, "builtins")
	dir := testkit.TempDir(t)
	gowasmtime(t, dir, "wast", "-W", "all-proposals=y", host).want(t, 0, printed)
	gowasmtime(t, dir, "wast", "-Wall-proposals", "--wasmtime-builtins", host, builtins, host).want(t, 0, printed+printed)
}

// Each command that fails says so with its line, the others are done, and the status is 1.
func TestWastFailures(t *testing.T) {
	dir := testkit.TempDir(t)
	failures, builtins := scriptFile(t, "failures"), scriptFile(t, "builtins")
	marks, err := os.ReadFile(filepath.Join(filepath.Dir(failures), "../failures.wast"))
	if err != nil {
		t.Fatal(err)
	}
	failed := len(regexp.MustCompile(";; fails: ").FindAll(marks, -1))
	r := gowasmtime(t, dir, "wast", "-W", "all-proposals=y", failures)
	r.want(t, 1, "", `failures.wast:17: assert_trap: expected a trap with "integer overflow", got`,
		`failures.wast:36: action: nothing is asserted of it`, "Error: failed to run script file '"+failures+"'",
		fmt.Sprintf("Caused by:\n    %d of ", failed))
	if lines := strings.Count(r.stderr, "\nfailures.wast:") + 1; lines != failed+1 {
		t.Errorf("%d lines, not %d:\n%s", lines, failed+1, r.stderr)
	}
	r = gowasmtime(t, dir, "wast", "-W", "all-proposals=y", failures, "missing.json", builtins)
	r.want(t, 1, "", "Error: 3 of 3 scripts failed\n", "missing.json", "builtins.wast:3: module: instantiation failed", "2 of 2 commands failed")
}

// Options change what scripts come to, as they do for other commands.
func TestWastOptions(t *testing.T) {
	dir := testkit.TempDir(t)
	builtins := scriptFile(t, "builtins")
	for _, test := range []struct {
		args string
		want []string
	}{
		{"-W reference-types=n,gc=n,function-references=n", []string{"builtins.wast:3: module: it does not compile"}},
		{"-W fuel=1", []string{"builtins.wast:6: assert_return: expected (ref.extern 1), got", "all fuel consumed"}},
		{"-W max-instances=0", []string{"failed to run script file", "resource limit exceeded"}},
		{"-W timeout=1h", nil},
		{"-W epoch-interruption", nil},
	} {
		r := gowasmtime(t, dir, append(append([]string{"wast", "--wasmtime-builtins"}, strings.Fields(test.args)...), builtins)...)
		status := 0
		if test.want != nil {
			status = 1
		}
		r.want(t, status, "", test.want...)
	}
	write(t, dir, "spin.json", `{"source_filename": "spin.wast", "commands": [
		{"type": "module", "line": 1, "filename": "spin.wat", "module_type": "text"},
		{"type": "assert_return", "line": 2, "action": {"type": "invoke", "field": "f", "args": []}, "expected": []}]}`)
	write(t, dir, "spin.wat", `(module (func (export "f") (loop (br 0))))`)
	gowasmtime(t, dir, "wast", "-W", "timeout=3s", "spin.json").want(t, 1, "", "spin.wast:2: assert_return: expected a return, got", "interrupt")
}

// Messages of refused modules matter unless they are to be ignored.
func TestWastIgnoreErrorMessages(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "bad.wat", "(module (func (result i32)))")
	write(t, dir, "bad.json", `{"source_filename": "bad.wast", "commands": [
		{"type": "assert_invalid", "line": 1, "filename": "bad.wat", "module_type": "text", "text": "the message of another"}]}`)
	gowasmtime(t, dir, "wast", "bad.json").want(t, 1, "", `bad.wast:1: assert_invalid: expected an error with "the message of another", got`)
	gowasmtime(t, dir, "wast", "--ignore-error-messages", "bad.json").want(t, 0, "")
}

func TestWastUsage(t *testing.T) {
	dir := testkit.TempDir(t)
	gowasmtime(t, dir, "wast").want(t, 2, "", "gowasmtime wast needs SCRIPT...")
	gowasmtime(t, dir, "wast", "--precompile-load", "x", "y").want(t, 2, "", "wasmtime has this, gowasmtime does not")
	write(t, dir, "text.wast", "(module)")
	gowasmtime(t, dir, "wast", "text.wast").want(t, 1, "", "wasm-tools json-from-wast")
}
