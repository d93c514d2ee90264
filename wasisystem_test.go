package wasmtime_test

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
)

// systemWith calls back into f for every part of the system that a guest of WASI 0.1 can reach.
func systemWith(f func()) *WasiConfig {
	config := NewWasiConfig()
	config.SetWallClock(func() time.Time { f(); return time.Unix(1, 0) }, 1)
	config.SetMonotonicClock(func() time.Duration { f(); return 1 }, 1)
	config.SetSecureRandom(readerFunc(func(p []byte) (int, error) { f(); return len(p), nil }))
	return config
}

// systemCalls are calls that ask every part of it.
var systemCalls = map[string][]any{
	"clock_time_get": {clockRealtime, int64(0), guestResult},
	"random_get":     {guestBuffer, 8},
	"poll_oneoff":    {guestBuffer, guestBuffer + 4096, 1, guestResult},
}

// absoluteSubscription makes poll_oneoff ask the monotonic clock.
func absoluteSubscription(g *wasiGuest) {
	sub := make([]byte, 48)
	sub[16], sub[24], sub[40] = clockMonotonic, 1, 1
	g.mem.Write(guestBuffer, sub)
}

// A panic comes out of the call as it was, and the store can be used afterwards.
func TestWasiSystemPanics(t *testing.T) {
	value := &struct{ int }{5}
	fail := true
	g := newWasiGuest(t, systemWith(func() {
		if fail {
			panic(value)
		}
	}))
	for name, args := range systemCalls {
		fail = true
		absoluteSubscription(g)
		run := g.instance.GetFunc(g.store, name)
		equal(t, name, panicOf(t, func() { run.Call(g.store, args...) }), any(value))
		fail = false
		wantErrno(t, name, g.call(name, args...), errnoSuccess)
	}
}

// The first panic of a call wins, also over one that the guest's caller has.
func TestWasiSystemPanicsBelowHostCall(t *testing.T) {
	engine := NewEngine()
	linker := NewLinker(engine)
	check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	store.SetWasi(systemWith(func() { panic("the clock") }))
	module := compile(t, engine, `(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
		(import "" "again" (func $again))
		(memory (export "memory") 1)
		(func (export "time") (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0))))
		(func (export "run") (call $again)))`)
	var instance *Instance
	check(t, linker.FuncWrap("", "again", func(c *Caller) {
		instance.GetFunc(c, "time").Call(c)
		t.Error("the call returned")
	}))
	instance = must(linker.Instantiate(store, module))
	equal(t, "panic", panicOf(t, func() { instance.GetFunc(store, "run").Call(store) }), any("the clock"))
}

// runtime.Goexit ends the goroutine, with its store, and nothing else.
func TestWasiSystemGoexit(t *testing.T) {
	if debugEnabled {
		t.Skip("the store's memory is lost on purpose, which counts as a leak")
	}
	if !survives(t) {
		return
	}
	for name, args := range systemCalls {
		g := newWasiGuest(t, systemWith(func() { runtime.Goexit() }))
		absoluteSubscription(g)
		run := g.instance.GetFunc(g.store, name)
		var wg sync.WaitGroup
		wg.Go(func() {
			run.Call(g.store, args...)
			t.Error(name, "returned")
		})
		wg.Wait()
		_, err := run.Call(g.store, args...)
		wantIs(t, err, ErrClosed)
		_, errno := newWasiGuest(t, nil).clock(clockRealtime)
		wantErrno(t, "another store", errno, errnoSuccess)
	}
}

// The store is in the middle of a call: using it is refused, not undefined.
func TestWasiSystemMustNotUseStore(t *testing.T) {
	var g *wasiGuest
	var refused []error
	config := systemWith(func() {
		_, err := g.store.PushReader(strings.NewReader(""))
		refused = append(refused, err)
	})
	g = newWasiGuest(t, config)
	for name, args := range systemCalls {
		absoluteSubscription(g)
		wantErrno(t, name, g.call(name, args...), errnoSuccess)
	}
	equal(t, "attempts", len(refused), len(systemCalls))
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
	check(t, linker.DefineWasi())
	store := NewStore(engine)
	defer store.Close()
	var refused error
	store.SetWasi(systemWith(func() { refused = store.SetFuel(1) }))
	module := compile(t, engine, `(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
		(import "" "host" (func $host))
		(memory (export "memory") 1)
		(func (export "run")
			(call $host) (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0))) (call $host)))`)
	calls := 0
	check(t, linker.FuncWrap("", "host", func(c *Caller) {
		calls++
		check(t, c.RemoveFile(must(c.PushReader(strings.NewReader("")))))
	}))
	instance := must(linker.Instantiate(store, module))
	call(t, store, instance, "run")
	equal(t, "host calls", calls, 2)
	if !errors.Is(refused, ErrConcurrentUse) {
		t.Errorf("%v", refused)
	}
}

// One configuration serves many stores, on many goroutines, each as it was when the store got it.
func TestWasiSystemOfManyStores(t *testing.T) {
	var asked atomic.Int64
	config := systemWith(func() { asked.Add(1) })
	var guests []*wasiGuest
	for range 8 {
		guests = append(guests, newWasiGuest(t, config))
	}
	config.SetWallClock(func() time.Time { return time.Unix(2, 0) }, 1)
	later := newWasiGuest(t, config)
	config.Close()
	const rounds = 200
	var wg sync.WaitGroup
	for _, g := range guests {
		wg.Go(func() {
			for range rounds {
				got, errno := g.clock(clockRealtime)
				want(t, "wall clock", got, errno, 1e9)
				if _, err := g.random(5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	equal(t, "questions", asked.Load(), int64(2*rounds*len(guests)))
	got, errno := later.clock(clockRealtime)
	want(t, "the wall clock of the last", got, errno, 2e9)
}

// What a store was given is let go of with the store, or with its configuration, or at once if it could not be given.
func TestWasiSystemIsLetGo(t *testing.T) {
	given := func(gone *atomic.Int32) *WasiConfig {
		kept := tracked(gone)
		return systemWith(func() { runtime.KeepAlive(kept) })
	}
	engine := NewEngine()
	var closed, replaced, dropped, refused atomic.Int32
	store := NewStore(engine)
	store.SetWasi(given(&closed))
	store.Close()
	collected(t, "what a closed store had", func() bool { return closed.Load() == 1 })

	store = NewStore(engine)
	defer store.Close()
	store.SetWasi(given(&replaced))
	store.SetWasi(NewWasiConfig())
	collected(t, "what was replaced", func() bool { return replaced.Load() == 1 })

	func() {
		config := given(&refused)
		config.SetInitialDir("a\x00b")
		if err := store.ConfigureWasi(config); err == nil {
			t.Error("no error")
		}
	}()
	collected(t, "what was refused", func() bool { return refused.Load() == 1 })

	func() { NewStore(engine).SetWasi(given(&dropped)) }()
	collected(t, "what a dropped store had", func() bool { return dropped.Load() == 1 })
	runtime.KeepAlive(store)
}

// What only components can see is taken, and changes nothing for a guest of WASI 0.1.
func TestWasiSystemForComponents(t *testing.T) {
	config := NewWasiConfig()
	config.SetInitialDir("/home")
	config.SetInsecureRandom(readerFunc(func([]byte) (int, error) { return 0, io.EOF }))
	config.SetInsecureRandomSeed(1, 2)
	config.AllowTCP(true)
	config.AllowUDP(true)
	config.AllowIPNameLookup(true)
	config.InheritNetwork()
	config.SetSocketAddrCheck(func(netip.AddrPort, SocketAddrUse) bool { t.Error("an address is checked"); return false })
	g := newWasiGuest(t, config)
	if _, err := g.random(8); err != nil {
		t.Error(err)
	}
	equal(t, "arguments", len(g.strings("args")), 0)
	equal(t, "environment", len(g.strings("environ")), 0)
	equal(t, "directories", g.preopens(), "")
}

func TestWasiInitialDirRefused(t *testing.T) {
	g := newWasiGuest(t, nil)
	for _, dir := range []string{"a\x00b", "\xff"} {
		config := NewWasiConfig()
		config.SetInitialDir(dir)
		wantText(t, g.store.ConfigureWasi(config), "initial_dir")
	}
	config := NewWasiConfig()
	config.SetInitialDir("")
	check(t, g.store.ConfigureWasi(config))
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
		wantPanic(t, name, closedText, use)
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

// A whole Go program, whose runtime has timers and seeds of its own, does the same twice if its clocks and its random bytes do.
func TestGoGuestIsRepeatable(t *testing.T) {
	engine := guestEngine(t)
	module := goGuest(t, engine, "chance")
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
		if status := exitStatus(t, runModule(t, engine, module, config, nil)); status != 0 {
			t.Fatalf("status %d", status)
		}
		all = append(all, out.String())
	}
	lines := strings.Split(all[0], "\n")
	if len(lines) != 5 || lines[0] != "2020-02-29 12:00:00 +0000 UTC" || lines[3] != "true 2020-02-29 12:00:00 +0000 UTC" {
		t.Errorf("the guest printed %q", all[0])
	}
	equal(t, "the same seed", all[1], all[0])
	if all[2] == all[0] {
		t.Errorf("another seed: %q", all[2])
	}
}
