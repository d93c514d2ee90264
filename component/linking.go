package component

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/near"
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
	// wasi are the paths of what is WASI's own, and wasiResources says which resources are.
	wasi          [][]string
	wasiResources map[int]bool

	// problems are the first of them, bad counts all, and causes are what their errors wrap. A component chooses how
	// many imports it has.
	problems []problem
	bad      int
	causes   []error
}

// mostProblems is how many an error tells of.
const mostProblems = 10

// problem is an import that is missing, or does not fit.
type problem struct {
	path []string
	// first is the kind of the first item on the path.
	first canon.ItemKind
	item  *canon.Item
	why   string
	// hint says what is near to an import that is missing, or is empty.
	hint string
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
	l := &linking{d: d, roots: roots, wasiResources: map[int]bool{}}
	defs := make([]*resourceDef, len(d.Resources))
	walk(d.Imports, nil, func(path []string, item *canon.Item) {
		if item.Kind != canon.ResourceItem || item.Resource >= len(defs) || defs[item.Resource] != nil {
			return
		}
		found, _ := l.find(path, canon.ResourceItem)
		defs[item.Resource] = found.resource
		if found.wasi {
			l.wasiResources[item.Resource] = true
		}
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

// find finds what has been defined for an import. It finds nothing within what is no instance.
func (l *linking) find(path []string, kind canon.ItemKind) (found definition, err error) {
	for _, root := range l.roots {
		at := root
		for i, name := range path {
			wanted := canon.InstanceItem
			if i == len(path)-1 {
				wanted = kind
			}
			if at == nil {
				found = definition{}
				break
			}
			if found, err = at.find(name, wanted); err != nil {
				return found, err
			}
			at = found.instance
		}
		if found != (definition{}) {
			return found, nil
		}
		if found, err = root.findElsewhere(path, kind); found != (definition{}) || err != nil {
			return found, err
		}
	}
	return l.roots[0].linker.findWasi(path, kind), nil
}

// findElsewhere finds an item of an instance in one that has been defined under a compatible version, the newest first.
func (i *LinkerInstance) findElsewhere(path []string, kind canon.ItemKind) (definition, error) {
	if len(path) != 2 {
		return definition{}, nil
	}
	for _, name := range i.items.compatible(path[0]) {
		place := i.items.exact[name].instance
		if place == nil {
			continue
		}
		if found, err := place.find(path[1], kind); found != (definition{}) || err != nil {
			return found, err
		}
	}
	return definition{}, nil
}

// all links everything.
func (l *linking) all() error {
	for i := range l.d.Imports {
		l.imported(&l.d.Imports[i])
	}
	return l.outcome()
}

// only links some of the imports: items that are outside of instances, or in the one to which a path leads.
func (l *linking) only(path []string, items []canon.Named) error {
	for i := range items {
		first := canon.InstanceItem
		if len(path) == 0 {
			first = items[i].Item.Kind
		}
		l.check(first, append(slices.Clip(path), items[i].Name), &items[i].Item)
	}
	return l.outcome()
}

func (l *linking) imported(named *canon.Named) {
	first := named.Item.Kind
	l.check(first, []string{named.Name}, &named.Item)
}

// check links an import, or an item of an instance that is one.
func (l *linking) check(first canon.ItemKind, path []string, item *canon.Item) {
	if item.Kind == canon.TypeItem {
		return // a name for a type
	}
	found, err := l.find(path, item.Kind)
	if err == nil {
		err = l.take(path, item, found)
	}
	if err == errMissing && l.traps && item.Kind != canon.ComponentItem && item.Kind != canon.CoreModuleItem {
		err = nil
	}
	if err != nil {
		l.problem(first, path, item, err)
		return
	}
	for i := range item.Items {
		l.check(first, append(slices.Clip(path), item.Items[i].Name), &item.Items[i].Item)
	}
}

// problem notes what is wrong with an import.
func (l *linking) problem(first canon.ItemKind, path []string, item *canon.Item, err error) {
	l.bad++
	cause := sentinel(causeOf(err))
	if cause == nil {
		cause = ErrType // of a Go function that is none of WIT's, whatever its type there
	}
	if len(l.causes) < mostProblems && !slices.Contains(l.causes, cause) {
		l.causes = append(l.causes, cause)
	}
	if len(l.problems) == mostProblems {
		return
	}
	p := problem{path: path, first: first, item: item, why: err.Error()}
	if err == errMissing {
		if hint := l.hint(path, item); !slices.ContainsFunc(l.problems, func(p problem) bool { return p.hint == hint }) {
			p.hint = hint // once
		}
	}
	l.problems = append(l.problems, p)
}

// sentinel is the innermost error, which many may wrap.
func sentinel(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// hint says what has been defined that is near to an import that is missing.
func (l *linking) hint(path []string, item *canon.Item) string {
	place, imported := l.roots[0], l.d.Imports
	for i, name := range path {
		found, err := place.find(name, canon.InstanceItem)
		switch {
		case err != nil || i == len(path)-1:
			if hint := place.methodHint(name, item.Kind); hint != "" {
				return hint
			}
			return place.nameHint(name, imported)
		case found.instance == nil:
			if hint := place.versionHint(name, imported); hint != "" {
				return hint
			}
			return place.outsideHint(path[i+1:])
		}
		place, imported = found.instance, itemsOf(imported, name)
	}
	return ""
}

// itemsOf returns what an instance has that is one of some items.
func itemsOf(items []canon.Named, name string) []canon.Named {
	for i := range items {
		if items[i].Name == name {
			return items[i].Item.Items
		}
	}
	return nil
}

// versionHint says under which other versions a name has been defined, or why nobody has. imported is what the
// component imports from the same place.
func (i *LinkerInstance) versionHint(name string, imported []canon.Named) string {
	base, _, _ := strings.Cut(name, "@")
	var others []string
	for other := range i.items.exact {
		if has, _, _ := strings.Cut(other, "@"); has == base {
			others = append(others, "`"+other+"`")
		}
	}
	switch {
	case len(others) > 0:
		return "the linker has it in another version: " + someOf(others)
	case strings.HasPrefix(name, "wasi:"):
		return "see Linker.DefineWasi"
	}
	return i.nameHint(name, imported)
}

// nameHint says which definitions have nearly the same name, and are nothing else that the component imports. It looks
// at names of a usual length only, since the component chooses it.
func (i *LinkerInstance) nameHint(name string, imported []canon.Named) string {
	if len(name) > longestMade {
		return ""
	}
	others := maps.Clone(i.items.exact)
	for _, other := range imported {
		delete(others, other.Name)
	}
	known := slices.Sorted(maps.Keys(others))
	if at := slices.IndexFunc(known, func(other string) bool { return canon.SameName(other, name) }); at >= 0 {
		known = known[at : at+1] // a Go name, say
	} else {
		known = near.Names(name, known)
	}
	if len(known) == 0 {
		return ""
	}
	return "near it in the linker: `" + strings.Join(known, "`, `") + "`"
}

// outsideHint says that something has been defined here that a component imports in an instance; path leads to it from
// there.
func (i *LinkerInstance) outsideHint(path []string) string {
	if len(path) != 1 || i.items.exact[path[0]] == (definition{}) {
		return ""
	}
	return "the linker has it outside of the instance: what is in one is defined by Linker.Instance"
}

// methodHint says what the Go value of an interface lacks.
func (i *LinkerInstance) methodHint(name string, kind canon.ItemKind) string {
	if len(i.interfaces) == 0 {
		return ""
	}
	g := i.interfaces[0]
	switch kind {
	case canon.ResourceItem:
		return g.resourceHint()
	case canon.FuncItem:
		return g.hint(name)
	}
	return ""
}

// errMissing says that nothing is defined.
var errMissing = errors.New("is missing")

// take takes what was found for an import.
func (l *linking) take(path []string, item *canon.Item, found definition) error {
	switch {
	case found == (definition{}) && item.Kind == canon.InstanceItem:
		return nil // what is in it is missing
	case found == (definition{}) && item.Kind == canon.ResourceItem &&
		(l.plans.defs[item.Resource] != nil || l.wasiResources[item.Resource]):
		return nil // the same as another, which is defined
	case found == (definition{}):
		return errMissing
	case item.Kind == canon.InstanceItem && found.instance != nil:
	case found.wasi:
		if name := l.replaced(item.Func); name != "" {
			return mismatch("WASI's own function is for WASI's own %s, and the linker has values of Go for that: the function has to be Go's, too", name)
		}
		l.wasi = append(l.wasi, path)
	case item.Kind == canon.FuncItem && found.fn != nil:
		host, err := l.plans.host(found.fn, item.Func)
		if err != nil {
			return err
		}
		host.name = path
		l.funcs = append(l.funcs, linkedFunc{path, host})
	case item.Kind == canon.ResourceItem && found.resource != nil:
		l.resources = append(l.resources, linkedResource{path, found.resource})
	case item.Kind == canon.CoreModuleItem && found.module != nil:
		l.modules = append(l.modules, linkedModule{path, found.module})
	default:
		return mismatch("expected %s found %s", kindWord(item.Kind), found.word())
	}
	return nil
}

// replaced returns the name of a resource in a function's type that is a Go value's, "" if there is none.
func (l *linking) replaced(f *canon.Func) string {
	if f == nil {
		return ""
	}
	for _, p := range f.Params {
		if name := l.replacedIn(p.Type); name != "" {
			return name
		}
	}
	return l.replacedIn(f.Result)
}

func (l *linking) replacedIn(t *canon.Type) string {
	if t == nil || !t.Handles() {
		return ""
	}
	if t.Kind == canon.Own || t.Kind == canon.Borrow {
		if l.plans.defs[t.Resource] == nil {
			return ""
		}
		return t.ResourceName
	}
	if name := l.replacedIn(t.Elem); name != "" {
		return name
	}
	for _, f := range t.Fields {
		if name := l.replacedIn(f.Type); name != "" {
			return name
		}
	}
	for _, c := range t.Cases {
		if name := l.replacedIn(c.Type); name != "" {
			return name
		}
	}
	return ""
}

// word is what Wasmtime's messages call a definition.
func (d definition) word() string {
	switch {
	case d.instance != nil:
		return "instance"
	case d.fn != nil:
		return "func"
	case d.resource != nil:
		return "resource"
	}
	return "module"
}

// kindWord is what Wasmtime's messages call a kind of import.
func kindWord(kind canon.ItemKind) string {
	switch kind {
	case canon.FuncItem:
		return "function"
	case canon.CoreModuleItem:
		return "module"
	}
	return ItemKind(kind).String()
}

// text says what is wrong as Wasmtime says it, whose words others look for.
func (p *problem) text() string {
	first := kindWord(p.first)
	if p.first == canon.CoreModuleItem {
		first = "core module"
	}
	text := fmt.Sprintf("component imports %s `%s`, but a matching implementation was not found in the linker: ", first, p.path[0])
	for _, name := range p.path[1:] {
		text += fmt.Sprintf("instance export `%s` has the wrong type: ", name)
	}
	if p.why == errMissing.Error() {
		return text + kindWord(p.item.Kind) + " implementation is missing"
	}
	return text + p.why
}

// line is the problem as one of several.
func (p *problem) line() string {
	line := "`" + strings.Join(p.path, "#") + "` "
	if p.item.Func != nil {
		line += p.item.Func.Short()
	} else {
		line += ItemKind(p.item.Kind).String()
	}
	switch {
	case p.hint != "":
		return line + ": " + p.hint
	case p.why == errMissing.Error():
		return line
	}
	return line + ": " + p.why
}

// outcome is the error about all problems; nil if there are none.
func (l *linking) outcome() error {
	if l.bad == 0 {
		return nil
	}
	text := l.problems[0].text()
	list := ""
	for i := range l.problems {
		list += "\n    " + l.problems[i].line()
	}
	if more := l.bad - len(l.problems); more > 0 {
		list += fmt.Sprintf("\n    and %d more", more)
	}
	if len(l.problems) > 1 || l.problems[0].item.Func != nil || l.problems[0].hint != "" {
		text += "\n\nThese imports have not been defined, or do not fit:" + list
	}
	if len(l.causes) == 1 {
		return errorf(l.causes[0], "%s", text)
	}
	return errorf(errors.Join(l.causes...), "%s", text)
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
	// run is the export of a command, looked for once.
	run func() (*Export, error)
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
	pre.run = sync.OnceValues(func() (*Export, error) { return findFunc(d, splitName(runInterface+"#run")) })
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
		return nil, link.refused(bridge.NewError(failed))
	}
	registry.Own(&pre.handle, pre, made)
	return pre, nil
}

// refused is the error of the native library about imports that have been found here. Those that Go defines have been
// compared, so what does not fit is a function or a resource of WASI.
func (l *linking) refused(err error) error {
	if len(l.wasi) == 0 || errors.Unwrap(err) != nil {
		return err
	}
	return errorf(ErrType, "%v", err)
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
		if r.def.isGuests() {
			native := r.def.guest.Acquire()
			failed := linker.DefineResourceType(ffi.ComponentPath(r.path...), native)
			r.def.guest.Release()
			if !failed.IsNil() {
				return bridge.NewError(failed)
			}
			continue
		}
		env := hostFuncs.Add(hosts, destructor(r.path, r.def))
		if failed := linker.DefineResource(ffi.ComponentPath(r.path...), r.def.number, env); !failed.IsNil() {
			return bridge.NewError(failed)
		}
	}
	for _, f := range l.funcs {
		if failed := linker.DefineFunc(ffi.ComponentPath(f.path...), hostFuncs.Add(hosts, f.host)); !failed.IsNil() {
			return bridge.NewError(failed)
		}
	}
	for _, path := range l.wasi {
		if found, failed := linker.DefineWasi(ffi.ComponentPath(path...)); !failed.IsNil() {
			return bridge.NewError(failed)
		} else if !found {
			return errorf(ErrMissing, "`%s`: %v", strings.Join(path, "#"), ErrMissing)
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
// [*wasmtime.Trap] if its start function traps, wraps [wasmtime.ErrWrongEngine] for a store of another engine, and
// [wasmtime.ErrClosed] if one of them is closed. See wasmtime::component::InstancePre::instantiate.
func (pre *InstancePre) Instantiate(ctx context.Context, store wasmtime.Storelike) (*Instance, error) {
	if pre == nil {
		return nil, isNil("prepared instance")
	}
	native, ok := pre.handle.TryAcquire()
	if !ok {
		return nil, closedError("prepared instance")
	}
	defer pre.handle.Release()
	inside, err := bridge.StoreOf(store)
	if err != nil {
		return nil, err
	}
	if inside.Engine() != any(pre.engine) {
		return nil, errorf(wasmtime.ErrWrongEngine, "the InstancePre and the store were %v", wasmtime.ErrWrongEngine)
	}
	instance := &Instance{types: pre.types, plans: pre.plans}
	err = inside.Allocate(ctx, func(call *ffi.Call, room uintptr) (ok bool) {
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
func (pre *InstancePre) Close() {
	if pre != nil {
		pre.handle.Close()
	}
}
