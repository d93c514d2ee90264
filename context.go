package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
//
// A context is the program's: each of its methods may panic, or end the goroutine. Then the store is as it was before
// Watch, and after stop.
//
// It waits, or fails, when too many guests run.
func (s *state) Watch(ctx context.Context) (stop func(), err error) {
	unwatch, err := s.watchContext(ctx)
	if err != nil || !guests.crowded.Load() {
		return unwatch, err
	}
	begun := false
	defer func() {
		if !begun { // also when a method of ctx panicked
			unwatch()
		}
	}()
	if err := guests.admit(s); err != nil {
		return nil, err
	}
	begun = true
	return unwatch, nil
}

func (s *state) watchContext(ctx context.Context) (stop func(), err error) {
	if ctx == nil {
		return nothing, nil
	}
	done := ctx.Done()
	if done != nil {
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
	if done == nil {
		s.ctx = ctx
		return func() { s.ctx = outer }, nil
	}
	w := &watch{
		ctx: ctx, outerCtx: outer, outer: s.watch, done: done, native: s.native, pause: raiseAgain,
		over: make(chan struct{}), ended: make(chan struct{}),
	}
	s.ctx, s.watch = ctx, w
	s.native.Watch(true)
	begun := false
	defer func() {
		if !begun {
			s.unwatch(w)
		}
	}()
	forget := context.AfterFunc(ctx, w.run)
	begun = true
	return func() {
		defer forget()
		s.catchUp(w)
		s.unwatch(w)
	}, nil
}

// unwatch ends the innermost watch.
func (s *state) unwatch(w *watch) {
	raised := w.end()
	s.native.Watch(false)
	s.ctx, s.watch = w.outerCtx, w.outer
	if raised && s.endedContext() != nil {
		s.native.Interrupt(true) // that of a call around it may have been raised before this one was lowered
	}
}

// endedContext is the context that stops the guest: the innermost of those of the running calls that are done; nil if
// none is.
func (s *state) endedContext() context.Context {
	for w := s.watch; w != nil; w = w.outer {
		if w.Err() != nil {
			return w.ctx
		}
	}
	return nil
}

// stop is done when the guest has to stop; nil if nothing can stop it.
func (s *state) stop() context.Context {
	if s.watch == nil {
		return nil
	}
	return s.watch.stop()
}

// watch stops the guest of a store from the moment when a context is done until the call is over. For those who wait on
// behalf of the guest it is a context, none of whose methods calls the program's.
type watch struct {
	ctx context.Context
	// outerCtx is the context of the call around it, which may be nil, and outer the watch around it.
	outerCtx context.Context
	outer    *watch
	done     <-chan struct{}
	native   ffi.Store
	// merged ends with this context or with that of a watch around it, until unmerge; nil until somebody wants it.
	merged  context.Context
	unmerge func()
	// raised says that run has begun, or never will.
	raised atomic.Bool
	// over is closed when the call is over, and ended when nothing interrupts any more.
	over, ended chan struct{}
	// pause is how long run waits before it interrupts again.
	pause time.Duration
}

// raiseAgain is the first pause of a watch.
var raiseAgain = time.Millisecond

// Deadline says that there is none.
func (*watch) Deadline() (deadline time.Time, ok bool) { return deadline, false }

// Done is closed when the context is done.
func (w *watch) Done() <-chan struct{} { return w.done }

// Err is not nil when the context is done; it does not say why.
func (w *watch) Err() error {
	select {
	case <-w.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value knows nothing.
func (*watch) Value(any) any { return nil }

// stop is done when this watch or one around it stops the guest.
func (w *watch) stop() context.Context {
	if w.outer == nil || w.outer.done == w.done {
		return w
	}
	if w.merged == nil {
		merged, cancel := context.WithCancel(w)
		forget := context.AfterFunc(w.outer.stop(), cancel)
		w.merged, w.unmerge = merged, func() { forget(); cancel() }
	}
	return w.merged
}

// run interrupts the guest until its call is over. Once may not be enough: a guest that notices another rise of the
// epoch at the same moment has looked at the flag already, and sets its deadline to the next rise.
func (w *watch) run() {
	if w.raised.Swap(true) {
		return
	}
	defer close(w.ended)
	for pause := w.pause; ; pause = min(2*pause, max(w.pause, time.Second)) {
		w.native.Interrupt(true)
		select {
		case <-w.over:
			return
		case <-time.After(pause):
		}
	}
}

// end ends it when the call is over. It tells whether the guest had been interrupted, and is not any more.
func (w *watch) end() (raised bool) {
	if w.unmerge != nil {
		w.unmerge()
	}
	if !w.raised.Swap(true) {
		return false
	}
	close(w.over)
	<-w.ended
	w.native.Interrupt(false)
	return true
}

// contextError is why a context is done: its error, and its cause where that says more.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
