package served

import (
	"context"
	"io"
	"math"
	"os"

	"github.com/gowasmtime/wasmtime/ffi"
)

// openFlag is what a file is opened with, as os.OpenFile has it. One of the host's is not opened for appending: it is
// handed over, and then the guest's descriptor does that, which can be told to stop.
func openFlag(flags uint32, host bool) (flag int) {
	writes := flags&(ffi.FSForWriting|ffi.FSTruncate) != 0
	switch {
	case writes && flags&ffi.FSForReading != 0:
		flag = os.O_RDWR
	case writes:
		flag = os.O_WRONLY
	}
	for _, f := range []struct {
		asked uint32
		flag  int
	}{
		{ffi.FSCreate, os.O_CREATE}, {ffi.FSExclusive, os.O_EXCL}, {ffi.FSTruncate, os.O_TRUNC}, {ffi.FSSynchronous, os.O_SYNC},
	} {
		if flags&f.asked != 0 {
			flag |= f.flag
		}
	}
	if flags&ffi.FSCreate == 0 {
		flag &^= os.O_EXCL
	}
	if appends(flags, host) {
		flag |= os.O_APPEND
	}
	return flag
}

// appends tells whether a file is opened for writing at its end.
func appends(flags uint32, host bool) bool {
	return !host && flags&ffi.FSAppend != 0 && flags&ffi.FSForWriting != 0
}

// write writes at the guest's position, or at the end, and moves the position.
func (f *servedFile) write(ctx context.Context, p []byte, atEnd bool) (uint64, error) {
	n, end, err := f.writeTo(ctx, p, f.pos, atEnd)
	if n > 0 {
		f.pos = end
	}
	return uint64(n), err
}

// pwrite writes at an offset, or at the end.
func (f *servedFile) pwrite(ctx context.Context, p []byte, off int64, atEnd bool) (uint64, error) {
	if !f.moves {
		return 0, errnoSpipe
	}
	n, _, err := f.writeTo(ctx, p, off, atEnd)
	return uint64(n), err
}

// writeTo writes p, and returns the place behind what it has written. An error after a part is met again by the next
// call.
func (f *servedFile) writeTo(ctx context.Context, p []byte, off int64, atEnd bool) (n int, end int64, err error) {
	if off > math.MaxInt64-int64(len(p)) {
		return 0, off, errnoFbig
	}
	end = off
	for n < len(p) {
		part := p[n:]
		if canStop(ctx) {
			part = part[:min(len(part), writeBehind)]
		}
		var k int
		k, end, err = f.writeSome(ctx, part, end, atEnd)
		n += k
		if k < len(part) || err != nil {
			break
		}
	}
	if n > 0 && err != errStopped {
		err = nil
	}
	return n, end, err
}

// writeBehind is how much is written at a time when the guest can be stopped meanwhile.
const writeBehind = 64 << 10

// writeSome writes what one Write takes.
func (f *servedFile) writeSome(ctx context.Context, p []byte, off int64, atEnd bool) (n int, end int64, err error) {
	if err := f.mount.take(ctx); err != nil {
		return 0, off, err
	}
	f.ahead, f.failed = nil, nil
	if !canStop(ctx) {
		defer f.mount.release()
		return f.writeAt(p, off, atEnd)
	}
	// The guest's memory is nobody's any more when the guest has been stopped.
	kept := append([]byte(nil), p...)
	var late struct {
		n   int
		end int64
		err error
	}
	err = f.mount.run(ctx, func() error {
		late.n, late.end, late.err = f.writeAt(kept, off, atEnd)
		return nil
	}, nil)
	if err != nil {
		return 0, off, err
	}
	return late.n, late.end, late.err
}

// writeAt writes p, and returns the place behind it.
func (f *servedFile) writeAt(p []byte, off int64, atEnd bool) (n int, end int64, err error) {
	w, ok := f.file.(io.Writer)
	if !ok {
		return 0, off, errnoNotsup
	}
	if atEnd && !f.appends { // the guest has said so after it had opened the file
		info, err := something(f.file.Stat())
		if err != nil {
			return 0, off, err
		}
		off = info.Size()
	}
	if !f.appends && f.at != off && f.moves {
		if w, ok := f.file.(io.WriterAt); ok {
			n, err = w.WriteAt(p, off)
			n, err = written(w, n, len(p), err)
			return n, off + int64(n), err
		}
		s, ok := f.file.(io.Seeker)
		if !ok {
			return 0, off, errnoNotsup
		}
		if f.at, err = s.Seek(off, io.SeekStart); err != nil {
			f.at = nowhere
			return 0, off, err
		}
	}
	n, err = w.Write(p)
	n, err = written(w, n, len(p), err)
	if !f.appends {
		f.at += int64(n)
		return n, off + int64(n), err
	}
	f.at = nowhere
	info, failed := something(f.file.Stat())
	if failed != nil {
		return n, off + int64(n), err
	}
	return n, info.Size(), err
}

// nowhere is the place of a file of which nobody knows it.
const nowhere = -1

// written is what a write of so many bytes says, and no nonsense.
func written(by any, n, of int, err error) (int, error) {
	n, err = Count(by, "Write", n, of, err)
	if n < of && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// setSize cuts the file, or extends it.
func (f *servedFile) setSize(size int64) error {
	t, ok := f.file.(interface{ Truncate(size int64) error })
	if !ok {
		return errnoNotsup
	}
	f.ahead, f.failed = nil, nil
	return t.Truncate(size)
}

// allocate extends the file, unless it is as large. Who extends it at the same moment, in another store, loses.
func (f *servedFile) allocate(size int64) error {
	info, err := something(f.file.Stat())
	if err != nil || info.Size() >= size {
		return err
	}
	return f.setSize(size)
}

// syncFile makes safe what was written, if the file has a way.
func syncFile(file any) error {
	if s, ok := file.(interface{ Sync() error }); ok {
		return s.Sync()
	}
	return nil
}
