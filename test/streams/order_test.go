package streams_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// tellerWat is a guest whose run writes four bytes to descriptor 3 without waiting for the writer, and then calls the
// host: n times.
const tellerWat = `(module
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
	(import "host" "told" (func $told))
	(memory (export "memory") 1)
	(data (i32.const 0) "\40\00\00\00\04\00\00\00")
	(data (i32.const 64) "text")
	(func (export "run") (param $n i32) (result i32) (local $errors i32)
		(local.set $errors (call $flags (i32.const 3) (i32.const 4)))
		(loop $again
			(local.set $errors (i32.add (local.get $errors)
				(call $write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8))))
			(call $told)
			(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(local.get $errors)))`

// teller makes such a guest, with its writer and its host function.
func teller(t *testing.T, w io.Writer, told func()) func(ctx context.Context, n int32) {
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	Check(t, linker.DefineHost("host", "told", HostFunc0(func(*Caller) (None, error) { told(); return None{}, nil })))
	store := NewStore(engine)
	t.Cleanup(store.Close)
	store.SetEpochDeadline(1 << 40)
	store.SetWasi(NewWasiConfig())
	Check(t, store.InsertWriter(3, w))
	instance := Must(linker.Instantiate(store, Compile(t, engine, tellerWat)))
	return func(ctx context.Context, n int32) {
		result, err := instance.GetFunc(store, "run").CallContext(ctx, store, n)
		Check(t, err)
		Equal(t, "errors", result.(int32), 0)
	}
}

// What a guest has written, as a Go program does without waiting, is with the writer when the host is called.
func TestTextArrivesBeforeTheHostCall(t *testing.T) {
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, ctx := range map[string]context.Context{"no context": nil, "a context": live} {
		t.Run(name, func(t *testing.T) {
			w := &gatedWriter{gate: make(chan struct{})}
			var seen []string
			run := teller(t, w, func() { seen = append(seen, w.String()) })
			time.AfterFunc(20*time.Millisecond, func() { close(w.gate) })
			run(ctx, 3)
			Equal(t, "seen", fmt.Sprint(seen), "[text texttext texttexttext]")
		})
	}
}

// A writer that goes on only when the host function has begun is waited for once, and for a moment only.
func TestWriterThatWaitsForTheHostCall(t *testing.T) {
	const rounds = 50
	r, w := io.Pipe()
	defer r.Close()
	got := make([]byte, 4)
	run := teller(t, w, func() {
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "text" {
			t.Errorf("%q, %v", got, err)
		}
		clear(got)
	})
	start := time.Now()
	run(nil, rounds)
	if took, most := time.Since(start), rounds*100*time.Millisecond/2; took > most {
		t.Errorf("%d host calls took %v, more than %v", rounds, took, most)
	}
}

// A context that ends while a host call waits for a writer ends the wait, and then the guest.
func TestContextEndsTheWaitForAWriter(t *testing.T) {
	w := &gatedWriter{gate: make(chan struct{})}
	defer close(w.gate)
	ctx, cancel := context.WithCancel(t.Context())
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	Check(t, linker.FuncWrap("host", "told", func() { cancel() }))
	store := NewStore(engine)
	defer store.Close()
	store.SetEpochDeadline(1 << 40) // for the instantiation: on Windows it runs code of the guest's
	store.SetWasi(NewWasiConfig())
	Check(t, store.InsertWriter(3, w))
	instance := Must(linker.Instantiate(store, Compile(t, engine, tellerWat)))
	start := time.Now()
	_, err := instance.GetFunc(store, "run").CallContext(ctx, store, 1<<30)
	WantTrap(t, err, Interrupt)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v, as if the end of the call had waited for the writer", took)
	}
}

// The same of a Go program, on standard output and standard error.
func TestGoGuestIsHeardInOrder(t *testing.T) {
	wasm, err := guests.Go("steps")
	Check(t, err)
	engine := EngineWith(t, CompilesQuickly)
	defer engine.Close()
	var stdout, stderr bytes.Buffer
	var heard strings.Builder
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	Check(t, linker.FuncWrap("host", "step", func(n int32) {
		fmt.Fprintf(&heard, "%q %q %d; ", stdout.String(), stderr.String(), n)
		stdout.Reset()
		stderr.Reset()
	}))
	module := Must(NewModule(engine, wasm))
	for range 3 {
		heard.Reset()
		config := NewWasiConfig()
		config.SetStdout(&stdout)
		config.SetStderr(&stderr)
		store := NewStore(engine)
		store.SetWasi(config)
		_, err := Must(linker.Instantiate(store, module)).GetFunc(store, "_start").Call(store)
		Equal(t, "status", ExitStatus(t, err), 0)
		Equal(t, "heard", heard.String(), `"step 0\n" "error 0\n" 0; "step 1\n" "error 1\n" 1; "step 2\n" "error 2\n" 2; `)
		store.Close()
	}
}
