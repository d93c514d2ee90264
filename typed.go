package wasmtime

import (
	"context"
	"reflect"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/owner"
)

//go:generate go run ./internal/gen

// Scalar is a Go type that is a number or vector of WebAssembly: int32 and uint32 are i32, int64 and uint64 are i64.
type Scalar interface {
	int32 | uint32 | int64 | uint64 | float32 | float64 | V128
}

// None is the result of a function that returns nothing.
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
	if f == nil {
		return typedFunc{}, errNilFunc
	}
	s, outermost, err := enterItem(store, f.state)
	if err != nil {
		return typedFunc{}, err
	}
	defer s.leave(outermost)
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
func (f *typedFunc) failed(call *ffi.Call, got owner.Result) error {
	defer f.state.leave(got == owner.Acquired)
	return f.state.failure(call.Failure())
}

// begin takes the store and watches ctx; stop ends both.
func (f *typedFunc) begin(ctx context.Context) (stop func(), err error) {
	s := f.state
	outermost, err := s.enter()
	if err != nil {
		return nil, err
	}
	s.lock.Identify() // for the call that follows
	unwatch, err := s.watch(ctx)
	if err != nil {
		s.leave(outermost)
		return nil, err
	}
	return func() {
		unwatch()
		s.leave(outermost)
	}, nil
}
