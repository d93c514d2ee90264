#include "store.h"

char ffi_no_room_on_main_thread, ffi_no_room;

wasmtime_error_t *ffi_refusal(void) {
  return (wasmtime_error_t *)(ffi_on_main_thread() ? &ffi_no_room_on_main_thread : &ffi_no_room);
}
