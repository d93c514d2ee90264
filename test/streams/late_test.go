package streams_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// typed is a reader that waits for each line, and finds out whether it is called twice at once.
type typed struct {
	asked chan struct{}
	lines chan string
	calls atomic.Int32
	twice atomic.Bool
}

func (r *typed) Read(p []byte) (int, error) {
	if r.calls.Add(1) > 1 {
		r.twice.Store(true)
	}
	defer r.calls.Add(-1)
	r.asked <- struct{}{}
	return copy(p, <-r.lines), nil
}

// A line that is typed when a program has been stopped is the next program's, whether that waits for it already or
// comes later, and whether it can be stopped itself.
func TestLateLineIsTheNextPrograms(t *testing.T) {
	const cat = `(module
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1) (data (i32.const 0) "\40\00\00\00\40\00\00\00")
		(func (export "_start")
			(if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)) (then unreachable))
			(if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))))`
	engine := EngineWith(t, WithEpochs)
	module := Compile(t, engine, cat)
	live, end := context.WithCancel(t.Context())
	defer end()
	for name, next := range map[string]context.Context{"can be stopped": live, "cannot be stopped": context.Background()} {
		for _, early := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := &typed{asked: make(chan struct{}, 10), lines: make(chan string)}
				var out bytes.Buffer
				wasi := NewWasiConfig()
				wasi.SetStdin(r)
				wasi.SetStdout(&out)
				run := func(ctx context.Context) error { return (&Command{Module: module, Wasi: wasi}).Run(ctx) }
				stopped, stop := context.WithCancel(t.Context())
				go func() { <-r.asked; stop() }()
				if err := run(stopped); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if early {
					r.lines <- "line\n"
				} else {
					go func() { r.lines <- "line\n" }()
				}
				Check(t, run(next))
				Equal(t, "output", out.String(), "line\n")
				Equal(t, "called twice at once", r.twice.Load(), false)
				go func() { r.lines <- "another\n" }()
				Check(t, run(next))
				Equal(t, "all output", out.String(), "line\nanother\n")
				if len(r.asked) != 1 { // each Read but the first, which was told of
					t.Errorf("%d more reads", len(r.asked))
				}
			})
		}
	}
}

// Two descriptors of equal readers are two numbers for one pipe.
func TestEqualReadersAreOnePipe(t *testing.T) {
	g := NewCancellableGuest(t)
	g.Ctx = t.Context()
	r := bytes.NewReader([]byte("one two"))
	Check(t, errors.Join(g.Store.InsertReader(10, r), g.Store.InsertReader(11, r)))
	s, errno := g.Read(10, 4)
	Want(t, "the first", s, errno, "one ")
	s, errno = g.Read(11, 9)
	Want(t, "the second", s, errno, "two")
}
