package ffi

// #include "stack.h"
import "C"

// ReserveStack makes room for want bytes on the stack of every thread that can run a guest, and returns how much there is. On
// Unix it may raise the process's soft limit of the main thread's stack.
func ReserveStack(want uint64) uint64 { return uint64(C.ffi_reserve_stack(C.size_t(want))) }
