package served

import (
	"reflect"
	"sync"
)

// pipes are those that the guests of a store have of writers, or of readers. Equal ones are one pipe, whose descriptors
// are duplicates of each other: so none is ever called twice at once, and what the guest writes to any of them, or
// reads from it, is in the guest's order.
type pipes struct {
	mu sync.Mutex
	// first is one of them, and more are the others; nil as long as there is no more than one.
	first *Stream
	more  map[any]*Stream
}

// ends are the pipes that the guests of a store have.
type ends struct{ readers, writers pipes }

// share returns the pipe that there is already of the reader or the writer of st, one descriptor more of which it
// counts, else st.
func (e *ends) share(st *Stream) *Stream {
	p := &e.readers
	if st.writer != nil {
		p = &e.writers
	}
	return p.share(st)
}

// end is the program's end of the pipe: the writer or the reader.
func (st *Stream) end() any {
	if st.writer != nil {
		return st.writer
	}
	return st.reader
}

func (p *pipes) share(st *Stream) *Stream {
	if v := reflect.ValueOf(st.end()); v.Kind() != reflect.Pointer && !v.Comparable() {
		return st
	}
	if there := p.get(st.end()); there != nil && there.adopt() {
		return there
	}
	p.keep(st)
	return st
}

func (p *pipes) get(end any) *Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first != nil && p.first.end() == end {
		return p.first
	}
	return p.more[end]
}

// keep makes a pipe the one of its end.
func (p *pipes) keep(st *Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.pipes = p
	if p.first == nil && len(p.more) == 0 || p.first != nil && p.first.end() == st.end() {
		p.first = st
		return
	}
	if p.more == nil {
		p.more = map[any]*Stream{}
	}
	p.more[st.end()] = st
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
	case p.more[st.end()] == st:
		delete(p.more, st.end())
	}
}

// adopt counts one descriptor more, unless the last one is gone and the program's end is not called any more.
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

// inUseLocked tells whether the reader or the writer is called although its last descriptor may be gone: it is at work,
// or is to be tried once more when the guest's call returns.
func (st *Stream) inUseLocked() bool {
	return st.reading || st.writing || st.behind && len(st.queued) > 0
}
