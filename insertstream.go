package wasmtime

import (
	"io"
	"os"
	"reflect"
)

// InsertReader makes a reader the guest's descriptor fd, which it can only read: a pipe, as far as it can see. What the guest had
// there is closed first, as with [Store.InsertFile], which is used for an [*os.File].
//
// The reader is called when the guest reads, in the middle of its call or, if the guest polls, has set its descriptor
// non-blocking, or has a context that can be cancelled, by a goroutine that reads up to 64 KiB ahead. One
// call is made at a time. [io.EOF] is the end; any other error is an error number for the guest, EIO unless it says more. A panic ends the
// guest, at its next request, and comes out of the call that runs it. The reader must not use the store. It is never closed.
func (store *Store) InsertReader(fd uint32, r io.Reader) error { return insertReader(store, fd, r) }

// PushReader makes a reader the guest's descriptor with the lowest free number, which it returns. Everything else is as with
// [Store.InsertReader].
func (store *Store) PushReader(r io.Reader) (uint32, error) { return pushReader(store, r) }

// InsertWriter makes a writer the guest's descriptor fd, which it can only write: a pipe, as far as it can see. Everything
// else is as with [Store.InsertReader]: the writer is called when the guest writes.
//
// Where it cannot be, because the guest has set its descriptor non-blocking, as a Go program does with its standard output, or has a context that can
// be cancelled, a goroutine writes up to 64 KiB behind. An error is then met by the guest's next write, if there is one. When the call into
// the guest returns, the writer has been given all and is not at work any more, unless it takes more than five seconds for what is left, or more
// than a moment after the context has ended.
func (store *Store) InsertWriter(fd uint32, w io.Writer) error { return insertWriter(store, fd, w) }

// PushWriter makes a writer the guest's descriptor with the lowest free number, which it returns. Everything else is as with
// [Store.InsertWriter].
func (store *Store) PushWriter(w io.Writer) (uint32, error) { return pushWriter(store, w) }

// InsertReader is [Store.InsertReader] for the store of the caller.
func (c *Caller) InsertReader(fd uint32, r io.Reader) error { return insertReader(c, fd, r) }

// PushReader is [Store.PushReader] for the store of the caller.
func (c *Caller) PushReader(r io.Reader) (uint32, error) { return pushReader(c, r) }

// InsertWriter is [Store.InsertWriter] for the store of the caller.
func (c *Caller) InsertWriter(fd uint32, w io.Writer) error { return insertWriter(c, fd, w) }

// PushWriter is [Store.PushWriter] for the store of the caller.
func (c *Caller) PushWriter(w io.Writer) (uint32, error) { return pushWriter(c, w) }

func insertReader(store Storelike, fd uint32, r io.Reader) error {
	if f, ok := r.(*os.File); ok {
		return insertFile(store, fd, f, READ_ONLY)
	}
	if isNil(r) {
		return errorf(ErrBadFile, "the reader is nil: %v", ErrBadFile)
	}
	_, err := insertServed(store, fd, false, READ_ONLY, newStream(r, nil))
	return err
}

func pushReader(store Storelike, r io.Reader) (uint32, error) {
	if f, ok := r.(*os.File); ok {
		return pushFile(store, f, READ_ONLY)
	}
	if isNil(r) {
		return 0, errorf(ErrBadFile, "the reader is nil: %v", ErrBadFile)
	}
	return insertServed(store, 0, true, READ_ONLY, newStream(r, nil))
}

func insertWriter(store Storelike, fd uint32, w io.Writer) error {
	if f, ok := w.(*os.File); ok {
		return insertFile(store, fd, f, WRITE_ONLY)
	}
	if isNil(w) {
		return errorf(ErrBadFile, "the writer is nil: %v", ErrBadFile)
	}
	_, err := insertServed(store, fd, false, WRITE_ONLY, newStream(nil, w))
	return err
}

func pushWriter(store Storelike, w io.Writer) (uint32, error) {
	if f, ok := w.(*os.File); ok {
		return pushFile(store, f, WRITE_ONLY)
	}
	if isNil(w) {
		return 0, errorf(ErrBadFile, "the writer is nil: %v", ErrBadFile)
	}
	return insertServed(store, 0, true, WRITE_ONLY, newStream(nil, w))
}

// isNil tells whether there is nothing in an interface, or a nil pointer.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}
