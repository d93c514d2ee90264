package wasmtime

import (
	"errors"
	"fmt"

	"github.com/gowasmtime/wasmtime/internal/served"
)

// UnwrittenError says that a writer has not taken all of what a guest's writes had returned as written. It is found
// with [errors.As] in the error of the call into the guest, which wraps whatever else the call ended with; [errors.Is]
// finds [ErrUnwritten], too. There is one for each writer.
type UnwrittenError struct {
	// Bytes is how many bytes were not written when the call ended. It is 0 if the writer took all, and returned an
	// error nevertheless.
	Bytes int
	// Err is what the writer returned. It is nil if the writer is still at work, and may write all of it.
	Err error
}

// Error returns a sentence with both.
func (e *UnwrittenError) Error() string {
	why := "the writer is still at work"
	if e.Err != nil {
		why = e.Err.Error()
	}
	if e.Bytes == 0 {
		return "a writer has failed after the guest had written: " + why
	}
	return fmt.Sprintf("%d of the bytes that the guest has written did not reach their writer: %s", e.Bytes, why)
}

// Unwrap returns [ErrUnwritten], and Err if there is one.
func (e *UnwrittenError) Unwrap() []error {
	if e.Err == nil {
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
