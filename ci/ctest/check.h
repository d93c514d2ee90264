/* What the programs here do when something is wrong: they say it and end. */

#include <stdio.h>
#include <stdlib.h>

#include <wasmtime.h>

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void check(const char *what, wasmtime_error_t *error) {
  if (error == NULL) {
    return;
  }
  wasm_byte_vec_t message;
  wasmtime_error_message(error, &message);
  fprintf(stderr, "%s: %.*s\n", what, (int)message.size, message.data);
  exit(1);
}
