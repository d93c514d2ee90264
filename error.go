package wasmtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Errors that say what was wrong with a use of this package. Errors that the package returns wrap them: compare with
// [errors.Is].
var (
	// ErrClosed: the object has been closed, or is a zero value. Methods that return no error panic with its text, but
	// those of a [Config] that has been used up, which say so.
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
	// ErrNoWasi: the store has no WASI configuration; call Store.SetWasi first.
	ErrNoWasi = errors.New("the store has no WASI configuration (Store.SetWasi)")
	// ErrBadFile: the file is nil or closed. An open file of a kind that cannot be handed to a guest is ErrUnsupported.
	ErrBadFile = errors.New("not an open file")
	// ErrBadAccessMode: the access mode is none of READ_ONLY, WRITE_ONLY and READ_WRITE.
	ErrBadAccessMode = errors.New("not an access mode")
	// ErrBadFd: the guest descriptor is out of range, or is not open where it has to be.
	ErrBadFd = errors.New("not a guest descriptor")
	// ErrComponent: a component was given where a module is needed. Package component takes it.
	ErrComponent = errors.New("this is a component, not a module: component.New takes it")
	// ErrPoolFull: the engine has a pool ([Config.SetPooling]) in which all places are taken. An instantiation with a
	// context waits for one.
	ErrPoolFull = errors.New("the engine's pool is full: Store.Close makes room, Config.SetPooling a larger pool")
	// ErrStackTooSmall: the thread has less stack left than the guest may take, and nothing of it has run. See
	// [Config.SetMaxWasmStack].
	ErrStackTooSmall = errors.New("the thread's stack has no room for the guest")
	// ErrTooManyGuests: as many guests run as may at once, see SetMaxConcurrentGuests.
	ErrTooManyGuests = errors.New("too many guests run at once (SetMaxConcurrentGuests)")
	// ErrTooLate: a [WasiConfig] was changed after a store had been given it, or was to preopen a directory after it
	// had told the number of something pushed.
	ErrTooLate = errors.New("it is too late to change the WASI configuration")
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

// isNil is the error about something that is nil.
func isNil(what string) *Error { return errorf(nil, "the %s is nil", what) }

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
func (e *Error) Error() string { return e.message }

// Unwrap returns what the error comes from: an [*ExitError], the error that a host function returned, a [TrapCode], or
// one of this package's Err values; nil if there is nothing.
func (e *Error) Unwrap() error { return e.cause }

// ExitStatus returns the status that a WASI program exited with, and whether that is what the error says. The same is
// found with [errors.As] and [*ExitError].
func (e *Error) ExitStatus() (int32, bool) {
	var exit *ExitError
	if errors.As(e.cause, &exit) {
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
	return fmt.Sprintf("the program exited with status %d", uint32(e.Status))
}
