// Guests run on the stacks of the threads that Go makes, which are as large as the C library's default. The default is
// raised before Go makes any thread, so that Config.SetMaxWasmStack has room. It is address space, not memory.

#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "stack.h"

// What threads get by default.
static size_t default_stack(void) {
  pthread_attr_t attr;
  size_t size = 0;
  if (pthread_attr_init(&attr) != 0)
    return 0;
  if (pthread_attr_getstacksize(&attr, &size) != 0)
    size = 0;
  pthread_attr_destroy(&attr);
  return size;
}

#ifdef __GLIBC__
// glibc has it since 2.18; where it is missing, threads keep the stacks that they get.
extern int pthread_setattr_default_np(const pthread_attr_t *) __attribute__((weak));

static void raise_default(void) {
  pthread_attr_t attr;
  if (pthread_setattr_default_np == NULL || default_stack() >= FFI_THREAD_STACK || pthread_attr_init(&attr) != 0)
    return;
  if (pthread_attr_setstacksize(&attr, FFI_THREAD_STACK) == 0)
    pthread_setattr_default_np(&attr);
  pthread_attr_destroy(&attr);
}
#else
// musl's default is 8 MiB at most, and guests that Go has compiled are given as much for themselves. So what an attribute
// begins with is raised, with which Go makes its threads.
int pthread_attr_init(pthread_attr_t *attr) {
  memset(attr, 0, sizeof *attr);
  int error = pthread_attr_setguardsize(attr, 2 * 4096);
  return error != 0 ? error : pthread_attr_setstacksize(attr, FFI_THREAD_STACK);
}

static void raise_default(void) {}
#endif

static size_t thread_stack;

__attribute__((constructor)) static void ffi_raise_thread_stack(void) {
  raise_default();
  thread_stack = default_stack();
}

// The main thread's stack grows up to the soft limit, which may be raised at any time up to the hard one.
static size_t raise_main_stack(size_t want) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0)
    return 0;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= want)
    return want;
  rlim_t had = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > want ? want : limit.rlim_max;
  return setrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : had;
}

size_t ffi_reserve_stack(size_t want) {
  if (want > thread_stack)
    return thread_stack;
  size_t main_stack = raise_main_stack(want);
  return main_stack < thread_stack ? main_stack : thread_stack;
}
