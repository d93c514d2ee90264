package wasmtime

import "encoding/binary"

// typeReader decodes types as rust/shim/src/describe.rs encodes them. The bytes come from the native library, so a
// malformed one is a defect and panics.
type typeReader struct{ rest []byte }

func (r *typeReader) u8() uint8 {
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *typeReader) u32() uint32 {
	n := binary.LittleEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return n
}

func (r *typeReader) u64() uint64 {
	n := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return n
}

func (r *typeReader) str() string {
	n := r.u32()
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *typeReader) val() *ValType {
	kinds := [...]ValKind{KindI32, KindI64, KindF32, KindF64, KindV128}
	tag := r.u8()
	if int(tag) < len(kinds) {
		return &ValType{kind: kinds[tag]}
	}
	t := &ValType{kind: KindOther, nullable: r.u8() != 0, heap: r.u8()}
	switch t.heap {
	case 0, 1: // extern, noextern
		t.kind = KindExternref
	case 2, 3, 4: // func, a concrete function type, nofunc
		t.kind = KindFuncref
	}
	return t
}

func (r *typeReader) vals() []*ValType {
	vals := make([]*ValType, r.u32())
	for i := range vals {
		vals[i] = r.val()
	}
	return vals
}

func (r *typeReader) fn() *FuncType { return &FuncType{params: r.vals(), results: r.vals()} }

func (r *typeReader) limits() limits {
	return limits{is64: r.u8() != 0, min: r.u64(), hasMax: r.u8() != 0, max: r.u64()}
}

func (r *typeReader) external() *ExternType {
	switch r.u8() {
	case 0:
		return r.fn().AsExternType()
	case 1:
		return (&GlobalType{content: r.val(), mutable: r.u8() != 0}).AsExternType()
	case 2:
		return (&TableType{element: r.val(), limits: r.limits()}).AsExternType()
	case 3, 4:
		return (&MemoryType{limits: r.limits(), shared: r.u8() != 0, pageSizeLog2: r.u8()}).AsExternType()
	case 5:
		r.fn()
		return &ExternType{}
	}
	panic("wasmtime: the native library described a type that this package does not know")
}

// typeWriter encodes types for the native library.
type typeWriter []byte

func (w *typeWriter) bool(b bool) {
	if b {
		*w = append(*w, 1)
	} else {
		*w = append(*w, 0)
	}
}

func (w *typeWriter) val(t *ValType) {
	switch t.kind {
	case KindI32, KindI64, KindF32, KindF64, KindV128:
		*w = append(*w, uint8(t.kind.ffiKind()))
	default:
		*w = append(*w, 5)
		w.bool(t.nullable)
		*w = append(*w, t.heap)
	}
}

func (w *typeWriter) vals(vals []*ValType) {
	*w = binary.LittleEndian.AppendUint32(*w, uint32(len(vals)))
	for _, t := range vals {
		w.val(t)
	}
}

func (w *typeWriter) limits(l limits) {
	w.bool(l.is64)
	*w = binary.LittleEndian.AppendUint64(*w, l.min)
	w.bool(l.hasMax)
	*w = binary.LittleEndian.AppendUint64(*w, l.max)
}
