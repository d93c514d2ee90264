package ffi

/*
#include "module.h"

#cgo noescape ffi_module_new
#cgo noescape ffi_module_deserialize
#cgo noescape ffi_module_deserialize_file
*/
import "C"

// Module is an owned compiled module.
type Module struct{ ptr *C.wasmtime_module_t }

func wrapModule(ptr *C.wasmtime_module_t, err *C.wasmtime_error_t) (Module, Error) {
	if err == nil {
		track("module", 1)
	}
	return Module{ptr}, wrapError(err)
}

// load makes a module, on another thread if this one has too little stack. That is tried here first, because a function
// that may run on another thread costs its variables an allocation each.
func load(from loadable, engine Engine, data *C.uint8_t, n int) (Module, Error) {
	var ptr *C.wasmtime_module_t
	err := from.load(false, engine, data, n, &ptr)
	if (Error{err}).isNoRoom() {
		return loadElsewhere(from, engine, data, n)
	}
	return wrapModule(ptr, err)
}

func loadElsewhere(from loadable, engine Engine, data *C.uint8_t, n int) (Module, Error) {
	var ptr *C.wasmtime_module_t
	err := withStack(func(anywhere C.bool) *C.wasmtime_error_t { return from.load(anywhere, engine, data, n, &ptr) })
	return wrapModule(ptr, err)
}

// loadable is what a module is made of.
type loadable int

const (
	loadBinary loadable = iota
	loadCompiled
	loadFile
)

func (from loadable) load(anywhere C.bool, engine Engine, data *C.uint8_t, n int, out **C.wasmtime_module_t) *C.wasmtime_error_t {
	switch from {
	case loadBinary:
		return C.ffi_module_new(anywhere, engine.ptr, data, C.size_t(n), out)
	case loadCompiled:
		return C.ffi_module_deserialize(anywhere, engine.ptr, data, C.size_t(n), out)
	}
	return C.ffi_module_deserialize_file(anywhere, engine.ptr, data, C.size_t(n), out)
}

// IsNil tells whether there is no module.
func (m Module) IsNil() bool { return m.ptr == nil }

// NewModule compiles a module.
func NewModule(engine Engine, wasm []byte) (Module, Error) {
	crossing()
	return load(loadBinary, engine, bytesPtr(wasm), len(wasm))
}

// ValidateModule checks a module without compiling it.
func ValidateModule(engine Engine, wasm []byte) Error {
	crossing()
	return wrapError(withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_module_validate(anywhere, engine.ptr, bytesPtr(wasm), C.size_t(len(wasm)))
	}))
}

// DeserializeModule loads what Serialize made. The bytes are trusted.
func DeserializeModule(engine Engine, encoded []byte) (Module, Error) {
	crossing()
	return load(loadCompiled, engine, bytesPtr(encoded), len(encoded))
}

// DeserializeModuleFile maps a file that holds what Serialize made. The file is trusted.
func DeserializeModuleFile(engine Engine, path string) (Module, Error) {
	crossing()
	return load(loadFile, engine, stringBytes(path), len(path))
}

// Serialize returns the compiled module.
func (m Module) Serialize() ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	err := wrapError(withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_module_serialize(anywhere, m.ptr, &vec)
	}))
	if !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}

// Types describes imports and exports in the encoding of wasmtime_binding_module_types.
func (m Module) Types() ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	if err := wrapError(C.wasmtime_binding_module_types(m.ptr, &vec)); !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}

// Delete frees the module; instances keep what they need of it.
func (m Module) Delete() {
	track("module", -1)
	C.wasmtime_module_delete(m.ptr)
}

// Wat2Wasm turns the text format into the binary one.
func Wat2Wasm(wat string) ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	err := wrapError(withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_wat2wasm(anywhere, stringPtr(wat), C.size_t(len(wat)), &vec)
	}))
	if !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}
