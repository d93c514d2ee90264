package ffi

// #include "component.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// Component is an owned compiled component.
type Component struct{ ptr *C.wasmtime_component_t }

func wrapComponent(ptr *C.wasmtime_component_t, err *C.wasmtime_error_t) (Component, Error) {
	if err == nil {
		track("component", 1)
	}
	return Component{ptr}, wrapError(err)
}

// NewComponent compiles a component in the binary or the text format.
func NewComponent(engine Engine, wasm []byte) (Component, Error) {
	crossing()
	var ptr *C.wasmtime_component_t
	err := withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_component_new(anywhere, engine.raw(), bytesPtr(wasm), C.size_t(len(wasm)), &ptr)
	})
	return wrapComponent(ptr, err)
}

// DeserializeComponent loads what Serialize made. The bytes are trusted.
func DeserializeComponent(engine Engine, encoded []byte) (Component, Error) {
	crossing()
	var ptr *C.wasmtime_component_t
	err := withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_component_deserialize(anywhere, engine.raw(), bytesPtr(encoded), C.size_t(len(encoded)), &ptr)
	})
	return wrapComponent(ptr, err)
}

// DeserializeComponentFile maps a file that holds what Serialize made. The file is trusted.
func DeserializeComponentFile(engine Engine, path string) (Component, Error) {
	crossing()
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	var ptr *C.wasmtime_component_t
	err := withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_component_deserialize_file(anywhere, engine.raw(), c, &ptr)
	})
	return wrapComponent(ptr, err)
}

// Serialize returns the compiled component.
func (c Component) Serialize() ([]byte, Error) {
	return c.bytes(func(anywhere C.bool, vec *C.wasm_byte_vec_t) *C.wasmtime_error_t {
		return C.ffi_component_serialize(anywhere, c.ptr, vec)
	})
}

// Describe describes imports and exports in the encoding of wasmtime_binding_component_describe.
func (c Component) Describe() ([]byte, Error) {
	return c.bytes(func(anywhere C.bool, vec *C.wasm_byte_vec_t) *C.wasmtime_error_t {
		return C.ffi_component_describe(anywhere, c.ptr, vec)
	})
}

func (c Component) bytes(f func(anywhere C.bool, vec *C.wasm_byte_vec_t) *C.wasmtime_error_t) ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	err := wrapError(withStack(func(anywhere C.bool) *C.wasmtime_error_t { return f(anywhere, &vec) }))
	if !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}

// Required is what an instance of a component takes. If it is not Known, that depends on what it imports.
type Required struct {
	Known bool
	// Memories and Tables are how many there are.
	Memories, Tables uint32
	// MemorySize is the largest size that a memory begins with, in pages, and TableSize that of a table, in elements.
	MemorySize, TableSize uint64
}

// Required returns what an instance takes.
func (c Component) Required() (Required, Error) {
	crossing()
	var r C.wasmtime_binding_component_required_t
	err := wrapError(C.wasmtime_binding_component_resources_required(c.ptr, &r))
	return Required{bool(r.known), uint32(r.memories), uint32(r.tables), uint64(r.memory_size), uint64(r.table_size)}, err
}

// Delete frees the component; instances keep what they need of it.
func (c Component) Delete() {
	track("component", -1)
	C.wasmtime_component_delete(c.ptr)
}

// ComponentPath encodes the names that lead to an item of a component: those of instances, and its own.
func ComponentPath(names ...string) []byte {
	var path []byte
	for _, name := range names {
		path = binary.LittleEndian.AppendUint32(path, uint32(len(name)))
		path = append(path, name...)
	}
	return path
}

// ComponentLinker is an owned linker for components.
type ComponentLinker struct {
	ptr *C.wasmtime_component_linker_t
}

// NewComponentLinker creates an empty linker.
func NewComponentLinker(engine Engine) ComponentLinker {
	crossing()
	track("component linker", 1)
	return ComponentLinker{C.wasmtime_component_linker_new(engine.raw())}
}

// Delete frees the linker; what was made with it keeps what it needs.
func (l ComponentLinker) Delete() {
	track("component linker", -1)
	C.wasmtime_component_linker_delete(l.ptr)
}

// DefineModule defines a core module.
func (l ComponentLinker) DefineModule(path []byte, module Module) Error {
	crossing()
	return wrapError(C.wasmtime_binding_component_linker_define_module(l.ptr, bytesPtr(path), C.size_t(len(path)), module.ptr))
}

// WasiItems returns what there is of WASI 0.2, in the lines of wasmtime_binding_component_wasi_items.
func WasiItems() ([]byte, Error) {
	crossing()
	var vec C.wasm_byte_vec_t
	if err := wrapError(C.wasmtime_binding_component_wasi_items(&vec)); !err.IsNil() {
		return nil, err
	}
	return takeBytes(&vec), Error{}
}

// DefineWasi defines an item of WASI 0.2, and tells whether there is such an item.
func (l ComponentLinker) DefineWasi(path []byte) (bool, Error) {
	crossing()
	var found C.bool
	err := C.wasmtime_binding_component_linker_define_wasi(l.ptr, bytesPtr(path), C.size_t(len(path)), &found)
	return bool(found), wrapError(err)
}

// WasiResource is what a descriptor becomes: a WASMTIME_WASI_* of the C API.
type WasiResource uint32

// What a descriptor can become.
const (
	WasiDescriptor   WasiResource = C.WASMTIME_WASI_DESCRIPTOR
	WasiInputStream  WasiResource = C.WASMTIME_WASI_INPUT_STREAM
	WasiOutputStream WasiResource = C.WASMTIME_WASI_OUTPUT_STREAM
	WasiBothStreams  WasiResource = C.WASMTIME_WASI_BOTH_STREAMS
	WasiPollable     WasiResource = C.WASMTIME_WASI_POLLABLE
	WasiTCPSocket    WasiResource = C.WASMTIME_WASI_TCP_SOCKET
)

// TakeDescriptor takes a descriptor out of the store and makes resources of it. It returns their handles: two with
// WasiBothStreams, three with WasiTCPSocket and a connection, otherwise one.
func (s Store) TakeDescriptor(fd uint32, what WasiResource) (handles [3]uint32, err Error) {
	crossing()
	var out [3]C.uint32_t
	err = wrapError(C.wasmtime_binding_component_wasi_take(s.ptr, C.uint32_t(fd), C.uint32_t(what), &out[0]))
	return [3]uint32{uint32(out[0]), uint32(out[1]), uint32(out[2])}, err
}

// MakeWasiError makes an error of wasi:io of a text, and returns its handle.
func (s Store) MakeWasiError(text string) (handle uint32, err Error) {
	crossing()
	var out C.uint32_t
	err = wrapError(C.wasmtime_binding_component_wasi_error(s.ptr, stringBytes(text), C.size_t(len(text)), &out))
	return uint32(out), err
}

// WasiUse is what the host does with a resource of WASI: a WASMTIME_WASI_USE_* of the C API.
type WasiUse uint32

// What the host does with a resource of WASI.
const (
	WasiUseNot      WasiUse = C.WASMTIME_WASI_USE_NOT
	WasiUseRead     WasiUse = C.WASMTIME_WASI_USE_READ
	WasiUseWrite    WasiUse = C.WASMTIME_WASI_USE_WRITE
	WasiUseFlush    WasiUse = C.WASMTIME_WASI_USE_FLUSH
	WasiUseReadAt   WasiUse = C.WASMTIME_WASI_USE_READ_AT
	WasiUseWriteAt  WasiUse = C.WASMTIME_WASI_USE_WRITE_AT
	WasiUseStat     WasiUse = C.WASMTIME_WASI_USE_STAT
	WasiUseSetSize  WasiUse = C.WASMTIME_WASI_USE_SET_SIZE
	WasiUseSync     WasiUse = C.WASMTIME_WASI_USE_SYNC
	WasiUseList     WasiUse = C.WASMTIME_WASI_USE_LIST
	WasiUseListNext WasiUse = C.WASMTIME_WASI_USE_LIST_NEXT
	WasiUseListEnd  WasiUse = C.WASMTIME_WASI_USE_LIST_END
	WasiUseOpen     WasiUse = C.WASMTIME_WASI_USE_OPEN
	WasiUseStatAt   WasiUse = C.WASMTIME_WASI_USE_STAT_AT
	WasiUseTake     WasiUse = C.WASMTIME_WASI_USE_TAKE
	WasiUseShutdown WasiUse = C.WASMTIME_WASI_USE_SHUTDOWN
)

// WasiStatus says what came of it.
type WasiStatus uint32

// What came of it.
const (
	WasiUsed        WasiStatus = C.WASMTIME_WASI_USED
	WasiUsedEnd     WasiStatus = C.WASMTIME_WASI_USED_END
	WasiUsedFailed  WasiStatus = C.WASMTIME_WASI_USED_FAILED
	WasiUsedNetwork WasiStatus = C.WASMTIME_WASI_USED_NETWORK
	WasiUsedOther   WasiStatus = C.WASMTIME_WASI_USED_OTHER
	WasiUsedWaits   WasiStatus = C.WASMTIME_WASI_USED_WAITS
	WasiUsedServed  WasiStatus = C.WASMTIME_WASI_USED_SERVED
)

// WasiStatSize is the size of what WasiUseStat writes: six numbers of 64 bits.
const WasiStatSize = 6 * 8

// WasiAnswer is what came of a use of a resource of WASI, the mirror of ffi_wasi_used.
type WasiAnswer struct {
	Status WasiStatus
	// Owned tells whether the host owns the resource.
	Owned bool
	Count uint64
}

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.ffi_wasi_used{}) - unsafe.Sizeof(WasiAnswer{})]byte
	_ [unsafe.Sizeof(WasiAnswer{}) - unsafe.Sizeof(C.ffi_wasi_used{})]byte
)

// UseWasi does something with a resource of WASI that a handle stands for. It tells whether there is an answer; if not,
// Failure says why.
func (c *ComponentCall) UseWasi(handle uint32, kind WasiResource, what WasiUse, buffer []byte, number uint64, answer *WasiAnswer) bool {
	crossing()
	C.ffi_component_wasi_use(c.address(), C.uint32_t(handle), C.uint32_t(kind), C.uint32_t(what), bytesPtr(buffer),
		C.size_t(len(buffer)), C.uint64_t(number), (*C.ffi_wasi_used)(unsafe.Pointer(answer)))
	return c.ok()
}

// DefineUnknownImportsAsTraps defines what the component imports and nobody defined as functions that trap.
func (l ComponentLinker) DefineUnknownImportsAsTraps(component Component) Error {
	crossing()
	return wrapError(C.wasmtime_binding_component_linker_define_unknown_as_traps(l.ptr, component.ptr))
}

// ComponentPre is an owned component with its imports resolved.
type ComponentPre struct {
	ptr *C.wasmtime_binding_component_pre_t
}

// InstantiatePre resolves the imports of a component.
func (l ComponentLinker) InstantiatePre(component Component) (ComponentPre, Error) {
	crossing()
	var pre ComponentPre
	err := wrapError(C.wasmtime_binding_component_linker_instantiate_pre(l.ptr, component.ptr, &pre.ptr))
	if err.IsNil() {
		track("component pre", 1)
	}
	return pre, err
}

// Delete frees it; instances keep what they need.
func (p ComponentPre) Delete() {
	track("component pre", -1)
	C.wasmtime_binding_component_pre_delete(p.ptr)
}

// ComponentInstance is an instance of a store, by value: nothing to free.
type ComponentInstance struct{ Raw [2]uint64 }

// The C structure and its mirror must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_component_instance_t{}) - unsafe.Sizeof(ComponentInstance{})]byte
	_ [unsafe.Sizeof(ComponentInstance{}) - unsafe.Sizeof(C.wasmtime_component_instance_t{})]byte
)

func (i *ComponentInstance) c() *C.wasmtime_component_instance_t {
	return (*C.wasmtime_component_instance_t)(unsafe.Pointer(i))
}

// Instantiate instantiates the component in the frame's store; if it fails, the frame's Failure says why. room is as
// for Call.Run.
func (p ComponentPre) Instantiate(c *Call, room uintptr) (ComponentInstance, bool) {
	crossing()
	ok := c.enter(func() {
		C.ffi_component_instantiate(c.address(), C.size_t(room), C.uintptr_t(uintptr(unsafe.Pointer(p.ptr))))
	})
	return *(*ComponentInstance)(c.Slots), ok
}

// ComponentModule returns a core module that an instance exports; there is none if IsNil says so and there is no error.
func (s Store) ComponentModule(instance ComponentInstance, path []byte) (Module, Error) {
	crossing()
	var ptr *C.wasmtime_module_t
	err := C.wasmtime_binding_component_instance_module(s.context(), instance.c(), bytesPtr(path), C.size_t(len(path)), &ptr)
	if ptr == nil {
		return Module{}, wrapError(err)
	}
	return wrapModule(ptr, err)
}

// ComponentResourceType is an owned type of resources that an instance exports. It may outlive the store.
type ComponentResourceType struct {
	ptr *C.wasmtime_binding_component_resource_t
}

// ComponentResource returns a type of resources that an instance exports; there is none if IsNil says so and there is
// no error.
func (s Store) ComponentResource(instance ComponentInstance, path []byte) (ComponentResourceType, Error) {
	crossing()
	var t ComponentResourceType
	err := wrapError(C.wasmtime_binding_component_instance_resource(s.context(), instance.c(), bytesPtr(path), C.size_t(len(path)), &t.ptr))
	if !t.IsNil() {
		track("component resource type", 1)
	}
	return t, err
}

// IsNil tells whether there is no type.
func (t ComponentResourceType) IsNil() bool { return t.ptr == nil }

// Delete frees the type.
func (t ComponentResourceType) Delete() {
	track("component resource type", -1)
	C.wasmtime_binding_component_resource_delete(t.ptr)
}

// DefineResourceType defines a resource of a guest.
func (l ComponentLinker) DefineResourceType(path []byte, t ComponentResourceType) Error {
	crossing()
	return wrapError(C.wasmtime_binding_component_linker_define_exported_resource(l.ptr, bytesPtr(path), C.size_t(len(path)), t.ptr))
}

// ComponentFunc is an owned function of an instance. It may outlive the store.
type ComponentFunc struct {
	ptr *C.wasmtime_binding_component_func_t
}

// ComponentFunc looks a function up; there is none if IsNil says so and there is no error.
func (s Store) ComponentFunc(instance ComponentInstance, path []byte) (ComponentFunc, Error) {
	crossing()
	var f ComponentFunc
	err := wrapError(C.wasmtime_binding_component_instance_func(s.context(), instance.c(), bytesPtr(path), C.size_t(len(path)), &f.ptr))
	if !f.IsNil() {
		track("component func", 1)
	}
	return f, err
}

// IsNil tells whether there is no function.
func (f ComponentFunc) IsNil() bool { return f.ptr == nil }

// Delete frees the function.
func (f ComponentFunc) Delete() {
	track("component func", -1)
	C.wasmtime_binding_component_func_delete(f.ptr)
}
