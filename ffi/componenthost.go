package ffi

/*
#include "component.h"

void ffi_set_component_host_call(uintptr_t entry);
void ffi_component_host_call(wasmtime_binding_component_hostcall_t *call);
void gowasmtimeComponentFuncGone(uint64_t env);

static const wasmtime_binding_component_host_t ffi_component_host = {ffi_component_host_call,
                                                                     gowasmtimeComponentFuncGone};

static inline wasmtime_error_t *ffi_component_define_func(wasmtime_component_linker_t *linker, const uint8_t *path,
                                                          size_t len, uint64_t env) {
  return wasmtime_binding_component_linker_define_func(linker, path, len, &ffi_component_host, env);
}
static inline wasmtime_error_t *ffi_component_define_resource(wasmtime_component_linker_t *linker, const uint8_t *path,
                                                              size_t len, uint32_t number, uint64_t env) {
  return wasmtime_binding_component_linker_define_resource(linker, path, len, number, &ffi_component_host, env);
}
*/
import "C"

import "unsafe"

// ComponentHostCall is a call from a component to a host function, or to the destructor of a host's resource: memory
// that C owns, the mirror of wasmtime_binding_component_hostcall_t, valid until the call is over.
type ComponentHostCall struct {
	// Env is what the function was defined with.
	Env uint64
	// Data is what the store was made with.
	Data    uintptr
	context unsafe.Pointer
	message unsafe.Pointer
	// Len is the length of the message of the parameters, and then of that of the results.
	Len      uintptr
	capacity uintptr
	trap     unsafe.Pointer
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_component_hostcall_t{}) - unsafe.Sizeof(ComponentHostCall{})]byte
	_ [unsafe.Sizeof(ComponentHostCall{}) - unsafe.Sizeof(C.wasmtime_binding_component_hostcall_t{})]byte
)

// OnComponentHostCall sets the function that every host call arrives at. It must not panic.
func OnComponentHostCall(f func(call *ComponentHostCall)) {
	// A function value points at a closure, of which the code comes first.
	C.ffi_set_component_host_call(C.uintptr_t(**(**uintptr)(unsafe.Pointer(&f))))
}

// OnComponentFuncGone hears that the native library will not call a function or destructor again. It is set once by the
// package above before anything is called.
var OnComponentFuncGone func(env uint64)

//export gowasmtimeComponentFuncGone
func gowasmtimeComponentFuncGone(env C.uint64_t) { OnComponentFuncGone(uint64(env)) }

// Message returns the message's memory, all of it: the parameters, then the results.
func (c *ComponentHostCall) Message() []byte { return unsafe.Slice((*byte)(c.message), c.capacity) }

// MessageStart returns where Message begins.
func (c *ComponentHostCall) MessageStart() unsafe.Pointer { return c.message }

// Capacity returns how many bytes Message has.
func (c *ComponentHostCall) Capacity() uintptr { return c.capacity }

// Grow makes room for n bytes and returns the memory. What was in the first Len bytes is there, too. It is nil if there
// is not so much memory.
func (c *ComponentHostCall) Grow(n int) []byte {
	crossing()
	if !C.wasmtime_binding_component_hostcall_grow((*C.wasmtime_binding_component_hostcall_t)(unsafe.Pointer(c)), C.size_t(n)) {
		return nil
	}
	return c.Message()
}

// SetTrap makes the call fail with a trap, which it takes.
func (c *ComponentHostCall) SetTrap(trap Trap) { c.trap = trap.Release() }

// DefineFunc defines a host function. OnComponentFuncGone hears of its end, also when it fails.
func (l ComponentLinker) DefineFunc(path []byte, env uint64) Error {
	crossing()
	return wrapError(C.ffi_component_define_func(l.ptr, bytesPtr(path), C.size_t(len(path)), C.uint64_t(env)))
}

// DefineResource defines a resource of the host's by its number, with a destructor. OnComponentFuncGone hears of the
// end of that, also when it fails.
func (l ComponentLinker) DefineResource(path []byte, number uint32, env uint64) Error {
	crossing()
	return wrapError(C.ffi_component_define_resource(l.ptr, bytesPtr(path), C.size_t(len(path)), C.uint32_t(number), C.uint64_t(env)))
}
