package served

import (
	"context"
	"io"

	"github.com/gowasmtime/wasmtime/ffi"
)

// Source is what a guest reads as a body: of an HTTP message, say. It is called by one goroutine at a time.
type Source interface {
	// Read is that of [io.Reader]. It ends by itself when the guest has to stop, so it is called in the middle of the
	// guest's call if that may wait.
	Read(p []byte) (int, error)
	// Gone hears that the guest has let go. A Read of a goroutine may be at work still.
	Gone()
}

// Sink is what a guest writes as a body. It is called in the middle of the guest's calls only.
type Sink interface {
	// Write takes bytes, which are good until it returns: at least one, or has an error. If it would have to wait and
	// must not, it takes none and has none. It ends by itself when the guest has to stop.
	Write(p []byte, wait bool) (int, error)
	// Room is how much it takes now without waiting, or 0. When there is some again, it calls the function that
	// [NewSink] has returned.
	Room() int
	// Gone hears that the guest has let go.
	Gone()
}

// source serves a Source. A goroutine reads only if the guest does not wait itself.
type source struct {
	Descriptor
	from Source
	// ahead has been read into buffer, and not been taken yet; err comes after it.
	ahead, buffer []byte
	err           error
	fetching      bool
}

// NewSource makes a pipe that is read of a Source.
func NewSource(from Source) *Descriptor {
	s := &source{Descriptor: Descriptor{kind: ffi.StreamPipe}, from: from}
	s.by = s
	return &s.Descriptor
}

func (s *source) serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	switch r.What {
	case ffi.StreamRead:
		return s.readLocked(ctx, r.Buffer(), r.Flags&ffi.StreamMayWait != 0)
	case ffi.StreamPollRead:
		if len(s.ahead) > 0 || s.err != nil {
			return uint64(max(len(s.ahead), 1)), ffi.StreamDone
		}
		s.fetchLocked()
		return 0, ffi.StreamWouldWait
	}
	return uint64(errnoBadf), ffi.StreamFailed
}

// readLocked lets go of the lock while it waits.
func (s *source) readLocked(ctx context.Context, p []byte, mayWait bool) (uint64, ffi.StreamStatus) {
	for {
		s.panics.Raise()
		switch {
		case len(s.ahead) > 0:
			n := copy(p, s.ahead)
			s.ahead = s.ahead[n:]
			return uint64(n), ffi.StreamDone
		case s.err == io.EOF:
			return 0, ffi.StreamDone
		case s.err != nil && canStop(ctx) && ctx.Err() != nil:
			return 0, ffi.StreamStop
		case s.err != nil:
			return errnoOf(s.err), ffi.StreamFailed
		case !mayWait:
			s.fetchLocked()
			return 0, ffi.StreamWouldWait
		case s.fetching:
			if !s.waitLocked(ctx) {
				return 0, ffi.StreamStop
			}
		default:
			if n := s.readNowLocked(p); n > 0 {
				return uint64(n), ffi.StreamDone
			}
		}
	}
}

// readNowLocked reads in the middle of the guest's call, without the lock meanwhile.
func (s *source) readNowLocked(p []byte) (n int) {
	s.mu.Unlock()
	defer s.mu.Lock()
	n, s.err = readSome(s.from, p)
	return n
}

// fetchLocked makes a goroutine read, unless one does already.
func (s *source) fetchLocked() {
	if s.fetching {
		return
	}
	if s.buffer == nil {
		s.buffer = make([]byte, readAhead)
	}
	s.fetching = true
	go func() {
		n, err := 0, errGoexit
		defer func() {
			value := recover()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fetching, s.ahead, s.err = false, s.buffer[:n], err
			s.doneLocked(value)
		}()
		n, err = readSome(s.from, s.buffer)
	}()
}

func (s *source) goneLocked(*Behind) { s.from.Gone() }

// sink serves a Sink.
type sink struct {
	Descriptor
	to Sink
}

// NewSink makes a pipe that is written of a Sink. When wake is called, by any goroutine, a guest that waits looks for
// room again.
func NewSink(to Sink) (d *Descriptor, wake func()) {
	s := &sink{Descriptor: Descriptor{kind: ffi.StreamPipe}, to: to}
	s.by = s
	return &s.Descriptor, func() { s.host.Wake() }
}

// serveLocked answers a request. Nobody else asks for the lock: a sink is called in the guest's calls only.
func (s *sink) serveLocked(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	switch r.What {
	case ffi.StreamWrite:
		n, err := s.to.Write(r.Buffer(), r.Flags&ffi.StreamMayWait != 0)
		switch {
		case n > 0:
			return uint64(n), ffi.StreamDone
		case err == nil:
			return 0, ffi.StreamWouldWait
		case canStop(ctx) && ctx.Err() != nil:
			return 0, ffi.StreamStop
		}
		return errnoOf(err), ffi.StreamFailed
	case ffi.StreamPollWrite:
		if room := s.to.Room(); room > 0 {
			return uint64(room), ffi.StreamDone
		}
		return 0, ffi.StreamWouldWait
	}
	return uint64(errnoBadf), ffi.StreamFailed
}

func (s *sink) goneLocked(*Behind) { s.to.Gone() }
