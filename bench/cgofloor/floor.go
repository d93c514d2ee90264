// Package cgofloor is what cgo itself costs: the least that any binding to a C library can pay. Its tests also
// measure what needs no binding at all: the work of a guest in plain Go.
package cgofloor

// #include "floor.h"
import "C"

// Call crosses from Go to C and back, n times. The C function does nothing.
func Call(n int) {
	for range n {
		C.floor_empty()
	}
}

// Callbacks crosses from C to Go and back, n times, within one call from Go.
func Callbacks(n int) { C.floor_callbacks(C.int(n)) }

//export floor_go_empty
func floor_go_empty() {}
