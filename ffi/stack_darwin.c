// Guests run on the stacks of the threads that Go makes, which are as large as what pthread_get_stacksize_np says of
// the main thread's. It asks for the soft limit of that stack when it is first called, and says the same ever after:
// so the limit is raised here for the length of that call, before Go makes any thread, so that Config.SetMaxWasmStack
// has room. It is address space, not memory.

#include <pthread.h>
#include <sys/resource.h>

#include "stack.h"
#include "stack_unix.h"

size_t ffi_raise_thread_stack(void) {
  struct rlimit before;
  bool known = getrlimit(RLIMIT_STACK, &before) == 0;
  if (known && before.rlim_cur < FFI_THREAD_STACK) {
    struct rlimit raised = before;
    raised.rlim_cur = before.rlim_max > FFI_THREAD_STACK ? FFI_THREAD_STACK : before.rlim_max;
    setrlimit(RLIMIT_STACK, &raised);
  }
  size_t size = pthread_get_stacksize_np(pthread_self());
  if (known)
    setrlimit(RLIMIT_STACK, &before);
  return size;
}

bool ffi_on_main_thread(void) { return pthread_main_np() != 0; }

// What pthread_get_stacksize_np says of the main thread is more than the soft limit, which the kernel goes by.
bool ffi_stack_bounds(uintptr_t *low, uintptr_t *high) {
  size_t size = pthread_get_stacksize_np(pthread_self());
  struct rlimit limit;
  if (ffi_on_main_thread()) {
    if (getrlimit(RLIMIT_STACK, &limit) != 0)
      return false;
    if (limit.rlim_cur < size)
      size = limit.rlim_cur;
  }
  *high = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
  *low = *high - size;
  return true;
}
