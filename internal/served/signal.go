package served

import (
	"context"

	"github.com/gowasmtime/wasmtime/ffi"
)

// signal is what a guest waits for that is neither read nor written: it is ready from the moment when a channel is
// closed. A goroutine waits for that, from the first time that a guest asks in vain until the guest's side is gone.
type signal struct {
	Descriptor
	done    <-chan struct{}
	waiting bool
	// left is closed when the guest's side is gone.
	left chan struct{}
}

// NewSignal makes a descriptor that has something to be read once done is closed. It is for a pollable. One of a nil
// channel never has.
func NewSignal(done <-chan struct{}) *Descriptor {
	// It counts as a connection so that it hears of its end, too, when the garbage collector frees the store.
	s := &signal{Descriptor: Descriptor{kind: ffi.StreamConnection}, done: done, left: make(chan struct{})}
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
	if !s.waiting && s.done != nil {
		s.waiting = true
		go s.wait()
	}
	return 0, ffi.StreamWouldWait
}

// wait makes the guest ask again when the channel is closed.
func (s *signal) wait() {
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.doneLocked(nil)
	case <-s.left:
	}
}

func (s *signal) goneLocked(*Behind) { close(s.left) }
