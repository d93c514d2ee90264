package wasmtime_test

import (
	"math"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// To close a module, the pool goes through all memories that it might have had. More than any module has are refused.
func TestPoolingRefusesAbsurdNumbers(t *testing.T) {
	for _, n := range []uint32{math.MaxUint32, 100_000_000, 10_001} {
		cfg := NewConfig()
		cfg.SetPooling(PoolingConfig{MaxInstances: 2, MaxMemoriesPerModule: n})
		engine, err := TryNewEngine(cfg)
		WantText(t, err, "memories; the most is 10000")
		if engine != nil {
			t.Errorf("there is an engine for %d memories a module", n)
		}
	}
	engine := EngineWith(t, func(cfg *Config) {
		cfg.SetPooling(PoolingConfig{MaxInstances: 2, MaxMemoriesPerModule: 10_000, MaxTablesPerModule: math.MaxUint32})
	})
	defer engine.Close()
	store, instance := GuestIn(t, engine, `(module (memory (export "memory") 1))`)
	if instance.GetMemory(store, "memory") == nil {
		t.Error("the memory is missing")
	}
	store.Close()
	module := Compile(t, engine, "(module (memory 1))")
	start := time.Now()
	module.Close()
	if took := time.Since(start); took > time.Second {
		t.Errorf("closing a module took %v", took)
	}
}

// The numbers of memories and the like can be other ones than that of the instances.
func TestPoolingNumbers(t *testing.T) {
	pool := func(p PoolingConfig) *Engine {
		engine := EngineWith(t, func(cfg *Config) { cfg.SetPooling(p) })
		t.Cleanup(engine.Close)
		return engine
	}
	small := PoolingConfig{MaxInstances: 3, MaxMemorySize: 1 << 16, MaxTableElements: 10}
	const page, table, object = `(module (memory 1))`, `(module (table 1 funcref))`, `(module (type $s (struct)) (global (ref $s) (struct.new $s)))`
	for name, c := range map[string]struct {
		set func(*PoolingConfig)
		wat string
	}{
		"memories": {func(p *PoolingConfig) { p.MaxMemories = 1 }, page},
		"tables":   {func(p *PoolingConfig) { p.MaxTables = 1 }, table},
		"GC heaps": {func(p *PoolingConfig) { p.MaxGCHeaps = 1 }, object},
	} {
		t.Run(name, func(t *testing.T) {
			limited := small
			limited.TableKeepResident, limited.DecommitBatchSize = 1<<12, 2
			c.set(&limited)
			engine := pool(limited)
			module := Compile(t, engine, c.wat)
			stores := fillPool(t, engine, module, 1)
			WantTyped(t, ErrorOf(NewInstance(NewStore(engine), module, nil)), ErrPoolFull, "limit of 1")
			stores[0].Close()
			fillPool(t, engine, module, 1)
			all := pool(small)
			fillPool(t, all, Compile(t, all, c.wat), 3)
		})
	}
	tiny := small
	tiny.MaxInstanceSize = 64
	_, err := NewModule(pool(tiny), Must(Wat2Wasm(page)))
	WantText(t, err, "exceeds")
}
