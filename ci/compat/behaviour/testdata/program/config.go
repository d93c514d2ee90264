package main

import (
	"os"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func init() {
	cases["config/cache"] = func(r *report) {
		os.Setenv("HOME", ".")
		os.Setenv("XDG_CONFIG_HOME", "")
		r.err("missing file", wasmtime.NewConfig().CacheConfigLoad("missing.toml"))
		must(0, os.WriteFile("bad.toml", []byte("= nonsense"), 0o600))
		r.say("bad file", "%T", wasmtime.NewConfig().CacheConfigLoad("bad.toml"))
		must(0, os.WriteFile("unknown.toml", []byte("[cache]\nbogus = 1\n"), 0o600))
		r.say("unknown key", "%T", wasmtime.NewConfig().CacheConfigLoad("unknown.toml"))
	}
	cases["config/cache-default"] = func(r *report) {
		r.err("default", wasmtime.NewConfig().CacheConfigLoadDefault())
	}
	cases["config/cache-file"] = func(r *report) {
		dir := must(os.Getwd())
		must(0, os.WriteFile("cache.toml", []byte("[cache]\ndirectory = \""+dir+"/cache\"\n"), 0o600))
		config := wasmtime.NewConfig()
		r.err("load", config.CacheConfigLoad("cache.toml"))
		engine := wasmtime.NewEngineWithConfig(config)
		compile(engine, `(module (func (export "f")))`)
		deadline := time.Now().Add(2 * time.Second)
		entries, _ := os.ReadDir("cache")
		for len(entries) == 0 && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
			entries, _ = os.ReadDir("cache")
		}
		r.say("something cached", "%v", len(entries) > 0)
	}
	cases["config/all-setters"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) {
			c.SetDebugInfo(true)
			c.SetWasmThreads(true)
			c.SetWasmReferenceTypes(true)
			c.SetWasmSIMD(true)
			c.SetWasmRelaxedSIMD(true)
			c.SetWasmRelaxedSIMDDeterministic(true)
			c.SetWasmBulkMemory(true)
			c.SetWasmMultiValue(true)
			c.SetWasmMultiMemory(true)
			c.SetWasmMemory64(true)
			c.SetWasmTailCall(true)
			c.SetWasmFunctionReferences(true)
			c.SetWasmGC(true)
			c.SetGCSupport(true)
			c.SetWasmComponentModel(true)
			c.SetWasmWideArithmetic(true)
			c.SetConsumeFuel(false)
			c.SetEpochInterruption(false)
			c.SetStrategy(wasmtime.StrategyAuto)
			c.SetStrategy(wasmtime.StrategyCranelift)
			c.SetCraneliftDebugVerifier(true)
			c.SetCraneliftOptLevel(wasmtime.OptLevelNone)
			c.SetCraneliftOptLevel(wasmtime.OptLevelSpeed)
			c.SetCraneliftOptLevel(wasmtime.OptLevelSpeedAndSize)
			c.SetProfiler(wasmtime.ProfilingStrategyNone)
			c.SetParallelCompilation(true)
			c.SetCraneliftNanCanonicalization(true)
			c.SetNativeUnwindInfo(true)
			c.SetMacOSUseMachPorts(false)
			c.SetMemoryInitCOWSet(true)
			c.SetMaxWasmStack(1 << 20)
		})
		store := wasmtime.NewStore(engine)
		instance := in(store, `(module (func (export "f") (result f32) (f32.div (f32.const 0) (f32.const 0))))`)
		r.call("canonical NaN", store, instance.GetFunc(store, "f"))
	}
	cases["config/features-off"] = func(r *report) {
		off := func(key string, text string, set func(*wasmtime.Config)) {
			_, err := wasmtime.NewModule(engineWith(set), wat(text))
			r.err(key, err)
		}
		off("multi-memory", `(module (memory 1) (memory 1))`, func(c *wasmtime.Config) { c.SetWasmMultiMemory(false) })
		off("multi-value", `(module (func (result i32 i32) (i32.const 1) (i32.const 2)))`, func(c *wasmtime.Config) { c.SetWasmMultiValue(false) })
		off("threads", `(module (memory 1 1 shared))`, func(c *wasmtime.Config) { c.SetWasmThreads(false) })
		off("memory64", `(module (memory i64 1))`, func(c *wasmtime.Config) { c.SetWasmMemory64(false) })
		off("tail call", `(module (func $f (return_call $f)))`, func(c *wasmtime.Config) { c.SetWasmTailCall(false) })
		off("gc", `(module (type (struct)))`, func(c *wasmtime.Config) { c.SetWasmGC(false) })
		off("gc by default", `(module (type (struct)))`, func(c *wasmtime.Config) {})
		off("wide arithmetic by default", `(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1))))`, func(c *wasmtime.Config) {})
		off("function references by default", `(module (type $t (func)) (func (param (ref $t))))`, func(c *wasmtime.Config) {})
	}
	cases["config/simd-off"] = func(r *report) {
		_, err := wasmtime.NewModule(engineWith(func(c *wasmtime.Config) { c.SetWasmSIMD(false); c.SetWasmRelaxedSIMD(false) }), wat(`(module (func (param v128)))`))
		r.err("simd", err)
	}
	cases["config/simd-off-relaxed-on"] = func(r *report) {
		r.panics("engine", func() { engineWith(func(c *wasmtime.Config) { c.SetWasmSIMD(false) }) })
	}
	cases["config/reference-types-off"] = func(r *report) {
		r.panics("engine", func() {
			_, err := wasmtime.NewModule(engineWith(func(c *wasmtime.Config) { c.SetWasmReferenceTypes(false) }), wat(`(module (func (param externref)))`))
			r.err("module", err)
		})
	}
	cases["config/bulk-memory-off"] = func(r *report) {
		r.panics("engine", func() { engineWith(func(c *wasmtime.Config) { c.SetWasmBulkMemory(false) }) })
	}
	cases["config/gc-support-off"] = func(r *report) {
		r.panics("engine", func() {
			engine := engineWith(func(c *wasmtime.Config) { c.SetGCSupport(false) })
			_, err := wasmtime.NewModule(engine, wat(`(module (func (param externref)))`))
			r.err("module", err)
		})
	}
	cases["config/target"] = func(r *report) {
		r.err("bogus", wasmtime.NewConfig().SetTarget("bogus"))
		r.err("native", wasmtime.NewConfig().SetTarget("x86_64-unknown-linux-gnu"))
		r.err("empty", wasmtime.NewConfig().SetTarget(""))
	}
	cases["config/target-other"] = func(r *report) {
		config := wasmtime.NewConfig()
		r.err("set", config.SetTarget("aarch64-unknown-linux-gnu"))
		r.panics("engine", func() {
			_, err := wasmtime.NewModule(wasmtime.NewEngineWithConfig(config), wat(`(module (func))`))
			r.err("compile", err)
		})
	}
	cases["config/cranelift-flag"] = func(r *report) {
		engine := engineWith(func(c *wasmtime.Config) {
			c.SetCraneliftFlag("opt_level", "none")
			c.EnableCraneliftFlag("enable_nan_canonicalization")
		})
		store := wasmtime.NewStore(engine)
		r.call("call", store, in(store, `(module (func (export "f")))`).GetFunc(store, "f"))
	}
	cases["config/cranelift-flag-bogus"] = func(r *report) {
		r.panics("engine", func() { engineWith(func(c *wasmtime.Config) { c.SetCraneliftFlag("bogus", "1") }) })
	}
	cases["config/max-stack"] = func(r *report) {
		depth := func(size int) int32 {
			engine := engineWith(func(c *wasmtime.Config) { c.SetMaxWasmStack(size) })
			store := wasmtime.NewStore(engine)
			instance := in(store, `(module (global (export "n") (mut i32) (i32.const 0))
			  (func $f (export "f") (global.set 0 (i32.add (global.get 0) (i32.const 1))) (call $f)))`)
			_, err := instance.GetFunc(store, "f").Call(store)
			if trap, ok := err.(*wasmtime.Trap); !ok || *trap.Code() != wasmtime.StackOverflow {
				return -1
			}
			return instance.GetExport(store, "n").Global().Get(store).I32()
		}
		small, large := depth(64<<10), depth(1<<20)
		r.say("more stack, more depth", "%v", small > 100 && large > 4*small)
	}
	cases["config/max-stack-8MiB"] = func(r *report) {
		r.panics("engine", func() { engineWith(func(c *wasmtime.Config) { c.SetMaxWasmStack(8 << 20) }) })
	}
	cases["config/max-stack-zero"] = func(r *report) {
		r.panics("engine", func() { engineWith(func(c *wasmtime.Config) { c.SetMaxWasmStack(0) }) })
	}
	cases["config/profiler"] = func(r *report) {
		r.panics("jitdump", func() {
			engineWith(func(c *wasmtime.Config) { c.SetProfiler(wasmtime.ProfilingStrategyJitdump) })
		})
	}
	cases["config/constants"] = func(r *report) {
		r.say("strategies", "%d %d", wasmtime.StrategyAuto, wasmtime.StrategyCranelift)
		r.say("levels", "%d %d %d", wasmtime.OptLevelNone, wasmtime.OptLevelSpeed, wasmtime.OptLevelSpeedAndSize)
		r.say("profilers", "%d %d", wasmtime.ProfilingStrategyNone, wasmtime.ProfilingStrategyJitdump)
		r.say("trap codes", "%d %d %d", wasmtime.StackOverflow, wasmtime.UnreachableCodeReached, wasmtime.OutOfFuel)
	}
}
