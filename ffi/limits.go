package ffi

// #include <wasmtime/ext.h>
import "C"

import "unsafe"

// Limits are what instances of a store may use, a negative number leaves a limit at its default: the mirror of
// wasmtime_binding_limits_t.
type Limits struct {
	MemorySize, TableElements   int64
	Instances, Tables, Memories int64
	TotalMemory                 int64
	// Tell says whether OnRefusal hears of what these limits refuse.
	Tell bool
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_limits_t{}) - unsafe.Sizeof(Limits{})]byte
	_ [unsafe.Sizeof(Limits{}) - unsafe.Sizeof(C.wasmtime_binding_limits_t{})]byte
)

// Limit sets the limits in place of all that were set before. The store need not be made.
func (s Store) Limit(limits Limits) {
	to := s.setup()
	to.limits, to.limited = limits, true
	if s.IsMade() {
		crossing()
		C.wasmtime_binding_store_limiter(s.ptr)
	}
}

// LimitKind says which limit has refused something: a WASMTIME_BINDING_REFUSED_*.
type LimitKind uint32

// The limits.
const (
	LimitMemorySize    LimitKind = C.WASMTIME_BINDING_REFUSED_MEMORY_SIZE
	LimitTotalMemory   LimitKind = C.WASMTIME_BINDING_REFUSED_TOTAL_MEMORY
	LimitTableElements LimitKind = C.WASMTIME_BINDING_REFUSED_TABLE_ELEMENTS
	LimitInstances     LimitKind = C.WASMTIME_BINDING_REFUSED_INSTANCES
	LimitTables        LimitKind = C.WASMTIME_BINDING_REFUSED_TABLES
	LimitMemories      LimitKind = C.WASMTIME_BINDING_REFUSED_MEMORIES
)

// OnRefusal hears of what the limits of a store have refused. It is set once, by the package above, before anything is
// called. It must not panic. The error, which is made with NewError, ends the guest or the operation.
var OnRefusal func(data uintptr, limit LimitKind, wanted, most uint64) Error

//export gowasmtimeRefused
func gowasmtimeRefused(data C.uintptr_t, limit C.uint32_t, wanted, most C.uint64_t) *C.wasmtime_error_t {
	return OnRefusal(uintptr(data), LimitKind(limit), uint64(wanted), uint64(most)).release()
}

// SetMaxResources sets how many descriptors a guest can have before it may not open more.
func (s Store) SetMaxResources(n uint64) Error {
	return wrapError(C.wasmtime_context_set_max_resources(s.context(), C.size_t(n)))
}

// SetHostcallFuel sets how many bytes a WASI call may make the host copy or keep.
func (s Store) SetHostcallFuel(fuel uint64) {
	C.wasmtime_context_set_hostcall_fuel(s.context(), C.size_t(fuel))
}
