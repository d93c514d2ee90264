package wasmtime_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Every switch of a proposal decides whether a module that needs it validates. The documentation says which are on by
// default.
func TestConfigProposals(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*Config, bool)
		module string
		// byDefault says that it is on if nobody sets it.
		byDefault bool
	}{
		{"threads", (*Config).SetWasmThreads, `(module (memory 1 1 shared))`, true},
		{"tail calls", (*Config).SetWasmTailCall, `(module (func $f (return_call $f)))`, true},
		{"function references", func(cfg *Config, on bool) {
			if !on {
				cfg.SetWasmGC(false)
			}
			cfg.SetWasmFunctionReferences(on)
		}, `(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))`, true},
		{"GC", (*Config).SetWasmGC, `(module (type (struct (field i32))))`, true},
		{"SIMD", func(cfg *Config, on bool) {
			cfg.SetWasmRelaxedSIMD(on)
			cfg.SetWasmSIMD(on)
		}, `(module (func (result v128) (v128.const i64x2 1 2)))`, true},
		{"relaxed SIMD", (*Config).SetWasmRelaxedSIMD,
			`(module (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))`, true},
		{"bulk memory", func(cfg *Config, on bool) {
			if !on {
				cfg.SetWasmGC(false)
				cfg.SetWasmFunctionReferences(false)
				cfg.SetWasmReferenceTypes(false)
			}
			cfg.SetWasmBulkMemory(on)
		}, `(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))`, true},
		{"reference types", func(cfg *Config, on bool) {
			if !on {
				cfg.SetWasmGC(false)
				cfg.SetWasmFunctionReferences(false)
			}
			cfg.SetWasmReferenceTypes(on)
		}, `(module (table 1 externref))`, true},
		{"multi-value", (*Config).SetWasmMultiValue, `(module (func (result i32 i32) (i32.const 1) (i32.const 2)))`, true},
		{"multi-memory", (*Config).SetWasmMultiMemory, `(module (memory 1) (memory 1))`, true},
		{"64-bit memories", (*Config).SetWasmMemory64, `(module (memory i64 1))`, true},
		{"wide arithmetic", (*Config).SetWasmWideArithmetic,
			`(module (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 2))))`, false},
		{"exceptions", (*Config).SetWasmExceptions, `(module (tag (param i32)))`, true},
		{"custom page sizes", (*Config).SetWasmCustomPageSizes, `(module (memory 1 (pagesize 1)))`, false},
		{"extended const", (*Config).SetWasmExtendedConst,
			`(module (global i32 (i32.add (i32.const 1) (i32.const 2))))`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wasm, err := Wat2Wasm(c.module)
			Check(t, err)
			on := EngineWith(t, func(cfg *Config) { c.set(cfg, true) })
			if err := ModuleValidate(on, wasm); err != nil {
				t.Errorf("on: %v", err)
			}
			off := EngineWith(t, func(cfg *Config) { c.set(cfg, false) })
			if err := ModuleValidate(off, wasm); err == nil {
				t.Error("off: the module validates")
			}
			Equal(t, "on by default", ModuleValidate(NewEngine(), wasm) == nil, c.byDefault)
		})
	}
}

// The settings that change no behaviour which a guest could see must still give an engine that works.
func TestConfigSettings(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"debug info":               func(cfg *Config) { cfg.SetDebugInfo(true) },
		"auto":                     func(cfg *Config) { cfg.SetStrategy(StrategyAuto) },
		"cranelift":                func(cfg *Config) { cfg.SetStrategy(StrategyCranelift) },
		"winch":                    func(cfg *Config) { cfg.SetStrategy(StrategyWinch) },
		"no optimisation":          func(cfg *Config) { cfg.SetCraneliftOptLevel(OptLevelNone) },
		"speed":                    func(cfg *Config) { cfg.SetCraneliftOptLevel(OptLevelSpeed) },
		"speed and size":           func(cfg *Config) { cfg.SetCraneliftOptLevel(OptLevelSpeedAndSize) },
		"no profiler":              func(cfg *Config) { cfg.SetProfiler(ProfilingStrategyNone) },
		"sequential compilation":   func(cfg *Config) { cfg.SetParallelCompilation(false) },
		"verifier":                 func(cfg *Config) { cfg.SetCraneliftDebugVerifier(true) },
		"NaN canonicalisation":     func(cfg *Config) { cfg.SetCraneliftNanCanonicalization(true) },
		"no copy-on-write":         func(cfg *Config) { cfg.SetMemoryInitCOWSet(false) },
		"memory stays":             func(cfg *Config) { cfg.SetMemoryMayMove(false) },
		"no guard":                 func(cfg *Config) { cfg.SetMemoryGuardSize(0) },
		"growth":                   func(cfg *Config) { cfg.SetMemoryReservationForGrowth(1 << 20) },
		"no unwind info":           func(cfg *Config) { cfg.SetNativeUnwindInfo(false) },
		"Mach ports":               func(cfg *Config) { cfg.SetMacOSUseMachPorts(false) },
		"GC support off":           func(cfg *Config) { cfg.SetWasmExceptions(false); cfg.SetWasmGC(false); cfg.SetGCSupport(false) },
		"shared memory":            func(cfg *Config) { cfg.SetSharedMemory(true) },
		"components":               func(cfg *Config) { cfg.SetWasmComponentModel(true) },
		"deterministic SIMD":       func(cfg *Config) { cfg.SetWasmRelaxedSIMDDeterministic(true) },
		"8 MiB of stack":           func(cfg *Config) { cfg.SetMaxWasmStack(8 << 20) },
		"1 MiB of stack":           func(cfg *Config) { cfg.SetMaxWasmStack(1 << 20) },
		"a flag of Cranelift":      func(cfg *Config) { cfg.SetCraneliftFlag("enable_alias_analysis", "false") },
		"another of Cranelift":     func(cfg *Config) { cfg.EnableCraneliftFlag("enable_nan_canonicalization") },
		"pooling":                  func(cfg *Config) { cfg.SetPooling(PoolingPreset()) },
		"pooling with its default": func(cfg *Config) { cfg.SetPooling(PoolingConfig{}) },
	} {
		t.Run(name, func(t *testing.T) {
			switch {
			case name == "no unwind info" && runtime.GOOS == "windows":
				t.Skip("Windows needs it")
			case name == "winch":
				needsWinch(t)
			}
			engine := EngineWith(t, set)
			defer engine.Close()
			store, instance := GuestIn(t, engine, `(module
				(memory (export "memory") 1) (data (i32.const 8) "\2a")
				(func (export "f") (param i32) (result i32)
					(i32.add (local.get 0) (i32.load8_u (i32.const 8)))))`)
			Equal(t, "f(1)", Call(t, store, instance, "f", 1), any(int32(43)))
		})
	}
}

// What Wasmtime refuses is an error of TryNewEngine and a panic of NewEngineWithConfig, never the end of the process.
func TestConfigRefused(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"no stack":                     func(cfg *Config) { cfg.SetMaxWasmStack(0) },
		"negative stack":               func(cfg *Config) { cfg.SetMaxWasmStack(-1) },
		"unknown flag":                 func(cfg *Config) { cfg.EnableCraneliftFlag("bogus") },
		"unknown flag with a value":    func(cfg *Config) { cfg.SetCraneliftFlag("bogus", "1") },
		"bad value of a flag":          func(cfg *Config) { cfg.SetCraneliftFlag("opt_level", "bogus") },
		"relaxed SIMD without SIMD":    func(cfg *Config) { cfg.SetWasmSIMD(false); cfg.SetWasmRelaxedSIMD(true) },
		"Winch and GC":                 func(cfg *Config) { cfg.SetStrategy(StrategyWinch); cfg.SetWasmGC(true) },
		"Winch and function refs":      func(cfg *Config) { cfg.SetStrategy(StrategyWinch); cfg.SetWasmFunctionReferences(true) },
		"Winch and exceptions":         func(cfg *Config) { cfg.SetStrategy(StrategyWinch); cfg.SetWasmExceptions(true) },
		"more memory than addresses":   func(cfg *Config) { cfg.SetPooling(PoolingConfig{MaxInstances: 1 << 20, MaxMemorySize: 4 << 30}) },
		"a memory that has no address": func(cfg *Config) { cfg.SetPooling(PoolingConfig{MaxMemorySize: 1 << 63}) },
	} {
		t.Run(name, func(t *testing.T) {
			if !Survives(t) {
				return
			}
			cfg := NewConfig()
			set(cfg)
			engine, err := TryNewEngine(cfg)
			if _, ok := err.(*Error); !ok || engine != nil || err.Error() == "" {
				t.Errorf("got %v, %T %v", engine, err, err)
			}
			cfg = NewConfig()
			set(cfg)
			value := PanicOf(t, func() { NewEngineWithConfig(cfg) })
			if _, ok := value.(*Error); !ok {
				t.Errorf("panicked with %T %v", value, value)
			}
		})
	}
}

func TestConfigTarget(t *testing.T) {
	cfg := NewConfig()
	defer cfg.Close()
	if _, ok := cfg.SetTarget("no-such-triple").(*Error); !ok {
		t.Error("an unknown triple is no *Error")
	}
	// A foreign target compiles but does not run here.
	engine, err := TryNewEngine(func() *Config {
		cfg := NewConfig()
		foreign := "riscv64gc-unknown-linux-gnu"
		if runtime.GOARCH == "riscv64" {
			foreign = "x86_64-unknown-linux-gnu"
		}
		Check(t, cfg.SetTarget(foreign))
		return cfg
	}())
	if err != nil {
		WantText(t, err, "and the library compiles for "+runtime.GOARCH)
		return
	}
	defer engine.Close()
	module, err := NewModule(engine, Must(Wat2Wasm(`(module (func (export "f")))`)))
	if err != nil {
		return
	}
	if _, err := NewInstance(NewStore(engine), module, nil); err == nil {
		t.Error("foreign code was instantiated")
	}
}

func TestConfigUsedUp(t *testing.T) {
	cfg := NewConfig()
	NewEngineWithConfig(cfg).Close()
	WantPanic(t, "a second engine", "used up", func() { NewEngineWithConfig(cfg) })
	WantPanic(t, "a setter", "used up", func() { cfg.SetDebugInfo(true) })
	cfg.Close()

	closed := NewConfig()
	closed.Close()
	closed.Close()
	for name, use := range map[string]func(){
		"flag":        func() { closed.SetConsumeFuel(true) },
		"stack":       func() { closed.SetMaxWasmStack(1 << 20) },
		"strategy":    func() { closed.SetStrategy(StrategyAuto) },
		"level":       func() { closed.SetCraneliftOptLevel(OptLevelNone) },
		"profiler":    func() { closed.SetProfiler(ProfilingStrategyNone) },
		"enable flag": func() { closed.EnableCraneliftFlag("x") },
		"set flag":    func() { closed.SetCraneliftFlag("x", "y") },
		"reservation": func() { closed.SetMemoryReservation(0) },
		"guard":       func() { closed.SetMemoryGuardSize(0) },
		"growth":      func() { closed.SetMemoryReservationForGrowth(0) },
		"pooling":     func() { closed.SetPooling(PoolingPreset()) },
	} {
		WantPanic(t, name, "used up", use)
	}
	for _, err := range []error{
		closed.SetTarget("x"), closed.CacheConfigLoadDefault(), closed.CacheConfigLoad("x"), ErrorOf(TryNewEngine(closed)),
	} {
		WantTyped(t, err, ErrClosed, "used up")
	}

	// A refused configuration is used up as well.
	refused := NewConfig()
	refused.SetMaxWasmStack(0)
	if _, err := TryNewEngine(refused); err == nil {
		t.Error("a stack of 0 bytes is accepted")
	}
	WantTyped(t, ErrorOf(TryNewEngine(refused)), ErrClosed, "used up")
}

func TestConfigCache(t *testing.T) {
	dir, err := os.MkdirTemp("", "cache")
	Check(t, err)
	defer os.RemoveAll(dir) // the cache's own thread may still be writing its statistics
	file := filepath.Join(dir, "cache.toml")
	cache := filepath.Join(dir, "cache")
	Check(t, os.WriteFile(file, []byte("[cache]\ndirectory = '"+cache+"'\n"), 0o600))
	for range 2 {
		engine := EngineWith(t, func(cfg *Config) { Check(t, cfg.CacheConfigLoad(file)) })
		store, instance := GuestIn(t, engine, `(module (func (export "f") (result i32) (i32.const 5)))`)
		Equal(t, "f()", Call(t, store, instance, "f"), any(int32(5)))
	}
	var kept int
	Check(t, filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".stats") {
			kept++
		}
		return err
	}))
	if kept == 0 {
		t.Error("nothing is in the cache")
	}

	cfg := NewConfig()
	defer cfg.Close()
	for _, path := range []string{filepath.Join(dir, "missing"), "", dir} {
		if _, ok := cfg.CacheConfigLoad(path).(*Error); !ok {
			t.Errorf("CacheConfigLoad(%q) is no error", path)
		}
	}
	Check(t, os.WriteFile(file, []byte("this is not TOML"), 0o600))
	if _, ok := cfg.CacheConfigLoad(file).(*Error); !ok {
		t.Error("a file that is no TOML is accepted")
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "xdg"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	EngineWith(t, func(cfg *Config) { Check(t, cfg.CacheConfigLoadDefault()) }).Close()
}

func TestConfigPooling(t *testing.T) {
	pool := func(p PoolingConfig) *Engine {
		return EngineWith(t, func(cfg *Config) { cfg.SetPooling(p) })
	}
	engine := pool(PoolingConfig{MaxInstances: 2, MaxMemorySize: 1 << 20, MaxTableElements: 10})
	module := Compile(t, engine, `(module (memory 1))`)
	stores := []*Store{NewStore(engine), NewStore(engine)}
	for _, store := range stores {
		Must(NewInstance(store, module, nil))
	}
	third := NewStore(engine)
	defer third.Close()
	_, err := NewInstance(third, module, nil)
	WantTyped(t, err, ErrPoolFull, "limit of 2")
	stores[0].Close()
	if _, err := NewInstance(third, module, nil); err != nil {
		t.Errorf("after one of them was closed: %v", err)
	}
	stores[1].Close()

	for name, wat := range map[string]string{
		"memory": `(module (memory 17))`,
		"table":  `(module (table 11 funcref))`,
	} {
		module, err := NewModule(engine, Must(Wat2Wasm(wat)))
		if err == nil {
			_, err = NewInstance(NewStore(engine), module, nil)
		}
		if _, ok := err.(*Error); !ok {
			t.Errorf("a %s that is too large: %v", name, err)
		}
	}
	few := pool(PoolingConfig{MaxInstances: 4, MaxMemorySize: 1 << 16, MaxMemoriesPerModule: 1, MaxTablesPerModule: 1})
	for _, wat := range []string{`(module (memory 1) (memory 1))`, `(module (table 1 funcref) (table 1 funcref))`} {
		module, err := NewModule(few, Must(Wat2Wasm(wat)))
		if err == nil {
			_, err = NewInstance(NewStore(few), module, nil)
		}
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v", wat, err)
		}
	}
}

// A slot of the pool that is used again is clean.
func TestConfigPoolingIsClean(t *testing.T) {
	preset := PoolingPreset()
	preset.MaxInstances = 1
	engine := EngineWith(t, func(cfg *Config) { cfg.SetPooling(preset) })
	module := Compile(t, engine, `(module (memory (export "m") 8))`)
	for range 3 {
		store := NewStore(engine)
		memory := Must(NewInstance(store, module, nil)).GetMemory(store, "m")
		data := memory.UnsafeData(store)
		for _, at := range []int{0, 100 << 10, 200 << 10, len(data) - 1} {
			if data[at] != 0 {
				t.Fatalf("byte %d is left from before", at)
			}
			data[at] = 0xff
		}
		store.Close()
	}
}

// Winch lacks proposals that are on by default; such a module is an error.
func TestConfigWinch(t *testing.T) {
	needsWinch(t)
	engine := EngineWith(t, func(cfg *Config) { cfg.SetStrategy(StrategyWinch) })
	store, instance := GuestIn(t, engine, `(module
		(func $fac (export "fac") (param i64) (result i64)
			(if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
				(else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1))))))))`)
	Equal(t, "fac(20)", Call(t, store, instance, "fac", 20), any(int64(2432902008176640000)))
	if _, err := NewModule(engine, Must(Wat2Wasm(`(module (type (struct)) (func (drop (struct.new 0))))`))); err == nil {
		t.Error("Winch compiles GC")
	}
}

// A configuration serves one of the goroutines that make an engine of it at once; the others panic.
func TestConfigInManyGoroutines(t *testing.T) {
	if !Survives(t) {
		return
	}
	for range 50 {
		cfg := NewConfig()
		var engines atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				defer func() { recover() }() // it has been used up
				cfg.SetConsumeFuel(true)
				cfg.SetCraneliftOptLevel(OptLevelNone)
				cfg.SetMemoryGuardSize(1 << 16)
				NewEngineWithConfig(cfg).Close()
				engines.Add(1)
			})
		}
		all.Wait()
		cfg.Close()
		Equal(t, "engines", engines.Load(), 1)
	}
}
