package served

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
)

// servedFile is a file of a mount that a guest has open.
type servedFile struct {
	mount *mount
	// node is what the guest has, with its number. Whoever is at work on the file keeps it.
	node   *node
	number uint64
	file   fs.File
	// writes says that it was opened for writing, and appends that this was for writing at its end.
	writes, appends bool
	// regular says that its bytes stay where they are: reading gives all there is.
	regular bool
	// moves tells whether there is a position.
	moves bool
	// pos is the guest's position, at is where file is.
	pos, at int64
	// failed is what reading at failedAt met, after bytes that came before it. It was not told.
	failed   error
	failedAt int64
	// ahead are bytes from aheadAt on that have been read and kept; they are in buffer.
	ahead   []byte
	aheadAt int64
	buffer  []byte
}

func newServedFile(m *mount, file fs.File, info fs.FileInfo) *servedFile {
	_, seeks := file.(io.Seeker)
	_, readsAt := file.(io.ReaderAt)
	regular := info.Mode().IsRegular()
	return &servedFile{mount: m, file: file, regular: regular, moves: regular || seeks || readsAt}
}

// read reads at the guest's position. If it goesOn, the guest's call has read something already: the guest does not
// hear of an error then, but its next call does.
func (f *servedFile) read(ctx context.Context, p []byte, goesOn bool) (uint64, error) {
	n, err := f.readFrom(ctx, p, f.pos, goesOn)
	f.pos += int64(n)
	return uint64(n), err
}

// pread is read at an offset.
func (f *servedFile) pread(ctx context.Context, p []byte, off int64, goesOn bool) (uint64, error) {
	if !f.moves {
		return 0, errnoSpipe
	}
	n, err := f.readFrom(ctx, p, off, goesOn)
	return uint64(n), err
}

// seek moves the guest's position. The file follows when it is read.
func (f *servedFile) seek(ctx context.Context, offset int64, whence uint32) (uint64, error) {
	if !f.moves {
		return 0, errnoSpipe
	}
	base := int64(0)
	switch whence {
	case io.SeekCurrent:
		base = f.pos
	case io.SeekEnd:
		info, err := call(ctx, f.mount, func() (fs.FileInfo, error) { return something(f.file.Stat()) })
		if err != nil {
			return 0, err
		}
		base = info.Size()
	}
	to := base + offset
	if offset > 0 && to < base || to < 0 {
		return 0, errnoInval
	}
	f.pos = to
	return uint64(to), nil
}

// readFrom fills p with the bytes from off on, if the file has as many.
func (f *servedFile) readFrom(ctx context.Context, p []byte, off int64, goesOn bool) (n int, err error) {
	if off > math.MaxInt64-int64(len(p)) {
		return 0, errnoInval
	}
	for n < len(p) {
		var k int
		k, err = f.readSome(ctx, p[n:], off+int64(n))
		n += k
		if k == 0 || err != nil || !f.regular {
			break
		}
	}
	if err != nil && err != errStopped && (n > 0 || goesOn) {
		f.failed, f.failedAt = err, off+int64(n) // for the next call
	}
	if n > 0 && err != errStopped {
		err = nil
	}
	return n, err
}

// readSome reads from off on, what was read ahead or what the file has. Nothing is the end.
func (f *servedFile) readSome(ctx context.Context, p []byte, off int64) (int, error) {
	if err := f.mount.take(ctx); err != nil {
		return 0, err
	}
	most := readAhead
	if f.mount.writes != nil && f.regular { // somebody may have written meanwhile
		f.ahead, most = nil, min(most, len(p))
	}
	if n := f.copyAhead(p, off); n > 0 {
		f.mount.release()
		return n, nil
	}
	if err := f.failed; err != nil && off == f.failedAt {
		f.failed = nil
		f.mount.release()
		return 0, err
	}
	if !canStop(ctx) {
		defer f.mount.release()
		return f.readAt(p, off)
	}
	if err := f.mount.run(ctx, func() error { return f.fill(off, most) }, nil); err != nil {
		return 0, err
	}
	return f.copyAhead(p, off), nil
}

// copyAhead takes what was read ahead.
func (f *servedFile) copyAhead(p []byte, off int64) int {
	if skip := off - f.aheadAt; skip >= 0 && skip < int64(len(f.ahead)) {
		return copy(p, f.ahead[skip:])
	}
	return 0
}

// fill reads ahead, from off on, most bytes at most.
func (f *servedFile) fill(off int64, most int) error {
	if len(f.buffer) < most {
		f.buffer = make([]byte, most)
	}
	f.ahead = nil
	n, err := f.readAt(f.buffer[:most], off)
	f.ahead, f.aheadAt = f.buffer[:n], off
	if n > 0 && err != nil {
		f.failed, f.failedAt = err, off+int64(n) // for the next read
		err = nil
	}
	return err
}

// readAt reads from off on, what one Read gives.
func (f *servedFile) readAt(p []byte, off int64) (n int, err error) {
	if f.at != off {
		if r, ok := f.file.(io.ReaderAt); ok {
			n, err := r.ReadAt(p, off)
			n, err = Count(r, "ReadAt", n, len(p), err)
			return n, f.beyond(err, off)
		}
		if err := f.moveTo(off); err != nil {
			return 0, f.beyond(err, off)
		}
	}
	for range 100 {
		n, err := counted{f.file}.Read(p)
		f.at += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil || n > 0 || len(p) == 0:
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// beyond makes no error of one that says that there is nothing at off.
func (f *servedFile) beyond(err error, off int64) error {
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, fs.ErrInvalid):
		// Files of embed.FS, for one, refuse to go beyond their end.
		if info, failed := something(f.file.Stat()); failed == nil && off >= info.Size() {
			return nil
		}
	}
	return err
}

// moveTo moves the file. It is io.EOF if there is nothing at off.
func (f *servedFile) moveTo(off int64) error {
	if s, ok := f.file.(io.Seeker); ok {
		at, err := s.Seek(off, io.SeekStart)
		if err == nil {
			f.at = at
		}
		return err
	}
	if f.writes || f.node.removed { // it cannot be opened anew
		return errnoNotsup
	}
	if info, err := something(f.file.Stat()); err == nil && f.regular && info.Size() > 0 && off >= info.Size() {
		return io.EOF
	}
	if off < f.at {
		again, err := something(f.mount.fsys.Open(f.node.path))
		if err != nil {
			return err
		}
		old := f.file
		f.file, f.at = again, 0
		openFiles.replace(f.number, again)
		old.Close()
	}
	skipped, err := io.CopyN(io.Discard, counted{f.file}, off-f.at)
	f.at += skipped
	return err
}

// keep makes sure that the file is closed when C says that the guest's descriptor with the number is gone.
func (f *servedFile) keep(number uint64) {
	f.number = number
	if !f.mount.inMemory {
		openFiles.keep(number, f.file)
	}
}

func (f *servedFile) close() error { return f.file.Close() }
