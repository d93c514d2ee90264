package component_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// codeWat imports open: func() -> result<_, code>, and exports got, which returns what that said: 256 and the number of
// the case for an error.
const codeWat = `(component
  (type $code' (enum "access" "exist" "busy"))
  (import "code" (type $code (eq $code')))
  (import "open" (func $open (result (result (error $code)))))
  (core module $mem (memory (export "memory") 1))
  (core instance $mem (instantiate $mem))
  (alias core export $mem "memory" (core memory $memory))
  (core func $open' (canon lower (func $open) (memory $memory)))
  (core module $m
    (import "h" "memory" (memory 1))
    (import "h" "open" (func $open (param i32)))
    (func (export "got") (result i32)
      (call $open (i32.const 0))
      (i32.or (i32.shl (i32.load8_u (i32.const 0)) (i32.const 8)) (i32.load8_u (i32.const 1)))))
  (core instance $i (instantiate $m (with "h" (instance (export "memory" (memory $memory)) (export "open" (func $open'))))))
  (func (export "got") (result u32) (canon lift (core func $i "got"))))`

type (
	textCode   string // stands for the enum
	numberCode uint8  // stands for the enum, and says so
	plainCode  uint8  // is a number of something
)

func (c textCode) Error() string   { return string(c) }
func (c numberCode) Error() string { return c.WitNames()[c] }
func (c plainCode) Error() string  { return "plain" }

func (numberCode) WitNames() []string { return []string{"access", "exist", "busy"} }

// An error becomes a case of an enum if its Go type says that it stands for one.
func TestErrorCodes(t *testing.T) {
	for _, test := range []struct {
		err  error
		want uint32
	}{
		{textCode("busy"), 256 + 2}, {fmt.Errorf("opening: %w", textCode("exist")), 256 + 1}, {numberCode(2), 256 + 2},
		{&component.ResultError{Value: "access"}, 256}, {&component.ResultError{Value: 1}, 256 + 1}, {nil, 0},
	} {
		w := newWorld(t, codeWat, func(l *component.Linker) error { return l.Root().Func("open", func() error { return test.err }) })
		if got := w.call(t, "got"); got != test.want {
			t.Errorf("%v: got %v, want %d", test.err, got, test.want)
		}
	}
	w := newWorld(t, codeWat, func(l *component.Linker) error {
		return l.Root().Func("open", func() error { return textCode("lost") })
	})
	WantTyped(t, ErrorOf(w.fn(t, "got").Call(nil)), component.ErrValue, `open: error: there is no case "lost"`)
	l := component.NewLinker(w.engine)
	Check(t, l.Root().Func("open", func() (bool, error) { return true, nil }))
	WantTyped(t, l.Check(w.component), component.ErrType, "it has no value if it is ok, an error alone stands for it")
	for _, err := range []error{plainCode(1), syscall.Errno(2), fmt.Errorf("no code")} {
		w := newWorld(t, codeWat, func(l *component.Linker) error { return l.Root().Func("open", func() error { return err }) })
		_, got := w.fn(t, "got").Call(nil)
		WantIs(t, got, err)
		WantIs(t, ErrorOf(w.fn(t, "got").Call(nil)), component.ErrUnusable)
	}
}
