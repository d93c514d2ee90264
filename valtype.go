package wasmtime

import "github.com/gowasmtime/wasmtime/ffi"

// ValKind is a kind of value; the numbers are those of wasm.h where that has one.
type ValKind uint8

// The kinds of values.
const (
	// KindI32 is a 32-bit integer.
	KindI32 ValKind = 0
	// KindI64 is a 64-bit integer.
	KindI64 ValKind = 1
	// KindF32 is a 32-bit float.
	KindF32 ValKind = 2
	// KindF64 is a 64-bit float.
	KindF64 ValKind = 3
	// KindExternref is a reference to a Go value.
	KindExternref ValKind = 128
	// KindFuncref is a reference to a function of any type.
	KindFuncref ValKind = 129
	// KindV128 is a vector of 128 bits.
	KindV128 ValKind = 130
	// KindOther is a reference of the GC and exception proposals, which has a type but no Go value yet.
	KindOther ValKind = 131
)

// String returns the kind as the text format writes it.
func (ty ValKind) String() string {
	switch ty {
	case KindI32:
		return "i32"
	case KindI64:
		return "i64"
	case KindF32:
		return "f32"
	case KindF64:
		return "f64"
	case KindExternref:
		return "externref"
	case KindFuncref:
		return "funcref"
	case KindV128:
		return "v128"
	case KindOther:
		return "ref"
	}
	panic("unknown kind")
}

// ValType is the type of a value. It is immutable.
type ValType struct {
	kind ValKind
	// The encoding of a reference, for describe.rs: nullable, heap kind.
	nullable bool
	heap     uint8
}

// Heap kinds, WASMTIME_HEAPTYPE_KIND_* of the C API.
const (
	heapExtern = 0
	heapFunc   = 2
)

// NewValType returns the type of a kind; for references, the nullable one. It panics for a number that is no kind.
func NewValType(kind ValKind) *ValType {
	switch kind {
	case KindExternref:
		return &ValType{kind, true, heapExtern}
	case KindFuncref:
		return &ValType{kind, true, heapFunc}
	case KindI32, KindI64, KindF32, KindF64, KindV128:
		return &ValType{kind: kind}
	}
	panic("unknown kind")
}

// Kind returns the type's kind.
func (t *ValType) Kind() ValKind { return t.kind }

// String returns the type's kind as the text format writes it.
func (t *ValType) String() string { return t.kind.String() }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (t *ValType) Close() {}

// plain tells whether values of the type cross the boundary as they are.
func (t *ValType) plain() bool {
	switch t.kind {
	case KindI32, KindI64, KindF32, KindF64, KindV128:
		return true
	}
	return false
}

// ffiKind returns the kind in the native library's numbers.
func (ty ValKind) ffiKind() ffi.ValKind {
	switch ty {
	case KindI32:
		return ffi.ValI32
	case KindI64:
		return ffi.ValI64
	case KindF32:
		return ffi.ValF32
	case KindF64:
		return ffi.ValF64
	case KindV128:
		return ffi.ValV128
	case KindFuncref:
		return ffi.ValFuncref
	}
	return ffi.ValExternref
}
