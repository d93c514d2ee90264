//go:build linux || darwin

#include "stack_unix.h"
#include "stack.h"

static size_t thread_stack;

size_t ffi_thread_stack(void) { return thread_stack; }

// The bounds are asked for once a thread, which takes microseconds.
FFI_THREAD_LOCAL uintptr_t ffi_stack_low = INTPTR_MAX;
static _Thread_local uintptr_t stack_high;
static _Thread_local bool is_main;

size_t ffi_stack_left(void) {
  if (ffi_stack_low == INTPTR_MAX) {
    uintptr_t low;
    if (!ffi_stack_bounds(&low, &stack_high))
      return 0;
    ffi_stack_low = low;
    is_main = ffi_on_main_thread();
  }
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return here >= ffi_stack_low && here < stack_high ? here - ffi_stack_low : SIZE_MAX;
}

// On the main thread, whose stack may be the smallest, there should be room for the nested guests as well: a goroutine
// would find it on another. If it comes back again and again, it is bound to this one, and asked to leave now and then
// only.
#define REQUESTS 8
#define INTERVAL 1024

bool ffi_has_room(size_t room) {
  static unsigned entries;
  size_t left = ffi_stack_left();
  if (left < room)
    return false;
  return !is_main || left / FFI_NESTED >= room || entries++ % INTERVAL >= REQUESTS;
}

// Go looks at the main thread's stack when the program starts, and believes what it saw for good. So the limit of this
// moment counts, also when it is raised later.
__attribute__((constructor)) static void ffi_prepare_stacks(void) {
  thread_stack = ffi_raise_thread_stack();
  if (ffi_on_main_thread())
    ffi_stack_left();
}
