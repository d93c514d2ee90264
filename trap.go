package wasmtime

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Trap is how a guest comes to a sudden end: an instruction that trapped, or an interrupt. What a host function ends
// a call with, a trap made by [NewTrap] or an error of any kind, comes out of the call as an [*Error]. It is safe for
// concurrent use. See wasmtime::Trap.
type Trap struct {
	// record is nil in a zero value. It is a pointer so that traps can be compared.
	record *ffi.Record
	// taken and closed say whether a host call has ended with it, and whether it may be used no more.
	taken, closed atomic.Bool
	cause         error
	// note is what the text says besides, if anything: why the guest was interrupted.
	note string
}

// TrapCode says which instruction trapped, or that the guest was stopped. The values are those of the C API; those
// without a name here are for components.
//
// A code is an error to compare with: errors.Is(err, OutOfFuel) tells whether a call, an instantiation, or anything
// else that runs guests has ended by a trap of that code. [errors.As] finds the code with a *TrapCode.
type TrapCode uint8

// The codes of traps.
const (
	// StackOverflow: the guest's stack is exhausted.
	StackOverflow TrapCode = iota
	// MemoryOutOfBounds: an access beyond the end of a memory.
	MemoryOutOfBounds
	// HeapMisaligned: an atomic access at an address that is not aligned.
	HeapMisaligned
	// TableOutOfBounds: an access beyond the end of a table.
	TableOutOfBounds
	// IndirectCallToNull: an indirect call through a null entry.
	IndirectCallToNull
	// BadSignature: an indirect call of a function of another type.
	BadSignature
	// IntegerOverflow: an integer operation that overflowed.
	IntegerOverflow
	// IntegerDivisionByZero: an integer division by zero.
	IntegerDivisionByZero
	// BadConversionToInteger: a float that is no integer of the wanted size.
	BadConversionToInteger
	// UnreachableCodeReached: an unreachable instruction.
	UnreachableCodeReached
	// Interrupt: the guest was stopped, by an epoch deadline or a cancelled context.
	Interrupt
	// OutOfFuel: the guest used up its fuel.
	OutOfFuel
	// AtomicWaitNonSharedMemory: an atomic wait on a memory that is not shared.
	AtomicWaitNonSharedMemory
	// NullReference: the use of a null reference where there has to be one.
	NullReference
	// ArrayOutOfBounds: an access beyond the end of an array.
	ArrayOutOfBounds
	// AllocationTooLarge: an object that is larger than the heap of the garbage collector can be.
	AllocationTooLarge
	// CastFailure: a reference cast to a type that it has not.
	CastFailure

	// UncaughtException: an exception that no frame caught.
	UncaughtException TrapCode = 49
)

var trapNames = [...]string{
	"stack overflow", "memory out of bounds", "misaligned atomic access", "table out of bounds", "indirect call to null",
	"bad signature", "integer overflow", "integer division by zero", "bad conversion to integer", "unreachable code reached",
	"interrupt", "out of fuel", "atomic wait on memory that is not shared", "null reference", "array out of bounds",
	"allocation too large", "cast failure",
}

// String returns a few words, such as "out of fuel", or the number of a code without a name.
func (c TrapCode) String() string {
	switch {
	case int(c) < len(trapNames):
		return trapNames[c]
	case c == UncaughtException:
		return "uncaught exception"
	}
	return fmt.Sprintf("trap code %d", uint8(c))
}

// Error returns the same as String.
func (c TrapCode) Error() string { return c.String() }

// NewTrap makes a trap with a message and no code, for a host function to return. The call that the host function is
// part of then returns an [*Error] with the message: it was no instruction that trapped. See wasmtime_trap_new.
func NewTrap(message string) *Trap {
	record := ffi.NewRecord(message)
	return &Trap{record: &record}
}

// newTrap takes a native trap.
func newTrap(native ffi.Trap) *Trap {
	record := native.Take()
	return &Trap{record: &record}
}

// take makes a native trap for a call of a store's guest into the host to end with. It tells whether it is the first
// one: there is only one.
func (t *Trap) take(s *state) (ffi.Trap, bool) {
	if t.isClosed() || t.taken.Swap(true) {
		return ffi.Trap{}, false
	}
	native, err := t.record.Trap(s.native)
	if !err.IsNil() {
		panic(newError(err)) // it is a record of ours
	}
	return native, true
}

// Close ends the use of the trap: all other methods panic afterwards, but those that [errors.Is] and [errors.As] call.
// There is nothing to be freed, so a program need not call it. Closing twice does nothing.
func (t *Trap) Close() {
	if t != nil {
		t.closed.Store(true)
	}
}

// isClosed tells whether the trap has been closed, or never was one.
func (t *Trap) isClosed() bool { return t.closed.Load() || t.record == nil }

// check panics if the trap has been closed.
func (t *Trap) check() {
	if notNil(t).isClosed() {
		panic(closedText)
	}
}

// Error returns the full text, with the backtrace, the causes, and why the guest was interrupted if that is known. If
// it has causes, it ends with an end of line, as in wasmtime-go.
func (t *Trap) Error() string { return t.Message() }

// Message returns the same text as Error.
func (t *Trap) Message() string {
	t.check()
	message := t.record.Message()
	if t.note != "" {
		message = withNote(message, t.note)
	}
	return message
}

// withNote adds a paragraph to the text of an error.
func withNote(message, note string) string { return strings.TrimRight(message, "\n") + "\n\n" + note }

// Unwrap returns the error that made the guest stop, where there is one: the cause of a cancelled context, or what a
// host function returned.
func (t *Trap) Unwrap() error {
	if t == nil {
		return nil
	}
	return t.cause
}

// Is tells whether target is the trap's code, for [errors.Is].
func (t *Trap) Is(target error) bool {
	wanted, ok := target.(TrapCode)
	code := t.code()
	return ok && code != nil && *code == wanted
}

// As sets target to the trap's code if it is a *TrapCode and the trap has one, for [errors.As].
func (t *Trap) As(target any) bool {
	to, ok := target.(*TrapCode)
	code := t.code()
	if !ok || code == nil {
		return false
	}
	*to = *code
	return true
}

// Code returns the trap's code; nil if it has none, as one made with [NewTrap].
func (t *Trap) Code() *TrapCode {
	t.check()
	return t.code()
}

func (t *Trap) code() *TrapCode {
	if t == nil || t.record == nil || t.record.TrapCode == nil {
		return nil
	}
	code := TrapCode(*t.record.TrapCode)
	return &code
}

// ofUninitializedGo tells whether Go's runtime has ended the guest because it was entered before it was initialised.
func (t *Trap) ofUninitializedGo() bool {
	return slices.ContainsFunc(t.record.Frames, func(f ffi.Frame) bool {
		return f.FuncName != nil && *f.FuncName == "runtime.notInitialized"
	})
}

// Frames returns the guest's backtrace, innermost frame first.
func (t *Trap) Frames() []*Frame {
	t.check()
	frames := []*Frame{}
	for _, f := range t.record.Frames {
		frames = append(frames, &Frame{f})
	}
	return frames
}

// Frame is one guest function in a trap's backtrace. It outlives the trap.
type Frame struct{ frame ffi.Frame }

// FuncIndex returns the function's index in its module.
func (f *Frame) FuncIndex() uint32 { return notNil(f).frame.FuncIndex }

// FuncName returns the function's name from the module's name section; nil if it has none.
func (f *Frame) FuncName() *string { return notNil(f).frame.FuncName }

// ModuleName returns the module's name from its name section; nil if it has none.
func (f *Frame) ModuleName() *string { return notNil(f).frame.ModuleName }

// ModuleOffset returns the offset of the frame's instruction in the module, in bytes; the highest uint if that is
// not known.
func (f *Frame) ModuleOffset() uint { return notNil(f).frame.ModuleOffset }

// FuncOffset returns the offset of the frame's instruction in the function, in bytes; the highest uint if
// that is not known.
func (f *Frame) FuncOffset() uint { return notNil(f).frame.FuncOffset }
