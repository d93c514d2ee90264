package wasmtime

import (
	"context"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"runtime"
)

// Linker finds the imports of modules by name. One linker serves any number of stores of its engine. It may be used by
// several goroutines at once when nothing is defined any more. See wasmtime::Linker.
type Linker struct {
	// Engine is the engine that the linker was made with.
	Engine *Engine

	handle registry.Handle[ffi.Linker]
	// hosts are its host functions.
	hosts *registry.Family[hostFunc]
}

// NewLinker creates a linker with nothing in it.
func NewLinker(engine *Engine) *Linker {
	l := &Linker{Engine: engine, hosts: &registry.Family[hostFunc]{}}
	registry.Own(&l.handle, l, ffi.NewLinker(engine.handle.Acquire()))
	engine.handle.Release()
	return l
}

// Close frees the linker now; instances stay usable. Closing twice does nothing.
func (l *Linker) Close() { l.handle.Close() }

// AllowShadowing sets whether a definition may replace an earlier one of the same name; otherwise, and at first, that
// is an error. See wasmtime::Linker::allow_shadowing.
func (l *Linker) AllowShadowing(allow bool) {
	native := l.handle.Acquire()
	defer l.handle.Release()
	native.AllowShadowing(allow)
}

// inStore runs f with the linker and the store taken.
func (l *Linker) inStore(store Storelike, f func(l ffi.Linker, s *state) ffi.Error) error {
	native := l.handle.Acquire()
	defer l.handle.Release()
	s := store.storeState()
	if s.engine != l.Engine {
		return errorf(nil, "the linker and the store were made with different engines")
	}
	outermost, err := s.Enter()
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	s.link(l.hosts)
	if err := f(native, s); !err.IsNil() {
		return s.Failure(ffi.Trap{}, err)
	}
	return nil
}

// Define defines an item of the store; only modules that are instantiated in that store can import it. See
// wasmtime::Linker::define.
func (l *Linker) Define(store Storelike, module, name string, item AsExtern) error {
	of, native := item.external()
	if of != store.storeState() {
		return errorf(ErrWrongStore, "%s.%s: %v", module, name, ErrWrongStore)
	}
	defer runtime.KeepAlive(item)
	return l.inStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.Define(s.native, module, name, *native)
	})
}

// DefineFunc defines a Go function, as [WrapFunc] makes it, for the store.
func (l *Linker) DefineFunc(store Storelike, module, name string, f any) error {
	return l.Define(store, module, name, WrapFunc(store, f))
}

// FuncNew defines a Go function, as [NewFunc] makes it, for every store. See wasmtime::Linker::func_new.
func (l *Linker) FuncNew(module, name string, ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) error {
	return l.defineHost(module, name, newHostFunc(ty, f))
}

// FuncWrap defines a Go function, as [WrapFunc] makes it, for every store. See wasmtime::Linker::func_wrap.
func (l *Linker) FuncWrap(module, name string, f any) error {
	return l.defineHost(module, name, wrapHostFunc(f))
}

// DefineHost defines a typed host function for every store. See wasmtime::Linker::func_wrap.
func (l *Linker) DefineHost(module, name string, f HostFunc) error {
	return l.defineHost(module, name, f.host)
}

func (l *Linker) defineHost(module, name string, h *hostFunc) error {
	native := l.handle.Acquire()
	defer l.handle.Release()
	err := native.DefineFunc(module, name, h.sig.encode(), linkerFuncs.Add(l.hosts, h)|linkerEnv)
	if !err.IsNil() {
		return newError(err)
	}
	return nil
}

// DefineWasi defines WASI 0.1, the module wasi_snapshot_preview1, for stores that have been given a [WasiConfig] with
// [Store.SetWasi]. See wasmtime_wasi::p1::add_to_linker_sync.
func (l *Linker) DefineWasi() error {
	native := l.handle.Acquire()
	defer l.handle.Release()
	err := native.DefineWasi()
	if !err.IsNil() {
		return newError(err)
	}
	return nil
}

// DefineInstance defines all that an instance exports under the name module. See wasmtime::Linker::instance.
func (l *Linker) DefineInstance(store Storelike, module string, instance *Instance) error {
	if instance.state != store.storeState() {
		return errorf(ErrWrongStore, "%s: %v", module, ErrWrongStore)
	}
	return l.inStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.DefineInstance(s.native, module, instance.raw)
	})
}

// DefineModule defines what a module exports under a name. A WASI command, one with _start, is instantiated anew for
// every call; a reactor once, here. See wasmtime::Linker::module.
func (l *Linker) DefineModule(store Storelike, name string, module *Module) error {
	m := module.handle.Acquire()
	defer module.handle.Release()
	return l.inStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.DefineModule(s.native, name, m)
	})
}

// DefineUnknownImportsAsTraps defines every function that the module imports and nobody has defined as one that
// traps. See wasmtime::Linker::define_unknown_imports_as_traps.
func (l *Linker) DefineUnknownImportsAsTraps(module *Module) error {
	if module.engine != l.Engine {
		return errorf(nil, "the linker and the module were made with different engines")
	}
	native := l.handle.Acquire()
	defer l.handle.Release()
	m := module.handle.Acquire()
	defer module.handle.Release()
	err := native.DefineUnknownImportsAsTraps(m)
	if !err.IsNil() {
		return newError(err)
	}
	return nil
}

// DefineUnknownImportsAsDefaultValues defines everything that the module imports and nobody has defined with zeros:
// functions that return 0, globals that are 0, tables of null, empty memories. See
// wasmtime::Linker::define_unknown_imports_as_default_values.
func (l *Linker) DefineUnknownImportsAsDefaultValues(store Storelike, module *Module) error {
	if module.engine != l.Engine {
		return errorf(nil, "the linker and the module were made with different engines")
	}
	m := module.handle.Acquire()
	defer module.handle.Release()
	return l.inStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.DefineUnknownImportsAsDefaultValues(s.native, m)
	})
}

// Get returns what has been defined, nil if nothing has that a store of this engine can use. See wasmtime::Linker::get.
func (l *Linker) Get(store Storelike, module, name string) *Extern {
	native := l.handle.Acquire()
	defer l.handle.Release()
	s := store.storeState()
	if s.engine != l.Engine {
		return nil
	}
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	s.link(l.hosts)
	e := &Extern{state: s}
	found, err := native.Get(s.native, module, name, &e.item)
	if !err.IsNil() {
		err.Delete() // an item of another store
		return nil
	}
	if !found || !s.owns(&e.item) {
		return nil
	}
	return e.own()
}

// GetDefault returns the function that running a module means: its export with an empty name, else _start, else one
// that does nothing. See wasmtime::Linker::get_default.
func (l *Linker) GetDefault(store Storelike, name string) (*Func, error) {
	f := &Func{state: store.storeState()}
	foreign := false
	err := l.inStore(store, func(l ffi.Linker, s *state) ffi.Error {
		err := l.GetDefault(s.native, name, &f.item)
		foreign = err.IsNil() && !s.owns(&f.item)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case foreign:
		return nil, errorf(ErrWrongStore, "the default of %q: %v", name, ErrWrongStore)
	}
	return f, nil
}

// Instantiate gives a module its imports and instantiates it in the store. An import that is missing or has another
// type is an [*Error]; a start function that traps is a [*Trap]. See wasmtime::Linker::instantiate.
func (l *Linker) Instantiate(store Storelike, module *Module) (*Instance, error) {
	return l.InstantiateContext(nil, store, module)
}

// InstantiateContext is [Linker.Instantiate] with a context for the start function, as [Func.CallContext] has one;
// ctx may be nil.
func (l *Linker) InstantiateContext(ctx context.Context, store Storelike, module *Module) (*Instance, error) {
	native := l.handle.Acquire()
	defer l.handle.Release()
	m := module.handle.Acquire()
	defer module.handle.Release()
	return store.storeState().instantiate(ctx, l.hosts, func(call *ffi.Call) (ffi.Instance, bool) {
		return native.Instantiate(call, m)
	})
}
