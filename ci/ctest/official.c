/*
 * The official C API, as any program for it is written: a callback, a trap with its backtrace, fuel, WASI configured with
 * wasi_config_t, an exit status. At the end one call of the extension on a store that knows nothing of it.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wasm.h>
#include <wasi.h>
#include <wasmtime.h>
#include <wasmtime/ext.h>

#include "check.h"

static wasm_trap_t *twice(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args, size_t nargs,
                          wasmtime_val_t *results, size_t nresults) {
  (void)caller;
  if (nargs != 1 || nresults != 1) {
    fail("the callback got something else");
  }
  *(int *)env += 1;
  results[0].kind = WASMTIME_I32;
  results[0].of.i32 = 2 * args[0].of.i32;
  return NULL;
}

static wasmtime_module_t *compile(wasm_engine_t *engine, const char *wat) {
  wasm_byte_vec_t wasm;
  check("wat", wasmtime_wat2wasm(wat, strlen(wat), &wasm));
  wasmtime_module_t *module = NULL;
  check("compile", wasmtime_module_new(engine, (uint8_t *)wasm.data, wasm.size, &module));
  wasm_byte_vec_delete(&wasm);
  return module;
}

static wasmtime_func_t export(wasmtime_context_t *context, wasmtime_instance_t *instance, const char *name) {
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context, instance, name, strlen(name), &item) || item.kind != WASMTIME_EXTERN_FUNC) {
    fail(name);
  }
  return item.of.func;
}

static wasmtime_instance_t instantiate(wasmtime_linker_t *linker, wasmtime_context_t *context, wasmtime_module_t *module) {
  wasmtime_instance_t instance;
  wasm_trap_t *trap = NULL;
  check("instantiate", wasmtime_linker_instantiate(linker, context, module, &instance, &trap));
  if (trap != NULL) {
    fail("instantiation trapped");
  }
  return instance;
}

/* A callback, a trap and its frames, and fuel. */
static void core(wasm_engine_t *engine) {
  wasmtime_module_t *module = compile(engine,
      "(module $m (import \"host\" \"twice\" (func $twice (param i32) (result i32)))"
      "  (func (export \"run\") (param i32) (result i32) (call $twice (call $twice (local.get 0))))"
      "  (func $inner (drop (i32.div_u (i32.const 1) (i32.const 0))))"
      "  (func $outer (export \"trap\") (call $inner))"
      "  (func (export \"forever\") (loop (br 0))))");
  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  int calls = 0;
  wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  check("define", wasmtime_linker_define_func(linker, "host", 4, "twice", 5, type, twice, &calls, NULL));
  wasm_functype_delete(type);

  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);
  check("fuel", wasmtime_context_set_fuel(context, 10000));
  wasmtime_instance_t instance = instantiate(linker, context, module);

  wasmtime_val_t arg = {.kind = WASMTIME_I32, .of.i32 = 10}, result;
  wasm_trap_t *trap = NULL;
  wasmtime_func_t run = export(context, &instance, "run");
  check("run", wasmtime_func_call(context, &run, &arg, 1, &result, 1, &trap));
  if (trap != NULL || result.kind != WASMTIME_I32 || result.of.i32 != 40 || calls != 2) {
    fail("run: wrong result");
  }

  run = export(context, &instance, "trap");
  check("trap", wasmtime_func_call(context, &run, NULL, 0, NULL, 0, &trap));
  wasmtime_trap_code_t code;
  if (trap == NULL || !wasmtime_trap_code(trap, &code) || code != WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO) {
    fail("not the trap of a division by zero");
  }
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  const wasm_name_t *name = frames.size == 2 ? wasmtime_frame_func_name(frames.data[1]) : NULL;
  if (name == NULL || name->size != 5 || memcmp(name->data, "outer", 5) != 0) {
    fail("not the backtrace");
  }
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);

  trap = NULL;
  run = export(context, &instance, "forever");
  check("forever", wasmtime_func_call(context, &run, NULL, 0, NULL, 0, &trap));
  if (trap == NULL || !wasmtime_trap_code(trap, &code) || code != WASMTIME_TRAP_CODE_OUT_OF_FUEL) {
    fail("not the trap of spent fuel");
  }
  wasm_trap_delete(trap);
  wasmtime_store_delete(store);
  wasmtime_linker_delete(linker);
  wasmtime_module_delete(module);
}

/* WASI with the official configuration; the functions are those of the official linker, or of the extension. */
static void wasi(wasm_engine_t *engine, int extension) {
  wasmtime_module_t *module = compile(engine,
      "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))"
      "  (import \"wasi_snapshot_preview1\" \"args_sizes_get\" (func $sizes (param i32 i32) (result i32)))"
      "  (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
      "  (memory (export \"memory\") 1)"
      "  (func (export \"args\") (result i32)"
      "    (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))"
      "  (func (export \"read\") (param $fd i32) (result i32)"
      "    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))"
      "    (if (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (return (i32.const -1))))"
      "    (i32.load (i32.const 8)))"
      "  (func (export \"exit\") (call $exit (i32.const 9))))");
  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  check("wasi", extension ? wasmtime_linker_define_wasi_p1(linker) : wasmtime_linker_define_wasi(linker));
  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);
  check("fuel", wasmtime_context_set_fuel(context, 1000000));
  wasi_config_t *config = wasi_config_new();
  const char *argv[] = {"program", "argument"};
  if (!wasi_config_set_argv(config, 2, argv)) {
    fail("argv");
  }
  wasi_config_inherit_stdin(config);
  check("configure", wasmtime_context_set_wasi(context, config));
  wasmtime_instance_t instance = instantiate(linker, context, module);

  wasmtime_val_t arg = {.kind = WASMTIME_I32, .of.i32 = 0}, result;
  wasm_trap_t *trap = NULL;
  wasmtime_func_t func = export(context, &instance, "args");
  check("args", wasmtime_func_call(context, &func, NULL, 0, &result, 1, &trap));
  if (trap != NULL || result.of.i32 != 2) {
    fail("not the arguments");
  }
  func = export(context, &instance, "read");
  check("read", wasmtime_func_call(context, &func, &arg, 1, &result, 1, &trap));
  if (trap != NULL || result.of.i32 != 0) {
    fail("not the empty standard input");
  }
  if (extension) {
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "four", 4) != 4) {
      fail("pipe");
    }
    check("insert", wasmtime_context_insert_file(context, 8, (void *)(intptr_t)ends[0], WASMTIME_FILE_READ_ONLY));
    arg.of.i32 = 8;
    check("read", wasmtime_func_call(context, &func, &arg, 1, &result, 1, &trap));
    if (trap != NULL || result.of.i32 != 4) {
      fail("not what is in the pipe");
    }
    close(ends[0]);
    close(ends[1]);
  }

  func = export(context, &instance, "exit");
  wasmtime_error_t *error = wasmtime_func_call(context, &func, NULL, 0, NULL, 0, &trap);
  int status = 0;
  if (error == NULL || !wasmtime_error_exit_status(error, &status) || status != 9) {
    fail("not the exit status");
  }
  wasmtime_error_delete(error);
  wasmtime_store_delete(store);
  wasmtime_linker_delete(linker);
  wasmtime_module_delete(module);
}

int main(void) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_consume_fuel_set(config, true);
  wasm_engine_t *engine = wasm_engine_new_with_config(config);
  core(engine);
  wasi(engine, 0);
  wasi(engine, 1);
  wasm_engine_delete(engine);
  puts("OK");
  return 0;
}
