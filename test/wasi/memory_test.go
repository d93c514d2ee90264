package wasi_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// sayer is a guest that writes its own line with every call of "say", out of its own memory, which declares what
// memory says.
func sayer(memory, line string) string {
	return fmt.Sprintf(`(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
	  %s
	  (func (export "say") (result i32)
	    (i32.store (i32.const 0) (i32.const 64))
	    (i32.store (i32.const 4) (i32.const %d))
	    (i32.store (i32.const 64) (i32.const %d))
	    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
	  (func (export "grow") (drop (memory.grow (i32.const 1)))))`, memory, len(line), int32(line[0])|int32(line[1])<<8)
}

// The guest whose memory a WASI call works on is the one that calls, whoever has called before.
func TestWasiUsesTheMemoryOfTheCaller(t *testing.T) {
	withThreads := func(cfg *Config) {
		cfg.SetWasmThreads(true)
		cfg.SetSharedMemory(true)
	}
	for name, test := range map[string]struct {
		engine   *Engine
		memories [2]string
	}{
		"own":         {EngineWith(t), [2]string{`(memory (export "memory") 1)`, `(memory (export "memory") 1)`}},
		"pooled":      {EngineWith(t, func(cfg *Config) { cfg.SetPooling(PoolingPreset()) }), [2]string{`(memory (export "memory") 1)`, `(memory (export "memory") 1)`}},
		"from 0":      {EngineWith(t), [2]string{`(memory (export "memory") 0)`, `(memory (export "memory") 1)`}},
		"shared":      {EngineWith(t, withThreads), [2]string{`(memory (export "memory") 1)`, `(memory (export "memory") 1 1 shared)`}},
		"both shared": {EngineWith(t, withThreads), [2]string{`(memory (export "memory") 1 1 shared)`, `(memory (export "memory") 1 1 shared)`}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			config := NewWasiConfig()
			config.SetStdout(&out)
			linker := NewLinker(test.engine)
			Check(t, linker.DefineWasi())
			store := NewStore(test.engine)
			defer store.Close()
			store.SetWasi(config)
			start := func(memory, line string) *Instance {
				instance, err := linker.Instantiate(store, Compile(t, test.engine, sayer(memory, line)))
				Check(t, err)
				if strings.Contains(memory, " 0)") {
					Call(t, store, instance, "grow")
				}
				return instance
			}
			say := func(instance *Instance) {
				t.Helper()
				Equal(t, "errno", Call(t, store, instance, "say").(int32), 0)
			}
			a := start(test.memories[0], "a\n")
			say(a)
			say(a)
			b := start(test.memories[1], "b\n")
			for range 3 {
				say(b)
				say(a)
			}
			Equal(t, "output", out.String(), "a\na\n"+strings.Repeat("b\na\n", 3))
		})
	}
}

// The memory of a guest that calls WASI may grow, and move, between its calls.
func TestWasiFollowsAMemoryThatGrows(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) { cfg.SetMemoryReservation(0) })
	var out bytes.Buffer
	config := NewWasiConfig()
	config.SetStdout(&out)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, Compile(t, engine, sayer(`(memory (export "memory") 1)`, "x\n")))
	Check(t, err)
	for range 20 {
		Equal(t, "errno", Call(t, store, instance, "say").(int32), 0)
		Call(t, store, instance, "grow")
	}
	Equal(t, "output", out.String(), strings.Repeat("x\n", 20))
}

// A caller without a memory is told so.
func TestWasiNeedsAMemory(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
	instance, err := linker.Instantiate(store, Compile(t, engine, `(module
	  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
	  (func (export "run") (result i32) (call $yield)))`))
	Check(t, err)
	_, err = instance.GetFunc(store, "run").Call(store)
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("error %v", err)
	}
}

// A guest gets at no memory but its own, however many share the store and whichever calls first.
func TestWasiMemoryOfCaller(t *testing.T) {
	const (
		imports = `(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))`
		call    = `(func (export "call") (result i32) (call $random (i32.const 0) (i32.const 8)))`
	)
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	module := func(memory string) *Module { return Compile(t, engine, "(module "+imports+memory+call+")") }
	with, without, shifted := module(`(memory (export "memory") 1)`), module(""), module(`(memory 1) (memory (export "memory") 1)`)
	for name, order := range map[string][]int{"in turn": {0, 1, 2, 3}, "backwards": {3, 2, 1, 0}, "two of a module": {3, 0, 3, 0, 1}, "one memory": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			store.SetWasi(NewWasiConfig())
			var instances []*Instance
			for _, m := range []*Module{with, without, shifted, with}[:slices.Max(order)+1] {
				instances = append(instances, Must(linker.Instantiate(store, m)))
			}
			called := map[int]bool{}
			for _, i := range slices.Concat(order, order) {
				_, err := instances[i].GetFunc(store, "call").Call(store)
				if i == 1 {
					WantText(t, err, "missing required memory export")
				} else {
					Check(t, err)
				}
				called[i] = true
				for j, instance := range instances {
					memory := instance.GetMemory(store, "memory")
					if memory == nil {
						continue
					}
					if n, _ := memory.View(store).Uint64(0); (n != 0) != called[j] {
						t.Fatalf("after the call of %d: memory %d has %#x", i, j, n)
					}
				}
			}
		})
	}
}

// A command in a linker is instantiated when it is called, with a memory of its own.
func TestWasiMemoryOfCommand(t *testing.T) {
	if !Survives(t) { // in a process of its own: see guestmemory.rs
		return
	}
	const random = `(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))`
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
	Check(t, linker.DefineModule(store, "command", Compile(t, engine, `(module `+random+` (memory (export "memory") 1)
		(func (export "_start") (drop (call $random (i32.const 64) (i32.const 8)))))`)))
	Check(t, linker.DefineModule(store, "without", Compile(t, engine, `(module `+random+`
		(func (export "_start") (drop (call $random (i32.const 64) (i32.const 8)))))`)))
	instance := Must(linker.Instantiate(store, Compile(t, engine, `(module `+random+`
		(import "command" "_start" (func $command)) (import "without" "_start" (func $without))
		(memory (export "memory") 1)
		(func (export "own") (drop (call $random (i32.const 0) (i32.const 8))))
		(func (export "command") (call $command)) (func (export "without") (call $without)))`)))
	view := instance.GetMemory(store, "memory").View(store)
	for range 2 {
		Call(t, store, instance, "own")
		Call(t, store, instance, "command")
		_, err := instance.GetFunc(store, "without").Call(store)
		WantText(t, err, "missing required memory export")
	}
	if own, _ := view.Uint64(0); own == 0 {
		t.Error("nothing was written for the instance's own call")
	}
	if n, _ := view.Uint64(64); n != 0 {
		t.Error("a command's call wrote to the memory of another")
	}
}
