// The way from a guest into Go.

#include "component.h"

// What runtime/cgo offers C for calls into Go: it runs fn(arg) in Go. What cgo makes of an //export does the same,
// and more that takes a tenth of a host call: it waits for the start of the Go runtime, which here is long over, it
// asks for a traceback context, and it copies the arguments.
extern void crosscall2(void (*fn)(void *), void *arg, int size, size_t context);

static void (*host_call)(void *), (*component_host_call)(void *);

void ffi_set_host_call(uintptr_t entry) { host_call = (void (*)(void *))entry; }

void ffi_set_component_host_call(uintptr_t entry) { component_host_call = (void (*)(void *))entry; }

void ffi_component_host_call(wasmtime_binding_component_hostcall_t *call) {
  crosscall2(component_host_call, call, 0, 0);
}

void ffi_host_call(wasmtime_binding_hostcall_t *call) { crosscall2(host_call, call, 0, 0); }
