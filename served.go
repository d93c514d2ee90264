package wasmtime

import (
	"context"
	"sync"

	"github.com/gowasmtime/wasmtime/ffi"
)

// served is what all descriptors of guests have in common that Go serves: a stream, or a listener.
type served struct {
	by     server
	kind   ffi.StreamKind
	number uint64
	// entry is where the store is found during a request: it does not keep the store alive, as the table would that C knows.
	entry **state

	mu sync.Mutex
	// native is whom to tell of changes; none once the guest's descriptor is gone.
	native ffi.Store
	// changed is closed when a goroutine is done. It is made for whoever waits for that.
	changed chan struct{}
	panics  latePanics
}

// server is what differs.
type server interface {
	// serve answers a request of the guest. It is called with the lock held, and lets go of it while it waits.
	serve(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus)
	// gone lets go of what the guest no longer uses. It is called with the lock held.
	gone()
}

// streams are those that guests have as descriptors.
var streams registry[served]

// insertServed makes s a descriptor of the store's guests, and returns its number.
func insertServed(store Storelike, fd uint32, push bool, mode WasiFileAccessMode, s *served) (uint32, error) {
	in := store.storeState()
	outermost, err := in.enter()
	if err != nil {
		return 0, err
	}
	defer in.leave(outermost)
	s.attach(in.entry, in.native)
	fd, failed := in.native.InsertStream(fd, push, uint32(mode), s.kind, s.number)
	if !failed.IsNil() {
		streams.remove(s.number)
		return 0, newError(failed)
	}
	in.raise()
	return fd, nil
}

// attach gives s the number by which C asks for it.
func (s *served) attach(entry **state, native ffi.Store) {
	s.entry, s.native = entry, native
	s.number = streams.add(s)
}

// onStream serves every request of a guest to what Go serves.
func onStream(r *ffi.StreamRequest) {
	s := streams.get(r.Env)
	if r.What == ffi.StreamGone {
		streams.remove(r.Env)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.native = ffi.Store{}
		s.by.gone()
		return
	}
	in := *s.entry
	in.serveGuest(func() { r.Count, r.Status = s.serve(in.stop, r) }, func() { r.Status = ffi.StreamStop })
}

// serve answers a request of the guest.
func (s *served) serve(ctx context.Context, r *ffi.StreamRequest) (uint64, ffi.StreamStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics.raise()
	return s.by.serve(ctx, r)
}

// wait waits for a goroutine to be done, and tells whether the guest may go on. It lets go of the lock meanwhile.
func (s *served) wait(ctx context.Context) bool {
	changed := s.nextChange()
	s.mu.Unlock()
	defer s.mu.Lock()
	if !canStop(ctx) {
		<-changed
		return true
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// nextChange is closed when a goroutine is done the next time. It is called with the lock held.
func (s *served) nextChange() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// done ends a goroutine, and says so. panicked is what it panicked with, if it did. It is called with the lock held.
func (s *served) done(panicked any) {
	if panicked != nil {
		s.panics.keep(panicked)
	}
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	if !s.native.IsNil() {
		s.native.Wake()
	}
}
