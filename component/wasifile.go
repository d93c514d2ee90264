package component

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
)

// File is a descriptor of wasi:filesystem, a guest's or the host's own: a file or a directory. It is an [fs.File], an
// [fs.ReadDirFile], an [io.ReaderAt], an [io.Writer], an [io.WriterAt] and an [io.Seeker], as far as the descriptor
// allows: what it does not is a [*fs.PathError]. It is for one goroutine at a time, that which uses the store.
type File struct {
	used used
	can  uint64
	// at is the position, and appends says that it is always the end for writing.
	at      int64
	appends bool
	// listing is the native number of a listing that has begun, and listed says that it has ended.
	listing uint64
	listed  bool
}

// What can be done with a file, and whether it is a directory.
const (
	canRead  = 1 << 0
	canWrite = 1 << 1
	isDir    = 1 << 3
)

// WasiFile is [WasiReader] for a descriptor of wasi:filesystem. A descriptor has no position: that of the File is its
// own, and begins at 0.
func WasiFile(store wasmtime.Storelike, r *Resource) (*File, error) {
	f := &File{}
	can, err := f.used.use(store, r, ffi.WasiDescriptor, "descriptor")
	if err != nil {
		return nil, err
	}
	f.can = can
	return f, nil
}

// Name returns what the file was opened by, or "descriptor" for one that was not opened here.
func (f *File) Name() string { return notNil(f, "file").used.name }

// Resource returns the descriptor itself, to be passed to a guest. It is the same as that which [WasiFile] was given.
func (f *File) Resource() *Resource { return notNil(f, "file").used.r }

// Read reads up to len(p) bytes at the position, 64 KiB at most, and moves on. Waits and errors are those of
// [StreamReader.Read].
func (f *File) Read(p []byte) (int, error) {
	n, err := notNil(f, "file").readAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// ReadAt reads at an offset: all of p, or up to the end, with [io.EOF].
func (f *File) ReadAt(p []byte, off int64) (n int, err error) {
	for len(p) > n && err == nil {
		var more int
		more, err = notNil(f, "file").readAt(p[n:], off+int64(n))
		n += more
	}
	return n, err
}

func (f *File) readAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, f.used.failed("read", errNegative)
	}
	p = p[:min(len(p), most)]
	if err := f.used.do("read", ffi.WasiUseReadAt, p, uint64(off)); err != nil {
		return 0, err
	}
	if f.used.answer.Count == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return int(f.used.answer.Count), nil
}

// errNegative is the error of a place before the beginning of a file.
var errNegative = errorf(fs.ErrInvalid, "negative offset")

// Write writes all of p at the position, and moves on.
func (f *File) Write(p []byte) (int, error) {
	if notNil(f, "file").appends {
		if _, err := f.Seek(0, io.SeekEnd); err != nil {
			return 0, err
		}
	}
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// WriteAt writes all of p at an offset. With an error, the number of bytes says what was certainly written.
func (f *File) WriteAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, notNil(f, "file").used.failed("write", errNegative)
	}
	for len(p) > n {
		part := p[n:min(len(p), n+most)]
		if err := notNil(f, "file").used.do("write", ffi.WasiUseWriteAt, part, uint64(off)+uint64(n)); err != nil {
			return n, err
		}
		if f.used.answer.Count == 0 {
			return n, f.used.failed("write", io.ErrShortWrite)
		}
		n += int(f.used.answer.Count)
	}
	return n, nil
}

// Seek moves the position. Seek(0, io.SeekStart) lets ReadDir begin again.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += notNil(f, "file").at
	case io.SeekEnd:
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		offset += info.Size()
	default:
		return 0, notNil(f, "file").used.failed("seek", fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, notNil(f, "file").used.failed("seek", errNegative)
	}
	if f.can&isDir != 0 {
		if err := f.endListing(); err != nil {
			return 0, err
		}
	}
	f.at = offset
	return offset, nil
}

// Stat returns what there is to be known of the file: its size, its type and when it was changed. WASI knows no
// permissions: those here say what the descriptor can be used for, and those of a directory's entries that they can be
// read. Its name is the last part of [File.Name].
func (f *File) Stat() (fs.FileInfo, error) {
	var stat [ffi.WasiStatSize]byte
	if err := notNil(f, "file").used.do("stat", ffi.WasiUseStat, stat[:], 0); err != nil {
		return nil, err
	}
	return info(path.Base(f.used.name), stat[:], f.can), nil
}

// info makes what Stat returns of a native structure, for what can be used like this.
func info(name string, stat []byte, can uint64) *fileInfo {
	number := func(i int) uint64 { return binary.LittleEndian.Uint64(stat[8*i:]) }
	info := &fileInfo{name: name, size: int64(number(2)), mode: fileMode(number(0))}
	if modified := number(4); modified != 0 {
		info.modified = time.Unix(int64(modified/1e9), int64(modified%1e9))
	}
	if can&canRead != 0 {
		info.mode |= 0o444
	}
	if can&canWrite != 0 {
		info.mode |= 0o222
	}
	if info.IsDir() {
		info.mode |= 0o111
	}
	return info
}

// fileMode is the type of a file, by the number that it has in WASI.
func fileMode(number uint64) fs.FileMode {
	types := [...]fs.FileMode{
		fs.ModeIrregular, fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice, fs.ModeDir, fs.ModeNamedPipe, fs.ModeSymlink,
		0, fs.ModeSocket,
	}
	if number >= uint64(len(types)) {
		return fs.ModeIrregular
	}
	return types[number]
}

// fileInfo is what is known of a file.
type fileInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.modified }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) Sys() any           { return nil }

// ReadDir returns the entries of a directory, as [os.File.ReadDir] does: the next n of them, with [io.EOF] at the end,
// or all that are left if n is not positive. They are in the order in which the file system has them. With a positive
// n, a name that is too long or no text is an error, behind which the next call goes on; otherwise an error ends the
// listing, and the next call begins again. A listing that has not come to its end takes a descriptor of the store until
// Seek or Close, of a borrow as well.
func (f *File) ReadDir(n int) (entries []fs.DirEntry, err error) {
	if notNil(f, "file").listing == 0 && !f.listed {
		if err := f.used.do("readdir", ffi.WasiUseList, nil, 0); err != nil {
			return nil, err
		}
		f.listing = f.used.answer.Count + 1
	}
	name := make([]byte, 4096)
	for !f.listed && (n <= 0 || len(entries) < n) {
		err := f.used.do("readdir", ffi.WasiUseListNext, name, f.listing-1)
		if err == io.EOF {
			if err := f.endListing(); err != nil {
				return entries, err
			}
			f.listed = true
			break
		}
		if err != nil {
			if n <= 0 {
				_ = f.endListing()
			}
			return entries, err
		}
		got := f.used.answer.Count
		entries = append(entries, &dirEntry{f, string(name[:uint32(got)]), fileMode(got >> 32)})
	}
	if n > 0 && len(entries) == 0 {
		return nil, io.EOF
	}
	return entries, nil
}

// endListing ends a listing that has begun.
func (f *File) endListing() error {
	f.listed = false
	if f.listing == 0 {
		return nil
	}
	ctx := f.used.ctx
	f.used.ctx = nil // nothing has to be waited for
	defer func() { f.used.ctx = ctx }()
	err := f.used.do("readdir", ffi.WasiUseListEnd, nil, f.listing-1)
	if err == nil {
		f.listing = 0
	}
	return err
}

// dirEntry is an entry of a directory.
type dirEntry struct {
	in   *File
	name string
	mode fs.FileMode
}

func (e *dirEntry) Name() string      { return e.name }
func (e *dirEntry) IsDir() bool       { return e.mode.IsDir() }
func (e *dirEntry) Type() fs.FileMode { return e.mode.Type() }
func (e *dirEntry) String() string    { return fs.FormatDirEntry(e) }

// Info looks at the entry, and not at what it is a link to.
func (e *dirEntry) Info() (fs.FileInfo, error) { return e.in.stat("lstat", e.name, false) }

// stat looks at a path below a directory.
func (f *File) stat(op, name string, follow bool) (fs.FileInfo, error) {
	buffer := make([]byte, max(len(name), ffi.WasiStatSize))
	number := uint64(copy(buffer, name))
	if follow {
		number |= 1 << 63
	}
	below := f.used
	below.name = name
	if err := below.do(op, ffi.WasiUseStatAt, buffer, number); err != nil {
		return nil, err
	}
	return info(path.Base(name), buffer, canRead), nil
}

// OpenFile opens a path below a directory: no "..", no absolute path and no symbolic link leads out of it. The flags
// are those of [os.OpenFile]. New files have the permissions that WASI gives them, which knows none. The file is the
// program's, which closes it.
func (f *File) OpenFile(name string, flag int) (*File, error) {
	const create, exclusive, truncate, read, write = 1 << 0, 1 << 2, 1 << 3, 1 << 8, 1 << 9
	number := uint64(0)
	for _, bit := range []struct {
		flag int
		bit  uint64
	}{{os.O_CREATE, create}, {os.O_EXCL, exclusive}, {os.O_TRUNC, truncate}} {
		if flag&bit.flag != 0 {
			number |= bit.bit
		}
	}
	switch flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) {
	case os.O_WRONLY:
		number |= write
	case os.O_RDWR:
		number |= read | write
	default:
		number |= read
	}
	below := notNil(f, "file").used
	below.name = name
	if err := below.do("open", ffi.WasiUseOpen, []byte(name), number); err != nil {
		return nil, err
	}
	s := f.used.r.state
	opened := &File{used: used{
		r: &Resource{s, uint32(below.answer.Count), "descriptor"}, kind: ffi.WasiDescriptor, name: name, ctx: f.used.ctx,
	}, appends: flag&os.O_APPEND != 0}
	if err := opened.used.do("open", ffi.WasiUseNot, nil, 0); err != nil {
		return nil, errors.Join(err, opened.used.r.Drop(nil))
	}
	opened.can, opened.used.owned = opened.used.answer.Count, opened.used.answer.Owned
	return opened, nil
}

// FS returns the directory as a file system, which can be read: for [fs.WalkDir], [fs.ReadFile], [net/http.FS] and the
// like. It is as good as the File is, and for the same goroutine. Its files are the program's, which closes them.
func (f *File) FS() fs.FS { return fileSystem{notNil(f, "file")} }

// fileSystem is a directory as a file system.
type fileSystem struct{ dir *File }

// Open opens a file.
func (s fileSystem) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := s.dir.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Stat looks at a file without opening it.
func (s fileSystem) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return s.dir.stat("stat", name, true)
}

// Truncate changes the size.
func (f *File) Truncate(size int64) error {
	if size < 0 {
		return notNil(f, "file").used.failed("truncate", errNegative)
	}
	return notNil(f, "file").used.do("truncate", ffi.WasiUseSetSize, nil, uint64(size))
}

// Sync waits until the file is on its medium.
func (f *File) Sync() error { return notNil(f, "file").used.do("sync", ffi.WasiUseSync, nil, 0) }

// SetContext is [StreamReader.SetContext].
func (f *File) SetContext(ctx context.Context) { notNil(f, "file").used.setContext(ctx) }

// Close drops the descriptor, and is otherwise [StreamReader.Close].
func (f *File) Close() error {
	if f := notNil(f, "file"); f.used.r == nil || f.used.closed {
		return f.used.close()
	}
	err := f.endListing()
	return errors.Join(f.used.close(), err)
}
