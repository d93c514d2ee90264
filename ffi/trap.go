package ffi

// #include <wasmtime/ext.h>
import "C"

import "unsafe"

// Trap is an owned wasm_trap_t, or none.
type Trap struct{ ptr *C.wasm_trap_t }

func wrapTrap(ptr *C.wasm_trap_t) Trap {
	if ptr != nil {
		track("trap", 1)
	}
	return Trap{ptr}
}

// NewTrap makes a trap with a message and no code.
func NewTrap(message string) Trap {
	crossing()
	return wrapTrap(C.wasmtime_trap_new(stringPtr(message), C.size_t(len(message))))
}

// IsNil tells whether there is no trap.
func (t Trap) IsNil() bool { return t.ptr == nil }

// Delete frees the trap.
func (t Trap) Delete() {
	track("trap", -1)
	C.wasm_trap_delete(t.ptr)
}

// Release gives the trap to the native library: it is no longer the caller's to delete.
func (t Trap) Release() unsafe.Pointer {
	track("trap", -1)
	return unsafe.Pointer(t.ptr)
}
