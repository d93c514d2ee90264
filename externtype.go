package wasmtime

// AsExternType is what [FuncType], [GlobalType], [MemoryType], [TableType] and [ExternType] have in common.
type AsExternType interface {
	// AsExternType returns the type as one of the external types.
	AsExternType() *ExternType
}

// ExternType is the type of something that is imported or exported. It is immutable.
type ExternType struct {
	fn     *FuncType
	global *GlobalType
	table  *TableType
	memory *MemoryType
}

// AsExternType returns the type itself.
func (ty *ExternType) AsExternType() *ExternType { return ty }

// FuncType returns the type as that of a function, nil if it is another.
func (ty *ExternType) FuncType() *FuncType { return ty.fn }

// GlobalType returns the type as that of a global, nil if it is another.
func (ty *ExternType) GlobalType() *GlobalType { return ty.global }

// TableType returns the type as that of a table, nil if it is another.
func (ty *ExternType) TableType() *TableType { return ty.table }

// MemoryType returns the type as that of a memory, nil if it is another.
func (ty *ExternType) MemoryType() *MemoryType { return ty.memory }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ExternType) Close() {}

// ImportType is what a module imports.
type ImportType struct {
	module, name string
	ty           *ExternType
}

// NewImportType makes an import of name from module.
func NewImportType(module, name string, ty AsExternType) *ImportType {
	return &ImportType{module, name, ty.AsExternType()}
}

// Module returns the name of the module that is imported from.
func (ty *ImportType) Module() string { return ty.module }

// Name returns the name of the import. It is never nil.
func (ty *ImportType) Name() *string { return &ty.name }

// Type returns the type that the import has to have.
func (ty *ImportType) Type() *ExternType { return ty.ty }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ImportType) Close() {}

// ExportType is what a module exports.
type ExportType struct {
	name string
	ty   *ExternType
}

// NewExportType makes an export called name.
func NewExportType(name string, ty AsExternType) *ExportType {
	return &ExportType{name, ty.AsExternType()}
}

// Name returns the name of the export.
func (ty *ExportType) Name() string { return ty.name }

// Type returns the type of the export.
func (ty *ExportType) Type() *ExternType { return ty.ty }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *ExportType) Close() {}
