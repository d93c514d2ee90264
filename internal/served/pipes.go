package served

import (
	"io"
	"reflect"
	"sync"

	"github.com/gowasmtime/wasmtime/ffi"
)

// pipes are those that the guests of a store have of writers. Equal writers are one pipe, whose descriptors are
// duplicates of each other: so a writer is never called twice at once, and gets what the guest writes to any of them in
// the guest's order.
type pipes struct {
	mu sync.Mutex
	by map[io.Writer]*Stream
}

// share returns the pipe that there is already of the writer of st, one descriptor more of which it counts, else st.
func (p *pipes) share(st *Stream, native ffi.Store) *Stream {
	if !reflect.ValueOf(st.writer).Comparable() {
		return st
	}
	if there := p.get(st.writer); there != nil && there.adopt(native) {
		return there
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st.pipes, p.by[st.writer] = p, st
	return st
}

func (p *pipes) get(w io.Writer) *Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.by[w]
}

// forget says that nobody uses the pipe any more.
func (p *pipes) forget(st *Stream) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by[st.writer] == st {
		delete(p.by, st.writer)
	}
}

// adopt counts one descriptor more, unless the last one is gone and the writer is not called any more.
func (st *Stream) adopt(native ffi.Store) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed && !st.inUseLocked() {
		return false
	}
	if st.closed {
		st.native, st.closed = native, false
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
	st.native, st.closed = ffi.Store{}, true
	if !st.inUseLocked() {
		st.pipes.forget(st)
	}
}

// inUseLocked tells whether the writer is called although its last descriptor may be gone: it is at work, or is to be
// tried once more when the guest's call returns.
func (st *Stream) inUseLocked() bool { return st.writing || st.behind && len(st.queued) > 0 }
