package ffi

/*
#include "store.h"

#cgo noescape wasmtime_caller_export_get
#cgo nocallback wasmtime_caller_export_get

void ffi_set_host_call(uintptr_t entry);
void ffi_host_call(wasmtime_binding_hostcall_t *call);
void gowasmtimeFuncGone(uint64_t env);
void gowasmtimeExternrefGone(void *data, uint64_t token);

static const wasmtime_binding_host_t ffi_store_host = {ffi_host_call, NULL, gowasmtimeExternrefGone};
static const wasmtime_binding_host_t ffi_linker_host = {ffi_host_call, gowasmtimeFuncGone, gowasmtimeExternrefGone};

static inline const wasmtime_binding_host_t *ffi_host(bool linker) {
  return linker ? &ffi_linker_host : &ffi_store_host;
}
static inline wasmtime_binding_externref_finalizer_t ffi_externref_finalizer(void) {
  return gowasmtimeExternrefGone;
}
*/
import "C"

import "unsafe"

// HostCall is a call from a guest to a host function: memory that C owns, the mirror of wasmtime_binding_hostcall_t,
// valid until the call is over.
type HostCall struct {
	// Env is what the function was defined with.
	Env uint64
	// Data is what the store was made with.
	Data   uintptr
	caller unsafe.Pointer
	// Slots points at the arguments, and takes the results: Slot entries, or Val entries when the signature has
	// references.
	Slots unsafe.Pointer
	// Len is the number of entries.
	Len  uintptr
	trap unsafe.Pointer
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_hostcall_t{}) - unsafe.Sizeof(HostCall{})]byte
	_ [unsafe.Sizeof(HostCall{}) - unsafe.Sizeof(C.wasmtime_binding_hostcall_t{})]byte
)

// OnHostCall sets the function that every host call arrives at. It must not panic.
func OnHostCall(f func(call *HostCall)) {
	// A function value points at a closure, of which the code comes first.
	C.ffi_set_host_call(C.uintptr_t(**(**uintptr)(unsafe.Pointer(&f))))
}

// The callbacks, set once by the package above before anything is called.
var (
	OnFuncGone      func(env uint64)
	OnExternrefGone func(data uintptr, token uint64)
)

//export gowasmtimeFuncGone
func gowasmtimeFuncGone(env C.uint64_t) { OnFuncGone(uint64(env)) }

//export gowasmtimeExternrefGone
func gowasmtimeExternrefGone(data unsafe.Pointer, token C.uint64_t) {
	OnExternrefGone(uintptr(data), uint64(token))
}

func externrefFinalizer() C.wasmtime_binding_externref_finalizer_t {
	return C.ffi_externref_finalizer()
}

// SetTrap makes the call fail with a trap, which it takes.
func (c *HostCall) SetTrap(trap Trap) { c.trap = trap.Release() }

// Export looks up an export of the calling instance; there is none when there is no instance.
func (c *HostCall) Export(name string, item *Item) bool {
	crossing()
	if c.caller == nil {
		return false
	}
	var found Item
	ok := C.wasmtime_caller_export_get((*C.wasmtime_caller_t)(c.caller), stringPtr(name), C.size_t(len(name)), found.c())
	*item = found
	return bool(ok)
}

// NewFunc creates a host function of an encoded type in a store.
func (s Store) NewFunc(ty []byte, env uint64, out *Item) Error {
	crossing()
	item := Item{Kind: ItemFunc}
	err := wrapError(C.wasmtime_binding_func_new(s.context(), bytesPtr(ty), C.size_t(len(ty)),
		C.ffi_host(false), C.uint64_t(env), item.fn()))
	*out = item
	return err
}

// DefineFunc defines a host function of an encoded type in a linker. OnFuncGone hears of its end, also when it fails.
func (l Linker) DefineFunc(module, name string, ty []byte, env uint64) Error {
	crossing()
	return wrapError(C.wasmtime_binding_linker_define_func(l.ptr, stringBytes(module), C.size_t(len(module)),
		stringBytes(name), C.size_t(len(name)), bytesPtr(ty), C.size_t(len(ty)), C.ffi_host(true), C.uint64_t(env)))
}

// FuncType describes a function's type in the encoding of wasmtime_binding_func_type.
func (s Store) FuncType(item Item) ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	if err := wrapError(C.wasmtime_binding_func_type(s.context(), item.fn(), &vec)); !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}
