package ffi

// #include <wasmtime/ext.h>
import "C"

// SetMaxResources sets how many descriptors a guest can have before it may not open more.
func (s Store) SetMaxResources(n uint64) Error {
	return wrapError(C.wasmtime_context_set_max_resources(s.context(), C.size_t(n)))
}

// SetHostcallFuel sets how many bytes a WASI call may make the host copy or keep.
func (s Store) SetHostcallFuel(fuel uint64) {
	C.wasmtime_context_set_hostcall_fuel(s.context(), C.size_t(fuel))
}
