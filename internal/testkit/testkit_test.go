package testkit

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/gowasmtime/wasmtime"
)

func TestMain(m *testing.M) { Main(m) }

// recorder is a test that notes that it failed, instead of failing the one around it.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatal(...any)          { r.failed = true; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }

// fails tells whether f fails its test.
func fails(t *testing.T, f func(t testing.TB)) bool {
	r := &recorder{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() { f(r) })
	wg.Wait()
	return r.failed
}

// A check that cannot fail is none.
func TestChecksFail(t *testing.T) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	defer store.Close()
	_, noWasi := store.PushFile(os.Stdin, wasmtime.READ_ONLY)
	divide := Instantiate(t, store, `(module (func (export "f") (drop (i32.div_s (i32.const 1) (i32.const 0)))))`).GetFunc(store, "f")
	_, trap := divide.Call(store)
	other := errors.New("other")
	wrapped := fmt.Errorf("wrapped: %w", noWasi)
	checkError := func(err error) func(testing.TB) { return func(t testing.TB) { Check(t, err) } }
	equal := func(got, want int) func(testing.TB) { return func(t testing.TB) { Equal(t, "numbers", got, want) } }
	is := func(err, target error) func(testing.TB) { return func(t testing.TB) { WantIs(t, err, target) } }
	text := func(err error, text string) func(testing.TB) {
		return func(t testing.TB) { WantText(t, err, text) }
	}
	typed := func(err, cause error, text string) func(testing.TB) {
		return func(t testing.TB) { WantTyped(t, err, cause, text) }
	}
	all := func(errs []error, cause error) func(testing.TB) {
		return func(t testing.TB) { WantAll(t, errs, cause, "WASI") }
	}
	traps := func(err error, code wasmtime.TrapCode) func(testing.TB) {
		return func(t testing.TB) { WantTrap(t, err, code) }
	}
	panics := func(f func()) func(testing.TB) { return func(t testing.TB) { WantPanic(t, "it", "text", f) } }
	result := func(got int, errno Errno) func(testing.TB) {
		return func(t testing.TB) { Want(t, "it", got, errno, 1) }
	}
	errno := func(errno Errno) func(testing.TB) { return func(t testing.TB) { WantErrno(t, "it", errno, ErrnoBadf) } }
	exit := func(err error) func(testing.TB) { return func(t testing.TB) { ExitStatus(t, err) } }
	for _, c := range []struct {
		name  string
		check func(testing.TB)
		fails bool
	}{
		{"no error", checkError(nil), false},
		{"an error", checkError(other), true},
		{"equal", equal(1, 1), false},
		{"not equal", equal(1, 2), true},
		{"the cause", is(noWasi, wasmtime.ErrNoWasi), false},
		{"another cause", is(noWasi, wasmtime.ErrClosed), true},
		{"the cause of another type", is(wrapped, wasmtime.ErrNoWasi), true},
		{"the text", text(noWasi, "WASI"), false},
		{"another text", text(noWasi, "something else"), true},
		{"the text of another type", text(wrapped, "WASI"), true},
		{"cause and text", typed(noWasi, wasmtime.ErrNoWasi, "WASI"), false},
		{"no error at all", typed(nil, wasmtime.ErrNoWasi, ""), true},
		{"another type", typed(wrapped, wasmtime.ErrNoWasi, "WASI"), true},
		{"another cause with the text", typed(noWasi, wasmtime.ErrClosed, "WASI"), true},
		{"the cause with another text", typed(noWasi, wasmtime.ErrNoWasi, "something else"), true},
		{"all", all([]error{noWasi, noWasi}, wasmtime.ErrNoWasi), false},
		{"all but one", all([]error{noWasi, other}, wasmtime.ErrNoWasi), true},
		{"all but one, without a cause", all([]error{noWasi, other}, nil), true},
		{"the trap", traps(trap, wasmtime.IntegerDivisionByZero), false},
		{"another trap", traps(trap, wasmtime.StackOverflow), true},
		{"no trap", traps(noWasi, wasmtime.IntegerDivisionByZero), true},
		{"the panic", panics(func() { panic("a text") }), false},
		{"another panic", panics(func() { panic("something else") }), true},
		{"no panic", panics(func() {}), true},
		{"the result", result(1, ErrnoSuccess), false},
		{"another result", result(2, ErrnoSuccess), true},
		{"the result with an error", result(1, ErrnoBadf), true},
		{"the error number", errno(ErrnoBadf), false},
		{"another error number", errno(ErrnoSuccess), true},
		{"an end", exit(&wasmtime.ExitError{Status: 1}), false},
		{"a trap instead of an end", exit(trap), true},
	} {
		if got := fails(t, c.check); got != c.fails {
			t.Errorf("%s: failed %v, want %v", c.name, got, c.fails)
		}
	}
}

// What a child process does is what the test does.
func TestSurvives(t *testing.T) {
	for name, c := range map[string]struct {
		act   func(t *testing.T)
		fails bool
	}{
		"passes":        {func(*testing.T) {}, false},
		"fails":         {func(t *testing.T) { t.Error("on purpose") }, true},
		"panics":        {func(*testing.T) { panic("on purpose") }, true},
		"ends too soon": {func(*testing.T) { os.Exit(0) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			failed := fails(t, func(r testing.TB) {
				if Survives(r) {
					c.act(t)
				}
			})
			if inChild := os.Getenv("WASMTIME_TEST_CHILD") != ""; !inChild && failed != c.fails {
				t.Errorf("failed %v, want %v", failed, c.fails)
			}
		})
	}
}

// A call of the guest that does not return fails the test.
func TestWasiGuestFails(t *testing.T) {
	if !fails(t, func(r testing.TB) {
		g := NewWasiGuest(t, nil)
		g.TB = r
		g.Call("fd_close", "no number")
	}) {
		t.Error("it did not fail")
	}
}

func TestMainCountsHandles(t *testing.T) {
	if !Debug {
		t.Skip("only the build tag debug counts them")
	}
	engine := wasmtime.NewEngine()
	if leaks() == "" {
		t.Error("an open engine is not counted")
	}
	engine.Close()
	if leaked := leaks(); leaked != "" {
		t.Errorf("all is closed, and this is left: %s", leaked)
	}
}
