package wasmtime

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Instance is a module that has been given its imports. It belongs to a store. See wasmtime::Instance.
type Instance struct {
	state *state
	raw   ffi.Instance
}

// NewInstance instantiates a module with its imports in the module's order, and runs its start function. The error is a
// [*Trap] if that traps, and an [*Error] otherwise, which names imports that are missing, and wraps [ErrWrongEngine] if
// module and store belong to different engines. [Linker] finds imports by name. See wasmtime::Instance::new.
func NewInstance(store Storelike, module *Module, imports []AsExtern) (*Instance, error) {
	return NewInstanceContext(nil, store, module, imports)
}

// NewInstanceContext is [NewInstance] with a context for the start function, as [Func.CallContext] has one, and for
// waiting until there is a place in the engine's pool, see [Config.SetPooling]; ctx may be nil.
func NewInstanceContext(ctx context.Context, store Storelike, module *Module, imports []AsExtern) (*Instance, error) {
	s := stateOf(store)
	if s == nil {
		return nil, noStore(store)
	}
	native, err := module.acquire("store", s.engine)
	if err != nil {
		return nil, err
	}
	defer module.handle.Release()
	items := make([]ffi.Item, len(imports))
	for i, imported := range imports {
		item, err := itemOf(s, imported)
		if err != nil {
			return nil, errorf(err, "import %d%s: %v", i, module.types.nameImports(native, i, i+1), err)
		}
		items[i] = *item
	}
	fits := func() bool { return len(items) == len(module.types.imported(native)) }
	instance, err := instantiate(ctx, store, nil, asItIs, fits, func(call *ffi.Call, room uintptr) (ffi.Instance, bool) {
		return ffi.NewInstance(call, room, native, items)
	})
	runtime.KeepAlive(imports)
	if err == nil {
		return instance, nil
	}
	if e, ok := err.(*Error); ok && e.cause == nil {
		e.message += module.types.nameImports(native, len(imports), math.MaxInt)
	}
	return nil, explainExternrefs(err, module.types.imported(native), func(i int, _ *ImportType) *FuncType {
		if i < len(imports) {
			if f, ok := imports[i].(*Func); ok {
				return f.sig
			}
		}
		return nil
	})
}

// nameImports names the module's imports from the i-th to the one before the j-th, as the end of a sentence about what
// was given for them. It is empty if there are none.
func (t *moduleTypes) nameImports(native ffi.Module, i, j int) string {
	all := t.imported(native)
	const most = 8
	var text strings.Builder
	wasi := false
	for n := i; n < min(j, len(all)); n++ {
		switch imported := all[n]; {
		case n-i < most:
			separator := ", "
			if n == i {
				separator = ": "
			}
			fmt.Fprintf(&text, "%s`%s::%s`", separator, imported.module, imported.name)
			wasi = wasi || imported.module == wasiModule
		case n-i == most:
			fmt.Fprintf(&text, " and %d more", min(j, len(all))-n)
		}
	}
	if wasi {
		text.WriteString("; " + useLinkerWasi)
	}
	return text.String()
}

// instanceKind says what an instance is to be.
type instanceKind bool

const (
	// asItIs: whatever its module is.
	asItIs instanceKind = false
	// reactor: a reactor of WASI, whose _initialize is called.
	reactor instanceKind = true
)

// instantiate runs an instantiation in the store, stopped when ctx is done; ctx may be nil. With a ctx that can be done
// it waits for a place in the engine's pool. hosts are the host functions of the linker that the instance may have some
// of, nil if there is none. fits is as in [state.allocate].
func instantiate(ctx context.Context, store Storelike, hosts *registry.Family[hostFunc], as instanceKind, fits func() bool,
	f func(call *ffi.Call, room uintptr) (ffi.Instance, bool)) (instance *Instance, err error) {
	s, outermost, err := enter(store)
	if err != nil {
		return nil, err
	}
	err = s.inPlace(ctx, outermost, func(pool *poolQueue) (err error) {
		if hosts != nil {
			s.link(hosts)
		}
		instance, err = s.newInstance(outermost, pool, fits, f)
		if err == nil && as == reactor {
			err = s.initialize(instance)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return instance, nil
}

// inPlace runs f, which instantiates something, in the store, which is entered, and leaves it afterwards. f has a pool
// to wait in, if it may, which a context that can end allows. ctx may be nil.
func (s *state) inPlace(ctx context.Context, outermost bool, f func(pool *poolQueue) error) (err error) {
	defer s.Finish(outermost, &err)
	outer := s.watch
	within, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer within.end()
	var pool *poolQueue
	if s.watch != outer {
		pool = s.engine.pool
	}
	return f(pool)
}

// newInstance runs an instantiation, and waits for room if it is given a pool. The store is entered. fits is as in
// [state.allocate].
func (s *state) newInstance(outermost bool, pool *poolQueue, fits func() bool,
	f func(call *ffi.Call, room uintptr) (ffi.Instance, bool)) (*Instance, error) {
	var raw ffi.Instance
	err := s.allocate(outermost, pool, fits, func(call *ffi.Call, room uintptr) (ok bool) {
		raw, ok = f(call, room)
		return ok
	})
	if err != nil {
		return nil, err
	}
	instance := &s.firstInstance
	if instance.state != nil {
		instance = new(Instance)
	}
	*instance = Instance{s, raw}
	return instance, nil
}

// initialize calls what a reactor exports as _initialize, if it does. The store is entered.
func (s *state) initialize(instance *Instance) error {
	if command := s.exported(instance, "_start"); command != nil {
		return errorf(ErrCommand, "%v", ErrCommand)
	}
	f := s.exported(instance, "_initialize")
	if f == nil {
		return nil
	}
	if sig := f.signature(); len(sig.params)+len(sig.results) > 0 {
		return errorf(nil, "_initialize has type %v -> %v, and not that of a function without parameters and results",
			sig.params, sig.results)
	}
	call := s.call
	call.Func, call.Len = [2]uint64(f.item.Raw[:2]), 0
	if room := s.Room(); !call.Run(room) && !call.RunAgain(room) {
		return s.Failure(call.Failure())
	}
	return nil
}

// allocate runs f, which instantiates, again if there may be room after it has failed for want of that. It waits for
// room if it is given a pool, and for its turn before it tries: unless fits says that an import is missing, so that it
// will have no place, for which nobody should wait. A nil fits is that of an instantiation whose imports are known.
func (s *state) allocate(outermost bool, pool *poolQueue, fits func() bool,
	f func(call *ffi.Call, room uintptr) bool) error {
	s.slot.take()
	var waiter *placeWaiter // nil without a pool
	if pool != nil {
		waiter = new(placeWaiter)
		if pool.waiting.Load() > 0 && (fits == nil || fits()) { // others were here before
			if err := s.awaitPlace(outermost, waiter, pool.given.Load()); err != nil {
				s.slot.untake()
				return err
			}
		}
	}
	for n := (need{patient: pool != nil}); ; {
		var given uint64
		if pool != nil {
			given = pool.given.Load()
		}
		ok := f(s.call, s.Room())
		s.slot.made()
		if ok {
			return nil
		}
		trap, failed := s.call.Failure()
		// If a host function has failed, the start function has begun.
		begun := !trap.IsNil() || s.hostErr != nil || s.hostTrap || s.panicking
		switch {
		case begun: // there is an instance, until the store is closed
			return s.Failure(trap, failed)
		case n.met(held, failed):
			failed.Delete()
		case pool != nil && failed.Code() == ffi.ErrorPoolFull:
			full := newError(failed)
			if err := s.awaitPlace(outermost, waiter, given); err != nil {
				s.slot.untake()
				if err == errNeverServed {
					err = errorf(ErrPoolFull, "%v; %v", full, err)
				}
				return err
			}
			n = need{patient: true}
		default:
			full := failed.Code() == ffi.ErrorPoolFull
			err := s.Failure(trap, failed)
			if e, ok := err.(*Error); ok && e.inGuest {
				return err // the start function had begun, too
			}
			s.slot.untake()
			if !full {
				s.engine.pool.giveBack(1) // it had places for a moment, or was let try
			}
			return err
		}
	}
}

// mustEnter enters the instance's store, which store has to be.
func (instance *Instance) mustEnter(store Storelike) (*state, bool) {
	if notNil(instance).state == nil {
		panic(closedText)
	}
	return mustEnterOwned(store, instance.state)
}

// Exports returns the exports in the module's order, which is that of [Module.Exports]: their names are there.
func (instance *Instance) Exports(store Storelike) []*Extern {
	s, outermost := instance.mustEnter(store)
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
	s, outermost := instance.mustEnter(store)
	defer s.Leave(outermost)
	item, _, ok := s.native.Export(instance.raw, name)
	if !ok {
		return nil
	}
	return (&Extern{s, item}).own()
}

// GetFunc returns the exported function called name, nil if there is none or it is something else. Calling or binding
// nil is an error that says so.
func (instance *Instance) GetFunc(store Storelike, name string) *Func {
	s, outermost := instance.mustEnter(store)
	defer s.Leave(outermost)
	return s.exported(instance, name)
}

// exported is GetFunc in a store that is entered.
func (s *state) exported(instance *Instance, name string) *Func {
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
	engine *Engine
	// hosts are the host functions of the linker that it came from.
	hosts *registry.Family[hostFunc]
}

// InstantiatePre finds and checks the imports of a module. They must have been defined for every store: items of one
// store, as [Linker.Define] defines them, are good for instances in that store only. See
// wasmtime::Linker::instantiate_pre.
func (l *Linker) InstantiatePre(module *Module) (*InstancePre, error) {
	linker, reading, err := l.read()
	if err != nil {
		return nil, err
	}
	defer reading.Release()
	m, err := module.acquire("linker", l.Engine)
	if err != nil {
		return nil, err
	}
	defer module.handle.Release()
	native, failed := linker.InstantiatePre(m)
	if !failed.IsNil() {
		imports := module.types.imported(m)
		return nil, l.explainMissing(l.explain(newError(failed), imports), linker, imports)
	}
	pre := &InstancePre{engine: l.Engine, hosts: l.hosts}
	registry.Own(&pre.handle, pre, native)
	return pre, nil
}

// Instantiate instantiates the module in the store. The error is a [*Trap] if its start function traps.
func (pre *InstancePre) Instantiate(store Storelike) (*Instance, error) {
	return pre.instantiate(nil, store, asItIs)
}

// InstantiateContext is [InstancePre.Instantiate] with a context for the start function, as [Func.CallContext] has one,
// and for waiting until there is a place in the engine's pool, see [Config.SetPooling]; ctx may be nil.
func (pre *InstancePre) InstantiateContext(ctx context.Context, store Storelike) (*Instance, error) {
	return pre.instantiate(ctx, store, asItIs)
}

// InstantiateReactor is [InstancePre.Instantiate] for a WASI reactor, as [Linker.InstantiateReactor].
func (pre *InstancePre) InstantiateReactor(store Storelike) (*Instance, error) {
	return pre.instantiate(nil, store, reactor)
}

// InstantiateReactorContext is [InstancePre.InstantiateReactor] with a context, as [Linker.InstantiateReactorContext].
func (pre *InstancePre) InstantiateReactorContext(ctx context.Context, store Storelike) (*Instance, error) {
	return pre.instantiate(ctx, store, reactor)
}

func (pre *InstancePre) instantiate(ctx context.Context, store Storelike, as instanceKind) (*Instance, error) {
	if pre == nil {
		return nil, isNil[InstancePre]()
	}
	native, err := acquire(&pre.handle, "prepared instance")
	if err != nil {
		return nil, err
	}
	defer pre.handle.Release()
	switch s := stateOf(store); {
	case s == nil:
		return nil, noStore(store)
	case s.engine != pre.engine:
		return nil, wrongEngine("InstancePre", "store")
	}
	return instantiate(ctx, store, pre.hosts, as, nil, native.Instantiate)
}

// Close frees it, at once or when the last instantiation by another goroutine is over; instances stay usable. Those
// who instantiate it afterwards get an error that wraps [ErrClosed]. Closing twice does nothing.
func (pre *InstancePre) Close() {
	if pre != nil {
		pre.handle.Close()
	}
}
