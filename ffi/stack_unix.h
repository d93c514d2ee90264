// What differs between the systems of the Unix family.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Makes the threads that Go will make as large as FFI_THREAD_STACK, if it can, and returns how large they will be.
size_t ffi_raise_thread_stack(void);

// Tells where the calling thread's stack ends and begins. False if the system does not tell.
bool ffi_stack_bounds(uintptr_t *low, uintptr_t *high);
