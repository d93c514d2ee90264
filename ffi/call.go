package ffi

// #include "store.h"
import "C"

import "unsafe"

// Slot is one raw argument or result: a ValRaw.
type Slot [2]uint64

// Call is a frame for calls into guests: memory that C owns, the mirror of wasmtime_binding_call_t. A nested call may
// use the frame of the outer one.
type Call struct {
	context unsafe.Pointer
	Func    [2]uint64
	Slots   unsafe.Pointer
	Len     uintptr
	err     *C.wasmtime_error_t
	trap    *C.wasm_trap_t
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_call_t{}) - unsafe.Sizeof(Call{})]byte
	_ [unsafe.Sizeof(Call{}) - unsafe.Sizeof(C.wasmtime_binding_call_t{})]byte
)

// StoreSlots is the number of slots in the frame that a store comes with.
const StoreSlots int = C.WASMTIME_BINDING_STORE_SLOTS

// Call returns the frame that the store comes with.
func (s Store) Call() *Call { return (*Call)(unsafe.Pointer(&s.ptr.call)) }

// LargerCall returns a frame with n slots. It belongs to the store, as those before it do, which stay valid.
func (s Store) LargerCall(n int) *Call {
	return (*Call)(unsafe.Pointer(C.wasmtime_binding_store_frame(s.ptr, C.size_t(n))))
}

func (c *Call) address() C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(c))) }

// ok tells whether what used the frame last succeeded.
func (c *Call) ok() bool { return c.trap == nil && c.err == nil }

// Run makes the call and tells whether it succeeded; if not, RunAgain has to be asked. room is what the thread has to
// have left of its stack, in bytes. This is small enough to be inlined.
func (c *Call) Run(room uintptr) bool {
	crossing()
	C.ffi_call(c.address(), C.size_t(room))
	return c.ok()
}

// RunAgain makes the call again on another thread, if it failed because the goroutine is on the main thread and that
// has too little stack. It tells whether the call has succeeded; if not, Failure says why.
//
//go:noinline
func (c *Call) RunAgain(room uintptr) bool {
	return c.again(func() { C.ffi_call(c.address(), C.size_t(room)) })
}

// RunChecked makes a call whose signature has references. vals holds the nargs arguments, then the results. room is as
// for Run. If it fails, Failure says why.
func (c *Call) RunChecked(room uintptr, vals []Val, nargs int) bool {
	crossing()
	var none Val
	first := &none
	if len(vals) > 0 {
		first = &vals[0]
	}
	return c.enter(func() {
		C.ffi_call_checked(c.address(), C.size_t(room), first.c(), C.size_t(nargs), C.size_t(len(vals)), externrefFinalizer())
	})
}

// enter runs f, which enters a guest through the frame, and tells whether that succeeded.
func (c *Call) enter(f func()) bool {
	f()
	return c.ok() || c.again(f)
}

// What stands in a frame for the error that the thread has too little stack.
var (
	noRoomOnMainThread = (*C.wasmtime_error_t)(unsafe.Pointer(&C.ffi_no_room_on_main_thread))
	noRoom             = (*C.wasmtime_error_t)(unsafe.Pointer(&C.ffi_no_room))
)

func (c *Call) again(enter func()) bool {
	return againUntil(&c.err, enter) && c.trap == nil
}

// againUntil repeats what failed because the main thread's stack is small, on another thread if the goroutine can be
// moved. It tells whether there is no error in the frame in the end.
func againUntil(err **C.wasmtime_error_t, enter func()) bool {
	for range 8 { // as often as C asks for it
		if *err != noRoomOnMainThread {
			break
		}
		*err = nil
		occupyMainThread()
		enter()
	}
	return *err == nil
}

// Failure takes the error or the trap out of the frame.
func (c *Call) Failure() (Trap, Error) {
	trap, err := wrapTrap(c.trap), wrapError(c.err)
	c.trap, c.err = nil, nil
	return trap, err
}
