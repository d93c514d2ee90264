package wasmtime

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
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
	s, outermost, err := enter(store)
	if err != nil {
		return nil, err
	}
	defer s.Leave(outermost)
	if ty == nil {
		return nil, isNil[MemoryType]()
	}
	m := &Memory{state: s}
	s.slot.take()
	encoded := ty.encode()
	if err := withRoom(func() ffi.Error { return s.made().NewMemory(encoded, &m.item) }); !err.IsNil() {
		s.slot.untake()
		return nil, s.Failure(ffi.Trap{}, err)
	}
	return m, nil
}

func (mem *Memory) external() (*state, *ffi.Item) {
	if mem == nil {
		return nil, nil
	}
	return mem.state, &mem.item
}

// Type returns the memory's type.
func (mem *Memory) Type(store Storelike) *MemoryType { return externalType(store, mem).MemoryType() }

// Data returns the address of the first byte. It is valid until a guest or the host grows the memory or the store is
// closed, which the garbage collector does when nothing that belongs to the store is reachable: see
// [runtime.KeepAlive]. [Memory.View] is checked.
func (mem *Memory) Data(store Storelike) unsafe.Pointer {
	data, _ := mem.data(store)
	return data
}

// DataSize returns the size in bytes.
func (mem *Memory) DataSize(store Storelike) uintptr {
	_, n := mem.data(store)
	return n
}

// UnsafeData returns the memory as a slice of bytes, valid as long as what [Memory.Data] returns. Writing to it
// writes to the guest's memory.
func (mem *Memory) UnsafeData(store Storelike) []byte {
	data, n := mem.data(store)
	if n > math.MaxInt {
		panic("memory is too large")
	}
	return unsafe.Slice((*byte)(data), int(n))
}

func (mem *Memory) data(store Storelike) (unsafe.Pointer, uintptr) {
	s, outermost := mustEnterItem(store, mem)
	defer s.Leave(outermost)
	return mem.locate()
}

// locate returns the address and the size in bytes. The store is entered.
func (mem *Memory) locate() (unsafe.Pointer, uintptr) {
	data, n, err := mem.state.native.MemoryData(mem.item)
	if !err.IsNil() {
		panic(newError(err))
	}
	return data, n
}

// Size returns the size in pages.
func (mem *Memory) Size(store Storelike) uint64 {
	s, outermost := mustEnterItem(store, mem)
	defer s.Leave(outermost)
	return s.native.MemorySize(mem.item)
}

// Grow grows the memory by delta pages and returns the size before, in pages. Growth beyond a limit is an [*Error] and
// changes nothing. See wasmtime::Memory::grow.
func (mem *Memory) Grow(store Storelike, delta uint64) (uint64, error) {
	s, outermost, err := enterItem(store, mem)
	if err != nil {
		return 0, err
	}
	defer s.Leave(outermost)
	previous, failed := s.native.MemoryGrow(mem.item, delta)
	if !failed.IsNil() {
		return 0, s.Failure(ffi.Trap{}, failed)
	}
	return previous, nil
}

// Read fills b with the bytes at off. Bytes out of bounds are an [*Error] that wraps [ErrOutOfBounds], and b stays as
// it was. For many small reads a [Memory.View] is faster. See wasmtime::Memory::read.
func (mem *Memory) Read(store Storelike, off uint64, b []byte) error {
	return mem.access(store, off, uint64(len(b)), func(there []byte) { copy(b, there) })
}

// Write writes b at off. Bytes out of bounds are an [*Error] that wraps [ErrOutOfBounds], and nothing is written. See
// wasmtime::Memory::write.
func (mem *Memory) Write(store Storelike, off uint64, b []byte) error {
	return mem.access(store, off, uint64(len(b)), func(there []byte) { copy(there, b) })
}

// ReadBytes returns a copy of the n bytes at off. Errors are as with [Memory.Read], and nothing is allocated then:
// where a guest says how many bytes there are, its memory is the limit, see [Store.Limiter].
func (mem *Memory) ReadBytes(store Storelike, off, n uint64) (b []byte, err error) {
	err = mem.access(store, off, n, func(there []byte) { b = bytes.Clone(there) })
	return b, err
}

// ReadString returns the n bytes at off as a string of its own: whatever bytes these are, UTF-8 or not. Errors are as
// with [Memory.ReadBytes].
func (mem *Memory) ReadString(store Storelike, off, n uint64) (text string, err error) {
	err = mem.access(store, off, n, func(there []byte) { text = string(there) })
	return text, err
}

// WriteString writes the bytes of a string at off, without a zero behind them. Errors are as with [Memory.Write].
func (mem *Memory) WriteString(store Storelike, off uint64, text string) error {
	return mem.access(store, off, uint64(len(text)), func(there []byte) { copy(there, text) })
}

// access runs f with the n bytes at off in place, which are there until it returns.
func (mem *Memory) access(store Storelike, off, n uint64, f func(there []byte)) error {
	s, outermost, err := enterItem(store, mem)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	data, size, failed := s.native.MemoryData(mem.item)
	if !failed.IsNil() {
		return newError(failed)
	}
	if off > uint64(size) || n > uint64(size)-off {
		return errorf(ErrOutOfBounds, "%d bytes at %d of %d: %v", n, off, size, ErrOutOfBounds)
	}
	f(unsafe.Slice((*byte)(unsafe.Add(data, off)), n))
	return nil
}

// MemoryView reads and writes a memory with bounds checks and without crossing into the native library. It follows
// the memory when that grows or moves. Like the store, it is used by one goroutine at a time; unlike elsewhere,
// concurrent use is not found. Using it after the store was closed panics.
//
// All numbers are little-endian, as in WebAssembly; offsets are in bytes and need no alignment. What lies out of
// bounds is not touched and gives false.
type MemoryView struct {
	mem *Memory
	// now is the store's memory epoch; as long as it is epoch, base and size are right.
	now   *uint64
	epoch uint64
	base  unsafe.Pointer
	size  uint64
	// in4 and in8 are at how many offsets 4 and 8 bytes begin that are in bounds.
	in4, in8 uint64
}

// View returns a view of the memory.
func (mem *Memory) View(store Storelike) *MemoryView {
	s, outermost := mustEnterItem(store, mem)
	defer s.Leave(outermost)
	v := &MemoryView{}
	v.open(mem)
	return v
}

// noMemory is a view of nothing: everything is out of bounds.
var noMemory = &MemoryView{now: new(uint64)}

// viewed is a memory, and the view that its store keeps of it.
type viewed struct {
	Memory
	view MemoryView
}

// open makes it that of a memory.
func (v *viewed) open(s *state, item ffi.Item) *MemoryView {
	v.Memory = Memory{s, item}
	v.view.open(&v.Memory)
	return &v.view
}

// viewOf returns the view that the store keeps of a memory of its own. The store is entered.
func (s *state) viewOf(item ffi.Item) *MemoryView {
	id := item.MemoryID()
	switch first := s.firstView; {
	case first == nil:
		s.firstView = new(viewed)
		return s.firstView.open(s, item)
	case first.item.MemoryID() == id:
		return &first.view
	}
	b := s.belongings()
	if v := b.views[id]; v != nil {
		return &v.view
	}
	if b.views == nil {
		b.views = map[ffi.MemoryID]*viewed{}
	}
	v := &viewed{}
	b.views[id] = v
	return v.open(s, item)
}

// open makes a zero view that of a memory, whose store is entered.
func (v *MemoryView) open(mem *Memory) {
	v.mem, v.now = mem, mem.state.epoch
	v.locate()
}

// locate looks up where the memory is now. Its store is entered.
func (v *MemoryView) locate() {
	base, size := v.mem.locate()
	v.base, v.size, v.epoch = base, uint64(size), *v.now
	v.in4, v.in8 = v.size-min(v.size, 3), v.size-min(v.size, 7)
}

// refresh looks up where the memory is now, if it may have moved, and tells whether it has done so. It is not inlined,
// so that who calls it, which is rare, needs no room for what it does.
//
//go:noinline
func (v *MemoryView) refresh() bool {
	if notNil(v).now == nil { // a zero view
		panic(closedText)
	}
	if *v.now == v.epoch {
		return false
	}
	s := v.mem.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	v.locate()
	return true
}

// at returns the address of n bytes at off, nil if they are out of bounds. The memory is there as long as the view is
// reachable.
func (v *MemoryView) at(off, n uint64) unsafe.Pointer {
	if v == nil || v.now == nil || *v.now != v.epoch {
		v.refresh()
	}
	if off > v.size || n > v.size-off {
		return nil
	}
	return unsafe.Add(v.base, off)
}

// Size returns the size of the memory in bytes.
func (v *MemoryView) Size() uint64 {
	v.at(0, 0)
	return v.size
}

// Uint64 reads eight bytes at off.
func (v *MemoryView) Uint64(off uint64) (uint64, bool) {
	if v != nil && off < v.in8 && *v.now == v.epoch {
		n := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(v.base, off))[:])
		runtime.KeepAlive(v)
		return n, true
	}
	if v.refresh() {
		return v.Uint64(off)
	}
	return 0, false
}

// Uint32 reads four bytes at off.
func (v *MemoryView) Uint32(off uint64) (uint32, bool) {
	if v != nil && off < v.in4 && *v.now == v.epoch {
		n := binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(v.base, off))[:])
		runtime.KeepAlive(v)
		return n, true
	}
	if v.refresh() {
		return v.Uint32(off)
	}
	return 0, false
}

// Uint16 reads two bytes at off.
func (v *MemoryView) Uint16(off uint64) (uint16, bool) {
	p := v.at(off, 2)
	if p == nil {
		return 0, false
	}
	n := binary.LittleEndian.Uint16((*[2]byte)(p)[:])
	runtime.KeepAlive(v)
	return n, true
}

// Byte reads the byte at off.
func (v *MemoryView) Byte(off uint64) (byte, bool) {
	p := v.at(off, 1)
	if p == nil {
		return 0, false
	}
	b := *(*byte)(p)
	runtime.KeepAlive(v)
	return b, true
}

// Float64 reads eight bytes at off.
func (v *MemoryView) Float64(off uint64) (float64, bool) {
	bits, ok := v.Uint64(off)
	return math.Float64frombits(bits), ok
}

// Float32 reads four bytes at off.
func (v *MemoryView) Float32(off uint64) (float32, bool) {
	bits, ok := v.Uint32(off)
	return math.Float32frombits(bits), ok
}

// PutUint64 writes eight bytes at off.
func (v *MemoryView) PutUint64(off uint64, n uint64) bool {
	if v != nil && off < v.in8 && *v.now == v.epoch {
		binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(v.base, off))[:], n)
		runtime.KeepAlive(v)
		return true
	}
	return v.refresh() && v.PutUint64(off, n)
}

// PutUint32 writes four bytes at off.
func (v *MemoryView) PutUint32(off uint64, n uint32) bool {
	if v != nil && off < v.in4 && *v.now == v.epoch {
		binary.LittleEndian.PutUint32((*[4]byte)(unsafe.Add(v.base, off))[:], n)
		runtime.KeepAlive(v)
		return true
	}
	return v.refresh() && v.PutUint32(off, n)
}

// PutUint16 writes two bytes at off.
func (v *MemoryView) PutUint16(off uint64, n uint16) bool {
	p := v.at(off, 2)
	if p == nil {
		return false
	}
	binary.LittleEndian.PutUint16((*[2]byte)(p)[:], n)
	runtime.KeepAlive(v)
	return true
}

// PutFloat64 writes eight bytes at off.
func (v *MemoryView) PutFloat64(off uint64, f float64) bool {
	return v.PutUint64(off, math.Float64bits(f))
}

// PutFloat32 writes four bytes at off.
func (v *MemoryView) PutFloat32(off uint64, f float32) bool {
	return v.PutUint32(off, math.Float32bits(f))
}

// PutByte writes the byte at off.
func (v *MemoryView) PutByte(off uint64, b byte) bool {
	p := v.at(off, 1)
	if p == nil {
		return false
	}
	*(*byte)(p) = b
	runtime.KeepAlive(v)
	return true
}

// Read fills b with the bytes at off.
func (v *MemoryView) Read(off uint64, b []byte) bool {
	p := v.at(off, uint64(len(b)))
	if p == nil {
		return false
	}
	copy(b, unsafe.Slice((*byte)(p), len(b)))
	runtime.KeepAlive(v)
	return true
}

// Write writes b at off.
func (v *MemoryView) Write(off uint64, b []byte) bool {
	p := v.at(off, uint64(len(b)))
	if p == nil {
		return false
	}
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	runtime.KeepAlive(v)
	return true
}

// WriteString writes the bytes of a string at off, without a zero behind them.
func (v *MemoryView) WriteString(off uint64, text string) bool {
	p := v.at(off, uint64(len(text)))
	if p == nil {
		return false
	}
	copy(unsafe.Slice((*byte)(p), len(text)), text)
	runtime.KeepAlive(v)
	return true
}

// Bytes returns a copy of the n bytes at off.
func (v *MemoryView) Bytes(off, n uint64) ([]byte, bool) {
	p := v.at(off, n)
	if p == nil {
		return nil, false
	}
	b := bytes.Clone(unsafe.Slice((*byte)(p), int(n)))
	runtime.KeepAlive(v)
	return b, true
}

// String returns n bytes at off as a string of its own.
func (v *MemoryView) String(off, n uint64) (string, bool) {
	p := v.at(off, n)
	if p == nil {
		return "", false
	}
	text := string(unsafe.Slice((*byte)(p), int(n)))
	runtime.KeepAlive(v)
	return text, true
}
