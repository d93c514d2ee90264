package wasmtime

import (
	"context"
	"math"
	"reflect"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/owner"
)

//go:generate go run ./internal/gen

// Scalar is a Go type that is a number or vector of WebAssembly: int32 and uint32 are i32, int64 and uint64 are i64.
type Scalar interface {
	int32 | uint32 | int64 | uint64 | float32 | float64 | V128
}

// None is the result of a function that returns nothing. [BindVoid1], [HostVoid1] and their like do without it.
type None struct{}

// Result is what a typed function returns: a scalar or [None].
type Result interface {
	Scalar | None
}

// kindOf returns the kind of a scalar type.
func kindOf[T any]() ValKind {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Int32, reflect.Uint32:
		return KindI32
	case reflect.Int64, reflect.Uint64:
		return KindI64
	case reflect.Float32:
		return KindF32
	case reflect.Float64:
		return KindF64
	}
	return KindV128
}

// resultKinds returns the kinds of the results that a Go result stands for: one, or none.
func resultKinds[T Result]() []ValKind {
	if reflect.TypeFor[T]() == reflect.TypeFor[None]() {
		return nil
	}
	return []ValKind{kindOf[T]()}
}

// typedFunc is what bound functions of any number of parameters have in common.
type typedFunc struct {
	state *state
	fn    [2]uint64
	slots uintptr
}

// errNotBound is for a bound function that is nil, or a zero value.
var errNotBound = errorf(ErrClosed, "nil bound function: make it with Bind1 and its like, or BindRaw")

// bind binds a function of the given signature.
func bind(store Storelike, f *Func, results []ValKind, params ...ValKind) (typedFunc, error) {
	return bindFunc(store, f, func(sig *FuncType) error {
		if !sameKinds(sig.params, params) || !sameKinds(sig.results, results) {
			return errorf(nil, "the function has type %v -> %v, not %v -> %v", sig.params, sig.results, params, results)
		}
		return nil
	})
}

// bindFunc binds a function whose signature passes a check, and makes room for its arguments.
func bindFunc(store Storelike, f *Func, check func(*FuncType) error) (typedFunc, error) {
	s, outermost, err := f.enter(store)
	if err != nil {
		return typedFunc{}, err
	}
	defer s.Leave(outermost)
	sig := f.signature()
	if err := check(sig); err != nil {
		return typedFunc{}, err
	}
	s.reserve(sig.slots())
	return typedFunc{s, [2]uint64(f.item.Raw[:2]), uintptr(sig.slots())}, nil
}

func sameKinds(types []*ValType, kinds []ValKind) bool {
	if len(types) != len(kinds) {
		return false
	}
	for i, ty := range types {
		if ty.kind != kinds[i] {
			return false
		}
	}
	return true
}

// failed ends a call that failed.
func (s *state) failed(call *ffi.Call, got owner.Result) (err error) {
	defer s.Finish(got == owner.Acquired, &err)
	return s.Failure(call.Failure())
}

// contextCall is a call of a bound function with a context: what begin took, and end gives back.
type contextCall struct {
	s         *state
	outermost bool
	within    callContext
}

// begin takes the store, and makes ctx the context of the call that follows.
func (f *typedFunc) begin(ctx context.Context) (call contextCall, err error) {
	s := f.state
	outermost, err := s.Enter()
	if err != nil {
		return contextCall{}, err
	}
	begun := false
	defer func() {
		if !begun { // also when a method of ctx panicked
			s.Leave(outermost)
		}
	}()
	s.lock.Identify() // for the call that follows
	within, err := s.begin(ctx)
	if err != nil {
		return contextCall{}, err
	}
	begun = true
	return contextCall{s, outermost, within}, nil
}

// end ends the call, which has ended with *err.
func (call contextCall) end(err *error) {
	defer call.s.Finish(call.outermost, err)
	call.within.end()
}

// Raw is one argument or result as the guest sees it: 128 bits, of which a number uses the lowest. Its zero value is
// 0 of every type.
type Raw struct{ slot ffi.Slot }

// RawI32 makes an i32.
func RawI32(n int32) Raw { return Raw{ffi.Slot{uint64(uint32(n))}} }

// RawI64 makes an i64.
func RawI64(n int64) Raw { return Raw{ffi.Slot{uint64(n)}} }

// RawF32 makes an f32.
func RawF32(f float32) Raw { return Raw{ffi.Slot{uint64(math.Float32bits(f))}} }

// RawF64 makes an f64.
func RawF64(f float64) Raw { return Raw{ffi.Slot{math.Float64bits(f)}} }

// RawV128 makes a v128.
func RawV128(v V128) Raw { return Raw{v128Slot(v)} }

// I32 reads an i32.
func (r Raw) I32() int32 { return int32(r.slot[0]) }

// I64 reads an i64.
func (r Raw) I64() int64 { return int64(r.slot[0]) }

// F32 reads an f32.
func (r Raw) F32() float32 { return math.Float32frombits(uint32(r.slot[0])) }

// F64 reads an f64.
func (r Raw) F64() float64 { return math.Float64frombits(r.slot[0]) }

// V128 reads a v128.
func (r Raw) V128() V128 { return slotV128(&r.slot) }

// RawFunc is a function bound for calls on a stack that the caller owns: no boxing, no reflection, no allocation.
// Like its store, it is used by one goroutine at a time.
type RawFunc struct{ typedFunc }

// BindRaw binds a function whose parameters and results are numbers and vectors. Any other signature is an error that
// wraps [ErrUnsupported]. See wasmtime::Func::call_unchecked.
func BindRaw(store Storelike, f *Func) (*RawFunc, error) {
	bound, err := bindFunc(store, f, func(sig *FuncType) error {
		if !sig.plain() {
			return errorf(ErrUnsupported, "a function with references in its signature cannot be bound: %v", ErrUnsupported)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &RawFunc{bound}, nil
}

// Slots returns how long the stack of a call has to be: the larger of the number of parameters and of results.
func (f *RawFunc) Slots() int {
	if f == nil {
		return 0
	}
	return int(f.slots)
}

// Call calls the function. stack holds the arguments and is overwritten with the results; their types are not
// checked, a wrong one is a wrong number, and of a result only the bits of its type are written. A stack shorter than
// [RawFunc.Slots] is an error. Errors and panics are as with [Func.Call].
func (f *RawFunc) Call(stack []Raw) error {
	if f == nil || f.state == nil {
		return errNotBound
	}
	if uintptr(len(stack)) < f.slots {
		return errorf(nil, "the stack has %d slots, the function needs %d", len(stack), f.slots)
	}
	s := f.state
	got := s.lock.Acquire()
	if got == owner.Busy {
		return s.refusal()
	}
	*s.entry = s
	if got == owner.Acquired && guests.crowded.Load() {
		if err := s.admitOutermost(); err != nil {
			return err
		}
	}
	call := s.call
	call.Func, call.Len = f.fn, f.slots
	slots := unsafe.Slice((*Raw)(call.Slots), f.slots)
	copy(slots, stack)
	if room := s.Room(); !call.Run(room) && !call.RunAgain(room) {
		return s.failed(call, got)
	}
	copy(stack, slots)
	if got == owner.Acquired && s.behind != nil {
		return s.finished()
	}
	s.Leave(got == owner.Acquired)
	return nil
}

// CallContext is Call with a context, as [Func.CallContext].
func (f *RawFunc) CallContext(ctx context.Context, stack []Raw) (err error) {
	if f == nil || f.state == nil {
		return errNotBound
	}
	call, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer call.end(&err)
	return f.Call(stack)
}
