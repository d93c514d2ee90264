package served

import (
	"context"

	"github.com/gowasmtime/wasmtime/ffi"
)

// signal is what a guest waits for that is neither read nor written: it is ready from the moment when a channel is
// closed. A goroutine waits for that, from the first time that a guest asks in vain until the call into the guest ends,
// or the guest's side is gone.
type signal struct {
	Descriptor
	done <-chan struct{}
	// left ends the goroutine; nil if there is none.
	left chan struct{}
}

// NewSignal makes a descriptor that has something to be read once done is closed. It is for a pollable. One of a nil
// channel never has.
func NewSignal(done <-chan struct{}) *Descriptor {
	// It counts as a connection so that it hears of its end, too, when the garbage collector frees the store.
	s := &signal{Descriptor: Descriptor{kind: ffi.StreamConnection}, done: done}
	s.by = s
	return &s.Descriptor
}

func (s *signal) serveLocked(_ context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	if r.What != ffi.StreamPollRead {
		return uint64(errnoNotsup), ffi.StreamFailed
	}
	select {
	case <-s.done:
		return 1, ffi.StreamDone
	default:
	}
	if b := s.host.Behind(); s.left == nil && s.done != nil && b != nil {
		s.left = make(chan struct{})
		b.follow(s)
		go s.wait(s.left)
	}
	return 0, ffi.StreamWouldWait
}

// wait makes the guest ask again when the channel is closed, unless nobody waits any more.
func (s *signal) wait(left <-chan struct{}) {
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.doneLocked(nil)
	case <-left:
	}
}

// leaveAlone ends the goroutine: the call is over in which a guest has asked.
func (s *signal) leaveAlone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goneLocked(nil)
}

func (s *signal) goneLocked(b *Behind) {
	if s.left != nil {
		if b != nil {
			delete(b.signals, s)
		}
		close(s.left)
		s.left = nil
	}
}
