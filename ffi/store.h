// Small helpers that only cgo needs.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include "aligned.h"

// A store whose data is a number, not a pointer. Here and below, an address is passed as a number where cgo would lose time
// checking a pointer into C's own memory.
static inline wasmtime_binding_store_t *ffi_store_new(uintptr_t engine, uintptr_t data, bool epochs,
                                                      uintptr_t memory_epoch) {
  return wasmtime_binding_store_new((const wasmtime_binding_engine_t *)engine, (void *)data, epochs,
                                    (uint64_t *)memory_epoch);
}
static inline void ffi_store_delete(uintptr_t store) {
  wasmtime_binding_store_delete((wasmtime_binding_store_t *)store);
}

// A call through a frame. No result, because fetching one costs a tenth of the call: the frame says how it ended.
static inline void ffi_call(uintptr_t call) { wasmtime_binding_call((wasmtime_binding_call_t *)call); }

// Instantiations, whose outcome is in the frame.
static inline void ffi_pre_instantiate(uintptr_t pre, uintptr_t call) {
  wasmtime_binding_pre_instantiate((const wasmtime_instance_pre_t *)pre, (wasmtime_binding_call_t *)call);
}
static inline void ffi_linker_instantiate(uintptr_t linker, uintptr_t module, uintptr_t call) {
  wasmtime_binding_linker_instantiate((const wasmtime_linker_t *)linker, (const wasmtime_module_t *)module,
                                      (wasmtime_binding_call_t *)call);
}
