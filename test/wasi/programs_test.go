package wasi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/guests"
)

// runCommand runs a WASI program to its end; prepare gives it files.
func runCommand(t testing.TB, wasm []byte, config *WasiConfig, prepare func(*Store)) error {
	t.Helper()
	engine := NewEngine()
	defer engine.Close()
	module, err := NewModule(engine, wasm)
	Check(t, err)
	defer module.Close()
	return RunModule(t, engine, module, config, prepare)
}

func TestProcExit(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	for _, status := range []int32{0, 1, 7, 125} {
		module := Compile(t, engine, fmt.Sprintf(`(module
		  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		  (memory (export "memory") 1)
		  (func (export "_start") (call $exit (i32.const %d)) unreachable))`, status))
		err := RunModule(t, engine, module, NewWasiConfig(), nil)
		typed, ok := err.(*Error)
		if !ok {
			t.Fatalf("status %d: %T %v", status, err, err)
		}
		if got, ok := typed.ExitStatus(); !ok || got != status {
			t.Errorf("status %d: %d, %v", status, got, ok)
		}
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Status != status {
			t.Errorf("status %d: %+v", status, exit)
		}
		module.Close()
	}
}

func TestTrapInWasiGuest(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	module := Compile(t, engine, `(module
	  (memory (export "memory") 1)
	  (func (export "_start") (drop (i32.div_s (i32.const 1) (i32.const 0)))))`)
	defer module.Close()
	err := RunModule(t, engine, module, NewWasiConfig(), nil)
	WantTrap(t, err, IntegerDivisionByZero)
	var exit *ExitError
	if errors.As(err, &exit) {
		t.Errorf("a trap with an exit status: %v", exit)
	}
}

// A guest whose pointers lie outside of its memory gets an error, or is stopped; the host lives on.
func TestWasiPointersOutOfBounds(t *testing.T) {
	g := NewWasiGuest(t, nil)
	Insert(t, g.Store, 3, TempFile(t, "content"), READ_WRITE)
	for _, args := range [][]any{
		{3, -4, 1, GuestResult},
		{3, GuestIovec, -1, GuestResult},
		{3, GuestIovec, 1, -1},
		{3, GuestPages<<16 - 4, 1, GuestResult},
	} {
		for _, name := range []string{"fd_read", "fd_write"} {
			g.Iovec(4)
			result, err := g.Instance.GetFunc(g.Store, name).Call(g.Store, args...)
			if err == nil && result.(int32) == 0 {
				t.Errorf("%s%v worked", name, args)
			}
		}
	}
	g.Mem.PutUint32(GuestIovec, GuestPages<<16-2)
	g.Mem.PutUint32(GuestIovec+4, 100)
	result, err := g.Instance.GetFunc(g.Store, "fd_read").Call(g.Store, 3, GuestIovec, 1, GuestResult)
	if err == nil && result.(int32) == 0 {
		t.Error("a buffer beyond the memory's end was filled")
	}
}

// The C guest reads what its host inserts at a descriptor.
func TestCGuestReadsInsertedFile(t *testing.T) {
	out := filepath.Join(TempDir(t), "out")
	text := strings.Repeat("the host's own file\n", 5000)
	config := NewWasiConfig()
	defer config.Close()
	config.SetArgv([]string{"readfd", "11"})
	Check(t, config.SetStdoutFile(out))
	f := TempFile(t, text)
	err := runCommand(t, guests.C("readfd"), config, func(store *Store) { Insert(t, store, 11, f, READ_ONLY) })
	if status := ExitStatus(t, err); status != 0 {
		t.Errorf("status %d", status)
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != text {
		t.Errorf("the guest printed %d bytes, %v", len(b), err)
	}
	if at, _ := f.Seek(0, 1); at != int64(len(text)) {
		t.Errorf("the host is at %d", at)
	}
}

func TestCGuestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		args    []string
		prepare func(*Store)
		status  int32
		text    string
	}{
		"no argument": {[]string{"readfd"}, nil, 2, "usage"},
		"not open":    {[]string{"readfd", "9"}, nil, 1, "read 9: "},
		"write only":  {[]string{"readfd", "9"}, func(s *Store) { Insert(t, s, 9, TempFile(t, "x"), WRITE_ONLY) }, 1, "read 9: "},
	} {
		path := filepath.Join(TempDir(t), "err")
		config := NewWasiConfig()
		config.SetArgv(c.args)
		Check(t, config.SetStderrFile(path))
		status := ExitStatus(t, runCommand(t, guests.C("readfd"), config, c.prepare))
		config.Close()
		b, err := os.ReadFile(path)
		if status != c.status || !strings.Contains(string(b), c.text) || err != nil {
			t.Errorf("%s: status %d, %q, %v", name, status, b, err)
		}
	}
}

// Descriptors that a C program opens itself, and one that was inserted, through the same functions.
func TestCGuestFileIO(t *testing.T) {
	dir := TempDir(t)
	Check(t, os.WriteFile(filepath.Join(dir, "data"), bytes.Repeat([]byte("x"), 200_000), 0o644))
	config := NewWasiConfig()
	Check(t, config.PreopenDir(dir, "/", DIR_READ|DIR_WRITE, FILE_READ|FILE_WRITE))
	engine := NewEngine()
	defer engine.Close()
	module, err := NewModule(engine, guests.C("fileio"))
	Check(t, err)
	defer module.Close()
	linker := NewLinker(engine)
	defer linker.Close()
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, module)
	Check(t, err)
	Call(t, store, instance, "_initialize")
	fd := Call(t, store, instance, "open_data").(int32)
	if fd != 4 {
		t.Fatalf("opened as %d", fd)
	}
	Equal(t, "read_all", Call(t, store, instance, "read_all", fd).(int64), 200_000)
	f := TempFile(t, "")
	pushed, err := store.PushFile(f, READ_WRITE)
	if err != nil || pushed != 5 {
		t.Fatal(pushed, err)
	}
	Equal(t, "write_all", Call(t, store, instance, "write_all", 5, int64(1<<17)).(int64), 1<<17)
	Equal(t, "read_all", Call(t, store, instance, "read_all", 5).(int64), 1<<17)
	if len(Content(t, f)) != 1<<17 {
		t.Error("the host's file has another size")
	}
}

func TestGoGuestReadsInsertedFile(t *testing.T) {
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "catfd")
	text := strings.Repeat("a line for a Go program\n", 10_000)

	t.Run("file", func(t *testing.T) {
		out := filepath.Join(TempDir(t), "out")
		config := NewWasiConfig()
		defer config.Close()
		config.SetArgv([]string{"catfd"})
		Check(t, config.SetStdoutFile(out))
		err := RunModule(t, engine, module, config, func(store *Store) { Insert(t, store, 3, TempFile(t, text), READ_ONLY) })
		if status := ExitStatus(t, err); status != 0 {
			t.Errorf("status %d", status)
		}
		if b, err := os.ReadFile(out); err != nil || string(b) != text {
			t.Errorf("the guest printed %d bytes, %v", len(b), err)
		}
	})

	t.Run("pipes", func(t *testing.T) {
		inR, inW := Pipe(t)
		outR, outW := Pipe(t)
		go func() {
			io.WriteString(inW, text)
			inW.Close()
		}()
		var got []byte
		var wg sync.WaitGroup
		wg.Go(func() { got, _ = io.ReadAll(outR) })
		err := RunModule(t, engine, module, NewWasiConfig(), func(store *Store) {
			Insert(t, store, 3, inR, READ_ONLY)
			Insert(t, store, 1, outW, WRITE_ONLY)
			outW.Close()
		})
		if status := ExitStatus(t, err); status != 0 {
			t.Errorf("status %d", status)
		}
		wg.Wait()
		if string(got) != text {
			t.Errorf("%d bytes came out", len(got))
		}
	})

	t.Run("nothing inserted", func(t *testing.T) {
		err := RunModule(t, engine, module, NewWasiConfig(), nil)
		if status := ExitStatus(t, err); status != 1 {
			t.Errorf("status %d", status)
		}
	})
}

// A Go program whose goroutines sleep, and read from what was inserted: poll_oneoff under Go's own scheduler.
func TestGoGuestWithGoroutines(t *testing.T) {
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "sleepers")
	r, w := Pipe(t)
	out := TempFile(t, "")
	go func() {
		io.WriteString(w, "hello\n")
		w.Close()
	}()
	err := RunModule(t, engine, module, NewWasiConfig(), func(store *Store) {
		Insert(t, store, 0, r, READ_ONLY)
		Insert(t, store, 1, out, WRITE_ONLY)
		Insert(t, store, 2, out, WRITE_ONLY)
	})
	if status := ExitStatus(t, err); status != 0 {
		t.Errorf("status %d", status)
	}
	if got := Content(t, out); got != "read hello\nsum 45\n" {
		t.Errorf("the guest printed %q", got)
	}
}

// Stores run at the same time on goroutines of their own, with files of their own.
func TestStoresInParallel(t *testing.T) {
	engine := NewEngine()
	defer engine.Close()
	module, err := NewModule(engine, guests.C("readfd"))
	Check(t, err)
	defer module.Close()
	var wg sync.WaitGroup
	for worker := range 2 {
		dir := TempDir(t)
		wg.Go(func() {
			for round := range 25 {
				text := strings.Repeat(fmt.Sprintf("worker %d in round %d\n", worker, round), 500)
				in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
				err := func() error {
					if err := os.WriteFile(in, []byte(text), 0o644); err != nil {
						return err
					}
					f, err := os.Open(in)
					if err != nil {
						return err
					}
					defer f.Close()
					config := NewWasiConfig()
					defer config.Close()
					config.SetArgv([]string{"readfd", "3"})
					if err := config.SetStdoutFile(out); err != nil {
						return err
					}
					return runIn(engine, module, config, f)
				}()
				b, readErr := os.ReadFile(out)
				if err = errors.Join(err, readErr); err != nil || string(b) != text {
					t.Errorf("worker %d, round %d: %d bytes, %v", worker, round, len(b), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// runIn runs a program with a file at descriptor 3, without a test to fail. A status of 0 is no error.
func runIn(engine *Engine, module *Module, config *WasiConfig, f *os.File) error {
	linker := NewLinker(engine)
	defer linker.Close()
	if err := linker.DefineWasi(); err != nil {
		return err
	}
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(config)
	if err := store.InsertFile(3, f, READ_ONLY); err != nil {
		return err
	}
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return err
	}
	_, err = instance.GetFunc(store, "_start").Call(store)
	var exit *ExitError
	if errors.As(err, &exit) && exit.Status == 0 {
		return nil
	}
	return err
}

// Any status of 32 bits is an exit.
func TestExitStatusOfEveryKind(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	module := Compile(t, engine, `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1) (func (export "exit") (param i32) (call $exit (local.get 0))))`)
	for _, status := range []uint32{0, 1, 125, 126, 127, 128, 255, 256, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		store := NewStore(engine)
		store.SetWasi(NewWasiConfig())
		_, err := Must(linker.Instantiate(store, module)).GetFunc(store, "exit").Call(store, int32(status))
		var exit *ExitError
		if !errors.As(err, &exit) || uint32(exit.Status) != status {
			t.Errorf("%d: %v", status, err)
			continue
		}
		Equal(t, "text", exit.Error(), fmt.Sprint("the program exited with status ", status))
		if got, ok := err.(*Error).ExitStatus(); !ok || uint32(got) != status {
			t.Errorf("ExitStatus is %d, %v", got, ok)
		}
		store.Close()
	}
}

// A WASI function that the host calls itself has no calling instance, and so no memory: the same error each time,
// whatever guests have done before, and none of their memories is touched.
func TestWasiFunctionCalledByHost(t *testing.T) {
	engine := NewEngine()
	linker, store := NewLinker(engine), NewStore(engine)
	Check(t, linker.DefineWasi())
	store.SetWasi(NewWasiConfig())
	module := Compile(t, engine, `(module (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(memory (export "memory") 1) (export "passed on" (func $random))
		(func (export "guest") (result i32) (call $random (i32.const 64) (i32.const 8))))`)
	host := linker.Get(store, "wasi_snapshot_preview1", "random_get").Func()
	refused := func(f *Func) {
		t.Helper()
		_, err := f.Call(store, 0, 8)
		if _, ok := err.(*Error); !ok {
			t.Errorf("%T %v", err, err)
		}
		WantText(t, err, "missing required memory export")
	}
	refused(host)
	for range 2 { // with one instance, and with two
		instance := Must(linker.Instantiate(store, module))
		passed := instance.GetFunc(store, "passed on")
		refused(host)
		refused(passed)
		Equal(t, "the guest's own call", Call(t, store, instance, "guest"), any(int32(0)))
		refused(host)
		refused(passed)
		view := instance.GetMemory(store, "memory").View(store)
		if n, _ := view.Uint64(0); n != 0 {
			t.Error("the host's call wrote to a guest's memory")
		}
		if n, _ := view.Uint64(64); n == 0 {
			t.Error("the guest's call wrote nothing")
		}
	}
}
