package component_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// panics calls f and returns what it panicked with.
func panics(f func()) (panicked any) {
	defer func() { panicked = recover() }()
	f()
	return nil
}

// What is nil, or a zero value, is used as what has been closed: methods return an error that wraps ErrClosed, or panic
// with a text, but not in the middle of something.
func TestNil(t *testing.T) {
	of := []any{
		&component.Component{}, &component.Export{}, &component.Func{}, &component.FuncType{}, &component.Instance{},
		&component.Command{}, &component.InstancePre{}, &component.Linker{}, &component.LinkerInstance{}, &component.Resource{}, &component.ResultError{},
		&component.Table{}, &component.Type{}, &component.TypedFunc[struct{}, int32]{}, &component.TypedFunc0[int32]{},
		&component.TypedFunc1[int32, int32]{}, &component.TypedVoid0{}, &component.TypedVoid1[int32]{}, &component.Item{},
	}
	for _, zero := range of {
		v := reflect.ValueOf(zero)
		for _, receiver := range []reflect.Value{v, reflect.Zero(v.Type())} {
			for i := range receiver.NumMethod() {
				_, value := v.Type().Elem().MethodByName(v.Type().Method(i).Name)
				if receiver.IsNil() && (value || strings.Contains(v.Type().String(), "Typed") && !strings.HasPrefix(v.Type().Method(i).Name, "Call")) ||
					v.Type().Method(i).Name == "CallText" {
					continue // a method of a value, or one that is Func's
				}
				what := fmt.Sprintf("%v.%s, nil %v", v.Type(), v.Type().Method(i).Name, receiver.IsNil())
				method := receiver.Method(i)
				var args []reflect.Value
				for j := range method.Type().NumIn() {
					if !method.Type().IsVariadic() || j < method.Type().NumIn()-1 {
						args = append(args, reflect.Zero(method.Type().In(j)))
					}
				}
				var results []reflect.Value
				panicked := panics(func() { results = method.Call(args) })
				n := method.Type().NumOut()
				fails := n > 0 && method.Type().Out(n-1) == reflect.TypeFor[error]() && v.Type().Method(i).Name != "Unwrap"
				if _, defect := panicked.(runtime.Error); defect || fails && panicked != nil {
					t.Errorf("%s panics: %v", what, panicked)
				} else if fails {
					if err, _ := results[n-1].Interface().(error); !errors.Is(err, wasmtime.ErrClosed) && !strings.Contains(what, "CallInto") {
						t.Errorf("%s: %v", what, err)
					}
				}
			}
		}
	}
}

// A view needs somebody who looks at it.
func TestCallViewOfNoFunction(t *testing.T) {
	w := newWorld(t, testWat, nil)
	f := Must(component.Bind[struct{ Text string }, string](w.fn(t, "echo")))
	WantIs(t, f.CallView(nil, struct{ Text string }{"x"}, nil), wasmtime.ErrClosed)
}

// A store that is none, or a Caller whose host function has returned, is an error where there can be one.
func TestNoStore(t *testing.T) {
	var kept *wasmtime.Caller
	w := newWorld(t, `(component
	  (import "f" (func $f))
	  (core func $f' (canon lower (func $f)))
	  (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
	  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
	  (func (export "run") (canon lift (core func $i "run"))))`, func(l *component.Linker) error {
		return l.Root().Func("f", func(c *wasmtime.Caller) { kept = c })
	})
	w.call(t, "run")
	for _, store := range []wasmtime.Storelike{nil, (*wasmtime.Store)(nil), (*wasmtime.Caller)(nil), kept} {
		_, err := w.linker.Instantiate(nil, store, w.component)
		WantIs(t, err, wasmtime.ErrClosed)
		for _, f := range []func(){func() { component.TableOf(store) }, func() { component.SetLimits(store, component.Limits{}) }} {
			panicked := panics(f)
			if _, defect := panicked.(runtime.Error); defect || panicked == nil {
				t.Errorf("%T: %v", store, panicked)
			}
		}
	}
}
