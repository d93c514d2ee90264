package served

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
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

	// ahead has been read and not yet been taken by the guest; readErr comes after it, and was not told unless it is
	// final.
	ahead        []byte
	readErr      error
	reading      bool
	readingEnded bool

	// queued has been written by the guest and waits for the writer, which is at work on sending bytes. After an error
	// it is kept, with what the writer has not taken, until the writer is asked again.
	queued  []byte
	sending int
	// writeErr was not told, unless it is final.
	writeErr     error
	writing      bool
	writingEnded bool
	// behind says that the host's operation knows that the writer may be at work, and fresh that the guest has written
	// in this very operation.
	behind, fresh bool
	// slow says that the writer has kept a call to the host waiting for too long, and late that it has kept the end of
	// a call, and has not taken anything since.
	slow, late bool
	// promised says that the guest has been told that the writer has what it has not, or has failed with, and that
	// nobody has been told how that ended. lost is how many bytes of that will never be written.
	promised bool
	lost     int
	// left is closed when the writer, which an operation has left at work, is not any more; nil if it is not left.
	left chan struct{}
	// pipes is where equal readers or writers find the stream; nil if it is not there.
	pipes *pipes
	// goneFrom is what waits for a writer that is at work when the descriptor is gone.
	goneFrom *Behind
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
	return newStream(&Stream{
		Descriptor: Descriptor{kind: ffi.StreamConnection},
		reader:     c,
		writer:     c,
		conn:       c,
		closeConn:  sync.OnceFunc(func() { c.Close() }),
	})
}

func newStream(st *Stream) *Descriptor {
	st.by = st
	return &st.Descriptor
}

func (st *Stream) serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	mayWait, goesOn := r.Flags&ffi.StreamMayWait != 0, r.Flags&ffi.StreamGoesOn != 0
	switch r.What {
	case ffi.StreamRead:
		return st.readLocked(ctx, r.Buffer(), mayWait, r.Flags&ffi.StreamPeek != 0, goesOn)
	case ffi.StreamWrite:
		return st.writeLocked(ctx, r.Buffer(), mayWait, goesOn)
	case ffi.StreamPollRead:
		return st.pollReadLocked()
	case ffi.StreamPollWrite:
		return st.pollWriteLocked()
	case ffi.StreamShutdown:
		return st.shutdownLocked(r.Flags)
	case ffi.StreamAddress:
		switch {
		case st.conn == nil:
		case r.Flags == 0:
			return answerAddress(r, st.conn.LocalAddr())
		default:
			return answerAddress(r, st.conn.RemoteAddr())
		}
	}
	return uint64(errnoNotsup), ffi.StreamFailed
}

// answerAddress answers with an address, if it is one of the Internet's.
func answerAddress(r *ffi.StreamRequest, address net.Addr) (uint64, ffi.StreamStatus) {
	if !IsNil(address) {
		if at, err := netip.ParseAddrPort(address.String()); err == nil {
			at = netip.AddrPortFrom(at.Addr().WithZone(""), at.Port())
			return uint64(copy(r.Buffer(), at.String())), ffi.StreamDone
		}
	}
	return uint64(errnoNotsup), ffi.StreamFailed
}

// readLocked lets go of the lock while it waits. If the guest's call goesOn after a part that was read, the guest does
// not hear of an error, but its next call does.
func (st *Stream) readLocked(ctx context.Context, p []byte, mayWait, peek, goesOn bool) (uint64, ffi.StreamStatus) {
	for {
		st.panics.Raise()
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
			return tell(&st.readErr, goesOn)
		case !mayWait:
			st.fetchLocked()
			return 0, ffi.StreamWouldWait
		case peek || st.reading || canStop(ctx) || st.takesTurns() && reads.has(st.reader):
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

// pollReadLocked says how much can be read. An error that was told already is nothing to be read: the reader is asked.
func (st *Stream) pollReadLocked() (uint64, ffi.StreamStatus) {
	switch {
	case st.reader == nil || st.readingEnded || len(st.ahead) > 0 || final(st.readErr):
		return uint64(len(st.ahead)), ffi.StreamDone
	case st.readErr != nil:
		return 1, ffi.StreamDone // 0 would be the end
	}
	st.fetchLocked()
	return 0, ffi.StreamWouldWait
}

// tell answers with an error, which the guest is told once if it may pass: not now if its call goesOn.
func tell(err *error, goesOn bool) (uint64, ffi.StreamStatus) {
	told := *err
	if !goesOn && !final(told) || errors.Is(told, ErrBadCount) {
		*err = nil
	}
	return errnoOf(told), ffi.StreamFailed
}

// final tells whether an error is the end, or says that something is closed: then a reader, a writer or a listener is
// not asked again. All others may pass.
func final(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, fs.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe)
}

// readNowLocked reads in the middle of the guest's call, without the lock meanwhile.
func (st *Stream) readNowLocked(p []byte) (int, error) {
	st.mu.Unlock()
	defer st.mu.Lock()
	return readSome(st.reader, p)
}

// readSome reads something, or has an error for a reader that often enough has neither.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := (counted{r}).Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// freeLocked is how much a guest that does not wait can write now.
func (st *Stream) freeLocked() int { return readAhead - st.sending - len(st.queued) }

// pollWriteLocked says how much can be written. An error that was told already is no reason to write: if nothing fits,
// the writer is asked again.
func (st *Stream) pollWriteLocked() (uint64, ffi.StreamStatus) {
	free := st.freeLocked()
	if free > 0 || st.writeErr != nil || st.writingEnded {
		return uint64(max(free, 1)), ffi.StreamDone
	}
	st.sendQueuedLocked()
	return 0, ffi.StreamWouldWait
}

// writeLocked lets go of the lock while it waits. goesOn is as for readLocked.
func (st *Stream) writeLocked(ctx context.Context, p []byte, mayWait, goesOn bool) (n uint64, status ffi.StreamStatus) {
	if mayWait && !st.waitForWriterLocked(ctx) {
		return 0, ffi.StreamStop
	}
	switch {
	case st.writer == nil:
		return uint64(errnoBadf), ffi.StreamFailed
	case st.writingEnded:
		return uint64(errnoPipe), ffi.StreamFailed
	case st.writeErr != nil:
		return st.tellWriteErrLocked(goesOn)
	case canStop(ctx) && ctx.Err() != nil:
		return 0, ffi.StreamStop
	case !mayWait:
		return st.writeBehindLocked(p)
	}
	if len(st.queued) > 0 && !st.writeQueuedLocked(ctx) {
		return 0, ffi.StreamStop
	}
	if st.writeErr == nil && !canStop(ctx) {
		n, st.writeErr = st.writeNowLocked(p)
	} else if st.writeErr == nil {
		taken := st.sendLocked(append([]byte(nil), p[:min(len(p), readAhead)]...), true)
		if !st.waitForWriterLocked(ctx) {
			st.settleLocked(nil)
			return 0, ffi.StreamStop
		}
		n = uint64(*taken)
	}
	switch {
	case st.writeErr == nil:
	case n == 0:
		return st.tellWriteErrLocked(goesOn)
	case n == uint64(len(p)): // a part would have told the guest that something is wrong
		st.promiseLocked()
	}
	return n, ffi.StreamDone
}

// promiseLocked remembers that the guest is told that the writer has all, so that somebody is told if that turns out to
// be wrong. What is sent over a connection is no promise: it may not arrive, as with any socket.
func (st *Stream) promiseLocked() {
	if st.conn == nil {
		st.promised = true
		st.followLocked()
	}
}

// followLocked makes the host's operation wait for the writer.
func (st *Stream) followLocked() {
	st.fresh = true
	if !st.behind {
		st.behind = true
		b := st.host.Behind()
		b.writers = append(b.writers, st)
	}
}

// tellWriteErrLocked answers with an error of the writer. If the guest's call goes on after a part that was written,
// the guest does not hear of it, but its next call does.
func (st *Stream) tellWriteErrLocked(goesOn bool) (uint64, ffi.StreamStatus) {
	if !goesOn {
		st.promised, st.lost = false, 0
	}
	return tell(&st.writeErr, goesOn)
}

// writeBehindLocked takes what fits, for a goroutine to write.
func (st *Stream) writeBehindLocked(p []byte) (uint64, ffi.StreamStatus) {
	taken := p[:min(len(p), st.freeLocked())]
	st.queued = append(st.queued, taken...)
	st.sendQueuedLocked()
	if len(taken) == 0 && len(p) > 0 {
		return 0, ffi.StreamWouldWait
	}
	if len(taken) > 0 {
		st.promiseLocked()
	}
	return uint64(len(taken)), ffi.StreamDone
}

// writeQueuedLocked gives the writer, which is not at work, what it has failed to take, while the guest waits. It tells
// whether the guest may go on, with writeErr if the writer has failed again.
func (st *Stream) writeQueuedLocked(ctx context.Context) bool {
	if canStop(ctx) {
		st.sendQueuedLocked()
		return st.waitForWriterLocked(ctx)
	}
	queued := st.queued
	st.queued = nil
	n, err := st.writeNowLocked(queued)
	st.writeErr = err
	if err != nil && !final(err) {
		st.queued = queued[n:]
	}
	return true
}

// waitForWriterLocked waits until no writer is at work, and tells whether the guest may go on.
func (st *Stream) waitForWriterLocked(ctx context.Context) bool {
	if !st.finishLocked(ctx) {
		return false
	}
	st.panics.Raise()
	return true
}

// writeNowLocked writes in the middle of the guest's call, without the lock meanwhile.
func (st *Stream) writeNowLocked(p []byte) (uint64, error) {
	before := st.beforeLocked()
	st.mu.Unlock()
	defer st.mu.Lock()
	if before != nil {
		<-before
	}
	n, err := writeAll(st.writer, p)
	return uint64(n), err
}

// sendQueuedLocked makes a goroutine write what is queued, unless one does already.
func (st *Stream) sendQueuedLocked() {
	if !st.writing && len(st.queued) > 0 {
		queued := st.queued
		st.queued = nil
		st.sendLocked(queued, false)
	}
}

// sendLocked makes a goroutine write, this first and then what is queued. It returns where the number of bytes that
// were written will be. The rest, after an error, is kept unless the guest waits to hear of it.
func (st *Stream) sendLocked(p []byte, waits bool) (taken *int) {
	taken = new(int)
	st.writing, st.sending = true, len(p)
	if st.conn == nil {
		st.followLocked()
	}
	before := st.beforeLocked()
	go func() {
		if before != nil {
			<-before
		}
		for more := st.sendOne(p, waits, taken); more != nil; {
			more = st.sendOne(more, false, new(int))
		}
	}()
	return taken
}

// sendOne writes, and returns what has been queued meanwhile, nil at the end.
func (st *Stream) sendOne(p []byte, waits bool, taken *int) (more []byte) {
	n, err := 0, errGoexit
	defer func() {
		value := recover()
		st.mu.Lock()
		defer st.mu.Unlock()
		switch {
		case err == errGoexit || final(err): // nobody knows how much was written, or nobody writes more
			if !waits {
				st.lost += len(p) - n
			}
			st.lost += len(st.queued)
			st.queued = nil
		case err != nil && !waits:
			st.queued = append(p[n:], st.queued...)
		case err == nil && len(st.queued) > 0:
			more, st.queued = st.queued, nil
		}
		if value != nil {
			err = nil // it is the panic that the guest hears of
		}
		if err == nil && more == nil {
			st.promised = false
		}
		*taken, st.writeErr, st.writing, st.sending, st.late = n, err, more != nil, len(more), false
		st.doneLocked(st.raiseLocked(value))
		if st.writing {
			return
		}
		st.rejoinLocked()
		if st.writingEnded {
			st.endWritingLocked()
		}
		if st.closed {
			st.finishGoneLocked(st.goneFrom)
		}
	}()
	n, err = writeAll(st.writer, p)
	return nil
}

// writeAll writes, and has an error for a writer that takes less without one.
func writeAll(w io.Writer, p []byte) (int, error) {
	n, err := w.Write(p)
	return written(w, n, len(p), err)
}

// raiseLocked hands what the writer has panicked with to whoever waits for it when the descriptor is gone, else it
// returns it.
func (st *Stream) raiseLocked(panicked any) any {
	if panicked == nil || st.goneFrom == nil {
		return panicked
	}
	st.goneFrom.panics.Keep(panicked)
	return nil
}

// catchUp waits until the writer has all that is queued or has failed twice, or until ctx is done. A writer that the
// guest has not written to in this operation, or that has had its time, is not waited for.
func (st *Stream) catchUp(ctx context.Context) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.fresh || st.late {
		return
	}
	st.finishLocked(ctx)
	st.sendQueuedLocked() // which it has failed to take: once more
	st.finishLocked(ctx)
	st.fresh = st.writing
	st.late = st.writing && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// takeUnwritten returns what nobody has been told of, if there is any, and takes it for told.
func (st *Stream) takeUnwritten() (u Unwritten, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	u = Unwritten{st.sending + len(st.queued) + st.lost, st.writeErr}
	switch {
	case !st.promised:
		return u, false
	case st.writing: // how that ends is told later; that it goes on, by each call that the guest has written in
		u.Err = nil
		return u, st.fresh
	}
	if !final(st.writeErr) {
		st.writeErr = nil
	}
	st.promised, st.lost = false, 0
	return u, u.Err != nil
}

// arrive waits for the writer before a call to the host, and tells whether it has all that the guest has written: then
// the host's operation need not know of it.
func (st *Stream) arrive(stop context.Context) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.writing && !st.slow {
		st.slow = !st.settleLocked(stop) && !(canStop(stop) && stop.Err() != nil)
	}
	st.behind = st.writing || len(st.queued) > 0 || st.promised || st.panics.Any()
	return !st.behind
}

// leave ends the operation for the writer, and tells whether the next one need not know of it.
func (st *Stream) leave() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.fresh = false
	st.behind = st.writing || st.promised || st.panics.Any()
	switch {
	case st.writing:
		st.leaveLocked()
	case st.closed && !st.behind:
		st.queued = nil
		st.pipes.forget(st)
	}
	return !st.behind
}

// settleLocked gives a writer that is at work the time to finish, unless ctx is done, which may be nil. It tells if
// it has: one that does not block is not at work any more when the guest's call has ended.
func (st *Stream) settleLocked(ctx context.Context) bool {
	if !canStop(ctx) {
		ctx = context.Background()
	}
	limited, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	return st.finishLocked(limited)
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
		st.sendQueuedLocked()
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
	if st.conn != nil {
		st.sendQueuedLocked()
	}
	if !st.writing {
		st.finishGoneLocked(b)
		return
	}
	st.goneFrom = b // sendOne finishes
	if st.conn != nil {
		conn := st.conn
		go b.guard(func() { conn.SetDeadline(time.Now().Add(linger)) })
		time.AfterFunc(2*linger, func() { b.guard(func() { st.closeConn() }) }) // one without deadlines
	}
}

// finishGoneLocked ends what is gone, when no writer is at work.
func (st *Stream) finishGoneLocked(b *Behind) {
	st.goneFrom = nil
	if !st.inUseLocked() {
		st.pipes.forget(st)
	}
	if st.conn == nil {
		b.end()
		return
	}
	b.finish(st.closeConn)
}
