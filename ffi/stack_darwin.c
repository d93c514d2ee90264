// Guests run on the stacks of the threads that Go makes, which are as large as what pthread_get_stacksize_np says of the main
// thread's. It asks for the soft limit of that stack when it is first called, and says the same ever after: so the limit is
// raised here for the length of that call, before Go makes any thread, so that Config.SetMaxWasmStack has room. It is
// address space, not memory.

#include <pthread.h>
#include <sys/resource.h>

#include "stack.h"

static size_t thread_stack;

// Raises the soft limit of the main thread's stack, as far as it can be, and returns what it is then.
static size_t raise_limit(size_t want) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0)
    return 0;
  if (limit.rlim_cur >= want)
    return want;
  rlim_t had = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max > want ? want : limit.rlim_max;
  return setrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : had;
}

__attribute__((constructor)) static void ffi_raise_thread_stack(void) {
  struct rlimit before;
  int known = getrlimit(RLIMIT_STACK, &before) == 0;
  raise_limit(FFI_THREAD_STACK);
  thread_stack = pthread_get_stacksize_np(pthread_self());
  if (known)
    setrlimit(RLIMIT_STACK, &before);
}

// The main thread's stack grows up to the soft limit, which may be raised at any time up to the hard one.
size_t ffi_reserve_stack(size_t want) {
  if (want > thread_stack)
    return thread_stack;
  size_t main_stack = raise_limit(want);
  return main_stack < thread_stack ? main_stack : thread_stack;
}
