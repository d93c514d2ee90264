package memfs

import (
	"io"
	"io/fs"
	"os"
	"time"
)

// File is an open file or directory. It is safe for concurrent use.
type File struct {
	fs     *FS
	node   *node
	name   string
	flag   int
	at     int64
	closed bool
	// rest are the entries that ReadDir has not returned yet, listed says that there are some.
	rest   []fs.DirEntry
	listed bool
}

// use runs f if the file is open, and says what came of it.
func (f *File) use(op string, use func() error) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	err := error(fs.ErrClosed)
	if !f.closed {
		err = use()
	}
	if err != nil && err != io.EOF {
		err = &fs.PathError{Op: op, Path: f.name, Err: err}
	}
	return err
}

// writes tells whether the file was opened for writing, and reads whether it was for reading.
func (f *File) writes() bool { return f.flag&(os.O_WRONLY|os.O_RDWR) != 0 }
func (f *File) reads() bool  { return f.flag&os.O_WRONLY == 0 }

// Read reads at the position.
func (f *File) Read(p []byte) (n int, err error) {
	err = f.use("read", func() error {
		n, err = f.readAt(p, f.at)
		f.at += int64(n)
		return err
	})
	return n, err
}

// ReadAt reads at an offset.
func (f *File) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.use("read", func() error {
		n, err = f.readAt(p, off)
		if n < len(p) && err == nil {
			err = io.EOF
		}
		return err
	})
	return n, err
}

func (f *File) readAt(p []byte, off int64) (int, error) {
	switch {
	case !f.reads() || !f.node.mode.IsRegular() || off < 0:
		return 0, fs.ErrInvalid
	case off >= int64(len(f.node.data)) && len(p) > 0:
		return 0, io.EOF
	}
	return copy(p, f.node.data[min(off, int64(len(f.node.data))):]), nil
}

// Write writes at the position, or at the end if the file was opened for that.
func (f *File) Write(p []byte) (n int, err error) {
	err = f.use("write", func() error {
		if f.flag&os.O_APPEND != 0 {
			f.at = int64(len(f.node.data))
		}
		n, err = f.writeAt(p, f.at)
		f.at += int64(n)
		return err
	})
	return n, err
}

// WriteAt writes at an offset.
func (f *File) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.use("write", func() error {
		n, err = f.writeAt(p, off)
		return err
	})
	return n, err
}

func (f *File) writeAt(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	if !f.writes() || off < 0 || end < off {
		return 0, fs.ErrInvalid
	}
	if end > int64(len(f.node.data)) {
		if err := f.fs.resize(f.node, end); err != nil {
			return 0, err
		}
	}
	f.node.modified = time.Now()
	return copy(f.node.data[off:], p), nil
}

// Seek moves the position.
func (f *File) Seek(offset int64, whence int) (at int64, err error) {
	err = f.use("seek", func() error {
		switch whence {
		case io.SeekCurrent:
			offset += f.at
		case io.SeekEnd:
			offset += int64(len(f.node.data))
		}
		if offset < 0 {
			return fs.ErrInvalid
		}
		f.at = offset
		return nil
	})
	return f.at, err
}

// Truncate sets the size.
func (f *File) Truncate(size int64) error {
	return f.use("truncate", func() error {
		if !f.writes() {
			return fs.ErrInvalid
		}
		return f.fs.resize(f.node, size)
	})
}

// Stat returns what there is to know of the file.
func (f *File) Stat() (i fs.FileInfo, err error) {
	err = f.use("stat", func() error { i = f.node.info(f.name); return nil })
	return i, err
}

// ReadDir returns the next entries of a directory, as fs.ReadDirFile has it.
func (f *File) ReadDir(n int) (some []fs.DirEntry, err error) {
	err = f.use("readdir", func() error {
		if !f.node.mode.IsDir() {
			return fs.ErrInvalid
		}
		if !f.listed {
			f.rest, f.listed = f.node.list(), true
		}
		if n <= 0 {
			n = len(f.rest)
		} else if len(f.rest) == 0 {
			return io.EOF
		}
		n = min(n, len(f.rest))
		some, f.rest = f.rest[:n:n], f.rest[n:]
		return nil
	})
	return some, err
}

// Close closes the file. One that has no name any more is gone then.
func (f *File) Close() error {
	return f.use("close", func() error {
		f.closed = true
		f.fs.drop(f.node)
		return nil
	})
}
