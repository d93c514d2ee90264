package wasmtime

import (
	"io/fs"
	"time"

	"github.com/gowasmtime/wasmtime/internal/served"
)

// OpenFileFS is a file system that opens files as [os.Root.OpenFile] does: what [Writable] makes one of that guests can
// write. [*os.Root] is an OpenFileFS[*os.File].
//
// The flags are those of [os.OpenFile]: [os.O_RDONLY], [os.O_WRONLY] or [os.O_RDWR], with [os.O_CREATE], [os.O_EXCL],
// [os.O_TRUNC], [os.O_APPEND] and [os.O_SYNC]. A directory is opened with os.O_RDONLY alone, and is an
// [fs.ReadDirFile] then, unless the file system is an [fs.ReadDirFS].
//
// A file of F has what an [*os.File] has, as far as it can: [io.Writer], if it can be written at all; [io.ReaderAt],
// [io.WriterAt] or [io.Seeker], if it can be elsewhere than where it is; and
//
//	Truncate(size int64) error
//	Sync() error
//
// What it does not have is ENOTSUP for the guest, except for Sync: then there is nothing to make safe.
type OpenFileFS[F fs.File] interface {
	OpenFile(name string, flag int, perm fs.FileMode) (F, error)
}

// RootFS is all that a guest can make use of, with the signatures of [os.Root]: [*os.Root] is a RootFS[*os.File]. Only
// OpenFile is needed. What a file system does not have is ENOTSUP for the guest, except for Stat, Lstat and Readlink:
// then a file is opened to look at it, and there are no symbolic links. One that is an [fs.ReadLinkFS] needs no
// Readlink.
type RootFS[F fs.File] interface {
	OpenFileFS[F]
	// Mkdir makes a directory, of which what is above is there.
	Mkdir(name string, perm fs.FileMode) error
	// Remove removes a file, a symbolic link or an empty directory. For any other directory, the error should be
	// [syscall.ENOTEMPTY].
	Remove(name string) error
	// Rename gives a file or a directory another name; a file that has this name already is replaced.
	Rename(oldname, newname string) error
	// Link gives a file one more name.
	Link(oldname, newname string) error
	// Symlink makes a symbolic link called newname, which says oldname.
	Symlink(oldname, newname string) error
	// Readlink returns what a symbolic link says.
	Readlink(name string) (string, error)
	// Stat returns what there is to know of a file, or of that to which a symbolic link leads.
	Stat(name string) (fs.FileInfo, error)
	// Lstat returns what there is to know of a file, or of a symbolic link.
	Lstat(name string) (fs.FileInfo, error)
	// Chtimes sets the times of the last access and of the last modification; a zero time stays as it is.
	Chtimes(name string, atime, mtime time.Time) error
}

// LinkTimesFS is for a file system that can set the times of a symbolic link itself. An [os.Root] has no such method;
// its links' times are set on Linux all the same, and are ENOTSUP for the guest elsewhere.
type LinkTimesFS interface {
	// Lchtimes is as Chtimes of [RootFS], but does not follow a symbolic link.
	Lchtimes(name string, atime, mtime time.Time) error
}

// Writable makes a file system that guests can write of one that opens files for writing, such as an [*os.Root]:
//
//	root, err := os.OpenRoot("data")
//	...
//	err = config.PreopenFS(wasmtime.Writable(root), "/data")
//
// It is given to a guest as any other: with [WasiConfig.PreopenFS], [Store.PushFS], [Store.InsertFS] and their like. A
// guest that is to read only is given the same without Writable: what [os.Root.FS] returns, or a file system that is an
// [fs.FS] as well. The methods that it may have beside OpenFile are those of [RootFS].
//
// The guest can do what it can do below a directory of the host that is inserted with [READ_WRITE]: make, write, cut,
// extend, append to, rename, link and remove files, directories and symbolic links, and set times. It gets the same
// answers, and the same EPERM for a way out by "..", an absolute path or a symbolic link. The file system sees names
// that are valid as [fs.ValidPath] has it, in which no part but the last is a symbolic link: these are looked up one
// part after the other, and followed here, if it has Lstat and Readlink; so nothing that a guest says leads out of it,
// though it may make links that do. Somebody else who swaps directories for links meanwhile is the file system's own
// affair; an os.Root is not led out by that either. So is one without Lstat and Readlink, which follows what links it
// has as it likes; the guest makes none there. New files have the permissions 0666, new directories 0777, of which the
// process's umask takes some if they are the host's.
//
// What Write, Sync and Close say of a file is what the guest's own calls say. A file that the guest has written and not
// closed is closed with its store: what it says then is part of what [Command.Run] returns, an [*UnwrittenError] of 0
// bytes, unless it takes longer than 100 ms. A [Store.Close] of your own tells nobody. So a file system that writes
// elsewhere when a file is closed should remember what came of that.
//
// A guest's fd_allocate is a Stat and, if the file is smaller than was asked for, a Truncate to that size: nothing is
// reserved, unless Truncate does, and a file never shrinks by it. But the two are two: what somebody else, outside of
// this store, appends in between is cut off beyond that size. Files of an os.Root are the host's, where it is one step.
//
// How much a guest stores is up to the file system: an error such as [syscall.ENOSPC] or [syscall.EDQUOT] is what a
// guest understands. A guest says in one call how large a file is to be.
//
// As with [Store.InsertFS], one call is made at a time, and a goroutine makes it if the guest has a context that can be
// cancelled; what the guest has begun to write goes on without it then. Nothing is read ahead. Stores, and what else
// uses the file system, are not kept apart: it has to be safe for concurrent use if they use it at once. What one guest
// appends stays together, up to 64 KiB, if os.O_APPEND does what it says.
//
// Files that are an [*os.File] are handed over as the files of the host that they are. Those of an os.Root, or of a
// type that has its OpenFile and OpenRoot, are opened without os.O_APPEND, which belongs to the guest's descriptor
// then, and what the guest learns of them is what the host knows, except on Windows. In any other file system the
// number of a file (inode) follows from its name, and its times are all one. Directories are known by their names: one
// that the guest has open stays the same when the guest renames it, or one above it, but not when somebody else does.
// The times of a file that Go serves are set by its name, too. A path of more than 1024 parts is ENAMETOOLONG, and so
// is a name of more than 4096 bytes, counted from the root.
//
// A nil file system is found by the method that gives it to a guest, which returns an error that wraps [ErrBadFile].
func Writable[F fs.File](fsys OpenFileFS[F]) fs.FS { return served.NewWritable[F](fsys) }
