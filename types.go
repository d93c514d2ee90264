package wasmtime

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
)

// ValKind is a kind of value; the numbers are those of wasm.h where that has one.
type ValKind uint8

// The kinds of values.
const (
	// KindI32 is a 32-bit integer.
	KindI32 ValKind = 0
	// KindI64 is a 64-bit integer.
	KindI64 ValKind = 1
	// KindF32 is a 32-bit float.
	KindF32 ValKind = 2
	// KindF64 is a 64-bit float.
	KindF64 ValKind = 3
	// KindExternref is a reference to a Go value.
	KindExternref ValKind = 128
	// KindFuncref is a reference to a function of any type.
	KindFuncref ValKind = 129
	// KindV128 is a vector of 128 bits.
	KindV128 ValKind = 130
	// KindOther is a reference of the GC and exception proposals, of which only null has a Go value yet: see [Val].
	KindOther ValKind = 131
)

// String returns the kind as the text format writes it.
func (ty ValKind) String() string {
	switch ty {
	case KindI32:
		return "i32"
	case KindI64:
		return "i64"
	case KindF32:
		return "f32"
	case KindF64:
		return "f64"
	case KindExternref:
		return "externref"
	case KindFuncref:
		return "funcref"
	case KindV128:
		return "v128"
	case KindOther:
		return "ref"
	}
	panic("unknown kind")
}

// ValType is the type of a value. It is immutable.
type ValType struct {
	kind ValKind
	// The encoding of a reference, for describe.rs: nullable, heap kind.
	nullable bool
	heap     uint8
}

// Heap kinds, WASMTIME_HEAPTYPE_KIND_* of the C API.
const (
	heapExtern = 0
	heapFunc   = 2
	heapAny    = 5
	heapExn    = 13
)

// heaps are the heap types as the text format writes them, by heap kind. A type of the module's own has an index
// there, which is not known here.
var heaps = [...]string{"extern", "noextern", "func", "$func", "nofunc", "any", "none", "eq", "i31", "array", "$array",
	"struct", "$struct", "exn", "$exn", "noexn"}

// NewValType returns the type of a kind; for references, the nullable one. It panics for a number that is no kind.
func NewValType(kind ValKind) *ValType {
	switch kind {
	case KindExternref:
		return &ValType{kind, true, heapExtern}
	case KindFuncref:
		return &ValType{kind, true, heapFunc}
	case KindI32, KindI64, KindF32, KindF64, KindV128:
		return &ValType{kind: kind}
	}
	panic("unknown kind")
}

// Kind returns the type's kind.
func (t *ValType) Kind() ValKind { return notNil(t).kind }

// String returns the type's kind as the text format writes it.
func (t *ValType) String() string { return notNil(t).kind.String() }

// text is the type as the text format writes it.
func (t *ValType) text() string {
	if t.plain() || int(t.heap) >= len(heaps) || t.nullable && (t.heap == heapExtern || t.heap == heapFunc) {
		return t.kind.String()
	}
	if t.nullable {
		return "(ref null " + heaps[t.heap] + ")"
	}
	return "(ref " + heaps[t.heap] + ")"
}

// hierarchy is what all references of a type of KindOther, and no others, have in common.
func (t *ValType) hierarchy() ffi.ValKind {
	switch {
	case t.heap >= heapAny && t.heap < heapExn:
		return ffi.ValAnyref
	case int(t.heap) < len(heaps):
		return ffi.ValExnref
	}
	return ffi.ValKind(t.heap)
}

// concrete tells whether the type refers to one that a module defines, which nothing can be made of outside of it.
func (t *ValType) concrete() bool {
	return !t.plain() && (int(t.heap) >= len(heaps) || strings.HasPrefix(heaps[t.heap], "$"))
}

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (t *ValType) Close() {}

// plain tells whether values of the type cross the boundary as they are.
func (t *ValType) plain() bool {
	switch t.kind {
	case KindI32, KindI64, KindF32, KindF64, KindV128:
		return true
	}
	return false
}

// isNumber tells whether values of the type are numbers.
func (t *ValType) isNumber() bool { return t.kind <= KindF64 }

// ffiKind returns the kind in the native library's numbers.
func (ty ValKind) ffiKind() ffi.ValKind {
	switch ty {
	case KindI32:
		return ffi.ValI32
	case KindI64:
		return ffi.ValI64
	case KindF32:
		return ffi.ValF32
	case KindF64:
		return ffi.ValF64
	case KindV128:
		return ffi.ValV128
	case KindFuncref:
		return ffi.ValFuncref
	}
	return ffi.ValExternref
}

// FuncType is a function's signature. It is immutable.
type FuncType struct {
	params, results []*ValType
	// externrefs are the Go types of which WrapFunc made externrefs, for the message about an import that wants others.
	externrefs string
}

// NewFuncType makes a signature.
func NewFuncType(params, results []*ValType) *FuncType {
	for _, ty := range slices.Concat(params, results) {
		notNil(ty)
	}
	return &FuncType{params: slices.Clone(params), results: slices.Clone(results)}
}

// Params returns the types of the parameters.
func (ty *FuncType) Params() []*ValType { return append([]*ValType{}, notNil(ty).params...) }

// Results returns the types of the results.
func (ty *FuncType) Results() []*ValType { return append([]*ValType{}, notNil(ty).results...) }

// AsExternType returns the type as one of the external types.
func (ty *FuncType) AsExternType() *ExternType { return &ExternType{fn: notNil(ty)} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *FuncType) Close() {}

// plain tells whether all arguments and results cross the boundary as they are.
func (ty *FuncType) plain() bool {
	isRef := func(t *ValType) bool { return !t.plain() }
	return !slices.ContainsFunc(ty.params, isRef) && !slices.ContainsFunc(ty.results, isRef)
}

// unsupported says why no function can be made of the type outside of a module; nil if one can.
func (ty *FuncType) unsupported() error {
	for _, t := range slices.Concat(ty.params, ty.results) {
		if t.concrete() {
			return errorf(ErrUnsupported, "a host function cannot have the type %v, which a module defines: %v", t.text(), ErrUnsupported)
		}
	}
	return nil
}

// text is the type as the text format writes it.
func (ty *FuncType) text() string {
	return "(func" + typesText("param", ty.params) + typesText("result", ty.results) + ")"
}

// typesText is a list of types as the text format writes it, empty if there are none.
func typesText(keyword string, types []*ValType) string {
	if len(types) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(" (" + keyword)
	for _, ty := range types {
		b.WriteString(" " + ty.text())
	}
	return b.String() + ")"
}

// slots is the number of slots that a call needs.
func (ty *FuncType) slots() int { return max(len(ty.params), len(ty.results)) }

func (ty *FuncType) encode() []byte {
	var w typeWriter
	w.vals(ty.params)
	w.vals(ty.results)
	return w
}

// GlobalType is the type of a global. It is immutable.
type GlobalType struct {
	content *ValType
	mutable bool
}

// NewGlobalType makes the type of a global that holds content and may be written if mutable.
func NewGlobalType(content *ValType, mutable bool) *GlobalType {
	return &GlobalType{notNil(content), mutable}
}

// Content returns the type of the value.
func (ty *GlobalType) Content() *ValType { return notNil(ty).content }

// Mutable tells whether the global may be written.
func (ty *GlobalType) Mutable() bool { return notNil(ty).mutable }

// AsExternType returns the type as one of the external types.
func (ty *GlobalType) AsExternType() *ExternType { return &ExternType{global: notNil(ty)} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *GlobalType) Close() {}

// text is the type as the text format writes it.
func (ty *GlobalType) text() string {
	if ty.mutable {
		return "(global (mut " + ty.content.text() + "))"
	}
	return "(global " + ty.content.text() + ")"
}

func (ty *GlobalType) encode() []byte {
	var w typeWriter
	w.val(ty.content)
	w.bool(ty.mutable)
	return w
}

// limits are the limits of a table or memory.
type limits struct {
	is64   bool
	min    uint64
	hasMax bool
	max    uint64
}

// text is the limits as the text format writes them.
func (l limits) text() string {
	text := fmt.Sprint(l.min)
	if l.is64 {
		text = "i64 " + text
	}
	if l.hasMax {
		text += fmt.Sprint(" ", l.max)
	}
	return text
}

// TableType is the type of a table. It is immutable.
type TableType struct {
	element *ValType
	limits  limits
}

// NewTableType makes the type of a table of element, with at least min elements and, if hasMax, at most max.
func NewTableType(element *ValType, min uint32, hasMax bool, max uint32) *TableType {
	return &TableType{notNil(element), limits{min: uint64(min), hasMax: hasMax, max: uint64(max)}}
}

// Element returns the type of the elements.
func (ty *TableType) Element() *ValType { return notNil(ty).element }

// Minimum returns the least number of elements. For a 64-bit table it is cut to 32 bits.
func (ty *TableType) Minimum() uint32 { return uint32(notNil(ty).limits.min) }

// Maximum returns whether the table has a maximum, and which. For a 64-bit table it is cut to 32 bits.
func (ty *TableType) Maximum() (bool, uint32) {
	if !notNil(ty).limits.hasMax {
		return false, 0
	}
	return true, uint32(ty.limits.max)
}

// AsExternType returns the type as one of the external types.
func (ty *TableType) AsExternType() *ExternType { return &ExternType{table: notNil(ty)} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *TableType) Close() {}

// text is the type as the text format writes it.
func (ty *TableType) text() string {
	return "(table " + ty.limits.text() + " " + ty.element.text() + ")"
}

func (ty *TableType) encode() []byte {
	var w typeWriter
	w.val(ty.element)
	w.limits(ty.limits)
	return w
}

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
		return nil, errorf(nil, "memory's minimum byte size must fit in a u64\n\nCaused by:\n    size overflow calculating memory size")
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
func (ty *MemoryType) Minimum() uint64 { return notNil(ty).limits.min }

// Maximum returns whether the memory has a maximum, and which, in pages.
func (ty *MemoryType) Maximum() (bool, uint64) {
	if !notNil(ty).limits.hasMax {
		return false, 0
	}
	return true, ty.limits.max
}

// Is64 tells whether addresses have 64 bits.
func (ty *MemoryType) Is64() bool { return notNil(ty).limits.is64 }

// IsShared tells whether the memory may be shared between threads.
func (ty *MemoryType) IsShared() bool { return notNil(ty).shared }

// PageSize returns the size of a page in bytes: 65536 but for memories of the custom-page-sizes proposal.
func (ty *MemoryType) PageSize() uint64 { return 1 << notNil(ty).pageSizeLog2 }

// AsExternType returns the type as one of the external types.
func (ty *MemoryType) AsExternType() *ExternType { return &ExternType{memory: notNil(ty)} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *MemoryType) Close() {}

// text is the type as the text format writes it.
func (ty *MemoryType) text() string {
	text := "(memory " + ty.limits.text()
	if ty.shared {
		text += " shared"
	}
	if ty.pageSizeLog2 != defaultPageSizeLog2 {
		text += fmt.Sprintf(" (pagesize %d)", ty.PageSize())
	}
	return text + ")"
}

func (ty *MemoryType) encode() []byte {
	var w typeWriter
	w.limits(ty.limits)
	w.bool(ty.shared)
	return append(w, ty.pageSizeLog2)
}

// AsExternType is what [FuncType], [GlobalType], [MemoryType], [TableType] and [ExternType] have in common.
type AsExternType interface {
	// AsExternType returns the type as one of the external types.
	AsExternType() *ExternType
}

// externType returns a type as one of the external types.
func externType(ty AsExternType) *ExternType {
	if ty == nil {
		panicNil(errorf(ErrClosed, "nil AsExternType"))
	}
	return ty.AsExternType()
}

// ExternType is the type of something that is imported or exported. It is immutable.
type ExternType struct {
	fn     *FuncType
	global *GlobalType
	table  *TableType
	memory *MemoryType
}

// AsExternType returns the type itself.
func (ty *ExternType) AsExternType() *ExternType { return notNil(ty) }

// FuncType returns the type as that of a function, nil if it is another.
func (ty *ExternType) FuncType() *FuncType { return notNil(ty).fn }

// GlobalType returns the type as that of a global, nil if it is another.
func (ty *ExternType) GlobalType() *GlobalType { return notNil(ty).global }

// TableType returns the type as that of a table, nil if it is another.
func (ty *ExternType) TableType() *TableType { return notNil(ty).table }

// MemoryType returns the type as that of a memory, nil if it is another.
func (ty *ExternType) MemoryType() *MemoryType { return notNil(ty).memory }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ExternType) Close() {}

// text is the type as the text format writes it.
func (ty *ExternType) text() string {
	switch {
	case ty.fn != nil:
		return ty.fn.text()
	case ty.global != nil:
		return ty.global.text()
	case ty.table != nil:
		return ty.table.text()
	case ty.memory != nil:
		return ty.memory.text()
	}
	return "(tag)" // which has no Go type
}

// ImportType is what a module imports.
type ImportType struct {
	module, name string
	ty           *ExternType
}

// NewImportType makes an import of name from module.
func NewImportType(module, name string, ty AsExternType) *ImportType {
	return &ImportType{module, name, externType(ty)}
}

// Module returns the name of the module that is imported from.
func (ty *ImportType) Module() string { return notNil(ty).module }

// Name returns the name of the import. It is never nil.
func (ty *ImportType) Name() *string { return &notNil(ty).name }

// Type returns the type that the import has to have.
func (ty *ImportType) Type() *ExternType { return notNil(ty).ty }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ImportType) Close() {}

// ExportType is what a module exports.
type ExportType struct {
	name string
	ty   *ExternType
}

// NewExportType makes an export called name.
func NewExportType(name string, ty AsExternType) *ExportType {
	return &ExportType{name, externType(ty)}
}

// Name returns the name of the export.
func (ty *ExportType) Name() string { return notNil(ty).name }

// Type returns the type of the export.
func (ty *ExportType) Type() *ExternType { return notNil(ty).ty }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ExportType) Close() {}
