package served

import (
	"io"
	"sync"
	"sync/atomic"
)

// left finds the writers that are at work still although the operation is over that has called them: in any store,
// because a program may go on with another one.
var left leftWriters

// leftWriters are writers that somebody has left at work. It is safe for concurrent use.
type leftWriters struct {
	// any is how many there are, which is all that most writes look at.
	any atomic.Int64
	mu  sync.Mutex
	// by has what is closed when the writer is done; if several streams are at work on equal ones, that of the last.
	by map[io.Writer]chan struct{}
}

// add adds a writer, until remove is called with what it returns.
func (l *leftWriters) add(w io.Writer) (done chan struct{}) {
	done = make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[io.Writer]chan struct{}{}
	}
	l.by[w] = done
	l.any.Add(1)
	return done
}

func (l *leftWriters) remove(w io.Writer, done chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by[w] == done {
		delete(l.by, w)
	}
	l.any.Add(-1)
	close(done)
}

// of returns what is closed when an equal writer is not at work any more; nil if none is.
func (l *leftWriters) of(w io.Writer) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[w]
}

// beforeLocked returns what the writer has to wait for, which is not at work: it is nil unless an equal one is left at
// work. Writers that cannot be compared have no equals.
func (st *Stream) beforeLocked() <-chan struct{} {
	if st.pipes == nil || left.any.Load() == 0 {
		return nil
	}
	return left.of(st.writer)
}

// leaveLocked lets others know that the writer is at work.
func (st *Stream) leaveLocked() {
	if st.pipes != nil && st.left == nil {
		st.left = left.add(st.writer)
	}
}

// rejoinLocked takes leaveLocked back.
func (st *Stream) rejoinLocked() {
	if st.left != nil {
		left.remove(st.writer, st.left)
		st.left = nil
	}
}
