package ffi

// #include "store.h"
import "C"

import "unsafe"

// Store is an owned store: memory that both sides read.
type Store struct{ ptr *C.wasmtime_binding_store_t }

// NewStore creates a store. data comes back in every host call; epochs says whether guests can be interrupted. What
// memoryEpoch points at, which C owns and which outlives the store, rises whenever a memory of the store may have moved
// or changed its size.
func NewStore(engine Engine, data uintptr, epochs bool, memoryEpoch *uint64) Store {
	crossing()
	track("store", 1)
	return Store{C.ffi_store_new(C.uintptr_t(uintptr(unsafe.Pointer(engine.ptr))), C.uintptr_t(data), C.bool(epochs),
		C.uintptr_t(uintptr(unsafe.Pointer(memoryEpoch))))}
}

// NewCounters allocates n counters, each of them 0, that are never freed.
func NewCounters(n int) []uint64 {
	return unsafe.Slice((*uint64)(C.calloc(C.size_t(n), 8)), n)
}

// Delete frees the store with everything in it.
func (s Store) Delete() {
	track("store", -1)
	C.ffi_store_delete(C.uintptr_t(uintptr(unsafe.Pointer(s.ptr))))
}

// IsNil tells whether there is no store.
func (s Store) IsNil() bool { return s.ptr == nil }

// Limiter sets the limits; negative numbers leave them at their defaults.
func (s Store) Limiter(memorySize, tableElements, instances, tables, memories int64) {
	crossing()
	C.wasmtime_binding_store_limiter(s.ptr, C.int64_t(memorySize), C.int64_t(tableElements),
		C.int64_t(instances), C.int64_t(tables), C.int64_t(memories))
}

// SetDeadline sets the deadline in ticks from now; the largest number means none.
func (s Store) SetDeadline(ticks uint64) {
	C.wasmtime_binding_store_set_deadline(s.ptr, C.uint64_t(ticks))
}

// Watch begins or ends a watch, during which Interrupt stops guests.
func (s Store) Watch(begin bool) { C.wasmtime_binding_store_watch(s.ptr, C.bool(begin)) }

// Interrupt raises the interrupt flag, which stops a running guest, or lowers it; it may be called from any goroutine.
func (s Store) Interrupt(up bool) { C.wasmtime_binding_store_interrupt(s.ptr, C.bool(up)) }

// GC runs the collector of the store's GC heap.
func (s Store) GC() Error {
	crossing()
	return wrapError(C.wasmtime_binding_store_gc(s.ptr))
}

// SetFuel sets the remaining fuel.
func (s Store) SetFuel(fuel uint64) Error {
	crossing()
	return wrapError(C.wasmtime_context_set_fuel(s.context(), C.uint64_t(fuel)))
}

// Fuel returns the remaining fuel.
func (s Store) Fuel() (uint64, Error) {
	crossing()
	var fuel C.uint64_t
	err := wrapError(C.wasmtime_context_get_fuel(s.context(), &fuel))
	return uint64(fuel), err
}

func (s Store) context() *C.wasmtime_context_t {
	return (*C.wasmtime_context_t)(unsafe.Pointer(s.ptr.context))
}
