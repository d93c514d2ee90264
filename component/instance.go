package component

import (
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Instance is a component that has been given its imports. It belongs to a store, and is used as that is. See
// wasmtime::component::Instance.
type Instance struct {
	state *state
	raw   ffi.ComponentInstance
	types *canon.Component
	plans *plans
	// first is the function that was looked up first: often there is no other. funcs are all of them, by the names that
	// were asked for, once there is another one, or another name.
	first *Func
	funcs map[string]*Func
}

// found returns the function that was looked up by a name, if it was.
func (instance *Instance) found(name string) *Func {
	if f := instance.first; f != nil && f.name == name {
		return f
	}
	return instance.funcs[name]
}

// keep keeps a function for those who ask for a name again.
func (instance *Instance) keep(name string, f *Func) {
	switch {
	case instance.first == nil && f.name == name:
		instance.first = f
		return
	case instance.funcs == nil:
		instance.funcs = map[string]*Func{}
	}
	instance.funcs[name] = f
}

// Func returns an exported function. Its name is that of an instance, a # and its own, such as
// example:shop/cart@1.0.0#total, or its own only if it is in no instance. A version that the component does not have
// stands for the newest that is compatible with it. A function that belongs to a resource is named as in WIT,
// [method]counter.get, or without what is in brackets.
//
// A function that is not there is a [*wasmtime.Error] that wraps [ErrNotFound] and names those that are; one with a
// type that cannot cross yet is one that wraps [wasmtime.ErrUnsupported]. See
// wasmtime::component::Instance::get_func.
func (instance *Instance) Func(name string) (*Func, error) {
	return instance.FuncAt(splitName(name)...)
}

// FuncAt is [Instance.Func] for a path of any length: the names of instances, then that of the function. Errors are
// the same.
func (instance *Instance) FuncAt(path ...string) (*Func, error) {
	if instance == nil || instance.state == nil {
		return nil, isNil("instance")
	}
	s := instance.state
	outermost, err := s.store.Enter()
	if err != nil {
		return nil, err
	}
	defer s.store.Leave(outermost)
	asked := strings.Join(path, "#")
	if f := instance.found(asked); f != nil {
		return f, nil
	}
	export, err := findFunc(instance.types, path)
	if err != nil {
		return nil, err
	}
	f, err := instance.look(export)
	if err == nil && asked != f.name {
		instance.keep(asked, f)
	}
	return f, err
}

// FuncOf returns the function that [Component.Export] found in the instance's component. One of another component is a
// [*wasmtime.Error].
func (instance *Instance) FuncOf(export *Export) (*Func, error) {
	switch {
	case instance == nil || instance.state == nil:
		return nil, isNil("instance")
	case export == nil || export.fn == nil:
		return nil, isNil("export")
	case export.component != instance.types:
		return nil, errorf(nil, "the export `%s` is one of another component", export.Name())
	}
	outermost, err := instance.state.store.Enter()
	if err != nil {
		return nil, err
	}
	defer instance.state.store.Leave(outermost)
	return instance.look(export)
}

// look looks a function up. The store is entered.
func (instance *Instance) look(export *Export) (*Func, error) {
	name := export.Name()
	if f := instance.found(name); f != nil {
		return f, nil
	}
	if err := unsupported(export.fn); err != nil {
		return nil, err
	}
	s := instance.state
	native, failed := s.store.Native().ComponentFunc(instance.raw, export.path)
	switch {
	case !failed.IsNil():
		return nil, bridge.NewError(failed)
	case native.IsNil():
		return nil, errorf(ErrNotFound, "%v: `%s`", ErrNotFound, name)
	}
	f := &Func{state: s, native: native, fn: export.fn, plans: instance.plans, name: name}
	registry.Own(&f.handle, f, native)
	s.funcs = append(s.funcs, f)
	instance.keep(name, f)
	return f, nil
}

// Module returns an exported core module, which outlives the instance; name is as for [Instance.Func]. One that is not
// there is a [*wasmtime.Error] that wraps [ErrNotFound]. See wasmtime::component::Instance::get_module.
func (instance *Instance) Module(name string) (module *wasmtime.Module, err error) {
	err = instance.export(name, canon.CoreModuleItem, func(store bridge.Store, path []byte, _ string) (bool, ffi.Error) {
		native, failed := store.Native().ComponentModule(instance.raw, path)
		if native.IsNil() {
			return false, failed
		}
		module = bridge.WrapModule(store.Engine(), native).(*wasmtime.Module)
		return true, failed
	})
	return module, err
}

// Resource returns an exported resource, to be defined for other components with [LinkerInstance.Resource]: its values
// are [*Resource] for host functions. Its destructor does not run when they drop it, but for a handle that the program
// has, see [Resource.Drop]. name is as for [Instance.Func]. One that is not there is a [*wasmtime.Error] that wraps
// [ErrNotFound]. See wasmtime::component::Instance::get_resource.
func (instance *Instance) Resource(name string) (resource ResourceType, err error) {
	err = instance.export(name, canon.ResourceItem, func(store bridge.Store, path []byte, own string) (bool, ffi.Error) {
		native, failed := store.Native().ComponentResource(instance.raw, path)
		if native.IsNil() {
			return false, failed
		}
		def := &resourceDef{goType: resourceType}
		registry.Own(&def.guest, def, native)
		resource = ResourceType{def, own}
		return true, failed
	})
	return resource, err
}

// export finds an exported item, and has get look it up by its path; get is told its own name, too.
func (instance *Instance) export(name string, kind canon.ItemKind,
	get func(store bridge.Store, path []byte, own string) (bool, ffi.Error)) error {
	if instance == nil || instance.state == nil {
		return isNil("instance")
	}
	store := instance.state.store
	outermost, err := store.Enter()
	if err != nil {
		return err
	}
	defer store.Leave(outermost)
	path, _, err := findExport(instance.types, splitName(name), kind)
	if err != nil {
		return err
	}
	found, failed := get(store, ffi.ComponentPath(path...), path[len(path)-1])
	switch {
	case !failed.IsNil():
		return bridge.NewError(failed)
	case !found:
		return errorf(ErrNotFound, "%v: `%s`", ErrNotFound, name)
	}
	return nil
}

// Exports returns what the instance exports: what its component does, in the same order.
func (instance *Instance) Exports() []Item { return newItems(instance.component().Exports) }

// WIT returns the world of the instance's component, as [Component.WIT] does.
func (instance *Instance) WIT() string { return instance.component().WIT() }

// component returns what is known of the component.
func (instance *Instance) component() *canon.Component {
	return notNil(notNil(instance, "instance").types, "instance")
}
