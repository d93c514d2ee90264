package ffi

/*
#include "store.h"

static inline wasmtime_linker_t *ffi_linker_new(wasmtime_binding_engine_t *engine) {
  return wasmtime_linker_new((wasm_engine_t *)wasmtime_binding_engine_get(engine));
}
*/
import "C"

import "unsafe"

// Linker is an owned linker.
type Linker struct{ ptr *C.wasmtime_linker_t }

// NewLinker creates an empty linker.
func NewLinker(engine Engine) Linker {
	crossing()
	track("linker", 1)
	return Linker{C.ffi_linker_new(engine.ptr)}
}

// Clone makes another linker with the same definitions and settings.
func (l Linker) Clone() Linker {
	crossing()
	track("linker", 1)
	return Linker{C.wasmtime_linker_clone(l.ptr)}
}

// Delete frees the linker; instances keep what they need of it.
func (l Linker) Delete() {
	track("linker", -1)
	C.wasmtime_linker_delete(l.ptr)
}

// AllowShadowing sets whether a later definition may replace an earlier one.
func (l Linker) AllowShadowing(allow bool) { C.wasmtime_linker_allow_shadowing(l.ptr, C.bool(allow)) }

// Define defines an item of a store.
func (l Linker) Define(s Store, module, name string, item Item) Error {
	crossing()
	return wrapError(C.wasmtime_linker_define(l.ptr, s.context(), stringPtr(module), C.size_t(len(module)),
		stringPtr(name), C.size_t(len(name)), item.c()))
}

// DefineWasi defines WASI 0.1 over the store's table of guest descriptors.
func (l Linker) DefineWasi() Error {
	crossing()
	return wrapError(C.wasmtime_linker_define_wasi_p1(l.ptr))
}

// DefineFrom defines what another linker has of the same name, for a store, if it has it.
func (l Linker) DefineFrom(other Linker, s Store, module, name string) Error {
	var item Item
	found, err := other.Get(s, module, name, &item)
	if !found || !err.IsNil() {
		return err
	}
	if item.Kind == ItemSharedMemory {
		defer item.Own().Delete()
	}
	return l.Define(s, module, name, item)
}

// DefineInstance defines all exports of an instance under a module name.
func (l Linker) DefineInstance(s Store, name string, instance Instance) Error {
	crossing()
	return wrapError(C.wasmtime_linker_define_instance(l.ptr, s.context(), stringPtr(name), C.size_t(len(name)), instance.c()))
}

// DefineModule instantiates a module, as a command or a reactor, in the frame's store and defines its exports under a
// name. It tells whether it succeeded; if not, the frame's Failure says why. room is as for Call.Run.
func (l Linker) DefineModule(c *Call, room uintptr, name string, module Module) bool {
	crossing()
	return c.enter(func() {
		C.ffi_linker_module(c.address(), C.size_t(room), l.ptr, stringBytes(name), C.size_t(len(name)),
			module.ptr)
	})
}

// DefineUnknownImportsAsTraps defines what the module imports and nobody defined as functions that trap.
func (l Linker) DefineUnknownImportsAsTraps(module Module) Error {
	crossing()
	return wrapError(C.wasmtime_linker_define_unknown_imports_as_traps(l.ptr, module.ptr))
}

// DefineUnknownImportsAsDefaultValues defines what the module imports and nobody defined with default values.
func (l Linker) DefineUnknownImportsAsDefaultValues(s Store, module Module) Error {
	crossing()
	return wrapError(C.wasmtime_linker_define_unknown_imports_as_default_values(l.ptr, s.context(), module.ptr))
}

// Get looks a definition up; it tells whether there is one.
func (l Linker) Get(s Store, module, name string, item *Item) (bool, Error) {
	crossing()
	var found Item
	var ok C.bool
	err := wrapError(C.wasmtime_binding_linker_get(l.ptr, s.context(), stringBytes(module), C.size_t(len(module)),
		stringBytes(name), C.size_t(len(name)), found.c(), &ok))
	*item = found
	return bool(ok), err
}

// GetDefault looks up the default function of a module name.
func (l Linker) GetDefault(s Store, name string, item *Item) Error {
	crossing()
	found := Item{Kind: ItemFunc}
	err := wrapError(C.wasmtime_binding_linker_get_default(l.ptr, s.context(), stringBytes(name), C.size_t(len(name)), found.fn()))
	*item = found
	return err
}

// Instantiate links and instantiates a module in the frame's store; if it fails, the frame's Failure says why. room is
// as for Call.Run.
func (l Linker) Instantiate(c *Call, room uintptr, module Module) (Instance, bool) {
	crossing()
	ok := c.enter(func() {
		C.ffi_linker_instantiate(c.address(), C.size_t(room), C.uintptr_t(uintptr(unsafe.Pointer(l.ptr))),
			C.uintptr_t(uintptr(unsafe.Pointer(module.ptr))))
	})
	return *(*Instance)(c.Slots), ok
}

// InstancePre is an owned module with its imports resolved.
type InstancePre struct{ ptr *C.wasmtime_instance_pre_t }

// InstantiatePre resolves the imports of a module.
func (l Linker) InstantiatePre(module Module) (InstancePre, Error) {
	crossing()
	var pre InstancePre
	err := wrapError(C.wasmtime_linker_instantiate_pre(l.ptr, module.ptr, &pre.ptr))
	if err.IsNil() {
		track("instance pre", 1)
	}
	return pre, err
}

// Instantiate instantiates the module in the frame's store; if it fails, the frame's Failure says why. room is as for
// Call.Run.
func (p InstancePre) Instantiate(c *Call, room uintptr) (Instance, bool) {
	crossing()
	ok := c.enter(func() {
		C.ffi_pre_instantiate(c.address(), C.size_t(room), C.uintptr_t(uintptr(unsafe.Pointer(p.ptr))))
	})
	return *(*Instance)(c.Slots), ok
}

// Delete frees it; instances keep what they need.
func (p InstancePre) Delete() {
	track("instance pre", -1)
	C.wasmtime_instance_pre_delete(p.ptr)
}
