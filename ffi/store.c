#include "component.h"

char ffi_no_room_on_main_thread, ffi_no_room;

wasmtime_error_t *ffi_refusal(void) {
  return (wasmtime_error_t *)(ffi_on_main_thread() ? &ffi_no_room_on_main_thread : &ffi_no_room);
}

void ffi_component_call_searching(wasmtime_binding_component_call_t *call, size_t room) {
  FFI_ENTER(call, room, (void)wasmtime_binding_component_call(call));
}

void ffi_call_searching(wasmtime_binding_call_t *call, size_t room) {
  FFI_ENTER(call, room, wasmtime_binding_call(call));
}
