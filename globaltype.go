package wasmtime

// GlobalType is the type of a global. It is immutable.
type GlobalType struct {
	content *ValType
	mutable bool
}

// NewGlobalType makes the type of a global that holds content and may be written if mutable.
func NewGlobalType(content *ValType, mutable bool) *GlobalType { return &GlobalType{content, mutable} }

// Content returns the type of the value.
func (ty *GlobalType) Content() *ValType { return ty.content }

// Mutable tells whether the global may be written.
func (ty *GlobalType) Mutable() bool { return ty.mutable }

// AsExternType returns the type as one of the external types.
func (ty *GlobalType) AsExternType() *ExternType { return &ExternType{global: ty} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *GlobalType) Close() {}

func (ty *GlobalType) encode() []byte {
	var w typeWriter
	w.val(ty.content)
	w.bool(ty.mutable)
	return w
}
