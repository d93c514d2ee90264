package ffi

// #include <wasmtime/ext.h>
// #cgo noescape wasmtime_binding_memory_data
// #cgo nocallback wasmtime_binding_memory_data
import "C"

import "unsafe"

// NewGlobal creates a global of an encoded type.
func (s Store) NewGlobal(ty []byte, val *Val, out *Item) Error {
	crossing()
	item := Item{Kind: ItemGlobal}
	err := wrapError(C.wasmtime_binding_global_new(s.context(), bytesPtr(ty), C.size_t(len(ty)), val.c(), externrefFinalizer(), item.global()))
	*out = item
	return err
}

// GlobalGet reads a global.
func (s Store) GlobalGet(global Item) (Val, Error) {
	crossing()
	var v Val
	err := wrapError(C.wasmtime_binding_global_get(s.context(), global.global(), externrefFinalizer(), v.c()))
	return v, err
}

// GlobalSet writes a global.
func (s Store) GlobalSet(global Item, val *Val) Error {
	crossing()
	return wrapError(C.wasmtime_binding_global_set(s.context(), global.global(), val.c(), externrefFinalizer()))
}

// NewTable creates a table of an encoded type.
func (s Store) NewTable(ty []byte, init *Val, out *Item) Error {
	crossing()
	item := Item{Kind: ItemTable}
	err := wrapError(C.wasmtime_binding_table_new(s.context(), bytesPtr(ty), C.size_t(len(ty)), init.c(), externrefFinalizer(), item.table()))
	*out = item
	return err
}

// TableGet reads an element; it tells whether the index was in bounds.
func (s Store) TableGet(table Item, index uint64) (Val, bool, Error) {
	crossing()
	var v Val
	var found C.bool
	err := wrapError(C.wasmtime_binding_table_get(s.context(), table.table(), C.uint64_t(index), externrefFinalizer(), v.c(), &found))
	return v, bool(found), err
}

// TableSet writes an element.
func (s Store) TableSet(table Item, index uint64, val *Val) Error {
	crossing()
	return wrapError(C.wasmtime_binding_table_set(s.context(), table.table(), C.uint64_t(index), val.c(), externrefFinalizer()))
}

// TableGrow grows a table and returns its old size in elements.
func (s Store) TableGrow(table Item, delta uint64, init *Val) (uint64, Error) {
	crossing()
	var previous C.uint64_t
	err := wrapError(C.wasmtime_binding_table_grow(s.context(), table.table(), C.uint64_t(delta), init.c(), externrefFinalizer(), &previous))
	return uint64(previous), err
}

// TableSize returns a table's size in elements.
func (s Store) TableSize(table Item) uint64 {
	crossing()
	return uint64(C.wasmtime_table_size(s.context(), table.table()))
}

// NewMemory creates a memory of an encoded type.
func (s Store) NewMemory(ty []byte, out *Item) Error {
	crossing()
	item := Item{Kind: ItemMemory}
	err := wrapError(C.wasmtime_binding_memory_new(s.context(), bytesPtr(ty), C.size_t(len(ty)), item.memory()))
	*out = item
	return err
}

// MemoryData returns a memory's address and size in bytes. They hold until MemoryEpoch changes.
func (s Store) MemoryData(memory Item) (unsafe.Pointer, uintptr, Error) {
	crossing()
	var data *C.uint8_t
	var n C.size_t
	err := wrapError(C.wasmtime_binding_memory_data(s.context(), memory.memory(), &data, &n))
	return unsafe.Pointer(data), uintptr(n), err
}

// MemoryGrow grows a memory by pages and returns its old size in pages.
func (s Store) MemoryGrow(memory Item, delta uint64) (uint64, Error) {
	crossing()
	var previous C.uint64_t
	err := wrapError(C.wasmtime_binding_memory_grow(s.context(), memory.memory(), C.uint64_t(delta), &previous))
	return uint64(previous), err
}

// MemorySize returns a memory's size in pages.
func (s Store) MemorySize(memory Item) uint64 {
	crossing()
	return uint64(C.wasmtime_memory_size(s.context(), memory.memory()))
}
