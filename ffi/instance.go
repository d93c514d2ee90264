package ffi

// #include "store.h"
import "C"

import "unsafe"

// Instance is an instance of a store, by value: nothing to free.
type Instance struct{ Raw [2]uint64 }

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_instance_t{}) - unsafe.Sizeof(Instance{})]byte
	_ [unsafe.Sizeof(Instance{}) - unsafe.Sizeof(C.wasmtime_instance_t{})]byte
)

func (i *Instance) c() *C.wasmtime_instance_t { return (*C.wasmtime_instance_t)(unsafe.Pointer(i)) }

// NewInstance instantiates a module with explicit imports in the frame's store; if it fails, the frame's Failure says
// why. room is as for Call.Run.
func NewInstance(c *Call, room uintptr, module Module, imports []Item) (Instance, bool) {
	crossing()
	ok := c.enter(func() {
		C.ffi_instance_new(c.address(), C.size_t(room), module.ptr,
			(*C.wasmtime_extern_t)(unsafe.Pointer(unsafe.SliceData(imports))), C.size_t(len(imports)))
	})
	return *(*Instance)(c.Slots), ok
}

// Export looks an export up by name. If it is a function, its type comes with it, unless that is huge: in the
// encoding of FuncType, good until the store is used again.
func (s Store) Export(instance Instance, name string) (item Item, fn []byte, ok bool) {
	crossing()
	slots := s.Call().Slots
	*(*Instance)(slots) = instance
	n := C.wasmtime_binding_store_export(s.ptr, stringBytes(name), C.size_t(len(name)))
	if n == 0 {
		return Item{}, nil, false
	}
	return *(*Item)(slots), unsafe.Slice((*byte)(unsafe.Add(slots, C.WASMTIME_BINDING_EXPORT_TYPE_AT)), n-1), true
}

// ExportAt returns the name and the item of the i-th export, in the module's order.
func (s Store) ExportAt(instance Instance, i int, item *Item) (string, bool) {
	crossing()
	var name *C.char
	var n C.size_t
	var found Item
	if !C.wasmtime_instance_export_nth(s.context(), instance.c(), C.size_t(i), &name, &n, found.c()) {
		return "", false
	}
	*item = found
	return C.GoStringN(name, C.int(n)), true
}
