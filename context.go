package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// nothing is the stop function of a watch that watches nothing.
func nothing() {}

// watch makes the guest stop when ctx is done, until stop is called. It is called by who holds the store. A context that
// is done already is an error, and so is one that can be cancelled if the engine has no epochs. ctx may be nil.
func (s *state) watch(ctx context.Context) (stop func(), err error) {
	if ctx == nil {
		return nothing, nil
	}
	outer, outerStop, unmerge := s.ctx, s.stop, nothing
	s.ctx = ctx
	switch {
	case !canStop(ctx):
	case !canStop(outerStop) || outerStop.Done() == ctx.Done():
		s.stop = ctx
	default:
		merged, cancel := context.WithCancel(ctx)
		forget := context.AfterFunc(outerStop, cancel)
		s.stop, unmerge = merged, func() { forget(); cancel() }
	}
	restore := func() {
		unmerge()
		s.ctx, s.stop = outer, outerStop
	}
	if s.engine.epochs && s.native.DeadlineUnset() {
		s.native.SetDeadline(never)
	}
	if ctx.Done() == nil {
		return restore, nil
	}
	if !s.engine.epochs {
		restore()
		return nil, errorf(ErrNoEpochs, "%v", ErrNoEpochs)
	}
	if ctx.Err() != nil {
		restore()
		return nil, errorf(contextError(ctx), "%v", contextError(ctx))
	}
	s.native.Watch(true)
	native, over, fired := s.native, make(chan struct{}), make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		interrupt(native, over)
		close(fired)
	})
	return func() {
		if s.behind != nil {
			s.catchUp(ctx)
		}
		if !cancel() {
			close(over)
			<-fired
			native.Interrupt(false)
			if outer != nil && outer.Err() != nil {
				native.Interrupt(true) // it may have been raised before it was lowered
			}
		}
		native.Watch(false)
		restore()
	}, nil
}

// interrupt stops the guest, until its call is over. Once may not be enough: a guest that notices another rise of the epoch
// at the same moment has looked at the flag already, and sets its deadline to the next rise.
func interrupt(native ffi.Store, over <-chan struct{}) {
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		native.Interrupt(true)
		select {
		case <-over:
			return
		case <-time.After(wait):
		}
	}
}

// contextError is why a context is done: its error, and its cause where that says more.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// never is a deadline that never comes.
const never = ^uint64(0)

// canStop tells whether a context, which may be nil, can ever be done.
func canStop(ctx context.Context) bool { return ctx != nil && ctx.Done() != nil }
