#include <stddef.h>

// What the threads of the process get, in bytes.
#define FFI_THREAD_STACK ((size_t)16 << 20)

// Makes room for want bytes on the stack of every thread and returns how much there is.
size_t ffi_reserve_stack(size_t want);
