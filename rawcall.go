package wasmtime

import (
	"context"
	"math"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/owner"
)

// Raw is one argument or result as the guest sees it: 128 bits, of which a number uses the lowest. Its zero value is 0 of
// every type.
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

// RawFunc is a function bound for calls on a stack that the caller owns: no boxing, no reflection, no allocation. Like its
// store, it is used by one goroutine at a time.
type RawFunc struct{ typedFunc }

// BindRaw binds a function whose parameters and results are numbers and vectors. Any other signature is an error that wraps
// [ErrUnsupported]. See wasmtime::Func::call_unchecked.
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
func (f *RawFunc) Slots() int { return int(f.slots) }

// Call calls the function. stack holds the arguments and is overwritten with the results; their types are not checked, a
// wrong one is a wrong number, and of a result only the bits of its type are written. A stack shorter than [RawFunc.Slots] is an
// error. Errors and panics are as with [Func.Call].
func (f *RawFunc) Call(stack []Raw) error {
	if uintptr(len(stack)) < f.slots {
		return errorf(nil, "the stack has %d slots, the function needs %d", len(stack), f.slots)
	}
	s := f.state
	got := s.lock.Acquire()
	if got == owner.Busy {
		return s.refusal()
	}
	*s.entry = s
	call := s.call
	call.Func, call.Len = f.fn, f.slots
	slots := unsafe.Slice((*Raw)(call.Slots), f.slots)
	copy(slots, stack)
	if room := s.room(); !call.Run(room) && !call.RunAgain(room) {
		return f.failed(call, got)
	}
	copy(stack, slots)
	s.leave(got == owner.Acquired)
	return nil
}

// CallContext is Call with a context, as [Func.CallContext].
func (f *RawFunc) CallContext(ctx context.Context, stack []Raw) error {
	stop, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return f.Call(stack)
}
