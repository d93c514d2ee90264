/*
 * Components without Go: one is compiled from text and linked with a function and a resource of this program; a call
 * takes and returns a string, and an argument that is no UTF-8 is refused.
 *
 * Uses nothing but the headers in include/ and libwasmtime.a. Prints "OK" and returns 0 when everything went well.
 *
 *   cc -I include ci/ctest/component.c build/linux-x86_64/libwasmtime.a -lpthread -ldl -lm -o component
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasmtime.h>
#include <wasmtime/ext.h>

#include "check.h"

/* Calls the host's function with its own argument; makes a resource of the host and drops it. */
static const char wat[] =
    "(component"
    "  (import \"ctest:host/text@1.0.0\" (instance $text"
    "    (export \"shout\" (func (param \"s\" string) (result string)))"
    "    (export \"page\" (type $page (sub resource)))"
    "    (export \"[constructor]page\" (func (param \"n\" u32) (result (own $page))))))"
    "  (alias export $text \"page\" (type $page))"
    "  (core module $memory"
    "    (memory (export \"memory\") 1)"
    "    (global $next (mut i32) (i32.const 1024))"
    "    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
    "      (global.get $next)"
    "      (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -16))))))"
    "  (core instance $memory (instantiate $memory))"
    "  (core func $shout (canon lower (func $text \"shout\") (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\"))))"
    "  (core func $new (canon lower (func $text \"[constructor]page\")))"
    "  (core func $drop (canon resource.drop $page))"
    "  (core module $main"
    "    (import \"\" \"shout\" (func $shout (param i32 i32 i32)))"
    "    (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "    (import \"\" \"drop\" (func $drop (param i32)))"
    "    (func (export \"greet\") (param i32 i32) (result i32)"
    "      (call $shout (local.get 0) (local.get 1) (i32.const 16))"
    "      (i32.const 16))"
    "    (func (export \"page\") (param i32) (call $drop (call $new (local.get 0)))))"
    "  (core instance $main (instantiate $main (with \"\" (instance"
    "    (export \"shout\" (func $shout)) (export \"new\" (func $new)) (export \"drop\" (func $drop))))))"
    "  (func (export \"greet\") (param \"s\" string) (result string)"
    "    (canon lift (core func $main \"greet\") (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\"))))"
    "  (func (export \"page\") (param \"n\" u32) (canon lift (core func $main \"page\"))))";

/* The numbers that the definitions below are known by. */
enum { SHOUT = 1, NEW_PAGE, DROP_PAGE };

static uint32_t dropped;

static uint32_t get32(const uint8_t *at) {
  uint32_t n;
  memcpy(&n, at, sizeof n);
  return n;
}

static void put32(uint8_t *at, uint32_t n) { memcpy(at, &n, sizeof n); }

/* Serves all calls of the guest. A string in a message is an offset and a length. */
static void serve(wasmtime_binding_component_hostcall_t *call) {
  if (strcmp(call->data, "the store") != 0) {
    fail("a host call of another store");
  }
  switch (call->env) {
  case SHOUT: {
    uint32_t at = get32(call->message), len = get32(call->message + 4);
    if (!wasmtime_binding_component_hostcall_grow(call, call->len + 1)) {
      fail("no memory");
    }
    for (uint32_t i = 0; i < len; i++) {
      uint8_t *c = call->message + at + i;
      *c = *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c;
    }
    call->message[at + len] = '!';
    put32(call->message + 4, len + 1);
    call->len = at + len + 1;
    break;
  }
  case NEW_PAGE:
    put32(call->message, get32(call->message) + 100);
    break;
  case DROP_PAGE:
    dropped = get32(call->message);
    call->len = 0;
    break;
  default:
    call->trap = wasmtime_trap_new("no such function", 16);
  }
}

static int finalized;

static void gone(uint64_t env) { finalized |= 1 << env; }

/* A path: each name with its length before it. */
static size_t path(uint8_t *to, const char *instance, const char *name) {
  const char *names[] = {instance, name};
  size_t len = 0;
  for (int i = 0; i < 2; i++) {
    if (names[i] != NULL) {
      put32(to + len, (uint32_t)strlen(names[i]));
      memcpy(to + len + 4, names[i], strlen(names[i]));
      len += 4 + strlen(names[i]);
    }
  }
  return len;
}

/* Writes a string as the only argument. */
static void argument(wasmtime_binding_component_call_t *call, const char *text) {
  size_t len = strlen(text);
  if (!wasmtime_binding_component_call_grow(call, 8 + len)) {
    fail("no memory");
  }
  put32(call->message, 8);
  put32(call->message + 4, (uint32_t)len);
  memcpy(call->message + 8, text, len);
  call->len = 8 + len;
}

static wasmtime_binding_component_func_t *find(wasmtime_context_t *context, wasmtime_component_instance_t *instance,
                                               const char *name) {
  uint8_t to[100];
  wasmtime_binding_component_func_t *func = NULL;
  check(name, wasmtime_binding_component_instance_func(context, instance, to, path(to, NULL, name), &func));
  if (func == NULL) {
    fail(name);
  }
  return func;
}

int main(void) {
  wasmtime_binding_engine_t *owner = NULL;
  check("engine", wasmtime_binding_engine_new(NULL, &owner));
  const wasm_engine_t *engine = wasmtime_binding_engine_get(owner);

  wasmtime_component_t *component = NULL;
  static const char module[] = "(module)";
  wasmtime_error_t *error =
      wasmtime_binding_component_new(engine, (const uint8_t *)module, sizeof module - 1, &component);
  if (error == NULL || wasmtime_error_code(error) != WASMTIME_ERROR_NOT_COMPONENT) {
    fail("a module is a component");
  }
  wasmtime_error_delete(error);
  check("compile", wasmtime_binding_component_new(engine, (const uint8_t *)wat, sizeof wat - 1, &component));

  static const char text[] = "ctest:host/text@1.0.0";
  wasmtime_component_linker_t *linker = wasmtime_component_linker_new(engine);
  wasmtime_binding_component_host_t host = {serve, gone};
  uint8_t to[100];
  check("shout", wasmtime_binding_component_linker_define_func(linker, to, path(to, text, "shout"), &host, SHOUT));
  check("page", wasmtime_binding_component_linker_define_resource(linker, to, path(to, text, "page"), 1, &host,
                                                                  DROP_PAGE));
  check("new", wasmtime_binding_component_linker_define_func(linker, to, path(to, text, "[constructor]page"), &host,
                                                             NEW_PAGE));
  wasmtime_binding_component_pre_t *pre = NULL;
  check("link", wasmtime_binding_component_linker_instantiate_pre(linker, component, &pre));

  uint64_t memory_epoch = 0;
  char data[] = "the store";
  wasmtime_binding_store_t *store = wasmtime_binding_store_new();
  store->setup.engine = owner;
  store->setup.data = data;
  store->setup.memory_epoch = &memory_epoch;
  check("store", wasmtime_binding_store_make(store));
  wasmtime_binding_component_instantiate(pre, &store->call);
  check("instantiate", store->call.error);
  if (store->call.trap != NULL) {
    fail("the component trapped");
  }
  wasmtime_component_instance_t instance;
  memcpy(&instance, store->call.slots, sizeof instance);

  wasmtime_binding_component_call_t *call = &store->component;
  wasmtime_binding_component_func_t *greet = find(call->context, &instance, "greet");
  wasmtime_binding_component_func_t *page = find(call->context, &instance, "page");
  call->func = greet;
  for (int i = 0; i < 3; i++) {
    argument(call, "hello from C");
    if (wasmtime_binding_component_call(call) != 0) {
      check("call", call->error);
      fail("the call trapped");
    }
    const uint8_t *results = call->results;
    if (get32(results + 4) != 13 || memcmp(results + get32(results), "HELLO FROM C!", 13) != 0) {
      fail("the result is wrong");
    }
  }

  /* What is no UTF-8 does not reach the guest. */
  argument(call, "\xff");
  if (wasmtime_binding_component_call(call) == 0 || call->error == NULL ||
      wasmtime_error_code(call->error) != WASMTIME_ERROR_BAD_ARGUMENT) {
    fail("a string that is not UTF-8");
  }
  wasmtime_error_delete(call->error);
  call->error = NULL;

  call->func = page;
  put32(call->message, 7);
  call->len = 4;
  if (wasmtime_binding_component_call(call) != 0 || dropped != 107) {
    fail("the destructor");
  }

  wasmtime_binding_component_func_delete(greet);
  wasmtime_binding_component_func_delete(page);
  wasmtime_binding_store_delete(store);
  wasmtime_binding_component_pre_delete(pre);
  wasmtime_component_linker_delete(linker);
  wasmtime_component_delete(component);
  wasmtime_binding_engine_delete(owner);
  if (finalized != (1 << SHOUT | 1 << NEW_PAGE | 1 << DROP_PAGE)) {
    fail("finalizers");
  }
  puts("OK");
  return 0;
}
