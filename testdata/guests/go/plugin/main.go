// Command plugin is the plugin of examples/plugin in Go. What it has in common with those in C and Rust:
//
//   - alloc(n) is where the host puts n bytes, which are the argument of the next call;
//   - every other function takes the address and the length of its argument, and returns those of its answer as
//     address<<32 | length, good until the next call.
//
// Build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared.
package main

import (
	"slices"
	"unsafe"
)

// setting asks the host for the value of a setting, and returns how many bytes of it are in the buffer.
//
//go:wasmimport host setting
func setting(name string, buffer unsafe.Pointer, room uint32) uint32

// argument and answer are held until the next call, or the garbage collector would take them.
var argument, answer []byte

//go:wasmexport alloc
func alloc(n uint32) unsafe.Pointer {
	argument = make([]byte, n)
	return unsafe.Pointer(unsafe.SliceData(argument))
}

func reply(b []byte) uint64 {
	answer = b
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))<<32 | uint64(len(b))
}

//go:wasmexport greet
func greet(name string) uint64 {
	greeting := make([]byte, 64)
	n := setting("greeting", unsafe.Pointer(unsafe.SliceData(greeting)), uint32(len(greeting)))
	return reply([]byte(string(greeting[:n]) + ", " + name + "! This is Go."))
}

//go:wasmexport reverse
func reverse(data string) uint64 {
	reversed := []byte(data)
	slices.Reverse(reversed)
	return reply(reversed)
}

func main() {}
