package served

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
)

// serveOpen opens a path below a directory.
func (n *node) serveOpen(ctx context.Context, r *ffi.FSRequest) error {
	path, flags := r.Path(), r.Flags
	if err := n.mount.take(ctx); err != nil {
		return err
	}
	var child *node
	var stat ffi.FSStat
	err := n.mount.run(ctx, func() (err error) { child, stat, err = n.open(path, flags); return err }, func() {
		if child.file != nil {
			child.file.close()
		}
	})
	if err != nil {
		return err
	}
	if child.file != nil {
		if f, ok := child.file.file.(*os.File); ok {
			WithDescriptor(path, f, func(fd uintptr) { r.HostFd = fd })
		}
	}
	r.Count, r.Stat = nodes.Add(&n.mount.host.Shelf().nodes, child), stat
	if child.file != nil {
		child.file.keep(r.Count)
	}
	return nil
}

// open opens a path. Directories are known by their names, and not kept open.
func (n *node) open(name string, flags uint32) (child *node, stat ffi.FSStat, err error) {
	m := n.mount
	at, err := m.resolve(n.path, name, flags&ffi.FSFollow != 0)
	if err != nil {
		return nil, stat, err
	}
	directory := at.directory || flags&ffi.FSDirectory != 0
	child = &node{mount: m, path: at.path}
	if at.info != nil {
		if err := openable(at.info, directory); err != nil {
			return nil, stat, err
		}
		if at.info.IsDir() {
			return child, m.stat(at.path, at.info), nil
		}
	}
	f, err := m.fsys.Open(at.path)
	if err != nil {
		return nil, stat, m.missing(at.path, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = openable(info, directory)
	}
	if err != nil || info.IsDir() {
		f.Close()
		return child, m.stat(at.path, info), err
	}
	child.file = newServedFile(m, at.path, f, info)
	child.file.node = child
	return child, m.stat(at.path, info), nil
}

// openable is nil for what can be opened, as a directory if directory says so. Opening a pipe waits for its other
// side, for as long as that takes.
func openable(info fs.FileInfo, directory bool) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil
	case directory:
		return errnoNotdir
	case mode&fs.ModeSymlink != 0:
		return errnoLoop
	case mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return errnoNxio
	}
	return nil
}

// statPath returns the attributes of a path.
func (n *node) statPath(name string, follow bool) (stat ffi.FSStat, err error) {
	m := n.mount
	at, err := m.resolve(n.path, name, follow)
	if err != nil {
		return stat, err
	}
	info := at.info
	if info == nil {
		if info, err = fs.Stat(m.fsys, at.path); err != nil {
			return stat, m.missing(at.path, err)
		}
	}
	switch {
	case at.directory && !info.IsDir():
		return stat, errnoNotdir
	case follow && info.Mode()&fs.ModeSymlink != 0:
		return stat, errnoLoop // nobody can follow it
	}
	return m.stat(at.path, info), nil
}

// readLink returns what a symbolic link says. One to an absolute path is EPERM, as below a directory of the host.
func (n *node) readLink(name string) (string, error) {
	m := n.mount
	at, err := m.resolve(n.path, name, false)
	if err != nil {
		return "", err
	}
	if at.info == nil {
		if at.info, err = fs.Lstat(m.fsys, at.path); err != nil {
			return "", m.missing(at.path, err)
		}
	}
	switch {
	case at.info.IsDir() || !at.directory && at.info.Mode()&fs.ModeSymlink == 0:
		return "", errnoInval
	case at.directory:
		return "", errnoNotdir
	}
	target, err := fs.ReadLink(m.fsys, at.path)
	if err == nil && strings.HasPrefix(target, "/") {
		err = errnoPerm
	}
	return target, err
}

// stat returns the attributes of the node itself.
func (n *node) stat() (ffi.FSStat, error) {
	var info fs.FileInfo
	var err error
	if n.file != nil {
		info, err = n.file.file.Stat()
	} else {
		info, err = fs.Stat(n.mount.fsys, n.path)
	}
	if err != nil {
		return ffi.FSStat{}, err
	}
	return n.mount.stat(n.path, info), nil
}

// stat makes attributes for the guest; none of no file.
func (m *mount) stat(name string, info fs.FileInfo) ffi.FSStat {
	if info == nil {
		return ffi.FSStat{}
	}
	stat := ffi.FSStat{
		Dev:      m.dev,
		Ino:      inode(name),
		Size:     uint64(max(info.Size(), 0)),
		Filetype: filetype(info.Mode()),
	}
	const second = 1_000_000_000
	modified := info.ModTime()
	if s := modified.Unix(); s >= 0 && uint64(s) < ^uint64(0)/second {
		stat.ModTime = uint64(s)*second + uint64(modified.Nanosecond())
	}
	return stat
}

// inode is the number of a file: a hash of its name (FNV-1a), not 0.
func inode(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return max(h, 1)
}

// The file types of WASI 0.1.
const (
	filetypeUnknown         uint32 = 0
	filetypeBlockDevice     uint32 = 1
	filetypeCharacterDevice uint32 = 2
	filetypeDirectory       uint32 = 3
	filetypeRegularFile     uint32 = 4
	filetypeSocketStream    uint32 = 6
	filetypeSymbolicLink    uint32 = 7
)

// filetype is a file type of WASI 0.1. There is none for a pipe.
func filetype(mode fs.FileMode) uint32 {
	switch {
	case mode.IsRegular():
		return filetypeRegularFile
	case mode.IsDir():
		return filetypeDirectory
	case mode&fs.ModeSymlink != 0:
		return filetypeSymbolicLink
	case mode&fs.ModeCharDevice != 0:
		return filetypeCharacterDevice
	case mode&fs.ModeDevice != 0:
		return filetypeBlockDevice
	case mode&fs.ModeSocket != 0:
		return filetypeSocketStream
	}
	return filetypeUnknown
}

// direntSize is the size of a dirent of WASI 0.1, which the name follows.
const direntSize = 24

// readDir writes entries of a directory to p as fd_readdir lays them out. The entries are those of the moment when
// the guest began to read; a cookie is the number of entries before it. They are kept until the guest begins anew or
// closes the directory.
func (n *node) readDir(ctx context.Context, p []byte, cookie uint64) (uint64, error) {
	if cookie == 0 || n.listing == nil {
		n.forget()
		room := n.mount.listings.room()
		l, err := call(ctx, n.mount, func() (*listing, error) { return n.list(room) })
		if err != nil {
			return 0, err
		}
		n.listing = l
		n.mount.listings.taken += l.bytes
	}
	used := 0
	entries := n.listing.entries
	first := min(cookie, uint64(len(entries)))
	for i, e := range entries[first:] {
		if used == len(p) {
			break
		}
		var head [direntSize]byte
		binary.LittleEndian.PutUint64(head[0:], first+uint64(i)+1)
		binary.LittleEndian.PutUint64(head[8:], e.inode)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(e.name)))
		head[20] = byte(e.filetype)
		used += copy(p[used:], head[:])
		used += copy(p[used:], e.name)
	}
	return uint64(used), nil
}
