package ffi

// #include <wasmtime/ext.h>
import "C"

import "unsafe"

// ValKind says what a Val is: the WASMTIME_I32 and so on of the C API.
type ValKind uint8

// The kinds of values.
const (
	ValI32       ValKind = 0
	ValI64       ValKind = 1
	ValF32       ValKind = 2
	ValF64       ValKind = 3
	ValV128      ValKind = 4
	ValFuncref   ValKind = 5
	ValExternref ValKind = 6
	ValAnyref    ValKind = 7
	ValExnref    ValKind = 8
)

// ForeignExternref is the token, plus one, of an externref that was not made here.
const ForeignExternref = ^uint64(0)

// Val is a value with its kind. Of holds the bits, least significant first: a number, a vector, a function's handle, or
// the token of an externref plus one. Of ValAnyref and ValExnref only null crosses, which is 0.
type Val struct {
	Kind ValKind
	_    [7]byte
	Of   [2]uint64
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_binding_val_t{}) - unsafe.Sizeof(Val{})]byte
	_ [unsafe.Sizeof(Val{}) - unsafe.Sizeof(C.wasmtime_binding_val_t{})]byte
)

func (v *Val) c() *C.wasmtime_binding_val_t { return (*C.wasmtime_binding_val_t)(unsafe.Pointer(v)) }
