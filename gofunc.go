package wasmtime

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// HostFuncOf makes a host function of any Go function of numbers; its signature is found by reflection.
//
// The parameters and results are these, or types of these kinds, such as type Offset uint32:
//
//	Go                                  WebAssembly
//	int32, uint32                       i32, the same 32 bits
//	int64, uint64                       i64, the same 64 bits
//	float32, float64, [V128]            f32, f64, v128
//	int8, int16, uint8, uint16          i32; an argument out of the type's range ends the guest with an error
//	bool                                i32: false is 0, true is 1, and so is every other argument
//
// A [*Caller] or a [context.Context] may come first; neither is part of the signature. The context is that of the
// call, see [Caller.Context]. An error or a [*Trap] may be the last result, which is none of the signature either: if
// it is not nil, it ends the guest, and the call returns an error that wraps it.
//
// Any other function is an [*Error] here that says what is wrong: so are an int and a uint, which have no size of
// their own, and a string, of which a guest passes the offset and the length.
//
// Common ones are called without reflection or allocation, as fast as what [HostFunc2] makes: those of up to three
// integers or six of 32 bits, or of up to three floats of one type, and with one result or none. Others, parameters of
// 8 and 16 bits and results of 16 among them, cost two or three allocations and several times as long. [HostFunc2] and
// its like have the compiler check the types; [WrapFunc] takes most types for externrefs, as wasmtime-go does.
func HostFuncOf(f any) (HostFunc, error) {
	fn := reflect.ValueOf(f)
	if fn.Kind() != reflect.Func {
		return HostFunc{}, errorf(nil, "HostFuncOf: %T is no function", f)
	}
	if fn.IsNil() {
		return HostFunc{}, errorf(nil, "HostFuncOf: the %T is nil", f)
	}
	g := &goFunc{fn: fn}
	if err := g.inspect(fn.Type()); err != nil {
		return HostFunc{}, errorf(nil, "HostFuncOf: %T: %v", f, err)
	}
	return HostFunc{g.host(&FuncType{params: valTypes(g.params), results: valTypes(g.results)})}, nil
}

// goFunc is a Go function of numbers: its parameters and results without what its form adds to them.
type goFunc struct {
	fn              reflect.Value
	form            form
	params, results []reflect.Type
}

// form is what a Go function has beside its parameters and results: what comes first, plus what comes last.
type form int

const (
	plain       form = 0
	withCaller  form = 3
	withContext form = 6

	withError form = 1
	withTrap  form = 2
)

func (f form) first() form { return f / 3 * 3 }
func (f form) last() form  { return f % 3 }

// hostRun is how a guest calls a Go function: see [hostFunc].
type hostRun = func(c *Caller, slots unsafe.Pointer) error

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	v128Type    = reflect.TypeFor[V128]()
)

// inspect finds out what a function of the type takes and returns.
func (g *goFunc) inspect(ty reflect.Type) error {
	if ty.IsVariadic() {
		return errorf(nil, "it takes any number of arguments, a WebAssembly function does not")
	}
	for i, in := range indexed(ty.NumIn(), ty.In) {
		switch {
		case i == 0 && in == callerType:
			g.form += withCaller
		case i == 0 && in == contextType:
			g.form += withContext
		case in == callerType:
			return errorf(nil, "parameter %d: a *Caller comes first", i+1)
		case in == contextType:
			return errorf(nil, "parameter %d: a context.Context comes first; beside a *Caller there is Caller.Context", i+1)
		default:
			if problem := notNumber(in); problem != "" {
				return errorf(nil, "parameter %d: %s", i+1, problem)
			}
			g.params = append(g.params, in)
		}
	}
	for i, out := range indexed(ty.NumOut(), ty.Out) {
		last := i == ty.NumOut()-1
		switch {
		case last && out == errorType:
			g.form += withError
		case last && out == trapType:
			g.form += withTrap
		case out == errorType || out == trapType:
			return errorf(nil, "result %d: an error comes last", i+1)
		default:
			if problem := notNumber(out); problem != "" {
				return errorf(nil, "result %d: %s", i+1, problem)
			}
			g.results = append(g.results, out)
		}
	}
	return nil
}

// indexed returns what at gives for 0 to n-1.
func indexed(n int, at func(int) reflect.Type) []reflect.Type {
	types := make([]reflect.Type, n)
	for i := range types {
		types[i] = at(i)
	}
	return types
}

// notNumber says why a Go type cannot be a parameter or a result; "" if it can.
func notNumber(ty reflect.Type) string {
	if _, ok := numberKind(ty); ok {
		return ""
	}
	switch ty.Kind() {
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return ty.String() + " has no size of its own, write int32, uint32, int64 or uint64"
	case reflect.String, reflect.Slice:
		return ty.String() + " is no number; a guest passes the offset in its memory and the length, see Caller.Memory"
	}
	return ty.String() + " is no number"
}

// numberKind returns the WebAssembly type of a Go type that is a number or vector.
func numberKind(ty reflect.Type) (ValKind, bool) {
	switch ty.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32:
		return KindI32, true
	case reflect.Int64, reflect.Uint64:
		return KindI64, true
	case reflect.Float32:
		return KindF32, true
	case reflect.Float64:
		return KindF64, true
	}
	return KindV128, ty == v128Type
}

func valTypes(types []reflect.Type) []*ValType {
	vals := make([]*ValType, len(types))
	for i, ty := range types {
		kind, _ := numberKind(ty)
		vals[i] = NewValType(kind)
	}
	return vals
}

// host makes the host function. sig is its signature.
func (g *goFunc) host(sig *FuncType) *hostFunc {
	run := g.direct()
	if run == nil {
		run = g.byReflection()
	}
	if params, results := narrowOnes(g.params), narrowOnes(g.results); params != nil || results != nil {
		run = narrowed(run, params, results)
	}
	return &hostFunc{sig, run}
}

// direct returns how to call the function without reflection, nil if its shape is none of the common ones.
//
// The call is that of a function with the same parameters and results but for their names and signs: int32 for a
// uint32 or an Offset. Where arguments and results are passed depends on the sizes of integers and floats only; so do
// the functions that the compiler makes of generic ones for all types of the same underlying type.
func (g *goFunc) direct() hostRun {
	if len(g.results) > 1 {
		return nil
	}
	var shape strings.Builder
	for _, ty := range g.params {
		shape.WriteByte(layout(ty))
	}
	shape.WriteByte('>')
	for _, ty := range g.results {
		shape.WriteByte(layout(ty))
	}
	variable := reflect.New(g.fn.Type())
	variable.Elem().Set(g.fn)
	return directly(variable.UnsafePointer(), g.form, shape.String())
}

// layout is how [directly] calls a type of number: by its size, and whether it is an integer.
func layout(ty reflect.Type) byte {
	switch ty.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return 'b'
	case reflect.Int32, reflect.Uint32:
		return 'i'
	case reflect.Int64, reflect.Uint64:
		return 'l'
	case reflect.Float32:
		return 'f'
	case reflect.Float64:
		return 'd'
	}
	return '?' // a vector, or an integer of 16 bits
}

// goFrame is what a call by reflection works with. It is used again.
type goFrame struct {
	caller *Caller
	ctx    context.Context
	// in are what the function is called with, and args and results where its numbers are.
	in            []reflect.Value
	args, results []reflect.Value
}

func (g *goFunc) newFrame() *goFrame {
	fr := &goFrame{}
	switch g.form.first() {
	case withCaller:
		fr.in = append(fr.in, reflect.ValueOf(&fr.caller).Elem())
	case withContext:
		fr.in = append(fr.in, reflect.ValueOf(&fr.ctx).Elem())
	}
	for _, ty := range g.params {
		fr.args = append(fr.args, reflect.New(ty).Elem())
	}
	for _, ty := range g.results {
		fr.results = append(fr.results, reflect.New(ty).Elem())
	}
	fr.in = append(fr.in, fr.args...)
	return fr
}

// byReflection returns how to call a function of any shape.
func (g *goFunc) byReflection() hostRun {
	frames := sync.Pool{New: func() any { return g.newFrame() }}
	return func(c *Caller, slots unsafe.Pointer) error {
		fr := frames.Get().(*goFrame)
		fr.caller = c
		if g.form.first() == withContext {
			fr.ctx = c.Context()
		}
		for i, arg := range fr.args {
			copyBytes(arg.Addr().UnsafePointer(), slot(slots, uintptr(i)), arg.Type().Size())
		}
		out := g.fn.Call(fr.in)
		if g.form.last() != 0 {
			if last := out[len(out)-1]; !last.IsNil() {
				return last.Interface().(error)
			}
		}
		for i, result := range fr.results {
			result.Set(out[i])
			copyBytes(slot(slots, uintptr(i)), result.Addr().UnsafePointer(), result.Type().Size())
		}
		fr.caller, fr.ctx = nil, nil
		frames.Put(fr)
		return nil
	}
}

func copyBytes(to, from unsafe.Pointer, n uintptr) {
	copy(unsafe.Slice((*byte)(to), n), unsafe.Slice((*byte)(from), n))
}

// narrow is a parameter or result that has fewer bits than an i32: its number, and its Go type.
type narrow struct {
	slot uintptr
	ty   reflect.Type
}

func narrowOnes(types []reflect.Type) (found []narrow) {
	for i, ty := range types {
		if ty.Size() < 4 {
			found = append(found, narrow{uintptr(i), ty})
		}
	}
	return found
}

// narrowed converts the i32 of narrow parameters and results before and after run, which looks at the low bits only.
func narrowed(run hostRun, params, results []narrow) hostRun {
	return func(c *Caller, slots unsafe.Pointer) error {
		for _, n := range params {
			if err := n.take(slots); err != nil {
				return err
			}
		}
		if err := run(c, slots); err != nil {
			return err
		}
		for _, n := range results {
			n.give(slots)
		}
		return nil
	}
}

// take makes sure that the low bits of an argument are all there is of it.
func (n narrow) take(slots unsafe.Pointer) error {
	p := (*int32)(slot(slots, n.slot))
	v, fits := *p, false
	switch n.ty.Kind() {
	case reflect.Bool:
		if v != 0 {
			*p = 1
		}
		fits = true
	case reflect.Int8:
		fits = v == int32(int8(v))
	case reflect.Uint8:
		fits = v == int32(uint8(v))
	case reflect.Int16:
		fits = v == int32(int16(v))
	case reflect.Uint16:
		fits = v == int32(uint16(v))
	}
	if !fits {
		return errorf(nil, "argument %d of the host function is %d, which is out of the range of %v", n.slot+1, v, n.ty)
	}
	return nil
}

// give makes an i32 of the low bits of a result.
func (n narrow) give(slots unsafe.Pointer) {
	p := slot(slots, n.slot)
	var v int32
	switch n.ty.Kind() {
	case reflect.Bool, reflect.Uint8:
		v = int32(*(*uint8)(p))
	case reflect.Int8:
		v = int32(*(*int8)(p))
	case reflect.Int16:
		v = int32(*(*int16)(p))
	case reflect.Uint16:
		v = int32(*(*uint16)(p))
	}
	*(*int32)(p) = v
}
