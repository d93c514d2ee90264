package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

func Example() {
	if err := run(nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Go: Hello, Ada! This is Go. [255 2 1 0]
	// C: Hello, Ada! This is C. [255 2 1 0]
	// Rust: Hello, Ada! This is Rust. [255 2 1 0]
	// too much time: true
	// too much memory: the plugin has reached its limit of 64 MiB of memory
	// no such function: true
	// 404 requests, and a new plugin meanwhile
}

// plugins are the plugins of all languages, in one host.
var plugins = sync.OnceValues(func() (map[string]*Plugin, error) {
	host, err := NewHost(map[string]string{"greeting": strings.Repeat("x", 100)})
	if err != nil {
		return nil, err
	}
	inGo, err := guests.Go("plugin")
	if err != nil {
		return nil, err
	}
	all := map[string]*Plugin{}
	for name, wasm := range map[string][]byte{"Go": inGo, "C": guests.C("plugin"), "Rust": guests.Rust("plugin")} {
		if all[name], err = host.Load(wasm); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
})

// eachPlugin runs a test for each of them.
func eachPlugin(t *testing.T, test func(t *testing.T, name string, plugin *Plugin)) {
	all, err := plugins()
	if err != nil {
		t.Fatal(err)
	}
	for name, plugin := range all {
		t.Run(name, func(t *testing.T) { test(t, name, plugin) })
	}
}

// greeting is what a plugin says, whose host's greeting does not fit.
func greeting(plugin, name string) string {
	return strings.Repeat("x", 64) + ", " + name + "! This is " + plugin + "."
}

// What is passed arrives as it is: nothing, much, zeros, text that is no ASCII, and a setting that has to be cut.
func TestData(t *testing.T) {
	eachPlugin(t, func(t *testing.T, name string, plugin *Plugin) {
		for _, data := range [][]byte{{}, []byte("häß"), {0}, bytes.Repeat([]byte("abc\xff"), 1<<18)} {
			got, err := plugin.Call(t.Context(), "reverse", data)
			if err != nil || string(got) != reversed(data) {
				t.Errorf("reverse of %d bytes: %d bytes, %v", len(data), len(got), err)
			}
		}
		for _, text := range []string{"", "häß", strings.Repeat("long ", 1<<18)} {
			got, err := plugin.Call(t.Context(), "greet", []byte(text))
			if err != nil || string(got) != greeting(name, text) {
				t.Errorf("greet with %d bytes: %d bytes, %v", len(text), len(got), err)
			}
		}
	})
}

func reversed(data []byte) string {
	b := make([]byte, 0, len(data))
	for i := range data {
		b = append(b, data[len(data)-1-i])
	}
	return string(b)
}

// A plugin that fails, or is none, is an error that says why.
func TestBadPlugins(t *testing.T) {
	host, err := NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer host.engine.Close()
	const wat = `(import "host" "setting" (func $setting (param i32 i32 i32 i32) (result i32)))
		(func (export "alloc") (param i32) (result i32) (i32.const 65530))`
	for name, c := range map[string]struct {
		wat   string
		cause error
		text  string
	}{
		"a program":                {`(memory (export "memory") 1) (func (export "_start"))`, wasmtime.ErrCommand, ""},
		"no memory":                {wat + `(func (export "f") (param i32 i32) (result i64) (i64.const 0))`, nil, "nil *Memory"},
		"another type":             {wat + `(memory (export "memory") 1) (func (export "f"))`, nil, "the function has type"},
		"no room":                  {wat + `(memory (export "memory") 1) (func (export "f") (param i32 i32) (result i64) (i64.const 0))`, wasmtime.ErrOutOfBounds, "7 bytes at 65530"},
		"a setting elsewhere":      {wat + `(memory (export "memory") 2) (func (export "f") (param i32 i32) (result i64) (drop (call $setting (i32.const -1) (i32.const 2) (i32.const 0) (i32.const 1))) (i64.const 0))`, wasmtime.ErrOutOfBounds, ""},
		"an answer elsewhere":      {wat + `(memory (export "memory") 2) (func (export "f") (param i32 i32) (result i64) (i64.const 0xffffffffffffffff))`, wasmtime.ErrOutOfBounds, "4294967295 bytes at 4294967295"},
		"no room for the argument": {strings.Replace(wat, "65530", "0", 1) + `(memory (export "memory") 1) (func (export "f") (param i32 i32) (result i64) (i64.const 1))`, errNoMemory, "64 MiB"},
		"a memory too large":       {`(memory (export "memory") 1025)`, nil, "memory"},
		"an unknown import":        {`(import "host" "secret" (func))`, nil, "secret"},
	} {
		wasm, err := wasmtime.Wat2Wasm("(module " + c.wat + ")")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plugin, err := host.Load(wasm)
		if err == nil {
			_, err = plugin.Call(t.Context(), "f", []byte("7 bytes"))
		}
		if err == nil || c.cause != nil && !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is no module does not take the place of one.
func TestReloadOfRubbish(t *testing.T) {
	eachPlugin(t, func(t *testing.T, name string, plugin *Plugin) {
		if err := plugin.Reload([]byte("\x00asm, or so it says")); err == nil {
			t.Error("rubbish was loaded")
		}
		if got, err := plugin.Call(t.Context(), "greet", nil); err != nil || string(got) != greeting(name, "") {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A request ends with its own context, too.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	eachPlugin(t, func(t *testing.T, _ string, plugin *Plugin) {
		if _, err := plugin.Call(ctx, "greet", nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Files are plugins as well.
func TestFiles(t *testing.T) {
	file := filepath.Join(testkit.TempDir(t), "my.wasm")
	if err := run([]string{file}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file, guests.C("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{file}); !errors.Is(err, wasmtime.ErrCommand) || !strings.HasPrefix(err.Error(), "my.wasm: ") {
		t.Errorf("a program: %v", err)
	}
}
