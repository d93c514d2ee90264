package wasmtime

import "github.com/gowasmtime/wasmtime/ffi"

// SetWasmThreads sets whether the threads proposal is enabled. See wasmtime::Config::wasm_threads.
func (cfg *Config) SetWasmThreads(enabled bool) { cfg.flag(ffi.WasmThreads, enabled) }

// SetSharedMemory sets whether memories shared between threads may be made. See wasmtime::Config::shared_memory.
func (cfg *Config) SetSharedMemory(enabled bool) { cfg.flag(ffi.SharedMemory, enabled) }

// SetWasmTailCall sets whether tail calls are enabled. See wasmtime::Config::wasm_tail_call.
func (cfg *Config) SetWasmTailCall(enabled bool) { cfg.flag(ffi.WasmTailCall, enabled) }

// SetWasmReferenceTypes sets whether reference types are enabled. See wasmtime::Config::wasm_reference_types.
func (cfg *Config) SetWasmReferenceTypes(enabled bool) { cfg.flag(ffi.WasmReferenceTypes, enabled) }

// SetWasmFunctionReferences sets whether typed function references are enabled. See
// wasmtime::Config::wasm_function_references.
func (cfg *Config) SetWasmFunctionReferences(enabled bool) {
	cfg.flag(ffi.WasmFunctionReferences, enabled)
}

// SetWasmGC sets whether the GC proposal is enabled. See wasmtime::Config::wasm_gc.
func (cfg *Config) SetWasmGC(enabled bool) { cfg.flag(ffi.WasmGC, enabled) }

// SetGCSupport sets whether the runtime has a garbage collector at all; without one there are no externrefs. See
// wasmtime::Config::gc_support.
func (cfg *Config) SetGCSupport(enabled bool) { cfg.flag(ffi.GCSupport, enabled) }

// SetWasmSIMD sets whether vectors are enabled. Relaxed SIMD has to be switched off before. See
// wasmtime::Config::wasm_simd.
func (cfg *Config) SetWasmSIMD(enabled bool) { cfg.flag(ffi.WasmSIMD, enabled) }

// SetWasmRelaxedSIMD sets whether relaxed SIMD is enabled. See wasmtime::Config::wasm_relaxed_simd.
func (cfg *Config) SetWasmRelaxedSIMD(enabled bool) { cfg.flag(ffi.WasmRelaxedSIMD, enabled) }

// SetWasmRelaxedSIMDDeterministic sets whether relaxed SIMD gives the same results on every machine. See
// wasmtime::Config::relaxed_simd_deterministic.
func (cfg *Config) SetWasmRelaxedSIMDDeterministic(enabled bool) {
	cfg.flag(ffi.WasmRelaxedSIMDDeterministic, enabled)
}

// SetWasmBulkMemory sets whether bulk memory operations are enabled. See wasmtime::Config::wasm_bulk_memory.
func (cfg *Config) SetWasmBulkMemory(enabled bool) { cfg.flag(ffi.WasmBulkMemory, enabled) }

// SetWasmMultiValue sets whether functions may have several results. See wasmtime::Config::wasm_multi_value.
func (cfg *Config) SetWasmMultiValue(enabled bool) { cfg.flag(ffi.WasmMultiValue, enabled) }

// SetWasmMultiMemory sets whether modules may have several memories. See wasmtime::Config::wasm_multi_memory.
func (cfg *Config) SetWasmMultiMemory(enabled bool) { cfg.flag(ffi.WasmMultiMemory, enabled) }

// SetWasmMemory64 sets whether 64-bit memories are enabled. See wasmtime::Config::wasm_memory64.
func (cfg *Config) SetWasmMemory64(enabled bool) { cfg.flag(ffi.WasmMemory64, enabled) }

// SetWasmWideArithmetic sets whether wide arithmetic is enabled. See wasmtime::Config::wasm_wide_arithmetic.
func (cfg *Config) SetWasmWideArithmetic(enabled bool) { cfg.flag(ffi.WasmWideArithmetic, enabled) }

// SetWasmExceptions sets whether exceptions are enabled. See wasmtime::Config::wasm_exceptions.
func (cfg *Config) SetWasmExceptions(enabled bool) { cfg.flag(ffi.WasmExceptions, enabled) }

// SetWasmCustomPageSizes sets whether memories may have pages of another size than 64 KiB. See
// wasmtime::Config::wasm_custom_page_sizes.
func (cfg *Config) SetWasmCustomPageSizes(enabled bool) { cfg.flag(ffi.WasmCustomPageSizes, enabled) }

// SetWasmExtendedConst sets whether constant expressions may compute. See wasmtime::Config::wasm_extended_const.
func (cfg *Config) SetWasmExtendedConst(enabled bool) { cfg.flag(ffi.WasmExtendedConst, enabled) }

// SetWasmComponentModel sets whether components are enabled. See wasmtime::Config::wasm_component_model.
func (cfg *Config) SetWasmComponentModel(enabled bool) { cfg.flag(ffi.WasmComponentModel, enabled) }
