package component

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/near"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/wasmfile"
)

// Component is a compiled component, to be instantiated any number of times in stores of its engine. It is immutable
// and safe for concurrent use. See wasmtime::component::Component.
type Component struct {
	handle registry.Handle[ffi.Component]
	engine *wasmtime.Engine

	// types are its imports and exports.
	types *canon.Component

	mu sync.Mutex
	// planned are the plans of its functions that were made last, for what its resources were then.
	planned *plans
}

// New compiles a component in the binary format or in the text format. One that is not valid is a [*wasmtime.Error];
// for a module it wraps [ErrNotComponent], and for one that needs what this package cannot do yet, or whose types are
// too large for it, it wraps [wasmtime.ErrUnsupported]. What the engine's cache has is taken from there, see
// [wasmtime.Config.CacheConfigLoad]. See wasmtime::component::Component::new.
func New(engine *wasmtime.Engine, source []byte) (*Component, error) {
	return load(engine, origin{begins: source}, func(e ffi.Engine) (ffi.Component, ffi.Error) {
		made, failed := bridge.Compile(engine, e, source,
			func(b []byte) (bridge.Artifact, ffi.Error) { return ffi.NewComponent(e, b) },
			func(b []byte) (bridge.Artifact, ffi.Error) { return ffi.DeserializeComponent(e, b) })
		c, _ := made.(ffi.Component)
		return c, failed
	})
}

// NewFromFile compiles a file in the binary or the text format. A file that cannot be read is an [*os.PathError]; other
// errors are those of [New], with the file's name.
func NewFromFile(engine *wasmtime.Engine, file string) (*Component, error) {
	if engine == nil {
		return nil, isNil("engine")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := New(engine, source)
	if err != nil {
		return nil, errorf(err, "%s: %v", file, err)
	}
	return c, nil
}

// Deserialize loads what [Component.Serialize] made, in this process or another, with the same release of Wasmtime and
// the same configuration; anything else is a [*wasmtime.Error]. That of a compiled module wraps [ErrNotComponent]. The
// bytes are trusted: somebody who can change them can run any code. See wasmtime::component::Component::deserialize.
func Deserialize(engine *wasmtime.Engine, encoded []byte) (*Component, error) {
	return load(engine, origin{compiled: true, begins: encoded}, func(e ffi.Engine) (ffi.Component, ffi.Error) { return ffi.DeserializeComponent(e, encoded) })
}

// DeserializeFile is [Deserialize] for a file, which is mapped into memory: pages are read when they are needed. The
// file must not change while the component is in use. The error of a file that cannot be opened wraps an
// [*os.PathError]. See wasmtime::component::Component::deserialize_file.
func DeserializeFile(engine *wasmtime.Engine, path string) (*Component, error) {
	if engine == nil {
		return nil, isNil("engine")
	}
	f, err := os.Open(path)
	if err != nil { // which says more than the native library
		return nil, errorf(err, "%v", err)
	}
	defer f.Close()
	begins := make([]byte, wasmfile.HeaderSize)
	n, err := io.ReadFull(f, begins)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, errorf(err, "%v", err)
	}
	from := origin{compiled: true, begins: begins[:n], file: path}
	return load(engine, from, func(e ffi.Engine) (ffi.Component, ffi.Error) { return ffi.DeserializeComponentFile(e, path) })
}

// origin is what a component is made of.
type origin struct {
	// compiled says that it is compiled code, and no source.
	compiled bool
	// begins are the bytes, or the first of them.
	begins []byte
	// file is the file that they are in, if the native library reads it.
	file string
}

// load makes a component with the native engine.
func load(engine *wasmtime.Engine, from origin, make func(ffi.Engine) (ffi.Component, ffi.Error)) (*Component, error) {
	if engine == nil {
		return nil, isNil("engine")
	}
	handle := bridge.EngineOf(engine)
	e, ok := handle.TryAcquire()
	if !ok {
		return nil, closedError("engine")
	}
	defer handle.Release()
	native, failed := make(e)
	if !failed.IsNil() {
		err := bridge.NewError(failed)
		if other := from.insteadOf(err); other != nil && from.file != "" {
			return nil, errorf(errors.Unwrap(other), "%s: %v", from.file, other)
		} else if other != nil {
			return nil, other
		}
		return nil, withSetting(err)
	}
	types, err := describe(native)
	if err != nil {
		native.Delete()
		return nil, err
	}
	c := &Component{engine: engine, types: types}
	registry.Own(&c.handle, c, native)
	return c, nil
}

// insteadOf is the error for bytes that the native library has refused because they are something else; nil if they
// begin as they should.
func (o origin) insteadOf(refused error) error {
	const shown = 16
	b := o.begins
	switch format := wasmfile.Of(b); {
	case format == wasmfile.Compiled && len(b) >= wasmfile.HeaderSize && !wasmfile.IsComponent(b):
		return errorf(ErrNotComponent, "this is a compiled core module, not a component: wasmtime.NewModuleDeserialize takes it")
	case errors.Is(refused, ErrNotComponent):
		return errorf(ErrNotComponent, "%v: wasmtime.NewModule takes it", refused)
	case format == wasmfile.Empty:
		return errorf(nil, "there is no component in 0 bytes")
	case format == wasmfile.ELF:
		return errorf(nil, "this is an ELF file, such as a program or a library for Linux, and no component")
	case format == wasmfile.Unknown:
		return errorf(nil, "this is no component: neither WebAssembly's binary format nor its text format, nor a compiled component; "+
			"it begins with %q", b[:min(len(b), shown)])
	case format == wasmfile.Compiled && !o.compiled:
		return errorf(nil, "this is not a component's source: compiled ones are for Deserialize and DeserializeFile")
	case format != wasmfile.Compiled && o.compiled:
		return errorf(nil, "this is not a compiled component: New and NewFromFile take WebAssembly's binary and text formats")
	}
	return nil
}

// withSetting adds to an error about a proposal that is off what switches it on.
func withSetting(err error) error {
	for _, proposal := range []struct{ name, setting string }{
		{"async", "SetConcurrencySupport"},
		{"map", "SetWasmComponentModelMap"},
		{"fixed-length lists", "SetWasmComponentModelFixedLengthLists"},
	} {
		if strings.Contains(err.Error(), "the component model "+proposal.name+" feature") {
			return errorf(errors.Unwrap(err), "%v\n\nConfig.%s switches it on", err, proposal.setting)
		}
	}
	return err
}

// describe returns what a component imports and exports. It is asked for when the component is loaded, so that one with
// types beyond all measure is an error there, and nowhere else.
func describe(native ffi.Component) (*canon.Component, error) {
	encoded, failed := native.Describe()
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	types, err := canon.Describe(encoded)
	if err != nil {
		return nil, errorf(wasmtime.ErrUnsupported, "this component is %v: %v", wasmtime.ErrUnsupported, err)
	}
	return types, nil
}

// closedError is the error about something that is closed.
func closedError(what string) error {
	return errorf(wasmtime.ErrClosed, "%s: %v", what, wasmtime.ErrClosed)
}

// acquire begins a use of the component; the handle's Release ends it.
func (c *Component) acquire() (ffi.Component, error) {
	if c == nil {
		return ffi.Component{}, isNil("component")
	}
	native, ok := c.handle.TryAcquire()
	if !ok {
		return ffi.Component{}, closedError("component")
	}
	return native, nil
}

// Serialize returns the compiled code, for [Deserialize]. Whoever can change it can run any code in the program that
// loads it. The error wraps [wasmtime.ErrClosed] if the component is closed. See
// wasmtime::component::Component::serialize.
func (c *Component) Serialize() ([]byte, error) {
	native, err := c.acquire()
	if err != nil {
		return nil, err
	}
	defer c.handle.Release()
	encoded, failed := native.Serialize()
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	return encoded, nil
}

// description returns the imports and exports.
func (c *Component) description() (*canon.Component, error) {
	if _, err := c.acquire(); err != nil {
		return nil, err
	}
	defer c.handle.Release()
	return c.types, nil
}

// mustDescription is description for methods that return no error.
func (c *Component) mustDescription() *canon.Component {
	d, err := c.description()
	if err != nil {
		panic(registry.Closed)
	}
	return d
}

// Imports returns what the component imports, in its order. It panics if the component is closed.
func (c *Component) Imports() []Item { return newItems(c.mustDescription().Imports) }

// Exports returns what the component exports, in its order. It panics as [Component.Imports] does.
func (c *Component) Exports() []Item { return newItems(c.mustDescription().Exports) }

// WIT returns the component's world as WIT text: what it imports and exports, with all types. The package is called
// root:component and the world root, since a component does not keep the names that they had. It panics as
// [Component.Imports] does.
func (c *Component) WIT() string { return c.mustDescription().WIT() }

// Requirements is what an instance of a component takes. See wasmtime::ResourcesRequired.
type Requirements struct {
	// Memories and Tables are how many memories and tables it has.
	Memories, Tables int
	// MemoryPages is the largest size that one of its memories begins with, in WebAssembly's pages, and TableElements
	// that of one of its tables.
	MemoryPages, TableElements uint64
}

// Requirements returns what an instance takes, and whether that is known: not if it imports modules, which decide. See
// wasmtime::component::Component::resources_required.
func (c *Component) Requirements() (required Requirements, known bool, err error) {
	native, err := c.acquire()
	if err != nil {
		return Requirements{}, false, err
	}
	defer c.handle.Release()
	r, failed := native.Required()
	if !failed.IsNil() {
		return Requirements{}, false, bridge.NewError(failed)
	}
	return Requirements{int(r.Memories), int(r.Tables), r.MemorySize, r.TableSize}, r.Known, nil
}

// Export finds an exported function, for [Instance.FuncOf] with any number of instances. name is as for
// [Instance.Func], and so are the errors. See wasmtime::component::Component::get_export_index.
func (c *Component) Export(name string) (*Export, error) {
	d, err := c.description()
	if err != nil {
		return nil, err
	}
	return findFunc(d, splitName(name))
}

// Export is an exported function of a component, as [Component.Export] found it. It is immutable and safe for
// concurrent use, and outlives its component. See wasmtime::component::ComponentExportIndex.
type Export struct {
	component *canon.Component
	// name is the full name as the component has it, and path the same for the native library.
	name string
	path []byte
	fn   *canon.Func
}

// Name returns the full name, with the instance before a #, as the component has it.
func (e *Export) Name() string { return notNil(e, "export").name }

// Type returns the function's type.
func (e *Export) Type() *FuncType { return &FuncType{notNil(e, "export").fn} }

// splitName makes a path of a name.
func splitName(name string) []string { return strings.SplitN(name, "#", 2) }

// findFunc finds an exported function by the names of instances and its own.
func findFunc(d *canon.Component, names []string) (*Export, error) {
	path, item, err := findExport(d, names, canon.FuncItem)
	if err != nil {
		return nil, err
	}
	return &Export{d, strings.Join(path, "#"), ffi.ComponentPath(path...), item.Func}, nil
}

// findExport finds an exported item of a kind by the names of instances and its own. It returns them as the component
// has them.
func findExport(d *canon.Component, names []string, kind canon.ItemKind) (path []string, item *canon.Item, err error) {
	items := d.Exports
	for i, name := range names {
		wanted := canon.InstanceItem
		if i == len(names)-1 {
			wanted = kind
		}
		found := findItem(items, name, wanted)
		if found == nil {
			if other := findItem(items, name, canon.InstanceItem); other != nil {
				return nil, nil, errorf(ErrNotFound, "the export `%s` is an instance: what it has is named as in `%[1]s#name`",
					strings.Join(names[:i+1], "#"))
			}
			if i == 0 && findItem(d.Imports, name, wanted) != nil {
				return nil, nil, errorf(ErrNotFound, "%v: `%s`; the component imports it", ErrNotFound, name)
			}
			return nil, nil, notFound(items, names[:i+1])
		}
		path, item = append(path, found.Name), &found.Item
		items = item.Items
	}
	return path, item, nil
}

// findItem finds an item of a kind by its name, or by one that is compatible; a function also by the name without what
// says that it belongs to a resource: counter.get for [method]counter.get.
func findItem(items []canon.Named, name string, kind canon.ItemKind) *canon.Named {
	for i := range items {
		if items[i].Name == name && items[i].Item.Kind == kind {
			return &items[i] // as it is named: the usual case
		}
	}
	var found byName[*canon.Named]
	for i := range items {
		if items[i].Item.Kind == kind {
			found.set(items[i].Name, &items[i])
		}
	}
	candidates := []string{name}
	if kind == canon.FuncItem {
		candidates = append(candidates, "[method]"+name, "[static]"+name, "[constructor]"+name)
	}
	for _, candidate := range candidates {
		if item, ok := found.get(candidate); ok {
			return item
		}
	}
	return nil
}

// notFound is the error about an export that there is not. items are those that there are in its place.
func notFound(items []canon.Named, names []string) error {
	last := len(names) - 1
	there := "there are " + namesOf(items)
	before := strings.Join(append(slices.Clone(names[:last]), ""), "#")
	if found := nearTo(items, names[last], before); len(found) > 0 {
		there = "near it: " + someOf(found)
	} else if found = likeIt(items, names[last], before); len(found) > 0 {
		there = "near it: " + strings.Join(found, ", ")
	}
	return errorf(ErrNotFound, "%v: `%s`; %s", ErrNotFound, strings.Join(names, "#"), there)
}

// nearTo returns the items that have a name in another version, and those of that name in an instance. before is what
// comes before their names.
func nearTo(items []canon.Named, name, before string) (near []string) {
	base, _, _ := strings.Cut(name, "@")
	for i := range items {
		if other, _, _ := strings.Cut(items[i].Name, "@"); other == base {
			near = append(near, "`"+before+items[i].Name+"`")
		}
		if items[i].Item.Kind != canon.InstanceItem {
			continue
		}
		if inner := findItem(items[i].Item.Items, name, canon.FuncItem); inner != nil {
			near = append(near, "`"+before+items[i].Name+"#"+inner.Name+"`")
		}
	}
	return near
}

// likeIt returns the items whose names are like a name: they are the same but for case and hyphens, as a Go name is, or
// differ by a few characters. before is what comes before their names.
func likeIt(items []canon.Named, name, before string) (found []string) {
	full := map[string]string{} // by the names without what says that they belong to a resource
	var known []string
	for i := range items {
		whole := items[i].Name
		own := ownName(whole)
		if canon.SameName(name, own) || canon.SameName(name, whole) {
			return []string{"`" + before + whole + "`"}
		}
		if _, had := full[own]; !had {
			full[own] = whole
			known = append(known, own)
		}
	}
	for _, own := range near.Names(ownName(name), known) {
		found = append(found, "`"+before+full[own]+"`")
	}
	return found
}

// ownName is the name of a function without what says that it belongs to a resource: counter.get for
// [method]counter.get.
func ownName(name string) string {
	if _, own, ok := strings.Cut(name, "]"); ok {
		return own
	}
	return name
}

// namesOf names up to ten items, in the order of the alphabet.
func namesOf(items []canon.Named) string {
	var all []string
	for _, item := range items {
		all = append(all, item.Name)
	}
	return someOf(all)
}

// someOf names up to ten of several.
func someOf(all []string) string {
	const most = 10
	slices.Sort(all)
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > most:
		return strings.Join(all[:most], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}

// Close frees the component, at once or when the last use of it by another goroutine is over; instances of it stay
// usable. Closing twice does nothing.
func (c *Component) Close() {
	if c != nil {
		c.handle.Close()
	}
}
