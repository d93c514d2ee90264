package ffi

// #include <wasmtime/ext.h>
import "C"

import "unsafe"

// ItemKind says what an Item is: the WASMTIME_EXTERN_* of the C API.
type ItemKind uint8

// The kinds of items.
const (
	ItemFunc         ItemKind = 0
	ItemGlobal       ItemKind = 1
	ItemTable        ItemKind = 2
	ItemMemory       ItemKind = 3
	ItemSharedMemory ItemKind = 4
	ItemTag          ItemKind = 5
)

// Item is a function, global, table, memory or tag of a store, by value: nothing to free, except for a shared memory.
type Item struct {
	Kind ItemKind
	_    [7]byte
	Raw  [3]uint64
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_extern_t{}) - unsafe.Sizeof(Item{})]byte
	_ [unsafe.Sizeof(Item{}) - unsafe.Sizeof(C.wasmtime_extern_t{})]byte
)

// StoreID is the number of the store that the item belongs to; 0 for a shared memory.
func (i *Item) StoreID() uint64 {
	if i.Kind == ItemSharedMemory {
		return 0
	}
	return i.Raw[0]
}

// MemoryID tells the memories of a store apart.
type MemoryID struct{ a, b uint32 }

// MemoryID returns the memory's.
func (i *Item) MemoryID() MemoryID {
	m := (*C.wasmtime_memory_t)(unsafe.Pointer(&i.Raw))
	return MemoryID{uint32(m.anon0.__private1), uint32(m.__private2)}
}

// Addresses for C. An Item that C is to see is a local copy: cgo would check everything around one in a larger object.
func (i *Item) c() *C.wasmtime_extern_t      { return (*C.wasmtime_extern_t)(unsafe.Pointer(i)) }
func (i *Item) fn() *C.wasmtime_func_t       { return (*C.wasmtime_func_t)(unsafe.Pointer(&i.Raw)) }
func (i *Item) global() *C.wasmtime_global_t { return (*C.wasmtime_global_t)(unsafe.Pointer(&i.Raw)) }
func (i *Item) table() *C.wasmtime_table_t   { return (*C.wasmtime_table_t)(unsafe.Pointer(&i.Raw)) }
func (i *Item) memory() *C.wasmtime_memory_t { return (*C.wasmtime_memory_t)(unsafe.Pointer(&i.Raw)) }

// Own counts an item that owns something, a share in a shared memory, and is to be freed with Delete.
func (i Item) Own() Item {
	track("shared memory", 1)
	return i
}

// Delete frees what an item owns.
func (i Item) Delete() {
	track("shared memory", -1)
	C.wasmtime_extern_delete(i.c())
}

// ItemType describes the item's type in the encoding of wasmtime_binding_extern_type.
func (s Store) ItemType(item Item) ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	if err := wrapError(C.wasmtime_binding_extern_type(s.context(), item.c(), &vec)); !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}
