// The on/off settings of a configuration as a table, so that one call serves them all.
#include <stdlib.h>
#include <wasmtime/ext.h>

typedef void (*ffi_config_flag_t)(wasm_config_t *, bool);

// In the order of the ConfigFlag constants in config.go.
static const ffi_config_flag_t ffi_config_flags[] = {
    wasmtime_config_debug_info_set,
    wasmtime_config_consume_fuel_set,
    wasmtime_config_epoch_interruption_set,
    wasmtime_config_wasm_threads_set,
    wasmtime_config_shared_memory_set,
    wasmtime_config_wasm_tail_call_set,
    wasmtime_config_wasm_reference_types_set,
    wasmtime_config_wasm_function_references_set,
    wasmtime_config_wasm_gc_set,
    wasmtime_config_gc_support_set,
    wasmtime_config_wasm_simd_set,
    wasmtime_config_wasm_relaxed_simd_set,
    wasmtime_config_wasm_relaxed_simd_deterministic_set,
    wasmtime_config_wasm_bulk_memory_set,
    wasmtime_config_wasm_multi_value_set,
    wasmtime_config_wasm_multi_memory_set,
    wasmtime_config_wasm_memory64_set,
    wasmtime_config_wasm_wide_arithmetic_set,
    wasmtime_config_wasm_exceptions_set,
    wasmtime_config_wasm_custom_page_sizes_set,
    wasmtime_config_wasm_component_model_set,
    wasmtime_config_parallel_compilation_set,
    wasmtime_config_cranelift_debug_verifier_set,
    wasmtime_config_cranelift_nan_canonicalization_set,
    wasmtime_config_memory_init_cow_set,
    wasmtime_config_memory_may_move_set,
    wasmtime_config_native_unwind_info_set,
    wasmtime_config_macos_use_mach_ports_set,
    wasmtime_config_concurrency_support_set,
    wasmtime_config_wasm_extended_const_set,
    wasmtime_config_signals_based_traps_set,
    wasmtime_config_wasm_branch_hinting_set,
    wasmtime_config_wasm_component_model_map_set,
    wasmtime_config_wasm_component_model_fixed_length_lists_set,
    wasmtime_config_wasm_component_model_implements_set,
    wasmtime_config_wasm_component_model_memory64_set,
};

static inline void ffi_config_flag(wasm_config_t *config, int flag, bool on) { ffi_config_flags[flag](config, on); }
