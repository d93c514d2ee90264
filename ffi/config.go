package ffi

// #include "config.h"
import "C"

import "unsafe"

// Config is an owned configuration, or none.
type Config struct{ ptr *C.wasm_config_t }

// ConfigFlag is an on/off setting.
type ConfigFlag int

// The on/off settings, in the order of the table in config.h.
const (
	DebugInfo ConfigFlag = iota
	ConsumeFuel
	EpochInterruption
	WasmThreads
	SharedMemory
	WasmTailCall
	WasmReferenceTypes
	WasmFunctionReferences
	WasmGC
	GCSupport
	WasmSIMD
	WasmRelaxedSIMD
	WasmRelaxedSIMDDeterministic
	WasmBulkMemory
	WasmMultiValue
	WasmMultiMemory
	WasmMemory64
	WasmWideArithmetic
	WasmExceptions
	WasmCustomPageSizes
	WasmComponentModel
	ParallelCompilation
	CraneliftDebugVerifier
	CraneliftNanCanonicalization
	MemoryInitCOW
	MemoryMayMove
	NativeUnwindInfo
	MacOSUseMachPorts
	ConcurrencySupport
	WasmExtendedConst
	SignalsBasedTraps
	WasmBranchHinting
	WasmComponentModelMap
	WasmComponentModelFixedLengthLists
	WasmComponentModelImplements
	WasmComponentModelMemory64
)

// NewConfig creates a default configuration.
func NewConfig() Config {
	track("config", 1)
	return Config{C.wasm_config_new()}
}

// IsNil tells whether there is no configuration.
func (c Config) IsNil() bool { return c.ptr == nil }

// Delete frees a configuration that no engine took.
func (c Config) Delete() {
	track("config", -1)
	C.wasm_config_delete(c.ptr)
}

// SetFlag sets an on/off setting.
func (c Config) SetFlag(flag ConfigFlag, on bool) {
	crossing()
	C.ffi_config_flag(c.ptr, C.int(flag), C.bool(on))
}

// SetMaxWasmStack sets the guest's stack in bytes.
func (c Config) SetMaxWasmStack(n uint) { C.wasmtime_config_max_wasm_stack_set(c.ptr, C.size_t(n)) }

// SetAsyncStackSize sets the size in bytes of the stacks that fibers get.
func (c Config) SetAsyncStackSize(n uint64) {
	C.wasmtime_config_async_stack_size_set(c.ptr, C.size_t(n))
}

// SetStrategy sets the compiler: a WASMTIME_STRATEGY_*.
func (c Config) SetStrategy(s uint8) { C.wasmtime_config_strategy_set(c.ptr, C.wasmtime_strategy_t(s)) }

// SetOptLevel sets how hard Cranelift tries: a WASMTIME_OPT_LEVEL_*.
func (c Config) SetOptLevel(l uint8) {
	C.wasmtime_config_cranelift_opt_level_set(c.ptr, C.wasmtime_opt_level_t(l))
}

// SetProfiler sets the profiler: a WASMTIME_PROFILING_STRATEGY_*.
func (c Config) SetProfiler(p uint8) {
	C.wasmtime_config_profiler_set(c.ptr, C.wasmtime_profiling_strategy_t(p))
}

// SetMemoryReservation sets the bytes of address space that a memory reserves.
func (c Config) SetMemoryReservation(n uint64) {
	C.wasmtime_config_memory_reservation_set(c.ptr, C.uint64_t(n))
}

// SetMemoryGuardSize sets the bytes of guard behind a memory.
func (c Config) SetMemoryGuardSize(n uint64) {
	C.wasmtime_config_memory_guard_size_set(c.ptr, C.uint64_t(n))
}

// SetMemoryReservationForGrowth sets the bytes that a memory that moves reserves beyond its size.
func (c Config) SetMemoryReservationForGrowth(n uint64) {
	C.wasmtime_config_memory_reservation_for_growth_set(c.ptr, C.uint64_t(n))
}

// SetTarget sets the target triple.
func (c Config) SetTarget(triple string) Error {
	crossing()
	s := C.CString(triple)
	defer C.free(unsafe.Pointer(s))
	return wrapError(C.wasmtime_config_target_set(c.ptr, s))
}

// EnableCraneliftFlag enables a flag of Cranelift.
func (c Config) EnableCraneliftFlag(flag string) {
	crossing()
	s := C.CString(flag)
	defer C.free(unsafe.Pointer(s))
	C.wasmtime_config_cranelift_flag_enable(c.ptr, s)
}

// SetCraneliftFlag sets a flag of Cranelift.
func (c Config) SetCraneliftFlag(name, value string) {
	crossing()
	n, v := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(v))
	C.wasmtime_config_cranelift_flag_set(c.ptr, n, v)
}

// LoadCacheConfig enables the cache of compiled code; no path means the default configuration.
func (c Config) LoadCacheConfig(path *string) Error {
	crossing()
	if path == nil {
		return wrapError(C.wasmtime_config_cache_config_load(c.ptr, nil))
	}
	s := C.CString(*path)
	defer C.free(unsafe.Pointer(s))
	return wrapError(C.wasmtime_config_cache_config_load(c.ptr, s))
}
