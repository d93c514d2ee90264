package wasmtime

import (
	"io"
	"io/fs"
	"net"
	"os"
)

// What a host function gives the guest that has called it: the methods of Store, for the Caller's store. They are not
// shared by embedding, because a method of something embedded panics for a nil pointer before it is called.

// InsertFile is [Store.InsertFile] for the Caller's store.
func (c *Caller) InsertFile(fd uint32, f *os.File, mode WasiFileAccessMode) error {
	_, err := descriptors{c}.file(at(fd), f, mode)
	return err
}

// PushFile is [Store.PushFile] for the Caller's store.
func (c *Caller) PushFile(f *os.File, mode WasiFileAccessMode) (uint32, error) {
	return descriptors{c}.file(lowestFree, f, mode)
}

// RemoveFile is [Store.RemoveFile] for the Caller's store.
func (c *Caller) RemoveFile(fd uint32) error { return descriptors{c}.remove(fd) }

// InsertDir is [Store.InsertDir] for the Caller's store.
func (c *Caller) InsertDir(fd uint32, dir *os.File, guestPath string, mode WasiFileAccessMode) error {
	_, err := descriptors{c}.dir(at(fd), dir, guestPath, mode)
	return err
}

// PushDir is [Store.PushDir] for the Caller's store.
func (c *Caller) PushDir(dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	return descriptors{c}.dir(lowestFree, dir, guestPath, mode)
}

// InsertFS is [Store.InsertFS] for the Caller's store.
func (c *Caller) InsertFS(fd uint32, fsys fs.FS, guestPath string) error {
	_, err := descriptors{c}.fileSystem(at(fd), fsys, guestPath)
	return err
}

// PushFS is [Store.PushFS] for the Caller's store.
func (c *Caller) PushFS(fsys fs.FS, guestPath string) (uint32, error) {
	return descriptors{c}.fileSystem(lowestFree, fsys, guestPath)
}

// InsertConn is [Store.InsertConn] for the Caller's store.
func (c *Caller) InsertConn(fd uint32, conn net.Conn) error {
	_, err := descriptors{c}.conn(at(fd), conn)
	return err
}

// PushConn is [Store.PushConn] for the Caller's store.
func (c *Caller) PushConn(conn net.Conn) (uint32, error) {
	return descriptors{c}.conn(lowestFree, conn)
}

// InsertListener is [Store.InsertListener] for the Caller's store.
func (c *Caller) InsertListener(fd uint32, l net.Listener) error {
	_, err := descriptors{c}.listener(at(fd), l)
	return err
}

// PushListener is [Store.PushListener] for the Caller's store.
func (c *Caller) PushListener(l net.Listener) (uint32, error) {
	return descriptors{c}.listener(lowestFree, l)
}

// InsertReader is [Store.InsertReader] for the Caller's store.
func (c *Caller) InsertReader(fd uint32, r io.Reader) error {
	_, err := descriptors{c}.reader(at(fd), r)
	return err
}

// PushReader is [Store.PushReader] for the Caller's store.
func (c *Caller) PushReader(r io.Reader) (uint32, error) { return descriptors{c}.reader(lowestFree, r) }

// InsertWriter is [Store.InsertWriter] for the Caller's store.
func (c *Caller) InsertWriter(fd uint32, w io.Writer) error {
	_, err := descriptors{c}.writer(at(fd), w)
	return err
}

// PushWriter is [Store.PushWriter] for the Caller's store.
func (c *Caller) PushWriter(w io.Writer) (uint32, error) { return descriptors{c}.writer(lowestFree, w) }
