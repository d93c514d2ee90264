package served

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Writable is a file system that can be written. It has the methods of an [os.Root], as far as the file system has them
// that it stands for: for the others it answers [errors.ErrUnsupported]. For whoever only reads it is an [fs.FS]. What
// the file system sees are names as [fs.ValidPath] has them, and nothing else.
type Writable struct {
	// fsys is what has the methods.
	fsys any
	open func(name string, flag int, perm fs.FileMode) (fs.File, error)
	// links says that what a symbolic link says can be found out.
	links bool
	// host says that it is a directory of the host, and so are its files. hostNames says that its names go to the host.
	host, hostNames bool
}

// NewWritable makes a file system of something that opens files.
func NewWritable[F fs.File](fsys interface {
	OpenFile(name string, flag int, perm fs.FileMode) (F, error)
}) *Writable {
	w := &Writable{fsys: fsys, open: func(name string, flag int, perm fs.FileMode) (fs.File, error) {
		f, err := fsys.OpenFile(name, flag, perm)
		if err != nil {
			return nil, err // and no file of which only the type is known
		}
		if IsNil(f) {
			return nil, errNothing
		}
		return f, nil
	}}
	_, opensFiles := w.fsys.(interface {
		OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	})
	_, opensRoots := w.fsys.(rootOpener)
	w.host, w.hostNames = opensFiles && opensRoots, opensFiles || opensRoots
	_, looks := w.fsys.(lstater)
	_, reads := w.fsys.(linkReader)
	_, readsAsFS := w.fsys.(fs.ReadLinkFS)
	w.links = looks && (reads || readsAsFS)
	return w
}

// The methods that a file system may have beside OpenFile, with the signatures of those of an [os.Root].
type (
	lstater interface {
		Lstat(name string) (fs.FileInfo, error)
	}
	linkReader interface {
		Readlink(name string) (string, error)
	}
	rootOpener interface {
		OpenRoot(name string) (*os.Root, error)
	}
)

// IsNil tells whether it stands for nothing, or for a nil pointer.
func (w *Writable) IsNil() bool { return w == nil || IsNil(w.fsys) }

// OpenFile opens a file.
func (w *Writable) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	if err := w.check("open", name); err != nil {
		return nil, err
	}
	return w.open(name, flag, perm)
}

// Open opens a file or a directory for reading.
func (w *Writable) Open(name string) (fs.File, error) { return w.OpenFile(name, os.O_RDONLY, 0) }

// Stat returns what there is to know of a file, that to which a symbolic link leads. A file system that has no method
// for that opens it.
func (w *Writable) Stat(name string) (fs.FileInfo, error) {
	if err := w.check("stat", name); err != nil {
		return nil, err
	}
	if fsys, ok := w.fsys.(interface {
		Stat(name string) (fs.FileInfo, error)
	}); ok {
		return something(fsys.Stat(name))
	}
	f, err := w.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return something(f.Stat())
}

// Lstat returns what there is to know of a file, or of a symbolic link. Where these cannot be told apart, it is Stat.
func (w *Writable) Lstat(name string) (fs.FileInfo, error) {
	fsys, ok := w.fsys.(lstater)
	if !ok {
		return w.Stat(name)
	}
	if err := w.check("lstat", name); err != nil {
		return nil, err
	}
	return something(fsys.Lstat(name))
}

// ReadLink returns what a symbolic link says.
func (w *Writable) ReadLink(name string) (string, error) {
	if err := w.check("readlink", name); err != nil {
		return "", err
	}
	switch fsys := w.fsys.(type) {
	case linkReader:
		return fsys.Readlink(name)
	case fs.ReadLinkFS:
		return fsys.ReadLink(name)
	}
	return "", unsupported("readlink", name)
}

// ReadDir lists a directory, by name.
func (w *Writable) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := w.check("readdir", name); err != nil {
		return nil, err
	}
	if fsys, ok := w.fsys.(interface {
		ReadDir(name string) ([]fs.DirEntry, error)
	}); ok {
		return allThere(fsys.ReadDir(name))
	}
	f, err := w.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, unsupported("readdir", name)
	}
	entries, err := allThere(dir.ReadDir(-1))
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

// OpenRoot opens a directory of the host.
func (w *Writable) OpenRoot(name string) (*os.Root, error) {
	fsys, ok := w.fsys.(rootOpener)
	if !ok {
		return nil, unsupported("open", name)
	}
	if err := w.check("open", name); err != nil {
		return nil, err
	}
	return fsys.OpenRoot(name)
}

// SyncDir makes the entries of a directory safe, if the file system has a way.
func (w *Writable) SyncDir(name string) error {
	f, err := w.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFile(f)
}

// Mkdir makes a directory.
func (w *Writable) Mkdir(name string, perm fs.FileMode) error {
	fsys, ok := w.fsys.(interface {
		Mkdir(name string, perm fs.FileMode) error
	})
	if !ok {
		return unsupported("mkdir", name)
	}
	if err := w.check("mkdir", name); err != nil {
		return err
	}
	return fsys.Mkdir(name, perm)
}

// Remove removes a file or an empty directory.
func (w *Writable) Remove(name string) error {
	fsys, ok := w.fsys.(interface{ Remove(name string) error })
	if !ok {
		return unsupported("remove", name)
	}
	if err := w.check("remove", name); err != nil {
		return err
	}
	return fsys.Remove(name)
}

// Rename gives a file or a directory another name.
func (w *Writable) Rename(oldname, newname string) error {
	fsys, ok := w.fsys.(interface {
		Rename(oldname, newname string) error
	})
	if !ok {
		return unsupported("rename", oldname)
	}
	if err := errors.Join(w.check("rename", oldname), w.check("rename", newname)); err != nil {
		return err
	}
	return fsys.Rename(oldname, newname)
}

// Link gives a file one more name.
func (w *Writable) Link(oldname, newname string) error {
	fsys, ok := w.fsys.(interface {
		Link(oldname, newname string) error
	})
	if !ok {
		return unsupported("link", oldname)
	}
	if err := errors.Join(w.check("link", oldname), w.check("link", newname)); err != nil {
		return err
	}
	return fsys.Link(oldname, newname)
}

// Symlink makes a symbolic link. There are none in a file system that cannot say what they say: it might follow them
// itself, wherever they lead.
func (w *Writable) Symlink(oldname, newname string) error {
	fsys, ok := w.fsys.(interface {
		Symlink(oldname, newname string) error
	})
	if !ok || !w.links {
		return unsupported("symlink", newname)
	}
	if err := w.check("symlink", newname); err != nil {
		return err
	}
	return fsys.Symlink(oldname, newname)
}

// Chtimes sets the times of a file; a zero time leaves one as it is.
func (w *Writable) Chtimes(name string, atime, mtime time.Time) error {
	fsys, ok := w.fsys.(interface {
		Chtimes(name string, atime, mtime time.Time) error
	})
	if !ok {
		return unsupported("chtimes", name)
	}
	if err := w.check("chtimes", name); err != nil {
		return err
	}
	return fsys.Chtimes(name, atime, mtime)
}

// Lchtimes sets the times of a symbolic link itself, as Chtimes does those of a file.
func (w *Writable) Lchtimes(name string, atime, mtime time.Time) error {
	fsys, ok := w.fsys.(interface {
		Lchtimes(name string, atime, mtime time.Time) error
	})
	if !ok && !w.host {
		return unsupported("lchtimes", name)
	}
	if err := w.check("lchtimes", name); err != nil {
		return err
	}
	if ok {
		return fsys.Lchtimes(name, atime, mtime)
	}
	return setLinkTimes(w.fsys.(rootOpener), name, atime, mtime)
}

// check is nil for a name that the file system may see. One that cannot be a name of the host is that of nothing.
func (w *Writable) check(op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if w.hostNames {
		if _, err := filepath.Localize(name); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return nil
}

func unsupported(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: errors.ErrUnsupported}
}
