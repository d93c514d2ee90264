package component

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// HostFunc is a Go function that components can call, made by [HostFunc2] and its like and given to them by
// [LinkerInstance.Func]. It can be given to any number of linkers; the Go function is then called by whichever
// goroutines run the components. An error that it returns becomes what [LinkerInstance.Func] says. A function of more
// parameters than [HostFunc8] has is given to LinkerInstance.Func as it is.
type HostFunc struct{ fn *goFunc }

// goFunc is a Go function that is not bound to a WIT type yet.
type goFunc struct {
	// params is a struct of the parameters, and result the type of the result, nil if there is none.
	params, result reflect.Type
	// run serves a call.
	run hostRun
}

// hostRun serves a call of a component with a Go function. s is the store, which is entered.
type hostRun = func(c *wasmtime.Caller, b *boundHost, s *state, call *ffi.ComponentHostCall) error

// boundHost is a Go function bound to the WIT type with which one component calls it.
type boundHost struct {
	fn *goFunc
	// name are the names that lead to the import, for errors.
	name    []string
	params  *canon.Plan
	outcome outcome
	// plainParams and plainResult say that these are numbers: so many bytes.
	plainParams, plainResult bool
	nparams, nresult         uint32
}

// host binds a Go function to a WIT type.
func (p *plans) host(fn *goFunc, f *canon.Func) (*boundHost, error) {
	if err := unsupported(f); err != nil {
		return nil, err
	}
	if f.Async {
		return nil, errorf(wasmtime.ErrUnsupported, "%v is async, which is %v yet for what a component imports", f.Short(), wasmtime.ErrUnsupported)
	}
	if got, want := fn.params.NumField(), len(f.Params); got != want {
		return nil, mismatch("WIT has %s, Go has a function of %s", f.Short(), count(got, "parameter"))
	}
	params, err := p.Params(fn.params, f, canon.Decode)
	if err != nil {
		return nil, err
	}
	result, err := p.outcome(fn.result, f, canon.Encode)
	if err != nil {
		return nil, err
	}
	b := &boundHost{fn: fn, params: params, outcome: result}
	b.nparams, b.plainParams = params.Plain()
	if result.wit != nil && !result.split {
		b.nresult, b.plainResult = result.plan.Plain()
	}
	return b, nil
}

// decode reads the parameters into a struct of them.
func (b *boundHost) decode(s *state, call *ffi.ComponentHostCall, params unsafe.Pointer) error {
	if b.plainParams && uintptr(b.nparams) <= call.Len {
		canon.Copy(params, call.MessageStart(), b.nparams)
		return nil
	}
	v := s.read(call.Message()[:call.Len])
	if err := s.readTo(b.params.Decode(v, 0, params)); err != nil {
		return b.valueError(err)
	}
	return nil
}

// encode writes the result, or the error that the function returned. What it returns ends the guest.
func (b *boundHost) encode(s *state, call *ffi.ComponentHostCall, result unsafe.Pointer, failed error) error {
	if failed == nil && b.plainResult && uintptr(b.nresult) <= call.Capacity() {
		canon.Copy(call.MessageStart(), result, b.nresult)
		call.Len = uintptr(b.nresult)
		return nil
	}
	o := &b.outcome
	if failed != nil && !o.takes(failed) {
		return b.failed(failed)
	}
	if o.wit == nil {
		call.Len = 0
		return nil
	}
	var given any
	if failed != nil {
		given = o.given(failed)
	}
	m := &s.answer
	s.answering = call
	m.Reset(call.Message(), false)
	s.handed = s.handed[:0]
	mark := s.table.mark()
	err := o.encode(m, result, failed != nil, given)
	if err == nil {
		err = s.table.exceeded
	}
	s.table.exceeded = nil
	if err != nil {
		s.table.strand(mark)
		return b.valueError(err)
	}
	s.table.settle(mark)
	call.Len = uintptr(m.Len())
	return nil
}

// valueError makes an error of what is wrong with a parameter or the result of a call.
func (b *boundHost) valueError(err error) error {
	return errorf(causeOf(err), "%s: %v", strings.Join(b.name, "#"), err)
}

// failed is the error of a function that ends the guest, with the function's name. A trap is one as it is.
func (b *boundHost) failed(err error) error {
	if _, trap := err.(*wasmtime.Trap); trap {
		return err
	}
	return fmt.Errorf("%s: %w", strings.Join(b.name, "#"), err)
}

// hostFuncs finds host functions, and destructors. A function stays until the native library says that nobody needs it,
// as long as Go reaches an InstancePre that has it, or a store in which something of that is: these keep it, and
// nothing else does, so that it may lead back to any of them.
var hostFuncs registry.Registry[boundHost]

func init() {
	ffi.OnComponentFuncGone = hostFuncs.Remove
	ffi.OnComponentHostCall(onHostCall)
}

// onHostCall serves every call of a component to the host.
func onHostCall(call *ffi.ComponentHostCall) {
	if trap := bridge.Entered(call.Data).Host(serve, unsafe.Pointer(call)); !trap.IsNil() {
		call.SetTrap(trap)
	}
}

// serve runs the host function of a call.
func serve(store bridge.Store, caller any, frame unsafe.Pointer) error {
	c, call := caller.(*wasmtime.Caller), (*ffi.ComponentHostCall)(frame)
	s := stateOf(store)
	b := s.host(call.Env)
	return b.fn.run(c, b, s, call)
}

// lead is what comes before the parameters of a Go function.
type lead int

const (
	nothing lead = iota
	callerFirst
	contextFirst
)

var (
	callerType  = reflect.TypeFor[*wasmtime.Caller]()
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	trapType    = reflect.TypeFor[*wasmtime.Trap]()
)

// reflected is a Go function whose type is known by reflection.
type reflected struct {
	// call calls it by reflection, and direct, if it is not nil, without: see bridge.Direct.
	call   func(in []reflect.Value) []reflect.Value
	direct func(caller any, slots *ffi.Slot) error
	// self is how many parameters come before what is given by the host, which lead says.
	self int
	lead lead
	// params is the struct of the parameters.
	params reflect.Type
	result reflect.Type
	fails  bool
	frames sync.Pool
}

// goFuncOf makes a function of any Go function. Of its parameters, the first self are followed by the caller or the
// context, if it wants one.
func goFuncOf(fn reflect.Value, self int) (*goFunc, error) {
	if fn.Kind() != reflect.Func {
		if !fn.IsValid() {
			return nil, fmt.Errorf("nil is no function")
		}
		return nil, fmt.Errorf("a value of type %v is no function", fn.Type())
	}
	if fn.IsNil() {
		return nil, isNil(fn.Type().String())
	}
	r, err := reflectedOf(fn.Type(), self, fn.Call)
	if err != nil {
		return nil, err
	}
	if self == 0 {
		r.direct = bridge.Direct(fn)
	}
	return r.goFunc(), nil
}

// reflectedOf is goFuncOf for a type and a way to call it.
func reflectedOf(t reflect.Type, self int, call func([]reflect.Value) []reflect.Value) (*reflected, error) {
	r := &reflected{call: call, self: self}
	if t.IsVariadic() {
		return nil, fmt.Errorf("a %v takes any number of arguments, a WIT function does not", t)
	}
	var fields []reflect.StructField
	for i := range t.NumIn() {
		in := t.In(i)
		switch {
		case i == self && in == callerType:
			r.lead = callerFirst
		case i == self && in == contextType:
			r.lead = contextFirst
		case in == callerType || in == contextType:
			return nil, fmt.Errorf("a %v: a *Caller or a context.Context comes first, and there is one of them", t)
		default:
			fields = append(fields, reflect.StructField{Name: fmt.Sprintf("P%d", len(fields)+1), Type: in})
		}
	}
	outs := t.NumOut()
	if outs > 0 && (t.Out(outs-1) == errorType || t.Out(outs-1) == trapType) {
		r.fails = true
		outs--
	}
	switch {
	case outs > 1:
		return nil, fmt.Errorf("a %v: a WIT function has one result, which may be a tuple, and an error comes last", t)
	case outs == 1:
		r.result = t.Out(0)
	}
	r.params = reflect.StructOf(fields)
	r.frames.New = func() any { return r.newFrame() }
	return r, nil
}

func (r *reflected) goFunc() *goFunc { return &goFunc{r.params, r.result, r.run} }

// reflectedFrame is what a call by reflection works with. It is used again.
type reflectedFrame struct {
	caller *wasmtime.Caller
	ctx    context.Context
	// in are what the function is called with.
	in             []reflect.Value
	params, result reflect.Value
	// slots are for a direct call.
	slots []ffi.Slot
}

func (r *reflected) newFrame() *reflectedFrame {
	fr := &reflectedFrame{params: reflect.New(r.params).Elem()}
	for i := range r.params.NumField() + 1 {
		if i == r.self {
			switch r.lead {
			case callerFirst:
				fr.in = append(fr.in, reflect.ValueOf(&fr.caller).Elem())
			case contextFirst:
				fr.in = append(fr.in, reflect.ValueOf(&fr.ctx).Elem())
			}
		}
		if i < r.params.NumField() {
			fr.in = append(fr.in, fr.params.Field(i))
		}
	}
	if r.result != nil {
		fr.result = reflect.New(r.result).Elem()
	}
	if r.direct != nil {
		fr.slots = make([]ffi.Slot, max(1, r.params.NumField()))
	}
	return fr
}

// call calls the function with the parameters of the frame. Its result is in the frame then.
func (fr *reflectedFrame) call(r *reflected, c *wasmtime.Caller) (failed error) {
	if r.direct != nil {
		return fr.callDirectly(r, c)
	}
	fr.caller = c
	if r.lead == contextFirst {
		fr.ctx = c.Context()
	}
	out := r.call(fr.in)
	if r.fails {
		if last := out[len(out)-1]; !last.IsNil() {
			failed = last.Interface().(error)
		}
	}
	if r.result != nil {
		fr.result.Set(out[0])
	}
	fr.caller, fr.ctx = nil, nil
	return failed
}

// callDirectly is call without reflection.
func (fr *reflectedFrame) callDirectly(r *reflected, c *wasmtime.Caller) error {
	for i := range fr.params.NumField() {
		field := fr.params.Field(i)
		copyNumber(unsafe.Pointer(&fr.slots[i]), field.Addr().UnsafePointer(), field.Type().Size())
	}
	err := r.direct(c, &fr.slots[0])
	if err == nil && r.result != nil {
		copyNumber(fr.result.Addr().UnsafePointer(), unsafe.Pointer(&fr.slots[0]), r.result.Size())
	}
	return err
}

func copyNumber(to, from unsafe.Pointer, size uintptr) {
	copy(unsafe.Slice((*byte)(to), size), unsafe.Slice((*byte)(from), size))
}

func (r *reflected) run(c *wasmtime.Caller, b *boundHost, s *state, call *ffi.ComponentHostCall) error {
	fr := r.frames.Get().(*reflectedFrame)
	if err := b.decode(s, call, fr.params.Addr().UnsafePointer()); err != nil {
		return err
	}
	failed := fr.call(r, c)
	var result unsafe.Pointer
	if r.result != nil {
		result = fr.result.Addr().UnsafePointer()
	}
	err := b.encode(s, call, result, failed)
	fr.params.SetZero()
	if r.result != nil {
		fr.result.SetZero()
	}
	r.frames.Put(fr)
	return err
}

// newHostFunc makes a typed host function. params is a struct of its parameters.
func newHostFunc(params, result reflect.Type, run hostRun) HostFunc {
	return HostFunc{&goFunc{params, result, run}}
}
