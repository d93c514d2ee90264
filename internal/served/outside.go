package served

import (
	"context"
	"errors"
	"io"
	"net"
)

// Outside is a stream as the program uses it itself, from outside of the store, while guests run. What guests have left
// in it comes first. It may be read by one goroutine and written by another.
type Outside struct {
	st   *Stream
	ctx  context.Context
	stop context.CancelFunc
}

// Outside returns the stream with a number; nil if there is none.
func (s *Shelf) Outside(number uint64) *Outside {
	st, ok := s.descriptors.get(number).by.(*Stream)
	if !ok {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Outside{st, ctx, stop}
}

// errPanicked is the error of a reader that has panicked, which comes out of the store's next operation.
var errPanicked = errors.New("the reader has panicked")

// Read waits until there is something. A goroutine reads, so that Close ends the wait.
func (o *Outside) Read(p []byte) (int, error) {
	st := o.st
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		switch {
		case o.ctx.Err() != nil || st.closed:
			return 0, net.ErrClosed
		case st.reader == nil:
			return 0, errors.ErrUnsupported
		case len(st.ahead) > 0:
			n := copy(p, st.ahead)
			st.ahead = st.ahead[n:]
			return n, nil
		case st.readingEnded:
			return 0, io.EOF
		case st.readErr != nil:
			err := st.readErr
			if !final(err) {
				st.readErr = nil
			}
			return 0, err
		case st.panics.Any():
			return 0, errPanicked
		}
		st.fetchLocked()
		st.waitLocked(o.ctx)
	}
}

// Write writes in place, after what guests have written.
func (o *Outside) Write(p []byte) (int, error) {
	st := o.st
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.finishLocked(o.ctx) {
		return 0, net.ErrClosed
	}
	switch {
	case o.ctx.Err() != nil || st.closed:
		return 0, net.ErrClosed
	case st.writer == nil:
		return 0, errors.ErrUnsupported
	case st.writingEnded:
		return 0, io.ErrClosedPipe
	}
	if queued := st.queued; len(queued) > 0 {
		st.queued = nil
		if _, err := st.writeNowLocked(queued); err != nil {
			return 0, err
		}
	}
	n, err := st.writeNowLocked(p)
	return int(n), err
}

// Close ends what waits. The stream itself is closed with the guest's descriptor.
func (o *Outside) Close() error {
	o.stop()
	return nil
}
