package component_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// instanceOf instantiates a component that imports nothing but WASI.
func instanceOf(t *testing.T, config *wasmtime.WasiConfig, wat string, items ...string) *component.Instance {
	t.Helper()
	linker := component.NewLinker(stdEngine())
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	if len(items) > 0 {
		Check(t, linker.DefineWasi(items...))
	}
	store := wasmtime.NewStore(stdEngine())
	t.Cleanup(store.Close)
	store.SetEpochDeadline(1 << 40)
	Check(t, store.ConfigureWasi(config))
	return Must(linker.Instantiate(nil, store, Must(component.New(stdEngine(), []byte(wat)))))
}

// passesOn is a component that exports a function of WASI which returns what the text says: a core value, or what is in
// memory from 16 on.
func passesOn(instance, function, result, types string, inMemory bool) string {
	core, body, memory := "(result i32)", "(call $f)", ""
	switch {
	case inMemory:
		core, body, memory = "(param i32)", "(call $f (i32.const 16)) (i32.const 16)", "(memory $m) (realloc $realloc)"
	case result == "u64":
		core = "(result i64)"
	}
	exported := "(result i32)"
	if result == "u64" {
		exported = "(result i64)"
	}
	return fmt.Sprintf(`(component
  (import %q (instance $i %s (export %q (func (result %s)))))
  (core module $memory (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (alias core export $mem "realloc" (core func $realloc))
  (core func $f (canon lower (func $i %q) %s))
  (core module $main (import "" "f" (func $f %s)) (func (export "f") %s %s))
  (core instance $c (instantiate $main (with "" (instance (export "f" (func $f))))))
  (func (export "f") (result %s) (canon lift (core func $c "f") %s)))`,
		instance, types, function, result, function, memory, core, exported, body, result, memory)
}

// The initial directory is that of the configuration.
func TestWasiInitialDirectory(t *testing.T) {
	wat := passesOn("wasi:cli/environment@0.2.0", "initial-cwd", "(option string)", "", true)
	for _, dir := range []string{"", "/work/ä"} {
		config := wasmtime.NewWasiConfig()
		if dir != "" {
			config.SetInitialDir(dir)
		}
		f := Must(component.Bind0[component.Option[string]](Must(instanceOf(t, config, wat).Func("f"))))
		got := Must(f.Call(nil))
		value, some := got.Get()
		Equal(t, "directory", value, dir)
		Equal(t, "there is one", some, dir != "")
	}
}

// What a program says is insecure comes from a source of its own.
func TestWasiInsecureRandom(t *testing.T) {
	words := passesOn("wasi:random/insecure@0.2.0", "get-insecure-random-u64", "u64", "", false)
	seed := passesOn("wasi:random/insecure-seed@0.2.0", "insecure-seed", "(tuple u64 u64)", "", true)
	config := wasmtime.NewWasiConfig()
	config.SetInsecureRandom(strings.NewReader("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"))
	config.SetSecureRandom(strings.NewReader(""))
	f := Must(instanceOf(t, config, words).Func("f"))
	Equal(t, "first", Must(f.Call(nil)), any(uint64(1)))
	Equal(t, "second", Must(f.Call(nil)), any(uint64(2)))
	if _, err := f.Call(context.Background()); err == nil {
		t.Error("a source that is at its end")
	}

	f = Must(instanceOf(t, wasmtime.NewWasiConfig(), words).Func("f"))
	if one, two := Must(f.Call(nil)), Must(f.Call(nil)); one == two {
		t.Errorf("twice the same: %v", one)
	}
	f = Must(instanceOf(t, wasmtime.NewWasiConfig(), seed).Func("f"))
	other := Must(instanceOf(t, wasmtime.NewWasiConfig(), seed).Func("f"))
	one := fmt.Sprint(Must(f.Call(nil)))
	if two := fmt.Sprint(Must(other.Call(nil))); one == two {
		t.Errorf("two stores have the same seed: %v", one)
	}
}

// The status of exit-with-code, which has to be named to be there, is that of the error.
func TestWasiExitWithCode(t *testing.T) {
	const wat = `(component
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core module $main (import "" "exit" (func $exit (param i32))) (func (export "exit") (param i32) (call $exit (local.get 0))))
  (core instance $i (instantiate $main (with "" (instance (export "exit" (func $exit))))))
  (func (export "exit") (param "status-code" u8) (canon lift (core func $i "exit"))))`
	for _, status := range []uint8{0, 1, 42, 255} {
		exit := Must(instanceOf(t, wasmtime.NewWasiConfig(), wat, "wasi:cli/exit#exit-with-code").Func("exit"))
		_, err := exit.Call(context.Background(), status)
		var exited *wasmtime.ExitError
		if !errors.As(err, &exited) {
			t.Fatalf("%d: %v", status, err)
		}
		Equal(t, "status", exited.Status, int32(status))
	}
}

// Standard streams are terminals if their files are, and nothing else is one.
func TestWasiTerminals(t *testing.T) {
	master, slave := pty(t)
	defer master.Close()
	defer slave.Close()
	for _, stream := range []string{"stdin", "stdout", "stderr"} {
		kind := "terminal-output"
		if stream == "stdin" {
			kind = "terminal-input"
		}
		wat := fmt.Sprintf(`(component
  (import "wasi:cli/%[2]s@0.2.0" (instance $kind (export "%[2]s" (type (sub resource)))))
  (alias export $kind "%[2]s" (type $terminal))
  (import "wasi:cli/terminal-%[1]s@0.2.0" (instance $i
    (alias outer 1 $terminal (type $t')) (export "%[2]s" (type $t (eq $t')))
    (export "get-terminal-%[1]s" (func (result (option (own $t)))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $m))
  (core func $f (canon lower (func $i "get-terminal-%[1]s") (memory $m)))
  (core func $drop (canon resource.drop $terminal))
  (core module $main (import "" "f" (func $f (param i32))) (import "" "drop" (func $drop (param i32)))
    (import "" "memory" (memory 1))
    (func (export "f") (result i32)
      (call $f (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then (call $drop (i32.load (i32.const 20)))))
      (i32.load8_u (i32.const 16))))
  (core instance $c (instantiate $main (with "" (instance
    (export "f" (func $f)) (export "drop" (func $drop)) (export "memory" (memory $m))))))
  (func (export "f") (result bool) (canon lift (core func $c "f"))))`, stream, kind)
		file := TempFile(t, "")
		reader, writer := Pipe(t)
		for name, f := range map[string]*os.File{"terminal": slave, "file": file, "pipe": map[bool]*os.File{true: reader, false: writer}[stream == "stdin"], "nothing": nil} {
			config := wasmtime.NewWasiConfig()
			switch {
			case f == nil:
			case stream == "stdin":
				config.SetStdin(f)
			case stream == "stdout":
				config.SetStdout(f)
			default:
				config.SetStderr(f)
			}
			is := Must(instanceOf(t, config, wat).Func("f"))
			Equal(t, stream+" as a "+name, Must(is.Call(context.Background())), any(name == "terminal"))
		}
	}
}

// A component that imports a function of WASI with another type cannot be linked: the error names it.
func TestWasiOtherTypes(t *testing.T) {
	linker := component.NewLinker(stdEngine())
	defer linker.Close()
	Check(t, linker.DefineWasi())
	store := wasmtime.NewStore(stdEngine())
	defer store.Close()
	for _, c := range []struct{ instance, function, ty string }{
		{"wasi:cli/environment@0.2.0", "get-arguments", "(func)"},
		{"wasi:cli/environment@0.2.0", "get-arguments", "(func (result (list u8)))"},
		{"wasi:cli/environment@0.2.0", "initial-cwd", "(func (param \"x\" u32) (result (option string)))"},
		{"wasi:random/random@0.2.3", "get-random-u64", "(func (result u32))"},
		{"wasi:clocks/monotonic-clock@0.2.0", "now", "(func (result s64))"},
		{"wasi:cli/exit@0.2.0", "exit", "(func (param \"status\" bool))"},
	} {
		wat := fmt.Sprintf("(component (import %q (instance (export %q %s))))", c.instance, c.function, c.ty)
		made := Must(component.New(stdEngine(), []byte(wat)))
		for how, err := range map[string]error{
			"Check":       linker.Check(made),
			"Instantiate": ErrorOf(linker.Instantiate(context.Background(), store, made)),
		} {
			isError(t, err, component.ErrType)
			for _, part := range []string{c.instance, c.function} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s %s: the error does not name %s: %v", how, c.ty, part, err)
				}
			}
		}
	}
	// A resource that is a function, and the other way round.
	for _, item := range []string{`(export "pollable" (func))`, `(export "poll" (type (sub resource)))`} {
		wat := fmt.Sprintf(`(component (import "wasi:io/poll@0.2.0" (instance %s)))`, item)
		if err := linker.Check(Must(component.New(stdEngine(), []byte(wat)))); err == nil || !strings.Contains(err.Error(), "wasi:io/poll") {
			t.Errorf("%s: %v", item, err)
		}
	}
}
