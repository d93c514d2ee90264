package served

import (
	"io"
	"reflect"
	"sync"
)

// pipes are those that the guests of a store have of writers. Equal writers are one pipe, whose descriptors are
// duplicates of each other: so a writer is never called twice at once, and gets what the guest writes to any of them in
// the guest's order.
type pipes struct {
	mu sync.Mutex
	// first is one of them, and more are the others; nil as long as there is no more than one.
	first *Stream
	more  map[io.Writer]*Stream
}

// share returns the pipe that there is already of the writer of st, one descriptor more of which it counts, else st.
func (p *pipes) share(st *Stream) *Stream {
	if w := reflect.ValueOf(st.writer); w.Kind() != reflect.Pointer && !w.Comparable() {
		return st
	}
	if there := p.get(st.writer); there != nil && there.adopt() {
		return there
	}
	p.keep(st)
	return st
}

func (p *pipes) get(w io.Writer) *Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first != nil && p.first.writer == w {
		return p.first
	}
	return p.more[w]
}

// keep makes a pipe the one of its writer.
func (p *pipes) keep(st *Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.pipes = p
	if p.first == nil && len(p.more) == 0 || p.first != nil && p.first.writer == st.writer {
		p.first = st
		return
	}
	if p.more == nil {
		p.more = map[io.Writer]*Stream{}
	}
	p.more[st.writer] = st
}

// forget says that nobody uses the pipe any more.
func (p *pipes) forget(st *Stream) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.first == st:
		p.first = nil
	case p.more[st.writer] == st:
		delete(p.more, st.writer)
	}
}

// adopt counts one descriptor more, unless the last one is gone and the writer is not called any more.
func (st *Stream) adopt() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed && !st.inUseLocked() {
		return false
	}
	if st.closed {
		st.closed = false
		st.goneFrom.end()
		st.goneFrom = nil
	}
	st.uses++
	return true
}

// detach takes a descriptor back that the guest has not got.
func (st *Stream) detach() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.uses--; st.uses > 0 {
		return
	}
	st.closed = true
	if !st.inUseLocked() {
		st.pipes.forget(st)
	}
}

// inUseLocked tells whether the writer is called although its last descriptor may be gone: it is at work, or is to be
// tried once more when the guest's call returns.
func (st *Stream) inUseLocked() bool { return st.writing || st.behind && len(st.queued) > 0 }
