package wasmtime_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	. "github.com/gowasmtime/wasmtime"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// zeros are zero values of all types that have methods: of those with numbers in their names one each.
var zeros = []any{
	new(Caller), new(Command), new(Config), new(Engine), new(Error), new(ExitError), new(ExportType), new(Extern), new(ExternType),
	new(Frame), new(Func), new(FuncType), new(Global), new(GlobalType), new(ImportType), new(Instance), new(InstancePre),
	new(Linker), new(Memory), new(MemoryType), new(MemoryView), new(Module), new(RawFunc), new(Store), new(Table),
	new(TableType), new(Trap), new(TypedFunc1[int32, int32]), new(TypedVoid1[int32]), new(ValType), new(WasiConfig),
	new(UnwrittenError), HostFunc{}, Raw{}, RefusalReason(0), SocketAddrUse(0), TrapCode(0), Val{}, ValKind(0),
}

// allFunctions are all functions of the package, but those with numbers in their names, of which there is one each.
var allFunctions = map[string]any{
	"NewConfig": NewConfig, "PoolingPreset": PoolingPreset, "SetMaxConcurrentGuests": SetMaxConcurrentGuests, "Stats": Stats,
	"NewEngine": NewEngine, "HostFuncOf": HostFuncOf, "Wat2Wasm": Wat2Wasm, "IsBinary": IsBinary, "NewTrap": NewTrap,
	"RawI32": RawI32, "RawI64": RawI64, "RawF32": RawF32, "RawF64": RawF64, "RawV128": RawV128, "NewValType": NewValType,
	"NewFuncType": NewFuncType, "NewGlobalType": NewGlobalType, "NewTableType": NewTableType, "NewMemoryType": NewMemoryType,
	"NewMemoryType64": NewMemoryType64, "NewImportType": NewImportType, "NewExportType": NewExportType,
	"ValI32": ValI32, "ValI64": ValI64, "ValF32": ValF32, "ValF64": ValF64, "ValV128": ValV128, "ValFuncref": ValFuncref,
	"ValExternref": ValExternref, "ValNull": ValNull, "NewWasiConfig": NewWasiConfig, "Version": Version,
	"HostFunc1": HostFunc1[int32, int32], "HostVoid1": HostVoid1[int32], "Writable": Writable[*os.File],
}

func init() {
	for name, f := range functions {
		allFunctions[name] = f
	}
}

// goesOn are the methods of nil pointers that go on: they close nothing, or find nothing.
var goesOn = regexp.MustCompile(`^(\w+\.Close|Store\.Data|Extern\.(Func|Global|Memory|Table)|RawFunc\.Slots|Caller\.Get(Export|Memory)|` +
	`(Error|Trap)\.Unwrap|Error\.ExitStatus|Trap\.(Is|As))$`)

// asWasmtimeGo are the functions that panic, although they could return an error, when they are given no function.
var asWasmtimeGo = regexp.MustCompile(`^Linker\.(FuncWrap|DefineFunc)\b`)

// call calls a function and returns what it panicked with, and its error, if it has one.
func call(f reflect.Value, args []reflect.Value) (panicked any, err error) {
	defer func() { panicked = recover() }()
	results := f.Call(args)
	if n := len(results); n > 0 {
		err, _ = results[n-1].Interface().(error)
	}
	return nil, err
}

func returnsError(f reflect.Type) bool {
	n := f.NumOut()
	return n > 0 && f.Out(n-1) == reflect.TypeFor[error]()
}

// zeroArgs are zero values of what a function takes, without those of a last ...
func zeroArgs(f reflect.Type) (args []reflect.Value) {
	for i := range f.NumIn() {
		if !f.IsVariadic() || i < f.NumIn()-1 {
			args = append(args, reflect.Zero(f.In(i)))
		}
	}
	return args
}

// checkCall calls a function with something that is nil, or a zero value. Whatever comes of it, it is no defect of this
// package.
func checkCall(t *testing.T, what string, f reflect.Value, args []reflect.Value) (panicked any, err error) {
	t.Helper()
	panicked, err = call(f, args)
	_, defect := panicked.(runtime.Error)
	switch {
	case defect:
		t.Errorf("%s: %v", what, panicked)
	case panicked != nil && returnsError(f.Type()) && !asWasmtimeGo.MatchString(what):
		t.Errorf("%s panics with %v, and could return an error", what, panicked)
	}
	return panicked, err
}

// Every method of a nil pointer returns an error that wraps ErrClosed, or panics with a text that names what is nil.
func TestNilPointers(t *testing.T) {
	for _, zero := range zeros {
		of := reflect.TypeOf(zero)
		if of.Kind() != reflect.Pointer {
			continue
		}
		name, _, _ := strings.Cut(of.Elem().Name(), "[")
		for _, given := range []string{"nothing", "everything"} {
			w := newWorld(t)
			for i := range of.NumMethod() {
				what := name + "." + of.Method(i).Name
				method := reflect.Zero(of).Method(i)
				args := zeroArgs(method.Type())
				if given == "everything" {
					for i := range args {
						args[i] = w.argument(t, what, args[i].Type())
					}
				}
				panicked, err := checkCall(t, what, method, args)
				want := "wasmtime: nil *" + name
				switch text := fmt.Sprint(panicked); {
				case asWasmtimeGo.MatchString(what) && given == "nothing":
				case returnsError(method.Type()) && !goesOn.MatchString(what):
					if _, typed := err.(*Error); !typed || given == "everything" && !errors.Is(err, ErrClosed) {
						t.Errorf("%s, given %s: %T %v, want an *Error that wraps ErrClosed", what, given, err, err)
					}
				case goesOn.MatchString(what):
					if panicked != nil {
						t.Errorf("%s, given %s, panics with %v", what, given, panicked)
					}
				case !strings.HasPrefix(text, want) && !(given == "nothing" && strings.HasPrefix(text, "wasmtime: nil ")):
					t.Errorf("%s, given %s, panics with %v, want %q", what, given, panicked, want)
				}
			}
		}
	}
}

// No method of a zero value ends in a runtime error, whether it is given zero values as well or what it needs; nor does
// any method or function that is given one of them.
func TestZeroValues(t *testing.T) {
	limit := SetMaxConcurrentGuests(DefaultMaxConcurrentGuests)
	defer func() { SetMaxConcurrentGuests(limit) }()
	for _, zero := range zeros {
		w := newWorld(t)
		of := reflect.TypeOf(zero)
		elem := of
		if of.Kind() == reflect.Pointer {
			elem = of.Elem()
		}
		name, _, _ := strings.Cut(elem.Name(), "[")
		for i := range of.NumMethod() {
			what := name + "." + of.Method(i).Name
			method := reflect.ValueOf(zero).Method(i)
			checkCall(t, what, method, zeroArgs(method.Type()))
			args := zeroArgs(method.Type())
			for i := range args {
				args[i] = w.argument(t, what, args[i].Type())
			}
			checkCall(t, what, method, args)
		}
	}
	for what, f := range allFunctions {
		checkCall(t, what, reflect.ValueOf(f), zeroArgs(reflect.TypeOf(f)))
		eachArgument(t, newWorld(t), what, reflect.ValueOf(f))
	}
	for i := range newWorld(t).all() {
		w := newWorld(t)
		v := w.all()[i]
		of := reflect.TypeOf(v)
		if of.Kind() != reflect.Pointer || of.Elem().PkgPath() != reflect.TypeFor[Engine]().PkgPath() {
			continue
		}
		name, _, _ := strings.Cut(of.Elem().Name(), "[")
		for j := range of.NumMethod() {
			eachArgument(t, w, name+"."+of.Method(j).Name, reflect.ValueOf(v).Method(j))
		}
	}
}

// eachArgument calls a function that each of its arguments is nil, or a zero value, and the others are what it needs.
func eachArgument(t *testing.T, w *world, what string, f reflect.Value) {
	if strings.HasSuffix(what, ".Close") {
		return
	}
	for i := range zeroArgs(f.Type()) {
		ty := f.Type().In(i)
		values := []reflect.Value{reflect.Zero(ty)}
		for _, zero := range zeros {
			of := reflect.TypeOf(zero)
			if !of.AssignableTo(ty) || ty == reflect.TypeFor[any]() {
				continue
			}
			values = append(values, reflect.ValueOf(zero))
			if of.Kind() == reflect.Pointer {
				values = append(values, reflect.Zero(of))
			}
		}
		for _, value := range values {
			args := zeroArgs(f.Type())
			for j := range args {
				if args[j] = value; j != i {
					args[j] = w.argument(t, what, f.Type().In(j))
				}
			}
			checkCall(t, fmt.Sprintf("%s with %v as argument %d", what, value.Type(), i+1), f, args)
		}
	}
}

// A host function's Caller is no more easily taken in, and neither are guests.
func TestNilInHostFunction(t *testing.T) {
	called := 0
	store, instance := Guest(t, callerWat("memory", 1), func(c *Caller) {
		called++
		of := reflect.TypeOf(c)
		for i := range of.NumMethod() {
			method := reflect.ValueOf(c).Method(i)
			checkCall(t, "Caller."+of.Method(i).Name, method, zeroArgs(method.Type()))
		}
		for what, f := range functions {
			args := zeroArgs(reflect.TypeOf(f))
			if len(args) > 0 && args[0].Type() == reflect.TypeFor[Storelike]() {
				args[0] = reflect.ValueOf(c)
			}
			checkCall(t, what, reflect.ValueOf(f), args)
		}
	})
	Call(t, store, instance, "run", 1)
	Equal(t, "calls", called, 1)
}

// The tables above have all types with methods and all functions.
func TestNilTablesAreComplete(t *testing.T) {
	types := map[string]bool{"AsExtern": true, "AsExternType": true, "Storelike": true} // interfaces
	for _, zero := range zeros {
		of := reflect.TypeOf(zero)
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		name, _, _ := strings.Cut(of.Name(), "[")
		types[name] = true
	}
	numbered := regexp.MustCompile(`^(TypedFunc|TypedVoid|HostFunc|HostVoid|Bind|BindVoid)([02-9]|1\d)$`)
	for _, file := range Must(filepath.Glob("*.go")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, decl := range Must(parser.ParseFile(token.NewFileSet(), file, nil, 0)).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			if f.Recv == nil {
				if name := f.Name.Name; allFunctions[name] == nil && !numbered.MatchString(name) {
					t.Errorf("%s: %s is missing in the table of functions", file, name)
				}
				continue
			}
			receiver := f.Recv.List[0].Type
			for {
				switch of := receiver.(type) {
				case *ast.StarExpr:
					receiver = of.X
					continue
				case *ast.IndexExpr:
					receiver = of.X
					continue
				case *ast.IndexListExpr:
					receiver = of.X
					continue
				}
				break
			}
			if name := receiver.(*ast.Ident).Name; ast.IsExported(name) && !types[name] && !numbered.MatchString(name) {
				t.Errorf("%s: %s is missing in the table of types", file, name)
			}
		}
	}
}
