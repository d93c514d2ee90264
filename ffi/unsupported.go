//go:build cgo && !gowasmtime_local && !(linux && amd64)

package ffi

/*
#cgo CFLAGS: -I${SRCDIR}/../include
#error "wasmtime has no native library for this platform; it supports linux/amd64. CONTRIBUTING.md says how to build one"
*/
import "C"
