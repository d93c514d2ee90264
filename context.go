package wasmtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmtime/wasmtime/ffi"
)

// callContext is the context of a call, from begin to end. The zero value is that of a call without one. It is a value,
// so that a call with a context that cannot end allocates nothing for it.
type callContext struct {
	s *state
	// outer is the context of the call around this one, which may be nil.
	outer context.Context
	// watch stops the guest when the context is done; nil if it cannot end.
	watch *watch
}

// begin makes ctx the context of the call that follows: the guest stops when it is done, until end is called. The
// store is entered. A context that is done already is an error, and so is one that can be cancelled if the engine has
// no epochs. A nil ctx changes nothing.
//
// A context is the program's: each of its methods may panic, or end the goroutine. Then the store is as it was before
// begin, and after end.
//
// It waits, or fails, when too many guests run.
func (s *state) begin(ctx context.Context) (callContext, error) {
	call, err := s.beginContext(ctx)
	if err != nil || !guests.crowded.Load() {
		return call, err
	}
	begun := false
	defer func() {
		if !begun { // also when a method of ctx panicked
			call.end()
		}
	}()
	if err := guests.admit(s); err != nil {
		return callContext{}, err
	}
	begun = true
	return call, nil
}

func (s *state) beginContext(ctx context.Context) (callContext, error) {
	if ctx == nil {
		return callContext{}, nil
	}
	done := ctx.Done()
	if done != nil {
		if !s.engine.epochs {
			return callContext{}, errorf(ErrNoEpochs, "%v", ErrNoEpochs)
		}
		if ctx.Err() != nil {
			return callContext{}, errorf(contextError(ctx), "%v", contextError(ctx))
		}
	}
	first := s.engine.epochs && !s.hasDeadline
	call := callContext{s: s, outer: s.ctx}
	if done == nil {
		if first {
			s.beginUnlimited(false)
		}
		s.ctx = ctx
		return call, nil
	}
	w := idleWatches.Get().(*watch)
	w.ctx, w.done, w.native, w.pause = ctx, done, s.native, raiseAgain
	w.outerCtx, w.outer = s.ctx, s.watch
	s.ctx, s.watch = ctx, w
	if first {
		s.beginUnlimited(true)
	} else {
		s.native.Watch(true)
	}
	begun := false
	defer func() {
		if !begun {
			s.unwatch(w)
		}
	}()
	if w.outer != nil {
		s.interruptAgain()
	}
	w.forget = context.AfterFunc(ctx, w.interrupt)
	begun = true
	call.watch = w
	return call, nil
}

// beginUnlimited gives a store that has no deadline yet one that never comes, and begins its first watch if it is to.
func (s *state) beginUnlimited(watch bool) {
	s.wantMade(s.native.Begin(watch))
	s.hasDeadline = true
}

// end ends what begin began.
func (call callContext) end() {
	switch s, w := call.s, call.watch; {
	case s == nil:
	case w == nil:
		s.ctx = call.outer
	default:
		if s.behind != nil {
			s.behind.CatchUp(w.stop())
			s.behind.CaughtUp = true
		}
		s.unwatch(w)
		if w.forget() { // otherwise run may begin still
			w.giveBack()
		}
	}
}

// unwatch ends the innermost watch.
func (s *state) unwatch(w *watch) {
	if w.end() {
		s.interrupted = true
	}
	s.native.Watch(false)
	s.ctx, s.watch = w.outerCtx, w.outer
	if s.interrupted && s.endedContext() == nil {
		s.native.Interrupt(false) // it was for this call, or for one inside of it
		s.interrupted = false
	}
	s.interruptAgain() // also if a context has ended meanwhile, and its interrupt was just taken back
}

// interruptAgain interrupts the guest if a context of its calls has ended. It is called when something has set the
// deadline at which the guest looks whether it is interrupted: then an interrupt that came before is forgotten.
func (s *state) interruptAgain() {
	if s.endedContext() != nil {
		s.native.Interrupt(true)
		s.interrupted = true
	}
}

// endedContext is the context that stops the guest: the innermost of those of the running calls that are done; nil if
// none is.
func (s *state) endedContext() context.Context {
	for w := s.watch; w != nil; w = w.outer {
		if isClosed(w.done) {
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

// watch stops the guest of a store from the moment when a context is done until the call is over.
type watch struct {
	ctx context.Context
	// outerCtx is the context of the call around it, which may be nil, and outer the watch around it.
	outerCtx context.Context
	outer    *watch
	done     <-chan struct{}
	native   ffi.Store
	// waits ends with this context, and merged with this one or that of a watch around it, until unmerge; nil until
	// somebody wants them.
	waits   context.Context
	merged  context.Context
	unmerge func()
	// interrupt is run, and forget makes it never begin, if it has not begun yet, which it tells.
	interrupt func()
	forget    func() bool
	// raised says that run has begun, or never will.
	raised atomic.Bool
	// over is closed when the call is over, and ended when nothing interrupts any more.
	over, ended chan struct{}
	// pause is how long run waits before it interrupts again.
	pause time.Duration
}

// idleWatches are watches that nobody uses, and whose run nobody will call.
var idleWatches = sync.Pool{New: func() any {
	w := &watch{over: make(chan struct{}), ended: make(chan struct{})}
	w.interrupt = w.run
	return w
}}

// giveBack lets another call have the watch, whose own call is over, if run has not been called and never will be.
func (w *watch) giveBack() {
	w.ctx, w.outerCtx, w.outer, w.done, w.native = nil, nil, nil, nil, ffi.Store{}
	w.waits, w.merged, w.unmerge, w.forget = nil, nil, nil, nil
	w.raised.Store(false)
	idleWatches.Put(w)
}

// raiseAgain is the first pause of a watch.
var raiseAgain = time.Millisecond

// waitContext is the context of a call for those who wait on behalf of the guest. None of its methods calls the
// program's, and it may be kept for longer than the call.
type waitContext struct{ done <-chan struct{} }

// Deadline says that there is none.
func (*waitContext) Deadline() (deadline time.Time, ok bool) { return deadline, false }

// Done is closed when the context of the call is done.
func (c *waitContext) Done() <-chan struct{} { return c.done }

// Err is not nil when the context of the call is done; it does not say why.
func (c *waitContext) Err() error {
	if isClosed(c.done) {
		return context.Canceled
	}
	return nil
}

// Value knows nothing.
func (*waitContext) Value(any) any { return nil }

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// own is done when this watch stops the guest.
func (w *watch) own() context.Context {
	if w.waits == nil {
		w.waits = &waitContext{w.done}
	}
	return w.waits
}

// stop is done when this watch or one around it stops the guest.
func (w *watch) stop() context.Context {
	if w.outer == nil || w.outer.done == w.done {
		return w.own()
	}
	if w.merged == nil {
		merged, cancel := context.WithCancel(w.own())
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

// end ends it when the call is over. It tells whether the guest has been interrupted, and still is.
func (w *watch) end() (raised bool) {
	if w.unmerge != nil {
		w.unmerge()
	}
	if !w.raised.Swap(true) {
		return false
	}
	close(w.over)
	<-w.ended
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
