package component

import (
	"fmt"
	"reflect"

	"github.com/gowasmtime/wasmtime/internal/canon"
)

// Option is an option<T>: a value, or none. Its zero value is none. A *T says the same, and is shorter; where options
// nest, or many small ones should not be allocated, this one is better.
type Option[T any] struct {
	_     canon.OptionTag
	value T
	some  bool
}

// Some makes an option that has a value.
func Some[T any](value T) Option[T] { return Option[T]{value: value, some: true} }

// None makes an option without a value.
func None[T any]() Option[T] { return Option[T]{} }

// Get returns the value, and whether there is one.
func (o Option[T]) Get() (value T, some bool) { return o.value, o.some }

// Or returns the value, or another if there is none.
func (o Option[T]) Or(other T) T {
	if o.some {
		return o.value
	}
	return other
}

// String writes some(value) or none.
func (o Option[T]) String() string {
	if o.some {
		return fmt.Sprintf("some(%v)", o.value)
	}
	return "none"
}

// Result is a result<T, E>: the value of its case ok, or that of its case err. A case without a value has struct{}. Its
// zero value is ok with the zero value of T.
type Result[T, E any] struct {
	_      canon.ResultTag
	ok     T
	err    E
	failed bool
}

// Ok makes a result that is ok.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: value} }

// Err makes a result that is an error.
func Err[T, E any](value E) Result[T, E] { return Result[T, E]{err: value, failed: true} }

// IsOk tells whether the result is ok.
func (r Result[T, E]) IsOk() bool { return !r.failed }

// Ok returns the value of the case ok, and whether the result is that.
func (r Result[T, E]) Ok() (value T, ok bool) { return r.ok, !r.failed }

// Err returns the value of the case err, and whether the result is that.
func (r Result[T, E]) Err() (value E, failed bool) { return r.err, r.failed }

// Get returns the result as Go functions do. The error is the value of the case err if that is an error, otherwise a
// [*ResultError] with it.
func (r Result[T, E]) Get() (T, error) {
	if !r.failed {
		return r.ok, nil
	}
	if err, ok := any(r.err).(error); ok {
		return r.ok, err
	}
	return r.ok, &ResultError{valueOf(r.err)}
}

// valueOf is the value of a case, nil for one that has none.
func valueOf(value any) any {
	if _, none := value.(struct{}); none {
		return nil
	}
	return value
}

// String writes ok(value) or err(value).
func (r Result[T, E]) String() string {
	name, value := "ok", valueOf(r.ok)
	if r.failed {
		name, value = "err", valueOf(r.err)
	}
	if value == nil {
		return name
	}
	return fmt.Sprintf("%s(%v)", name, value)
}

// Variant is a value of any variant: the name of its case in WIT, and the case's value, nil if it has none. Where the
// variant is known, an interface with a type for each case reads better:
//
//	type Shape interface{ shape(shapes) }
//
//	type shapes struct { // the cases: circle(f32), box(size), empty
//		Circle Circle
//		Box    Box
//		None   None `wit:"empty"`
//	}
//
//	type Circle float32
//	type Box struct{ Width, Height uint32 }
//	type None struct{}
//
//	func (Circle) shape(shapes) {}
//	func (Box) shape(shapes)    {}
//	func (None) shape(shapes)   {}
//
// The interface has one method, of any name, that takes the struct of all cases. A case is the Go type of its value,
// or a struct whose only field is called Value; one without a value is a struct without fields.
type Variant struct {
	_     canon.VariantTag
	Case  string
	Value any
}

// String writes the case, and its value in parentheses.
func (v Variant) String() string {
	if v.Value == nil {
		return v.Case
	}
	return fmt.Sprintf("%s(%v)", v.Case, v.Value)
}

// Tuple2 is a tuple of two values. Every other struct with as many fields will do.
type Tuple2[A, B any] struct {
	A A
	B B
}

// Tuple3 is a tuple of three values.
type Tuple3[A, B, C any] struct {
	A A
	B B
	C C
}

// Tuple4 is a tuple of four values.
type Tuple4[A, B, C, D any] struct {
	A A
	B B
	C C
	D D
}

// dynamic are the types of values where a Go type is any.
var dynamic = canon.Dynamic{
	Variant: reflect.TypeFor[Variant](),
	Option:  reflect.TypeFor[Option[any]](),
	Result:  reflect.TypeFor[Result[any, any]](),
}

// isResult tells whether a Go type is a Result.
func isResult(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 4 && t.Field(0).Type == reflect.TypeFor[canon.ResultTag]()
}

// isNone tells whether a Go type stands for no value: a struct without fields.
func isNone(t reflect.Type) bool { return t.Kind() == reflect.Struct && t.NumField() == 0 }
