package wasmtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// program is a module that can exit.
func program(wat string) string {
	return `(module
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1) ` + wat + `)`
}

// How a program ends is what Run returns, and its store is closed then.
func TestCommandStatus(t *testing.T) {
	engine := NewEngine()
	exits := func(status int64) string {
		return program(fmt.Sprintf(`(func (export "_start") (call $exit (i32.const %d)))`, status))
	}
	for _, c := range []struct {
		name, wat string
		status    int32 // 0 if there is no error
		trap      TrapCode
		fails     bool
	}{
		{name: "returns", wat: program(`(func (export "_start"))`)},
		{name: "exits with 0", wat: exits(0)},
		{name: "exits with 0 before _start", wat: program(`(start $s) (func $s (call $exit (i32.const 0))) (func (export "_start") unreachable)`)},
		{name: "exits with 1", wat: exits(1), status: 1},
		{name: "exits with 125", wat: exits(125), status: 125},
		{name: "exits with 126", wat: exits(126), status: 126},
		{name: "exits with 200", wat: exits(200), status: 200},
		{name: "exits with 256", wat: exits(256), status: 256},
		{name: "exits with 1<<32 - 1", wat: exits(1<<32 - 1), status: -1},
		{name: "exits with 7 before _start", wat: program(`(start $s) (func $s (call $exit (i32.const 7))) (func (export "_start"))`), status: 7},
		{name: "traps", wat: program(`(func (export "_start") unreachable)`), trap: UnreachableCodeReached, fails: true},
		{name: "traps before _start", wat: program(`(start $s) (func $s unreachable) (func (export "_start"))`), trap: UnreachableCodeReached, fails: true},
	} {
		var store *Store
		command := Command{Module: Compile(t, engine, c.wat), Prepare: func(s *Store) error { store = s; return nil }}
		for range 2 { // a command can be run again
			err := command.Run(context.Background())
			var exit *ExitError
			switch {
			case c.fails:
				WantTrap(t, err, c.trap)
			case c.status == 0 && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.status != 0 && (!errors.As(err, &exit) || exit.Status != c.status):
				t.Errorf("%s: %v", c.name, err)
			}
			if err := store.ConfigureWasi(NewWasiConfig()); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: the store is open: %v", c.name, err)
			}
		}
	}
}

// What keeps a program from running is an error that says so, and nothing is done for it.
func TestCommandCannotRun(t *testing.T) {
	engine := NewEngine()
	start := Compile(t, engine, program(`(func (export "_start"))`))
	closed := Compile(t, engine, program(`(func (export "_start"))`))
	closed.Close()
	closedLinker, gone := NewLinker(engine), NewEngine()
	closedLinker.Close()
	homeless := Compile(t, gone, program(`(func (export "_start"))`))
	gone.Close()
	refused := errors.New("refused")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		command Command
		cause   error
		text    string
	}{
		{"no module", nil, Command{}, nil, "no module"},
		{"a closed module", nil, Command{Module: closed}, ErrClosed, "module"},
		{"no _start", nil, Command{Module: Compile(t, engine, `(module (func (export "main")))`)}, nil, "it exports no function _start"},
		{"a library", nil, Command{Module: Compile(t, engine, `(module (func (export "_initialize")))`)}, nil, "InstantiateReactor"},
		{"_start is a memory", nil, Command{Module: Compile(t, engine, `(module (memory (export "_start") 1))`)}, nil, "no function _start"},
		{"a parameter", nil, Command{Module: Compile(t, engine, `(module (func (export "_start") (param i32)))`)}, nil, "_start has type [i32] -> []"},
		{"a result", nil, Command{Module: Compile(t, engine, `(module (func (export "_start") (result i64) (i64.const 0)))`)}, nil, "_start has type [] -> [i64]"},
		{"another engine", nil, Command{Module: start, Linker: NewLinker(NewEngine())}, ErrWrongEngine, "the linker and the module"},
		{"no linker at all", nil, Command{Module: start, Linker: &Linker{}}, ErrClosed, "linker"},
		{"a closed linker", nil, Command{Module: start, Linker: closedLinker}, ErrClosed, "linker"},
		{"a closed engine", nil, Command{Module: homeless}, ErrClosed, "engine"},
		{"a linker without WASI", nil, Command{Module: start, Linker: NewLinker(engine)}, nil, "Linker.DefineWasi"},
		{"an unknown import", nil, Command{Module: Compile(t, engine, `(module (import "host" "f" (func)) (func (export "_start")))`)}, nil, "host::f"},
		{"a failed preparation", nil, Command{Module: start, Prepare: func(*Store) error { return refused }}, refused, "refused"},
		{"a preparation that exits", nil, Command{Module: start, Prepare: func(*Store) error { return &ExitError{} }}, nil, "status 0"},
		{"a preparation that closes", nil, Command{Module: start, Prepare: func(s *Store) error { s.Close(); return nil }}, ErrClosed, ""},
		{"no epochs", t.Context(), Command{Module: start}, ErrNoEpochs, ""},
		{"a context that has ended", ended, Command{Module: Compile(t, EngineWith(t, WithEpochs), program(`(func (export "_start"))`))}, context.Canceled, ""},
	} {
		err := c.command.Run(c.ctx)
		if err == nil || c.cause != nil && !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A program has what its configuration, its linker and its preparation give it.
func TestCommandHas(t *testing.T) {
	engine := EngineWith(t, withFuel)
	linker, list := said(t, engine)
	Check(t, linker.DefineWasi())
	var out bytes.Buffer
	wasi := NewWasiConfig()
	defer wasi.Close()
	wasi.SetStdinBytes([]byte("what it reads"))
	wasi.SetStdout(&out)
	command := Command{
		Module: Compile(t, engine, `(module
			(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
			(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
			(import "host" "say" (func $say (param i32)))
			(memory (export "memory") 1)
			(func (export "_start")
				(i64.store (i32.const 0) (i64.const 0x6400000040)) ;; one buffer: 100 bytes at 64
				(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
				(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
				(call $say (memory.grow (i32.const 1)))))`),
		Wasi:   wasi,
		Linker: linker,
		Prepare: func(s *Store) error {
			s.SetLimits(Limits{MemorySize: 1 << 16})
			return s.SetFuel(1000)
		},
	}
	for range 2 {
		Check(t, command.Run(nil))
	}
	Equal(t, "output", out.String(), strings.Repeat("what it reads", 2))
	Equal(t, "growth beyond the limit", fmt.Sprint(*list), "[-1 -1]")

	command.Prepare = nil
	WantTrap(t, command.Run(context.Background()), OutOfFuel)
}

// A program of C's, with all that its language brings.
func TestCommandOfC(t *testing.T) {
	engine := NewEngine()
	var out bytes.Buffer
	wasi := NewWasiConfig()
	defer wasi.Close()
	wasi.SetStdout(&out)
	hello := Command{Module: Must(NewModule(engine, guests.C("hello"))), Wasi: wasi}
	Check(t, hello.Run(nil))
	if out.Len() == 0 {
		t.Error("it has printed nothing")
	}
	hello.Wasi = nil
	Check(t, hello.Run(nil)) // what it prints is thrown away
}

// Goroutines may run one command at once.
func TestCommandConcurrently(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	command := Command{Module: Compile(t, engine, program(`(func (export "_start") (call $exit (i32.const 9)))`))}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var exit *ExitError
			if err := command.Run(t.Context()); !errors.As(err, &exit) || exit.Status != 9 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A context stops the program, and one that cannot end, or none, lets it run, also with epochs.
func TestCommandContext(t *testing.T) {
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	ctx, cancel := context.WithCancel(t.Context())
	Check(t, linker.DefineHost("host", "begun", HostFunc0(func(*Caller) (None, error) { cancel(); return None{}, nil })))
	const wat = `(module (import "host" "begun" (func $begun)) (func (export "_start") (call $begun) `
	forever := Command{Module: Compile(t, engine, wat+`(loop (br 0))))`), Linker: linker}
	if err := forever.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	ends := Command{Module: Compile(t, engine, wat+`))`), Linker: linker}
	Check(t, ends.Run(nil))
	Check(t, ends.Run(context.Background()))
}

// What a host function or Prepare panics with comes out of Run, and the store is closed.
func TestCommandPanics(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineHost("host", "fail", HostFunc0(func(*Caller) (None, error) { panic("in the host") })))
	module := Compile(t, engine, `(module (import "host" "fail" (func $fail)) (func (export "_start") (call $fail)))`)
	var store *Store
	for want, prepare := range map[string]func(*Store) error{
		"in the host": func(s *Store) error { store = s; return nil },
		"in Prepare":  func(s *Store) error { store = s; panic("in Prepare") },
	} {
		command := Command{Module: module, Linker: linker, Prepare: prepare}
		Equal(t, "panic", PanicOf(t, func() { command.Run(nil) }), any(want))
		WantIs(t, store.ConfigureWasi(NewWasiConfig()), ErrClosed)
	}
}

// A program that has ended gives its place in the pool back.
func TestCommandInPool(t *testing.T) {
	engine := EngineWith(t, func(c *Config) {
		pool := PoolingPreset()
		pool.MaxInstances, pool.MaxMemorySize = 1, 1<<16
		c.SetPooling(pool)
	})
	command := Command{Module: Compile(t, engine, program(`(func (export "_start") (call $exit (i32.const 0)))`))}
	for range 3 {
		Check(t, command.Run(nil))
	}
}
