package wasmtime

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// Errors that say what was wrong with a use of this package. Errors that the package returns wrap them: compare with
// [errors.Is].
var (
	// ErrClosed: the object has been closed, or is nil, or a zero value of a type that this package makes; or it is a
	// [Caller] whose host function has returned. Methods that return no error panic instead: see the package's section
	// on ownership.
	ErrClosed = errors.New(closedText)
	// ErrConcurrentUse: another goroutine is using the store at this moment.
	ErrConcurrentUse = errors.New("the store is in use by another goroutine")
	// ErrCommand: the module is a WASI command, a program: [Command.Run] runs it, or whoever instantiates it with
	// Linker.Instantiate and calls its _start.
	ErrCommand = errors.New("the module is a WASI command, a program that runs once: Command.Run runs it, or Instantiate and a call of its _start")
	// ErrOutOfBounds: the bytes lie, in part at least, outside of the memory.
	ErrOutOfBounds = errors.New("out of the memory's bounds")
	// ErrWrongStore: the function, memory, table, global or instance belongs to another store.
	ErrWrongStore = errors.New("the object belongs to another store")
	// ErrWrongEngine: a module, linker, store or [InstancePre] was made with another engine than what it is used with.
	ErrWrongEngine = errors.New("made with different engines")
	// ErrNoEpochs: a context that can be cancelled needs an engine with Config.SetEpochInterruption.
	ErrNoEpochs = errors.New("a context that can be cancelled needs an engine with epoch interruption (Config.SetEpochInterruption)")
	// ErrNoWasi: the store has no WASI configuration, for modules or for components; call Store.SetWasi first.
	ErrNoWasi = errors.New("the store has no WASI configuration: Store.SetWasi gives it one, for modules and components")
	// ErrBadFile: the file is nil or closed. An open file of a kind that cannot be handed to a guest is ErrUnsupported.
	ErrBadFile = errors.New("not an open file")
	// ErrBadAccessMode: the access mode is none of READ_ONLY, WRITE_ONLY and READ_WRITE.
	ErrBadAccessMode = errors.New("not an access mode")
	// ErrBadFd: the guest descriptor is out of range, or is not open where it has to be.
	ErrBadFd = errors.New("not a guest descriptor")
	// ErrComponent: a component was given where a module is needed. Package component takes it.
	ErrComponent = errors.New("this is a component, not a module: component.New takes it")
	// ErrPoolFull: the engine has a pool ([Config.SetPooling]) in which all places are taken. An instantiation with a
	// context that can end waits for one, unless none can become free.
	ErrPoolFull = errors.New("the engine's pool is full: Store.Close makes room, Config.SetPooling a larger pool")
	// ErrStackTooSmall: the thread has less stack left than the guest may take, and nothing of it has run. See
	// [Config.SetMaxWasmStack].
	ErrStackTooSmall = errors.New("the thread's stack has no room for the guest")
	// ErrTooManyGuests: as many guests run as may at once, see SetMaxConcurrentGuests.
	ErrTooManyGuests = errors.New("too many guests run at once (SetMaxConcurrentGuests)")
	// ErrTooLate: a [WasiConfig] was changed after a store had been given it, or was to preopen a directory after it
	// had told the number of something pushed.
	ErrTooLate = errors.New("it is too late to change the WASI configuration")
	// ErrUnwritten: not all is written that a guest wrote to a writer, see [Store.InsertWriter]. [errors.As] finds an
	// [*UnwrittenError], which says how much, and why.
	ErrUnwritten = errors.New("not all is written that the guest wrote")
	// ErrBadCount: a reader, a writer, a file of a file system or a source of random bytes, which serves a guest, has
	// returned a number of bytes that is more than it was given, or negative without an error. That ends the guest.
	ErrBadCount = served.ErrBadCount
	// ErrUnsupported: the platform or the library cannot do it.
	ErrUnsupported = errors.New("not supported")
)

// closedText is what a method that cannot return an error panics with when its object has been closed.
const closedText = registry.Closed

// closedError is what a method that can return an error returns then. what is the kind of object.
func closedError(what string) *Error { return errorf(ErrClosed, "the %s: %v", what, ErrClosed) }

// acquire begins a use of a native object for a method that can return an error. what is the kind of object. The
// handle's Release ends it.
func acquire[T registry.Deleter](h *registry.Handle[T], what string) (T, error) {
	native, ok := h.TryAcquire()
	if !ok {
		return native, closedError(what)
	}
	return native, nil
}

// Error is a failure that is not a trap: a module that does not validate, an import that is missing, an exit of a WASI
// program, a wrong argument. It is safe for concurrent use.
type Error struct {
	message string
	cause   error
	// inGuest says that a guest was running.
	inGuest bool
}

// newError takes a native error.
func newError(native ffi.Error) *Error {
	record := native.Take()
	e := errorOf(&record)
	e.inGuest = record.ExitStatus != nil || len(record.Frames) > 0
	return e
}

func errorOf(record *ffi.Record) *Error {
	switch record.Code { // Rust's own texts cannot say what to call in Go
	case ffi.ErrorNoWasi:
		return errorf(ErrNoWasi, "%v", ErrNoWasi)
	case ffi.ErrorNoRoom:
		return stackTooSmall()
	case ffi.ErrorPoolFull:
		return errorf(ErrPoolFull, "%s: %v", strings.TrimRight(record.Message(), "\n"), ErrPoolFull)
	}
	e := &Error{message: strings.TrimRight(record.Message(), "\n")}
	switch {
	case record.ExitStatus != nil:
		e.cause = &ExitError{Status: *record.ExitStatus}
	case record.Code != ffi.ErrorOther:
		e.cause = codeError(record.Code)
	case record.TrapCode != nil: // of a function that something ran which tells no traps from other errors
		e.cause = TrapCode(*record.TrapCode)
	}
	return e
}

// errorf makes an error of this side of the boundary, which wraps cause.
func errorf(cause error, format string, args ...any) *Error {
	return &Error{message: fmt.Sprintf(format, args...), cause: cause}
}

// wrongEngine is the error about two things that were made with different engines.
func wrongEngine(one, other string) *Error {
	return errorf(ErrWrongEngine, "the %s and the %s were %v", one, other, ErrWrongEngine)
}

// isNil is the error about a pointer that is nil: what is nil is used as what has been closed.
func isNil[T any]() *Error { return errorf(ErrClosed, "nil *%s", reflect.TypeFor[T]().Name()) }

// notNil returns a pointer for a method that cannot return an error; it panics if that is nil.
func notNil[T any](p *T) *T {
	if p == nil {
		panicNil(isNil[T]())
	}
	return p
}

// panicNil panics with what isNil, or noItem, returned.
func panicNil(err *Error) { panic("wasmtime: " + err.message) }

// codeError finds the error that programs compare with for a code of the extension.
func codeError(code ffi.ErrorCode) error {
	switch code {
	case ffi.ErrorUnsupported:
		return ErrUnsupported
	case ffi.ErrorNoWasi:
		return ErrNoWasi
	case ffi.ErrorBadAccessMode:
		return ErrBadAccessMode
	case ffi.ErrorFdOutOfRange, ffi.ErrorFdNotOpen:
		return ErrBadFd
	case ffi.ErrorBadHostFile:
		return ErrBadFile
	}
	return bridge.Errors[code]
}

// Error returns the full text, with the backtrace and the causes where there are any.
func (e *Error) Error() string { return notNil(e).message }

// Unwrap returns what the error comes from: an [*ExitError], the error that a host function returned, a [TrapCode], or
// one of this package's Err values; nil if there is nothing.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.cause
}

// ExitStatus returns the status that a WASI program exited with, and whether that is what the error says. The same is
// found with [errors.As] and [*ExitError].
func (e *Error) ExitStatus() (int32, bool) {
	var exit *ExitError
	if errors.As(e.Unwrap(), &exit) {
		return exit.Status, true
	}
	return 0, false
}

// Close does nothing: there is nothing to be freed.
func (e *Error) Close() {}

// ExitError says that a WASI program called proc_exit. It is found with [errors.As] in the [*Error] that a call
// returns.
type ExitError struct {
	// Status is what the program gave to proc_exit; 0 means success. WASI's statuses are 32 bits without a sign:
	// those from 1<<31 are negative here, and uint32(Status) is the status itself. What a process can exit with is up
	// to its system: Unix keeps 8 bits, and the command wasmtime takes those above 125 for an error.
	Status int32
}

// Error returns a sentence with the status.
func (e *ExitError) Error() string {
	return fmt.Sprintf("the program exited with status %d", uint32(notNil(e).Status))
}

// UnwrittenError says that a writer has not taken all of what a guest's writes had returned as written. It is found
// with [errors.As] in the error of the call into the guest, which wraps whatever else the call ended with; [errors.Is]
// finds [ErrUnwritten], too. There is one for each writer, and for each file that [Writable] says is told of.
type UnwrittenError struct {
	// Bytes is how many bytes were not written when the call ended. It is 0 if the writer took all, and returned an
	// error nevertheless, and for a file.
	Bytes int
	// Err is what the writer returned. It is nil if the writer is still at work, and may write all of it.
	Err error
}

// Error returns a sentence with both.
func (e *UnwrittenError) Error() string {
	why := "the writer is still at work"
	if notNil(e).Err != nil {
		why = e.Err.Error()
	}
	if e.Bytes == 0 {
		return "a writer has failed after the guest had written: " + why
	}
	return fmt.Sprintf("%d of the bytes that the guest has written did not reach their writer: %s", e.Bytes, why)
}

// Unwrap returns [ErrUnwritten], and Err if there is one.
func (e *UnwrittenError) Unwrap() []error {
	if notNil(e).Err == nil {
		return []error{ErrUnwritten}
	}
	return []error{ErrUnwritten, e.Err}
}

// losing is what an error comes from that ended a call in which something was not written.
type losing struct{ cause, unwritten error }

func (l *losing) Error() string   { return l.cause.Error() + "\n" + l.unwritten.Error() }
func (l *losing) Unwrap() []error { return []error{l.cause, l.unwritten} }

// withUnwritten adds to what a call ended with, which may be nil, what has not been written. The type stays, for those
// who look at that.
func withUnwritten(err error, lost []served.Unwritten) error {
	all := make([]error, len(lost))
	for i, u := range lost {
		all[i] = &UnwrittenError{u.Bytes, u.Err}
	}
	unwritten := errors.Join(all...)
	both := func(cause error) error {
		if cause == nil {
			return unwritten
		}
		return &losing{cause, unwritten}
	}
	switch e := err.(type) {
	case *Trap:
		note := unwritten.Error()
		if e.note != "" {
			note = e.note + "\n\n" + note
		}
		return &Trap{record: e.record, cause: both(e.cause), note: note}
	case *Error:
		return &Error{withNote(e.message, unwritten.Error()), both(e.cause), e.inGuest}
	case nil:
		return errorf(unwritten, "%v", unwritten)
	}
	return both(err)
}

// unwritten returns what of the error is about that; nil if nothing is.
func (e *Error) unwritten() error {
	if l, ok := e.cause.(*losing); ok {
		return errorf(l.unwritten, "%v", l.unwritten)
	}
	if errors.Is(e, ErrUnwritten) { // of another store
		return e
	}
	return nil
}
