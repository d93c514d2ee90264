// Small helpers that only cgo needs.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include "aligned.h"
#include "stack.h"

// Here and below, an address is passed as a number where cgo would lose time checking a pointer into C's own memory.
static inline void ffi_store_close(uintptr_t store) {
  wasmtime_binding_store_close((wasmtime_binding_store_t *)store);
}
static inline void ffi_store_delete(uintptr_t store) {
  wasmtime_binding_store_delete((wasmtime_binding_store_t *)store);
}

// What stands for an error in the frame of a call for which the thread has too little stack: one for the program's main
// thread, one for all others.
extern char ffi_no_room_on_main_thread, ffi_no_room;
wasmtime_error_t *ffi_refusal(void);

// Where guests are entered. A guest may take as much stack as its store grants it, whatever the thread has left. So
// each of these takes what the thread has to have left, in bytes, and otherwise enters nobody. The outcome is in the
// frame, because fetching a result costs a tenth of a call.
#define FFI_ENTER(call, room, entry)                                                                                   \
  do {                                                                                                                 \
    if (ffi_has_room(room))                                                                                            \
      entry;                                                                                                           \
    else                                                                                                               \
      (call)->error = ffi_refusal();                                                                                   \
  } while (0)

// The one that has to be fast keeps nothing across the call, and so saves no registers.
void ffi_call_searching(wasmtime_binding_call_t *call, size_t room);
static inline void ffi_call(uintptr_t address, size_t room) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  if (__builtin_expect(ffi_surely_has_room(room), 1))
    wasmtime_binding_call(call);
  else
    ffi_call_searching(call, room);
}
static inline void ffi_call_checked(uintptr_t address, size_t room, wasmtime_binding_val_t *vals, size_t nargs,
                                    size_t len, wasmtime_binding_externref_finalizer_t finalizer) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, wasmtime_binding_call_checked(call, vals, nargs, len, finalizer));
}
static inline void ffi_instance_new(uintptr_t address, size_t room, const wasmtime_module_t *module,
                                    const wasmtime_extern_t *imports, size_t len) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, wasmtime_binding_instance_new(module, imports, len, call));
}
static inline void ffi_pre_instantiate(uintptr_t address, size_t room, uintptr_t pre) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, wasmtime_binding_pre_instantiate((const wasmtime_instance_pre_t *)pre, call));
}
static inline void ffi_linker_instantiate(uintptr_t address, size_t room, uintptr_t linker, uintptr_t module) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, wasmtime_binding_linker_instantiate((const wasmtime_linker_t *)linker,
                                                            (const wasmtime_module_t *)module, call));
}
static inline void ffi_linker_module(uintptr_t address, size_t room, wasmtime_linker_t *linker, const uint8_t *name,
                                     size_t name_len, const wasmtime_module_t *module) {
  wasmtime_binding_call_t *call = (wasmtime_binding_call_t *)address;
  FFI_ENTER(call, room, call->error = wasmtime_binding_linker_module(linker, (wasmtime_context_t *)call->context, name,
                                                                     name_len, module));
}
