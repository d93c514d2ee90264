package ffi

// #include "component.h"
import "C"

import "unsafe"

// ComponentCall is the frame of a store for calls into components: memory that C owns, the mirror of
// wasmtime_binding_component_call_t. A nested call may use the frame of the outer one.
type ComponentCall struct {
	context unsafe.Pointer
	fn      unsafe.Pointer
	message unsafe.Pointer
	// Len is the length of the message.
	Len      uintptr
	capacity uintptr
	// segments and list lead to memory that may be Go's, and are what they were when that is gone: they are no pointers
	// for Go, whose collector would hear of the old one when a new one is written.
	segments  uintptr
	nsegments uintptr
	list      uintptr
	nlist     uintptr
	results   unsafe.Pointer
	nresults  uintptr
	err       *C.wasmtime_error_t
	trap      *C.wasm_trap_t
	entered   bool
	// brokenOff is not needed: the native library refuses the next call.
	brokenOff bool
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_component_call_t{}) - unsafe.Sizeof(ComponentCall{})]byte
	_ [unsafe.Sizeof(ComponentCall{}) - unsafe.Sizeof(C.wasmtime_binding_component_call_t{})]byte
)

// Segment is a part of a message that is outside of it: pinned memory of Go's, or C's.
type Segment struct {
	Ptr unsafe.Pointer
	Len uintptr
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_component_segment_t{}) - unsafe.Sizeof(Segment{})]byte
	_ [unsafe.Sizeof(Segment{}) - unsafe.Sizeof(C.wasmtime_binding_component_segment_t{})]byte
)

// ComponentCall returns the frame.
func (s Store) ComponentCall() *ComponentCall {
	return (*ComponentCall)(unsafe.Pointer(&s.ptr.component))
}

func (c *ComponentCall) address() C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(c))) }

// Message returns the memory that the message is written to, all of it.
func (c *ComponentCall) Message() []byte { return unsafe.Slice((*byte)(c.message), c.capacity) }

// MessageStart returns where Message begins.
func (c *ComponentCall) MessageStart() unsafe.Pointer { return c.message }

// Capacity returns how many bytes Message has.
func (c *ComponentCall) Capacity() uintptr { return c.capacity }

// Grow makes room for n bytes and returns the memory. What was in the first Len bytes is there, too. It is nil if there
// is not so much memory.
func (c *ComponentCall) Grow(n int) []byte {
	crossing()
	if !C.wasmtime_binding_component_call_grow((*C.wasmtime_binding_component_call_t)(unsafe.Pointer(c)), C.size_t(n)) {
		return nil
	}
	return c.Message()
}

// SetFunc says which function is called. The message has no segments then, and there is no memory for a list, which
// RunInto has.
func (c *ComponentCall) SetFunc(f ComponentFunc) {
	c.fn = unsafe.Pointer(f.ptr)
	c.segments, c.nsegments = 0, 0
	c.list, c.nlist = 0, 0
}

// SetSegments gives the message its segments, which are pinned memory, until the call.
func (c *ComponentCall) SetSegments(segments []Segment) {
	c.segments, c.nsegments = uintptr(unsafe.Pointer(unsafe.SliceData(segments))), uintptr(len(segments))
}

// Results returns the message of the results, which is valid until the next call of the store.
func (c *ComponentCall) Results() []byte { return unsafe.Slice((*byte)(c.results), c.nresults) }

func (c *ComponentCall) ok() bool { return c.trap == nil && c.err == nil }

// Run makes the call and tells whether it succeeded; if not, RunAgain has to be asked. room is as for Call.Run.
func (c *ComponentCall) Run(room uintptr) bool {
	crossing()
	C.ffi_component_call(c.address(), C.size_t(room))
	return c.ok()
}

// RunInto is Run with memory for the first list of numbers in the results that fits. It must be in Go's heap, or none
// of Go's: the call pins it, and nobody else has to.
func (c *ComponentCall) RunInto(room uintptr, list []byte) bool {
	crossing()
	C.ffi_component_call_into(c.address(), C.size_t(room), unsafe.Pointer(unsafe.SliceData(list)), C.size_t(len(list)))
	return c.ok()
}

// RunAgain makes the call again on another thread, as Call.RunAgain does. list is as for RunInto, and nil after Run.
//
//go:noinline
func (c *ComponentCall) RunAgain(room uintptr, list []byte) bool {
	return c.again(func() {
		C.ffi_component_call_into(c.address(), C.size_t(room), unsafe.Pointer(unsafe.SliceData(list)), C.size_t(len(list)))
	})
}

// Drop drops a handle, and tells whether that succeeded; if not, Failure says why. Destructors are guests: room is as
// for Call.Run.
func (c *ComponentCall) Drop(room uintptr, handle uint32) bool {
	crossing()
	drop := func() { C.ffi_component_resource_drop(c.address(), C.size_t(room), C.uint32_t(handle)) }
	drop()
	return c.ok() || c.again(drop)
}

func (c *ComponentCall) again(enter func()) bool {
	return againUntil(&c.err, enter) && c.trap == nil
}

// Entered tells of a call that has failed whether it had entered the guest: then what the message gave to the guest is
// the guest's. It is to be asked before Failure.
func (c *ComponentCall) Entered() bool { return c.entered && !(Error{c.err}).isNoRoom() }

// Failure takes the error or the trap out of the frame.
func (c *ComponentCall) Failure() (Trap, Error) {
	trap, err := wrapTrap(c.trap), wrapError(c.err)
	c.trap, c.err = nil, nil
	return trap, err
}

// MostHandles is how many handles a limit can allow at most.
const MostHandles = 1<<20 - 1

// Handles returns how many handles the host has of the store's resources, and how many it may have.
func (s Store) Handles() (count, limit uint64) {
	var n, most C.size_t
	C.wasmtime_binding_component_handles(s.ptr, &n, &most)
	return uint64(n), uint64(most)
}

// SetHandleLimit sets how many handles the host may have.
func (s Store) SetHandleLimit(n uint64) {
	C.wasmtime_binding_component_set_handle_limit(s.ptr, C.size_t(n))
}

// SetGuestHandleLimit sets how many handles guests and host may have together.
func (s Store) SetGuestHandleLimit(n uint64) {
	C.wasmtime_binding_component_set_guest_handle_limit(s.ptr, C.size_t(n))
}

// HostcallFuel returns how many bytes a call may make the host copy or keep.
func (s Store) HostcallFuel() uint64 {
	return uint64(C.wasmtime_binding_component_hostcall_fuel(s.ptr))
}
