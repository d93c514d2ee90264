package wasmtime

import (
	"math"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Memory is a linear memory. It belongs to a store. See wasmtime::Memory.
type Memory struct {
	state *state
	item  ffi.Item
}

// NewMemory creates a memory in the store. A shared memory is an error here. See wasmtime::Memory::new.
func NewMemory(store Storelike, ty *MemoryType) (*Memory, error) {
	s := store.storeState()
	outermost, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave(outermost)
	m := &Memory{state: s}
	if err := s.native.NewMemory(ty.encode(), &m.item); !err.IsNil() {
		return nil, newError(err)
	}
	return m, nil
}

func (mem *Memory) external() (*state, *ffi.Item) { return mem.state, &mem.item }

// Type returns the memory's type.
func (mem *Memory) Type(store Storelike) *MemoryType { return externalType(store, mem).MemoryType() }

// Data returns the address of the first byte. It is valid until a guest or the host grows the memory or the store is
// closed, which the garbage collector does when nothing that belongs to the store is reachable: see [runtime.KeepAlive].
// [Memory.View] is checked.
func (mem *Memory) Data(store Storelike) unsafe.Pointer {
	data, _ := mem.data(store)
	return data
}

// DataSize returns the size in bytes.
func (mem *Memory) DataSize(store Storelike) uintptr {
	_, n := mem.data(store)
	return n
}

// UnsafeData returns the memory as a slice of bytes, valid as long as what [Memory.Data] returns. Writing to it writes to
// the guest's memory.
func (mem *Memory) UnsafeData(store Storelike) []byte {
	data, n := mem.data(store)
	if n > math.MaxInt {
		panic("memory is too large")
	}
	return unsafe.Slice((*byte)(data), int(n))
}

func (mem *Memory) data(store Storelike) (unsafe.Pointer, uintptr) {
	if store.storeState() != mem.state {
		panic(ErrWrongStore.Error())
	}
	return mem.locate()
}

// locate returns the address and the size in bytes.
func (mem *Memory) locate() (unsafe.Pointer, uintptr) {
	s := mem.state
	outermost := s.mustEnter()
	defer s.leave(outermost)
	data, n, err := s.native.MemoryData(mem.item)
	if !err.IsNil() {
		panic(newError(err))
	}
	return data, n
}

// Size returns the size in pages.
func (mem *Memory) Size(store Storelike) uint64 {
	s, outermost := mustEnterItem(store, mem.state)
	defer s.leave(outermost)
	return s.native.MemorySize(mem.item)
}

// Grow grows the memory by delta pages and returns the size before, in pages. Growth beyond a limit is an [*Error] and
// changes nothing. See wasmtime::Memory::grow.
func (mem *Memory) Grow(store Storelike, delta uint64) (uint64, error) {
	s, outermost, err := enterItem(store, mem.state)
	if err != nil {
		return 0, err
	}
	defer s.leave(outermost)
	previous, nerr := s.native.MemoryGrow(mem.item, delta)
	if !nerr.IsNil() {
		return 0, newError(nerr)
	}
	return previous, nil
}
