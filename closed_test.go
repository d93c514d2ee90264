package wasmtime_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// world has one object of every type that can be closed, or belongs to one that can, and arguments of every other type
// that a public function takes.
type world struct {
	engine *Engine
	config *Config
	module *Module
	linker *Linker
	pre    *InstancePre
	store  *Store
	wasi   *WasiConfig
	// ofStore are what belongs to the store, and views what has methods, but is no argument.
	ofStore, views []any
	others         []any
}

const worldWat = `(module (memory (export "m") 1) (table (export "t") 1 externref) (global (export "g") (mut i32) (i32.const 1))
	(func (export "f") (param i32) (result i32) (local.get 0)) (func (export "v") (param i32)))`

func newWorld(t *testing.T) *world {
	w := &world{engine: EngineWith(t, withFuel), config: NewConfig(), wasi: NewWasiConfig()}
	w.module, w.linker, w.store = Compile(t, w.engine, worldWat), NewLinker(w.engine), NewStore(w.engine)
	w.pre = Must(w.linker.InstantiatePre(w.module))
	Check(t, w.store.SetFuel(1<<30))
	instance := Must(w.pre.Instantiate(w.store))
	get := func(name string) *Extern { return instance.GetExport(w.store, name) }
	f, memory := get("f").Func(), get("m").Memory()
	w.ofStore = []any{instance, f, memory, get("t").Table(), get("g").Global(), get("f")}
	w.views = []any{
		memory.View(w.store), Must(Bind1[int32, int32](w.store, f)), Must(BindVoid1[int32](w.store, get("v").Func())),
		Must(BindRaw(w.store, f)),
	}
	dir := Must(os.Open(TempDir(t)))
	conn, other := net.Pipe()
	listener := &refusingListener{}
	t.Cleanup(func() {
		Check(t, errors.Join(dir.Close(), conn.Close(), other.Close()))
		w.store.Close()
		w.config.Close()
		w.wasi.Close()
		w.pre.Close()
		w.linker.Close()
		w.module.Close()
		w.engine.Close()
	})
	i32 := NewValType(KindI32)
	w.others = []any{
		dir, fstest.MapFS{}, conn, listener, strings.NewReader(""), io.Discard, context.Background(), READ_ONLY, DIR_READ, FILE_READ,
		NewFuncType(nil, nil), NewGlobalType(i32, true), NewTableType(NewValType(KindExternref), 1, false, 0),
		Must(NewMemoryType(1, false, 0, false)), ValI32(1), HostVoid0(func(*Caller) error { return nil }), make([]Raw, 1), func() {},
		func(*Caller, []Val) ([]Val, *Trap) { return nil, nil }, i32, io.EOF,
	}
	return w
}

// refusingListener is a listener of no socket.
type refusingListener struct{ net.Listener }

// roots are what is closed, each with the types that count as closed then.
func (w *world) roots() map[string]struct {
	close  func()
	closed []any
} {
	type root = struct {
		close  func()
		closed []any
	}
	return map[string]root{
		"engine": {w.engine.Close, []any{w.engine}},
		"config": {w.config.Close, []any{w.config}},
		"module": {w.module.Close, []any{w.module}},
		"linker": {w.linker.Close, []any{w.linker}},
		"pre":    {w.pre.Close, []any{w.pre}},
		"store":  {w.store.Close, append(append([]any{w.store}, w.ofStore...), w.views...)},
		"wasi":   {w.wasi.Close, []any{w.wasi}},
	}
}

func (w *world) all() []any {
	return slices.Concat([]any{w.store, w.engine, w.config, w.module, w.linker, w.pre, w.wasi}, w.ofStore, w.views, w.others)
}

// argument returns an argument of a type.
func (w *world) argument(t *testing.T, what string, ty reflect.Type) reflect.Value {
	if ty == reflect.TypeFor[any]() {
		return reflect.ValueOf(func() {})
	}
	for _, v := range w.all() {
		if reflect.TypeOf(v) == ty || ty.Kind() == reflect.Interface && reflect.TypeOf(v).Implements(ty) {
			return reflect.ValueOf(v)
		}
	}
	if ty.Kind() == reflect.Pointer || ty.Kind() == reflect.Interface {
		t.Errorf("%s takes a %v: make one in newWorld", what, ty)
	}
	return reflect.Zero(ty)
}

// lives are the methods of closed objects that return no error and go on: they need nothing of what is gone.
var lives = regexp.MustCompile(`^(\w+\.Close|Store\.(Data|PanicStack)|Extern\.(Func|Global|Memory|Table)|RawFunc\.Slots)$`)

// check calls a function of a closed object, or with one.
func (w *world) check(t *testing.T, what string, f reflect.Value) {
	ty := f.Type()
	var args []reflect.Value
	for i := range ty.NumIn() {
		if !ty.IsVariadic() || i < ty.NumIn()-1 {
			args = append(args, w.argument(t, what, ty.In(i)))
		}
	}
	var results []reflect.Value
	value := func() (value any) {
		defer func() { value = recover() }()
		results = f.Call(args)
		return nil
	}()
	last := ty.NumOut() - 1
	switch returns := last >= 0 && ty.Out(last) == reflect.TypeFor[error](); {
	case returns && value != nil:
		t.Errorf("%s panics with %v, and could return an error", what, value)
	case returns:
		err, _ := results[last].Interface().(error)
		if _, typed := err.(*Error); !typed || !errors.Is(err, ErrClosed) {
			t.Errorf("%s returns %T %v, want an *Error that wraps ErrClosed", what, err, err)
		}
	case lives.MatchString(what):
		if value != nil {
			t.Errorf("%s panics with %v", what, value)
		}
	default:
		if text := fmt.Sprint(value); !strings.Contains(text, ClosedText) && !strings.Contains(text, "used up") {
			t.Errorf("%s panics with %v, and not because something is closed", what, value)
		}
	}
}

// takes tells whether a function takes an argument that is one of those.
func (w *world) takes(t *testing.T, what string, f reflect.Type, closed []any) bool {
	for i := range f.NumIn() {
		if f.In(i) == reflect.TypeFor[any]() || f.IsVariadic() && i == f.NumIn()-1 {
			continue
		}
		arg := w.argument(t, what, f.In(i))
		for _, v := range closed {
			if reflect.TypeOf(v).Kind() == reflect.Pointer && arg.Kind() == reflect.Pointer && arg.Interface() == v {
				return true
			}
		}
	}
	return false
}

// functions are the package's functions that take something that can be closed.
var functions = map[string]any{
	"TryNewEngine": TryNewEngine, "NewEngineWithConfig": NewEngineWithConfig,
	"NewModule": NewModule, "NewModuleFromFile": newModuleFromFile, "NewModuleDeserialize": NewModuleDeserialize,
	"NewModuleDeserializeFile": NewModuleDeserializeFile, "ModuleValidate": ModuleValidate,
	"NewLinker": NewLinker, "NewStore": NewStore, "NewStoreWithData": NewStoreWithData,
	"NewInstance": NewInstance, "NewInstanceContext": NewInstanceContext,
	"NewMemory": NewMemory, "NewTable": NewTable, "NewGlobal": NewGlobal,
	"NewFunc": NewFunc, "NewHostFunc": NewHostFunc, "WrapFunc": WrapFunc,
	"BindRaw": BindRaw, "Bind1": Bind1[int32, int32], "BindVoid1": BindVoid1[int32],
}

// newModuleFromFile is NewModuleFromFile of a file that is there.
func newModuleFromFile(engine *Engine) (*Module, error) {
	return NewModuleFromFile(engine, filepath.Join("testdata", "guests", "hello.wasm"))
}

// Whatever is closed, every method and function that returns an error returns one that says so, and the others panic
// with that text. Those that are added to the package are found here.
func TestEverythingClosed(t *testing.T) {
	for name := range newWorld(t).roots() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			root := w.roots()[name]
			root.close()
			checked := 0
			for _, v := range w.all() {
				of := reflect.TypeOf(v)
				if of.Kind() != reflect.Pointer || of.Elem().PkgPath() != reflect.TypeFor[Engine]().PkgPath() {
					continue
				}
				typeName, _, _ := strings.Cut(of.Elem().Name(), "[")
				isClosed := slices.ContainsFunc(root.closed, func(c any) bool { return reflect.TypeOf(c) == of && c == v })
				for i := range of.NumMethod() {
					method := reflect.ValueOf(v).Method(i)
					what := typeName + "." + of.Method(i).Name
					if isClosed || w.takes(t, what, method.Type(), root.closed) {
						checked++
						w.check(t, what, method)
					}
				}
			}
			for what, f := range functions {
				if w.takes(t, what, reflect.TypeOf(f), root.closed) {
					checked++
					w.check(t, what, reflect.ValueOf(f))
				}
			}
			if checked < 2 {
				t.Errorf("%d functions were checked", checked)
			}
		})
	}
}

// Every exported function of the package that takes something that can be closed is in the table.
func TestEverythingClosedIsEverything(t *testing.T) {
	closable := regexp.MustCompile(`^(Engine|Config|Module|Linker|InstancePre|Storelike|WasiConfig)$`)
	numbered := regexp.MustCompile(`^Bind(Void)?([02-9]|1\d)$`) // as Bind1
	found := 0
	for _, file := range Must(filepath.Glob("*.go")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, decl := range Must(parser.ParseFile(token.NewFileSet(), file, nil, 0)).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || numbered.MatchString(f.Name.Name) {
				continue
			}
			for _, param := range f.Type.Params.List {
				ty := param.Type
				if pointer, ok := ty.(*ast.StarExpr); ok {
					ty = pointer.X
				}
				if name, ok := ty.(*ast.Ident); ok && closable.MatchString(name.Name) {
					found++
					if functions[f.Name.Name] == nil {
						t.Errorf("%s: %s is missing in the table of functions", file, f.Name.Name)
					}
					break
				}
			}
		}
	}
	Equal(t, "functions", found, len(functions))
}

// One goroutine closes what others are using: each of their uses succeeds or says that it came too late.
func TestCloseWhileInUse(t *testing.T) {
	wasm := Must(Wat2Wasm(worldWat))
	for name, use := range map[string]func(w *world) (use func() error, close func()){
		"engine": func(w *world) (func() error, func()) {
			return func() error { return ModuleValidate(w.engine, wasm) }, w.engine.Close
		},
		"module": func(w *world) (func() error, func()) {
			return func() error { return ErrorOf(w.module.Serialize()) }, w.module.Close
		},
		"module that is instantiated": func(w *world) (func() error, func()) {
			return func() error {
				store := NewStore(w.engine)
				defer store.Close()
				return ErrorOf(NewInstance(store, w.module, nil))
			}, w.module.Close
		},
		"linker": func(w *world) (func() error, func()) {
			return func() error { return ErrorOf(w.linker.InstantiatePre(w.module)) }, w.linker.Close
		},
		"linker that is defined in": func(w *world) (func() error, func()) {
			w.linker.AllowShadowing(true)
			return func() error { return w.linker.FuncWrap("m", "f", func() {}) }, w.linker.Close
		},
		"pre": func(w *world) (func() error, func()) {
			return func() error {
				store := NewStore(w.engine)
				defer store.Close()
				return ErrorOf(w.pre.Instantiate(store))
			}, w.pre.Close
		},
		"wasi": func(w *world) (func() error, func()) {
			return func() error {
				store := NewStore(w.engine)
				defer store.Close()
				return store.ConfigureWasi(w.wasi)
			}, w.wasi.Close
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				w := newWorld(t)
				once, closeIt := use(w)
				var began, all sync.WaitGroup
				for range 4 {
					began.Add(1)
					all.Go(func() {
						err := once()
						began.Done()
						for err == nil {
							err = once()
						}
						if _, typed := err.(*Error); !typed || !errors.Is(err, ErrClosed) {
							t.Errorf("%T %v, want an *Error that wraps ErrClosed", err, err)
						}
					})
				}
				began.Wait()
				runtime.Gosched()
				closeIt()
				all.Wait()
			}
		})
	}
}
