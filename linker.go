package wasmtime

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Linker finds the imports of modules by name. One linker serves any number of stores of its engine. It is safe for
// concurrent use: definitions happen one at a time, and an instantiation has those that were there when it began. So a
// host function may also define things in the linker whose instance's start function has called it. See
// wasmtime::Linker.
type Linker struct {
	// Engine is the engine that the linker was made with.
	Engine *Engine

	// defining is held by whoever defines, and shared for a moment by whoever begins to read. No guest runs meanwhile.
	defining sync.RWMutex
	current  *definitions
	// hosts are its host functions.
	hosts *registry.Family[hostFunc]
	// wasi says that DefineWasi has been called.
	wasi atomic.Bool
	// wrapped are Go functions of whose types WrapFunc made externrefs; nil as long as there is none.
	wrapped *wrappedFuncs
}

// wrappedFuncs are signatures by module and name. A map in Linker itself would keep Linkers from being compared.
type wrappedFuncs struct{ signatures map[[2]string]*FuncType }

// definitions are what has been defined in a linker. They are changed in place as long as nobody reads them;
// otherwise a copy takes their place, and they end with the last of their readers.
type definitions struct{ handle registry.Handle[ffi.Linker] }

func newDefinitions(native ffi.Linker) *definitions {
	d := &definitions{}
	registry.Own(&d.handle, d, native)
	return d
}

// NewLinker creates a linker with nothing in it. It panics if the engine is closed, or nil.
func NewLinker(engine *Engine) *Linker {
	native := notNil(engine).handle.Acquire()
	defer engine.handle.Release()
	return &Linker{Engine: engine, current: newDefinitions(ffi.NewLinker(native)), hosts: &registry.Family[hostFunc]{}}
}

// Close frees the linker, at once or when the last use of it by another goroutine is over; instances stay usable.
// Closing twice does nothing.
func (l *Linker) Close() {
	if l == nil {
		return
	}
	l.defining.RLock()
	defer l.defining.RUnlock()
	if l.current != nil {
		l.current.handle.Close()
	}
}

// read begins a use of what has been defined so far, which the handle's Release ends.
func (l *Linker) read() (ffi.Linker, *registry.Handle[ffi.Linker], error) {
	if l == nil {
		return ffi.Linker{}, nil, isNil[Linker]()
	}
	l.defining.RLock()
	defer l.defining.RUnlock()
	return l.acquireLocked()
}

func (l *Linker) acquireLocked() (ffi.Linker, *registry.Handle[ffi.Linker], error) {
	if l.current == nil {
		return ffi.Linker{}, nil, closedError("linker")
	}
	handle := &l.current.handle
	native, err := acquire(handle, "linker")
	return native, handle, err
}

// define runs f, in which no guest may run, with definitions that nobody else uses. err says that the linker is closed.
func (l *Linker) define(f func(ffi.Linker) ffi.Error) (failed ffi.Error, err error) {
	if l == nil {
		return ffi.Error{}, isNil[Linker]()
	}
	l.defining.Lock()
	defer l.defining.Unlock()
	return l.defineLocked(f)
}

func (l *Linker) defineLocked(f func(ffi.Linker) ffi.Error) (failed ffi.Error, err error) {
	native, handle, err := l.acquireLocked()
	if err != nil {
		return ffi.Error{}, err
	}
	defer handle.Release()
	if handle.Shared() {
		native = native.Clone()
		l.current = newDefinitions(native)
		handle.Close()
	}
	return f(native), nil
}

// AllowShadowing sets whether a definition may replace an earlier one of the same name; otherwise, and at first, that
// is an error. It panics if the linker is closed. See wasmtime::Linker::allow_shadowing.
func (l *Linker) AllowShadowing(allow bool) {
	_, err := notNil(l).define(func(native ffi.Linker) ffi.Error {
		native.AllowShadowing(allow)
		return ffi.Error{}
	})
	if err != nil {
		panic(closedText)
	}
}

// isOpen returns an error if the linker is closed.
func (l *Linker) isOpen() error {
	_, reading, err := l.read()
	if err == nil {
		reading.Release()
	}
	return err
}

// serves returns the store's state, or why the linker defines nothing for it: a linker that is closed says so first.
func (l *Linker) serves(store Storelike) (*state, error) {
	if err := l.isOpen(); err != nil {
		return nil, err
	}
	s := stateOf(store)
	switch {
	case s == nil:
		return nil, noStore(store)
	case s.engine != l.Engine:
		return nil, wrongEngine("linker", "store")
	}
	return s, nil
}

// inStore runs f with the store taken.
func (l *Linker) inStore(store Storelike, f func(s *state) (ffi.Error, error)) error {
	if _, err := l.serves(store); err != nil {
		return err
	}
	s, outermost, err := enter(store)
	if err != nil {
		return err
	}
	defer s.Leave(outermost)
	s.link(l.hosts)
	s.made()
	failed, err := f(s)
	if !failed.IsNil() {
		return s.Failure(ffi.Trap{}, failed)
	}
	return err
}

// defineInStore is define with the store taken.
func (l *Linker) defineInStore(store Storelike, f func(ffi.Linker, *state) ffi.Error) error {
	return l.inStore(store, func(s *state) (ffi.Error, error) {
		return l.define(func(native ffi.Linker) ffi.Error { return f(native, s) })
	})
}

// defineForAll is define for what serves every store.
func (l *Linker) defineForAll(f func(ffi.Linker) ffi.Error) error {
	failed, err := l.define(f)
	if !failed.IsNil() {
		return newError(failed)
	}
	return err
}

// Define defines an item of the store; only modules that are instantiated in that store can import it. See
// wasmtime::Linker::define.
func (l *Linker) Define(store Storelike, module, name string, item AsExtern) error {
	s, err := l.serves(store)
	if err != nil {
		return err
	}
	imported, err := itemOf(s, item)
	if err != nil {
		return errorf(err, "%s.%s: %v", module, name, err)
	}
	defer runtime.KeepAlive(item)
	var sig *FuncType
	if f, ok := item.(*Func); ok {
		sig = f.sig
	}
	return l.defineInStore(store, func(native ffi.Linker, s *state) ffi.Error {
		return l.noteLocked(module, name, sig, native.Define(s.native, module, name, *imported))
	})
}

// noteLocked notes the signature of what has been defined, unless that failed with err; sig may be nil.
func (l *Linker) noteLocked(module, name string, sig *FuncType, err ffi.Error) ffi.Error {
	switch key := [2]string{module, name}; {
	case !err.IsNil():
	case sig == nil || sig.externrefs == "":
		if l.wrapped != nil {
			delete(l.wrapped.signatures, key)
		}
	default:
		if l.wrapped == nil {
			l.wrapped = &wrappedFuncs{map[[2]string]*FuncType{}}
		}
		l.wrapped.signatures[key] = sig
	}
	return err
}

// explain is explainExternrefs for an instantiation with what the linker has defined.
func (l *Linker) explain(err error, imports []*ImportType) error {
	return explainExternrefs(err, imports, func(_ int, imported *ImportType) *FuncType {
		l.defining.RLock()
		defer l.defining.RUnlock()
		if l.wrapped == nil {
			return nil
		}
		return l.wrapped.signatures[[2]string{imported.module, imported.name}]
	})
}

// DefineFunc defines a Go function, as [WrapFunc] makes it, for the store.
func (l *Linker) DefineFunc(store Storelike, module, name string, f any) error {
	if _, err := l.serves(store); err != nil {
		return err
	}
	made, err := tryAddHost(store, wrapHostFunc(f))
	if err != nil {
		return err
	}
	return l.Define(store, module, name, made)
}

// FuncNew defines a Go function, as [NewFunc] makes it, for every store. See wasmtime::Linker::func_new.
func (l *Linker) FuncNew(module, name string, ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) error {
	if err := l.isOpen(); err != nil {
		return err
	}
	if ty == nil {
		return isNil[FuncType]()
	}
	if err := ty.unsupported(); err != nil {
		return err
	}
	return l.defineHost(module, name, newHostFunc(ty, f))
}

// FuncWrap defines a Go function, as [WrapFunc] makes it, for every store. [Linker.DefineGoFunc] takes more types for
// what they are. See wasmtime::Linker::func_wrap.
func (l *Linker) FuncWrap(module, name string, f any) error {
	return l.defineHost(module, name, wrapHostFunc(f))
}

// DefineHost defines a typed host function for every store. See wasmtime::Linker::func_wrap.
func (l *Linker) DefineHost(module, name string, f HostFunc) error {
	if err := l.isOpen(); err != nil {
		return err
	}
	if f.host == nil {
		return errNoHost
	}
	return l.defineHost(module, name, f.host)
}

// DefineGoFunc defines a Go function of numbers, as [HostFuncOf] makes it, for every store: an error if f is none. See
// wasmtime::Linker::func_wrap.
func (l *Linker) DefineGoFunc(module, name string, f any) error {
	if err := l.isOpen(); err != nil {
		return err
	}
	host, err := HostFuncOf(f)
	if err != nil {
		return errorf(err, "%s.%s: %v", module, name, err)
	}
	return l.DefineHost(module, name, host)
}

func (l *Linker) defineHost(module, name string, h *hostFunc) error {
	return l.defineForAll(func(native ffi.Linker) ffi.Error {
		err := native.DefineFunc(module, name, h.sig.encode(), linkerFuncs.Add(l.hosts, h)|linkerEnv)
		return l.noteLocked(module, name, h.sig, err)
	})
}

// DefineWasi defines WASI 0.1, the module wasi_snapshot_preview1, for stores that have been given a [WasiConfig] with
// [Store.SetWasi]. See wasmtime_wasi::p1::add_to_linker_sync.
func (l *Linker) DefineWasi() error {
	err := l.defineForAll(func(native ffi.Linker) ffi.Error { return native.DefineWasi() })
	if err == nil {
		l.wasi.Store(true)
	}
	return err
}

const (
	// wasiModule is what modules import WASI 0.1 from.
	wasiModule = "wasi_snapshot_preview1"
	// unknownImport is how the native library begins to say that an import has not been defined.
	unknownImport = "unknown import: `"
	// useLinkerWasi says what to do about an import of WASI.
	useLinkerWasi = "WASI 0.1 is defined by Linker.DefineWasi"
)

// mostMissing is how many missing imports an error names. Where there are more, nobody looks for the rest: each look
// costs as much as a definition, and it is the guest that decides how many imports it has.
const mostMissing = 10

// explainMissing adds to the error of an instantiation that lacks an import which type that has, which other imports
// nobody has defined either, and what is to be done about those of WASI. native is what was searched.
func (l *Linker) explainMissing(err error, native ffi.Linker, imports []*ImportType) error {
	e, ok := err.(*Error)
	if !ok || e.cause != nil || !strings.HasPrefix(e.message, unknownImport) {
		return err
	}
	missing := l.missing(native, imports)
	separator := "; "
	switch {
	case len(missing) == 1:
		e.message += "; its type is " + missing[0].ty.text()
	case len(missing) > 1:
		separator = "\n"
		e.message += "\n\nThese imports of the module have not been defined:"
		for _, i := range missing[:min(len(missing), mostMissing)] {
			e.message += fmt.Sprintf("\n    `%s::%s` %s", printable(i.module), printable(i.name), i.ty.text())
		}
		if len(missing) > mostMissing {
			e.message += "\n    and more"
		}
	}
	ofWasi := func(i *ImportType) bool { return i.module == wasiModule }
	switch {
	case !slices.ContainsFunc(missing, ofWasi):
	case l.wasi.Load():
		e.message += separator + "WASI 0.1 has no such function"
	default:
		e.message += separator + useLinkerWasi
	}
	return e
}

// printable is a name that a module has chosen as a line of an error may show it.
func printable(name string) string {
	const most = 100
	cut := name
	if len(name) > most {
		cut = strings.ToValidUTF8(name[:most], "")
	}
	cut = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, cut)
	if len(name) > most {
		cut += "…"
	}
	return cut
}

// missing returns those of the first imports that have not been defined, each name once: as many as an error names, and
// one more if there is one.
func (l *Linker) missing(native ffi.Linker, imports []*ImportType) (missing []*ImportType) {
	try := native.Clone() // which has a function of each name at last
	defer try.Delete()
	try.AllowShadowing(false)
	nothing := &hostFunc{sig: NewFuncType(nil, nil)} // never called
	const looks = 1000
	for _, i := range imports[:min(len(imports), looks)] {
		if len(missing) > mostMissing {
			break
		}
		err := try.DefineFunc(i.module, i.name, nothing.sig.encode(), linkerFuncs.Add(l.hosts, nothing)|linkerEnv)
		if err.IsNil() {
			missing = append(missing, i)
			continue
		}
		err.Delete() // it is defined
	}
	return missing
}

// DefineInstance defines all that an instance exports under the name module. See wasmtime::Linker::instance.
func (l *Linker) DefineInstance(store Storelike, module string, instance *Instance) error {
	s, err := l.serves(store)
	switch {
	case err != nil:
		return err
	case instance == nil:
		return errorf(ErrClosed, "%s: %v", module, isNil[Instance]())
	case instance.state == nil:
		return errorf(ErrClosed, "%s: %v", module, closedError("instance"))
	case instance.state != s:
		return errorf(ErrWrongStore, "%s: %v", module, ErrWrongStore)
	}
	return l.defineInStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.DefineInstance(s.native, module, instance.raw)
	})
}

// DefineModule defines what a module exports under a name. A WASI command, one with _start, is instantiated anew for
// every call; a reactor once, here. See wasmtime::Linker::module.
func (l *Linker) DefineModule(store Storelike, name string, module *Module) error {
	native, reading, err := l.read()
	if err != nil {
		return err
	}
	// A copy is defined in, because the module's own functions run meanwhile.
	private := native.Clone()
	reading.Release()
	defer private.Delete()
	m, err := module.acquire("linker", l.Engine)
	if err != nil {
		return err
	}
	defer module.handle.Release()
	module.types.read(m)
	if failed := module.types.failed; failed != nil {
		return failed
	}
	_, err = l.serves(store)
	if err == nil {
		err = l.defineModule(store, private, name, module, m)
	}
	return l.explainMissing(err, private, module.types.imported(m))
}

// defineModule defines a module in a copy of the linker, and what it exports in the linker.
func (l *Linker) defineModule(store Storelike, private ffi.Linker, name string, module *Module, native ffi.Module) (err error) {
	s, outermost, err := enter(store)
	if err != nil {
		return err
	}
	defer s.Finish(outermost, &err)
	s.link(l.hosts)
	s.made()
	s.slot.takeMore() // perhaps its instances
	if !private.DefineModule(s.call, s.Room(), name, native) {
		_, failed := s.call.Failure()
		return s.Failure(ffi.Trap{}, failed)
	}
	l.defining.Lock()
	defer l.defining.Unlock()
	failed, err := l.defineLocked(func(native ffi.Linker) ffi.Error {
		for _, export := range module.types.out {
			if err := native.DefineFrom(private, s.native, name, export.name); !err.IsNil() {
				return err
			}
		}
		return ffi.Error{}
	})
	if !failed.IsNil() {
		return s.Failure(ffi.Trap{}, failed)
	}
	return err
}

// acquire begins a use of a module for the linker; the module's handle's Release ends it.
func (l *Linker) acquire(module *Module) (ffi.Module, error) {
	if err := l.isOpen(); err != nil {
		return ffi.Module{}, err
	}
	return module.acquire("linker", l.Engine)
}

// DefineUnknownImportsAsTraps defines every function that the module imports and nobody has defined as one that
// traps. See wasmtime::Linker::define_unknown_imports_as_traps.
func (l *Linker) DefineUnknownImportsAsTraps(module *Module) error {
	m, err := l.acquire(module)
	if err != nil {
		return err
	}
	defer module.handle.Release()
	return l.defineForAll(func(native ffi.Linker) ffi.Error { return native.DefineUnknownImportsAsTraps(m) })
}

// DefineUnknownImportsAsDefaultValues defines everything that the module imports and nobody has defined with zeros:
// functions that return 0, globals that are 0, tables of null, empty memories. See
// wasmtime::Linker::define_unknown_imports_as_default_values.
func (l *Linker) DefineUnknownImportsAsDefaultValues(store Storelike, module *Module) error {
	m, err := l.acquire(module)
	if err != nil {
		return err
	}
	defer module.handle.Release()
	return l.defineInStore(store, func(l ffi.Linker, s *state) ffi.Error {
		return l.DefineUnknownImportsAsDefaultValues(s.native, m)
	})
}

// Get returns what has been defined, nil if nothing has that a store of this engine can use. It panics if the linker or
// the store is closed. See wasmtime::Linker::get.
func (l *Linker) Get(store Storelike, module, name string) *Extern {
	native, reading, closed := notNil(l).read()
	if closed != nil {
		panic(closedText)
	}
	defer reading.Release()
	if s := stateOf(store); s != nil && s.engine != l.Engine {
		return nil
	}
	s, outermost := mustEnter(store)
	defer s.Leave(outermost)
	s.link(l.hosts)
	e := &Extern{state: s}
	found, err := native.Get(s.made(), module, name, &e.item)
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
	f := &Func{state: stateOf(store)}
	foreign := false
	native, reading, err := l.read()
	if err != nil {
		return nil, err
	}
	defer reading.Release()
	err = l.inStore(store, func(s *state) (ffi.Error, error) {
		failed := native.GetDefault(s.native, name, &f.item)
		foreign = failed.IsNil() && !s.owns(&f.item)
		return failed, nil
	})
	switch {
	case err != nil:
		return nil, err
	case foreign:
		return nil, errorf(ErrWrongStore, "the default of %q: %v", name, ErrWrongStore)
	}
	return f, nil
}

// Instantiate gives a module its imports and instantiates it in the store. Imports that are missing are an [*Error]
// that names them, up to ten, with their types, and so is one that has another type; a module or store of another
// engine is one that wraps [ErrWrongEngine]. A start function that traps is a [*Trap], and one whose output is lost an
// error that wraps [ErrUnwritten]. It calls nothing else: a library built for WASI, a reactor, takes
// [Linker.InstantiateReactor], and a program's _start is called by whoever wants to run it, or by [Command.Run]. See
// wasmtime::Linker::instantiate.
func (l *Linker) Instantiate(store Storelike, module *Module) (*Instance, error) {
	return l.instantiate(nil, store, module, asItIs)
}

// InstantiateContext is [Linker.Instantiate] with a context for the start function, as [Func.CallContext] has one, and
// for waiting until there is a place in the engine's pool, see [Config.SetPooling]; ctx may be nil.
func (l *Linker) InstantiateContext(ctx context.Context, store Storelike, module *Module) (*Instance, error) {
	return l.instantiate(ctx, store, module, asItIs)
}

// InstantiateReactor is [Linker.Instantiate] for a WASI reactor: a library whose exports may be called when its
// function _initialize has returned. Go makes one with -buildmode=c-shared, C with -mexec-model=reactor, Rust with the
// crate type cdylib. _initialize is called here, unless there is none, as in a module that does without. What ends it
// is the error, as with [Func.Call].
//
// A WASI command, which has _start, is an [*Error] that wraps [ErrCommand], and so is a module that has both; an
// _initialize with parameters or results is an [*Error]. None of its functions has been called then, but a start
// function of the module, and the instance is in the store until that is closed.
//
// wasmtime::Linker::module does the same with reactors.
func (l *Linker) InstantiateReactor(store Storelike, module *Module) (*Instance, error) {
	return l.instantiate(nil, store, module, reactor)
}

// InstantiateReactorContext is [Linker.InstantiateReactor] with a context, for the start function and _initialize, as
// [Func.CallContext] has one; ctx may be nil.
func (l *Linker) InstantiateReactorContext(ctx context.Context, store Storelike, module *Module) (*Instance, error) {
	return l.instantiate(ctx, store, module, reactor)
}

func (l *Linker) instantiate(ctx context.Context, store Storelike, module *Module, as instanceKind) (*Instance, error) {
	native, reading, err := l.read()
	if err != nil {
		return nil, err
	}
	defer reading.Release()
	m, err := module.acquire("linker", l.Engine)
	if err != nil {
		return nil, err
	}
	defer module.handle.Release()
	switch s := stateOf(store); {
	case s == nil:
		return nil, noStore(store)
	case s.engine != l.Engine:
		return nil, wrongEngine("linker", "store")
	}
	fits := func() bool { return links(native, m) }
	instance, err := instantiate(ctx, store, l.hosts, as, fits, func(call *ffi.Call, room uintptr) (ffi.Instance, bool) {
		return native.Instantiate(call, room, m)
	})
	if err != nil {
		imports := module.types.imported(m)
		return nil, l.explainMissing(l.explain(err, imports), native, imports)
	}
	return instance, nil
}

// links tells whether the module's imports have been defined, with the types that they had when they were. A memory or
// a table that has grown since may fit better than this says.
func links(native ffi.Linker, m ffi.Module) bool {
	pre, err := native.InstantiatePre(m)
	if !err.IsNil() {
		err.Delete()
		return false
	}
	pre.Delete()
	return true
}
