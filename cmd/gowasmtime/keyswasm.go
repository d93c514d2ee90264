package main

import (
	"math"

	"github.com/gowasmtime/wasmtime"
)

// wasmGroup is -W: what guests may do and use.
func wasmGroup() group {
	g := group{short: "W", long: "wasm", help: "What guests may do and use"}
	g.keys = append(g.keys,
		number("fuel", "Let the guest use N units of fuel, about one an instruction; then it traps", func(s *settings, n uint64) { s.fuel = &n }),
		key{name: "timeout", form: formDuration, help: "Stop the guest after this time, as a trap", set: func(s *settings, v value) error {
			d, err := v.duration()
			s.timeout = &d
			return err
		}},
		number("max-wasm-stack", "Let the guest use N bytes of stack", func(s *settings, n uint64) {
			s.configure("max-wasm-stack", func(c *wasmtime.Config) error {
				c.SetMaxWasmStack(int(min(n, math.MaxInt)))
				return nil
			})
		}),
		number("max-memory-size", "Let each memory grow to N bytes", func(s *settings, n uint64) { s.limits.memorySize = &n }),
		number("max-table-elements", "Let each table grow to N elements", func(s *settings, n uint64) { s.limits.tableElements = &n }),
		number("max-instances", "Allow N instances", func(s *settings, n uint64) { s.limits.instances = &n }),
		number("max-tables", "Allow N tables", func(s *settings, n uint64) { s.limits.tables = &n }),
		number("max-memories", "Allow N memories", func(s *settings, n uint64) { s.limits.memories = &n }),
		flag("unknown-imports-trap", "Let the module import functions that nobody provides; calling one traps", func(s *settings, on bool) { s.unknownImportsTrap = on }),
		flag("unknown-imports-default", "The same, but what is imported is zero and calling it does nothing", func(s *settings, on bool) { s.unknownImportsDefault = on }),
		flag("epoch-interruption", "Compile checks for interruption in; timeout does so by itself", func(s *settings, on bool) { s.epochs = on }),
		engineFlag("nan-canonicalization", "Make all NaNs the same", (*wasmtime.Config).SetCraneliftNanCanonicalization),
		engineFlag("relaxed-simd-deterministic", "Let relaxed SIMD give the same results on every machine", (*wasmtime.Config).SetWasmRelaxedSIMDDeterministic),
		engineFlag("shared-memory", "Let memories be shared", (*wasmtime.Config).SetSharedMemory),
		engineFlag("concurrency-support", "Let components use the async features; n unless this says otherwise", (*wasmtime.Config).SetConcurrencySupport),
		engineFlag("gc-support", "Have a garbage collector at all", (*wasmtime.Config).SetGCSupport),
		flag("all-proposals", "Switch all of the following on or off, except those that are named", func(s *settings, on bool) { s.allProposals = &on }),
	)
	for _, p := range proposals() {
		g.keys = append(g.keys, engineFlag(p.name, "Enable "+p.what, p.set))
	}
	g.keys = append(g.keys, ignoredKeys("async-stack-size", "async-stack-zeroing", "unknown-exports-allow",
		"component-model-async", "component-model-more-async-builtins", "component-model-async-stackful", "component-model-threading",
		"component-model-error-context", "component-model-gc", "shared-everything-threads")...)
	g.keys = append(g.keys, missingKeys("trap-on-grow-failure=n", "wmemcheck=n", "stack-switching=n")...)
	return g
}

// proposal is a proposal to WebAssembly that can be switched on and off.
type proposal struct {
	name, what string
	set        func(*wasmtime.Config, bool)
}

// proposals returns those that -W all-proposals switches.
func proposals() []proposal {
	return []proposal{
		{"simd", "vectors; n needs relaxed-simd=n", (*wasmtime.Config).SetWasmSIMD},
		{"relaxed-simd", "relaxed vectors", (*wasmtime.Config).SetWasmRelaxedSIMD},
		{"bulk-memory", "bulk memory operations", (*wasmtime.Config).SetWasmBulkMemory},
		{"multi-value", "functions with several results", (*wasmtime.Config).SetWasmMultiValue},
		{"multi-memory", "modules with several memories", (*wasmtime.Config).SetWasmMultiMemory},
		{"memory64", "64-bit memories", (*wasmtime.Config).SetWasmMemory64},
		{"tail-call", "tail calls", (*wasmtime.Config).SetWasmTailCall},
		{"threads", "atomic operations and shared memories", (*wasmtime.Config).SetWasmThreads},
		{"reference-types", "reference types", (*wasmtime.Config).SetWasmReferenceTypes},
		{"function-references", "typed function references", (*wasmtime.Config).SetWasmFunctionReferences},
		{"gc", "structs and arrays that are collected", (*wasmtime.Config).SetWasmGC},
		{"exceptions", "exceptions", (*wasmtime.Config).SetWasmExceptions},
		{"extended-const", "constant expressions that compute", (*wasmtime.Config).SetWasmExtendedConst},
		{"custom-page-sizes", "memories with pages of another size", (*wasmtime.Config).SetWasmCustomPageSizes},
		{"wide-arithmetic", "128-bit arithmetic", (*wasmtime.Config).SetWasmWideArithmetic},
		{"branch-hinting", "hints of how likely branches are", (*wasmtime.Config).SetWasmBranchHinting},
		{"component-model", "components", (*wasmtime.Config).SetWasmComponentModel},
		{"component-model-map", "maps in components", (*wasmtime.Config).SetWasmComponentModelMap},
		{"component-model-fixed-length-lists", "lists of a fixed length in components", (*wasmtime.Config).SetWasmComponentModelFixedLengthLists},
		{"component-model-implements", "instances of one interface under several names in components", (*wasmtime.Config).SetWasmComponentModelImplements},
		{"component-model-memory64", "64-bit memories in components, but for what they pass to the host and get from it", (*wasmtime.Config).SetWasmComponentModelMemory64},
	}
}
