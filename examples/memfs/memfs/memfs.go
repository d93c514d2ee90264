// Package memfs is a file system in memory, of a limited size, that guests can write: it has the methods of an os.Root.
// For the host it is an fs.FS as well.
package memfs

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// FS is a file system in memory. It is safe for concurrent use. It does not follow symbolic links: that is done for the
// guest before it is asked.
type FS struct {
	mu   sync.Mutex
	root *node
	// room is how many bytes are left.
	room int64
}

var _ wasmtime.RootFS[*File] = (*FS)(nil) // it has all the methods

// node is a file, a directory or a symbolic link.
type node struct {
	mode     fs.FileMode
	modified time.Time
	// data is what is in a file, or what a symbolic link says.
	data []byte
	// entries are those of a directory.
	entries map[string]*node
	// uses counts its names, and the open files. What is in it takes room as long as there are any.
	uses int
}

// entrySize is how much room an entry of a directory takes, with what it stands for.
func entrySize(name string) int64 { return 512 + int64(len(path.Base(name))) }

// New makes an empty file system that takes size bytes at most. Each name of something needs 512 of them, and as many
// as it is long.
func New(size int64) *FS {
	return &FS{room: size, root: &node{mode: fs.ModeDir | 0o755, modified: time.Now(), entries: map[string]*node{}, uses: 1}}
}

// find returns what has a name.
func (m *FS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := m.root
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "." { // it is the root
			break
		}
		if !n.mode.IsDir() {
			return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
		}
		if n = n.entries[elem]; n == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return n, nil
}

// parent returns the directory in which a name is, and what has the name, if anything has.
func (m *FS) parent(op, name string) (dir, n *node, err error) {
	if name == "." {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if dir, err = m.find(op, path.Dir(name)); err != nil {
		return nil, nil, err
	}
	if !fs.ValidPath(name) || !dir.mode.IsDir() {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	}
	return dir, dir.entries[path.Base(name)], nil
}

// add makes something with a name that nothing has.
func (m *FS) add(op, name string, n *node) error {
	dir, old, err := m.parent(op, name)
	switch {
	case err != nil:
		return err
	case old != nil:
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrExist}
	}
	size := entrySize(name)
	if n.uses == 0 { // it is new
		size += int64(len(n.data))
		n.modified = time.Now()
	}
	if err := m.take(size); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	n.uses++
	dir.entries[path.Base(name)], dir.modified = n, time.Now()
	return nil
}

// take takes some of the room.
func (m *FS) take(bytes int64) error {
	if bytes > m.room {
		return syscall.ENOSPC
	}
	m.room -= bytes
	return nil
}

// remove takes an entry out of a directory, if it is there.
func (m *FS) remove(dir *node, name string) {
	base := path.Base(name)
	if n := dir.entries[base]; n != nil {
		delete(dir.entries, base)
		dir.modified = time.Now()
		m.room += entrySize(name)
		m.drop(n)
	}
}

// drop gives the room back when nothing uses a node any more.
func (m *FS) drop(n *node) {
	if n.uses--; n.uses == 0 {
		m.room += int64(len(n.data))
		n.data = nil
	}
}

// resize makes a file as large as that.
func (m *FS) resize(n *node, size int64) error {
	if size < 0 {
		return fs.ErrInvalid
	}
	old := int64(len(n.data))
	if err := m.take(size - old); err != nil {
		return err
	}
	switch {
	case size > old:
		n.data = slices.Grow(n.data, int(size-old))[:size]
		clear(n.data[old:])
	case size < old/2: // the rest is not to be kept
		n.data = slices.Clone(n.data[:size])
	default:
		n.data = n.data[:size]
	}
	n.modified = time.Now()
	return nil
}

// Open opens a file or a directory for reading.
func (m *FS) Open(name string) (fs.File, error) {
	f, err := m.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// OpenFile opens a file, and makes it if the flags say so.
func (m *FS) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("open", name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
		n = &node{mode: perm.Perm()}
		err = m.add("open", name, n)
	case err == nil && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case err == nil && n.mode&fs.ModeSymlink != 0:
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
	case err == nil && n.mode.IsDir() && flag&^os.O_SYNC != os.O_RDONLY:
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case err == nil && flag&os.O_TRUNC != 0:
		err = m.resize(n, 0)
	}
	if err != nil {
		return nil, err
	}
	n.uses++
	return &File{fs: m, node: n, name: path.Base(name), flag: flag}, nil
}

// Mkdir makes a directory.
func (m *FS) Mkdir(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add("mkdir", name, &node{mode: fs.ModeDir | perm.Perm(), entries: map[string]*node{}})
}

// Symlink makes a symbolic link.
func (m *FS) Symlink(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add("symlink", newname, &node{mode: fs.ModeSymlink | 0o777, data: []byte(oldname)})
}

// Link gives a file one more name.
func (m *FS) Link(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("link", oldname)
	if err == nil && n.mode.IsDir() {
		err = &fs.PathError{Op: "link", Path: oldname, Err: syscall.EPERM}
	}
	if err != nil {
		return err
	}
	return m.add("link", newname, n)
}

// Remove removes a file, a symbolic link or an empty directory.
func (m *FS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, n, err := m.parent("remove", name)
	switch {
	case err != nil:
		return err
	case n == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case len(n.entries) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	m.remove(dir, name)
	return nil
}

// Rename gives a file or a directory another name. A file, or an empty directory, that has this name is replaced.
func (m *FS) Rename(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, n, err := m.parent("rename", oldname)
	if err == nil && n == nil {
		err = &fs.PathError{Op: "rename", Path: oldname, Err: fs.ErrNotExist}
	}
	if err != nil {
		return err
	}
	to, old, err := m.parent("rename", newname)
	switch {
	case err != nil:
		return err
	case old == n:
		return nil // two names of one file
	case strings.HasPrefix(newname, oldname+"/"):
		return &fs.PathError{Op: "rename", Path: newname, Err: fs.ErrInvalid}
	case old != nil && len(old.entries) > 0:
		return &fs.PathError{Op: "rename", Path: newname, Err: syscall.ENOTEMPTY}
	case old == nil && entrySize(newname)-entrySize(oldname) > m.room:
		return &fs.PathError{Op: "rename", Path: newname, Err: syscall.ENOSPC}
	}
	n.uses++ // so that it is not gone between
	defer m.drop(n)
	m.remove(from, oldname)
	m.remove(to, newname)
	return m.add("rename", newname, n)
}

// Readlink returns what a symbolic link says.
func (m *FS) Readlink(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("readlink", name)
	if err == nil && n.mode&fs.ModeSymlink == 0 {
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	return string(n.data), nil
}

// Stat is Lstat.
func (m *FS) Stat(name string) (fs.FileInfo, error) { return m.Lstat(name) }

// Lstat returns what there is to know of a file, a directory or a symbolic link.
func (m *FS) Lstat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("lstat", name)
	if err != nil {
		return nil, err
	}
	return n.info(path.Base(name)), nil
}

// Chtimes sets the time of the last modification. There is no other one.
func (m *FS) Chtimes(name string, _, mtime time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("chtimes", name)
	if err == nil && !mtime.IsZero() {
		n.modified = mtime
	}
	return err
}

// list returns the entries of a directory, by name.
func (n *node) list() (all []fs.DirEntry) {
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		all = append(all, fs.FileInfoToDirEntry(n.entries[name].info(name)))
	}
	return all
}

// info is what there is to know of a node at this moment.
func (n *node) info(name string) info {
	return info{name, int64(len(n.data)), n.mode, n.modified}
}

// info is what there is to know of a file.
type info struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
