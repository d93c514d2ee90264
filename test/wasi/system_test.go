package wasi_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// systemCalls are calls that ask every part of it.
var systemCalls = map[string][]any{
	"clock_time_get": {ClockRealtime, int64(0), GuestResult},
	"random_get":     {GuestBuffer, 8},
	"poll_oneoff":    {GuestBuffer, GuestBuffer + 4096, 1, GuestResult},
}

// absoluteSubscription makes poll_oneoff ask the monotonic clock.
func absoluteSubscription(g *WasiGuest) {
	sub := make([]byte, 48)
	sub[16], sub[24], sub[40] = ClockMonotonic, 1, 1
	g.Mem.Write(GuestBuffer, sub)
}

// A panic comes out of the call as it was, and the store can be used afterwards.
func TestWasiSystemPanics(t *testing.T) {
	value := &struct{ int }{5}
	fail := true
	g := NewWasiGuest(t, SystemWith(func() {
		if fail {
			panic(value)
		}
	}))
	for name, args := range systemCalls {
		fail = true
		absoluteSubscription(g)
		run := g.Instance.GetFunc(g.Store, name)
		Equal(t, name, PanicOf(t, func() { run.Call(g.Store, args...) }), any(value))
		fail = false
		WantErrno(t, name, g.Call(name, args...), ErrnoSuccess)
	}
}

// The first panic of a call wins, also over one that the guest's caller has.
func TestWasiSystemPanicsBelowHostCall(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(SystemWith(func() { panic("the clock") }))
	module := Compile(t, engine, `(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
		(import "" "again" (func $again))
		(memory (export "memory") 1)
		(func (export "time") (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0))))
		(func (export "run") (call $again)))`)
	var instance *Instance
	Check(t, linker.FuncWrap("", "again", func(c *Caller) {
		instance.GetFunc(c, "time").Call(c)
		t.Error("the call returned")
	}))
	instance = Must(linker.Instantiate(store, module))
	Equal(t, "panic", PanicOf(t, func() { instance.GetFunc(store, "run").Call(store) }), any("the clock"))
}

// runtime.Goexit ends the goroutine, with its store, and nothing else.
func TestWasiSystemGoexit(t *testing.T) {
	if Debug {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !Survives(t) {
		return
	}
	for name, args := range systemCalls {
		g := NewWasiGuest(t, SystemWith(func() { runtime.Goexit() }))
		absoluteSubscription(g)
		run := g.Instance.GetFunc(g.Store, name)
		var wg sync.WaitGroup
		wg.Go(func() {
			run.Call(g.Store, args...)
			t.Error(name, "returned")
		})
		wg.Wait()
		_, err := run.Call(g.Store, args...)
		WantIs(t, err, ErrClosed)
		_, errno := NewWasiGuest(t, nil).Clock(ClockRealtime)
		WantErrno(t, "another store", errno, ErrnoSuccess)
	}
}

// The store is in the middle of a call: using it is refused, not undefined.
func TestWasiSystemMustNotUseStore(t *testing.T) {
	var g *WasiGuest
	var refused []error
	config := SystemWith(func() {
		_, err := g.Store.PushReader(strings.NewReader(""))
		refused = append(refused, err)
	})
	g = NewWasiGuest(t, config)
	for name, args := range systemCalls {
		absoluteSubscription(g)
		WantErrno(t, name, g.Call(name, args...), ErrnoSuccess)
	}
	Equal(t, "attempts", len(refused), len(systemCalls))
	for _, err := range refused {
		if !errors.Is(err, ErrConcurrentUse) {
			t.Errorf("%v", err)
		}
	}
}

// The same inside of a host function, whose store knows its goroutine, and does again afterwards.
func TestWasiSystemBelowHostCall(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	Check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	var refused error
	store.SetWasi(SystemWith(func() { refused = store.SetFuel(1) }))
	module := Compile(t, engine, `(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
		(import "" "host" (func $host))
		(memory (export "memory") 1)
		(func (export "run")
			(call $host) (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0))) (call $host)))`)
	calls := 0
	Check(t, linker.FuncWrap("", "host", func(c *Caller) {
		calls++
		Check(t, c.RemoveFile(Must(c.PushReader(strings.NewReader("")))))
	}))
	instance := Must(linker.Instantiate(store, module))
	Call(t, store, instance, "run")
	Equal(t, "host calls", calls, 2)
	if !errors.Is(refused, ErrConcurrentUse) {
		t.Errorf("%v", refused)
	}
}

// One configuration serves many stores, on many goroutines, and another one changes nothing for them.
func TestWasiSystemOfManyStores(t *testing.T) {
	var asked atomic.Int64
	config := SystemWith(func() { asked.Add(1) })
	var guests []*WasiGuest
	for range 8 {
		guests = append(guests, NewWasiGuest(t, config))
	}
	config.Close()
	config = NewWasiConfig()
	config.SetWallClock(func() time.Time { return time.Unix(2, 0) }, 1)
	later := NewWasiGuest(t, config)
	const rounds = 200
	var wg sync.WaitGroup
	for _, g := range guests {
		wg.Go(func() {
			for range rounds {
				got, errno := g.Clock(ClockRealtime)
				Want(t, "wall clock", got, errno, 1e9)
				if _, err := g.Random(5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	Equal(t, "questions", asked.Load(), int64(2*rounds*len(guests)))
	got, errno := later.Clock(ClockRealtime)
	Want(t, "the wall clock of the last", got, errno, 2e9)
}

// What a store was given is let go of with the store, or with its configuration, or at once if it could not be given.
func TestWasiSystemIsLetGo(t *testing.T) {
	given := func(gone *atomic.Int32) *WasiConfig {
		kept := Tracked(gone)
		return SystemWith(func() { runtime.KeepAlive(kept) })
	}
	engine := NewEngine()
	var closed, replaced, dropped, refused atomic.Int32
	store := NewStore(engine)
	store.SetWasi(given(&closed))
	store.Close()
	Collected(t, "what a closed store had", func() bool { return closed.Load() == 1 })

	store = NewStore(engine)
	defer store.Close()
	store.SetWasi(given(&replaced))
	store.SetWasi(NewWasiConfig())
	Collected(t, "what was replaced", func() bool { return replaced.Load() == 1 })

	func() {
		config := given(&refused)
		config.SetInitialDir("a\x00b")
		if err := store.ConfigureWasi(config); err == nil {
			t.Error("no error")
		}
	}()
	Collected(t, "what was refused", func() bool { return refused.Load() == 1 })

	func() { NewStore(engine).SetWasi(given(&dropped)) }()
	Collected(t, "what a dropped store had", func() bool { return dropped.Load() == 1 })
	runtime.KeepAlive(store)
}

// What only components can see is taken, and changes nothing for a guest of WASI 0.1.
func TestWasiSystemForComponents(t *testing.T) {
	config := NewWasiConfig()
	config.SetInitialDir("/home")
	config.SetInsecureRandom(ReaderFunc(func([]byte) (int, error) { return 0, io.EOF }))
	config.SetInsecureRandomSeed(1, 2)
	config.AllowTCP(true)
	config.AllowUDP(true)
	config.AllowIPNameLookup(true)
	config.InheritNetwork()
	config.SetSocketAddrCheck(func(netip.AddrPort, SocketAddrUse) bool { t.Error("an address is checked"); return false })
	g := NewWasiGuest(t, config)
	if _, err := g.Random(8); err != nil {
		t.Error(err)
	}
	Equal(t, "arguments", len(g.Strings("args")), 0)
	Equal(t, "environment", len(g.Strings("environ")), 0)
	Equal(t, "directories", g.Preopens(), "")
}

func TestWasiInitialDirRefused(t *testing.T) {
	g := NewWasiGuest(t, nil)
	for _, dir := range []string{"a\x00b", "\xff"} {
		config := NewWasiConfig()
		config.SetInitialDir(dir)
		WantText(t, g.Store.ConfigureWasi(config), "initial_dir")
	}
	config := NewWasiConfig()
	config.SetInitialDir("")
	Check(t, g.Store.ConfigureWasi(config))
}

func TestWasiSystemAfterClose(t *testing.T) {
	config := NewWasiConfig()
	config.Close()
	for name, use := range map[string]func(){
		"SetWallClock":          func() { config.SetWallClock(nil, 0) },
		"SetMonotonicClock":     func() { config.SetMonotonicClock(nil, 0) },
		"SetSecureRandom":       func() { config.SetSecureRandom(nil) },
		"SetInsecureRandom":     func() { config.SetInsecureRandom(nil) },
		"SetInsecureRandomSeed": func() { config.SetInsecureRandomSeed(0, 0) },
		"SetMaxRandomSize":      func() { config.SetMaxRandomSize(0) },
		"SetInitialDir":         func() { config.SetInitialDir("") },
		"AllowTCP":              func() { config.AllowTCP(false) },
		"AllowUDP":              func() { config.AllowUDP(false) },
		"AllowIPNameLookup":     func() { config.AllowIPNameLookup(false) },
		"InheritNetwork":        func() { config.InheritNetwork() },
		"SetSocketAddrCheck":    func() { config.SetSocketAddrCheck(nil) },
	} {
		WantPanic(t, name, ClosedText, use)
	}
}

// Setting nothing costs nothing.
func BenchmarkConfigureWasi(b *testing.B) {
	now := time.Unix(1, 0)
	for name, set := range map[string]func(*WasiConfig){
		"plain":   func(*WasiConfig) {},
		"network": func(c *WasiConfig) { c.AllowTCP(true) },
		"clock":   func(c *WasiConfig) { c.SetWallClock(func() time.Time { return now }, 1) },
	} {
		b.Run(name, func(b *testing.B) {
			store := NewStore(NewEngine())
			defer store.Close()
			config := NewWasiConfig()
			set(config)
			b.ReportAllocs()
			for b.Loop() {
				if err := store.ConfigureWasi(config); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A whole Go program, whose runtime has timers and seeds of its own, does the same twice if its clocks and its random
// bytes do.
func TestGoGuestIsRepeatable(t *testing.T) {
	engine := GuestEngine(t)
	module := GoGuest(t, engine, "chance")
	start := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	var all []string
	for seed := range byte(3) {
		// The clock goes on by a millisecond whenever somebody looks.
		var looks time.Duration
		config := NewWasiConfig()
		config.SetWallClock(func() time.Time { return start }, time.Millisecond)
		config.SetMonotonicClock(func() time.Duration { looks += time.Millisecond; return looks }, time.Millisecond)
		config.SetSecureRandom(rand.NewChaCha8([32]byte{seed / 2}))
		var out strings.Builder
		config.SetStdout(&out)
		if status := ExitStatus(t, RunModule(t, engine, module, config, nil)); status != 0 {
			t.Fatalf("status %d", status)
		}
		all = append(all, out.String())
	}
	lines := strings.Split(all[0], "\n")
	if len(lines) != 5 || lines[0] != "2020-02-29 12:00:00 +0000 UTC" || lines[3] != "true 2020-02-29 12:00:00 +0000 UTC" {
		t.Errorf("the guest printed %q", all[0])
	}
	Equal(t, "the same seed", all[1], all[0])
	if all[2] == all[0] {
		t.Errorf("another seed: %q", all[2])
	}
}

func TestConfigureWasiWithNothing(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	if err := store.ConfigureWasi(nil); err == nil {
		t.Error("no error")
	}
}
