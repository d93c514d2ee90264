package streams_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// sayer is a guest with functions that write "text" to a descriptor without waiting for the writer.
func sayer(imports, functions string) string {
	return `(module
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
	(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) ` + imports + `
	(memory (export "memory") 1)
	(data (i32.const 0) "\40\00\00\00\04\00\00\00")
	(data (i32.const 64) "text")
	(func $write4 (param $fd i32) (result i32)
		(call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
	(func $sayTo (param $fd i32) (result i32)
		(i32.add (call $flags (local.get $fd) (i32.const 4)) (call $write4 (local.get $fd))))
	(func $say (result i32) (call $sayTo (i32.const 1))) ` + functions + `)`
}

var sayerWat = sayer(`(import "host" "call" (func $host))`, `
	(func (export "say") (result i32) (call $say))
	(func (export "sayTo") (param i32) (result i32) (call $sayTo (local.get 0)))
	(func (export "waits") (result i32) (i32.add (call $flags (i32.const 1) (i32.const 0)) (call $write4 (i32.const 1))))
	(func (export "nothing"))
	(func (export "exit") (param i32) (drop (call $say)) (call $exit (local.get 0)))
	(func (export "trap") (drop (call $say)) unreachable)
	(func (export "close") (result i32) (i32.add (call $say) (call $close (i32.const 1))))
	(func (export "twice") (result i32) (drop (call $say)) (call $host) (call $write4 (i32.const 1)))
	(func (export "hostOnly") (call $host))
	(func (export "host") (drop (call $say)) (call $host))
	(func (export "loop") (drop (call $say)) (loop (br 0)))`)

// saying is a guest of sayerWat whose standard output is a writer of Go.
type saying struct {
	t        *testing.T
	store    *Store
	instance *Instance
	// host is what the guest's host function does.
	host func(c *Caller) error
}

func newSaying(t *testing.T, w io.Writer) *saying {
	t.Helper()
	s := &saying{t: t, host: func(*Caller) error { return nil }}
	engine := EngineWith(t, WithEpochs)
	s.store = NewStore(engine)
	t.Cleanup(s.store.Close)
	s.store.SetEpochDeadline(1 << 40)
	config := NewWasiConfig()
	config.SetStdout(w)
	s.store.SetWasi(config)
	linker := NewLinker(engine)
	t.Cleanup(linker.Close)
	Check(t, linker.DefineWasi())
	Check(t, linker.DefineHost("host", "call", HostFunc0(func(c *Caller) (None, error) { return None{}, s.host(c) })))
	s.instance = Must(linker.Instantiate(s.store, Compile(t, engine, sayerWat)))
	return s
}

func (s *saying) call(ctx context.Context, name string, args ...any) (any, error) {
	return s.instance.GetFunc(s.store, name).CallContext(ctx, s.store, args...)
}

// errFull is an error that a writer returns.
var errFull = errors.New("the disk is full")

// full is a writer that takes nothing.
func full() *script { return &script{steps: []step{{err: errFull}}} }

// wantUnwritten checks that an error says how many bytes have not been written, and why.
func wantUnwritten(t *testing.T, err error, bytes int, why error) {
	t.Helper()
	var unwritten *UnwrittenError
	switch {
	case !errors.Is(err, ErrUnwritten) || !errors.As(err, &unwritten):
		t.Errorf("got %T %v, want %v", err, err, ErrUnwritten)
	case unwritten.Bytes != bytes || !errors.Is(unwritten.Err, why) || why != nil && !errors.Is(err, why):
		t.Errorf("%d bytes, %v, want %d, %v", unwritten.Bytes, unwritten.Err, bytes, why)
	case !strings.Contains(err.Error(), unwritten.Error()):
		t.Errorf("the text %q lacks %q", err, unwritten)
	}
}

// What a writer says behind the guest, which writes no more, comes out of the call, whatever kind that is, and out of
// no other.
func TestErrorBehindComesOutOfTheCall(t *testing.T) {
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, bound := range map[string]func(s *saying) func() (int32, error){
		"Call": func(s *saying) func() (int32, error) {
			return func() (int32, error) { return i32(s.instance.GetFunc(s.store, "say").Call(s.store)) }
		},
		"a function that has been called": func(s *saying) func() (int32, error) {
			say := s.instance.GetFunc(s.store, "sayTo")
			return func() (int32, error) { return i32(say.Call(s.store, 1)) }
		},
		"CallContext": func(s *saying) func() (int32, error) {
			return func() (int32, error) { return i32(s.call(context.Background(), "say")) }
		},
		"a context that can end": func(s *saying) func() (int32, error) {
			return func() (int32, error) { return i32(s.call(live, "say")) }
		},
		"typed": func(s *saying) func() (int32, error) {
			return Must(Bind0[int32](s.store, s.instance.GetFunc(s.store, "say"))).Call
		},
		"typed, a context that can end": func(s *saying) func() (int32, error) {
			say := Must(Bind0[int32](s.store, s.instance.GetFunc(s.store, "say")))
			return func() (int32, error) { return say.CallContext(live) }
		},
		"typed, any context": func(s *saying) func() (int32, error) {
			say := Must(Bind1[int32, int32](s.store, s.instance.GetFunc(s.store, "sayTo")))
			return func() (int32, error) { return say.CallContext(context.Background(), 1) }
		},
		"raw": func(s *saying) func() (int32, error) {
			say := Must(BindRaw(s.store, s.instance.GetFunc(s.store, "say")))
			return func() (int32, error) { stack := make([]Raw, 1); err := say.Call(stack); return stack[0].I32(), err }
		},
		"raw, a context that can end": func(s *saying) func() (int32, error) {
			say := Must(BindRaw(s.store, s.instance.GetFunc(s.store, "say")))
			return func() (int32, error) {
				stack := make([]Raw, 1)
				err := say.CallContext(live, stack)
				return stack[0].I32(), err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &script{steps: []step{{err: errFull}, {n: 1, err: errFull}, {n: 100}}}
			s := newSaying(t, w)
			result, err := bound(s)()
			wantUnwritten(t, err, 3, errFull) // of two attempts
			Equal(t, "result", result, 0)
			Check(t, ErrorOf(s.call(nil, "nothing")))
			Equal(t, "attempts", w.asked, 2)
			result, err = bound(s)() // which writes what was kept first, and what the guest is told is nothing
			Check(t, err)
			Equal(t, "result", result, 0)
			Equal(t, "written", w.text(), "texttext")
		})
	}
}

func i32(result any, err error) (int32, error) {
	n, _ := result.(int32)
	return n, err
}

// The same out of everything else that runs guests.
func TestErrorBehindComesOutOfAnInstantiation(t *testing.T) {
	start := sayer("", `(func $begin (drop (call $say))) (start $begin) (func (export "nothing"))`)
	initialize := sayer("", `(func (export "_initialize") (drop (call $say)))`)
	program := sayer("", `(func (export "_start") (drop (call $say)))`)
	engine := EngineWith(t, WithEpochs)
	linker := NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range []struct {
		name, wat string
		run       func(store *Store, module *Module) error
	}{
		{"Instantiate", start, func(store *Store, m *Module) error { return ErrorOf(linker.Instantiate(store, m)) }},
		{"InstantiateContext", start, func(store *Store, m *Module) error { return ErrorOf(linker.InstantiateContext(live, store, m)) }},
		{"InstancePre", start, func(store *Store, m *Module) error { return ErrorOf(Must(linker.InstantiatePre(m)).Instantiate(store)) }},
		{"reactor", initialize, func(store *Store, m *Module) error { return ErrorOf(linker.InstantiateReactor(store, m)) }},
		{"DefineModule", start, func(store *Store, m *Module) error { return linker.DefineModule(store, "defined", m) }},
		{"GetDefault", program, func(store *Store, m *Module) error {
			Check(t, linker.DefineModule(store, "program", m))
			return ErrorOf(Must(linker.GetDefault(store, "program")).Call(store))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := NewStore(engine)
			defer store.Close()
			store.SetEpochDeadline(1 << 40)
			store.SetWasi(NewWasiConfig())
			Check(t, store.InsertWriter(1, full()))
			wantUnwritten(t, c.run(store, Compile(t, engine, c.wat)), 4, errFull)
			Check(t, ErrorOf(linker.Instantiate(store, Compile(t, engine, `(module (func $f) (start $f))`))))
		})
	}
	for name, c := range map[string]struct {
		fd   string
		give func(config *WasiConfig, w io.Writer)
	}{
		"stdout": {"1", (*WasiConfig).SetStdout},
		"stderr": {"2", (*WasiConfig).SetStderr},
		"pushed": {"3", func(config *WasiConfig, w io.Writer) { Must(config.PushWriter(w)) }},
	} {
		t.Run("Command, "+name, func(t *testing.T) {
			config := NewWasiConfig()
			c.give(config, full())
			wat := strings.ReplaceAll(program, "(call $sayTo (i32.const 1))", "(call $sayTo (i32.const "+c.fd+"))")
			command := Command{Module: Compile(t, engine, wat), Wasi: config}
			wantUnwritten(t, command.Run(live), 4, errFull)
		})
	}
}

// Whatever keeps a writer from having all of what it was given is told, with the number of bytes.
func TestWhatKeepsAWriterBehind(t *testing.T) {
	for _, c := range []struct {
		name  string
		w     io.Writer
		bytes int
		why   error
	}{
		{"an error", full(), 4, errFull},
		{"an error in the middle", &script{steps: []step{{n: 1, err: errFull}, {n: 0, err: errFull}}}, 3, errFull},
		{"a short write", &script{steps: []step{{n: 1}}}, 2, io.ErrShortWrite},
		{"an error that stays", &script{steps: []step{{n: 1, err: io.ErrClosedPipe}}}, 3, io.ErrClosedPipe},
		{"all, and an error", &script{steps: []step{{n: 4, err: errFull}}}, 0, errFull},
		{"all, and an error that stays", &script{steps: []step{{n: 4, err: net.ErrClosed}}}, 0, net.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSaying(t, c.w)
			_, err := s.call(nil, "host") // which hears first that the writer has failed
			wantUnwritten(t, err, c.bytes, c.why)
			Check(t, ErrorOf(s.call(nil, "nothing")))
		})
	}
	t.Run("Goexit", func(t *testing.T) {
		_, err := newSaying(t, writerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })).call(nil, "say")
		var unwritten *UnwrittenError
		if !errors.As(err, &unwritten) || unwritten.Bytes != 4 || unwritten.Err == nil {
			t.Errorf("got %v", err)
		}
	})
}

// An error that comes with all of what a guest has written, which waits for the writer, is told by the end of its call
// too, unless the guest writes again.
func TestErrorWithAll(t *testing.T) {
	for name, serve := range ways {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			Check(t, g.Store.InsertWriter(3, &script{steps: []step{{n: 9, err: errFull}, {n: 9}}}))
			g.Iovec(9)
			_, err := g.Instance.GetFunc(g.Store, "fd_write").CallContext(g.Context(), g.Store, 3, GuestIovec, 1, GuestResult)
			wantUnwritten(t, err, 0, errFull)
			n, errno := g.Write(3, "more")
			Want(t, "write again", n, errno, 4)
		})
	}
}

// What the call itself has ended with is found as before, and is of the same type.
func TestErrorBehindIsJoined(t *testing.T) {
	for _, status := range []int32{0, 7} {
		_, err := newSaying(t, full()).call(nil, "exit", status)
		wantUnwritten(t, err, 4, errFull)
		Equal(t, "status", exitOf(err), status)
		if got, ok := err.(*Error).ExitStatus(); !ok || got != status {
			t.Errorf("status %d: %d, %v", status, got, ok)
		}
	}
	s := newSaying(t, full())
	typed := Must(BindVoid1[int32](s.store, s.instance.GetFunc(s.store, "exit"))).Call(7)
	wantUnwritten(t, typed, 4, errFull)
	Equal(t, "status", exitOf(typed), 7)
	s = newSaying(t, full())
	_, err := s.call(nil, "trap")
	wantUnwritten(t, err, 4, errFull)
	trap := WantTrap(t, err, UnreachableCodeReached)
	if !errors.Is(err, UnreachableCodeReached) || len(trap.Frames()) == 0 {
		t.Errorf("%v, %d frames", err, len(trap.Frames()))
	}
	refused := errors.New("refused")
	s = newSaying(t, full())
	s.host = func(*Caller) error { return refused }
	_, err = s.call(nil, "host")
	wantUnwritten(t, err, 4, errFull)
	WantIs(t, err, refused)
	s = newSaying(t, full())
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = s.call(ctx, "loop")
	wantUnwritten(t, err, 4, errFull)
	if WantTrap(t, err, Interrupt); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// exitOf is the status in an error, -1 if there is none.
func exitOf(err error) int32 {
	var exit *ExitError
	if !errors.As(err, &exit) {
		return -1
	}
	return exit.Status
}

// A command fails if its output is lost, although the program has exited with status 0, and any other status stays.
func TestCommandLosesOutput(t *testing.T) {
	engine := NewEngine()
	for status, found := range map[int32]int32{0: -1, 7: 7} {
		command := Command{Wasi: NewWasiConfig()}
		command.Wasi.SetStdout(full())
		command.Module = Compile(t, engine, sayer("",
			fmt.Sprintf(`(func (export "_start") (drop (call $say)) (call $exit (i32.const %d)))`, status)))
		err := command.Run(nil)
		wantUnwritten(t, err, 4, errFull)
		Equal(t, "status", exitOf(err), found)
	}
}

// What the guest has been told by an error number is not told again, although the writer has been tried once more.
func TestErrorsOfWritersAreToldOnce(t *testing.T) {
	for _, err := range []error{errFull, io.ErrClosedPipe} {
		told := false
		for range 20 { // a busy machine may not let the writer fail in time
			s := newSaying(t, &script{steps: []step{{err: err}}})
			errno, failed := s.call(nil, "twice") // between them, the writer has the time to fail
			if told = errno != int32(0); !told {
				continue
			}
			Check(t, failed)
			Check(t, ErrorOf(s.call(nil, "nothing")))
			break
		}
		if !told {
			t.Errorf("%v: the guest was told nothing", err)
		}
	}
}

// Of several calls, one inside of the other, the outermost tells, of all writers.
func TestOutermostCallTells(t *testing.T) {
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	other := errors.New("another error")
	for name, ctx := range map[string]context.Context{"no context": nil, "a context": live} {
		t.Run(name, func(t *testing.T) {
			s := newSaying(t, full())
			Check(t, s.store.InsertWriter(3, &script{steps: []step{{n: 1, err: other}, {err: other}}}))
			called := 0
			s.host = func(c *Caller) error {
				called++
				_, err := s.instance.GetFunc(c, "sayTo").CallContext(ctx, c, 3)
				return err
			}
			_, err := s.call(ctx, "host")
			wantUnwritten(t, err, 4, errFull)
			if !errors.Is(err, other) || !strings.Contains(err.Error(), "3 of") {
				t.Errorf("got %v", err)
			}
			Equal(t, "calls of the host", called, 1)
			Check(t, ErrorOf(s.call(ctx, "nothing")))
		})
	}
}

// A call that ends with a panic tells nobody of an error: the next one does.
func TestErrorBehindAPanic(t *testing.T) {
	s := newSaying(t, full())
	s.host = func(*Caller) error { panic("host") }
	if value := PanicOf(t, func() { s.call(nil, "host") }); value != "host" {
		t.Errorf("recovered %v", value)
	}
	_, err := s.call(nil, "nothing")
	wantUnwritten(t, err, 4, errFull)
	Check(t, ErrorOf(s.call(nil, "nothing")))
}

// A panic of a writer comes out of the call although a host function was called after it, and what another writer has
// said out of the next one.
func TestPanicOfOneWriter(t *testing.T) {
	s := newSaying(t, writerFunc(func([]byte) (int, error) { panic("writer") }))
	Check(t, s.store.InsertWriter(3, full()))
	s.host = func(c *Caller) error {
		s.host = func(*Caller) error { return nil }
		return ErrorOf(s.instance.GetFunc(c, "sayTo").Call(c, 3))
	}
	if value := PanicOf(t, func() { s.call(nil, "host") }); value != "writer" {
		t.Errorf("recovered %v", value)
	}
	_, err := s.call(nil, "nothing")
	wantUnwritten(t, err, 4, errFull)
	Check(t, ErrorOf(s.call(nil, "nothing")))
}

// A panic of an inner call that a host function recovers from leaves the rest to the outer call.
func TestErrorBehindARecoveredPanic(t *testing.T) {
	s := newSaying(t, full())
	s.host = func(c *Caller) error {
		s.host = func(*Caller) error { panic("host") }
		value, err := recovered(func() error { return ErrorOf(s.instance.GetFunc(c, "host").Call(c)) })
		Equal(t, "recovered", value, any("host"))
		return err
	}
	_, err := s.call(nil, "hostOnly")
	wantUnwritten(t, err, 4, errFull)
}

// A call waits for writers that an inner one has left, whose context has ended.
func TestOuterCallWaitsForTheWriter(t *testing.T) {
	w := newHandWriter()
	s := newSaying(t, w)
	s.host = func(c *Caller) error {
		_, err := s.instance.GetFunc(c, "say").CallContext(w.leaving(t), c)
		Check(t, err)
		time.AfterFunc(20*time.Millisecond, func() { w.let <- nil })
		return nil
	}
	Check(t, ErrorOf(s.call(nil, "hostOnly")))
	Equal(t, "written", w.written.String(), "text")
}

// A call whose context is live does not wait longer than the context of the call around it.
func TestInnerCallEndsWithTheOuterContext(t *testing.T) {
	w := newHandWriter()
	s := newSaying(t, w)
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	var took time.Duration
	s.host = func(c *Caller) error {
		start := time.Now()
		s.instance.GetFunc(c, "say").CallContext(live, c)
		took = time.Since(start)
		return nil
	}
	_, err := s.call(w.leaving(t), "hostOnly")
	wantUnwritten(t, err, 4, nil)
	if took > 4*time.Second {
		t.Errorf("it took %v, as if it had waited for the writer", took)
	}
	w.let <- nil
}

// What a guest closes is written all the same, and nobody is left alone with the error.
func TestClosedDescriptorsLoseNothing(t *testing.T) {
	w := &script{steps: []step{{n: 1, err: errFull}, {n: 100}}}
	s := newSaying(t, w)
	Check(t, ErrorOf(s.call(nil, "close")))
	Equal(t, "written", w.text(), "text")
	_, err := newSaying(t, full()).call(nil, "close")
	wantUnwritten(t, err, 4, errFull)
}

// A connection may lose what was sent, as any socket does: the other side may go at any time.
func TestConnectionsPromiseNothing(t *testing.T) {
	s := newSaying(t, io.Discard)
	mine, its := net.Pipe()
	mine.Close()
	Check(t, s.store.InsertConn(3, its))
	Check(t, ErrorOf(s.call(nil, "sayTo", 3)))
	Check(t, ErrorOf(s.call(nil, "nothing")))
}

// handWriter says when it is called, takes what it is given when it is let, and panics when let is closed. It is not
// safe for concurrent use, which the race detector sees.
type handWriter struct {
	called  chan struct{}
	let     chan error
	written strings.Builder
	busy    atomic.Int32
}

func newHandWriter() *handWriter {
	return &handWriter{called: make(chan struct{}, 100), let: make(chan error, 100)}
}

func (w *handWriter) Write(p []byte) (int, error) {
	if w.busy.Add(1) != 1 {
		panic("it is called twice at once")
	}
	defer w.busy.Add(-1)
	w.called <- struct{}{}
	err, ok := <-w.let
	if !ok {
		panic("let")
	}
	if err != nil {
		return 0, err
	}
	return w.written.Write(p)
}

// leaving is a context that ends when the writer is called.
func (w *handWriter) leaving(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { <-w.called; cancel() }()
	return ctx
}

// A writer that is at work still when a context has ended is waited for by the next call that writes to it, so long as
// that call's own context lets it, and found by any other.
func TestNextCallFindsTheWriter(t *testing.T) {
	w := newHandWriter()
	s := newSaying(t, w)
	_, err := s.call(w.leaving(t), "loop")
	wantUnwritten(t, err, 4, nil)
	WantTrap(t, err, Interrupt)

	start := time.Now()
	Check(t, ErrorOf(s.call(nil, "nothing"))) // it was told already that the writer is at work
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("a call that writes nothing waits for the writer, %v", took)
	}

	start = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = s.call(ctx, "waits")
	if WantTrap(t, err, Interrupt); time.Since(start) > 2*time.Second {
		t.Errorf("a context that has ended did not end the wait: %v", time.Since(start))
	}

	w.let <- nil
	w.let <- nil
	errno, err := s.call(t.Context(), "waits")
	Check(t, err)
	Equal(t, "errno", errno.(int32), 0)
	Equal(t, "written", w.written.String(), "texttext") // what was at work, and this; the other was never taken
}

// What the writer says at last, the next call tells.
func TestNextCallTellsOfTheWriter(t *testing.T) {
	for name, how := range map[string]func(w *handWriter){
		"an error": func(w *handWriter) { w.let <- errFull },
		"a panic":  func(w *handWriter) { close(w.let) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newHandWriter()
			s := newSaying(t, w)
			_, err := s.call(w.leaving(t), "loop")
			wantUnwritten(t, err, 4, nil)
			how(w)
			err = nil
			var value any
			for deadline := time.Now().Add(10 * time.Second); err == nil && value == nil && time.Now().Before(deadline); {
				value, err = recovered(func() error { return ErrorOf(s.call(nil, "nothing")) })
			}
			if name == "a panic" {
				Equal(t, "panicked with", value, any("let"))
			} else {
				wantUnwritten(t, err, 4, errFull)
			}
			Check(t, ErrorOf(s.call(nil, "nothing")))
		})
	}
}

// recovered is what f panics with, or returns.
func recovered(f func() error) (value any, err error) {
	defer func() { value = recover() }()
	return nil, f()
}

// A host function of the next call comes after what is left of the last one, unless that takes long.
func TestLeftTextArrivesBeforeTheHostCall(t *testing.T) {
	w := newHandWriter()
	s := newSaying(t, w)
	Check(t, s.store.InsertWriter(3, io.Discard))
	_, err := s.call(w.leaving(t), "loop")
	wantUnwritten(t, err, 4, nil)
	heard := ""
	s.host = func(*Caller) error { heard = w.written.String(); return nil }
	time.AfterFunc(20*time.Millisecond, func() { w.let <- nil })
	Check(t, ErrorOf(s.call(nil, "hostOnly")))
	Equal(t, "heard", heard, "text")
}

// A writer that one store has left at work is not called for another one meanwhile, whether the guest waits or not.
func TestNextStoreFindsTheWriter(t *testing.T) {
	for _, name := range []string{"say", "waits"} {
		t.Run(name, func(t *testing.T) {
			w := newHandWriter()
			first, second, third := newSaying(t, w), newSaying(t, w), newSaying(t, w)
			_, err := first.call(w.leaving(t), "say")
			wantUnwritten(t, err, 4, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err = second.call(ctx, "say") // which does not get to the writer
			wantUnwritten(t, err, 4, nil)
			first.store.Close()
			time.AfterFunc(20*time.Millisecond, func() {
				for range 3 {
					w.let <- nil
				}
			})
			Check(t, ErrorOf(third.call(nil, name)))
			Equal(t, "written", w.written.String(), "texttexttext")
		})
	}
}

// The same of a program that is run again.
func TestCommandFindsTheWriter(t *testing.T) {
	w := newHandWriter()
	command := Command{
		Module: Compile(t, EngineWith(t, WithEpochs), sayer("", `(func (export "_start") (drop (call $say)))`)),
		Wasi:   NewWasiConfig(),
	}
	command.Wasi.SetStdout(w)
	wantUnwritten(t, command.Run(w.leaving(t)), 4, nil)
	time.AfterFunc(20*time.Millisecond, func() {
		for range 2 {
			w.let <- nil
		}
	})
	Check(t, command.Run(t.Context()))
	Equal(t, "written", w.written.String(), "texttext")
}

// Closing a store waits for all writers that are at work, and not for long.
func TestCloseWithStuckWriters(t *testing.T) {
	const many = 6
	ctx, cancel := context.WithCancel(t.Context())
	s := newSaying(t, io.Discard)
	var writers []*handWriter
	for fd := range uint32(many) {
		w := newHandWriter()
		writers = append(writers, w)
		Check(t, s.store.InsertWriter(3+fd, w))
	}
	next := int32(3)
	s.host = func(c *Caller) error {
		_, err := s.instance.GetFunc(c, "sayTo").Call(c, next)
		if next++; next == 3+many || err != nil {
			cancel()
			return err
		}
		return ErrorOf(s.instance.GetFunc(c, "hostOnly").Call(c))
	}
	_, err := s.call(ctx, "hostOnly")
	if got := strings.Count(fmt.Sprint(err), "still at work"); got != many {
		t.Errorf("%d of %d writers: %v", got, many, err)
	}
	start := time.Now()
	s.store.Close()
	if took := time.Since(start); took > many*100*time.Millisecond/2 {
		t.Errorf("closing took %v", took)
	}
	for _, w := range writers {
		w.let <- nil
	}
}

// What a writer panics with while its store is closed comes out of Close.
func TestPanicWhileClosing(t *testing.T) {
	w := newHandWriter()
	s := newSaying(t, w)
	_, err := s.call(w.leaving(t), "say")
	wantUnwritten(t, err, 4, nil)
	time.AfterFunc(20*time.Millisecond, func() { close(w.let) })
	Equal(t, "panicked with", PanicOf(t, s.store.Close), any("let"))
}
