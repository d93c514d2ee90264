package wasmtime

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"weak"

	"github.com/gowasmtime/wasmtime/ffi"
)

// stream serves a guest's descriptor from Go: a reader, a writer, or a connection without a descriptor of its own.
//
// If the guest may wait and nobody can stop it, the reader and the writer are called in the middle of the guest's call. Otherwise
// they are called by a goroutine, one for each direction and at most one call at a time, so that the guest can go on, poll, or
// be stopped meanwhile.
type stream struct {
	reader io.Reader
	writer io.Writer
	// conn is closed when the descriptor is; nil for readers and writers, which stay the program's.
	conn   net.Conn
	number uint64
	// store does not keep the store alive: streams are in a table that C knows.
	store weak.Pointer[state]

	mu sync.Mutex
	// native is whom to tell of changes; none once the guest's descriptor is gone.
	native ffi.Store
	// changed is closed, and another made, whenever a goroutine is done.
	changed chan struct{}

	// ahead has been read and not yet been taken by the guest; readErr comes after it.
	ahead        []byte
	readErr      error
	reading      bool
	readingEnded bool

	writeErr     error
	writing      bool
	writingEnded bool

	// panicked is what goroutines panicked with: it is the guest's next request that panics.
	panicked []any
}

// streams are those that guests have as descriptors.
var streams registry[stream]

// readAhead is how much is read at once for a guest that does not wait, and how much a guest that does not wait can write
// before the writer has taken it.
const readAhead = 64 << 10

// insertStream makes st a descriptor of the store's guests, and returns its number.
func insertStream(store Storelike, fd uint32, push bool, mode WasiFileAccessMode, st *stream) (uint32, error) {
	s := store.storeState()
	outermost, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer s.leave(outermost)
	st.store, st.native, st.changed = weak.Make(s), s.native, make(chan struct{})
	st.number = streams.add(st)
	fd, failed := s.native.InsertStream(fd, push, uint32(mode), st.conn != nil, st.number)
	if !failed.IsNil() {
		streams.remove(st.number)
		return 0, newError(failed)
	}
	return fd, nil
}

// onStream serves every request of a guest to a stream.
func onStream(r *ffi.StreamRequest) {
	st := streams.get(r.Env)
	if r.What == ffi.StreamGone {
		streams.remove(r.Env)
		st.gone()
		return
	}
	s := st.store.Value()
	// The store is in the middle of a WASI call: nothing may use it, not even the reader or the writer.
	if s.lock.Disown() {
		defer s.lock.Identify()
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		r.Status = ffi.StreamStop
		value := recover()
		if value == nil {
			s.abandon() // runtime.Goexit
		} else if !s.panicking {
			s.panicking, s.panicked = true, value
		}
	}()
	r.Count, r.Status = st.serve(s.stop, r)
	returned = true
}

// serve answers a request of the guest.
func (st *stream) serve(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.panicked) > 0 {
		value := st.panicked[0]
		st.panicked = st.panicked[1:]
		panic(value)
	}
	mayWait := r.Flags&ffi.StreamMayWait != 0
	switch r.What {
	case ffi.StreamRead:
		return st.read(ctx, r.Buffer(), mayWait, r.Flags&ffi.StreamPeek != 0)
	case ffi.StreamWrite:
		return st.write(ctx, r.Buffer(), mayWait)
	case ffi.StreamPollRead:
		if st.reader == nil || st.readingEnded || len(st.ahead) > 0 || st.readErr != nil {
			return uint64(len(st.ahead)), ffi.StreamDone
		}
		st.fetch()
		return 0, ffi.StreamWouldWait
	case ffi.StreamPollWrite:
		if st.writing && st.writeErr == nil {
			return 0, ffi.StreamWouldWait
		}
		return readAhead, ffi.StreamDone
	case ffi.StreamShutdown:
		return st.shutdown(r.Flags)
	}
	return wasiErrnoNotsup, ffi.StreamFailed
}

// read and what it calls are called with the lock held, and let go of it while they wait.
func (st *stream) read(ctx context.Context, p []byte, mayWait, peek bool) (uint64, ffi.StreamStatus) {
	for empty := 0; ; empty++ {
		switch {
		case st.reader == nil:
			return wasiErrnoBadf, ffi.StreamFailed
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
			return wasiErrnoOf(st.readErr), ffi.StreamFailed
		case empty == 100:
			return wasiErrnoOf(io.ErrNoProgress), ffi.StreamFailed
		case !mayWait:
			st.fetch()
			return 0, ffi.StreamWouldWait
		case peek || st.reading || canStop(ctx):
			st.fetch()
			if !st.wait(ctx) {
				return 0, ffi.StreamStop
			}
		default:
			n, err := st.readNow(p)
			st.readErr = err
			if n > 0 {
				return uint64(n), ffi.StreamDone
			}
		}
	}
}

// readNow reads in the middle of the guest's call.
func (st *stream) readNow(p []byte) (int, error) {
	st.mu.Unlock()
	defer st.mu.Lock()
	n, err := st.reader.Read(p)
	return min(max(n, 0), len(p)), err
}

// fetch makes a goroutine read, unless one does already.
func (st *stream) fetch() {
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
			st.done(value)
		}()
		n, err = st.reader.Read(b)
	}()
}

func (st *stream) write(ctx context.Context, p []byte, mayWait bool) (uint64, ffi.StreamStatus) {
	for st.writing && st.writeErr == nil {
		if !mayWait {
			return 0, ffi.StreamWouldWait
		}
		if !st.wait(ctx) {
			return 0, ffi.StreamStop
		}
	}
	switch {
	case st.writer == nil:
		return wasiErrnoBadf, ffi.StreamFailed
	case st.writingEnded:
		return wasiErrnoPipe, ffi.StreamFailed
	case st.writeErr != nil:
		return wasiErrnoOf(st.writeErr), ffi.StreamFailed
	case mayWait && !canStop(ctx):
		n, err := st.writeNow(p)
		st.writeErr = err
		if n == 0 && err != nil {
			return wasiErrnoOf(err), ffi.StreamFailed
		}
		return uint64(n), ffi.StreamDone
	}
	if canStop(ctx) && ctx.Err() != nil {
		return 0, ffi.StreamStop
	}
	p = p[:min(len(p), readAhead)]
	written := st.send(append([]byte(nil), p...))
	for mayWait && st.writing {
		if !st.wait(ctx) {
			st.settle()
			return 0, ffi.StreamStop
		}
	}
	if n := *written; mayWait && n < len(p) {
		if n == 0 && st.writeErr != nil {
			return wasiErrnoOf(st.writeErr), ffi.StreamFailed
		}
		return uint64(n), ffi.StreamDone
	}
	return uint64(len(p)), ffi.StreamDone
}

// writeNow writes in the middle of the guest's call.
func (st *stream) writeNow(p []byte) (int, error) {
	st.mu.Unlock()
	defer st.mu.Lock()
	return writeAll(st.writer, p)
}

// send makes a goroutine write. It returns where the number of bytes will be that were written.
func (st *stream) send(p []byte) *int {
	written := new(int)
	st.writing = true
	go func() {
		n, err := 0, errGoexit
		defer func() {
			value := recover()
			st.mu.Lock()
			defer st.mu.Unlock()
			*written, st.writeErr, st.writing = n, err, false
			st.done(value)
			if st.writingEnded {
				st.endWriting()
			}
			if st.native.IsNil() && st.conn != nil {
				go st.conn.Close()
			}
		}()
		n, err = writeAll(st.writer, p)
	}()
	return written
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

// wait waits for a goroutine to be done, and tells whether the guest may go on.
func (st *stream) wait(ctx context.Context) bool {
	changed := st.changed
	st.mu.Unlock()
	defer st.mu.Lock()
	if !canStop(ctx) {
		<-changed
		return true
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle gives a writer that is at work the time to finish: one that does not block is not at work any more when the guest's call,
// or the store, has ended.
func (st *stream) settle() {
	late := time.After(settling)
	for st.writing {
		changed := st.changed
		st.mu.Unlock()
		select {
		case <-changed:
			st.mu.Lock()
		case <-late:
			st.mu.Lock()
			return
		}
	}
}

// settling is how long settle waits at most.
const settling = 100 * time.Millisecond

// errGoexit is the error of a reader or a writer that ended its goroutine.
var errGoexit = errors.New("runtime.Goexit was called")

// done ends a goroutine, and says so. panicked is what it panicked with, if it did.
func (st *stream) done(panicked any) {
	if panicked != nil {
		st.panicked = append(st.panicked, panicked)
	}
	close(st.changed)
	st.changed = make(chan struct{})
	if !st.native.IsNil() {
		st.native.Wake()
	}
}

// shutdown ends directions of a connection. A connection whose writing cannot be ended alone, such as a net.Pipe, refuses that.
func (st *stream) shutdown(how uint32) (uint64, ffi.StreamStatus) {
	if how&ffi.StreamShutWrite != 0 && !st.writingEnded {
		if _, ok := st.conn.(interface{ CloseWrite() error }); !ok {
			return wasiErrnoNotsup, ffi.StreamFailed
		}
		st.writingEnded = true
		if !st.writing {
			st.endWriting()
		}
	}
	if how&ffi.StreamShutRead != 0 {
		st.readingEnded = true
	}
	return 0, ffi.StreamDone
}

// endWriting tells the other side that nothing more comes. For TLS that is a message, so it is sent by a goroutine.
func (st *stream) endWriting() {
	conn := st.conn.(interface{ CloseWrite() error })
	go conn.CloseWrite()
}

// linger is how long a connection goes on sending what a guest has written when the guest is gone.
const linger = 5 * time.Second

// gone lets go of what the guest no longer uses. What it has written is still sent.
func (st *stream) gone() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.native = ffi.Store{}
	switch {
	case st.conn == nil:
		st.settle()
	case st.writing: // send closes it then
		conn := st.conn
		go func() {
			conn.SetReadDeadline(time.Unix(1, 0))
			conn.SetWriteDeadline(time.Now().Add(linger))
		}()
		time.AfterFunc(2*linger, func() { conn.Close() }) // one without deadlines
	default:
		go st.conn.Close() // which may wait for the other side, and the guest does not
	}
}

// Error numbers of WASI 0.1.
const (
	wasiErrnoBadf   = 8
	wasiErrnoIo     = 29
	wasiErrnoNotsup = 58
	wasiErrnoPipe   = 64
)

// wasiErrnos are the errors that a guest can tell apart.
var wasiErrnos = []struct {
	err   error
	errno uint64
}{
	{io.ErrClosedPipe, wasiErrnoPipe},
	{net.ErrClosed, wasiErrnoBadf},
	{os.ErrClosed, wasiErrnoBadf},
	{os.ErrDeadlineExceeded, 73},
	{syscall.EPIPE, wasiErrnoPipe},
	{syscall.ECONNRESET, 15},
	{syscall.ECONNABORTED, 13},
	{syscall.ECONNREFUSED, 14},
	{syscall.EHOSTUNREACH, 23},
	{syscall.ENETUNREACH, 40},
	{syscall.ENOTCONN, 53},
	{syscall.ETIMEDOUT, 73},
	{syscall.ENOSPC, 51},
	{syscall.EACCES, 2},
	{syscall.EPERM, 63},
	{syscall.EBADF, wasiErrnoBadf},
}

// wasiErrnoOf returns the error number that a guest gets for an error: EIO for one that WASI has no number for.
func wasiErrnoOf(err error) uint64 {
	for _, e := range wasiErrnos {
		if errors.Is(err, e.err) {
			return e.errno
		}
	}
	return wasiErrnoIo
}
