package wasmtime_test

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// lazily are settings of Go's collector that make it start late, or never.
var lazily = map[string]int{"off": -1, "10000": 10000}

// collectsLazily is for the length of a test.
func collectsLazily(t *testing.T, percent int) {
	before := debug.SetGCPercent(percent)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

// Stores that nobody has closed take no place in a pool when somebody needs it.
func TestLostStoresMakeRoomInAPool(t *testing.T) {
	for name, percent := range lazily {
		t.Run("GOGC="+name, func(t *testing.T) {
			collectsLazily(t, percent)
			engine := EngineWith(t, func(cfg *Config) {
				cfg.SetPooling(PoolingConfig{MaxInstances: 50, MaxMemorySize: 1 << 16, MaxTableElements: 10})
			})
			defer engine.Close()
			module := Compile(t, engine, `(module (memory 1))`)
			var kept []*Store
			for i := range Rounds(1000) {
				store := NewStore(engine)
				if _, err := NewInstance(store, module, nil); err != nil {
					t.Fatalf("store %d: %v", i, err)
				}
				if i%100 == 0 {
					kept = append(kept, store)
				}
			}
			for _, store := range kept {
				store.Close()
			}
		})
	}
}

// Several goroutines that lack room at once get it from one collection.
func TestLostStoresMakeRoomForMany(t *testing.T) {
	collectsLazily(t, -1)
	engine := EngineWith(t, func(cfg *Config) {
		cfg.SetPooling(PoolingConfig{MaxInstances: 64, MaxMemorySize: 1 << 16, MaxTableElements: 10})
	})
	defer engine.Close()
	module := Compile(t, engine, `(module (memory 1))`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range Rounds(300) {
				if _, err := NewInstance(NewStore(engine), module, nil); err != nil {
					t.Errorf("store %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Address space comes back before it is short, by the number of stores; and when it is short, whatever they hold.
func TestLostStoresGiveAddressSpaceBack(t *testing.T) {
	if testing.Short() || Race || Debug {
		t.Skip("tens of thousands of stores")
	}
	if OnWine() {
		t.Skip("Linux's limit of mappings, three for a memory, comes before that of the address space, and ends Go")
	}
	engine := NewEngine()
	for name, wat := range map[string]string{
		"many stores":     `(module (memory 1))`,
		"large instances": `(module ` + strings.Repeat(`(memory 1)`, 25) + `)`,
	} {
		module := Compile(t, engine, wat)
		memories := strings.Count(wat, "memory")
		for gc, percent := range lazily {
			t.Run(name+" GOGC="+gc, func(t *testing.T) {
				collectsLazily(t, percent)
				for i := range 45_000 / memories {
					if _, err := NewInstance(NewStore(engine), module, nil); err != nil {
						t.Fatalf("store %d: %v", i, err)
					}
				}
			})
		}
	}
	t.Run("memories of the host", func(t *testing.T) {
		collectsLazily(t, -1)
		page := Must(NewMemoryType(1, false, 0, false))
		for i := range 45_000 / 25 {
			store := NewStore(engine)
			for range 25 {
				if _, err := NewMemory(store, page); err != nil {
					t.Fatalf("store %d: %v", i, err)
				}
			}
		}
	})
	runtime.GC()
}

// A pool that is really full says so at once, also to those who ask again and again.
func TestFullPoolFailsFast(t *testing.T) {
	engine := EngineWith(t, func(cfg *Config) {
		cfg.SetPooling(PoolingConfig{MaxInstances: 2, MaxMemorySize: 1 << 16, MaxTableElements: 10})
	})
	defer engine.Close()
	module := Compile(t, engine, `(module (memory 1))`)
	for range 2 {
		store := NewStore(engine)
		defer store.Close()
		Must(NewInstance(store, module, nil))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	for range Rounds(1000) {
		_, err := NewInstance(NewStore(engine), module, nil)
		WantTyped(t, err, ErrPoolFull, "limit of 2")
	}
	most := uint32(time.Since(begun)/(100*time.Millisecond)) + 3
	runtime.ReadMemStats(&after)
	if forced := after.NumForcedGC - before.NumForcedGC; forced > most && !Debug {
		t.Errorf("%d collections in %v", forced, time.Since(begun))
	}
}

// What fails otherwise, or in the start function, is not tried again.
func TestOtherFailuresAreNotRepeated(t *testing.T) {
	store := NewStore(NewEngine())
	defer store.Close()
	started := 0
	linker := NewLinker(store.Engine)
	Check(t, linker.DefineHost("", "f", HostFunc0(func(*Caller) (None, error) {
		started++
		return None{}, ErrPoolFull
	})))
	Check(t, linker.FuncWrap("", "mmap", func() *Trap { started++; return NewTrap("mmap failed") }))
	for _, name := range []string{"f", "mmap"} {
		started = 0
		_, err := linker.Instantiate(store, Compile(t, store.Engine, `(module (import "" "`+name+`" (func $f)) (start $f))`))
		if err == nil || started != 1 {
			t.Errorf("%s: the start function ran %d times: %v", name, started, err)
		}
	}
}
