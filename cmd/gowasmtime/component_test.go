package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/programs"
)

// componentWat exports functions of its own, and in an instance.
const componentWat = `(component
  (type $point' (record (field "x" s32) (field "y" s32)))
  (export $point "point" (type $point'))
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.add (global.get $next) (i32.const 256))) (global.get $next))
    (func (export "pair") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "check") (param i32) (result i32) (local.get 0))
    (func (export "nothing"))
    (func (export "forever") (loop (br 0)))
    (func (export "trap") unreachable))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func $add (param "a" u8) (param "b" u8) (result u8) (canon lift (core func $i "add")))
  (func $other (param "a" u8) (param "b" u8) (result u8) (canon lift (core func $i "add")))
  (func (export "swap") (param "p" $point) (result $point) (canon lift (core func $i "pair") (memory $memory)))
  (func (export "echo") (param "s" string) (result string)
    (canon lift (core func $i "pair") (memory $memory) (realloc $realloc)))
  (func (export "check") (param "failed" bool) (result (result)) (canon lift (core func $i "check")))
  (func (export "nothing") (canon lift (core func $i "nothing")))
  (func (export "forever") (canon lift (core func $i "forever")))
  (func (export "trap") (canon lift (core func $i "trap")))
  (instance $one (export "add" (func $add)) (export "sum" (func $add)))
  (instance $two (export "add" (func $other)))
  (export "example:math/one@1.2.0" (instance $one))
  (export "example:math/two@1.2.0" (instance $two)))`

func TestComponents(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "c.wat", componentWat)
	write(t, dir, "program.wat", `(component
	  (core module $m (func (export "run") (result i32) (i32.const 1)))
	  (core instance $i (instantiate $m))
	  (func $run (result (result)) (canon lift (core func $i "run")))
	  (instance $r (export "run" (func $run)))
	  (export "wasi:cli/run@0.2.3" (instance $r)))`)
	write(t, dir, "lacks.wat", `(component
	  (import "wasi:cli/stdout@0.2.0" (instance (export "f" (func))))
	  (core module $m (func (export "f")))
	  (core instance $i (instantiate $m))
	  (func (export "f") (canon lift (core func $i "f"))))`)
	write(t, dir, "map.wat", `(component (import "f" (func (param "m" (map string u32)))))`)
	gowasmtime(t, dir, "inspect", "map.wat").want(t, 1, "", "component model map feature", "\n    -W component-model-map switches it on")
	gowasmtime(t, dir, "compile", "-W", "component-model-map", "map.wat", "-o", "map.cwasm").want(t, 0, "")
	invoke := func(call string, options ...string) ran {
		args := append([]string{"run"}, options...)
		return gowasmtime(t, dir, append(args, "--invoke", call, "c.wat")...)
	}
	invoke("swap({x: 1, y: -2})").want(t, 0, "{x: 1, y: -2}\n")
	invoke(`echo("a \"text\"")`).want(t, 0, `"a \"text\""`+"\n")
	invoke("check(false)").want(t, 0, "ok\n")
	invoke("check(true)").want(t, 0, "err\n")
	invoke("nothing()").want(t, 0, "")
	invoke("sum(1, 2)").want(t, 0, "3\n")
	invoke("example:math/two@1.0.0#add(3, 4)").want(t, 0, "7\n")
	invoke("add(1, 2)").want(t, 1, "", "several functions are named `add`", "example:math/one@1.2.0#add, example:math/two@1.2.0#add")
	invoke("sumo(1, 2)").want(t, 1, "", "no func export named `sumo` found", "sum")
	invoke("sum(1)").want(t, 1, "", "parameter 2 (b)", "missing")
	invoke("sum(1, 256)").want(t, 1, "", "parameter 2 (b)", "256")
	invoke("sum").want(t, 2, "", "--invoke 'f(1, \"a\")'")
	invoke("sum(1, 2").want(t, 2, "", "--invoke: 'sum(1, 2' does not end with the ) of the call")
	invoke("trap()").want(t, 134, "", "failed to invoke `trap`", "unreachable")
	invoke("forever()", "-W", "timeout=1s").want(t, 134, "", "interrupt")
	invoke("forever()", "-W", "fuel=1000").want(t, 134, "", "fuel")
	gowasmtime(t, dir, "run", "--invoke", "nothing()", "c.wat", "x").want(t, 2, "", "part of --invoke")
	gowasmtime(t, dir, "run", "--preload", "a=c.wat", "c.wat").want(t, 2, "", "--preload is for modules")
	gowasmtime(t, dir, "run", "program.wat").want(t, 1, "")
	gowasmtime(t, dir, "run", "--invoke", "f()", "lacks.wat").want(t, 1, "", "`wasi:cli/stdout@0.2.0#f` func()", "function implementation is missing")
	gowasmtime(t, dir, "run", "-W", "unknown-imports-trap", "--invoke", "f()", "lacks.wat").want(t, 0, "")

	write(t, dir, "http.wat", `(component
	  (import "wasi:http/types@0.2.0" (instance (export "fields" (type (sub resource)))))
	  (core module $m (func (export "f")))
	  (core instance $i (instantiate $m))
	  (func (export "f") (canon lift (core func $i "f"))))`)
	gowasmtime(t, dir, "run", "--invoke", "f()", "http.wat").want(t, 1, "", "-S http provides wasi:http")
	gowasmtime(t, dir, "run", "-S", "http", "--invoke", "f()", "http.wat").want(t, 0, "")
	gowasmtime(t, dir, "run", "-S", "http,max-http-fields-size=0", "--invoke", "f()", "http.wat").want(t, 1, "", "fields need room")
	write(t, dir, "module.wat", "(module)")
	gowasmtime(t, dir, "run", "-S", "http", "module.wat").want(t, 2, "", "-S http is for components")

	gowasmtime(t, dir, "compile", "c.wat").want(t, 0, "")
	gowasmtime(t, dir, "run", "--invoke", "nothing()", "c.cwasm").want(t, 1, "", "--allow-precompiled")
	gowasmtime(t, dir, "run", "--allow-precompiled", "--invoke", "sum(1, 2)", "c.cwasm").want(t, 0, "3\n")

	for _, args := range [][]string{{"inspect", "c.wat"}, {"inspect", "--allow-precompiled", "c.cwasm"}} {
		got := gowasmtime(t, dir, args...)
		for _, part := range []string{"component: ", "export example:math/one@1.2.0", "sum: func(a: u8, b: u8) -> u8", "check: func(failed: bool) -> result"} {
			if got.status != 0 || !strings.Contains(got.stdout, part) {
				t.Errorf("%v: status %d, %q is not in\n%s%s", args, got.status, part, got.stdout, got.stderr)
			}
		}
	}
}

// A program of WASI 0.2 gets what a module gets.
func TestComponentProgram(t *testing.T) {
	program, err := programs.File("std")
	if errors.Is(err, programs.ErrNotBuilt) {
		t.Skip(err)
	}
	testkit.Check(t, err)
	dir := testkit.TempDir(t)
	write(t, dir, "std.wasm", string(testkit.Must(os.ReadFile(program))))
	write(t, dir, "f", "text\n")
	run := func(args ...string) ran { return gowasmtime(t, dir, append([]string{"run"}, args...)...) }
	run("--env", "A=1", "std.wasm", "hello", "--there").want(t, 0, "args [\"std.wasm\", \"hello\", \"--there\"]\nenv {\"A\": \"1\"}\ncwd \"/\"\n", "to stderr")
	run("--dir", ".::/d", "std.wasm", "read", "/d/f").want(t, 0, "text\n")
	run("std.wasm", "read", "/d/f").want(t, 1, "", "error: ")
	run("-S", "inherit-network", "std.wasm", "udp").want(t, 0, "datagram true\n")
	run("-S", "inherit-network,udp=n", "std.wasm", "udp").want(t, 1, "", "error: ")
	run("-S", "cli=n", "std.wasm", "hello").want(t, 1, "", "wasi:io/poll", "implementation is missing")
	run("-W", "timeout=100ms", "std.wasm", "sleep", "1000").want(t, 134, "", "interrupt")
}
