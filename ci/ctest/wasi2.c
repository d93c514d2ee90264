/*
 * WASI 0.2 of a C program: a component that is a command gets arguments, a directory that was inserted, and files as its
 * standard streams.
 *
 * Uses nothing but the headers in include/ and libwasmtime.a. CTEST_COMPONENT names the command, which is
 * testdata/guests/components/tries.wasm. Prints "OK" and returns 0 when everything went well.
 *
 *   cc -I include ci/ctest/wasi2.c build/linux-x86_64/libwasmtime.a -lpthread -ldl -lm -o wasi2
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wasm.h>
#include <wasmtime.h>
#include <wasmtime/component.h>
#include <wasmtime/ext.h>

#include "check.h"

static wasmtime_component_t *compile(wasm_engine_t *engine, const char *path) {
  FILE *file = path != NULL ? fopen(path, "rb") : NULL;
  if (file == NULL) {
    fail("CTEST_COMPONENT names no file");
  }
  static uint8_t bytes[1 << 20];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  wasmtime_component_t *component = NULL;
  check("compile", wasmtime_component_new(engine, bytes, size, &component));
  return component;
}

static wasmtime_wasi_string_t text(const char *s) {
  return (wasmtime_wasi_string_t){(const uint8_t *)s, strlen(s)};
}

/* Instantiates the command in the store and runs it. */
static wasmtime_error_t *run(wasmtime_context_t *context, wasmtime_component_linker_t *linker, wasmtime_component_t *component) {
  wasmtime_component_instance_t instance;
  check("instantiate", wasmtime_component_linker_instantiate(linker, context, component, &instance));
  static const char interface[] = "wasi:cli/run@0.2.12";
  wasmtime_component_export_index_t *in =
      wasmtime_component_instance_get_export_index(&instance, context, NULL, interface, strlen(interface));
  if (in == NULL) {
    fail("the component is no command");
  }
  wasmtime_component_export_index_t *index = wasmtime_component_instance_get_export_index(&instance, context, in, "run", 3);
  wasmtime_component_func_t func;
  if (index == NULL || !wasmtime_component_instance_get_func(&instance, context, index, &func)) {
    fail("the command has no run");
  }
  wasmtime_component_val_t result = {0};
  wasmtime_error_t *error = wasmtime_component_func_call(&func, context, NULL, 0, &result, 1);
  if (error == NULL && (result.kind != WASMTIME_COMPONENT_RESULT || !result.of.result.is_ok)) {
    fail("run has returned an error");
  }
  wasmtime_component_export_index_delete(index);
  wasmtime_component_export_index_delete(in);
  return error;
}

/* A file that has this content, and no name any more. */
static int file_with(const char *content) {
  char path[] = "/tmp/ctest-wasi2-XXXXXX";
  int fd = mkstemp(path);
  if (fd < 0 || unlink(path) != 0 || write(fd, content, strlen(content)) < 0 || lseek(fd, 0, SEEK_SET) != 0) {
    fail("a temporary file");
  }
  return fd;
}

static void *handle(int fd) { return (void *)(intptr_t)fd; }

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasmtime_component_t *component = compile(engine, getenv("CTEST_COMPONENT"));
  wasmtime_component_linker_t *linker = wasmtime_component_linker_new(engine);
  check("link", wasmtime_component_linker_define_wasi_p2(linker));
  wasmtime_error_t *twice = wasmtime_component_linker_define_wasi_p2(linker);
  if (twice == NULL) {
    fail("everything is defined twice");
  }
  wasmtime_error_delete(twice);

  /* In a store without a configuration there is nothing. */
  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_error_t *error = run(wasmtime_store_context(store), linker, component);
  if (error == NULL || (uint32_t)wasmtime_error_code(error) != WASMTIME_ERROR_NO_WASI) {
    fail("a store without WASI");
  }
  wasmtime_error_delete(error);
  wasmtime_store_delete(store);

  char dir[] = "/tmp/ctest-wasi2-dir-XXXXXX";
  char path[sizeof dir + 10];
  if (mkdtemp(dir) == NULL) {
    fail("a temporary directory");
  }
  snprintf(path, sizeof path, "%s/file", dir);
  FILE *made = fopen(path, "w");
  if (made == NULL || fputs("in the directory", made) < 0 || fclose(made) != 0) {
    fail("a file in it");
  }
  int folder = open(dir, O_RDONLY | O_DIRECTORY), in = file_with("typed"), out = file_with("");

  store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);
  const wasmtime_wasi_string_t args[] = {
      text("tries"), text("open|0|file|||r"), text("read|1|100|0"), text("open|0|file|||w"), text("stdin|read"),
  };
  wasmtime_wasi_options_t options = {0};
  options.args = args;
  options.args_len = sizeof args / sizeof args[0];
  check("options", wasmtime_context_set_wasi_options(context, &options));
  check("the input", wasmtime_context_insert_file(context, 0, handle(in), WASMTIME_FILE_READ_ONLY));
  check("the errors", wasmtime_context_insert_file(context, 2, handle(out), WASMTIME_FILE_WRITE_ONLY));
  uint32_t fd = 0;
  check("the directory",
        wasmtime_context_push_dir(context, handle(folder), (const uint8_t *)"/d", 2, WASMTIME_FILE_READ_ONLY, &fd));
  check("run", run(context, linker, component));
  wasmtime_store_delete(store);

  char said[200] = {0};
  if (pread(out, said, sizeof said - 1, 0) < 0) {
    fail("reading what the command has said");
  }
  if (strcmp(said, "1\n16 \"in the directory\" false\nerror: not-permitted\ntyped\n") != 0) {
    fail(said);
  }
  close(folder);
  close(in);
  close(out);
  unlink(path);
  rmdir(dir);
  wasmtime_component_linker_delete(linker);
  wasmtime_component_delete(component);
  wasm_engine_delete(engine);
  puts("OK");
  return 0;
}
