// Small helpers that only cgo needs.
#include <stdint.h>
#include <stdlib.h>
#include <wasmtime/ext.h>

// A store whose data is a number, not a pointer.
static inline wasmtime_binding_store_t *ffi_store_new(wasmtime_binding_engine_t *engine, uintptr_t data, bool epochs,
                                                      uintptr_t memory_epoch) {
  return wasmtime_binding_store_new(engine, (void *)data, epochs, (uint64_t *)memory_epoch);
}

// A call through a frame that C owns. A number, so that cgo has no pointer to check; no result, because fetching one costs
// a tenth of the call: the frame says how it ended.
static inline void ffi_call(uintptr_t call) { wasmtime_binding_call((wasmtime_binding_call_t *)call); }

// Instantiations, whose outcome is in the frame.
static inline void ffi_pre_instantiate(uintptr_t pre, uintptr_t call) {
  wasmtime_binding_pre_instantiate((const wasmtime_instance_pre_t *)pre, (wasmtime_binding_call_t *)call);
}
static inline void ffi_linker_instantiate(uintptr_t linker, uintptr_t module, uintptr_t call) {
  wasmtime_binding_linker_instantiate((const wasmtime_linker_t *)linker, (const wasmtime_module_t *)module,
                                      (wasmtime_binding_call_t *)call);
}
