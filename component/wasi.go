package component

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/near"
)

// DefineWasi defines WASI 0.2 for the components that the linker serves: all of it, or what the names say. A name is
// that of a package, wasi:cli, or of an interface, wasi:cli/environment, without a version: components of every
// version 0.2 find it. What is still unstable is defined only if it is named itself:
// wasi:sockets/network#network-error-code. An unknown name is an error that lists those that there are.
//
// What components find there is up to their stores: a [wasmtime.WasiConfig] says so, as for modules, and
// [wasmtime.Store.ConfigureWasi] gives it to a store. Its standard streams are the component's, and so are its
// directories and file systems, with those that were inserted under a name. In a store without a configuration, a
// component that calls a function of WASI traps.
//
// What the program defines itself is found first, function by function, whether it was defined before or afterwards:
//
//	linker.DefineWasi()
//	linker.Instance("wasi:cli/environment@0.2.0").Func("get-arguments", func() []string { return args })
//
// A function that is replaced like this, and that has streams or other resources of WASI among its parameters or
// results, gets and returns them as a [*Resource]. Package component/wasi has whole interfaces of WASI as Go
// interfaces. See wasmtime_wasi::p2::add_to_linker_sync.
func (l *Linker) DefineWasi(names ...string) error {
	if l == nil {
		return isNil("linker")
	}
	all, err := wasiInterfaces()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(all))
	}
	defined := map[string]wasiKind{}
	for _, name := range names {
		found := false
		for _, i := range all {
			found = i.matching(name, defined) || found
		}
		if !found {
			return unknownWasi(name, all)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.engine.Closed() {
		return closedError("linker")
	}
	// Others may be reading the map that there was.
	l.wasi = maps.Clone(l.wasi)
	if l.wasi == nil {
		l.wasi = defined
	}
	maps.Copy(l.wasi, defined)
	return nil
}

// WasiDescriptor takes a descriptor out of a store and makes it a descriptor of wasi:filesystem, for an export that
// takes one, or for a Go function that returns one. So whatever can be inserted for modules can be handed to
// components: a file, a directory, a file system of Go's.
//
//	fd, err := store.PushFS(tree, "")
//	…
//	root, err := component.WasiDescriptor(store, fd)
//	…
//	_, err = build.Call(ctx, root)
//
// It is the program's until it is given away, or dropped with [Resource.Drop]. One that is not open is an error that
// wraps [wasmtime.ErrBadFd]; a reader, a writer, a connection or a listener is none of wasi:filesystem, which is an
// error that wraps [ErrType]; and more than there may be wraps [ErrTooManyHandles], see [SetLimits] and
// [wasmtime.Store.SetMaxResources]. The store must have been given a [wasmtime.WasiConfig], or the error wraps
// [wasmtime.ErrNoWasi]. With an error, the descriptor stays where it is.
func WasiDescriptor(store wasmtime.Storelike, fd uint32) (*Resource, error) {
	taken, err := takeDescriptor(store, fd, ffi.WasiDescriptor, "descriptor")
	return taken[0], err
}

// WasiInput is [WasiDescriptor] for an input-stream of wasi:io: of a reader, of a file, which is read from its position
// on, of a pipe, or of a connection that is only read. What cannot be read, a listener and a socket of datagrams are
// errors that wrap [ErrType].
func WasiInput(store wasmtime.Storelike, fd uint32) (*Resource, error) {
	taken, err := takeDescriptor(store, fd, ffi.WasiInputStream, "input-stream")
	return taken[0], err
}

// WasiOutput is [WasiDescriptor] for an output-stream of wasi:io: of a writer, of a file, which is written from its
// position on, of a pipe, or of a connection that is only written.
func WasiOutput(store wasmtime.Storelike, fd uint32) (*Resource, error) {
	taken, err := takeDescriptor(store, fd, ffi.WasiOutputStream, "output-stream")
	return taken[0], err
}

// WasiStreams is [WasiDescriptor] for the two streams of a connection, or of anything else that is one for [WasiInput]
// and for [WasiOutput].
func WasiStreams(store wasmtime.Storelike, fd uint32) (input, output *Resource, err error) {
	taken, err := takeDescriptor(store, fd, ffi.WasiBothStreams, "input-stream", "output-stream")
	return taken[0], taken[1], err
}

// takeDescriptor makes resources with these names of a descriptor.
func takeDescriptor(store wasmtime.Storelike, fd uint32, what ffi.WasiResource, names ...string) (taken [3]*Resource, err error) {
	inside, err := bridge.StoreOf(store)
	if err != nil {
		return taken, err
	}
	outermost, err := inside.Enter()
	if err != nil {
		return taken, err
	}
	defer inside.Leave(outermost)
	s := stateOf(inside)
	handles, failed := inside.Native().TakeDescriptor(fd, what)
	if !failed.IsNil() {
		err := bridge.NewError(failed)
		if errors.Unwrap(err) == nil { // what is behind the descriptor is something else
			err = errorf(ErrType, "descriptor %d of the store: %v", fd, err)
		}
		return taken, err
	}
	for i, name := range names {
		if handles[i] != 0 { // a listener has no streams
			taken[i] = &Resource{s, handles[i], name}
		}
	}
	return taken, nil
}

// unknownWasi is the error about a name that DefineWasi does not know.
func unknownWasi(name string, all map[string]*wasiInterface) error {
	bare, version, _ := strings.Cut(name, "@")
	version, item, ok := strings.Cut(version, "#")
	if ok {
		bare += "#" + item
	}
	for _, i := range all {
		if version != "" && i.matching(bare, map[string]wasiKind{}) {
			return errorf(ErrNotFound, "`%s`: names here are without a version, `%s` is for components of every 0.2", name, bare)
		}
	}
	names := slices.Sorted(maps.Keys(all))
	if like := near.Names(bare, names); len(like) > 0 {
		return errorf(ErrNotFound, "WASI 0.2 has no `%s`; near it: `%s`; its interfaces are %s", name,
			strings.Join(like, "`, `"), strings.Join(names, ", "))
	}
	return errorf(ErrNotFound, "WASI 0.2 has no `%s`; its interfaces are %s", name, strings.Join(names, ", "))
}

// checkWasi finds out whether nobody would find what is defined in this place as d: WASI's own would be found instead,
// and nobody would be told. It is about names that are nearly those of WASI 0.2, and about those without a version.
// What is unlike everything that WASI has may be of a WASI to come. The linker's lock is held.
func (i *LinkerInstance) checkWasi(name string, d definition) error {
	bare, version, versioned := strings.Cut(i.name, "@")
	if !strings.HasPrefix(bare, "wasi:") || strings.Contains(i.name, "#") || versioned && !strings.HasPrefix(version, "0.2.") {
		return nil
	}
	all, err := wasiInterfaces()
	if err != nil {
		return err
	}
	is := all[bare]
	switch {
	case is == nil:
		if like := near.Names(bare, slices.Sorted(maps.Keys(all))); len(like) > 0 {
			return errorf(ErrNotFound, "WASI 0.2 has no `%s`; near it: `%s`", bare, strings.Join(like, "`, `"))
		}
		return nil
	case !versioned:
		return errorf(ErrNotFound, "`%s` has no version, so that no component would find it: it is `%s@0.2.0`, say", bare, bare)
	case d.fn == nil && d.resource == nil || is.stable[name] != 0 || is.unstable[name] != 0:
		return nil
	}
	if like := near.Names(name, slices.Sorted(maps.Keys(is.stable))); len(like) > 0 {
		return errorf(ErrNotFound, "`%s` has no `%s`; near it: `%s`", i.name, name, strings.Join(like, "`, `"))
	}
	return nil
}

// wasiKind is what an item of WASI is.
type wasiKind byte

const (
	wasiFunc     wasiKind = 'f'
	wasiResource wasiKind = 'r'
)

// wasiInterface is an interface of WASI 0.2, as the native library has it.
type wasiInterface struct {
	name string
	// stable and unstable are its items.
	stable, unstable map[string]wasiKind
}

// matching adds to defined what a name means of the interface, by full names, and tells whether it means anything.
func (i *wasiInterface) matching(name string, defined map[string]wasiKind) bool {
	pkg, _, _ := strings.Cut(i.name, "/")
	found := name == i.name || name == pkg
	for item, kind := range i.stable {
		if found || name == i.name+"#"+item {
			defined[i.name+"#"+item] = kind
			found = true
		}
	}
	for item, kind := range i.unstable {
		if name == i.name+"#"+item {
			defined[name] = kind
			found = true
		}
	}
	return found
}

// wasiInterfaces returns the interfaces of WASI 0.2, by their names without a version.
var wasiInterfaces = sync.OnceValues(func() (map[string]*wasiInterface, error) {
	list, failed := ffi.WasiItems()
	if !failed.IsNil() {
		return nil, bridge.NewError(failed)
	}
	all := map[string]*wasiInterface{}
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line[1:])
		if len(fields) != 3 {
			continue
		}
		i := all[fields[0]]
		if i == nil {
			i = &wasiInterface{fields[0], map[string]wasiKind{}, map[string]wasiKind{}}
			all[fields[0]] = i
		}
		items := i.stable
		if line[0] == '+' {
			items = i.unstable
		}
		items[fields[2]] = wasiKind(fields[1][0])
	}
	return all, nil
})

// findWasi finds an item of WASI that the linker has.
func (l *Linker) findWasi(path []string, kind canon.ItemKind) definition {
	if l == nil || len(path) != 2 || l.wasi == nil {
		return definition{}
	}
	name, version, _ := strings.Cut(path[0], "@")
	if !strings.HasPrefix(version, "0.2.") {
		return definition{}
	}
	switch has := l.wasi[name+"#"+path[1]]; {
	case has == wasiFunc && kind == canon.FuncItem, has == wasiResource && kind == canon.ResourceItem:
		return definition{wasi: true}
	}
	return definition{}
}
