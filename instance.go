package wasmtime

import (
	"context"
	"runtime"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Instance is a module that has been given its imports. It belongs to a store. See wasmtime::Instance.
type Instance struct {
	state *state
	raw   ffi.Instance
}

// NewInstance instantiates a module with its imports in the module's order, and runs its start function. The error is a
// [*Trap] if that traps, and an [*Error] otherwise. [Linker] finds imports by name. See wasmtime::Instance::new.
func NewInstance(store Storelike, module *Module, imports []AsExtern) (*Instance, error) {
	return NewInstanceContext(nil, store, module, imports)
}

// NewInstanceContext is [NewInstance] with a context for the start function, as [Func.CallContext] has one; ctx may
// be nil.
func NewInstanceContext(ctx context.Context, store Storelike, module *Module, imports []AsExtern) (*Instance, error) {
	s := store.storeState()
	items := make([]ffi.Item, len(imports))
	for i, imported := range imports {
		item, err := itemOf(s, imported)
		if err != nil {
			return nil, errorf(err, "import %d: %v", i, err)
		}
		items[i] = *item
	}
	native := module.handle.Acquire()
	defer module.handle.Release()
	instance, err := s.instantiate(ctx, nil, func(call *ffi.Call, room uintptr) (ffi.Instance, bool) {
		return ffi.NewInstance(call, room, native, items)
	})
	runtime.KeepAlive(imports)
	return instance, explainExternrefs(err, module, func(i int, _ *ImportType) *FuncType {
		if f, ok := imports[i].(*Func); ok {
			return f.sig
		}
		return nil
	})
}

// instantiate runs an instantiation in the store, stopped when ctx is done; ctx may be nil. hosts are the host
// functions of the linker that the instance may have some of, nil if there is none.
func (s *state) instantiate(ctx context.Context, hosts *registry.Family[hostFunc],
	f func(call *ffi.Call, room uintptr) (ffi.Instance, bool)) (*Instance, error) {
	outermost, err := s.Enter()
	if err != nil {
		return nil, err
	}
	defer s.Leave(outermost)
	if hosts != nil {
		s.link(hosts)
	}
	stop, err := s.Watch(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	s.slot.take()
	call := s.call
	raw, ok := f(call, s.Room())
	for n := (need{}); !ok; {
		trap, failed := call.Failure()
		// If a host function has failed, the start function has begun.
		begun := !trap.IsNil() || s.hostErr != nil || s.hostTrap || s.panicking
		if begun || !n.met(held, failed) {
			if !begun { // otherwise there is an instance, until the store is closed
				s.slot.untake()
			}
			return nil, s.Failure(trap, failed)
		}
		failed.Delete()
		raw, ok = f(call, s.Room())
	}
	instance := &s.firstInstance
	if instance.state != nil {
		instance = new(Instance)
	}
	*instance = Instance{s, raw}
	return instance, nil
}

// Exports returns the exports in the module's order.
func (instance *Instance) Exports(store Storelike) []*Extern {
	s, outermost := mustEnterItem(store, instance.state)
	defer s.Leave(outermost)
	exports := []*Extern{}
	for i := 0; ; i++ {
		e := &Extern{state: s}
		if _, ok := s.native.ExportAt(instance.raw, i, &e.item); !ok {
			return exports
		}
		exports = append(exports, e.own())
	}
}

// GetExport returns the export called name, nil if there is none. See wasmtime::Instance::get_export.
func (instance *Instance) GetExport(store Storelike, name string) *Extern {
	s, outermost := mustEnterItem(store, instance.state)
	defer s.Leave(outermost)
	item, _, ok := s.native.Export(instance.raw, name)
	if !ok {
		return nil
	}
	return (&Extern{s, item}).own()
}

// GetFunc returns the exported function called name, nil if there is none or it is something else.
func (instance *Instance) GetFunc(store Storelike, name string) *Func {
	s, outermost := mustEnterItem(store, instance.state)
	defer s.Leave(outermost)
	item, encoded, ok := s.native.Export(instance.raw, name)
	switch {
	case !ok:
		return nil
	case item.Kind == ffi.ItemSharedMemory:
		item.Own().Delete()
		return nil
	case item.Kind != ffi.ItemFunc:
		return nil
	}
	if len(encoded) == 0 {
		return s.funcOf(item)
	}
	r := typeReader{encoded}
	f := &struct { // one allocation
		Func
		sig FuncType
	}{Func{state: s, item: item}, FuncType{params: r.vals(), results: r.vals()}}
	f.Func.sig = &f.sig
	return &f.Func
}

// GetMemory returns the exported memory called name, nil if there is none or it is something else.
func (instance *Instance) GetMemory(store Storelike, name string) *Memory {
	e := instance.GetExport(store, name)
	if e == nil {
		return nil
	}
	return e.Memory()
}

// InstancePre is a module whose imports have been found and checked once, to be instantiated many times. It is
// immutable and safe for concurrent use. See wasmtime::InstancePre.
type InstancePre struct {
	handle registry.Handle[ffi.InstancePre]
	// hosts are the host functions of the linker that it came from.
	hosts *registry.Family[hostFunc]
}

// InstantiatePre finds and checks the imports of a module. They must have been defined for every store: items of one
// store, as [Linker.Define] defines them, are good for instances in that store only. See
// wasmtime::Linker::instantiate_pre.
func (l *Linker) InstantiatePre(module *Module) (*InstancePre, error) {
	linker, reading := l.read()
	defer reading.Release()
	m := module.handle.Acquire()
	defer module.handle.Release()
	native, err := linker.InstantiatePre(m)
	if !err.IsNil() {
		return nil, l.explain(newError(err), module)
	}
	pre := &InstancePre{hosts: l.hosts}
	registry.Own(&pre.handle, pre, native)
	return pre, nil
}

// Instantiate instantiates the module in the store. The error is a [*Trap] if its start function traps.
func (pre *InstancePre) Instantiate(store Storelike) (*Instance, error) {
	return pre.InstantiateContext(nil, store)
}

// InstantiateContext is [InstancePre.Instantiate] with a context for the start function, as [Func.CallContext] has
// one; ctx may be nil.
func (pre *InstancePre) InstantiateContext(ctx context.Context, store Storelike) (*Instance, error) {
	native := pre.handle.Acquire()
	defer pre.handle.Release()
	return store.storeState().instantiate(ctx, pre.hosts, native.Instantiate)
}

// Close frees it now; instances stay usable. Closing twice does nothing.
func (pre *InstancePre) Close() { pre.handle.Close() }
