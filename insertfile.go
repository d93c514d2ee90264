package wasmtime

import (
	"os"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
)

// WasiFileAccessMode is what a guest may do to a file that it is given, whatever the file itself allows.
type WasiFileAccessMode uint32

// The access modes. They are numbers of their own, not the flags of os.OpenFile.
const (
	// READ_ONLY: the guest may read.
	READ_ONLY WasiFileAccessMode = 1
	// WRITE_ONLY: the guest may write.
	WRITE_ONLY WasiFileAccessMode = 2
	// READ_WRITE: the guest may read and write.
	READ_WRITE WasiFileAccessMode = 3
)

// InsertFile makes an open file of the host the guest's descriptor fd, 0 to 1048575: a regular file, a pipe, a terminal or
// another device, or a socket, which then is one in the guest, too, or a directory, as [Store.InsertDir] without a name does. What
// the guest had there is closed first, as dup2 does; 0, 1 and 2 are its standard streams.
//
// The file is duplicated. Closing f does not close the guest's descriptor, nor the other way round; f may be closed as soon
// as InsertFile returns. Both share one open file, and so one position: what the guest reads moves f on, and seeking in one
// moves the other. Whether f blocks is neither looked at nor changed.
//
// The mode cannot give what the file itself lacks: a guest that may write to a file that was opened for reading finds that it
// fails.
//
// The store needs a WASI configuration, which comes first, because [Store.SetWasi] closes all descriptors, and the guest imports
// from [Linker.DefineWasi]. Preopened directories have the numbers from 3 on. On an error nothing has changed; it wraps [ErrBadFile] for a nil or closed file, [ErrBadAccessMode], [ErrBadFd] for a number out of
// range, [ErrNoWasi], or [ErrUnsupported]. See wasmtime_context_insert_file in wasmtime/ext.h.
func (store *Store) InsertFile(fd uint32, f *os.File, mode WasiFileAccessMode) error {
	return insertFile(store, fd, f, mode)
}

// PushFile makes an open file of the host the guest's descriptor with the lowest free number, which it returns. Everything
// else is as with [Store.InsertFile].
func (store *Store) PushFile(f *os.File, mode WasiFileAccessMode) (uint32, error) {
	return pushFile(store, f, mode)
}

// RemoveFile closes the guest's descriptor fd, one that was inserted or any other. The error wraps [ErrBadFd] if it is not
// open, or [ErrNoWasi].
func (store *Store) RemoveFile(fd uint32) error { return removeFile(store, fd) }

// InsertFile is [Store.InsertFile] for the store of the caller.
func (c *Caller) InsertFile(fd uint32, f *os.File, mode WasiFileAccessMode) error {
	return insertFile(c, fd, f, mode)
}

// PushFile is [Store.PushFile] for the store of the caller.
func (c *Caller) PushFile(f *os.File, mode WasiFileAccessMode) (uint32, error) {
	return pushFile(c, f, mode)
}

// RemoveFile is [Store.RemoveFile] for the store of the caller.
func (c *Caller) RemoveFile(fd uint32) error { return removeFile(c, fd) }

func insertFile(store Storelike, fd uint32, f *os.File, mode WasiFileAccessMode) error {
	return withStoreAndFile(store, f, func(s ffi.Store, host uintptr) ffi.Error {
		return s.InsertFile(fd, host, uint32(mode))
	})
}

func pushFile(store Storelike, f *os.File, mode WasiFileAccessMode) (fd uint32, err error) {
	err = withStoreAndFile(store, f, func(s ffi.Store, host uintptr) (failed ffi.Error) {
		fd, failed = s.PushFile(host, uint32(mode))
		return failed
	})
	return fd, err
}

func removeFile(store Storelike, fd uint32) error {
	s := store.storeState()
	outermost, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(outermost)
	if err := s.native.RemoveFile(fd); !err.IsNil() {
		return s.failure(ffi.Trap{}, err)
	}
	return nil
}

// withStoreAndFile runs f with the store taken and the file's descriptor held.
func withStoreAndFile(store Storelike, file *os.File, f func(s ffi.Store, host uintptr) ffi.Error) error {
	if file == nil {
		return errorf(ErrBadFile, "the file is nil: %v", ErrBadFile)
	}
	return withDescriptor(store, file.Name(), file, f)
}

// withDescriptor runs f with the store taken and the descriptor of something open held.
func withDescriptor(store Storelike, name string, open syscall.Conn, f func(s ffi.Store, host uintptr) ffi.Error) error {
	s := store.storeState()
	outermost, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(outermost)
	var failed ffi.Error
	if err := withFd(name, open, func(fd uintptr) { failed = f(s.native, fd) }); err != nil {
		return err
	}
	if !failed.IsNil() {
		return s.failure(ffi.Trap{}, failed)
	}
	s.raise() // what was closed may have panicked
	return nil
}

// withFd runs f while the descriptor, or handle on Windows, of something open is held. It does not change its blocking
// mode, as os.File.Fd would. What is closed is ErrBadFile.
func withFd(name string, open syscall.Conn, f func(fd uintptr)) error {
	conn, err := open.SyscallConn()
	if err == nil {
		err = conn.Control(f)
	}
	if err != nil {
		return errorf(ErrBadFile, "%s: %v", name, err)
	}
	return nil
}
