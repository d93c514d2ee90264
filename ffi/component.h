// Components: compiling them, and where their functions are entered. See module.h and store.h.
#pragma once
#include "module.h"

static inline wasmtime_error_t *ffi_component_new(bool anywhere, wasm_engine_t *engine, const uint8_t *wasm, size_t len,
                                                  wasmtime_component_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_component_new(engine, wasm, len, out));
}
static inline wasmtime_error_t *ffi_component_deserialize(bool anywhere, wasm_engine_t *engine, const uint8_t *bytes,
                                                          size_t len, wasmtime_component_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_component_deserialize(engine, bytes, len, out));
}
static inline wasmtime_error_t *ffi_component_deserialize_file(bool anywhere, wasm_engine_t *engine, const char *path,
                                                               wasmtime_component_t **out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_component_deserialize_file(engine, path, out));
}
static inline wasmtime_error_t *ffi_component_serialize(bool anywhere, wasmtime_component_t *component,
                                                        wasm_byte_vec_t *out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_component_serialize(component, out));
}
static inline wasmtime_error_t *ffi_component_describe(bool anywhere, wasmtime_component_t *component,
                                                       wasm_byte_vec_t *out) {
  return FFI_COMPILE(anywhere, wasmtime_binding_component_describe(component, out));
}

// The one that has to be fast, as ffi_call is for modules.
void ffi_component_call_searching(wasmtime_binding_component_call_t *call, size_t room);
static inline void ffi_component_call(uintptr_t address, size_t room) {
  wasmtime_binding_component_call_t *call = (wasmtime_binding_component_call_t *)address;
  if (__builtin_expect(ffi_surely_has_room(room), 1))
    (void)wasmtime_binding_component_call(call);
  else
    ffi_component_call_searching(call, room);
}
static inline void ffi_component_call_into(uintptr_t address, size_t room, void *list, size_t len) {
  wasmtime_binding_component_call_t *call = (wasmtime_binding_component_call_t *)address;
  call->list = (uint8_t *)list;
  call->list_capacity = len;
  ffi_component_call(address, room);
}
static inline void ffi_component_resource_drop(uintptr_t address, size_t room, uint32_t handle) {
  wasmtime_binding_component_call_t *call = (wasmtime_binding_component_call_t *)address;
  FFI_ENTER(call, room, (void)wasmtime_binding_component_resource_drop(call, handle));
}
static inline void ffi_component_instantiate(uintptr_t address, size_t room, uintptr_t pre) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, wasmtime_binding_component_instantiate((const wasmtime_binding_component_pre_t *)pre, call));
}

// What came of a use of a resource of WASI.
typedef struct {
  uint32_t status;
  bool owned;
  uint64_t count;
} ffi_wasi_used;
static inline void ffi_component_wasi_use(uintptr_t address, uint32_t handle, uint32_t kind, uint32_t what,
                                          uint8_t *buffer, size_t len, uint64_t number, ffi_wasi_used *used) {
  wasmtime_wasi_use_t request = {.kind = kind, .what = what, .buffer = buffer, .len = len, .number = number};
  (void)wasmtime_binding_component_wasi_use((wasmtime_binding_component_call_t *)address, handle, &request);
  used->status = request.status;
  used->owned = request.owned;
  used->count = request.count;
}
