// What compiles or reads modules: it takes more stack than other functions, most of all where one thread does it all.
#pragma once
#include "store.h"

// What it should have, in bytes.
#define FFI_COMPILER_STACK ((size_t)384 << 10)

#define FFI_COMPILE(anywhere, call) ((anywhere) || ffi_stack_left() >= FFI_COMPILER_STACK ? (call) : ffi_refusal())

static inline wasmtime_error_t *ffi_module_new(bool anywhere, wasmtime_binding_engine_t *engine, const uint8_t *wasm,
                                               size_t len, wasmtime_module_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_module_new(wasmtime_binding_engine_get(engine), wasm, len, out));
}
static inline wasmtime_error_t *ffi_module_validate(bool anywhere, wasmtime_binding_engine_t *engine,
                                                    const uint8_t *wasm, size_t len) {
  return FFI_COMPILE(anywhere, wasmtime_binding_module_validate(wasmtime_binding_engine_get(engine), wasm, len));
}
static inline wasmtime_error_t *ffi_module_deserialize(bool anywhere, wasmtime_binding_engine_t *engine,
                                                       const uint8_t *bytes, size_t len, wasmtime_module_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_module_deserialize(wasmtime_binding_engine_get(engine), bytes, len, out));
}
static inline wasmtime_error_t *ffi_module_deserialize_file(bool anywhere, wasmtime_binding_engine_t *engine,
                                                            const uint8_t *path, size_t len, wasmtime_module_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_module_deserialize_file(wasmtime_binding_engine_get(engine), path, len, out));
}
static inline wasmtime_error_t *ffi_module_serialize(bool anywhere, wasmtime_module_t *module, wasm_byte_vec_t *out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_module_serialize(module, out));
}
static inline wasmtime_error_t *ffi_wat2wasm(bool anywhere, const char *wat, size_t len, wasm_byte_vec_t *out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_wat2wasm(wat, len, out));
}
static inline wasmtime_error_t *ffi_engine_new(bool anywhere, wasm_config_t *config, wasmtime_binding_engine_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_engine_new(config, out));
}
