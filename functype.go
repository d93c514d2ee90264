package wasmtime

import "slices"

// FuncType is a function's signature. It is immutable.
type FuncType struct{ params, results []*ValType }

// NewFuncType makes a signature.
func NewFuncType(params, results []*ValType) *FuncType {
	return &FuncType{slices.Clone(params), slices.Clone(results)}
}

// Params returns the types of the parameters.
func (ty *FuncType) Params() []*ValType { return append([]*ValType{}, ty.params...) }

// Results returns the types of the results.
func (ty *FuncType) Results() []*ValType { return append([]*ValType{}, ty.results...) }

// AsExternType returns the type as one of the external types.
func (ty *FuncType) AsExternType() *ExternType { return &ExternType{fn: ty} }

// Close does nothing: the type owns nothing. It is there for programs written for wasmtime-go.
func (ty *FuncType) Close() {}

// plain tells whether all arguments and results cross the boundary as they are.
func (ty *FuncType) plain() bool {
	isRef := func(t *ValType) bool { return !t.plain() }
	return !slices.ContainsFunc(ty.params, isRef) && !slices.ContainsFunc(ty.results, isRef)
}

// slots is the number of slots that a call needs.
func (ty *FuncType) slots() int { return max(len(ty.params), len(ty.results)) }

func (ty *FuncType) encode() []byte {
	var w typeWriter
	w.vals(ty.params)
	w.vals(ty.results)
	return w
}
