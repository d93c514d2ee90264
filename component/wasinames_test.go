package component_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// cwdWat imports a function of WASI that no configuration is needed for, and two more, and exports the first.
const cwdWat = `(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "initial-cwd" (func (result (option string)))) (export "get-arguments" (func (result (list string))))))
  (core module $libc (memory (export "memory") 1) (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next) (global.set $next (i32.add (global.get $next) (i32.const 256)))))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $cwd (canon lower (func $environment "initial-cwd") (memory $memory) (realloc (core func $libc "realloc"))))
  (core func $args (canon lower (func $environment "get-arguments") (memory $memory) (realloc (core func $libc "realloc"))))
  (core module $m (import "h" "cwd" (func $cwd (param i32))) (import "h" "args" (func $args (param i32)))
    (func (export "cwd") (result i32) (call $cwd (i32.const 16)) (i32.const 16))
    (func (export "args") (result i32) (call $args (i32.const 32)) (i32.const 32)))
  (core instance $i (instantiate $m (with "h" (instance (export "cwd" (func $cwd)) (export "args" (func $args))))))
  (func (export "cwd") (result (option string)) (canon lift (core func $i "cwd") (memory $memory)))
  (func (export "args") (result (list string)) (canon lift (core func $i "args") (memory $memory))))`

// environment has all of wasi:cli/environment that cwdWat asks for.
type environment struct{}

func (environment) InitialCwd() *string    { at := "/go"; return &at }
func (environment) GetArguments() []string { return []string{"of the interface"} }

// A Go interface that is defined under one version of WASI's interface stays when a single function of that is defined
// under another.
func TestWasiVersionsTogether(t *testing.T) {
	for _, single := range []string{"0.2.0", "0.2.3", "0.2.99"} {
		w := newWorld(t, cwdWat, func(l *component.Linker) error {
			return errors.Join(l.DefineWasi(), l.Instance("wasi:cli/environment@0.2.12").Interface(environment{}),
				l.Instance("wasi:cli/environment@"+single).Func("get-arguments", func() []string { return []string{"single"} }))
		})
		Equal(t, "cwd", w.call(t, "cwd"), any("/go"))
		want := "single" // of the same version, or of the newest
		if single == "0.2.3" {
			want = "of the interface"
		}
		Equal(t, "arguments", fmt.Sprint(w.call(t, "args")), "["+want+"]")
	}
}

// What is nearly a name of WASI, or one without a version, would not be found, and is an error when it is defined.
func TestWasiNearNames(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	l := component.NewLinker(engine)
	none := func() {}
	for _, test := range []struct{ instance, item, text string }{
		{"wasi:cli/enviroment@0.2.0", "get-arguments", "WASI 0.2 has no `wasi:cli/enviroment`; near it: `wasi:cli/environment`"},
		{"wasi:cli/enviroment", "get-arguments", "near it: `wasi:cli/environment`"},
		{"wasi:cli/environment", "get-arguments", "has no version, so that no component would find it: it is `wasi:cli/environment@0.2.0`, say"},
		{"wasi:cli/environment@0.2.0", "get-argument", "`wasi:cli/environment@0.2.0` has no `get-argument`; near it: `get-arguments`"},
		{"wasi:cli/environment@0.2.0", "GetArguments", "near it: `get-arguments`"},
		{"wasi:io/streams@0.2.1", "[method]input-steam.read", "near it: `[method]input-stream.read`"},
	} {
		WantTyped(t, l.Instance(test.instance).Func(test.item, none), component.ErrNotFound, test.text)
	}
	WantTyped(t, l.Instance("wasi:cli/enviroment@0.2.0").Interface(environment{}), component.ErrNotFound, "near it: `wasi:cli/environment`")
	WantTyped(t, l.Instance("wasi:cli/environment").Interface(environment{}), component.ErrNotFound, "has no version")
	WantTyped(t, l.Instance("wasi:io/streams@0.2.0").Resource("input-steam", component.ResourceOf[*counter]()), component.ErrNotFound,
		"near it: `input-stream`")
	// What may be of another WASI, or of somebody else's, is taken.
	for _, name := range []string{"wasi:cli/run@0.2.0", "wasi:http/types@0.2.0", "wasi:keyvalue/store@0.2.0-draft", "wasi:logging/logging",
		"wasi:cli/environment@0.3.0", "wasi:clocks/timezone@0.2.0", "wasi:nn/graph@0.2.0-rc-2024-10-28", "wasi:config/store@0.2.0-rc.1",
		"my:cli/environment"} {
		Check(t, l.Instance(name).Func("something-else", none))
	}
	Check(t, l.Instance("wasi:cli/environment@0.2.0").Func("something-else", none))

	WantTyped(t, l.DefineWasi("wasi:cli@0.2.0"), component.ErrNotFound, "names here are without a version, `wasi:cli` is for components of every 0.2")
	WantTyped(t, l.DefineWasi("wasi:cli/environment@0.2.3#get-arguments"), component.ErrNotFound, "`wasi:cli/environment#get-arguments` is for")
	WantTyped(t, l.DefineWasi("wasi:cli/enviroment"), component.ErrNotFound, "near it: `wasi:cli/environment`; its interfaces are wasi:cli/")
}

// What is nil, or a nil pointer, is a typed error when it is defined.
func TestNilDefinitions(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	at := component.NewLinker(engine).Instance("a:b/c@1.0.0")
	var f func(uint32) uint32
	for name, err := range map[string]error{
		"interface": at.Interface(nil), "pointer": at.Interface((*counters)(nil)), "func": at.Func("f", f),
		"nothing": at.Func("f", nil), "none": at.Func("f", component.HostFunc{}), "module": at.Module("m", nil),
	} {
		if name == "none" {
			WantIs(t, err, wasmtime.ErrClosed)
		} else if name != "nothing" {
			WantTyped(t, err, wasmtime.ErrClosed, "nil")
		} else if err == nil {
			t.Error("nil is a function")
		}
	}
}

// An error of a host function that ends the guest comes with the name of the function.
func TestHostErrorsHaveNames(t *testing.T) {
	failed := errors.New("out of order")
	w := newWorld(t, codeWat, func(l *component.Linker) error { return l.Root().Func("open", func() error { return failed }) })
	_, err := w.fn(t, "got").Call(nil)
	WantIs(t, err, failed)
	Equal(t, "text", errors.Unwrap(err).Error(), "open: out of order")
}

// filesCodeWat is codeWat with an error-code of WASI.
func wasiCodeWat(cases ...string) string {
	enum := ""
	for _, name := range cases {
		enum += fmt.Sprintf(" %q", name)
	}
	return fmt.Sprintf(`(component
  (type $code' (enum %s))
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
      (select (i32.load8_u (i32.const 1)) (i32.const -1) (i32.load8_u (i32.const 0)))))
  (core instance $i (instantiate $m (with "h" (instance (export "memory" (memory $memory)) (export "open" (func $open'))))))
  (func (export "got") (result s32) (canon lift (core func $i "got"))))`, enum)
}

var (
	fileCodes = []string{"access", "would-block", "already", "bad-descriptor", "busy", "deadlock", "quota", "exist",
		"file-too-large", "illegal-byte-sequence", "in-progress", "interrupted", "invalid", "io", "is-directory", "loop",
		"too-many-links", "message-size", "name-too-long", "no-device", "no-entry", "no-lock", "insufficient-memory",
		"insufficient-space", "not-directory", "not-empty", "not-recoverable", "unsupported", "no-tty", "no-such-device",
		"overflow", "not-permitted", "pipe", "read-only", "invalid-seek", "text-file-busy", "cross-device"}
	networkCodes = []string{"unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout",
		"concurrency-conflict", "not-in-progress", "would-block", "invalid-state", "new-socket-limit", "address-not-bindable",
		"address-in-use", "remote-unreachable", "connection-refused", "connection-reset", "connection-aborted",
		"datagram-too-large", "name-unresolvable", "temporary-resolver-failure", "permanent-resolver-failure"}
)

// Errors of Go are the cases of WASI's error-codes that say the same; others end the guest.
func TestWasiErrorCodesOfErrors(t *testing.T) {
	_, missing := os.Open("/there/is/no/such/file")
	_, refused := net.Dial("tcp", "127.0.0.1:1")
	for _, test := range []struct {
		cases []string
		err   error
		want  string
	}{
		{fileCodes, fs.ErrNotExist, "no-entry"}, {fileCodes, fmt.Errorf("x: %w", missing), "no-entry"},
		{fileCodes, fs.ErrPermission, "access"}, {fileCodes, fs.ErrExist, "exist"}, {fileCodes, fs.ErrInvalid, "invalid"},
		{fileCodes, fs.ErrClosed, "bad-descriptor"}, {fileCodes, errors.ErrUnsupported, "unsupported"},
		{fileCodes, &fs.PathError{Err: syscall.EISDIR}, "is-directory"}, {fileCodes, syscall.ENOTEMPTY, "not-empty"},
		{fileCodes, errors.New("odd"), ""},
		{networkCodes, refused, "connection-refused"}, {networkCodes, os.ErrDeadlineExceeded, "timeout"},
		{networkCodes, &net.DNSError{IsNotFound: true}, "name-unresolvable"}, {networkCodes, fs.ErrNotExist, ""},
		{fileCodes[:36], fs.ErrNotExist, ""}, // which is none of WASI's
	} {
		w := newWorld(t, wasiCodeWat(test.cases...), func(l *component.Linker) error {
			return l.Root().Func("open", func() error { return test.err })
		})
		got, err := w.fn(t, "got").Call(nil)
		switch {
		case test.want == "":
			WantIs(t, err, test.err)
		case err != nil || test.cases[got.(int32)] != test.want:
			t.Errorf("%v: got %v, %v, want %s", test.err, got, err, test.want)
		}
	}
}

// explosive has a method that panics.
type explosive struct{}

func (explosive) Open() error { return explode() }

func explode() error { panic("in a method") }

// Where a method of the host has panicked is told by its store, also when that is closed.
func TestPanicStack(t *testing.T) {
	w := newWorld(t, codeWat, func(l *component.Linker) error { return l.Root().Interface(explosive{}) })
	Equal(t, "before", w.store.PanicStack(), "")
	func() {
		defer func() { Equal(t, "panic", recover(), any("in a method")) }()
		_, _ = w.fn(t, "got").Call(nil)
	}()
	w.store.Close()
	if stack := w.store.PanicStack(); !strings.Contains(stack, "component_test.explode(") {
		t.Errorf("the stack is %s", stack)
	}
	Equal(t, "another store", wasmtime.NewStore(w.engine).PanicStack(), "")
}

// The error about a handle of another resource says which resources these are.
func TestHandleOfAnotherResource(t *testing.T) {
	g := newSocketGuest(t)
	input := Must(component.NewInput(g.store, strings.NewReader("")))
	_, err := g.call(context.Background(), "is-listening", input)
	WantTyped(t, err, component.ErrHandle, "a handle is of another resource: it was given input-stream for tcp-socket")
	Check(t, input.Drop(nil))
}
