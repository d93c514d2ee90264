package component

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
)

// used is a resource of WASI that the program uses itself.
type used struct {
	r    *Resource
	kind ffi.WasiResource
	// name is that of the resource in WIT, or what a file was opened by.
	name   string
	ctx    context.Context
	closed bool
	// owned says that the resource is the program's.
	owned bool
	// answer is what came of the last use.
	answer ffi.WasiAnswer
}

// use begins to use a resource, which has to be of the kind. can is what can be done with it.
func (u *used) use(store wasmtime.Storelike, r *Resource, kind ffi.WasiResource, name string) (can uint64, err error) {
	if r == nil || r.state == nil {
		return 0, isNil("resource")
	}
	inside, err := bridge.StoreOf(store)
	switch {
	case err != nil:
		return 0, err
	case r.state.store != inside:
		return 0, errorf(wasmtime.ErrWrongStore, "the resource and the store: %v", wasmtime.ErrWrongStore)
	}
	u.r, u.kind, u.name = r, kind, name
	err = u.do("open", ffi.WasiUseNot, nil, 0)
	u.owned = u.answer.Owned
	return u.answer.Count, err
}

// do does something with the resource. What came of it is in answer.
func (u *used) do(op string, what ffi.WasiUse, buffer []byte, number uint64) (err error) {
	switch {
	case u.r == nil:
		return u.failed(op, fs.ErrInvalid)
	case u.closed:
		return u.failed(op, fs.ErrClosed)
	}
	s := u.r.state
	within, err := s.store.EnterCall(u.ctx)
	if err != nil {
		return err
	}
	defer func() { err = s.store.LeaveCall(within, err) }()
	if !s.call.UseWasi(u.r.handle, u.kind, what, buffer, number, &u.answer) {
		return withRemedy(s.store.Failure(s.call.Failure()))
	}
	switch u.answer.Status {
	case ffi.WasiUsed, ffi.WasiUsedServed:
		return nil
	case ffi.WasiUsedEnd:
		return io.EOF
	case ffi.WasiUsedFailed:
		return u.failed(op, fileError(u.answer.Count))
	case ffi.WasiUsedNetwork:
		return u.failed(op, networkError(u.answer.Count))
	}
	return errorf(ErrType, "the resource %s is not the %s of WASI 0.2", u.r.name, u.name)
}

// failed is the error of an operation.
func (u *used) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: u.name, Err: err}
}

// setContext sets the context of what is done from now on.
func (u *used) setContext(ctx context.Context) { u.ctx = ctx }

// close drops the resource, if that is the program's. What has not been dropped can be closed again.
func (u *used) close() error {
	switch {
	case u.r == nil:
		return u.failed("close", fs.ErrInvalid)
	case u.closed:
		return u.failed("close", fs.ErrClosed)
	case !u.owned:
		return errorf(ErrBorrowed, "close %s: %v: whoever has lent it closes it", u.name, ErrBorrowed)
	}
	ctx := u.ctx
	if u.kind != ffi.WasiOutputStream { // only what is written may have to be waited for
		ctx = nil
	}
	err := u.r.Drop(ctx)
	u.closed = err == nil || errors.Is(err, ErrHandle)
	return err
}

// most is how many bytes are read or written at once.
const most = 64 << 10

// StreamReader reads an input-stream of wasi:io, a guest's or the host's own. It is an [io.ReadCloser]. It is for one
// goroutine at a time, that which uses the store.
type StreamReader struct{ used used }

// WasiReader returns a reader of an input-stream of wasi:io: of one that a Go function was passed, or that an export
// has returned. Whatever is behind it, a file, a connection, a standard stream or a reader of the program's, its bytes
// are read from where the guest is, and what is read is gone for the guest.
//
//	upload.Func("put", func(caller *wasmtime.Caller, body *component.Resource) error {
//		r, err := component.WasiReader(caller, body)
//		if err != nil {
//			return err
//		}
//		_, err = io.Copy(file, r)
//		return err
//	})
//
// A borrow is the guest's: it can be read until the Go function returns, afterwards an error wraps [ErrHandle], and
// Close leaves it to the guest, with an error that wraps [ErrBorrowed]. An own is the program's, as the resource itself
// is: it can be read as long as the store is open, and has to be closed, dropped or given away. A resource that is no
// input-stream is an error that wraps [ErrType]; one that was dropped or given away wraps [ErrHandle].
//
// The reader uses the store. So it is not one for [wasmtime.Store.PushReader] or [NewInput], which must not: reading it
// there is an error that wraps [wasmtime.ErrConcurrentUse].
func WasiReader(store wasmtime.Storelike, r *Resource) (*StreamReader, error) {
	s := &StreamReader{}
	if _, err := s.used.use(store, r, ffi.WasiInputStream, "input-stream"); err != nil {
		return nil, err
	}
	return s, nil
}

// Read reads up to len(p) bytes, 64 KiB at most, and waits until there are some. The wait ends with the context of the
// guest's call, and with one that SetContext has set, but not with [wasmtime.Store.SetEpochDeadline]: the error is a
// [*wasmtime.Trap] that wraps the context's. At the end it is [io.EOF]. What else the stream fails with is a
// [*fs.PathError] that matches [fs.ErrPermission] and the others as errors of package os do.
func (s *StreamReader) Read(p []byte) (int, error) {
	p = p[:min(len(p), most)]
	if err := notNil(s, "reader").used.do("read", ffi.WasiUseRead, p, 0); err != nil {
		return 0, err
	}
	return int(s.used.answer.Count), nil
}

// SetContext sets a context that ends waits as well, from now on; nil is none. With one that can end, the engine needs
// [wasmtime.Config.SetEpochInterruption], as for calls.
func (s *StreamReader) SetContext(ctx context.Context) { notNil(s, "reader").used.setContext(ctx) }

// Close drops the stream, which has to be the program's own. Closing twice is an error that wraps [fs.ErrClosed], as
// with [os.File]. If it fails because another goroutine uses the store, the stream stays, and can be closed again.
func (s *StreamReader) Close() error { return notNil(s, "reader").used.close() }

// StreamWriter writes an output-stream of wasi:io, a guest's or the host's own. It is an [io.WriteCloser]. It is for
// one goroutine at a time, that which uses the store.
type StreamWriter struct{ used used }

// WasiWriter is [WasiReader] for an output-stream of wasi:io. What a guest has written before comes first.
func WasiWriter(store wasmtime.Storelike, r *Resource) (*StreamWriter, error) {
	s := &StreamWriter{}
	if _, err := s.used.use(store, r, ffi.WasiOutputStream, "output-stream"); err != nil {
		return nil, err
	}
	return s, nil
}

// Write writes all of p, and waits until it is written. Waits and errors are those of [StreamReader.Read]; when nobody
// reads what is written, the error is a [*fs.PathError] that wraps [io.ErrClosedPipe]. With an error, the number of
// bytes says what was certainly written, which is a multiple of 64 KiB.
func (s *StreamWriter) Write(p []byte) (n int, err error) {
	for len(p) > n {
		part := p[n:min(len(p), n+most)]
		if err := notNil(s, "writer").used.do("write", ffi.WasiUseWrite, part, 0); err != nil {
			return n, s.used.broken("write", err)
		}
		n += len(part)
	}
	return n, nil
}

// broken is an error of writing, where the end says that nobody reads.
func (u *used) broken(op string, err error) error {
	if err == io.EOF {
		return u.failed(op, io.ErrClosedPipe)
	}
	return err
}

// Flush waits until all is written that a guest has written before.
func (s *StreamWriter) Flush() error {
	return s.used.broken("flush", notNil(s, "writer").used.do("flush", ffi.WasiUseFlush, nil, 0))
}

// SetContext is [StreamReader.SetContext].
func (s *StreamWriter) SetContext(ctx context.Context) { notNil(s, "writer").used.setContext(ctx) }

// Close flushes and drops the stream, and is otherwise [StreamReader.Close]. A stream that nobody reads any more is
// closed without an error. If a context ends the wait, the stream stays, and can be closed with another context.
func (s *StreamWriter) Close() error {
	u := &notNil(s, "writer").used
	if u.r == nil || u.closed || !u.owned {
		return u.close()
	}
	err := u.do("flush", ffi.WasiUseFlush, nil, 0)
	var failed *fs.PathError
	switch {
	case err == io.EOF:
		err = nil
	case err != nil && !errors.As(err, &failed): // nothing is wrong with the stream
		return err
	}
	return errors.Join(err, u.close())
}
