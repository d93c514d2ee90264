package wasmtime

//lint:file-ignore ST1003 The names of access modes and permissions are those of wasmtime-go and of WASI.

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/served"
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

// InsertFile makes an open file of the host the guest's descriptor fd, 0 to 1048575: a regular file, a pipe, a
// terminal or another device, or a socket, which then is one in the guest, too, or a directory, as
// [Store.InsertDir] without a name does. What the guest had there is closed first, as dup2 does; 0, 1 and 2 are its
// standard streams.
//
// The file is duplicated. Closing f does not close the guest's descriptor, nor the other way round; f may be closed
// as soon as InsertFile returns. Both share one open file, and so one position: what the guest reads moves f on,
// and seeking in one moves the other. Whether f blocks is neither looked at nor changed.
//
// The mode cannot give what the file itself lacks: a guest that may write to a file that was opened for reading
// finds that it fails.
//
// The store needs a WASI configuration, which comes first, because [Store.SetWasi] closes all descriptors, and the
// guest imports from [Linker.DefineWasi]. Preopened directories have the numbers from 3 on. On an error nothing has
// changed; it wraps [ErrBadFile] for a nil or closed file, [ErrBadAccessMode], [ErrBadFd] for a number out of
// range, [ErrNoWasi], or [ErrUnsupported]. See wasmtime_context_insert_file in wasmtime/ext.h.
func (store *Store) InsertFile(fd uint32, f *os.File, mode WasiFileAccessMode) error {
	_, err := descriptors{store}.file(at(fd), f, mode)
	return err
}

// PushFile makes an open file of the host the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertFile].
func (store *Store) PushFile(f *os.File, mode WasiFileAccessMode) (uint32, error) {
	return descriptors{store}.file(lowestFree, f, mode)
}

// RemoveFile closes the guest's descriptor fd, one that was inserted or any other. The error wraps [ErrBadFd] if it
// is not open, or [ErrNoWasi].
func (store *Store) RemoveFile(fd uint32) error {
	return descriptors{store}.remove(fd)
}

// InsertDir makes an open directory of the host the guest's descriptor fd, 0 to 1048575, as [Store.InsertFile] does
// with a file: it is duplicated, and what the guest had there is closed first.
//
// The guest opens, creates, renames and removes paths below the directory. Nothing outside can be reached: not by
// "..", an absolute path or a symbolic link, nor by moving and replacing directories meanwhile. An attempt is EPERM
// for the guest.
//
// With a guestPath, the guest finds the directory under this name among its preopened ones. C and Go programs look
// for those once, when they start, with the numbers from 3 up to the first that is not open. With "", only a guest
// that knows the number finds the directory.
//
// The mode is [READ_ONLY] or [READ_WRITE], and holds for everything below. The errors are those of
// [Store.InsertFile]; a file that is no directory is one that wraps [ErrBadFile]. See wasmtime_context_insert_dir
// in wasmtime/ext.h.
func (store *Store) InsertDir(fd uint32, dir *os.File, guestPath string, mode WasiFileAccessMode) error {
	_, err := descriptors{store}.dir(at(fd), dir, guestPath, mode)
	return err
}

// PushDir makes an open directory of the host the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertDir].
func (store *Store) PushDir(dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	return descriptors{store}.dir(lowestFree, dir, guestPath, mode)
}

// InsertFS makes a file system of Go's the guest's descriptor fd, 0 to 1048575: a directory that can only be read,
// unless it comes from [Writable]. What the guest had there is closed first. guestPath is what it is with
// [Store.InsertDir].
//
// The guest opens paths, reads, seeks and lists, and gets the answers that it gets from a directory of the host
// which is inserted with [READ_ONLY]: EPERM for what would change something, and for a way out by "..", an absolute
// path or a symbolic link. Links are followed if the file system is an [fs.ReadLinkFS]. Listings are sorted. A
// file's number (inode) follows from its path; its times are all one. Named pipes and sockets cannot be opened. An
// error of the file system is an error number for the guest: that of an operating system's error in it, those of
// [fs.ErrNotExist], [fs.ErrPermission] and the like, else EIO.
//
// Files need not seek. One that is no [io.ReaderAt] and no [io.Seeker] is opened again for a guest that goes back,
// and read up to the place, which happens when it reads there. A file that is an [*os.File] is handed over as the
// host's file that it is.
//
// The file system is called in the middle of the guest's call, on its goroutine. If the guest has a context that
// can be cancelled, a goroutine makes the call, and reads up to 64 KiB ahead, so that the guest stops at once; the
// call goes on, and the next one waits for it. (An [embed.FS] never waits, so it is called in place.) One call is
// made at a time; but two stores, or two insertions, make theirs independently. A panic ends the guest and comes
// out of the call that runs it. The file system must not use the store. An [fs.File] is closed when the guest
// closes its descriptor, when that is replaced, and when the store is closed.
//
// Directories of the host are better inserted with [Store.InsertDir]: that is faster, and nothing outside is reached
// even while someone swaps directories for links. With [os.DirFS] somebody who can do that gets the guest out;
// [os.Root.FS] prevents it.
//
// The errors are those of [Store.InsertDir]; one for a nil file system, and one whose root cannot be looked at,
// wraps [ErrBadFile].
func (store *Store) InsertFS(fd uint32, fsys fs.FS, guestPath string) error {
	_, err := descriptors{store}.fileSystem(at(fd), fsys, guestPath)
	return err
}

// PushFS makes a file system of Go's the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertFS].
func (store *Store) PushFS(fsys fs.FS, guestPath string) (uint32, error) {
	return descriptors{store}.fileSystem(lowestFree, fsys, guestPath)
}

// InsertConn makes a connection of the host the guest's descriptor fd, as [Store.InsertFile] does with a file: a
// stream socket, which the guest reads, writes, polls and shuts down.
//
// A connection that is not one of package net's sockets, such as a [crypto/tls.Conn], one end of [net.Pipe], or a
// type of your own around a socket, is served by Go, as [Store.InsertReader] and [Store.InsertWriter] say, and
// given away: it is closed when the guest closes its descriptor or the store is closed, after all that the guest has
// written, if that takes no more than five seconds. Closing may take its time, for which nobody waits long: the call
// into the guest, or other operation of the store, waits for all that it closes together, and 100 ms at most. What
// is slower is closed by a goroutine, as is all of a store that the garbage collector frees. What Close panics with
// while somebody waits comes out of the operation, or of the next one that fails.
//
// Any other connection is duplicated. c may be closed as soon as InsertConn returns, and usually should be: the
// other side sees the end of the connection when both are closed. A shutdown by the guest is one of the connection,
// for c as well. Whether the guest waits is its own affair; c stays as it is.
func (store *Store) InsertConn(fd uint32, c net.Conn) error {
	_, err := descriptors{store}.conn(at(fd), c)
	return err
}

// PushConn makes a connection of the host the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertConn].
func (store *Store) PushConn(c net.Conn) (uint32, error) {
	return descriptors{store}.conn(lowestFree, c)
}

// InsertListener makes a listener of the host the guest's descriptor fd, as [Store.InsertConn] does with a
// connection. What the guest accepts is its own.
//
// A listener that is not one of package net's sockets, such as that of [crypto/tls.NewListener], one in memory, or
// a type of your own around a socket, is served by Go.
//
// Any other listener is duplicated. As long as l is open as well, both accept, each connection going to one of
// them.
//
// One that is served by Go is given away, as a connection is: it is closed when the guest closes its descriptor or
// the store is closed, and so is a connection that it has accepted and the guest has not. It is closed once. Accept
// is called when the guest accepts, in the middle of its call or, if the guest polls, has set its descriptor
// non-blocking, or has a context that can be cancelled, by a goroutine that accepts one connection ahead. A connection
// of package net that it returns is a socket of the host for the guest, any other one is served by Go. Errors of
// Accept and panics are as with [Store.InsertReader]: the guest is told once, and may accept again, unless the
// listener is closed. It must not use the store either.
func (store *Store) InsertListener(fd uint32, l net.Listener) error {
	_, err := descriptors{store}.listener(at(fd), l)
	return err
}

// PushListener makes a listener of the host the guest's descriptor with the lowest free number, which it returns.
// Everything else is as with [Store.InsertListener].
func (store *Store) PushListener(l net.Listener) (uint32, error) {
	return descriptors{store}.listener(lowestFree, l)
}

// InsertReader makes a reader the guest's descriptor fd, which it can only read: a pipe, as far as it can see. What
// the guest had there is closed first, as with [Store.InsertFile], which is used for an [*os.File].
//
// The reader is called when the guest reads, in the middle of its call or, if the guest polls, has set its
// descriptor non-blocking, or has a context that can be cancelled, by a goroutine that reads up to 64 KiB ahead.
// One call is made at a time. The reader must not use the store. It is never closed.
//
// Equal readers, as == compares them, are one pipe, of which the guest's descriptors in this store are duplicates. A
// Read that a goroutine has begun goes on when the guest is stopped, and when its descriptors are gone. No other
// goroutine calls an equal reader meanwhile, for whatever store. What the Read brings when the descriptors are gone is
// what the next descriptor of an equal reader gets first, in whatever store: a line that is typed after one guest was
// stopped is the next guest's. That is kept for the last 64 readers that were late. What was read ahead in time, and
// the guest has not taken, is gone with its descriptors, and so is all that is read for a store that nobody has closed
// and the garbage collector has taken.
//
// [io.EOF] is the end. Any other error is an error number for the guest: that of an operating system's error in it,
// those of [net.ErrClosed], [os.ErrDeadlineExceeded] and the like, else EIO. What was read before it comes first. The
// guest is told once, also of an error that the goroutine met, and its next read asks the reader again: an EAGAIN or a
// deadline may have passed. Until it was told, the descriptor is ready for polls, without a hang-up; afterwards it is
// not, before the reader has said something new. Only the end, and an error that wraps [net.ErrClosed],
// [fs.ErrClosed] or [io.ErrClosedPipe], stay: then the reader is not called any more. One that returns nothing a
// hundred times is taken to have said [io.ErrNoProgress]. A number of bytes that is more than the reader was asked for,
// or negative without an error, ends the guest, with an error that wraps [ErrBadCount]. One that ends its goroutine
// with [runtime.Goexit] is EIO, once, if the goroutine was its own.
//
// A panic ends the guest, at once if it waits for the reader and otherwise at its next request, and comes out of the
// call that runs it. Then the reader is called again as if nothing had happened.
func (store *Store) InsertReader(fd uint32, r io.Reader) error {
	_, err := descriptors{store}.reader(at(fd), r)
	return err
}

// PushReader makes a reader the guest's descriptor with the lowest free number, which it returns. Everything else
// is as with [Store.InsertReader].
func (store *Store) PushReader(r io.Reader) (uint32, error) {
	return descriptors{store}.reader(lowestFree, r)
}

// InsertWriter makes a writer the guest's descriptor fd, which it can only write: a pipe, as far as it can see.
// Everything else is as with [Store.InsertReader]: the writer is called when the guest writes.
//
// Where it cannot be, because the guest has set its descriptor non-blocking, as a Go program does with its standard
// output, or has a context that can be cancelled, a goroutine writes up to 64 KiB behind. Before a host function is
// called, and when the call into the guest returns, the writer has been given all and is not at work any more; unless
// it takes more than 100 ms in the first case, and is then not waited for at host functions again, for it may be
// waiting for them, and in the second more than five seconds for what is left, or more than a moment after the context
// has ended. Then it stays at work. The next write to it waits for it, for as long as the context of its own call lets
// it, and so does one of another store to an equal writer.
//
// Errors are as with a reader: the guest is told once, unless the error stays. If the writer has taken a part, the
// guest gets the number of bytes in it, and its next write the error; a writer that takes a part without an error is
// taken to have said [io.ErrShortWrite]. An error that the goroutine met is told by the guest's next write, which then
// writes nothing. If there is none before the call into the guest ends, the call is an error: it wraps [ErrUnwritten],
// what the writer said, and what the call has ended with besides, an [*ExitError] of status 0 included; an
// [*UnwrittenError] in it says how many bytes have not been written. So it is with a writer that is still at work then,
// and with an error that came with all of what the guest has written. Of calls inside of each other, the outermost
// tells. What a writer that was left at work says later is told by the store's next call into a guest.
//
// What the guest knows to be written, and the writer has not taken, is not lost to an error that passes: it is kept,
// counts for the 64 KiB, and is given to the writer again before anything else by the write after the one that was
// told, by a poll if there is no room, and once when the call into the guest returns. It is lost with an error that
// stays, with a panic, and when the descriptor of a writer is closed, at the end of the call in which that happens. A
// connection is given what was kept once more when it is closed or its writing is shut down; as with any socket, what
// was sent may not arrive, and no call into a guest is an error for that.
//
// Equal writers, as == compares them, are one pipe, of which the guest's descriptors in this store are duplicates: such
// a writer is called by one goroutine at a time, and what the guest writes to either descriptor arrives in that order.
// An error is told by the next write to either; what was kept is lost when the last of them is closed.
//
// A panic of the writer comes out of the call into the guest, or out of the end of that call if a goroutine wrote.
func (store *Store) InsertWriter(fd uint32, w io.Writer) error {
	_, err := descriptors{store}.writer(at(fd), w)
	return err
}

// PushWriter makes a writer the guest's descriptor with the lowest free number, which it returns. Everything else
// is as with [Store.InsertWriter].
func (store *Store) PushWriter(w io.Writer) (uint32, error) {
	return descriptors{store}.writer(lowestFree, w)
}

// descriptors are those of a store's guests.
type descriptors struct{ of Storelike }

// place says which of a guest's descriptors something becomes: the one with a number, or the one with the lowest free
// number.
type place struct {
	fd   uint32
	free bool
}

var lowestFree = place{free: true}

func at(fd uint32) place { return place{fd: fd} }

func (d descriptors) remove(fd uint32) error {
	_, err := d.change(func(s *state) (uint32, ffi.Error) { return fd, s.native.RemoveFile(fd) })
	return err
}

func (d descriptors) file(to place, f *os.File, mode WasiFileAccessMode) (uint32, error) {
	if f == nil {
		return 0, errNilFile
	}
	return d.open(f.Name(), f, func(s ffi.Store, host uintptr) (uint32, ffi.Error) {
		return s.InsertFile(to.fd, to.free, host, uint32(mode))
	})
}

func (d descriptors) dir(to place, dir *os.File, guestPath string, mode WasiFileAccessMode) (uint32, error) {
	if dir == nil {
		return 0, errNilFile
	}
	return d.open(dir.Name(), dir, func(s ffi.Store, host uintptr) (uint32, ffi.Error) {
		return s.InsertDir(to.fd, to.free, host, guestPath, uint32(mode))
	})
}

func (d descriptors) fileSystem(to place, fsys fs.FS, guestPath string) (uint32, error) {
	if err := checkFS(fsys); err != nil {
		return 0, err
	}
	if guestPath == "" {
		return d.mount(to, fsys, nil)
	}
	return d.mount(to, fsys, &guestPath)
}

// mount makes a file system a directory of the guest. A nil guestPath is no name.
func (d descriptors) mount(to place, fsys fs.FS, guestPath *string) (uint32, error) {
	return d.change(func(s *state) (uint32, ffi.Error) {
		s.mounts++
		mode := READ_ONLY
		if _, ok := fsys.(*served.Writable); ok {
			mode = READ_WRITE
		}
		root := served.Mount(s.slot, fsys, s.mounts)
		fd, failed := s.native.InsertFS(to.fd, to.free, guestPath, uint32(mode), root)
		if !failed.IsNil() {
			served.Unmount(root)
		}
		return fd, failed
	})
}

func (d descriptors) conn(to place, c net.Conn) (uint32, error) {
	if served.IsSocket(c) || served.IsNil(c) {
		return d.socket(to, c)
	}
	return d.serve(to, READ_WRITE, served.NewConn(c))
}

func (d descriptors) listener(to place, l net.Listener) (uint32, error) {
	if served.IsListeningSocket(l) || served.IsNil(l) {
		return d.socket(to, l)
	}
	return d.serve(to, READ_WRITE, served.NewListener(l))
}

func (d descriptors) reader(to place, r io.Reader) (uint32, error) {
	if f, ok := r.(*os.File); ok {
		return d.file(to, f, READ_ONLY)
	}
	if served.IsNil(r) {
		return 0, errorf(ErrBadFile, "the reader is nil: %v", ErrBadFile)
	}
	return d.serve(to, READ_ONLY, served.NewReader(r))
}

func (d descriptors) writer(to place, w io.Writer) (uint32, error) {
	if f, ok := w.(*os.File); ok {
		return d.file(to, f, WRITE_ONLY)
	}
	if served.IsNil(w) {
		return 0, errorf(ErrBadFile, "the writer is nil: %v", ErrBadFile)
	}
	return d.serve(to, WRITE_ONLY, served.NewWriter(w))
}

// socket makes a connection or a listener that is a socket of the host a descriptor of the guest.
func (d descriptors) socket(to place, socket any) (uint32, error) {
	if served.IsNil(socket) {
		return 0, errorf(ErrBadFile, "the connection or the listener is nil: %v", ErrBadFile)
	}
	return d.open(fmt.Sprintf("%T", socket), socket.(syscall.Conn), func(s ffi.Store, host uintptr) (uint32, ffi.Error) {
		return s.InsertFile(to.fd, to.free, host, uint32(READ_WRITE))
	})
}

// serve makes what Go serves a descriptor of the guest.
func (d descriptors) serve(to place, mode WasiFileAccessMode, what *served.Descriptor) (uint32, error) {
	return d.change(func(s *state) (uint32, ffi.Error) {
		number := what.Attach(s.slot)
		fd, failed := s.native.InsertStream(to.fd, to.free, uint32(mode), what.Kind(), number)
		if !failed.IsNil() {
			what.Detach()
		}
		return fd, failed
	})
}

// open runs f with the store entered and the descriptor of something open held.
func (d descriptors) open(name string, open syscall.Conn, f func(s ffi.Store, host uintptr) (uint32, ffi.Error)) (uint32, error) {
	var bad error
	fd, err := d.change(func(s *state) (fd uint32, failed ffi.Error) {
		bad = withDescriptor(name, open, func(host uintptr) { fd, failed = f(s.native, host) })
		return fd, failed
	})
	return fd, cmp.Or(err, bad)
}

// change runs f, which changes descriptors of the guest, with the store entered. It panics as what was closed
// meanwhile has.
func (d descriptors) change(f func(s *state) (uint32, ffi.Error)) (uint32, error) {
	s, outermost, err := enter(d.of)
	if err != nil {
		return 0, err
	}
	defer s.Leave(outermost)
	s.made()
	fd, failed := f(s)
	if !failed.IsNil() {
		return 0, s.Failure(ffi.Trap{}, failed)
	}
	s.raisePanic()
	return fd, nil
}

// withDescriptor runs f while the descriptor of something open is held. What is closed is an error that wraps
// [ErrBadFile].
func withDescriptor(name string, open syscall.Conn, f func(fd uintptr)) error {
	if err := served.WithDescriptor(name, open, f); err != nil {
		return errorf(ErrBadFile, "%v", err)
	}
	return nil
}

// checkFS finds out whether there is a file system, with a directory for a root.
func checkFS(fsys fs.FS) error {
	if w, ok := fsys.(*served.Writable); served.IsNil(fsys) || ok && w.IsNil() {
		return errorf(ErrBadFile, "the file system is nil: %v", ErrBadFile)
	}
	info, err := fs.Stat(fsys, ".")
	if err == nil && !info.IsDir() {
		err = errNotDirectory
	}
	if err != nil {
		return errorf(fmt.Errorf("%w: %w", ErrBadFile, err), "the root of the file system: %v", err)
	}
	return nil
}

var (
	errNilFile      = errorf(ErrBadFile, "the file is nil: %v", ErrBadFile)
	errNotDirectory = errors.New("not a directory")
)
