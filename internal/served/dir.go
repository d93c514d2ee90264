package served

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"strings"

	"github.com/gowasmtime/wasmtime/ffi"
)

// serveOpen opens a path below a directory, for a request.
func (n *node) serveOpen(ctx context.Context, path string, r *ffi.FSRequest) error {
	flags := r.Flags
	if err := n.mount.take(ctx); err != nil {
		return err
	}
	var child *node
	var stat ffi.FSStat
	err := n.mount.run(ctx, func() (err error) { child, stat, err = n.open(path, flags); return err }, func() {
		n.mount.open.remove(child)
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

// open opens a path, and makes a file if flags say so. Directories are known by their names, and not kept open.
func (n *node) open(name string, flags uint32) (child *node, stat ffi.FSStat, err error) {
	m := n.mount
	creates, exclusive := flags&ffi.FSCreate != 0, flags&ffi.FSExclusive != 0
	slash := false
	if creates { // then it is the directory behind a slash that is wanted, whatever is there
		name, slash = cutSlashes(name)
		slash = slash && !isDots(name)
	}
	at, err := n.find(name, flags&ffi.FSFollow != 0 && !slash && !(creates && exclusive))
	switch {
	case err != nil:
		return nil, stat, err
	case slash:
		return nil, stat, errnoIsdir
	case at.missing != nil && !creates:
		return nil, stat, at.missing
	case at.missing == nil && creates && exclusive:
		return nil, stat, errnoExist
	}
	directory := at.directory || flags&ffi.FSDirectory != 0
	child = &node{mount: m, path: at.path}
	if at.info != nil {
		if err := openable(at.info, directory); err != nil {
			return nil, stat, err
		}
		if at.info.IsDir() {
			return child, m.stat(at.path, at.info), child.opened(flags)
		}
	}
	f, err := m.openFile(at.path, flags)
	if err != nil {
		return nil, stat, m.missing(at.path, err)
	}
	info, err := something(f.Stat())
	if err == nil {
		err = openable(info, directory)
	}
	if err != nil || info.IsDir() {
		f.Close()
		if err == nil {
			err = child.opened(flags)
		}
		return child, m.stat(at.path, info), err
	}
	child.file = newServedFile(m, f, info)
	child.file.node = child
	if m.writes != nil {
		child.file.writes = flags&ffi.FSForWriting != 0
		child.file.appends = appends(flags, m.writes.host)
	}
	return child, m.stat(at.path, info), child.opened(flags)
}

// openFile opens a file, only for reading if the guest may do no more.
func (m *mount) openFile(name string, flags uint32) (fs.File, error) {
	if m.writes == nil {
		return something(m.fsys.Open(name))
	}
	return m.writes.OpenFile(name, openFlag(flags, m.writes.host), filePerm)
}

// opened ends opening the node with flags. A directory is no file that is made, cut or written.
func (n *node) opened(flags uint32) error {
	if n.mount.writes == nil {
		return nil
	}
	if n.file == nil && flags&(ffi.FSCreate|ffi.FSTruncate|ffi.FSForWriting) != 0 {
		return errnoIsdir
	}
	n.mount.open.add(n)
	return nil
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
	at, err := n.resolve(name, follow)
	if err != nil {
		return stat, err
	}
	info := at.info
	if info == nil {
		if info, err = statIn(m.fsys, at.path); err != nil {
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
	at, err := n.resolve(name, false)
	if err != nil {
		return "", err
	}
	if at.info == nil {
		if at.info, err = lstatIn(m.fsys, at.path); err != nil {
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
	switch {
	case n.file != nil:
		info, err = something(n.file.file.Stat())
	case n.removed:
		err = errnoNoent
	default:
		info, err = statIn(n.mount.fsys, n.path)
	}
	if err != nil {
		return ffi.FSStat{}, err
	}
	name := n.path
	if n.removed {
		name += "\x00" // what has the name now is another file
	}
	return n.mount.stat(name, info), nil
}

// sync makes safe what the guest has written to the node.
func (n *node) sync() error {
	switch {
	case n.file != nil:
		return syncFile(n.file.file)
	case n.removed || n.mount.writes == nil:
		return nil
	}
	return n.mount.writes.SyncDir(n.path)
}

// stat makes attributes for the guest; none of no file.
func (m *mount) stat(name string, info fs.FileInfo) ffi.FSStat {
	if info == nil {
		return ffi.FSStat{}
	}
	modified := nanoseconds(info.ModTime().Unix(), int64(info.ModTime().Nanosecond()))
	stat := ffi.FSStat{
		Dev:        m.dev,
		Ino:        inode(name),
		Links:      1,
		Size:       uint64(max(info.Size(), 0)),
		AccessTime: modified,
		ModTime:    modified,
		ChangeTime: modified,
		Filetype:   filetype(info.Mode()),
	}
	if m.hostNumbers() {
		hostStat(&stat, info)
	}
	return stat
}

// hostNumbers tells whether the files have the numbers of the host's, and all else that the host knows of them.
func (m *mount) hostNumbers() bool { return hostNumbers && m.writes != nil && m.writes.host }

// number is the number of a file, as its attributes have it.
func (m *mount) number(name string) uint64 {
	if m.hostNumbers() {
		if info, err := m.writes.Lstat(name); err == nil {
			return m.stat(name, info).Ino
		}
	}
	return inode(name)
}

const second = 1_000_000_000

// nanoseconds is a time in nanoseconds since 1970, 0 if it cannot be said so.
func nanoseconds(seconds, rest int64) uint64 {
	if seconds < 0 || uint64(seconds) >= ^uint64(0)/second {
		return 0
	}
	return uint64(seconds)*second + uint64(rest)
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
