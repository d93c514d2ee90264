package component

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Linker holds what components may import. One linker serves any number of components and stores of its engine. It is
// safe for concurrent use, also by the host functions in it: an instantiation has the definitions that were there when
// it began. See wasmtime::component::Linker.
//
// Nothing is compared with a WIT type before a component is linked: [Linker.Check] does that without an instance.
// Names with versions are matched as Wasmtime does it: an import of wasi:io/streams@0.2.0 is satisfied by that, else by
// the newest 0.2.x that is defined, be it older or newer. But here, that holds for each function and resource: what is
// not defined under the very version is found under others, before it is missing.
type Linker struct {
	// Engine is the engine that the linker was made with.
	Engine *wasmtime.Engine

	// engine is a use of the engine, which may be closed before the linker is.
	engine registry.Handle[engineUse]

	mu        sync.RWMutex
	root      *LinkerInstance
	shadowing bool
	traps     bool
	// wasi are the items of WASI 0.2 that components find if nobody has defined them, by an interface without its
	// version, a # and the item. The map is never changed.
	wasi map[string]wasiKind
}

// engineUse is a use of an engine. To delete it is to end it.
type engineUse struct {
	handle *registry.Handle[ffi.Engine]
	native ffi.Engine
}

// Delete ends the use.
func (u engineUse) Delete() { u.handle.Release() }

// NewLinker creates a linker with nothing in it. It panics if the engine is closed, or nil.
func NewLinker(engine *wasmtime.Engine) *Linker {
	if engine == nil {
		panic("wasmtime: the engine is nil")
	}
	handle := bridge.EngineOf(engine)
	l := &Linker{Engine: engine}
	registry.Own(&l.engine, l, engineUse{handle, handle.Acquire()})
	l.root = &LinkerInstance{linker: l}
	return l
}

// Close ends the use of the linker; instances, and what was prepared with it, stay usable. Closing twice does nothing.
func (l *Linker) Close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.Close()
	l.root, l.wasi = &LinkerInstance{linker: l}, nil
}

// AllowShadowing sets whether a definition may replace an earlier one of the same name; otherwise, and at first, that
// is an error. It panics if the linker is closed. See wasmtime::component::Linker::allow_shadowing.
func (l *Linker) AllowShadowing(allow bool) { l.set(func() { l.shadowing = allow }) }

// TrapUnknownImports sets whether functions and resources that a component imports and nobody has defined are made of
// nothing: a function that ends the guest with a [*wasmtime.Error] when it is called, a resource of which there is
// none. Otherwise, and at first, such a component cannot be instantiated. It panics if the linker is closed. See
// wasmtime::component::Linker::define_unknown_imports_as_traps.
func (l *Linker) TrapUnknownImports(trap bool) { l.set(func() { l.traps = trap }) }

func (l *Linker) set(setting func()) {
	notNil(l, "linker").mu.Lock()
	defer l.mu.Unlock()
	if l.engine.Closed() {
		panic(registry.Closed)
	}
	setting()
}

// Root returns the place of what components import by itself, outside of an instance. See
// wasmtime::component::Linker::root.
func (l *Linker) Root() *LinkerInstance {
	notNil(l, "linker").mu.RLock()
	defer l.mu.RUnlock()
	return l.root
}

// Instance returns the place of an instance that components import, such as example:shop/prices@1.0.0, and defines it
// if there is none. See wasmtime::component::Linker::instance.
func (l *Linker) Instance(name string) *LinkerInstance { return l.Root().Instance(name) }

// LinkerInstance is a place in a linker: an instance that components import, or the root. It is safe for concurrent
// use. See wasmtime::component::LinkerInstance.
//
// Its methods return an error for a name that is defined already, unless [Linker.AllowShadowing] allows that, and one
// that wraps [wasmtime.ErrClosed] if the linker is closed, or what is to be defined is nil, or a nil pointer. For what
// nobody would find, since it is nearly the name of something in WASI 0.2 or is one without a version, the error wraps
// [ErrNotFound] and says what there is.
type LinkerInstance struct {
	linker *Linker
	// name is the full name, for errors; "" for the root.
	name  string
	items byName[definition]
	// interfaces are Go values whose methods are functions, the latest first.
	interfaces []*goInterface
}

// definition is something in a linker: one of the fields.
type definition struct {
	instance *LinkerInstance
	fn       *goFunc
	resource *resourceDef
	module   *wasmtime.Module
	// wasi says that it is the native library's.
	wasi bool
}

// check tells whether it is a place of a linker.
func (i *LinkerInstance) check() error {
	if i == nil || i.linker == nil {
		return isNil("place in a linker")
	}
	return nil
}

// in names an item for errors.
func (i *LinkerInstance) in(name string) string {
	if i.name == "" {
		return "`" + name + "`"
	}
	return "`" + i.name + "#" + name + "`"
}

// Instance returns the place of an instance within this one, and defines it if there is none. A definition of another
// kind of that name is replaced if [Linker.AllowShadowing] allows that. Otherwise it stays what it is: what is defined
// in the place is not found then. See wasmtime::component::LinkerInstance::instance.
func (i *LinkerInstance) Instance(name string) *LinkerInstance {
	notNil(notNil(i, "place in a linker").linker, "linker").mu.Lock()
	defer i.linker.mu.Unlock()
	if had, ok := i.items.exact[name]; ok && had.instance != nil {
		return had.instance
	}
	full := name
	if i.name != "" {
		full = i.name + "#" + name
	}
	inner := &LinkerInstance{linker: i.linker, name: full}
	if _, taken := i.items.exact[name]; (!taken || i.linker.shadowing) && !i.linker.engine.Closed() {
		i.items.set(name, definition{instance: inner})
	}
	return inner
}

// Func defines a function. f is a [HostFunc], or any Go function: its parameters and results are Go types of the table
// at the top of this package. A [*wasmtime.Caller] or a [context.Context] may come first, neither of which is a
// parameter in WIT; the context is that of the call. There is at most one result, and an error may come last. If the
// WIT type is a result<T, E>, an error becomes its case err; otherwise, and always when it is a [*wasmtime.Trap] or
// cannot be made an E, it ends the guest, and the call of the guest returns an error that wraps it.
//
// What an error becomes as an E: the value of a [ResultError] that it is or wraps, or else the first error of those
// that it wraps, itself included, whose Go type stands for E; else its text if E is a string. An E that is not there
// takes every error. An error that is an integer, as [syscall.Errno] is, stands for an enum or flags only if it has a
// method WitNames, see the top of this package; a string type needs none.
//
// A Go function of numbers is called without reflection and allocation, if it has one of the shapes that
// [wasmtime.HostFuncOf] says are common; one that is a method of what [LinkerInstance.Interface] was given takes one
// allocation. Any other is called by reflection, which takes some in each call; [HostFunc2] and its like do without.
// That f is no such function is an error here; whether its types fit is found when a component is linked.
//
// Name is that of the function in WIT, for those of resources with what says so: [method]counter.get. See
// wasmtime::component::LinkerInstance::func_wrap.
func (i *LinkerInstance) Func(name string, f any) error {
	var fn *goFunc
	if err := i.check(); err != nil {
		return err
	}
	if host, ok := f.(HostFunc); ok {
		if fn = host.fn; fn == nil {
			return errorf(wasmtime.ErrClosed, "%s: a HostFunc that is no function: use HostFunc1 and its like", i.in(name))
		}
	} else {
		var err error
		if fn, err = goFuncOf(reflect.ValueOf(f), 0); err != nil {
			return errorf(errors.Unwrap(err), "%s: %v", i.in(name), err)
		}
	}
	return i.define(name, definition{fn: fn})
}

// Module defines a core module, of the linker's engine. The linker keeps it, and the program does not close it before
// the components are linked that import it. See wasmtime::component::LinkerInstance::module.
func (i *LinkerInstance) Module(name string, module *wasmtime.Module) error {
	if err := i.check(); err != nil {
		return err
	}
	if module == nil {
		return errorf(wasmtime.ErrClosed, "%s: the module is nil", i.in(name))
	}
	if _, engine := bridge.ModuleOf(module); engine != any(i.linker.Engine) {
		return errorf(wasmtime.ErrWrongEngine, "%s: the module and the linker were %v", i.in(name), wasmtime.ErrWrongEngine)
	}
	return i.define(name, definition{module: module})
}

// Resource defines a resource, see [ResourceOf]. See wasmtime::component::LinkerInstance::resource.
func (i *LinkerInstance) Resource(name string, r ResourceType) error {
	if err := i.check(); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return errorf(nil, "%s: %v", i.in(name), err)
	}
	return i.define(name, definition{resource: r.def})
}

// Interface defines all functions of an interface as the methods of a Go value, and its resources. A function of WIT
// is the exported method of the same name, but for hyphens and case: price-of is PriceOf. Parameters and results are as
// for [LinkerInstance.Func]. The functions of a resource counter, whose Go type is *Counter:
//
//	constructor         the method NewCounter of impl
//	counter.merge       a static function: the method CounterMerge of impl
//	counter.get         a method: the method Get of *Counter
//	the destructor      the method Close of *Counter, if there is one: Close() or Close() error
//
// A resource has the name of its Go type, but for hyphens and case, unless [ResourceType.Named] says otherwise. That a
// function is missing or has other types is found when a component is linked; [LinkerInstance.InterfaceOf] finds it at
// once. An interface that is defined later, or a function, replaces methods of this one only if shadowing is allowed.
func (i *LinkerInstance) Interface(impl any, resources ...ResourceType) error {
	if err := i.check(); err != nil {
		return err
	}
	g, err := newInterface(impl, resources)
	if err != nil {
		return errorf(errors.Unwrap(err), "`%s`: %v", i.name, err)
	}
	i.linker.mu.Lock()
	defer i.linker.mu.Unlock()
	return i.defineInterfaceLocked(g)
}

// InterfaceOf is [LinkerInstance.Interface] for the interface that a component imports under the name of this place, or
// a compatible one: if a function or resource of that is missing, or has a type that does not fit, the error says so,
// and nothing is defined. In the root, that is what the component imports outside of instances.
func (i *LinkerInstance) InterfaceOf(c *Component, impl any, resources ...ResourceType) error {
	if err := i.check(); err != nil {
		return err
	}
	g, err := newInterface(impl, resources)
	if err != nil {
		return errorf(errors.Unwrap(err), "`%s`: %v", i.name, err)
	}
	d, err := c.description()
	if err != nil {
		return err
	}
	path, items, err := i.imported(d)
	if err != nil {
		return err
	}
	try := &LinkerInstance{linker: i.linker, interfaces: []*goInterface{g}} // where there is nothing else in its place
	for _, name := range slices.Backward(path) {
		outer := &LinkerInstance{linker: i.linker}
		outer.items.set(name, definition{instance: try})
		try = outer
	}
	i.linker.mu.Lock()
	defer i.linker.mu.Unlock()
	if err := newLinking(c, d, try, i.linker.root).only(path, items); err != nil {
		return err
	}
	return i.defineInterfaceLocked(g)
}

// imported returns what a component imports in this place, and the names that lead there, as the component has them.
func (i *LinkerInstance) imported(d *canon.Component) (path []string, items []canon.Named, err error) {
	if i.name == "" {
		for _, item := range d.Imports {
			if item.Item.Kind != canon.InstanceItem {
				items = append(items, item)
			}
		}
		if len(items) == 0 {
			return nil, nil, errorf(ErrNotFound, "the component imports nothing outside of instances; its imports are %s", namesOf(d.Imports))
		}
		return nil, items, nil
	}
	items = d.Imports
	for name := range strings.SplitSeq(i.name, "#") {
		found := findItem(items, name, canon.InstanceItem)
		if found == nil {
			return nil, nil, errorf(ErrNotFound, "the component does not import `%s`; its imports are %s", i.name, namesOf(d.Imports))
		}
		path, items = append(path, found.Name), found.Item.Items
	}
	return path, items, nil
}

// define defines an item.
func (i *LinkerInstance) define(name string, d definition) error {
	l := i.linker
	l.mu.Lock()
	defer l.mu.Unlock()
	return i.defineLocked(name, d)
}

func (i *LinkerInstance) defineLocked(name string, d definition) error {
	if i.linker.engine.Closed() {
		return closedError("linker")
	}
	if err := i.checkWasi(name, d); err != nil {
		return err
	}
	_, taken := i.items.exact[name]
	for _, g := range i.interfaces {
		taken = taken || d.hides(g, name)
	}
	if taken && !i.linker.shadowing {
		return errorf(nil, "%s is defined already: see Linker.AllowShadowing", i.in(name))
	}
	i.items.set(name, d)
	return nil
}

func (i *LinkerInstance) defineInterfaceLocked(g *goInterface) error {
	if i.linker.engine.Closed() {
		return closedError("linker")
	}
	if err := i.checkWasi("", definition{}); err != nil {
		return err
	}
	if !i.linker.shadowing {
		if len(i.interfaces) > 0 {
			return errorf(nil, "`%s` is defined as a Go value's methods already: see Linker.AllowShadowing", i.name)
		}
		for name, had := range i.items.exact {
			if had.hides(g, name) {
				return errorf(nil, "%s is defined already: see Linker.AllowShadowing", i.in(name))
			}
		}
	}
	maps.DeleteFunc(i.items.exact, func(name string, had definition) bool { return had.hides(g, name) })
	i.interfaces = append([]*goInterface{g}, i.interfaces...)
	return nil
}

// hides tells whether a definition is found in place of something that an interface has.
func (d definition) hides(g *goInterface, name string) bool {
	return d.fn != nil && g.has(name) || d.resource != nil && g.resource(name) != nil
}

// find finds what has been defined under a name, or a compatible one. The linker's lock is held.
func (i *LinkerInstance) find(name string, kind canon.ItemKind) (definition, error) {
	if d, ok := i.items.get(name); ok {
		return d, nil
	}
	for _, g := range i.interfaces {
		switch kind {
		case canon.FuncItem:
			if fn, err := g.function(name); fn != nil || err != nil {
				return definition{fn: fn}, err
			}
		case canon.ResourceItem:
			if def := g.resource(name); def != nil {
				return definition{resource: def}, nil
			}
		}
	}
	return definition{}, nil
}

// Check tells whether the component can be linked: the error is that which [Linker.Instantiate] would return.
func (l *Linker) Check(c *Component) error {
	pre, err := l.InstantiatePre(c)
	if err == nil {
		pre.Close()
	}
	return err
}

// describe returns the component's description, if the linker can be used for it.
func (l *Linker) describe(c *Component) (*canon.Component, error) {
	if l == nil {
		return nil, isNil("linker")
	}
	if l.engine.Closed() {
		return nil, closedError("linker")
	}
	d, err := c.description()
	if err == nil && c.engine != l.Engine {
		return nil, errorf(wasmtime.ErrWrongEngine, "the component and the linker were %v", wasmtime.ErrWrongEngine)
	}
	return d, err
}

// Instantiate gives a component its imports and instantiates it in the store. ctx may be nil; it is as for [Func.Call],
// and with one that can end, the instantiation waits for a place in the engine's pool, see
// [wasmtime.Config.SetPooling]. Imports that are missing are a [*wasmtime.Error] that names up to ten with their types
// and wraps [ErrMissing]; of those whose Go types do not fit, it wraps [ErrType] and says where. A component or store
// of another engine is one that wraps [wasmtime.ErrWrongEngine]. A start function that traps is a [*wasmtime.Trap].
//
// A component that is instantiated often is prepared once with [Linker.InstantiatePre]. See
// wasmtime::component::Linker::instantiate.
func (l *Linker) Instantiate(ctx context.Context, store wasmtime.Storelike, c *Component) (*Instance, error) {
	pre, err := l.InstantiatePre(c)
	if err != nil {
		return nil, err
	}
	defer pre.Close()
	return pre.Instantiate(ctx, store)
}
