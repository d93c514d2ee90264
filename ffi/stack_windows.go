package ffi

// #include "stack.h"
import "C"

// ReserveStack returns how much of want bytes there is room for on the stack of every thread that can run a guest.
func ReserveStack(want uint64) uint64 { return uint64(C.ffi_reserve_stack(C.size_t(want))) }
