package main

import (
	"math"
	"strings"

	"github.com/gowasmtime/wasmtime"
)

// groups returns all groups, as they are listed.
func groups() []group {
	return []group{optimizeGroup(), codegenGroup(), debugGroup(), wasmGroup(), wasiGroup(), recordGroup()}
}

// optimizeGroup is -O: speed, and the memory that it takes.
func optimizeGroup() group {
	g := group{short: "O", long: "optimize", help: "Speed, and the memory that it takes"}
	g.keys = append(g.keys,
		choice("opt-level", "How hard the compiler tries: not, for speed (the default), for speed and size", func(s *settings, level wasmtime.OptLevel) {
			s.configure("opt-level", func(c *wasmtime.Config) error { c.SetCraneliftOptLevel(level); return nil })
		}, "0|1|2|s", map[string]wasmtime.OptLevel{
			"0": wasmtime.OptLevelNone, "1": wasmtime.OptLevelSpeed, "2": wasmtime.OptLevelSpeed, "s": wasmtime.OptLevelSpeedAndSize,
		}),
		choice("regalloc-algorithm", "How registers are allocated: well (the default), or fast", func(s *settings, name string) {
			s.configure("regalloc-algorithm", func(c *wasmtime.Config) error { c.SetCraneliftFlag("regalloc_algorithm", name); return nil })
		}, "backtracking|single-pass", map[string]string{"backtracking": "backtracking", "single-pass": "single_pass"}),
		engineFlag("memory-init-cow", "Map the initial data of memories copy-on-write", (*wasmtime.Config).SetMemoryInitCOWSet),
		engineFlag("memory-may-move", "Let memories move when they outgrow their reservation", (*wasmtime.Config).SetMemoryMayMove),
		engineNumber("memory-reservation", "Reserve N bytes of address space for a memory", (*wasmtime.Config).SetMemoryReservation),
		engineNumber("memory-reservation-for-growth", "Reserve N bytes more for a memory that moves", (*wasmtime.Config).SetMemoryReservationForGrowth),
		engineNumber("memory-guard-size", "Keep N bytes free behind a memory", (*wasmtime.Config).SetMemoryGuardSize),
		flag("pooling-allocator", "Take instances from pools that are set up in advance", func(s *settings, on bool) { s.pooling = &on }),
		number("pooling-total-core-instances", "Have pools for N instances, with one memory, table, stack and GC heap each", func(s *settings, n uint64) { s.pools.MaxInstances = clamp32(n) }),
		number("pooling-max-memory-size", "Let memories of the pool grow to N bytes", func(s *settings, n uint64) { s.pools.MaxMemorySize = n }),
		number("pooling-table-elements", "Let tables of the pool grow to N elements", func(s *settings, n uint64) { s.pools.MaxTableElements = n }),
		number("pooling-max-memories-per-module", "Allow N memories a module in the pool", func(s *settings, n uint64) { s.pools.MaxMemoriesPerModule = clamp32(n) }),
		number("pooling-max-tables-per-module", "Allow N tables a module in the pool", func(s *settings, n uint64) { s.pools.MaxTablesPerModule = clamp32(n) }),
		number("pooling-max-unused-warm-slots", "Keep N unused slots of the pool as they are", func(s *settings, n uint64) { s.pools.MaxUnusedWarmSlots = clamp32(n) }),
		number("pooling-memory-keep-resident", "Keep N bytes of a pool's memory, and of a table, in place between uses", func(s *settings, n uint64) { s.pools.KeepResident = n }),
		number("pooling-table-keep-resident", "The same for tables only", func(s *settings, n uint64) { s.pools.TableKeepResident = n }),
		number("pooling-total-memories", "Have N memories in the pool, in place of one for each instance", func(s *settings, n uint64) { s.pools.MaxMemories = clamp32(n) }),
		number("pooling-total-tables", "Have N tables in the pool, in place of one for each instance", func(s *settings, n uint64) { s.pools.MaxTables = clamp32(n) }),
		number("pooling-total-gc-heaps", "Have N GC heaps in the pool, in place of one for each instance", func(s *settings, n uint64) { s.pools.MaxGCHeaps = clamp32(n) }),
		number("pooling-max-core-instance-size", "Let an instance of the pool take N bytes besides its memories and tables", func(s *settings, n uint64) { s.pools.MaxInstanceSize = n }),
		number("pooling-decommit-batch-size", "Give N unused slots of the pool back to the system at once", func(s *settings, n uint64) { s.pools.DecommitBatchSize = n }),
		engineFlag("signals-based-traps", "Find accesses beyond a memory and the like by signals (the default)", (*wasmtime.Config).SetSignalsBasedTraps),
		engineNumber("static-memory-maximum-size", "The old name of memory-reservation", (*wasmtime.Config).SetMemoryReservation),
		engineFlag("static-memory-forced", "The opposite of memory-may-move, the newer name", func(c *wasmtime.Config, on bool) { c.SetMemoryMayMove(!on) }),
		engineNumber("static-memory-guard-size", "An old name of memory-guard-size", (*wasmtime.Config).SetMemoryGuardSize),
		engineNumber("dynamic-memory-guard-size", "An old name of memory-guard-size", (*wasmtime.Config).SetMemoryGuardSize),
		engineNumber("dynamic-memory-reserved-for-growth", "The old name of memory-reservation-for-growth", (*wasmtime.Config).SetMemoryReservationForGrowth),
	)
	g.keys = append(g.keys, ignoredKeys("pooling-total-component-instances", "pooling-max-component-instance-size",
		"pooling-max-core-instances-per-component", "pooling-max-memories-per-component", "pooling-max-tables-per-component",
		"pooling-total-stacks", "pooling-async-stack-keep-resident")...)
	g.keys = append(g.keys, missingKeys("gc-heap-may-move", "gc-heap-reservation", "gc-heap-reservation-for-growth", "gc-heap-guard-size",
		"gc-heap-initial-size", "guard-before-linear-memory=y", "table-lazy-init=y",
		"memory-guaranteed-dense-image-size", "pooling-memory-protection-keys=n", "pooling-max-memory-protection-keys", "pooling-pagemap-scan=n", "gc-zeal-alloc-counter")...)
	return g
}

// codegenGroup is -C: the compiler.
func codegenGroup() group {
	g := group{short: "C", long: "codegen", help: "The compiler"}
	g.keys = append(g.keys,
		choice("compiler", "Which compiler: one for fast code (the default), or one that is fast itself", func(s *settings, strategy wasmtime.Strategy) {
			s.configure("compiler", func(c *wasmtime.Config) error { c.SetStrategy(strategy); return nil })
		}, "cranelift|winch", map[string]wasmtime.Strategy{"cranelift": wasmtime.StrategyCranelift, "winch": wasmtime.StrategyWinch}),
		flag("cache", "Keep compiled modules on disk for the next time (run does by default)", func(s *settings, on bool) { s.cache = &on }),
		key{name: "cache-config", form: formPath, help: "The file that configures the cache", set: func(s *settings, v value) error {
			s.cacheConfig = v.text
			return nil
		}},
		engineFlag("parallel-compilation", "Compile with several threads", (*wasmtime.Config).SetParallelCompilation),
		engineFlag("native-unwind-info", "Make unwind tables for the compiled code", (*wasmtime.Config).SetNativeUnwindInfo),
		engineFlag("cranelift-debug-verifier", "Let Cranelift check its own work", (*wasmtime.Config).SetCraneliftDebugVerifier),
		key{name: "cranelift", form: "[=VAL]", prefix: true, help: "Set a flag of Cranelift", set: setCraneliftFlag},
	)
	g.keys = append(g.keys, missingKeys("collector", "inlining=n", "metadata-for-internal-asserts=n", "metadata-for-gc-heap-corruption=y")...)
	return g
}

// setCraneliftFlag does -C cranelift-KEY[=VALUE].
func setCraneliftFlag(s *settings, v value) error {
	name := strings.ReplaceAll(v.rest, "-", "_")
	s.configure("cranelift-"+v.rest, func(c *wasmtime.Config) error {
		if v.given {
			c.SetCraneliftFlag(name, v.text)
		} else {
			c.EnableCraneliftFlag(name)
		}
		return nil
	})
	return nil
}

// debugGroup is -D: finding defects.
func debugGroup() group {
	g := group{short: "D", long: "debug", help: "Finding defects"}
	g.keys = append(g.keys, engineFlag("debug-info", "Make DWARF for the compiled code, for native debuggers", (*wasmtime.Config).SetDebugInfo))
	// There is no logger, and so nothing to be switched on or off.
	g.keys = append(g.keys, ignoredKeys("logging")...)
	g.keys = append(g.keys, missingKeys("guest-debug=n", "address-map=y", "log-to-files=n", "coredump", "debugger", "arg",
		"inherit-stdin=n", "inherit-stdout=n", "inherit-stderr=n", "max-backtrace=20", "symbols=y")...)
	return g
}

// wasiGroup is -S: what the guest gets through WASI.
func wasiGroup() group {
	g := group{short: "S", long: "wasi", help: "What the guest gets through WASI"}
	g.keys = append(g.keys,
		flag("cli", "Provide WASI 0.1, or WASI 0.2 for a component (the default of run; serve provides what proxies have)", func(s *settings, on bool) { s.cli = &on }),
		flag("common", "The old name of cli", func(s *settings, on bool) { s.cli = &on }),
		flag("inherit-env", "Pass all environment variables on; --env replaces single ones", func(s *settings, on bool) { s.inheritEnv = on }),
		flag("inherit-stdin", "Pass standard input on (the default)", func(s *settings, on bool) { s.closed[0] = !on }),
		flag("inherit-stdout", "Pass standard output on (the default)", func(s *settings, on bool) { s.closed[1] = !on }),
		flag("inherit-stderr", "Pass standard error on (the default)", func(s *settings, on bool) { s.closed[2] = !on }),
		flag("inherit-network", "Let a component use all addresses of the network, with TCP and UDP", func(s *settings, on bool) { s.network.inherit = on }),
		flag("tcp", "Let a component have TCP sockets", func(s *settings, on bool) { s.network.tcp = &on }),
		flag("udp", "Let a component have UDP sockets", func(s *settings, on bool) { s.network.udp = &on }),
		flag("allow-ip-name-lookup", "Let a component look names up", func(s *settings, on bool) { s.network.lookup = on }),
		flag("network-error-code", "Give a component the unstable function network-error-code", func(s *settings, on bool) { s.network.errorCode = on }),
		key{name: "cwd", form: formPath, help: "The directory that a component starts in", set: func(s *settings, v value) error {
			s.cwd = &v.text
			return nil
		}},
		flag("config", "Give a component wasi:config, with the variables of config-var", func(s *settings, on bool) { s.stores.config = on }),
		pair("config-var", "A variable that wasi:config has, with its value; repeatable", func(s *settings) *[]nameValue { return &s.stores.configVars }),
		flag("keyvalue", "Give a component wasi:keyvalue, with one bucket in memory, whose name is empty", func(s *settings, on bool) { s.stores.keyvalue = on }),
		pair("keyvalue-in-memory-data", "A key that the bucket has at first, with its value; repeatable", func(s *settings) *[]nameValue { return &s.stores.keyvalueData }),
		flag("http", "Let a component send HTTP requests, as far as --allow-host says; serve does without the key", func(s *settings, on bool) { s.http.on = &on }),
		flag("tls", "Give a component wasi:tls, for servers whose certificates the system trusts", func(s *settings, on bool) { s.tls = on }),
		number("max-http-fields-size", "Let the fields of a message of HTTP take N bytes (128 KiB by default)", func(s *settings, n uint64) { s.http.fieldSize = &n }),
		number("max-random-size", "Give the guest N random bytes at most in one call (64 MiB by default); asking for more is an error that ends it", func(s *settings, n uint64) { s.maxRandomSize = &n }),
		number("max-resources", "Let the guest have N open files and connections (1024 by default); opening more is EMFILE", func(s *settings, n uint64) { s.maxResources = &n }),
		number("hostcall-fuel", "Copy and keep N bytes at most for a call of the guest (128 MiB by default); needing more is ENOMEM", func(s *settings, n uint64) { s.hostcallFuel = &n }),
	)
	g.keys = append(g.keys, ignoredKeys("cli-exit-with-code", "p3", "max-component-handles",
		"http-outgoing-body-buffer-chunks", "http-outgoing-body-chunk-size")...)
	g.keys = append(g.keys, missingKeys("preview0=n", "nn=n", "nn-graph")...)
	g.keys = append(g.keys, missingKeysBecause("Wasmtime does not support this any more", "preview2=y", "threads=n")...)
	g.keys = append(g.keys, missingKeysBecause("Wasmtime does not support this any more; see --listen", "listenfd=n", "tcplisten")...)
	return g
}

// recordGroup is -R, of which nothing can be done.
func recordGroup() group {
	return group{short: "R", long: "record", help: "Recording",
		keys: missingKeys("path", "validation-metadata", "event-window-size")}
}

// clamp32 is n, or the largest number of 32 bits.
func clamp32(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }
