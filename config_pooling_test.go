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
