// Package ffi is the one place where Go meets the native library: link flags, thin calls, callbacks, and handle types.
//
// It has no compatibility promise and is not meant for programs: use the packages above it. No C type leaves it.
// Handles are values around a pointer to memory that the native library owns; who has a handle may use it until it is
// deleted, and nothing here checks that. Calls say nothing of threads: a store, and what belongs to it, is used by
// one goroutine at a time; engines, modules and linkers under construction as the package wasmtime says.
package ffi
