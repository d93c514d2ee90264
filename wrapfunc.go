package wasmtime

import (
	"reflect"
	"unsafe"
)

// WrapFunc makes a host function of any Go function. Its parameters and results are int32, int64, float32, float64, [V128]
// and [*Func] for the WebAssembly types of these names, matched exactly, and externrefs for any other type, int and uint32 among them; a [*Caller] is
// handed in and no part of the signature, and neither is a *Trap as the last result, which ends the guest if it is not
// nil. An error is not special: it is an externref like any other value; [HostFunc2] and its like take errors for what they are. WrapFunc panics if f is not a function. It uses reflection in every call; [HostFunc2] and its like do not. See
// wasmtime::Func::wrap.
func WrapFunc(store Storelike, f any) *Func {
	s := store.storeState()
	return s.addHost(wrapHostFunc(f))
}

var (
	callerType = reflect.TypeFor[*Caller]()
	trapType   = reflect.TypeFor[*Trap]()
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
	for in := range ty.Ins() {
		if in != callerType {
			sig.params = append(sig.params, typeOfGo(in))
		}
	}
	for i := range ty.NumOut() {
		out := ty.Out(i)
		if i == ty.NumOut()-1 && out == trapType {
			break
		}
		sig.results = append(sig.results, typeOfGo(out))
	}
	return sig
}

func wrapHostFunc(f any) *hostFunc {
	fn := reflect.ValueOf(f)
	if fn.Kind() != reflect.Func {
		panic("callback provided must be a `func`")
	}
	sig := inferFuncType(fn.Type())
	plain := sig.plain()
	return &hostFunc{sig, func(c *Caller, slots unsafe.Pointer) error {
		results := fn.Call(reflectArgs(c, fn.Type(), liftArgs(c.state, sig.params, slots, plain)))
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
