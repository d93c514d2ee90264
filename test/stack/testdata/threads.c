// Calls the Go library on the main thread, and on threads with stacks of several sizes.

#include <pthread.h>
#include <stdio.h>

#include "library.h"

struct thread {
  char *name;
  size_t stack;
  GoInt guest;
};

static void *enter(void *argument) {
  struct thread *thread = argument;
  Enter(thread->name, thread->guest);
  Enter(thread->name, thread->guest);
  return NULL;
}

int main(void) {
  struct thread threads[] = {
      {"256 KiB", 256 << 10, 0}, {"512 KiB", 512 << 10, 0},         {"1 MiB", 1 << 20, 0},
      {"8 MiB", 8 << 20, 0},     {"512 KiB, less", 512 << 10, 256 << 10}, {"8 MiB, more", 8 << 20, 8 << 20},
  };
  struct thread here = {"main", 0, 0};
  enter(&here);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
    pthread_attr_t attr;
    pthread_t thread;
    if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, threads[i].stack) != 0 ||
        pthread_create(&thread, &attr, enter, &threads[i]) != 0 || pthread_join(thread, NULL) != 0)
      return 1;
  }
  puts("end");
  return 0;
}
