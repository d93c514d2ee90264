package wasmtime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// A native store is made when something first needs it.

const sayWat = `(module
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\02\00\00\00") (data (i32.const 16) "hi")
	(func $say (export "say") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`

// configured makes sure that the process has carried a configuration out, the first of which a store does not put off.
func configured(t *testing.T, engine *Engine) {
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(NewWasiConfig())
}

// fewest is how many crossings into the native library f takes; others may make some meanwhile.
func fewest(f func()) int64 {
	least := int64(1 << 62)
	for range 20 {
		before := runtime.NumCgoCall()
		f()
		least = min(least, runtime.NumCgoCall()-before)
	}
	return least
}

// What is done over and over takes few crossings and few allocations.
func TestCrossings(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	say := Must(linker.InstantiatePre(Compile(t, engine, strings.Replace(sayWat, `"say"`, `"_start"`, 1))))
	small := Must(linker.InstantiatePre(Compile(t, engine, `(module (memory 1))`)))
	compiled := Must(Compile(t, engine, sayWat).Serialize())
	path := filepath.Join(TempDir(t), "say.cwasm")
	Check(t, os.WriteFile(path, compiled, 0o600))
	watched := EngineWith(t, WithEpochs)
	idle := Must(NewLinker(watched).InstantiatePre(Compile(t, watched, `(module)`)))
	cancellable, cancel := context.WithCancel(t.Context())
	defer cancel()
	within := func(ctx context.Context) func() {
		return func() {
			store := NewStore(watched)
			Must(idle.InstantiateContext(ctx, store))
			store.Close()
		}
	}
	for _, c := range []struct {
		name      string
		crossings int64
		allocs    float64
		run       func()
	}{
		{"a store", 0, 1, func() { NewStore(engine).Close() }},
		{"an instance", 2, 1, func() {
			store := NewStore(engine)
			Must(small.Instantiate(store))
			store.Close()
		}},
		{"a guest with WASI", 4, 8, func() {
			store, wasi, out := NewStore(engine), NewWasiConfig(), bytes.Buffer{}
			wasi.SetStdout(&out)
			store.SetWasi(wasi)
			instance := Must(say.Instantiate(store))
			Must(instance.GetFunc(store, "_start").Call(store))
			store.Close()
			wasi.Close()
			Equal(t, "output", out.String(), "hi")
		}},
		{"an instance with a context", 3, 1, within(context.Background())},
		{"an instance with a context that may end", 4, 3, within(cancellable)},
		{"a module from bytes", 2, 5, func() { Must(NewModuleDeserialize(engine, compiled)).Close() }},
		{"a module from a file", 2, 5, func() { Must(NewModuleDeserializeFile(engine, path)).Close() }},
	} {
		c.run()
		if n := fewest(c.run); n > c.crossings {
			t.Errorf("%s takes %d crossings, want %d", c.name, n, c.crossings)
		}
		if Race || Debug {
			continue
		}
		if n := testing.AllocsPerRun(100, c.run); n > c.allocs {
			t.Errorf("%s takes %v allocations, want %v", c.name, n, c.allocs)
		}
	}
}

// A store that nobody has used is closed like any other, and keeps its engine as long as it may need that.
func TestStoreNeverMade(t *testing.T) {
	engine := NewEngine()
	configured(t, engine)
	module := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 7)))`)
	var out bytes.Buffer
	unused, used := NewStore(engine), NewStore(engine)
	for _, store := range []*Store{unused, used} {
		wasi := NewWasiConfig()
		wasi.SetStdout(&out)
		wasi.SetArgv([]string{"program", strings.Repeat("long", 1000)})
		store.SetWasi(wasi)
		wasi.Close()
	}
	engine.Close()
	WantPanic(t, "a store of a closed engine", "closed", func() { NewStore(engine) })
	unused.Close()
	unused.Close()
	WantIs(t, unused.SetFuel(1), ErrClosed)
	WantIs(t, ErrorOf(NewInstance(unused, module, nil)), ErrClosed)
	instance := Must(NewInstance(used, module, nil))
	Equal(t, "result", Call(t, used, instance, "f"), any(int32(7)))
	used.Close()
}

// Stores that were dropped before anything needed them are found as garbage, and let go of their engine.
func TestStoreNeverMadeIsCollected(t *testing.T) {
	engine := NewEngine()
	configured(t, engine)
	before := Stats().OpenStores
	func() {
		for range 10 {
			wasi := NewWasiConfig()
			wasi.SetArgv([]string{strings.Repeat("long", 1000)})
			wasi.SetStdout(io.Discard)
			NewStore(engine).SetWasi(wasi)
		}
	}()
	Collected(t, "stores that nobody has used", func() bool { return Stats().OpenStores <= before })
	engine.Close()
}

// What cannot be carried out is an error of SetWasi, and not of what comes first afterwards.
func TestStoreNeverMadeErrors(t *testing.T) {
	engine := EngineWith(t)
	configured(t, engine)
	store := NewStore(engine)
	defer store.Close()
	for _, bad := range []func(*WasiConfig){
		func(c *WasiConfig) { c.SetArgv([]string{"a\x00b"}) },
		func(c *WasiConfig) { c.SetEnv([]string{"a\x00b"}, []string{""}) },
		func(c *WasiConfig) { c.SetEnv([]string{"a"}, []string{"a\x00b"}) },
	} {
		wasi := NewWasiConfig()
		bad(wasi)
		WantText(t, store.ConfigureWasi(wasi), "zero byte")
	}
	dir := filepath.Join(TempDir(t), "gone")
	Check(t, os.Mkdir(dir, 0o700))
	wasi := NewWasiConfig()
	Check(t, wasi.PreopenDir(dir, "/", DIR_READ, FILE_READ))
	Check(t, os.Remove(dir))
	WantText(t, store.ConfigureWasi(wasi), "gone")
	if err := store.SetFuel(1); err == nil {
		t.Error("fuel in an engine without")
	}
	WantText(t, ErrorOf(NewInstance(NewStore(engine), Compile(t, engine, `(module (import "a" "b" (func)))`), nil)), "`a::b`")
}

// guestOf is a guest of the wrapper in a store.
func guestOf(t *testing.T, store *Store) *WasiGuest {
	linker := NewLinker(store.Engine)
	Check(t, linker.DefineWasi())
	return WasiGuestOf(t, store, Must(linker.Instantiate(store, Compile(t, store.Engine, WrapperWat()))))
}

// Everything that may come first finds a store, with all that was set before.
func TestStoreIsMadeBy(t *testing.T) {
	engine := EngineWith(t, withFuel, WithEpochs)
	configured(t, engine)
	module := Compile(t, engine, `(module (func (export "f")) (memory (export "m") 1))`)
	unknown := Compile(t, engine, `(module (import "x" "y" (global i32)))`)
	i32 := NewValType(KindI32)
	for name, first := range map[string]func(store *Store){
		"GC":               func(store *Store) { store.GC() },
		"GetFuel":          func(store *Store) { Equal(t, "fuel", Must(store.GetFuel()), 0) },
		"SetEpochDeadline": func(store *Store) { store.SetEpochDeadline(1) },
		"SetMaxResources":  func(store *Store) { store.SetMaxResources(2000) },
		"SetHostcallFuel":  func(store *Store) { store.SetHostcallFuel(1 << 20) },
		"NewMemory":        func(store *Store) { Must(NewMemory(store, Must(NewMemoryType(1, false, 0, false)))) },
		"NewGlobal":        func(store *Store) { Must(NewGlobal(store, NewGlobalType(i32, true), ValI32(1))) },
		"NewTable": func(store *Store) {
			Must(NewTable(store, NewTableType(NewValType(KindExternref), 1, false, 0), ValExternref("x")))
		},
		"WrapFunc": func(store *Store) { WrapFunc(store, func() {}) },
		"Linker.Get": func(store *Store) {
			if NewLinker(engine).Get(store, "a", "b") != nil {
				t.Error("something is in an empty linker")
			}
		},
		"Linker.GetDefault":   func(store *Store) { Must(NewLinker(engine).GetDefault(store, "a")) },
		"Linker.DefineModule": func(store *Store) { Check(t, NewLinker(engine).DefineModule(store, "a", module)) },
		"Linker.DefineFunc":   func(store *Store) { Check(t, NewLinker(engine).DefineFunc(store, "a", "b", func() {})) },
		"Linker.Instantiate":  func(store *Store) { Must(NewLinker(engine).Instantiate(store, module)) },
		"DefineUnknownImportsAsDefaultValues": func(store *Store) {
			Check(t, NewLinker(engine).DefineUnknownImportsAsDefaultValues(store, unknown))
		},
		"InstantiateContext": func(store *Store) {
			Must(NewLinker(engine).InstantiateContext(t.Context(), store, module))
		},
		"PushReader": func(store *Store) { Equal(t, "number", Must(store.PushReader(strings.NewReader("x"))), 3) },
		"RemoveFile": func(store *Store) { Check(t, store.RemoveFile(2)) },
		"SetWasi again": func(store *Store) {
			wasi := NewWasiConfig()
			wasi.SetArgv([]string{"again"})
			store.SetWasi(wasi)
		},
		"ConfigureWasi that fails": func(store *Store) {
			wasi := NewWasiConfig()
			wasi.SetArgv([]string{"a\x00b"})
			WantText(t, store.ConfigureWasi(wasi), "zero byte")
		},
	} {
		store := NewStore(engine)
		store.SetLimits(Limits{MemorySize: GuestPages * page})
		wasi := NewWasiConfig()
		wasi.SetArgv([]string{"first"})
		wasi.SetStdinBytes([]byte("in"))
		store.SetWasi(wasi)
		first(store)
		Check(t, store.SetFuel(1<<40))
		store.SetEpochDeadline(1 << 40)
		g := guestOf(t, store)
		want := "first"
		if name == "SetWasi again" {
			want = "again"
		} else if in, errno := g.Read(0, 10); in != "in" || errno != 0 {
			t.Errorf("%s: standard input is %q, %v", name, in, errno)
		}
		if args := g.Strings("args"); len(args) != 1 || args[0] != want {
			t.Errorf("%s: arguments %q", name, args)
		}
		store.Close()
	}
}

// The environment is that of the moment when the configuration is given.
func TestStoreNeverMadeEnvironment(t *testing.T) {
	engine := EngineWith(t)
	configured(t, engine)
	t.Setenv("STORE_MADE", "then")
	store := NewStore(engine)
	defer store.Close()
	wasi := NewWasiConfig()
	wasi.InheritEnv()
	store.SetWasi(wasi)
	t.Setenv("STORE_MADE", "now")
	found := false
	for _, variable := range guestOf(t, store).Strings("environ") {
		found = found || variable == "STORE_MADE=then"
	}
	if !found {
		t.Error("the environment is another one")
	}
}

// A start function runs while the native store has just been made in the same crossing: host functions can use the
// store, and what Go serves is there.
func TestStoreIsMadeForStart(t *testing.T) {
	engine := NewEngine()
	configured(t, engine)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	var store *Store
	inner := Compile(t, engine, `(module (func (export "f") (result i32) (i32.const 5)))`)
	Check(t, linker.FuncNew("", "host", NewFuncType(nil, nil), func(c *Caller, _ []Val) ([]Val, *Trap) {
		Must(NewMemory(c, Must(NewMemoryType(1, false, 0, false))))
		instance := Must(NewInstance(c, inner, nil))
		Equal(t, "result", Must(instance.GetFunc(c, "f").Call(c)), any(int32(5)))
		Equal(t, "the caller's memory", c.Memory().Size(), page)
		store.GC()
		WantPanic(t, "Close in a start function", "inside", store.Close)
		return nil, nil
	}))
	wat := strings.TrimSuffix(strings.Replace(sayWat, `(memory`, `(import "" "host" (func $host)) (memory`, 1), ")")
	for _, c := range []struct{ wat, says string }{
		{wat + ` (func $start (call $host) (call $say)) (start $start))`, "hi"},
		{wat + ` (start $say))`, "hi"},
		{wat + ` (start $host))`, ""},
	} {
		var out bytes.Buffer
		store = NewStore(engine)
		wasi := NewWasiConfig()
		wasi.SetStdout(&out)
		store.SetWasi(wasi)
		Must(linker.Instantiate(store, Compile(t, engine, c.wat)))
		Equal(t, "output", out.String(), c.says)
		store.Close()
	}
}

// pollWat is a guest that polls its standard input without waiting for it in a read, when it is started.
const pollWat = `(module
	(import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 8) "\01") ;; a subscription at 0: to read descriptor 0
	(data (i32.const 200) "\00\01\00\00\10\00\00\00") ;; a buffer
	(func $start
		(drop (call $flags (i32.const 0) (i32.const 4)))
		(drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
		(drop (call $read (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 132))))
	(start $start))`

// A start function that polls is woken by the goroutine that reads for it.
func TestStoreIsMadeForPoll(t *testing.T) {
	engine := EngineWith(t)
	configured(t, engine)
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	pre := Must(linker.InstantiatePre(Compile(t, engine, pollWat)))
	for range Rounds(50) {
		store := NewStore(engine)
		r, w := io.Pipe()
		wasi := NewWasiConfig()
		wasi.SetStdin(r)
		store.SetWasi(wasi)
		go func() {
			for range 100 {
				runtime.Gosched()
			}
			io.WriteString(w, "woken")
		}()
		instance := Must(pre.Instantiate(store))
		if got := Must(instance.GetMemory(store, "memory").ReadString(store, 256, 5)); got != "woken" {
			t.Errorf("read %q", got)
		}
		store.Close()
	}
}

// A reader may still be at work when its store is garbage, or has been closed and the next one is made in its place.
func TestStoreIsGoneWhenAReaderReturns(t *testing.T) {
	engine := EngineWith(t)
	configured(t, engine)
	for _, closed := range []bool{true, false} {
		before := Stats().OpenStores
		r, w := io.Pipe()
		func() {
			store := NewStore(engine)
			wasi := NewWasiConfig()
			asked := make(chan struct{})
			wasi.SetStdin(&announced{r, asked})
			store.SetWasi(wasi)
			g := guestOf(t, store)
			g.SetFlags(0, 4)
			WantErrno(t, "a read that would wait", ErrnoOf(g.Read(0, 1)), ErrnoAgain)
			<-asked // a reader that has not been called by then is not called when the store is closed
			if closed {
				store.Close()
			}
		}()
		Collected(t, "the store", func() bool { return Stats().OpenStores <= before })
		next := NewStore(engine)
		next.GC()
		io.WriteString(w, "too late")
		next.Close()
		Check(t, errors.Join(r.Close(), w.Close()))
	}
}

// announced is a reader that says that it is called, once.
type announced struct {
	io.Reader
	asked chan struct{}
}

func (r *announced) Read(p []byte) (int, error) {
	close(r.asked)
	return r.Reader.Read(p)
}
