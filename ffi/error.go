package ffi

// #include <stdlib.h>
// #include <wasmtime/ext.h>
import "C"

import (
	"strings"
	"unsafe"
)

// Error is an owned wasmtime_error_t, or none.
type Error struct{ ptr *C.wasmtime_error_t }

// ErrorCode tells the errors of the extension apart. See wasmtime_error_code_t in wasmtime/ext.h.
type ErrorCode uint32

// The codes that wasmtime_error_code returns.
const (
	ErrorOther         ErrorCode = 0
	ErrorPanic         ErrorCode = 1
	ErrorUnsupported   ErrorCode = 2
	ErrorNoWasi        ErrorCode = 3
	ErrorBadAccessMode ErrorCode = 4
	ErrorFdOutOfRange  ErrorCode = 5
	ErrorFdNotOpen     ErrorCode = 6
	ErrorBadHostFile   ErrorCode = 7
	ErrorBadArgument   ErrorCode = 8
	ErrorPoolFull      ErrorCode = 9

	ErrorNotComponent      ErrorCode = 10
	ErrorComponentUnusable ErrorCode = 11
	ErrorBadHandle         ErrorCode = 12
	ErrorHandleLimit       ErrorCode = 13
	ErrorGuestABI          ErrorCode = 14
	ErrorHostcallFuel      ErrorCode = 15
	ErrorHasChildren       ErrorCode = 16
)

// ErrorNoRoom says that a guest was not entered because the thread has too little stack left. The native library has
// no part in it.
const ErrorNoRoom ErrorCode = 1 << 16

const noRoomText = "the thread has too little stack left for the guest"

func (e Error) isNoRoom() bool { return e.ptr == noRoom || e.ptr == noRoomOnMainThread }

// NewError makes an error with a text, to be returned to C by a callback. A zero byte ends the text.
func NewError(text string) Error {
	s := C.CString(text)
	defer C.free(unsafe.Pointer(s))
	return wrapError(C.wasmtime_error_new(s))
}

// release gives the error away.
func (e Error) release() *C.wasmtime_error_t {
	if e.ptr != nil {
		track("error", -1)
	}
	return e.ptr
}

func wrapError(ptr *C.wasmtime_error_t) Error {
	if ptr != nil {
		track("error", 1)
	}
	return Error{ptr}
}

// IsNil tells whether there is no error.
func (e Error) IsNil() bool { return e.ptr == nil }

// Code returns the extension's code for the error, without an end to it. Take says all.
func (e Error) Code() ErrorCode {
	if e.isNoRoom() {
		return ErrorNoRoom
	}
	return ErrorCode(C.wasmtime_error_code(e.ptr))
}

// Message returns the full text, without an end to the error. Take says all.
func (e Error) Message() string {
	crossing()
	if e.isNoRoom() {
		return noRoomText
	}
	var vec C.wasm_byte_vec_t
	C.wasmtime_error_message(e.ptr, &vec)
	return string(takeBytes(&vec))
}

// Delete frees the error.
func (e Error) Delete() {
	track("error", -1)
	if !e.isNoRoom() {
		C.wasmtime_error_delete(e.ptr)
	}
}

// takeString copies a byte vector into a string and frees it.
func takeString(vec *C.wasm_byte_vec_t) string {
	s := strings.Clone(unsafe.String((*byte)(unsafe.Pointer(vec.data)), int(vec.size)))
	C.wasm_byte_vec_delete(vec)
	return s
}

// takeBytes copies a byte vector into a slice and frees it.
func takeBytes(vec *C.wasm_byte_vec_t) []byte {
	b := make([]byte, int(vec.size))
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(vec.data)), int(vec.size)))
	C.wasm_byte_vec_delete(vec)
	return b
}

// bytesPtr returns the address of the first byte, or nil.
func bytesPtr(b []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b)))
}

// stringPtr returns the address of the first byte of a string, which C must not write to.
func stringPtr(s string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s)))
}

func stringBytes(s string) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.StringData(s)))
}
