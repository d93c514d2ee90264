package component

import (
	"context"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Func is an exported function of an instance. It belongs to a store, and is used as that is. See
// wasmtime::component::Func.
type Func struct {
	handle registry.Handle[ffi.ComponentFunc]
	state  *state
	native ffi.ComponentFunc
	fn     *canon.Func
	plans  *plans
	name   string
	// results is the outcome of Call, once it has been made.
	results *outcome
}

// Name returns the full name, with the instance before a #, as the component has it.
func (f *Func) Name() string { return notNil(f, "function").name }

// Type returns the function's type.
func (f *Func) Type() *FuncType { return &FuncType{notNil(f, "function").fn} }

// Call calls the function with any arguments, which are checked: Go values by the table at the top of this package;
// numbers of any Go type whose value fits exactly; for a record also a map[string]any; for a tuple, a list or a map any
// slice, array or map; for a variant a [Variant]; for an enum the name of the case as a string; for flags a []string of
// names; for an option nil or the value, or an [Option]; for a result a [Result].
//
// The result is nil if there is none, and otherwise: a slice such as []string or []byte for a list of what has a Go
// type of its own, otherwise a []any; a map[string]any for a record; a []any for a tuple; a map; a [Variant]; a string
// for an enum, a []string for flags; nil or the value for an option, an [Option] of any for an option of an option; a
// rune for a char. A result<T, E> of the function is the value of its case ok, nil if that has none, or a
// [*ResultError]; further inside it is a [Result] of any and any.
//
// When ctx is done, the guest stops with a [*wasmtime.Trap] of code [wasmtime.Interrupt], and no component of the store
// can be used any more: [ErrUnusable]. A ctx that can be cancelled needs an engine with
// [wasmtime.Config.SetEpochInterruption]; nil is no context. All that is said of contexts at
// [wasmtime.Func.CallContext] holds here.
//
// An argument that does not fit is a [*wasmtime.Error] that wraps [ErrType] or [ErrValue] and says where, and so is a
// wrong number of them; nothing is called then, and everything stays as it was. A trap is a [*wasmtime.Trap], and
// everything else a [*wasmtime.Error]. A panic in a host function comes out of Call as it was; [runtime.Goexit] in one
// ends the goroutine, and the store is lost.
//
// A function that is called often is bound with [Bind1] and its like. See wasmtime::component::Func::call.
func (f *Func) Call(ctx context.Context, args ...any) (result any, err error) {
	err = f.invoke(ctx, args, func(v *canon.View) error {
		if f.results == nil {
			o, err := f.plans.outcome(f.dynamicResult(), f.fn, canon.Decode)
			if err != nil {
				return err
			}
			f.results = &o
		}
		return f.results.decode(v, unsafe.Pointer(&result))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// CallText is [Func.Call] with arguments and a result as text in WAVE, which is how WIT's values are written: args is
// what stands between the parentheses of a call, such as {x: 1, y: 2}, some("a"). The result is "" if there is none; a
// result<T, E> is ok(…) or err(…), and no error. Options at the end of args may be left out. Resources have no text.
func (f *Func) CallText(ctx context.Context, args string) (result string, err error) {
	if f == nil || f.state == nil {
		return "", isNil("function")
	}
	call, err := canon.ParseArgs(args)
	if err != nil {
		return "", typeError(err)
	}
	values, err := f.plans.Args(call, f.fn)
	if err != nil {
		return "", typeError(err)
	}
	err = f.invoke(ctx, values, func(v *canon.View) error {
		if f.fn.Result != nil {
			result, err = v.FormatWave(0, f.fn.Result)
		}
		return err
	})
	return result, err
}

// invoke calls the function with arguments of any types, and then got with its results.
func (f *Func) invoke(ctx context.Context, args []any, got func(*canon.View) error) (err error) {
	if f == nil || f.state == nil {
		return isNil("function")
	}
	s := f.state
	within, err := s.store.EnterCall(ctx)
	if err != nil {
		return err
	}
	defer func() { err = s.store.LeaveCall(within, err) }()
	if len(args) != len(f.fn.Params) {
		return errorf(ErrType, "%s takes %s, and was given %d: it is a %v", f.name, count(len(f.fn.Params), "argument"), len(args),
			f.fn.Short())
	}
	m, mark := s.begin(f)
	_, err = m.Block(f.fn.Size, f.fn.Align)
	for i := 0; err == nil && i < len(args); i++ {
		p := &f.fn.Params[i]
		if err = f.plans.EncodeAny(m, p.Offset, p.Type, args[i]); err != nil {
			err = canon.In("argument "+strconv.Itoa(i+1)+" ("+p.Name+")", err)
		}
	}
	if err != nil {
		s.table.takeBack(mark)
		m.Unpin()
		return f.argumentError(err)
	}
	v, err := s.run(f, mark, nil)
	if err != nil {
		return err
	}
	return resultError(s.readTo(got(v)))
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// dynamicResult is the Go type of what Call returns: any, or nil for no result.
func (f *Func) dynamicResult() reflect.Type {
	t := f.fn.Result
	if t == nil || t.Kind == canon.Result && t.Ok() == nil {
		return nil
	}
	return anyType
}

// argumentError makes an error of what is wrong with an argument.
func (f *Func) argumentError(err error) error { return errorf(causeOf(err), "%s: %v", f.name, err) }

// resultError makes an error of what went wrong with a result. What a function returned as its error stays as it is.
func resultError(err error) error {
	if e, ok := err.(*ResultError); ok {
		return e
	}
	return typeError(err)
}

// bound is what bound functions of any number of parameters have in common.
type bound struct {
	*Func
	params *canon.Plan
	result outcome
	// plain says that numbers are all that crosses: so many bytes each way.
	plain             bool
	nparams, nresults uint32
	// usual is how many numbers the result had last time, if it is a long list of them. The call before the next one
	// gets so much memory for it, so that the list is copied once.
	usual int
}

// bind binds a function to a struct of its parameters, and to a type for its result, nil for none.
func bind(f *Func, params, result reflect.Type) (bound, error) {
	if f == nil || f.state == nil {
		return bound{}, isNil("function")
	}
	if n := numParams(params); n != len(f.fn.Params) {
		return bound{}, errorf(ErrType, "%s takes %s, and is bound with %d: it is a %v", f.name, count(len(f.fn.Params), "parameter"), n,
			f.fn.Short())
	}
	plan, err := f.plans.Params(params, f.fn, canon.Encode)
	if err != nil {
		return bound{}, errorf(causeOf(err), "%s: %v", f.name, err)
	}
	o, err := f.plans.outcome(result, f.fn, canon.Decode)
	if err != nil {
		return bound{}, errorf(causeOf(err), "%s: %v", f.name, err)
	}
	b := bound{Func: f, params: plan, result: o}
	b.nparams, b.plain = plan.Plain()
	if o.wit != nil {
		size, plain := uint32(0), false
		if !o.split {
			size, plain = o.plan.Plain()
		}
		b.nresults, b.plain = size, b.plain && plain
	}
	return b, nil
}

// numParams counts the fields of a struct that stand for parameters.
func numParams(t reflect.Type) (n int) {
	for field := range t.Fields() {
		if field.IsExported() && field.Tag.Get("wit") != "-" {
			n++
		}
	}
	return n
}

// call calls the function with a struct of its parameters, and stores the result, if there is one.
func (b *bound) call(ctx context.Context, params, result unsafe.Pointer) error {
	return b.callAs(ctx, params, result, copied)
}

// taking is what becomes of slices of numbers in a result, []byte above all.
type taking int

const (
	// copied are those that are new, or have memory enough and stay.
	copied taking = iota
	// placed is one that the native library may write into itself, if it is the result and has memory enough.
	placed
	// shown are those that are memory of the native library's.
	shown
)

// callAs is call with a choice.
func (b *bound) callAs(ctx context.Context, params, result unsafe.Pointer, how taking) (err error) {
	if b.Func == nil || b.state == nil {
		return isNil("function")
	}
	s := b.state
	within, err := s.store.EnterCall(ctx)
	if err != nil {
		return err
	}
	defer func() { err = s.store.LeaveCall(within, err) }()
	if b.plain {
		return b.callPlain(params, result)
	}
	return b.callEntered(params, result, how)
}

// callPlain is callEntered for numbers: nothing about them can be wrong, and there is nothing to give back.
func (b *bound) callPlain(params, result unsafe.Pointer) error {
	s := b.state
	call := s.call
	if call.Capacity() < uintptr(b.nparams) {
		return b.callEntered(params, result, copied)
	}
	s.calls++
	call.SetFunc(b.native)
	call.Len = uintptr(b.nparams)
	if b.nparams > 0 {
		canon.Copy(call.MessageStart(), params, b.nparams)
	}
	if !s.enter(nil) {
		return s.failure(b.Func, s.table.mark())
	}
	if b.nresults > 0 {
		results := call.Results()
		_ = results[b.nresults-1]
		canon.Copy(result, unsafe.Pointer(unsafe.SliceData(results)), b.nresults)
	}
	return nil
}

// callEntered is callAs in a store that is entered.
func (b *bound) callEntered(params, result unsafe.Pointer, how taking) error {
	s := b.state
	m, mark := s.begin(b.Func)
	if err := b.params.EncodeFirst(m, params); err != nil {
		s.table.takeBack(mark)
		m.Unpin()
		return b.argumentError(err)
	}
	var list []byte
	switch {
	case how == placed:
		list = b.result.list(result)
	case how == copied && b.usual > 0:
		list = b.result.newList(result, b.usual)
	}
	v, err := s.run(b.Func, mark, list)
	if err != nil {
		return err
	}
	v.Alias = how == shown
	err = s.readTo(b.result.decode(v, result))
	v.Alias = false
	if err != nil {
		return resultError(err)
	}
	if how == copied {
		b.usual = b.result.trim(result)
	}
	return nil
}

// TypedFunc is a function bound by [Bind].
type TypedFunc[P, R any] struct {
	bound
	// reuses says that a result can be stored where another one was.
	reuses bool
}

// Bind binds a function for calls whose parameters are a struct, as code for many functions likes it: each exported
// field is a parameter, in their order. R is the type of the result, struct{} if there is none. A function of other
// types is a [*wasmtime.Error] that wraps [ErrType] and says where. See wasmtime::component::Func::typed.
//
// If the result is a result<T, E>, R may be a T: then the case err is a [*ResultError]. With a [Result] as R, it is
// that.
func Bind[P, R any](f *Func) (*TypedFunc[P, R], error) {
	t := reflect.TypeFor[P]()
	if t.Kind() != reflect.Struct {
		return nil, errorf(ErrType, "Bind takes a struct of the parameters, and not %v: Bind1 and its like take them one by one", t)
	}
	b, err := bind(f, t, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	return &TypedFunc[P, R]{b, reusable(reflect.TypeFor[R]())}, nil
}

// reusable tells whether decoding a value of a type overwrites all that was there, or uses it again: that of an option
// that is none, for instance, leaves the rest as it was.
func reusable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32,
		reflect.Uint64, reflect.Float32, reflect.Float64, reflect.String:
		return true
	case reflect.Slice, reflect.Array:
		return reusable(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if f.Name == "_" || !reusable(f.Type) { // which begins what stands for an option, a result or a variant
				return false
			}
		}
		return true
	}
	return false
}

// Call calls the function. Contexts, errors and panics are as with [Func.Call].
func (tf *TypedFunc[P, R]) Call(ctx context.Context, params P) (result R, err error) {
	if tf == nil {
		return result, isNil("function")
	}
	if err = tf.call(ctx, unsafe.Pointer(&params), unsafe.Pointer(&result)); err != nil {
		var none R
		return none, err
	}
	return result, nil
}

// CallInto is Call for parameters and a result that are the caller's: nothing of them is copied, and slices of numbers
// that are the result, or fields of it, are used again if they are long enough, []byte above all: a large one that is
// the result is copied once, from the guest's memory. Everything else that was in result is gone. If the call fails,
// result has anything in it.
func (tf *TypedFunc[P, R]) CallInto(ctx context.Context, params *P, result *R) error {
	if tf == nil {
		return isNil("function")
	}
	if params == nil || result == nil {
		return errorf(nil, "CallInto needs parameters and a place for the result")
	}
	if !tf.reuses {
		clear(unsafe.Slice(result, 1))
	}
	return tf.callAs(ctx, unsafe.Pointer(params), unsafe.Pointer(result), placed)
}

// CallView is Call without a copy of the slices of numbers in the result, []byte above all: they are memory of the
// native library's. f is called with the result, which is good until f returns, or calls into the store; it must not
// keep such a slice, and must not write to it. Its error is what CallView returns.
func (tf *TypedFunc[P, R]) CallView(ctx context.Context, params P, f func(result R) error) (err error) {
	if tf == nil || tf.Func == nil || tf.state == nil || f == nil {
		return isNil("function")
	}
	s := tf.state
	within, err := s.store.EnterCall(ctx)
	if err != nil {
		return err
	}
	defer func() { err = s.store.LeaveCall(within, err) }()
	s.store.Identify() // f may enter it
	var result R
	if err := tf.callEntered(unsafe.Pointer(&params), unsafe.Pointer(&result), shown); err != nil {
		return err
	}
	within = s.store.EndCall(within)
	return f(result)
}
