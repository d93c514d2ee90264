package main

import (
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

const invokeText = `(module
	(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
	(memory (export "memory") 1)
	(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
	(func (export "i64") (param i64) (result i64) (local.get 0))
	(func (export "f32") (param f32) (result f32) (local.get 0))
	(func (export "f64") (param f64) (result f64) (local.get 0))
	(func (export "f32 bits") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
	(func (export "f64 bits") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
	(func (export "v128") (result v128) (v128.const i32x4 1 0 0 1))
	(func (export "takes v128") (param v128))
	(func (export "several") (result i32 i64 f32 f64) (i32.const -1) (i64.const 2) (f32.const 0.1) (f64.const 0.1))
	(func $f (export "refs") (result funcref externref funcref) (ref.null func) (ref.null extern) (ref.func $f))
	(func (export "exit") (param i32) (call $exit (local.get 0)))
	(func (export "trap") unreachable)
	(func (export "nothing")))`

func TestInvoke(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "m.wat", invokeText)
	for _, test := range []struct {
		name   string
		args   []string
		result string
	}{
		{"add", []string{"1", "2"}, "3"},
		{"add", []string{"-1", "+2"}, "1"},
		{"add", []string{"--", "-1", "-2"}, "-3"},
		{"add", []string{"0x10", "0XfF"}, "271"},
		{"add", []string{"2147483647", "1"}, "-2147483648"},
		{"add", []string{"1", "2", "too", "many"}, "3"},
		{"i64", []string{"-9223372036854775808"}, "-9223372036854775808"},
		{"i64", []string{"0x7fffffffffffffff"}, "9223372036854775807"},
		{"f32", []string{"3.14"}, "3.14"},
		{"f32", []string{"1e10"}, "10000000000"},
		{"f32", []string{"1e-7"}, "0.0000001"},
		{"f32", []string{"nan"}, "NaN"},
		{"f32", []string{"inf"}, "inf"},
		{"f32", []string{"1e40"}, "inf"},
		{"f64", []string{"1"}, "1"},
		{"f64", []string{"-0"}, "-0"},
		{"f64", []string{".5e1"}, "5"},
		{"f64", []string{"1e21"}, "1000000000000000000000"},
		{"f64", []string{"0.1"}, "0.1"},
		{"f64", []string{"NaN"}, "NaN"},
		{"f64", []string{"-nan"}, "NaN"},
		{"f64", []string{"-Infinity"}, "-inf"},
		{"f64", []string{"--", "-1e400"}, "-inf"},
		{"f32 bits", []string{"nan"}, "2143289344"},          // 0x7fc00000
		{"f32 bits", []string{"-nan"}, "-4194304"},           // 0xffc00000
		{"f32 bits", []string{"16777217"}, "1266679808"},     // rounded once
		{"f64 bits", []string{"nan"}, "9221120237041090560"}, // 0x7ff8000000000000
		{"f64 bits", []string{"-0"}, "-9223372036854775808"},
		{"v128", nil, "79228162514264337593543950337"},
		{"several", nil, "-1\n2\n0.1\n0.1"},
		{"refs", nil, "<null funcref>\n<null externref>\n<funcref>"},
	} {
		args := append([]string{"run", "--invoke", test.name, "m.wat"}, test.args...)
		gowasmtime(t, dir, args...).want(t, 0, test.result+"\n")
	}
	gowasmtime(t, dir, "--invoke", "nothing", "m.wat").want(t, 0, "")
	gowasmtime(t, dir, "--invoke=exit", "m.wat", "3").want(t, 3, "")
	gowasmtime(t, dir, "--invoke", "exit", "m.wat", "0").want(t, 0, "")
	gowasmtime(t, dir, "--invoke", "trap", "m.wat").want(t, 134, "", "failed to invoke `trap`", "unreachable")
}

func TestInvokeWrong(t *testing.T) {
	dir := testkit.TempDir(t)
	write(t, dir, "m.wat", invokeText)
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"absent", nil, "no func export named `absent` found"},
		{"memory", nil, "no func export named `memory` found"},
		{"add", []string{"1"}, "not enough arguments for `add`"},
		{"add", []string{"1", "2147483648"}, "argument 2 of `add` is an i32, not '2147483648'"},
		{"add", []string{"one", "2"}, "argument 1 of `add`"},
		{"add", []string{"", "2"}, "argument 1 of `add`"},
		{"add", []string{"0x", "2"}, "argument 1 of `add`"},
		{"i64", []string{"1.5"}, "is an i64"},
		{"f32", []string{"1,5"}, "is an f32"},
		{"f64", []string{"+-nan"}, "is an f64"},
		{"takes v128", []string{"1"}, "only i32, i64, f32 and f64"},
	} {
		args := append([]string{"run", "--invoke", test.name, "m.wat"}, test.args...)
		gowasmtime(t, dir, args...).want(t, 1, "", "failed to run main module `m.wat`", test.says)
	}
}
