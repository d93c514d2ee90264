package component

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// linking finds the imports of one component, and compares their types. The native library is told of nothing else,
// and of each import under the name that the component has for it. So a Go function is called with the types of the
// component that calls it, whatever others have.
type linking struct {
	d *canon.Component
	// roots are where things are looked up, in this order.
	roots []*LinkerInstance
	// traps says that what is missing traps.
	traps bool
	plans *plans

	funcs     []linkedFunc
	resources []linkedResource
	modules   []linkedModule

	missing []string
	wrong   []error
}

type linkedFunc struct {
	path []string
	host *boundHost
}

type linkedResource struct {
	path []string
	def  *resourceDef
}

type linkedModule struct {
	path   []string
	module *wasmtime.Module
}

// newLinking begins with the resources, because types depend on them. The linker's lock is held until the end.
func newLinking(c *Component, d *canon.Component, roots ...*LinkerInstance) *linking {
	l := &linking{d: d, roots: roots}
	defs := make([]*resourceDef, len(d.Resources))
	walk(d.Imports, nil, func(path []string, item *canon.Item) {
		if item.Kind != canon.ResourceItem || item.Resource >= len(defs) || defs[item.Resource] != nil {
			return
		}
		found, _ := l.find(path, canon.ResourceItem)
		defs[item.Resource] = found.resource
	})
	l.plans = c.plansFor(defs)
	return l
}

// walk calls f for all items but instances, with the names that lead to them.
func walk(items []canon.Named, within []string, f func(path []string, item *canon.Item)) {
	for i := range items {
		path := append(slices.Clip(within), items[i].Name)
		if items[i].Item.Kind == canon.InstanceItem {
			walk(items[i].Item.Items, path, f)
			continue
		}
		f(path, &items[i].Item)
	}
}

// find finds what has been defined for an import.
func (l *linking) find(path []string, kind canon.ItemKind) (found definition, err error) {
	for _, root := range l.roots {
		at := root
		for i, name := range path {
			wanted := canon.InstanceItem
			if i == len(path)-1 {
				wanted = kind
			}
			if found, err = at.find(name, wanted); found == (definition{}) || err != nil {
				break
			}
			at = found.instance
			if at == nil && i < len(path)-1 {
				found = definition{}
				break
			}
		}
		if found != (definition{}) || err != nil {
			return found, err
		}
	}
	return found, nil
}

// all links everything.
func (l *linking) all() error {
	walk(l.d.Imports, nil, l.item)
	return l.outcome()
}

// only links one of the imports.
func (l *linking) only(imported *canon.Named) error {
	walk([]canon.Named{*imported}, nil, l.item)
	return l.outcome()
}

// item links an import that is no instance.
func (l *linking) item(path []string, item *canon.Item) {
	if item.Kind == canon.TypeItem {
		return // a name for a type
	}
	found, err := l.find(path, item.Kind)
	switch {
	case err != nil:
		l.wrong = append(l.wrong, fmt.Errorf("`%s`: %w", strings.Join(path, "#"), err))
	case found == (definition{}):
		if item.Kind == canon.ResourceItem && l.plans.defs[item.Resource] != nil {
			return // the same as another, which is defined
		}
		l.missing = append(l.missing, describe(path, item))
	case item.Kind == canon.FuncItem && found.fn != nil:
		host, err := l.plans.host(found.fn, item.Func)
		if err != nil {
			l.wrong = append(l.wrong, fmt.Errorf("`%s`: %w", strings.Join(path, "#"), err))
			return
		}
		l.funcs = append(l.funcs, linkedFunc{path, host})
	case item.Kind == canon.ResourceItem && found.resource != nil:
		l.resources = append(l.resources, linkedResource{path, found.resource})
	case item.Kind == canon.CoreModuleItem && found.module != nil:
		l.modules = append(l.modules, linkedModule{path, found.module})
	default:
		l.wrong = append(l.wrong, fmt.Errorf("`%s`: WIT has %v, and something else is defined", strings.Join(path, "#"), ItemKind(item.Kind)))
	}
}

// describe is how an error shows an import.
func describe(path []string, item *canon.Item) string {
	text := "`" + strings.Join(path, "#") + "` "
	if item.Func != nil {
		return text + item.Func.String()
	}
	return text + ItemKind(item.Kind).String()
}

// outcome is what was missing or wrong.
func (l *linking) outcome() error {
	const most = 10
	list := func(all []string) string {
		text := ""
		for _, one := range all[:min(len(all), most)] {
			text += "\n    " + one
		}
		if len(all) > most {
			text += fmt.Sprintf("\n    and %d more", len(all)-most)
		}
		return text
	}
	switch {
	case len(l.wrong) == 1:
		return errorf(causeOf(l.wrong[0]), "%v", l.wrong[0])
	case len(l.wrong) > 1:
		var all []string
		for _, err := range l.wrong {
			all = append(all, err.Error())
		}
		return errorf(causeOf(l.wrong[0]), "imports of the component do not fit what is defined:%s", list(all))
	case len(l.missing) > 0 && !l.traps:
		return errorf(ErrMissing, "these imports of the component have not been defined:%s", list(l.missing))
	}
	return nil
}

// InstancePre is a component whose imports have been found and compared once, to be instantiated many times. It is
// immutable and safe for concurrent use. See wasmtime::component::InstancePre.
type InstancePre struct {
	handle registry.Handle[ffi.ComponentPre]
	engine *wasmtime.Engine
	types  *canon.Component
	plans  *plans
	// hosts are the host functions that it has.
	hosts *registry.Family[boundHost]
}

// InstantiatePre finds and compares the imports of a component. Errors are those of [Linker.Instantiate]. See
// wasmtime::component::Linker::instantiate_pre.
func (l *Linker) InstantiatePre(c *Component) (*InstancePre, error) {
	d, err := l.describe(c)
	if err != nil {
		return nil, err
	}
	native, err := c.acquire()
	if err != nil {
		return nil, err
	}
	defer c.handle.Release()
	e, ok := l.engine.TryAcquire()
	if !ok {
		return nil, closedError("linker")
	}
	defer l.engine.Release()
	link, err := l.link(c, d)
	if err != nil {
		return nil, err
	}
	pre := &InstancePre{engine: l.Engine, types: d, plans: link.plans, hosts: &registry.Family[boundHost]{}}
	linker := ffi.NewComponentLinker(e.native)
	defer linker.Delete()
	if err := link.define(linker, pre.hosts); err != nil {
		return nil, err
	}
	if link.traps {
		if failed := linker.DefineUnknownImportsAsTraps(native); !failed.IsNil() {
			return nil, bridge.NewError(failed)
		}
	}
	made, failed := linker.InstantiatePre(native)
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	registry.Own(&pre.handle, pre, made)
	return pre, nil
}

// link finds all imports.
func (l *Linker) link(c *Component, d *canon.Component) (*linking, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	link := newLinking(c, d, l.root)
	link.traps = l.traps
	return link, link.all()
}

// define tells the native library of what was found.
func (l *linking) define(linker ffi.ComponentLinker, hosts *registry.Family[boundHost]) error {
	for _, r := range l.resources {
		env := hostFuncs.Add(hosts, destructor(r.def))
		if failed := linker.DefineResource(ffi.ComponentPath(r.path...), r.def.number, env); !failed.IsNil() {
			return bridge.NewError(failed)
		}
	}
	for _, f := range l.funcs {
		if failed := linker.DefineFunc(ffi.ComponentPath(f.path...), hostFuncs.Add(hosts, f.host)); !failed.IsNil() {
			return bridge.NewError(failed)
		}
	}
	for _, m := range l.modules {
		handle, _ := bridge.ModuleOf(m.module)
		native, ok := handle.TryAcquire()
		if !ok {
			return closedError("`" + strings.Join(m.path, "#") + "`: module")
		}
		failed := linker.DefineModule(ffi.ComponentPath(m.path...), native)
		handle.Release()
		if !failed.IsNil() {
			return bridge.NewError(failed)
		}
	}
	return nil
}

// Instantiate instantiates the component in the store; ctx is as for [Linker.Instantiate]. The error is a
// [*wasmtime.Trap] if its start function traps.
func (pre *InstancePre) Instantiate(ctx context.Context, store wasmtime.Storelike) (*Instance, error) {
	native, ok := pre.handle.TryAcquire()
	if !ok {
		return nil, closedError("prepared instance")
	}
	defer pre.handle.Release()
	inside := bridge.StoreOf(store)
	if inside.Engine() != any(pre.engine) {
		return nil, errorf(wasmtime.ErrWrongEngine, "the InstancePre and the store were %v", wasmtime.ErrWrongEngine)
	}
	instance := &Instance{types: pre.types, plans: pre.plans}
	err := inside.Allocate(ctx, func(call *ffi.Call, room uintptr) (ok bool) {
		instance.state = stateOf(inside)
		instance.state.link(pre.hosts)
		instance.raw, ok = native.Instantiate(call, room)
		return ok
	})
	if err != nil {
		return nil, err
	}
	return instance, nil
}

// Close frees it, at once or when the last instantiation by another goroutine is over; instances stay usable. Those who
// instantiate it afterwards get an error that wraps [wasmtime.ErrClosed]. Closing twice does nothing.
func (pre *InstancePre) Close() { pre.handle.Close() }
