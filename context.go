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

// never is a deadline that never comes.
const never = ^uint64(0)

// Watch makes ctx the context of the call that follows: the guest stops when it is done, until stop is called. The
// store is entered. A context that is done already is an error, and so is one that can be cancelled if the engine has
// no epochs. A nil ctx changes nothing.
func (s *state) Watch(ctx context.Context) (stop func(), err error) {
	if ctx == nil {
		return nothing, nil
	}
	if canStop(ctx) {
		if !s.engine.epochs {
			return nil, errorf(ErrNoEpochs, "%v", ErrNoEpochs)
		}
		if ctx.Err() != nil {
			return nil, errorf(contextError(ctx), "%v", contextError(ctx))
		}
	}
	if s.engine.epochs && s.native.DeadlineUnset() {
		s.native.SetDeadline(never)
	}
	outer := s.ctx
	restore := s.setContext(ctx)
	if !canStop(ctx) {
		return restore, nil
	}
	s.native.Watch(true)
	interrupting := s.interruptWhenDone(ctx)
	return func() {
		s.catchUp(ctx)
		interrupting.end(outer)
		s.native.Watch(false)
		restore()
	}, nil
}

// setContext makes ctx the context of the innermost call, and s.stop one that ends with it as well as with that of
// any call around it. restore takes that back.
func (s *state) setContext(ctx context.Context) (restore func()) {
	outer, outerStop := s.ctx, s.stop
	s.ctx = ctx
	restore = func() { s.ctx, s.stop = outer, outerStop }
	switch {
	case !canStop(ctx):
	case !canStop(outerStop) || outerStop.Done() == ctx.Done():
		s.stop = ctx
	default:
		merged, cancel := context.WithCancel(ctx)
		forget := context.AfterFunc(outerStop, cancel)
		s.stop = merged
		return func() {
			forget()
			cancel()
			s.ctx, s.stop = outer, outerStop
		}
	}
	return restore
}

// interruption interrupts the guest of a store from the moment when a context is done until the call is over.
type interruption struct {
	native ffi.Store
	// forget tells the context that the call is over; it is false when the context was done before.
	forget func() bool
	// over is closed when the call is over, and ended when nothing interrupts any more.
	over, ended chan struct{}
}

// interruptWhenDone interrupts the guest when ctx is done.
func (s *state) interruptWhenDone(ctx context.Context) *interruption {
	i := &interruption{native: s.native, over: make(chan struct{}), ended: make(chan struct{})}
	i.forget = context.AfterFunc(ctx, i.run)
	return i
}

// run interrupts the guest until its call is over. Once may not be enough: a guest that notices another rise of the
// epoch at the same moment has looked at the flag already, and sets its deadline to the next rise.
func (i *interruption) run() {
	defer close(i.ended)
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		i.native.Interrupt(true)
		select {
		case <-i.over:
			return
		case <-time.After(wait):
		}
	}
}

// end ends it when the call is over. outer is the context of the call around it, which may be nil.
func (i *interruption) end(outer context.Context) {
	if i.forget() {
		return
	}
	close(i.over)
	<-i.ended
	i.native.Interrupt(false)
	if outer != nil && outer.Err() != nil {
		i.native.Interrupt(true) // it may have been raised before it was lowered
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

// canStop tells whether a context, which may be nil, can ever be done.
func canStop(ctx context.Context) bool { return ctx != nil && ctx.Done() != nil }
