package component

import (
	"context"
	"io/fs"

	"github.com/gowasmtime/wasmtime"
)

// StreamReader reads an input-stream of wasi:io, a guest's or the host's own. It is an [io.ReadCloser]. It is for one
// goroutine at a time, that which uses the store.
type StreamReader struct{}

// WasiReader returns a reader of an input-stream of wasi:io: of one that a Go function was passed, or that an export
// has returned. Whatever is behind it, a file, a connection, a standard stream or a reader of the program's, its bytes
// are read from where the guest is, and what is read is gone for the guest.
//
//	linker.Instance("example:app/upload@1.0.0").Func("put", func(caller *wasmtime.Caller, body *component.Resource) error {
//		r, err := component.WasiReader(caller, body)
//		if err != nil {
//			return err
//		}
//		defer r.Close()
//		_, err = io.Copy(file, r)
//		return err
//	})
//
// A borrow is the guest's: it can be read until the Go function returns, and Close leaves it to the guest, with an
// error that wraps [ErrBorrowed]. An own is the program's, as the resource itself is: it can be read as long as the
// store is open, and has to be closed, dropped or given away. A resource that is no input-stream is an error that wraps
// [ErrType]; one that was dropped, or lent for a call that is over, wraps [ErrHandle].
func WasiReader(store wasmtime.Storelike, r *Resource) (*StreamReader, error) {
	return nil, errNotYet
}

// Read reads up to len(p) bytes, and waits until there are some. The wait ends with the context of the guest's call,
// with [wasmtime.Store.Interrupt] or the like, and with a context that SetContext has set: the error wraps theirs. At
// the end it is [io.EOF]. What else the stream fails with is a [*fs.PathError] that matches [fs.ErrPermission] and the
// others as errors of package os do.
func (s *StreamReader) Read(p []byte) (int, error) { return 0, errNotYet }

// SetContext sets a context with which waits end as well, from now on; nil is none. The engine needs
// [wasmtime.Config.SetEpochInterruption] for a context that can end, as for calls. A guest in whose call it has ended
// is stopped.
func (s *StreamReader) SetContext(ctx context.Context) {}

// Close drops the stream, which has to be the program's own. It is gone for all who read it. Closing twice is an error
// that wraps [fs.ErrClosed], as with [os.File].
func (s *StreamReader) Close() error { return errNotYet }

// StreamWriter writes an output-stream of wasi:io, a guest's or the host's own. It is an [io.WriteCloser]. It is for
// one goroutine at a time, that which uses the store.
type StreamWriter struct{}

// WasiWriter is [WasiReader] for an output-stream of wasi:io.
func WasiWriter(store wasmtime.Storelike, r *Resource) (*StreamWriter, error) {
	return nil, errNotYet
}

// Write writes all of p, and waits until it is written. Waits and errors are those of [StreamReader.Read]; a stream
// that is closed at the other end is [io.ErrClosedPipe].
func (s *StreamWriter) Write(p []byte) (int, error) { return 0, errNotYet }

// Flush waits until all has been written that a guest has written before.
func (s *StreamWriter) Flush() error { return errNotYet }

// SetContext is [StreamReader.SetContext].
func (s *StreamWriter) SetContext(ctx context.Context) {}

// Close flushes and drops the stream, and is otherwise [StreamReader.Close].
func (s *StreamWriter) Close() error { return errNotYet }

// File is a descriptor of wasi:filesystem, a guest's or the host's own: a file or a directory. It is an [fs.File], an
// [fs.ReadDirFile], an [io.ReaderAt], an [io.Writer], an [io.WriterAt] and an [io.Seeker], as far as the descriptor
// allows: what it does not is an [*fs.PathError]. It is for one goroutine at a time, that which uses the store.
type File struct{}

// WasiFile is [WasiReader] for a descriptor of wasi:filesystem. A descriptor has no position: that of the File is its
// own, and begins at 0.
func WasiFile(store wasmtime.Storelike, r *Resource) (*File, error) {
	return nil, errNotYet
}

// Read reads at the position, which moves on.
func (f *File) Read(p []byte) (int, error) { return 0, errNotYet }

// ReadAt reads at an offset: all of p, or up to the end, with [io.EOF].
func (f *File) ReadAt(p []byte, off int64) (int, error) { return 0, errNotYet }

// Write writes all of p at the position, which moves on.
func (f *File) Write(p []byte) (int, error) { return 0, errNotYet }

// WriteAt writes all of p at an offset.
func (f *File) WriteAt(p []byte, off int64) (int, error) { return 0, errNotYet }

// Seek moves the position.
func (f *File) Seek(offset int64, whence int) (int64, error) { return 0, errNotYet }

// Stat returns what there is to be known of the file: its size, its type and when it was changed. Its name is ".", since
// a descriptor has none.
func (f *File) Stat() (fs.FileInfo, error) { return nil, errNotYet }

// ReadDir returns the entries of a directory, as [os.File.ReadDir] does.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) { return nil, errNotYet }

// Truncate changes the size.
func (f *File) Truncate(size int64) error { return errNotYet }

// Sync waits until the file is on its medium.
func (f *File) Sync() error { return errNotYet }

// SetContext is [StreamReader.SetContext].
func (f *File) SetContext(ctx context.Context) {}

// Close drops the descriptor, and is otherwise [StreamReader.Close].
func (f *File) Close() error { return errNotYet }
