package wasmtime

import (
	"os"

	"github.com/gowasmtime/wasmtime/ffi"
)

// InsertDir makes an open directory of the host the guest's descriptor fd, 0 to 1048575, as [Store.InsertFile] does with a
// file: it is duplicated, and what the guest had there is closed first.
//
// The guest opens, creates, renames and removes paths below the directory. Nothing outside can be reached: not by "..", an
// absolute path or a symbolic link, nor by moving and replacing directories meanwhile. An attempt is EPERM for the guest.
//
// With a guestPath, the guest finds the directory under this name among its preopened ones. C and Go programs look for those
// once, when they start, with the numbers from 3 up to the first that is not open. With "", only a guest that knows the
// number finds the directory.
//
// The mode is [READ_ONLY] or [READ_WRITE], and holds for everything below. The errors are those of [Store.InsertFile]; a
// file that is no directory is one that wraps [ErrBadFile]. See wasmtime_context_insert_dir in wasmtime/ext.h.
func (store *Store) InsertDir(fd uint32, dir *os.File, guestPath string, mode WasiFileAccessMode) error {
	return insertDir(store, fd, dir, guestPath, mode)
}

// PushDir makes an open directory of the host the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertDir].
func (store *Store) PushDir(dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	return pushDir(store, dir, guestPath, mode)
}

// InsertDir is [Store.InsertDir] for the store of the caller.
func (c *Caller) InsertDir(fd uint32, dir *os.File, guestPath string, mode WasiFileAccessMode) error {
	return insertDir(c, fd, dir, guestPath, mode)
}

// PushDir is [Store.PushDir] for the store of the caller.
func (c *Caller) PushDir(dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	return pushDir(c, dir, guestPath, mode)
}

func insertDir(store Storelike, fd uint32, dir *os.File, guestPath string, mode WasiFileAccessMode) error {
	return withStoreAndFile(store, dir, func(s ffi.Store, host uintptr) ffi.Error {
		return s.InsertDir(fd, host, guestPath, uint32(mode))
	})
}

func pushDir(store Storelike, dir *os.File, guestPath string, mode WasiFileAccessMode) (fd uint32, err error) {
	err = withStoreAndFile(store, dir, func(s ffi.Store, host uintptr) (failed ffi.Error) {
		fd, failed = s.PushDir(host, guestPath, uint32(mode))
		return failed
	})
	return fd, err
}
