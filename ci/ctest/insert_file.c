/*
 * The extension without Go: a host file and a pipe become descriptors of a WASI guest. A reader that goes away in the middle of a
 * write does not end the process, though nothing here cares for SIGPIPE.
 *
 * Uses nothing but the headers in include/ and libwasmtime.a. Prints "OK" and returns 0 when everything went well.
 *
 *   cc -I include ci/ctest/insert_file.c build/linux-x86_64/libwasmtime.a -lpthread -ldl -lm -o insert_file
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wasm.h>
#include <wasmtime.h>
#include <wasmtime/ext.h>

#include "check.h"

/* Copies what descriptor 7 has to descriptor 1, and traps when something fails. */
static const char wat[] =
    "(module"
    "  (import \"wasi_snapshot_preview1\" \"fd_read\""
    "    (func $read (param i32 i32 i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"fd_write\""
    "    (func $write (param i32 i32 i32 i32) (result i32)))"
    "  (memory (export \"memory\") 32)"
    "  (func (export \"run\")"
    "    (loop $again"
    "      (i32.store (i32.const 0) (i32.const 64))"
    "      (i32.store (i32.const 4) (i32.const 1024))"
    "      (if (call $read (i32.const 7) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))"
    "      (if (i32.load (i32.const 8))"
    "        (then"
    "          (i32.store (i32.const 4) (i32.load (i32.const 8)))"
    "          (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))"
    "          (br $again)))))"
    /* Writes as much at once as no pipe takes. */
    "  (func (export \"flood\") (result i32)"
    "    (i32.store (i32.const 0) (i32.const 64))"
    "    (i32.store (i32.const 4) (i32.const 2000000))"
    "    (call $write (i32.const 5) (i32.const 0) (i32.const 1) (i32.const 8))))";

/* Expects an error of the extension, and that it has this code. */
static void expect(const char *what, wasmtime_error_t *error, uint32_t code) {
  if (error == NULL || (uint32_t)wasmtime_error_code(error) != code) {
    fail(what);
  }
  wasmtime_error_delete(error);
}

/* Reads a part of what there is in a pipe, and closes it. */
static void *read_a_part(void *end) {
  char part[100000];
  size_t len = 0;
  ssize_t n;
  while (len < sizeof part && (n = read((int)(intptr_t)end, part + len, sizeof part - len)) > 0) {
    len += (size_t)n;
  }
  close((int)(intptr_t)end);
  return NULL;
}

static void *host(int fd) { return (void *)(intptr_t)fd; }

int main(void) {
  static const char text[] = "from a file of the host, through a guest, into a pipe of the host\n";

  char path[] = "/tmp/insert_file_XXXXXX";
  int file = mkstemp(path);
  int ends[2];
  if (file < 0 || write(file, text, sizeof text - 1) != (ssize_t)(sizeof text - 1) || lseek(file, 0, SEEK_SET) != 0 ||
      pipe(ends) != 0) {
    fail("preparing the files");
  }
  unlink(path);

  wasm_engine_t *engine = wasm_engine_new();
  wasm_byte_vec_t wasm;
  check("wat", wasmtime_wat2wasm(wat, sizeof wat - 1, &wasm));
  wasmtime_module_t *module = NULL;
  check("compile", wasmtime_module_new(engine, (uint8_t *)wasm.data, wasm.size, &module));
  wasm_byte_vec_delete(&wasm);

  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  check("link", wasmtime_linker_define_wasi_p1(linker));
  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);

  expect("no WASI yet", wasmtime_context_insert_file(context, 7, host(file), WASMTIME_FILE_READ_ONLY),
         WASMTIME_ERROR_NO_WASI);
  wasmtime_wasi_options_t options = {0};
  check("options", wasmtime_context_set_wasi_options(context, &options));

  expect("bad mode", wasmtime_context_insert_file(context, 7, host(file), 0), WASMTIME_ERROR_BAD_ACCESS_MODE);
  expect("bad number", wasmtime_context_insert_file(context, 1u << 20, host(file), WASMTIME_FILE_READ_ONLY),
         WASMTIME_ERROR_FD_OUT_OF_RANGE);
  expect("bad file", wasmtime_context_insert_file(context, 7, host(-1), WASMTIME_FILE_READ_ONLY),
         WASMTIME_ERROR_BAD_HOST_FILE);
  expect("not open", wasmtime_context_remove_file(context, 7), WASMTIME_ERROR_FD_NOT_OPEN);

  check("insert", wasmtime_context_insert_file(context, 7, host(file), WASMTIME_FILE_READ_ONLY));
  check("replace", wasmtime_context_insert_file(context, 1, host(ends[1]), WASMTIME_FILE_WRITE_ONLY));
  uint32_t pushed = 0;
  check("push", wasmtime_context_push_file(context, host(file), WASMTIME_FILE_READ_WRITE, &pushed));
  if (pushed != 3) {
    fail("the lowest free number is 3");
  }
  check("remove", wasmtime_context_remove_file(context, pushed));
  /* The guest has duplicates. */
  close(file);
  close(ends[1]);

  wasmtime_instance_t instance;
  wasm_trap_t *trap = NULL;
  check("instantiate", wasmtime_linker_instantiate(linker, context, module, &instance, &trap));
  wasmtime_extern_t run;
  if (trap != NULL || !wasmtime_instance_export_get(context, &instance, "run", 3, &run)) {
    fail("no function to run");
  }
  check("run", wasmtime_func_call(context, &run.of.func, NULL, 0, NULL, 0, &trap));
  if (trap != NULL) {
    fail("the guest trapped");
  }

  int broken[2];
  pthread_t reader;
  if (pipe(broken) != 0) {
    fail("another pipe");
  }
  check("insert it", wasmtime_context_insert_file(context, 5, host(broken[1]), WASMTIME_FILE_WRITE_ONLY));
  close(broken[1]);
  wasmtime_extern_t flood;
  if (!wasmtime_instance_export_get(context, &instance, "flood", 5, &flood) ||
      pthread_create(&reader, NULL, read_a_part, host(broken[0])) != 0) {
    fail("nothing to write, or nobody to read");
  }
  static const int32_t success = 0, epipe = 64;
  for (int i = 0; i < 2; i++) {
    wasmtime_val_t result;
    check("flood", wasmtime_func_call(context, &flood.of.func, NULL, 0, &result, 1, &trap));
    if (trap != NULL || result.of.i32 != (i == 0 ? success : epipe)) {
      fail("a part is written, and then nothing");
    }
  }
  pthread_join(reader, NULL);

  wasmtime_module_delete(module);
  wasmtime_linker_delete(linker);
  wasmtime_store_delete(store);
  wasm_engine_delete(engine);

  /* The store is gone, and with it the last writer: the pipe has an end. */
  char got[256];
  size_t len = 0;
  ssize_t n;
  while ((n = read(ends[0], got + len, sizeof got - len)) > 0) {
    len += (size_t)n;
  }
  if (n != 0 || len != sizeof text - 1 || memcmp(got, text, len) != 0) {
    fail("the text did not arrive");
  }
  puts("OK");
  return 0;
}
