// The stacks of threads: how large Go's are, and how much the calling thread has left of its own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How many guests, each nested in a host function of the one before, should fit at least.
#define FFI_NESTED 4

// What the threads that Go makes get, in bytes: that many guests of 8 MiB and their host functions. It is less than the
// 40 MiB up to which glibc keeps the stacks of threads that have ended, and than the 64 MiB that macOS allows and that
// Go takes on Windows.
#define FFI_THREAD_STACK ((size_t)36 << 20)

// How large they really are.
size_t ffi_thread_stack(void);

// How much of the calling thread's stack is left, in bytes; 0 if the system does not tell. SIZE_MAX on a stack that is
// not the thread's own, as a coroutine of a C program has one, because nothing tells its size.
size_t ffi_stack_left(void);

// Whether this is the thread that the program began with, where that may have less than those that Go makes.
bool ffi_on_main_thread(void);

// Whether a guest that needs room bytes may be entered on the calling thread.
bool ffi_has_room(size_t room);

#ifdef _WIN32
static inline bool ffi_surely_has_room(size_t room) { return ffi_has_room(room); }
#else
// Found without a call, also in a shared library: Go itself has such a variable there.
#ifdef __ELF__
#define FFI_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define FFI_THREAD_LOCAL _Thread_local
#endif

// Where the thread's stack ends; INTPTR_MAX, which is above every stack, as long as nobody has asked.
extern FFI_THREAD_LOCAL uintptr_t ffi_stack_low;

// Says fast whether there is room for nested guests, too. If not, ffi_has_room decides.
static inline bool ffi_surely_has_room(size_t room) {
  return (intptr_t)((uintptr_t)__builtin_frame_address(0) - ffi_stack_low) >= (intptr_t)(FFI_NESTED * room);
}
#endif
