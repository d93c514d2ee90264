package wasmtime

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
)

// NewFunc makes a host function of a signature that is known only at run time. f gets its arguments as values of the
// parameters' types and returns values of the results' types; anything else is a panic. A *Trap that it returns, or a
// panic, ends the guest, and so does an argument that Go cannot hold: see [Val]. [WrapFunc] and [HostFunc2] read better
// where the signature is known.
//
// No function can be made here of a signature with a type that a module defines, such as (ref null $t): where the
// result is used, the error wraps [ErrUnsupported]. See wasmtime::Func::new.
func NewFunc(store Storelike, ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) *Func {
	if err := notNil(ty).unsupported(); err != nil {
		s, outermost := mustEnter(store)
		defer s.Leave(outermost)
		return &Func{state: s, sig: ty, refused: err}
	}
	return addHost(store, newHostFunc(ty, f))
}

// callNil is what is called where the Go function is nil, which nobody minds who never calls it, as in wasmtime-go.
func callNil(*Caller, unsafe.Pointer) error {
	panic("wasmtime: a host function that is nil was called")
}

func newHostFunc(ty *FuncType, f func(*Caller, []Val) ([]Val, *Trap)) *hostFunc {
	if f == nil {
		return &hostFunc{ty, callNil}
	}
	plain := ty.plain()
	return &hostFunc{ty, func(c *Caller, slots unsafe.Pointer) error {
		args, err := liftArgs(c.state, ty.params, slots, plain)
		if err != nil {
			return err
		}
		results, trap := f(c, args)
		if trap != nil {
			return trap
		}
		if len(results) != len(ty.results) {
			panic("callback didn't produce the correct number of results")
		}
		for i, t := range ty.results {
			if results[i].kind != t.kind || results[i].isNone() {
				panic("callback produced wrong type of result")
			}
		}
		return lowerResults(c.state, results, slots, plain)
	}}
}

// liftArgs reads the arguments of a host call.
func liftArgs(s *state, params []*ValType, slots unsafe.Pointer, plain bool) (args []Val, err error) {
	args = make([]Val, len(params))
	for i, ty := range params {
		if plain {
			args[i] = valOfBits(ty.kind, (*ffi.Slot)(slot(slots, uintptr(i))))
		} else if args[i], err = s.lift(valAt(slots, i)); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// lowerResults writes the results of a host call.
func lowerResults(s *state, results []Val, slots unsafe.Pointer, plain bool) error {
	for i, v := range results {
		if plain {
			*(*ffi.Slot)(slot(slots, uintptr(i))) = v.bits()
			continue
		}
		lowered, err := s.lower(v)
		if err != nil {
			for j := range i {
				s.unlower(valAt(slots, j))
			}
			return err
		}
		*valAt(slots, i) = lowered
	}
	return nil
}

func valAt(vals unsafe.Pointer, i int) *ffi.Val {
	return (*ffi.Val)(unsafe.Add(vals, uintptr(i)*unsafe.Sizeof(ffi.Val{})))
}

// WrapFunc makes a host function of any Go function. Its parameters and results are int32, int64, float32, float64,
// [V128] and [*Func] for the WebAssembly types of these names, matched exactly, and externrefs for any other type,
// int and uint32 among them; a [*Caller] is handed in and no part of the signature, and neither is a *Trap as the
// last result, which ends the guest if it is not nil. An error is not special: it is an externref like any other
// value; [HostFuncOf], [HostFunc2] and its like take errors for what they are. WrapFunc panics if f is not a function.
// What it costs to call a function of numbers is said at [HostFuncOf]; other functions take reflection and
// allocations in every call. See wasmtime::Func::wrap.
func WrapFunc(store Storelike, f any) *Func {
	return addHost(store, wrapHostFunc(f))
}

var (
	callerType = reflect.TypeFor[*Caller]()
	trapType   = reflect.TypeFor[*Trap]()
	anyType    = reflect.TypeFor[any]()
)

// goKinds are the Go types that have a WebAssembly type of their own.
var goKinds = map[reflect.Type]ValKind{
	reflect.TypeFor[int32]():   KindI32,
	reflect.TypeFor[int64]():   KindI64,
	reflect.TypeFor[float32](): KindF32,
	reflect.TypeFor[float64](): KindF64,
	reflect.TypeFor[V128]():    KindV128,
	reflect.TypeFor[*Func]():   KindFuncref,
}

func typeOfGo(ty reflect.Type) *ValType {
	if kind, ok := goKinds[ty]; ok {
		return NewValType(kind)
	}
	return NewValType(KindExternref)
}

// inferFuncType finds the signature of a Go function.
func inferFuncType(ty reflect.Type) *FuncType {
	sig := &FuncType{params: []*ValType{}, results: []*ValType{}}
	var externrefs []string
	valType := func(ty reflect.Type) *ValType {
		val := typeOfGo(ty)
		if name := ty.String(); val.kind == KindExternref && ty != anyType && !slices.Contains(externrefs, name) {
			externrefs = append(externrefs, name)
		}
		return val
	}
	for in := range ty.Ins() {
		if in != callerType {
			sig.params = append(sig.params, valType(in))
		}
	}
	for i := range ty.NumOut() {
		out := ty.Out(i)
		if i == ty.NumOut()-1 && out == trapType {
			break
		}
		sig.results = append(sig.results, valType(out))
	}
	sig.externrefs = strings.Join(externrefs, ", ")
	return sig
}

// explainExternrefs adds to the error of an instantiation that an import has another type because WrapFunc makes
// externrefs of most Go types. given returns the signature of what was given for one of the module's imports, nil if
// that is unknown.
func explainExternrefs(err error, imports []*ImportType, given func(i int, imported *ImportType) *FuncType) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	for i, imported := range imports {
		about := "incompatible import type for `" + imported.module + "::" + imported.name + "`"
		if !strings.Contains(e.message, about) {
			continue
		}
		if sig := given(i, imported); sig != nil && sig.externrefs != "" {
			e.message += "\n\nFuncWrap and WrapFunc make externrefs of the Go types " + sig.externrefs + ", as wasmtime-go does. " +
				"Linker.DefineGoFunc and HostFuncOf take numbers of all sizes, bool, and an error as the last result"
		}
	}
	return err
}

func wrapHostFunc(f any) *hostFunc {
	fn := reflect.ValueOf(f)
	if fn.Kind() != reflect.Func {
		panic("callback provided must be a `func`")
	}
	sig := inferFuncType(fn.Type())
	if g, ok := numbersOnly(fn, sig); ok {
		return g.host(sig)
	}
	plain := sig.plain()
	return &hostFunc{sig, func(c *Caller, slots unsafe.Pointer) error {
		args, err := liftArgs(c.state, sig.params, slots, plain)
		if err != nil {
			return err
		}
		results := fn.Call(reflectArgs(c, fn.Type(), args))
		vals := make([]Val, len(results))
		for i, result := range results {
			val := result.Interface()
			if trap, ok := val.(*Trap); ok && trap != nil {
				return trap
			}
			vals[i] = valOf(val)
		}
		// What is left after the signature's results is a last *Trap, which is nil.
		return lowerResults(c.state, vals[:len(sig.results)], slots, plain)
	}}
}

// numbersOnly returns the function as one of numbers only, with the signature sig, if it is one that may have a
// *Caller as its first parameter and nowhere else.
func numbersOnly(fn reflect.Value, sig *FuncType) (g *goFunc, ok bool) {
	g = &goFunc{fn: fn}
	if fn.IsNil() || !sig.plain() || g.inspect(fn.Type()) != nil {
		return nil, false
	}
	return g, len(g.params) == len(sig.params) && len(g.results) == len(sig.results)
}

// reflectArgs puts the caller and the arguments where the Go function wants them.
func reflectArgs(c *Caller, ty reflect.Type, vals []Val) []reflect.Value {
	args := make([]reflect.Value, ty.NumIn())
	for i := range args {
		if ty.In(i) == callerType {
			args[i] = reflect.ValueOf(c)
			continue
		}
		if v := vals[0].Get(); v != nil {
			args[i] = reflect.ValueOf(v)
		} else {
			args[i] = reflect.Zero(ty.In(i)) // a null externref
		}
		vals = vals[1:]
	}
	return args
}

// HostFunc is a Go function that guests can call: made by [HostFunc2] and its like, given to guests by
// [Linker.DefineHost] or [NewHostFunc]. It can be given to any number of linkers and stores; the Go function is then
// called by whichever goroutines run them.
//
// An error that the Go function returns ends the guest; the call that it came from returns an error that wraps it. A
// panic ends the guest and comes out of that call. The zero HostFunc is no function, and counts as closed.
type HostFunc struct{ host *hostFunc }

func newTypedHost(results []ValKind, run func(*Caller, unsafe.Pointer) error, params ...ValKind) HostFunc {
	return HostFunc{&hostFunc{NewFuncType(typesOf(params), typesOf(results)), run}}
}

func typesOf(kinds []ValKind) []*ValType {
	types := make([]*ValType, len(kinds))
	for i, kind := range kinds {
		types[i] = NewValType(kind)
	}
	return types
}

// Type returns the function's signature.
func (f HostFunc) Type() *FuncType { return f.mustHost().sig }

// mustHost returns what it is; it panics for the zero HostFunc.
func (f HostFunc) mustHost() *hostFunc {
	if f.host == nil {
		panicNil(errNoHost)
	}
	return f.host
}

// NewHostFunc makes a host function one of the store's functions. See wasmtime::Func::wrap.
func NewHostFunc(store Storelike, f HostFunc) *Func { return addHost(store, f.mustHost()) }
