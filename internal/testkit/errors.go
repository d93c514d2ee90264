package testkit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// WantIs checks that an error is an *Error that wraps target.
func WantIs(tb testing.TB, err, target error) {
	tb.Helper()
	if _, ok := err.(*wasmtime.Error); !ok || !errors.Is(err, target) {
		tb.Fatalf("got %T %v, want an *Error that wraps %q", err, err, target)
	}
}

// WantText checks that an error is an *Error with a text.
func WantText(tb testing.TB, err error, text string) {
	tb.Helper()
	if _, ok := err.(*wasmtime.Error); !ok || !strings.Contains(err.Error(), text) {
		tb.Fatalf("got %T %v, want an *Error with %q", err, err, text)
	}
}

// WantTrap checks that an error is a *Trap with a code.
func WantTrap(tb testing.TB, err error, code wasmtime.TrapCode) *wasmtime.Trap {
	tb.Helper()
	trap, ok := err.(*wasmtime.Trap)
	if !ok {
		tb.Fatalf("got %T %v, want a *Trap", err, err)
	}
	if got := trap.Code(); got == nil || *got != code {
		tb.Fatalf("got a trap with another code than %d: %v", code, trap)
	}
	return trap
}

// WantAll checks that each error is of this cause, if one is given, and has the text in it.
func WantAll(t testing.TB, errs []error, cause error, text string) {
	t.Helper()
	for _, err := range errs {
		if cause != nil {
			WantTyped(t, err, cause, text)
		} else {
			WantText(t, err, text)
		}
	}
}

// PanicOf returns what f panics with; it fails the test if f does not panic.
func PanicOf(tb testing.TB, f func()) (value any) {
	tb.Helper()
	panicked := true
	defer func() {
		tb.Helper()
		if value = recover(); !panicked {
			tb.Fatal("no panic")
		}
	}()
	f()
	panicked = false
	return nil
}

// WantPanic checks the text of a panic.
func WantPanic(tb testing.TB, what, text string, f func()) {
	tb.Helper()
	if got := fmt.Sprint(PanicOf(tb, f)); !strings.Contains(got, text) {
		tb.Errorf("%s: panicked with %q, want %q", what, got, text)
	}
}

// ClosedText is what the use of something that is closed panics with.
const ClosedText = "object has been closed already"

// UntilTrap makes a call, which the function is to end after the delay, with longer and longer delays until its guest
// had begun by then: on a busy machine, or an emulated one, that takes its time.
func UntilTrap(call func(delay time.Duration) error) (err error) {
	for delay := 5 * time.Millisecond; delay < 10*time.Second; delay *= 4 {
		err = call(delay)
		if _, ok := err.(*wasmtime.Trap); ok {
			break
		}
	}
	return err
}

// WantTyped checks that an error is an *Error of this cause, with the text in it. The test goes on if it is not.
func WantTyped(t testing.TB, err, cause error, text string) {
	t.Helper()
	typed, ok := err.(*wasmtime.Error)
	switch {
	case err == nil:
		t.Errorf("no error, want %v", cause)
	case !ok:
		t.Errorf("the error is a %T, want a *Error: %v", err, err)
	case !errors.Is(err, cause):
		t.Errorf("the error does not wrap %v: %v", cause, err)
	case !strings.Contains(typed.Error(), text):
		t.Errorf("the error does not say %q: %v", text, err)
	}
}
