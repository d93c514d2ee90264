package wasmtime

import (
	"context"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/owner"
)

// Func is a function of a guest or of the host. It belongs to a store. See wasmtime::Func.
type Func struct {
	state *state
	item  ffi.Item
	// sig is the signature, once it has been asked for.
	sig *FuncType
	// refused says why there is no such function; see NewFunc.
	refused error
}

func (s *state) funcOf(item ffi.Item) *Func { return &Func{state: s, item: item} }

func (f *Func) external() (*state, *ffi.Item) {
	if f == nil {
		return nil, nil
	}
	return f.state, &f.item
}

// enter enters the function's store, unless the function cannot be called at all.
func (f *Func) enter(store Storelike) (s *state, outermost bool, err error) {
	if f != nil && f.refused != nil {
		return nil, false, f.refused
	}
	return enterItem(store, f)
}

// Type returns the function's signature.
func (f *Func) Type(store Storelike) *FuncType {
	s, outermost := mustEnterItem(store, f)
	defer s.Leave(outermost)
	return f.signature()
}

// signature returns the signature. The store is entered.
func (f *Func) signature() *FuncType {
	if f.sig == nil {
		encoded, err := f.state.native.FuncType(f.item)
		if !err.IsNil() {
			panic(newError(err))
		}
		f.sig = (&typeReader{encoded}).fn()
	}
	return f.sig
}

// Call calls the function with any arguments, which are checked: int32, int64, float32, float64 and [V128] are
// numbers of these types, int is an i32 (if it has 32 bits, with or without a sign) or i64, uint32 an i32 and uint64
// an i64, [*Func] is a funcref, nil is null for every parameter that may be, a [Val] is what it is, anything else is an
// externref.
//
// The result is nil for no result, a Go value for one, and []Val for more; a result that Go cannot hold is an error
// that wraps [ErrUnsupported], see [Val]. The error is a [*Trap] if the guest trapped or was interrupted, and an
// [*Error] otherwise: one about an argument says which, counted from 1, what the parameter takes and what was given. A
// panic in a host function comes out of Call as it was, without the host function's stack; [runtime.Goexit] in one,
// which testing.T.FailNow calls too, ends the goroutine, and the store is lost.
//
// A call whose output a writer has not taken is an error as well, which wraps [ErrUnwritten] and what else the call has
// ended with: see [Store.InsertWriter]. If that is nothing, the result is there all the same.
//
// A function that is called often is bound with [Bind1] and its like, or with [BindRaw]. See
// wasmtime::Func::call.
func (f *Func) Call(store Storelike, args ...any) (any, error) {
	if result, done, err := f.callNumbers(store, args); done {
		return result, err
	}
	return f.call(nil, store, args)
}

// callNumbers is call for what most calls are: arguments that are the numbers that the parameters want, and at most one
// result, a number too. It has done nothing if it is not done.
func (f *Func) callNumbers(store Storelike, args []any) (result any, done bool, err error) {
	if f == nil || f.refused != nil || f.state == nil || stateOf(store) != f.state {
		return nil, false, nil
	}
	s := f.state
	got := s.lock.Acquire()
	if got == owner.Busy {
		return nil, true, s.refusal()
	}
	*s.entry = s
	if hasReturned(store) || !f.takesNumbers(args) {
		s.Leave(got == owner.Acquired)
		return nil, false, nil
	}
	if got == owner.Acquired && guests.crowded.Load() {
		if err := s.admitOutermost(); err != nil {
			return nil, true, err
		}
	}
	call := s.call
	call.Func, call.Len = [2]uint64(f.item.Raw[:2]), uintptr(f.sig.slots())
	if room := s.Room(); !call.Run(room) && !call.RunAgain(room) {
		return nil, true, s.failed(call, got)
	}
	if len(f.sig.results) == 1 {
		result = s.boxes.number(f.sig.results[0].kind, *(*uint64)(call.Slots))
	}
	if got == owner.Acquired {
		if s.behind != nil {
			return result, true, s.finished()
		}
		*s.entry = nil
		s.lock.Release()
	}
	return result, true, nil
}

// takesNumbers tells whether callNumbers can call the function, and writes the arguments into the frame. The store is
// entered. A function whose signature nobody has asked for yet is called the other way first.
func (f *Func) takesNumbers(args []any) bool {
	sig := f.sig
	if sig == nil || len(args) != len(sig.params) || len(sig.results) > 1 || len(sig.results) == 1 && !sig.results[0].isNumber() {
		return false
	}
	f.state.reserve(sig.slots())
	slots := f.state.call.Slots
	for i, ty := range sig.params {
		bits, ok := numberBits(ty.kind, args[i])
		if !ok {
			return false
		}
		*(*uint64)(slot(slots, uintptr(i))) = bits
	}
	return true
}

// numberBits returns the bits of an argument that is the number that a parameter of a kind wants.
func numberBits(kind ValKind, arg any) (bits uint64, ok bool) {
	switch n := arg.(type) {
	case int32:
		return uint64(uint32(n)), kind == KindI32
	case int64:
		return uint64(n), kind == KindI64
	case int:
		return uint64(n), kind == KindI64 || kind == KindI32 && int(int32(n)) == n
	case uint32:
		return uint64(n), kind == KindI32
	case uint64:
		return n, kind == KindI64
	case float64:
		return math.Float64bits(n), kind == KindF64
	case float32:
		return uint64(math.Float32bits(n)), kind == KindF32
	}
	return 0, false
}

// boxes are places for the numbers that calls return as values of type any, so that not each of them is an allocation.
type boxes struct {
	// left are the places that have not been used. None is used twice: what is in it is somebody's.
	left []uint64
}

// number returns a number of a kind as a Go value. The bits above its own are none of it.
func (b *boxes) number(kind ValKind, bits uint64) (v any) {
	if len(b.left) == 0 {
		b.left = make([]uint64, 16)
	}
	box := &b.left[0]
	*box = bits
	b.left = b.left[1:]
	switch kind {
	case KindI32:
		v = int32(0)
	case KindI64:
		v = int64(0)
	case KindF32:
		v = float32(0)
	case KindF64:
		v = float64(0)
	}
	// A value of type any is its type and a pointer to what it holds, which nobody changes any more. The machines that
	// there are archives for are little-endian: the lowest bytes of the box are the number.
	(*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] = unsafe.Pointer(box)
	return v
}

// CallContext is [Func.Call] with a context, if that is not nil: when it is done, the guest stops with a [*Trap] of
// code [Interrupt], which wraps the context's error and cause, also while it waits in a WASI call; a host function
// finds the context with [Caller.Context]. A context that can be cancelled needs an engine with
// [Config.SetEpochInterruption]; otherwise the error wraps [ErrNoEpochs]. With a context that is done already nothing
// is called, and the error is an [*Error] that wraps the context's. If no deadline was set for the store, it has none
// from now on.
//
// A call inside of this one, from a host function, ends with this context as well, also if it has a context of its own
// or none: its error then wraps that of whichever context ended, the innermost first.
//
// The guest stops at its next loop or call. A single instruction that works for long is finished first: memory.fill and
// memory.copy of 4 GiB take seconds, table.fill and table.copy of a large table may as well; [Store.SetLimits] bounds
// all of them. A host function is not stopped, it has to look at its context.
func (f *Func) CallContext(ctx context.Context, store Storelike, args ...any) (any, error) {
	return f.call(ctx, store, args)
}

func (f *Func) call(ctx context.Context, store Storelike, args []any) (result any, err error) {
	s, outermost, err := f.enter(store)
	if err != nil {
		return nil, err
	}
	defer s.Finish(outermost, &err)
	within, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer within.end()
	sig := f.signature()
	args, err = adaptArgs(args, sig)
	if err != nil {
		return nil, err
	}
	s.reserve(sig.slots())
	call := s.call
	call.Func = [2]uint64(f.item.Raw[:2])
	call.Len = uintptr(sig.slots())
	if sig.plain() {
		lowerPlain(call.Slots, args)
		if room := s.Room(); !call.Run(room) && !call.RunAgain(room) {
			return nil, s.Failure(call.Failure())
		}
		return liftPlain(call.Slots, sig.results), nil
	}
	return s.callChecked(call, sig, args)
}

// adaptArgs turns what nils, ints and unsigned integers are among the arguments into what the parameters want, and
// refuses what no parameter of its type takes. The slice stays as it is: it is the caller's.
func adaptArgs(args []any, sig *FuncType) ([]any, error) {
	if len(args) != len(sig.params) {
		return nil, errorf(nil, "expected %d arguments, got %d: the function's type is %s", len(sig.params), len(args), sig.text())
	}
	copied := false
	for i, arg := range args {
		adapted, err := adaptArg(arg, sig.params[i])
		if err != nil {
			return nil, argumentError(i, err)
		}
		if adapted == nil {
			continue
		}
		if !copied {
			args, copied = slices.Clone(args), true
		}
		args[i] = adapted
	}
	return args, nil
}

// argumentError says which of the arguments an error is about.
func argumentError(i int, err error) error { return errorf(err, "argument %d: %v", i+1, err) }

// adaptArg turns nil, an int or an unsigned integer into what a parameter wants. It returns nil for anything else,
// which stays what it is, and refuses what cannot be passed to the parameter at all.
func adaptArg(arg any, param *ValType) (any, error) {
	kind := param.kind
	if kind >= KindExternref && kind != KindV128 {
		return adaptRef(arg, param)
	}
	switch n := arg.(type) {
	case int:
		switch kind {
		case KindI32:
			if int64(n) < math.MinInt32 || int64(n) > math.MaxUint32 {
				return nil, errorf(nil, "%d does not fit in an i32", n)
			}
			return int32(n), nil
		case KindI64:
			return int64(n), nil
		}
	case uint32:
		if kind == KindI32 {
			return int32(n), nil
		}
	case uint64:
		if kind == KindI64 {
			return int64(n), nil
		}
	}
	return nil, mismatch(arg, param)
}

// adaptRef is adaptArg for a reference.
func adaptRef(arg any, param *ValType) (any, error) {
	if arg == nil && param.nullable {
		return ValNull(param), nil
	}
	if v, ok := arg.(Val); param.kind == KindOther && !(ok && v == ValNull(&ValType{param.kind, true, param.heap})) {
		return nil, errorf(ErrUnsupported, "only null can be passed as %v: %v", param.text(), ErrUnsupported)
	}
	if _, ok := arg.(int); ok && param.kind == KindExternref { // most likely meant to be a number
		return nil, mismatched(arg, param)
	}
	return nil, mismatch(arg, param)
}

// mismatch says that a Go value is none of a parameter's type; nil if it is, or if only the native library can tell.
func mismatch(arg any, param *ValType) error {
	switch v := valOf(arg); {
	case v.isNone():
		return errNoVal
	case v.val == any(foreignExternref{}):
		return errForeign
	case v.kind != param.kind, !param.plain() && !param.nullable && v.IsNull():
		return mismatched(arg, param)
	}
	return nil
}

// takes is what Go values the kinds of parameters take, besides a Val.
var takes = map[ValKind]string{
	KindI32:       "int32, uint32 and int",
	KindI64:       "int64, uint64 and int",
	KindF32:       "float32",
	KindF64:       "float64",
	KindV128:      "V128",
	KindFuncref:   "*Func",
	KindExternref: "what ValExternref makes of any Go value",
	KindOther:     "no Go value but null",
}

// mismatched is the error of mismatch.
func mismatched(arg any, param *ValType) error {
	given := fmt.Sprintf("a Go %T", arg)
	switch v, ok := arg.(Val); {
	case valOf(arg).IsNull():
		given = "null"
	case ok:
		given = fmt.Sprintf("a Val that is %v", v.kind)
	}
	return errorf(nil, "type mismatch: expected %s, found %s; %v takes %s", param.text(), given, param.kind, takes[param.kind])
}

// lowerPlain writes arguments, which are what the parameters want, into raw slots.
func lowerPlain(slots unsafe.Pointer, args []any) {
	for i, arg := range args {
		*(*ffi.Slot)(slot(slots, uintptr(i))) = valOf(arg).bits()
	}
}

// liftPlain reads results from raw slots.
func liftPlain(slots unsafe.Pointer, results []*ValType) any {
	switch len(results) {
	case 0:
		return nil
	case 1:
		return valOfBits(results[0].kind, (*ffi.Slot)(slots)).Get()
	}
	vals := make([]Val, len(results))
	for i, ty := range results {
		vals[i] = valOfBits(ty.kind, (*ffi.Slot)(slot(slots, uintptr(i))))
	}
	return vals
}

// callChecked makes a call whose arguments the native library checks.
func (s *state) callChecked(call *ffi.Call, sig *FuncType, args []any) (any, error) {
	vals := make([]ffi.Val, max(len(args), len(sig.results)))
	for i, arg := range args {
		var err error
		if vals[i], err = s.lower(valOf(arg)); err != nil {
			for j := range i {
				s.unlower(&vals[j])
			}
			return nil, argumentError(i, err)
		}
	}
	if !call.RunChecked(s.Room(), vals, len(args)) {
		return nil, s.Failure(call.Failure())
	}
	results := make([]Val, len(sig.results))
	for i := range results {
		var err error
		if results[i], err = s.lift(&vals[i]); err != nil {
			return nil, err
		}
	}
	switch len(results) {
	case 0:
		return nil, nil
	case 1:
		return results[0].Get(), nil
	}
	return results, nil
}
