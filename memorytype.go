package wasmtime

// MemoryType is the type of a memory. It is immutable.
type MemoryType struct {
	limits       limits
	shared       bool
	pageSizeLog2 uint8
}

// defaultPageSizeLog2 is the page size of WebAssembly, 64 KiB.
const defaultPageSizeLog2 = 16

// NewMemoryType makes the type of a 32-bit memory of at least min pages of 64 KiB and, if hasMax, at most max. A shared
// memory needs a maximum. Limits that contradict each other or exceed the address space are an error.
func NewMemoryType(min uint32, hasMax bool, max uint32, shared bool) (*MemoryType, error) {
	l := limits{min: uint64(min), hasMax: hasMax, max: uint64(max)}
	return newMemoryType(l, shared)
}

// NewMemoryType64 makes the type of a 64-bit memory, as [NewMemoryType] does for a 32-bit one.
func NewMemoryType64(min uint64, hasMax bool, max uint64, shared bool) (*MemoryType, error) {
	l := limits{is64: true, min: min, hasMax: hasMax, max: max}
	return newMemoryType(l, shared)
}

func newMemoryType(l limits, shared bool) (*MemoryType, error) {
	most := uint64(1) << 16
	if l.is64 {
		most = 1 << 48
	}
	switch {
	case l.is64 && l.min == most: // the size in bytes has to fit in 64 bits
		return nil, errorf(nil, "memory's minimum byte size must fit in a u64\n\nCaused by:\n    size overflow calculating memory size\n")
	case l.min > most:
		return nil, errorf(nil, "minimum size of %d pages exceeds the maximum of %d", l.min, most)
	case l.hasMax && l.max > most:
		return nil, errorf(nil, "maximum size of %d pages exceeds the maximum of %d", l.max, most)
	case l.hasMax && l.max < l.min:
		return nil, errorf(nil, "maximum page size cannot be smaller than the minimum page size")
	case shared && !l.hasMax:
		return nil, errorf(nil, "shared memories must have a maximum size")
	}
	return &MemoryType{l, shared, defaultPageSizeLog2}, nil
}

// Minimum returns the least number of pages.
func (ty *MemoryType) Minimum() uint64 { return ty.limits.min }

// Maximum returns whether the memory has a maximum, and which, in pages.
func (ty *MemoryType) Maximum() (bool, uint64) {
	if !ty.limits.hasMax {
		return false, 0
	}
	return true, ty.limits.max
}

// Is64 tells whether addresses have 64 bits.
func (ty *MemoryType) Is64() bool { return ty.limits.is64 }

// IsShared tells whether the memory may be shared between threads.
func (ty *MemoryType) IsShared() bool { return ty.shared }

// PageSize returns the size of a page in bytes: 65536 but for memories of the custom-page-sizes proposal.
func (ty *MemoryType) PageSize() uint64 { return 1 << ty.pageSizeLog2 }

// AsExternType returns the type as one of the external types.
func (ty *MemoryType) AsExternType() *ExternType { return &ExternType{memory: ty} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *MemoryType) Close() {}

func (ty *MemoryType) encode() []byte {
	var w typeWriter
	w.limits(ty.limits)
	w.bool(ty.shared)
	return append(w, ty.pageSizeLog2)
}
