package wasmtime

import (
	"context"

	"github.com/gowasmtime/wasmtime/ffi"
)

// InstancePre is a module whose imports have been found and checked once, to be instantiated many times. It is immutable
// and safe for concurrent use. See wasmtime::InstancePre.
type InstancePre struct {
	handle handle[ffi.InstancePre]
}

// InstantiatePre finds and checks the imports of a module. They must have been defined for every store: items of one store,
// as [Linker.Define] defines them, are good for instances in that store only. See wasmtime::Linker::instantiate_pre.
func (l *Linker) InstantiatePre(module *Module) (*InstancePre, error) {
	linker := l.handle.acquire()
	defer l.handle.release()
	m := module.handle.acquire()
	defer module.handle.release()
	native, err := linker.InstantiatePre(m)
	if !err.IsNil() {
		return nil, newError(err)
	}
	pre := &InstancePre{}
	own(&pre.handle, pre, native)
	return pre, nil
}

// Instantiate instantiates the module in the store. The error is a [*Trap] if its start function traps.
func (pre *InstancePre) Instantiate(store Storelike) (*Instance, error) {
	return pre.InstantiateContext(nil, store)
}

// InstantiateContext is [InstancePre.Instantiate] with a context for the start function, as [Func.CallContext] has one; ctx
// may be nil.
func (pre *InstancePre) InstantiateContext(ctx context.Context, store Storelike) (*Instance, error) {
	native := pre.handle.acquire()
	defer pre.handle.release()
	return store.storeState().instantiate(ctx, native.Instantiate)
}

// Close frees it now; instances stay usable. Closing twice does nothing.
func (pre *InstancePre) Close() { pre.handle.close() }
