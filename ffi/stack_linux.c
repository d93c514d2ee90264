// Guests run on the stacks of the threads that Go makes, which are as large as the C library's default. The default is
// raised before Go makes any thread, so that Config.SetMaxWasmStack has room. It is address space, not memory.

#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stack.h"
#include "stack_unix.h"

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
// musl's default is 8 MiB at most, and guests that Go has compiled are given as much for themselves. So what an
// attribute begins with is raised, with which Go makes its threads.
int pthread_attr_init(pthread_attr_t *attr) {
  memset(attr, 0, sizeof *attr);
  int error = pthread_attr_setguardsize(attr, 2 * 4096);
  return error != 0 ? error : pthread_attr_setstacksize(attr, FFI_THREAD_STACK);
}

static void raise_default(void) {}
#endif

size_t ffi_raise_thread_stack(void) {
  raise_default();
  return default_stack();
}

bool ffi_on_main_thread(void) { return syscall(SYS_gettid) == getpid(); }

// The main thread's stack grows as far as the soft limit lets it; musl tells how far it has grown. At its very top, the
// kernel has put the name of the program, and 8 bytes above that.
static bool main_bounds(uintptr_t *low, uintptr_t *high) {
  struct rlimit limit;
  const char *name = (const char *)getauxval(AT_EXECFN);
  if (name == NULL || getrlimit(RLIMIT_STACK, &limit) != 0)
    return false;
  uintptr_t page = sysconf(_SC_PAGESIZE);
  *high = ((uintptr_t)name + strlen(name) + 1 + 8 + page - 1) & -page;
  *low = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= *high ? 0 : *high - (limit.rlim_cur & -page);
  return true;
}

bool ffi_stack_bounds(uintptr_t *low, uintptr_t *high) {
  if (ffi_on_main_thread() && main_bounds(low, high))
    return true;
  pthread_attr_t attr;
  if (pthread_getattr_np(pthread_self(), &attr) != 0)
    return false;
  void *address;
  size_t size;
  bool known = pthread_attr_getstack(&attr, &address, &size) == 0;
  pthread_attr_destroy(&attr);
  *low = (uintptr_t)address;
  *high = *low + size;
  return known;
}
