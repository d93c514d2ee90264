package served

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Stream serves a guest's descriptor from Go: a reader, a writer, or a connection without a descriptor of its own.
//
// If the guest may wait and nobody can stop it, the reader and the writer are called in the middle of the guest's
// call. Otherwise they are called by a goroutine, one for each direction and at most one call at a time, so that the
// guest can go on, poll, or be stopped meanwhile.
type Stream struct {
	Descriptor
	reader io.Reader
	writer io.Writer
	// conn is closed when the descriptor is, by closeConn; nil for readers and writers, which stay the program's.
	conn      net.Conn
	closeConn func()

	// ahead has been read and not yet been taken by the guest; readErr comes after it.
	ahead        []byte
	readErr      error
	reading      bool
	readingEnded bool

	// queued has been written by the guest and waits for the writer, which is at work on sending bytes.
	queued       []byte
	sending      int
	writeErr     error
	writing      bool
	writingEnded bool
	// behind says that the host's operation knows that the writer may be at work.
	behind bool
	// left is what waits for a writer that is at work when the descriptor is gone.
	left *Behind
}

// readAhead is how much is read at once for a guest that does not wait, and how much a guest that does not wait can
// write before the writer has taken it.
const readAhead = 64 << 10

// NewReader makes a pipe of a reader, which stays the program's.
func NewReader(r io.Reader) *Descriptor {
	return newStream(&Stream{Descriptor: Descriptor{kind: ffi.StreamPipe}, reader: r})
}

// NewWriter makes a pipe of a writer, which stays the program's.
func NewWriter(w io.Writer) *Descriptor {
	return newStream(&Stream{Descriptor: Descriptor{kind: ffi.StreamPipe}, writer: w})
}

// NewConn makes a stream socket of a connection, which it closes when the guest closes its descriptor.
func NewConn(c net.Conn) *Descriptor {
	closeConn := sync.OnceFunc(func() { c.Close() })
	return newStream(&Stream{Descriptor: Descriptor{kind: ffi.StreamConnection}, reader: c, writer: c, conn: c, closeConn: closeConn})
}

func newStream(st *Stream) *Descriptor {
	st.by = st
	return &st.Descriptor
}

func (st *Stream) serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	mayWait := r.Flags&ffi.StreamMayWait != 0
	switch r.What {
	case ffi.StreamRead:
		return st.readLocked(ctx, r.Buffer(), mayWait, r.Flags&ffi.StreamPeek != 0)
	case ffi.StreamWrite:
		return st.writeLocked(ctx, r.Buffer(), mayWait)
	case ffi.StreamPollRead:
		if st.reader == nil || st.readingEnded || len(st.ahead) > 0 || st.readErr != nil {
			return uint64(len(st.ahead)), ffi.StreamDone
		}
		st.fetchLocked()
		return 0, ffi.StreamWouldWait
	case ffi.StreamPollWrite:
		if st.freeLocked() == 0 {
			return 0, ffi.StreamWouldWait
		}
		return uint64(st.freeLocked()), ffi.StreamDone
	case ffi.StreamShutdown:
		return st.shutdownLocked(r.Flags)
	}
	return uint64(errnoNotsup), ffi.StreamFailed
}

// readLocked lets go of the lock while it waits.
func (st *Stream) readLocked(ctx context.Context, p []byte, mayWait, peek bool) (uint64, ffi.StreamStatus) {
	for empty := 0; ; empty++ {
		switch {
		case st.reader == nil:
			return uint64(errnoBadf), ffi.StreamFailed
		case st.readingEnded:
			return 0, ffi.StreamDone
		case len(st.ahead) > 0:
			n := copy(p, st.ahead)
			if !peek {
				st.ahead = st.ahead[n:]
			}
			return uint64(n), ffi.StreamDone
		case errors.Is(st.readErr, io.EOF):
			return 0, ffi.StreamDone
		case st.readErr != nil:
			return errnoOf(st.readErr), ffi.StreamFailed
		case empty == 100:
			return errnoOf(io.ErrNoProgress), ffi.StreamFailed
		case !mayWait:
			st.fetchLocked()
			return 0, ffi.StreamWouldWait
		case peek || st.reading || canStop(ctx):
			st.fetchLocked()
			if !st.waitLocked(ctx) {
				return 0, ffi.StreamStop
			}
		default:
			n, err := st.readNowLocked(p)
			st.readErr = err
			if n > 0 {
				return uint64(n), ffi.StreamDone
			}
		}
	}
}

// readNowLocked reads in the middle of the guest's call, without the lock meanwhile.
func (st *Stream) readNowLocked(p []byte) (int, error) {
	st.mu.Unlock()
	defer st.mu.Lock()
	n, err := st.reader.Read(p)
	return min(max(n, 0), len(p)), err
}

// fetchLocked makes a goroutine read, unless one does already.
func (st *Stream) fetchLocked() {
	if st.reading {
		return
	}
	st.reading = true
	go func() {
		b := make([]byte, readAhead)
		n, err := 0, errGoexit
		defer func() {
			value := recover()
			st.mu.Lock()
			defer st.mu.Unlock()
			st.ahead, st.readErr, st.reading = b[:min(max(n, 0), len(b))], err, false
			st.doneLocked(value)
		}()
		n, err = st.reader.Read(b)
	}()
}

// freeLocked is how much a guest that does not wait can write now.
func (st *Stream) freeLocked() int { return readAhead - st.sending - len(st.queued) }

// writeLocked lets go of the lock while it waits.
func (st *Stream) writeLocked(ctx context.Context, p []byte, mayWait bool) (uint64, ffi.StreamStatus) {
	for mayWait && st.writing {
		if !st.waitLocked(ctx) {
			return 0, ffi.StreamStop
		}
	}
	switch {
	case st.writer == nil:
		return uint64(errnoBadf), ffi.StreamFailed
	case st.writingEnded:
		return uint64(errnoPipe), ffi.StreamFailed
	case st.writeErr != nil:
		return errnoOf(st.writeErr), ffi.StreamFailed
	case mayWait && !canStop(ctx):
		n, err := st.writeNowLocked(p)
		st.writeErr = err
		if n == 0 && err != nil {
			return errnoOf(err), ffi.StreamFailed
		}
		return uint64(n), ffi.StreamDone
	}
	if canStop(ctx) && ctx.Err() != nil {
		return 0, ffi.StreamStop
	}
	if st.freeLocked() == 0 && len(p) > 0 {
		return 0, ffi.StreamWouldWait
	}
	p = p[:min(len(p), st.freeLocked())]
	if st.writing {
		st.queued = append(st.queued, p...)
		return uint64(len(p)), ffi.StreamDone
	}
	written := st.sendLocked(append([]byte(nil), p...))
	for mayWait && st.writing {
		if !st.waitLocked(ctx) {
			st.settleLocked()
			return 0, ffi.StreamStop
		}
	}
	if n := *written; mayWait && n < len(p) {
		if n == 0 && st.writeErr != nil {
			return errnoOf(st.writeErr), ffi.StreamFailed
		}
		return uint64(n), ffi.StreamDone
	}
	return uint64(len(p)), ffi.StreamDone
}

// writeNowLocked writes in the middle of the guest's call, without the lock meanwhile.
func (st *Stream) writeNowLocked(p []byte) (int, error) {
	st.mu.Unlock()
	defer st.mu.Lock()
	return writeAll(st.writer, p)
}

// sendLocked makes a goroutine write, this first and then what is queued. It returns where the number of bytes that
// were written will be.
func (st *Stream) sendLocked(p []byte) *int {
	written := new(int)
	st.writing, st.sending = true, len(p)
	if st.conn == nil && !st.behind {
		st.behind = true
		b := st.host.Behind()
		b.writers = append(b.writers, st)
	}
	go func() {
		for more := st.sendOne(p, written); more != nil; {
			more = st.sendOne(more, new(int))
		}
	}()
	return written
}

// sendOne writes, and returns what has been queued meanwhile, nil at the end.
func (st *Stream) sendOne(p []byte, written *int) (more []byte) {
	n, err := 0, errGoexit
	defer func() {
		value := recover()
		st.mu.Lock()
		defer st.mu.Unlock()
		if err == nil {
			more = st.queued
		}
		*written, st.writeErr, st.writing = n, err, more != nil
		st.queued, st.sending = nil, len(more)
		st.doneLocked(value)
		if st.writing {
			return
		}
		if st.writingEnded {
			st.endWritingLocked()
		}
		if st.closed {
			st.finishGoneLocked(st.left)
		}
	}()
	n, err = writeAll(st.writer, p)
	return nil
}

// writeAll writes, and has an error for a writer that takes less without one.
func writeAll(w io.Writer, p []byte) (int, error) {
	n, err := w.Write(p)
	n = min(max(n, 0), len(p))
	if n < len(p) && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// catchUp waits until no writer is at work, or until ctx is done.
func (st *Stream) catchUp(ctx context.Context) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.finishLocked(ctx)
	st.behind = false
}

// settleLocked gives a writer that is at work the time to finish: one that does not block is not at work any more
// when the guest's call has ended.
func (st *Stream) settleLocked() {
	limited, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	st.finishLocked(limited)
}

// finishLocked waits until no writer is at work, or until ctx is done, and tells whether none is.
func (st *Stream) finishLocked(ctx context.Context) bool {
	for st.writing && st.waitLocked(ctx) {
	}
	return !st.writing
}

// errGoexit is the error of a reader or a writer that ended its goroutine.
var errGoexit = errors.New("runtime.Goexit was called")

// shutdownLocked ends directions of a connection. A connection whose writing cannot be ended alone, such as a
// net.Pipe, refuses that.
func (st *Stream) shutdownLocked(how uint32) (uint64, ffi.StreamStatus) {
	if how&ffi.StreamShutWrite != 0 && !st.writingEnded {
		if _, ok := st.conn.(interface{ CloseWrite() error }); !ok {
			return uint64(errnoNotsup), ffi.StreamFailed
		}
		st.writingEnded = true
		if !st.writing {
			st.endWritingLocked()
		}
	}
	if how&ffi.StreamShutRead != 0 {
		st.readingEnded = true
	}
	return 0, ffi.StreamDone
}

// endWritingLocked tells the other side that nothing more comes. For TLS that is a message, so it is sent by a
// goroutine.
func (st *Stream) endWritingLocked() {
	conn := st.conn.(interface{ CloseWrite() error })
	go st.panics.Guard(func() { conn.CloseWrite() })
}

// goneLocked lets go of what the guest no longer uses. What it has written is still sent.
func (st *Stream) goneLocked(b *Behind) {
	b.begin()
	if !st.writing {
		st.finishGoneLocked(b)
		return
	}
	st.left = b // sendOne finishes
	if st.conn != nil {
		conn := st.conn
		go b.guard(func() { conn.SetDeadline(time.Now().Add(linger)) })
		time.AfterFunc(2*linger, func() { b.guard(func() { st.closeConn() }) }) // one without deadlines
	}
}

// finishGoneLocked ends what is gone, when no writer is at work.
func (st *Stream) finishGoneLocked(b *Behind) {
	if st.conn == nil {
		b.end()
		return
	}
	b.finish(st.closeConn)
}
