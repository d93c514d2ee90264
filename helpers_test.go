package wasmtime_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/internal/testsys"
)

// tempDir makes a folder that goes with the test.
func tempDir(t testing.TB) string { t.Helper(); return testsys.TempDir(t) }

// onWine tells whether this is not Windows itself, but Wine, which lacks some of it.
func onWine() bool { return testsys.OnWine() }

// newEngine makes an engine; each option changes its configuration.
func newEngine(tb testing.TB, options ...func(*Config)) *Engine {
	tb.Helper()
	cfg := NewConfig()
	for _, option := range options {
		option(cfg)
	}
	engine, err := TryNewEngine(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

func withEpochs(cfg *Config) { cfg.SetEpochInterruption(true) }

func withFuel(cfg *Config) { cfg.SetConsumeFuel(true) }

// compile makes a module of its text.
func compile(tb testing.TB, engine *Engine, wat string) *Module {
	tb.Helper()
	wasm, err := Wat2Wasm(wat)
	if err != nil {
		tb.Fatal(err)
	}
	module, err := NewModule(engine, wasm)
	if err != nil {
		tb.Fatal(err)
	}
	return module
}

// guest instantiates a module with its imports in a new store of a new engine.
func guest(tb testing.TB, wat string, imports ...any) (*Store, *Instance) {
	tb.Helper()
	return guestIn(tb, NewEngine(), wat, imports...)
}

// guestIn is guest with an engine. Imports are Go functions, typed host functions, or items.
func guestIn(tb testing.TB, engine *Engine, wat string, imports ...any) (*Store, *Instance) {
	tb.Helper()
	store := NewStore(engine)
	tb.Cleanup(func() { store.Close() })
	return store, instantiate(tb, store, wat, imports...)
}

func instantiate(tb testing.TB, store *Store, wat string, imports ...any) *Instance {
	tb.Helper()
	instance, err := NewInstance(store, compile(tb, store.Engine, wat), items(store, imports...))
	if err != nil {
		tb.Fatal(err)
	}
	return instance
}

func items(store Storelike, imports ...any) []AsExtern {
	var items []AsExtern
	for _, imported := range imports {
		switch imported := imported.(type) {
		case AsExtern:
			items = append(items, imported)
		case HostFunc:
			items = append(items, NewHostFunc(store, imported))
		default:
			items = append(items, WrapFunc(store, imported))
		}
	}
	return items
}

// call calls an export that has to succeed.
func call(tb testing.TB, store Storelike, instance *Instance, name string, args ...any) any {
	tb.Helper()
	result, err := instance.GetFunc(store, name).Call(store, args...)
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return result
}

// check fails the test if the error is not nil.
func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// must returns a value whose error has to be nil.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// equal compares two values.
func equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wantIs checks that an error is an *Error that wraps target.
func wantIs(tb testing.TB, err, target error) {
	tb.Helper()
	if _, ok := err.(*Error); !ok || !errors.Is(err, target) {
		tb.Fatalf("got %T %v, want an *Error that wraps %q", err, err, target)
	}
}

// wantText checks that an error is an *Error with a text.
func wantText(tb testing.TB, err error, text string) {
	tb.Helper()
	if _, ok := err.(*Error); !ok || !strings.Contains(err.Error(), text) {
		tb.Fatalf("got %T %v, want an *Error with %q", err, err, text)
	}
}

// wantTrap checks that an error is a *Trap with a code.
func wantTrap(tb testing.TB, err error, code TrapCode) *Trap {
	tb.Helper()
	trap, ok := err.(*Trap)
	if !ok {
		tb.Fatalf("got %T %v, want a *Trap", err, err)
	}
	if got := trap.Code(); got == nil || *got != code {
		tb.Fatalf("got a trap with another code than %d: %v", code, trap)
	}
	return trap
}

// wantAll checks that each error is of this cause, if one is given, and has the text in it.
func wantAll(t *testing.T, errs []error, cause error, text string) {
	t.Helper()
	for _, err := range errs {
		if cause != nil {
			wantTyped(t, err, cause, text)
		} else {
			wantText(t, err, text)
		}
	}
}

// panicOf returns what f panics with; it fails the test if f does not panic.
func panicOf(tb testing.TB, f func()) (value any) {
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

// wantPanic checks the text of a panic.
func wantPanic(tb testing.TB, what, text string, f func()) {
	tb.Helper()
	if got := fmt.Sprint(panicOf(tb, f)); !strings.Contains(got, text) {
		tb.Errorf("%s: panicked with %q, want %q", what, got, text)
	}
}

const closedText = "object has been closed already"

// collected waits, collecting garbage, until a condition holds that a cleanup or finalizer brings about.
func collected(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			tb.Fatalf("%s was not collected", what)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// again is this program, to be run once more. A kernel that does not know the emulator that runs it cannot do that.
func again(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if errors.Is(startsAgain(), syscall.ENOEXEC) {
		t.Skip("an emulator runs this, of which the kernel does not know")
	}
	return exec.Command(os.Args[0], args...)
}

var startsAgain = sync.OnceValue(func() error { return exec.Command(os.Args[0], "-test.run=^$").Run() })

// survives runs the rest of a test in a child process, because what it does may end the process instead of failing. It
// returns true in the child.
func survives(t *testing.T) bool {
	t.Helper()
	const name = "WASMTIME_TEST_CHILD"
	if os.Getenv(name) == t.Name() {
		return true
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	child := again(t, "-test.run="+pattern, "-test.count=1", "-test.v", fmt.Sprint("-test.short=", testing.Short()))
	child.Env = append(os.Environ(), name+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%.700s", err, out)
	}
	return false
}

// hasWinch says that Winch compiles for this machine.
const hasWinch = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// needsWinch skips the test where there is none.
func needsWinch(t *testing.T) {
	if !hasWinch {
		t.Skip("Winch does not compile for " + runtime.GOARCH)
	}
}

// compilesQuickly is for large guests, such as those in Go: by Winch, where there is one.
func compilesQuickly(c *Config) {
	if hasWinch {
		c.SetStrategy(StrategyWinch)
	}
}
