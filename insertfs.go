package wasmtime

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// PreopenFS gives the guest a file system of Go's as a directory that can only be read: an [embed.FS], a [zip.Reader], what
// [os.DirFS] or [os.Root.FS] returns, or any other. The guest finds it under guestPath. The directories of
// [WasiConfig.PreopenDir] come first, with the numbers from 3 on.
//
// Everything else is as with [Store.InsertFS], for every store that is given the configuration: a file system that several
// stores use at once has to be safe for that. The root is looked at now; an error wraps what the file system says, and
// [ErrBadFile].
//
// Only guests of WASI 0.1 see it. Components have directories of the host: upstream's file system is made of nothing else.
func (c *WasiConfig) PreopenFS(fsys fs.FS, guestPath string) error {
	c.use()
	if !utf8.ValidString(guestPath) || strings.Contains(guestPath, "\x00") {
		return errorf(nil, "guest path %q: not UTF-8, or a zero byte", guestPath)
	}
	if err := checkFS(fsys); err != nil {
		return err
	}
	c.fileSystems = append(c.fileSystems, fsPreopen{fsys, guestPath})
	return nil
}

// fsPreopen is a preopened file system.
type fsPreopen struct {
	fsys      fs.FS
	guestPath string
}

// InsertFS makes a file system of Go's the guest's descriptor fd, 0 to 1048575: a directory that can only be read. What the
// guest had there is closed first. guestPath is what it is with [Store.InsertDir].
//
// The guest opens paths, reads, seeks and lists, and gets the answers that it gets from a directory of the host which is inserted
// with [READ_ONLY]: EPERM for what would change something, and for a way out by "..", an absolute path or a symbolic link. Links
// are followed if the file system is an [fs.ReadLinkFS]. Listings are sorted. A file's number (inode) follows from its path; its
// times are all one. Named pipes and sockets cannot be opened. An error of the file system is an error number for the guest: that
// of an operating system's error in it, those of [fs.ErrNotExist], [fs.ErrPermission] and the like, else EIO.
//
// Files need not seek. One that is no [io.ReaderAt] and no [io.Seeker] is opened again for a guest that goes back, and read
// up to the place, which happens when it reads there. A file that is an [*os.File] is handed over as the host's file that it is.
//
// The file system is called in the middle of the guest's call, on its goroutine. If the guest has a context that can be cancelled, a
// goroutine makes the call, and reads up to 64 KiB ahead, so that the guest stops at once; the call goes on, and the next one waits
// for it. (An [embed.FS] never waits, so it is called in place.) One call is made at a time; but two stores, or two insertions,
// make theirs independently. A panic ends the guest and comes out of the call that runs it. The file system must not use
// the store. An [fs.File] is closed when the guest closes its descriptor, when that is replaced, and when the store is closed.
//
// Directories of the host are better inserted with [Store.InsertDir]: they can be written, and nothing outside is reached even while
// someone swaps directories for links. With [os.DirFS] somebody who can do that gets the guest out; [os.Root.FS] prevents it.
//
// The errors are those of [Store.InsertDir]; one for a nil file system, and one whose root cannot be looked at, wraps
// [ErrBadFile].
func (store *Store) InsertFS(fd uint32, fsys fs.FS, guestPath string) error {
	_, err := insertFS(store, fd, false, fsys, guestPath)
	return err
}

// PushFS makes a file system of Go's the guest's descriptor with the lowest free number, which it returns. Everything else is
// as with [Store.InsertFS].
func (store *Store) PushFS(fsys fs.FS, guestPath string) (uint32, error) {
	return insertFS(store, 0, true, fsys, guestPath)
}

// InsertFS is [Store.InsertFS] for the store of the caller.
func (c *Caller) InsertFS(fd uint32, fsys fs.FS, guestPath string) error {
	_, err := insertFS(c, fd, false, fsys, guestPath)
	return err
}

// PushFS is [Store.PushFS] for the store of the caller.
func (c *Caller) PushFS(fsys fs.FS, guestPath string) (uint32, error) {
	return insertFS(c, 0, true, fsys, guestPath)
}

func insertFS(store Storelike, fd uint32, push bool, fsys fs.FS, guestPath string) (uint32, error) {
	if err := checkFS(fsys); err != nil {
		return 0, err
	}
	if guestPath == "" {
		return mountFS(store, fd, push, fsys, nil)
	}
	return mountFS(store, fd, push, fsys, &guestPath)
}

// checkFS finds out whether there is a file system, with a directory for a root.
func checkFS(fsys fs.FS) error {
	if isNil(fsys) {
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
