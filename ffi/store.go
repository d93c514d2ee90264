package ffi

/*
#include "store.h"

void gowasmtimeStream(wasmtime_binding_stream_request_t *request);
wasmtime_error_t *gowasmtimeRefused(uintptr_t data, uint32_t limit, uint64_t wanted, uint64_t most);

// A place whose callbacks are Go's.
static inline wasmtime_binding_store_t *ffi_store_new(void) {
  wasmtime_binding_store_t *store = wasmtime_binding_store_new();
  store->setup.streams = gowasmtimeStream;
  store->setup.refused = (wasmtime_binding_refusal_callback_t)gowasmtimeRefused;
  return store;
}

// Makes the store, unless it has been made, gives it a deadline that never comes, and begins a watch if it is to.
static inline wasmtime_error_t *ffi_store_begin(wasmtime_binding_store_t *store, bool watch) {
  wasmtime_error_t *error = wasmtime_binding_store_make(store);
  if (error == NULL) {
    wasmtime_binding_store_set_deadline(store, UINT64_MAX);
    if (watch)
      wasmtime_binding_store_watch(store, true);
  }
  return error;
}
*/
import "C"

import "unsafe"

// Store is a place for a store: memory that C owns and both sides read. One store after the other is made in it, each
// when it is first needed.
type Store struct{ ptr *C.wasmtime_binding_store_t }

// storeSetup is what a store is made with: the mirror of wasmtime_binding_setup_t. What is C's is a number here, so
// that Go's collector is not shown pointers that are written to C's memory.
type storeSetup struct {
	engine, data, memoryEpoch uintptr
	epochs, limited           bool
	limits                    Limits
	refused, wasi, streams    uintptr
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_setup_t{}) - unsafe.Sizeof(storeSetup{})]byte
	_ [unsafe.Sizeof(storeSetup{}) - unsafe.Sizeof(C.wasmtime_binding_setup_t{})]byte
)

// NewStore returns a place in which there is no store.
func NewStore() Store {
	crossing()
	return Store{C.ffi_store_new()}
}

// Open begins a store, which is not made yet. The engine has to live until it is. data comes back in every host call;
// epochs says whether guests can be interrupted. What memoryEpoch points at, which C owns and which outlives the store,
// rises whenever a memory of the store may have moved or changed its size.
func (s Store) Open(engine Engine, data uintptr, epochs bool, memoryEpoch *uint64) {
	track("store", 1)
	to := s.setup()
	to.engine, to.data, to.epochs = uintptr(unsafe.Pointer(engine.ptr)), data, epochs
	to.memoryEpoch = uintptr(unsafe.Pointer(memoryEpoch))
	to.limited, to.wasi = false, 0
}

func (s Store) setup() *storeSetup { return (*storeSetup)(unsafe.Pointer(&s.ptr.setup)) }

// IsMade tells whether the store has been made. Only then may it be used, but for what Open, Limit and SetWasiLater
// set.
func (s Store) IsMade() bool { return s.ptr.context != nil }

// Make makes the store, unless it has been made. What instantiates in its frame makes it as well.
func (s Store) Make() Error {
	crossing()
	return wrapError(C.wasmtime_binding_store_make(s.ptr))
}

// Close ends the store, made or not, with everything in it.
func (s Store) Close() {
	track("store", -1)
	if s.IsMade() {
		C.ffi_store_close(C.uintptr_t(uintptr(unsafe.Pointer(s.ptr))))
	}
}

// NewCounters allocates n counters, each of them 0, that are never freed.
func NewCounters(n int) []uint64 {
	return unsafe.Slice((*uint64)(C.calloc(C.size_t(n), 8)), n)
}

// Delete frees the place, in which there is no store any more.
func (s Store) Delete() {
	C.ffi_store_delete(C.uintptr_t(uintptr(unsafe.Pointer(s.ptr))))
}

// IsNil tells whether there is no place.
func (s Store) IsNil() bool { return s.ptr == nil }

// SetDeadline sets the deadline in ticks from now; the largest number means none.
func (s Store) SetDeadline(ticks uint64) {
	C.wasmtime_binding_store_set_deadline(s.ptr, C.uint64_t(ticks))
}

// Begin is what the first call with a context takes, in one crossing: it makes the store, unless it has been made, sets
// a deadline that never comes, and begins a watch if watch is set.
func (s Store) Begin(watch bool) Error {
	crossing()
	return wrapError(C.ffi_store_begin(s.ptr, C.bool(watch)))
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
