package component

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/canon"
)

// plans are how values cross for the functions of a component, linked to some resources of the host.
type plans struct {
	*canon.Planner
	// defs are what the component's resources are in Go, nil for those that a guest defines.
	defs []*resourceDef
}

// plansFor returns the plans of the component for its resources, those of before if they were the same.
func (c *Component) plansFor(defs []*resourceDef) *plans {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planned == nil || !slices.Equal(c.planned.defs, defs) {
		c.planned = &plans{canon.NewPlanner(&handles{defs}, dynamic), defs}
	}
	return c.planned
}

// typeError makes an error of one that package canon returned about types or values.
func typeError(err error) error {
	if err == nil {
		return nil
	}
	return errorf(causeOf(err), "%v", err)
}

// causeOf is what an error wraps that is about types or values.
func causeOf(err error) error {
	var value *canon.ValueError
	var typed *canon.TypeError
	switch {
	case err == errMissing:
		return ErrMissing
	case errors.As(err, &value) && value.Err != nil:
		return value.Err
	case errors.As(err, &value):
		return ErrValue
	case errors.As(err, &typed):
		return ErrType
	}
	return errors.Unwrap(err)
}

// mismatched is a type error that names the types by itself.
type mismatched struct{ text string }

// Error says what does not fit.
func (m mismatched) Error() string { return m.text }

// Unwrap returns ErrType.
func (mismatched) Unwrap() error { return ErrType }

func mismatch(format string, args ...any) error { return mismatched{fmt.Sprintf(format, args...)} }

// unsupported is the error of a function that has in its type what cannot cross yet; nil if it has not.
func unsupported(f *canon.Func) error {
	if t := f.Unsupported(); t != nil {
		return errorf(wasmtime.ErrUnsupported, "%v has a %v, which is %v yet", f.Short(), Kind(t.Kind), wasmtime.ErrUnsupported)
	}
	return nil
}

// outcome is how the result of a WIT function is one of a Go function.
type outcome struct {
	plans *plans
	// wit is the type of the result; nil if there is none.
	wit *canon.Type
	// plan is that of the whole result; or, if split is set, of the value of its case ok. It is nil if there is none.
	plan *canon.Plan
	// split says that a result<T, E> is a T and an error.
	split bool
}

// outcome finds out how the result of a function is a value of a Go type, which is nil for none, and an error.
func (p *plans) outcome(t reflect.Type, f *canon.Func, dir canon.Dir) (o outcome, err error) {
	if t != nil && isNone(t) {
		t = nil
	}
	o = outcome{plans: p, wit: f.Result}
	wit := f.Result
	switch {
	case wit == nil && t != nil:
		return o, mismatch("result: WIT has none, Go has %v", t)
	case wit == nil:
		return o, nil
	case wit.Kind == canon.Result && (t == nil || !isResult(t)):
		o.split = true
		wit = wit.Ok()
	}
	switch {
	case t == nil && wit != nil:
		return o, mismatch("result: WIT has %v, Go has none", wit)
	case t != nil && wit == nil && t != anyType && dir == canon.Encode:
		return o, mismatch("result: WIT has %v, Go has %v: it has no value if it is ok, an error alone stands for it", f.Result, t)
	case t != nil && wit == nil && t != anyType:
		return o, mismatch("result: WIT has %v, Go has %v: it has no value if it is ok, and is bound by BindVoid0 and its like", f.Result, t)
	case wit != nil:
		o.plan, err = p.Plan(t, wit, dir)
	}
	return o, canon.In("result", err)
}

// decode reads the result that a guest has returned. value points at a Go value of the type, and is nil for none.
func (o *outcome) decode(v *canon.View, value unsafe.Pointer) error {
	switch {
	case o.wit == nil:
		return nil
	case !o.split:
		return canon.In("result", o.plan.Decode(v, 0, value))
	}
	failed, err := v.Case(0, o.wit)
	switch {
	case err != nil:
		return canon.In("result", err)
	case failed == 0 && o.plan != nil:
		return canon.In("result", o.plan.Decode(v, o.wit.Payload, value))
	case failed == 0:
		return nil
	}
	e := &ResultError{}
	if t := o.wit.Err(); t != nil {
		if e.Value, err = o.plans.DecodeAny(v, o.wit.Payload, t); err != nil {
			return canon.In("result", err)
		}
	}
	return e
}

// list returns the memory of a slice that is the result, if its numbers may be written there before they are decoded.
func (o *outcome) list(value unsafe.Pointer) []byte {
	if o.plan == nil || o.split {
		return nil
	}
	return o.plan.List(value)
}

// newList is list for a slice that is made now, with room for n numbers.
func (o *outcome) newList(value unsafe.Pointer, n int) []byte {
	o.plan.MakeList(value, n)
	return o.plan.List(value)
}

// trim ends the slice that is the result at its last number. It returns how many there are, if newList is worth it.
func (o *outcome) trim(value unsafe.Pointer) int {
	if o.plan == nil || o.split {
		return 0
	}
	return o.plan.TrimList(value)
}

// encode writes the result that a host function has returned, of which there is one: if it has failed, what given has
// made of its error. value is as for decode.
func (o *outcome) encode(m *canon.Message, value unsafe.Pointer, failed bool, given any) error {
	if !o.split {
		return canon.In("result", o.plan.EncodeFirst(m, value))
	}
	if _, err := m.Block(o.wit.Size, o.wit.Align); err != nil {
		return err
	}
	if failed {
		m.PutCase(0, o.wit, 1)
		return o.encodeError(m, given)
	}
	m.PutCase(0, o.wit, 0)
	if o.plan == nil {
		return nil
	}
	return canon.In("result", o.plan.Encode(m, o.wit.Payload, value))
}

// takes tells whether an error is for the guest: whether it can be an err of the result.
func (o *outcome) takes(err error) bool {
	if _, trap := err.(*wasmtime.Trap); trap || !o.split {
		return false
	}
	e := o.wit.Err()
	if e == nil || e.Kind == canon.String {
		return true
	}
	_, ok := o.errorValue(err)
	return ok
}

// errorValue finds the value that an error is as an E.
func (o *outcome) errorValue(err error) (any, bool) {
	var given *ResultError
	if errors.As(err, &given) {
		return given.Value, true
	}
	if value, ok := o.searchError(err); ok {
		return value, true
	}
	if name, ok := wasiErrorCode(o.wit.Err(), err); ok {
		return name, true
	}
	return nil, false
}

// searchError finds the first error of a tree whose Go type stands for E. An integer has to say so by its names: there
// are numbers of errors that mean something else.
func (o *outcome) searchError(err error) (any, bool) {
	t := reflect.TypeOf(err)
	_, named := err.(interface{ WitNames() []string })
	if kind := t.Kind(); named || kind < reflect.Int || kind > reflect.Uintptr {
		if _, failed := o.plans.Plan(t, o.wit.Err(), canon.Encode); failed == nil {
			return err, true
		}
	}
	switch inner := err.(type) {
	case interface{ Unwrap() error }:
		if next := inner.Unwrap(); next != nil {
			return o.searchError(next)
		}
	case interface{ Unwrap() []error }:
		for _, next := range inner.Unwrap() {
			if value, ok := o.searchError(next); ok {
				return value, true
			}
		}
	}
	return nil, false
}

// given is what an error that the result takes is as an E. The error's methods are the program's, and may call into the
// store: so they are called before the message is begun.
func (o *outcome) given(failed error) any {
	if o.wit.Err() == nil {
		return nil
	}
	value, ok := o.errorValue(failed)
	if !ok {
		// It may be about bytes that are no text, and a guest that gets an error is better than one that ends.
		value = strings.ToValidUTF8(failed.Error(), string(utf8.RuneError))
	}
	return value
}

// encodeError writes what given has returned.
func (o *outcome) encodeError(m *canon.Message, value any) error {
	t := o.wit.Err()
	if t == nil {
		return nil
	}
	return canon.In("error", o.plans.EncodeAny(m, o.wit.Payload, t, value))
}
