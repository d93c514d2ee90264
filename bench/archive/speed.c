// Compares two builds of the archive by what the archive decides: the time of a call, of an instantiation and of a
// compilation, through the official C API. The best of several rounds each; run the builds in turn and take medians.
//
//   (cd rust && cargo xtask build --lto --output /tmp/lto.a)       the other build
//   testdata/guests/build.sh --go /tmp                             a module of 4 MB, kernel.wasm
//   for a in build/linux-x86_64/libwasmtime.a /tmp/lto.a; do
//     gcc -O2 -Iinclude bench/archive/speed.c $a -lgcc_eh -lpthread -lm -ldl -lrt -o /tmp/speed && /tmp/speed /tmp/kernel.wasm
//   done

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wasmtime.h>

static double nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void check(wasmtime_error_t *error, wasm_trap_t *trap) {
  if (error != NULL) {
    wasm_name_t message;
    wasmtime_error_message(error, &message);
    fprintf(stderr, "%.*s\n", (int)message.size, message.data);
    exit(1);
  }
  if (trap != NULL) {
    fprintf(stderr, "a trap\n");
    exit(1);
  }
}

static wasmtime_module_t *module_of(wasm_engine_t *engine, const char *wat) {
  wasm_byte_vec_t wasm;
  wasmtime_module_t *module;
  check(wasmtime_wat2wasm(wat, strlen(wat), &wasm), NULL);
  check(wasmtime_module_new(engine, (const uint8_t *)wasm.data, wasm.size, &module), NULL);
  wasm_byte_vec_delete(&wasm);
  return module;
}

// Nanoseconds for a call (i32, i32) -> i32.
static double call(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
  wasmtime_context_t *context = wasmtime_store_context(store);
  wasmtime_module_t *module = module_of(
      engine, "(module (func (export \"f\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))");
  wasmtime_instance_t instance;
  wasmtime_extern_t f;
  wasm_trap_t *trap = NULL;
  check(wasmtime_instance_new(context, module, NULL, 0, &instance, &trap), trap);
  if (!wasmtime_instance_export_get(context, &instance, "f", 1, &f))
    exit(1);
  double best = 1e18;
  for (int round = 0; round < 15; round++) {
    const int n = 1000000;
    double start = nanoseconds(CLOCK_MONOTONIC);
    for (int i = 0; i < n; i++) {
      wasmtime_val_raw_t slots[2];
      slots[0].i32 = i;
      slots[1].i32 = 1;
      check(wasmtime_func_call_unchecked(context, &f.of.func, slots, 2, &trap), trap);
    }
    double each = (nanoseconds(CLOCK_MONOTONIC) - start) / n;
    best = each < best ? each : best;
  }
  return best;
}

// Nanoseconds for a store, an instance of a small module with a memory in it, and their end.
static double instantiate(bool pooling) {
  wasm_config_t *config = wasm_config_new();
  if (pooling) {
    wasmtime_pooling_allocation_config_t *pools = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pools, 64 << 10);
    wasmtime_pooling_allocation_strategy_set(config, pools);
    wasmtime_pooling_allocation_config_delete(pools);
  }
  wasm_engine_t *engine = wasm_engine_new_with_config(config);
  wasmtime_module_t *module =
      module_of(engine, "(module (memory 1) (data (i32.const 0) \"hello\") (func (export \"f\") (result i32) (i32.const 1)))");
  wasmtime_linker_t *linker = wasmtime_linker_new(engine);
  wasmtime_instance_pre_t *pre;
  check(wasmtime_linker_instantiate_pre(linker, module, &pre), NULL);
  double best = 1e18;
  for (int round = 0; round < 7; round++) {
    const int n = 10000;
    double start = nanoseconds(CLOCK_MONOTONIC);
    for (int i = 0; i < n; i++) {
      wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
      wasmtime_instance_t instance;
      wasm_trap_t *trap = NULL;
      check(wasmtime_instance_pre_instantiate(pre, wasmtime_store_context(store), &instance, &trap), trap);
      wasmtime_store_delete(store);
    }
    double each = (nanoseconds(CLOCK_MONOTONIC) - start) / n;
    best = each < best ? each : best;
  }
  return best;
}

// Milliseconds of processor time to compile a module on one thread.
static double compile(wasmtime_strategy_t strategy, const uint8_t *wasm, size_t size) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_parallel_compilation_set(config, false);
  wasmtime_config_strategy_set(config, strategy);
  wasm_engine_t *engine = wasm_engine_new_with_config(config);
  double best = 1e18;
  for (int round = 0; round < 3; round++) {
    wasmtime_module_t *module;
    double start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    check(wasmtime_module_new(engine, wasm, size, &module), NULL);
    double each = (nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e6;
    best = each < best ? each : best;
    wasmtime_module_delete(module);
  }
  return best;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL) {
    fprintf(stderr, "usage: speed MODULE\n");
    return 2;
  }
  static uint8_t wasm[32 << 20];
  size_t size = fread(wasm, 1, sizeof wasm, file);
  fclose(file);
  printf("call %.2f ns, instantiate %.0f ns on demand, %.0f ns pooling, compile %.0f ms Cranelift, %.0f ms Winch\n", call(),
         instantiate(false), instantiate(true), compile(WASMTIME_STRATEGY_CRANELIFT, wasm, size),
         compile(WASMTIME_STRATEGY_WINCH, wasm, size));
  return 0;
}
