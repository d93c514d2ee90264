package ffi

// #include <wasmtime/ext.h>
import "C"

import "unsafe"

// Trap is an owned wasm_trap_t, or none.
type Trap struct{ ptr *C.wasm_trap_t }

// Frame is one frame of a trap's backtrace, copied out of it.
type Frame struct {
	FuncIndex    uint32
	FuncName     *string
	ModuleName   *string
	FuncOffset   uint
	ModuleOffset uint
}

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

// Message returns the full text, with the backtrace and the causes.
func (t Trap) Message() string {
	crossing()
	var vec C.wasm_byte_vec_t
	C.wasm_trap_message(t.ptr, &vec)
	vec.size-- // the terminating NUL
	s := C.GoStringN((*C.char)(vec.data), C.int(vec.size))
	vec.size++
	C.wasm_byte_vec_delete(&vec)
	return s
}

// Code returns the trap's code, if it has one.
func (t Trap) Code() (uint8, bool) {
	var code C.wasmtime_trap_code_t
	ok := C.wasmtime_trap_code(t.ptr, &code)
	return uint8(code), bool(ok)
}

// Frames returns the backtrace, innermost frame first.
func (t Trap) Frames() []Frame {
	crossing()
	var vec C.wasm_frame_vec_t
	C.wasm_trap_trace(t.ptr, &vec)
	defer C.wasm_frame_vec_delete(&vec)
	frames := make([]Frame, int(vec.size))
	for i, f := range unsafe.Slice(vec.data, int(vec.size)) {
		frames[i] = Frame{
			FuncIndex:    uint32(C.wasm_frame_func_index(f)),
			FuncName:     optionalName(C.wasmtime_frame_func_name(f)),
			ModuleName:   optionalName(C.wasmtime_frame_module_name(f)),
			FuncOffset:   uint(C.wasm_frame_func_offset(f)),
			ModuleOffset: uint(C.wasm_frame_module_offset(f)),
		}
	}
	return frames
}

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

func optionalName(name *C.wasm_name_t) *string {
	if name == nil {
		return nil
	}
	s := C.GoStringN((*C.char)(name.data), C.int(name.size))
	return &s
}
