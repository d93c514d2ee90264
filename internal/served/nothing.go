package served

import (
	"errors"
	"io/fs"
)

// errNothing says that a file system has returned neither what it was asked for nor an error. The guest gets EIO.
var errNothing = errors.New("the file system returned nothing, and no error")

// something makes an error of nothing without an error.
func something[T any](value T, err error) (T, error) {
	if err == nil && any(value) == nil {
		err = errNothing
	}
	return value, err
}

// allThere does the same for what is in a directory.
func allThere(entries []fs.DirEntry, err error) ([]fs.DirEntry, error) {
	for _, e := range entries {
		if e == nil {
			return nil, errNothing
		}
	}
	return entries, err
}

// openFS is a file system that has no methods but Open, and returns no nothing.
type openFS struct{ fs.FS }

// Open opens a file.
func (o openFS) Open(name string) (fs.File, error) { return something(o.FS.Open(name)) }

// statIn is fs.Stat.
func statIn(fsys fs.FS, name string) (fs.FileInfo, error) {
	if _, ok := fsys.(fs.StatFS); !ok {
		fsys = openFS{fsys}
	}
	return something(fs.Stat(fsys, name))
}

// lstatIn is fs.Lstat.
func lstatIn(fsys fs.FS, name string) (fs.FileInfo, error) {
	if _, ok := fsys.(fs.ReadLinkFS); !ok {
		return statIn(fsys, name)
	}
	return something(fs.Lstat(fsys, name))
}

// readDirIn is fs.ReadDir, unsorted.
func readDirIn(fsys fs.FS, name string) ([]fs.DirEntry, error) {
	if lists, ok := fsys.(fs.ReadDirFS); ok {
		return allThere(lists.ReadDir(name))
	}
	f, err := something(fsys.Open(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not implemented")}
	}
	return allThere(dir.ReadDir(-1))
}
