package wasmtime

// limits are the limits of a table or memory.
type limits struct {
	is64   bool
	min    uint64
	hasMax bool
	max    uint64
}

// TableType is the type of a table. It is immutable.
type TableType struct {
	element *ValType
	limits  limits
}

// NewTableType makes the type of a table of element, with at least min elements and, if hasMax, at most max.
func NewTableType(element *ValType, min uint32, hasMax bool, max uint32) *TableType {
	return &TableType{element, limits{min: uint64(min), hasMax: hasMax, max: uint64(max)}}
}

// Element returns the type of the elements.
func (ty *TableType) Element() *ValType { return ty.element }

// Minimum returns the least number of elements. For a 64-bit table it is cut to 32 bits.
func (ty *TableType) Minimum() uint32 { return uint32(ty.limits.min) }

// Maximum returns whether the table has a maximum, and which. For a 64-bit table it is cut to 32 bits.
func (ty *TableType) Maximum() (bool, uint32) {
	if !ty.limits.hasMax {
		return false, 0
	}
	return true, uint32(ty.limits.max)
}

// AsExternType returns the type as one of the external types.
func (ty *TableType) AsExternType() *ExternType { return &ExternType{table: ty} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *TableType) Close() {}

func (ty *TableType) encode() []byte {
	var w typeWriter
	w.val(ty.element)
	w.limits(ty.limits)
	return w
}
