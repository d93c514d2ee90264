package wasmtime

import "unsafe"

// HostFunc is a Go function that guests can call: made by [HostFunc2] and its like, given to guests by
// [Linker.DefineHost] or [NewHostFunc]. It can be given to any number of linkers and stores; the Go function is then
// called by whichever goroutines run them.
//
// An error that the Go function returns ends the guest; the call that it came from returns an error that wraps it. A
// panic ends the guest and comes out of that call. The zero HostFunc is no function: where it is used, it panics.
type HostFunc struct{ host *hostFunc }

func newTypedHost(results []ValKind, run func(*Caller, unsafe.Pointer) error, params ...ValKind) HostFunc {
	return HostFunc{&hostFunc{NewFuncType(typesOf(params), typesOf(results)), run}}
}

func typesOf(kinds []ValKind) []*ValType {
	types := make([]*ValType, len(kinds))
	for i, kind := range kinds {
		types[i] = NewValType(kind)
	}
	return types
}

// Type returns the function's signature.
func (f HostFunc) Type() *FuncType { return f.host.sig }

// NewHostFunc makes a host function one of the store's functions. See wasmtime::Func::wrap.
func NewHostFunc(store Storelike, f HostFunc) *Func { return store.storeState().addHost(f.host) }
