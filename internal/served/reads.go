package served

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// reads are those that goroutines make of readers, for any store: a Read may be at work still when its store is closed,
// and the program goes on with another one.
var reads readTurns

// readTurns let goroutines read from equal readers one after the other, in the order in which they came. It is safe for
// concurrent use.
type readTurns struct {
	// some is how many readers there are in it, which is all that a guest looks at that reads without a goroutine.
	some atomic.Int64
	mu   sync.Mutex
	// waiting has an entry for each reader that is at work: those who wait for their turn.
	waiting map[io.Reader][]chan struct{}
	// late is what readers have read for descriptors that were gone by then, the latest last.
	late []lateRead
}

// lateRead is what nobody has taken that a reader has read.
type lateRead struct {
	reader io.Reader
	text   []byte
}

// mostLate is for how many readers something is kept that was read too late. Nobody knows whether a program will use
// one of them again, so there has to be an end.
const mostLate = 64

// begin returns what is closed when it is the caller's turn to read; nil if it is already. end ends the turn.
func (t *readTurns) begin(r io.Reader) (turn <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	others, busy := t.waiting[r]
	if busy {
		mine := make(chan struct{})
		t.waiting[r] = append(others, mine)
		return mine
	}
	if t.waiting == nil {
		t.waiting = map[io.Reader][]chan struct{}{}
	}
	t.waiting[r] = nil
	t.some.Add(1)
	return nil
}

// end makes it the next one's turn. It keeps what was read if nobody takes it now.
func (t *readTurns) end(r io.Reader, late []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(late) > 0 {
		t.late = append(t.late, lateRead{r, slices.Clone(late)})
		t.some.Add(1)
		if len(t.late) > mostLate {
			t.dropLocked(0)
		}
	}
	if others := t.waiting[r]; len(others) > 0 {
		close(others[0])
		t.waiting[r] = others[1:]
		return
	}
	delete(t.waiting, r)
	t.some.Add(-1)
}

// take returns what was read too late from an equal reader, nil if nothing was. It is the caller's turn.
func (t *readTurns) take(r io.Reader) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.late, func(l lateRead) bool { return l.reader == r })
	if i < 0 {
		return nil
	}
	return t.dropLocked(i)
}

func (t *readTurns) dropLocked(i int) (text []byte) {
	text = t.late[i].text
	t.late = slices.Delete(t.late, i, i+1)
	t.some.Add(-1)
	return text
}

// has tells whether an equal reader is at work, or has read something too late.
func (t *readTurns) has(r io.Reader) bool {
	if t.some.Load() == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, busy := t.waiting[r]
	return busy || slices.ContainsFunc(t.late, func(l lateRead) bool { return l.reader == r })
}

// takesTurns tells whether the stream's reader is one that others may read from, too. Readers that cannot be compared
// have no equals.
func (st *Stream) takesTurns() bool { return st.conn == nil && st.pipes != nil }

// fetchLocked makes a goroutine read, unless one does already.
func (st *Stream) fetchLocked() {
	if st.reading {
		return
	}
	st.reading = true
	go func() {
		var b []byte
		n, err := 0, errGoexit
		defer func() {
			value := recover()
			if value != nil {
				err = nil // it is the panic that the guest hears of
			}
			st.mu.Lock()
			defer st.mu.Unlock()
			st.fetchedLocked(b[:n], err)
			st.doneLocked(value)
		}()
		late, wanted := st.awaitTurn()
		if !wanted {
			b, n, err = late, len(late), nil
			return
		}
		b = make([]byte, readAhead)
		n, err = readSome(st.reader, b)
	}()
}

// awaitTurn waits until no equal reader is at work, and tells whether something is to be read: not if the descriptor is
// gone, or something was read too late for another one, which it returns.
func (st *Stream) awaitTurn() (late []byte, wanted bool) {
	if !st.takesTurns() {
		return nil, true
	}
	if turn := reads.begin(st.reader); turn != nil {
		<-turn
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return nil, false
	}
	late = reads.take(st.reader)
	return late, late == nil
}

// fetchedLocked ends a read of a goroutine. What comes when the descriptor is gone is kept for the next one of an equal
// reader; an error is not, for that asks the reader itself.
func (st *Stream) fetchedLocked(text []byte, err error) {
	st.reading = false
	switch {
	case !st.takesTurns():
		st.ahead, st.readErr = text, err
	case !st.closed:
		st.ahead, st.readErr = text, err
		reads.end(st.reader, nil)
	default:
		reads.end(st.reader, text)
		if !st.inUseLocked() {
			st.pipes.forget(st)
		}
	}
}
