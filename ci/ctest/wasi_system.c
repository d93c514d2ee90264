/*
 * Clocks and random numbers of a C program, as a guest of WASI 0.1 and a component see them.
 *
 * Uses nothing but the headers in include/ and libwasmtime.a. Prints "OK" and returns 0 when everything went well.
 *
 *   cc -I include ci/ctest/wasi_system.c build/linux-x86_64/libwasmtime.a -lpthread -ldl -lm -o wasi_system
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasm.h>
#include <wasmtime.h>
#include <wasmtime/component.h>
#include <wasmtime/ext.h>

#include "check.h"

/* Both guests have the functions "now" and "random", which return 64 bits each. */
static const char module_wat[] =
    "(module"
    "  (import \"wasi_snapshot_preview1\" \"clock_time_get\""
    "    (func $time (param i32 i64 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32) (result i32)))"
    "  (memory (export \"memory\") 1)"
    "  (func (export \"now\") (result i64)"
    "    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 0))) (i64.load (i32.const 0)))"
    "  (func (export \"random\") (result i64)"
    "    (drop (call $random (i32.const 0) (i32.const 8))) (i64.load (i32.const 0))))";

static const char component_wat[] =
    "(component"
    "  (import \"wasi:clocks/monotonic-clock@0.2.6\" (instance $clock (export \"now\" (func (result u64)))))"
    "  (import \"wasi:random/random@0.2.6\" (instance $random (export \"get-random-u64\" (func (result u64)))))"
    "  (core func $now (canon lower (func $clock \"now\")))"
    "  (core func $u64 (canon lower (func $random \"get-random-u64\")))"
    "  (core module $m"
    "    (import \"\" \"now\" (func $now (result i64)))"
    "    (import \"\" \"random\" (func $u64 (result i64)))"
    "    (func (export \"now\") (result i64) (call $now))"
    "    (func (export \"random\") (result i64) (call $u64)))"
    "  (core instance $i (instantiate $m"
    "    (with \"\" (instance (export \"now\" (func $now)) (export \"random\" (func $u64))))))"
    "  (func (export \"now\") (result u64) (canon lift (core func $i \"now\")))"
    "  (func (export \"random\") (result u64) (canon lift (core func $i \"random\"))))";

#define ENV 4711

static uint64_t seconds = 40;
static bool broken = false;
static int gone = 0;

/* Expects an error whose message has a text in it. */
static void expect(const char *what, wasmtime_error_t *error, const char *text) {
  if (error == NULL) {
    fail(what);
  }
  wasm_byte_vec_t message;
  wasmtime_error_message(error, &message);
  size_t len = strlen(text);
  bool found = false;
  for (size_t i = 0; i + len <= message.size; i++) {
    found = found || memcmp(message.data + i, text, len) == 0;
  }
  if (!found) {
    fail(what);
  }
  wasm_byte_vec_delete(&message);
  wasmtime_error_delete(error);
}

static wasmtime_error_t *now(uint64_t env, wasmtime_wasi_time_t *time) {
  if (env != ENV || broken) {
    return wasmtime_error_new("the clock is broken");
  }
  time->seconds = seconds++;
  time->nanoseconds = 2;
  return NULL;
}

static wasmtime_error_t *random_bytes(uint64_t env, uint8_t *data, size_t len) {
  if (env != ENV || broken) {
    return wasmtime_error_new("no entropy");
  }
  memset(data, 0x5a, len);
  return NULL;
}

static void on_gone(uint64_t env) { gone += env == ENV; }

static wasm_byte_vec_t compile(const char *wat) {
  wasm_byte_vec_t wasm;
  check("wat", wasmtime_wat2wasm(wat, strlen(wat), &wasm));
  return wasm;
}

static wasmtime_error_t *call(wasmtime_context_t *context, wasmtime_instance_t *instance, const char *name, int64_t *result) {
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context, instance, name, strlen(name), &item)) {
    fail(name);
  }
  wasmtime_val_t val;
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_func_call(context, &item.of.func, NULL, 0, &val, 1, &trap);
  if (trap != NULL) {
    fail("the guest trapped");
  }
  if (error == NULL) {
    *result = val.of.i64;
  }
  return error;
}

static uint64_t call_component(wasmtime_context_t *context, wasmtime_component_instance_t *instance, const char *name) {
  wasmtime_component_export_index_t *index =
      wasmtime_component_instance_get_export_index(instance, context, NULL, name, strlen(name));
  wasmtime_component_func_t func;
  if (index == NULL || !wasmtime_component_instance_get_func(instance, context, index, &func)) {
    fail(name);
  }
  wasmtime_component_export_index_delete(index);
  wasmtime_component_val_t result = {0};
  check(name, wasmtime_component_func_call(&func, context, NULL, 0, &result, 1));
  return result.of.u64;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);
  wasmtime_wasi_system_t system = {0};
  system.env = ENV;
  system.gone = on_gone;
  system.monotonic_clock = now;
  system.secure_random = random_bytes;
  wasmtime_wasi_options_t options = {0};
  options.system = &system;
  check("options", wasmtime_context_set_wasi_options(context, &options));

  /* WASI 0.1 */
  wasm_byte_vec_t wasm = compile(module_wat);
  wasmtime_module_t *module = NULL;
  check("compile", wasmtime_module_new(engine, (uint8_t *)wasm.data, wasm.size, &module));
  wasm_byte_vec_delete(&wasm);
  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  check("link", wasmtime_linker_define_wasi_p1(linker));
  wasmtime_instance_t instance;
  wasm_trap_t *trap = NULL;
  check("instantiate", wasmtime_linker_instantiate(linker, context, module, &instance, &trap));
  int64_t result = 0;
  check("now", call(context, &instance, "now", &result));
  if (result != 40000000002) {
    fail("the time of the guest");
  }
  check("random", call(context, &instance, "random", &result));
  if (result != 0x5a5a5a5a5a5a5a5a) {
    fail("the bytes of the guest");
  }

  /* WASI 0.2 */
  wasm = compile(component_wat);
  wasmtime_component_t *component = NULL;
  check("compile", wasmtime_component_new(engine, (uint8_t *)wasm.data, wasm.size, &component));
  wasm_byte_vec_delete(&wasm);
  wasmtime_component_linker_t *component_linker = wasmtime_component_linker_new(engine);
  check("link", wasmtime_component_linker_add_wasip2(component_linker));
  wasmtime_component_instance_t component_instance;
  check("instantiate", wasmtime_component_linker_instantiate(component_linker, context, component, &component_instance));
  if (call_component(context, &component_instance, "now") != 41000000002) {
    fail("the time of the component");
  }
  if (call_component(context, &component_instance, "random") != 0x5a5a5a5a5a5a5a5a) {
    fail("the bytes of the component");
  }
  broken = true;
  if (call_component(context, &component_instance, "now") != 41000000002) {
    fail("a broken clock stands still");
  }
  call_component(context, &component_instance, "random");
  expect("the first failure", wasmtime_context_take_wasi_failure(context), "the clock is broken");
  check("it has been taken", wasmtime_context_take_wasi_failure(context));

  /* In WASI 0.1, a failure ends the guest. It comes last: no component of a store runs after a trap in it. */
  expect("a broken clock", call(context, &instance, "now", &result), "the clock is broken");
  expect("a broken source", call(context, &instance, "random", &result), "no entropy");
  check("the guest was told", wasmtime_context_take_wasi_failure(context));
  broken = false;
  check("now", call(context, &instance, "now", &result));

  wasmtime_component_linker_delete(component_linker);
  wasmtime_component_delete(component);
  wasmtime_linker_delete(linker);
  wasmtime_module_delete(module);
  if (gone != 0) {
    fail("the callbacks are still needed");
  }
  wasmtime_store_delete(store);
  if (gone != 1) {
    fail("the callbacks are gone");
  }
  wasm_engine_delete(engine);
  puts("OK");
  return 0;
}
