package wasmtime

import (
	"context"
	"reflect"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
	"github.com/gowasmtime/wasmtime/internal/served"
)

// The inside of a store is what other packages of this module see of it.
var _ bridge.Store = (*state)(nil)

func init() {
	bridge.StoreOf = func(storelike any) (bridge.Store, error) {
		switch store, _ := storelike.(Storelike); {
		case stateOf(store) == nil:
			return nil, noStore(store)
		case hasReturned(store):
			return nil, errReturned
		default:
			return stateOf(store), nil
		}
	}
	bridge.Entered = func(number uintptr) bridge.Store {
		if s := entered.get(number); s != nil {
			return s
		}
		return nil
	}
	bridge.EngineOf = func(engine any) *registry.Handle[ffi.Engine] { return &notNil(engine.(*Engine)).handle }
	bridge.ModuleOf = func(module any) (*registry.Handle[ffi.Module], any) {
		m := notNil(module.(*Module))
		return &m.handle, m.engine
	}
	bridge.WrapModule = func(engine any, native ffi.Module) any {
		m, _ := wrapModule(engine.(*Engine), native, ffi.Error{})
		return m
	}
	bridge.Compile = func(engine any, native ffi.Engine, source []byte, compile, load func([]byte) (bridge.Artifact, ffi.Error)) (
		made bridge.Artifact, failed ffi.Error) {
		failed = withRoom(func() (err ffi.Error) {
			made, err = cached(engine.(*Engine).cache, native, source, compile, load)
			return err
		})
		return made, failed
	}
	bridge.Direct = func(fn reflect.Value) func(caller any, slots *ffi.Slot) error {
		g := &goFunc{fn: fn}
		if g.inspect(fn.Type()) != nil {
			return nil
		}
		run := g.direct()
		if run == nil {
			return nil
		}
		return func(caller any, slots *ffi.Slot) error { return run(caller.(*Caller), unsafe.Pointer(slots)) }
	}
	bridge.NewError = func(native ffi.Error) error { return newError(native) }
	bridge.MakeError = func(cause error, message string) error { return errorf(cause, "%s", message) }
	bridge.Ended = ended
}

// EnterCall is Enter and begin for the other packages of the module, in one step: most calls have no context, and
// nothing to begin.
func (s *state) EnterCall(ctx context.Context) (bridge.Call, error) {
	outermost, err := s.Enter()
	if err != nil {
		return bridge.Call{}, err
	}
	if ctx == nil && !guests.crowded.Load() {
		return bridge.Call{Outermost: outermost}, nil
	}
	return s.enterBegun(ctx, outermost)
}

// enterBegun is the rest of EnterCall when there is something to begin. If that fails, be it that a method of ctx
// panics, the store is left.
func (s *state) enterBegun(ctx context.Context, outermost bool) (_ bridge.Call, err error) {
	begun := false
	defer func() {
		if !begun {
			s.Finish(outermost, &err)
		}
	}()
	call, err := s.begin(ctx)
	if err != nil {
		return bridge.Call{}, err
	}
	begun = true
	return bridge.Call{Outermost: outermost, Begun: call.s != nil, Outer: call.outer, Watch: unsafe.Pointer(call.watch)}, nil
}

// EndCall ends what enterBegun has begun.
func (s *state) EndCall(call bridge.Call) bridge.Call {
	if call.Begun {
		callContext{s, call.Outer, (*watch)(call.Watch)}.end()
	}
	return bridge.Call{Outermost: call.Outermost}
}

// LeaveCall is Finish after EnterCall. By an interface, a pointer to the error would cost an allocation.
func (s *state) LeaveCall(call bridge.Call, err error) error {
	if call.Begun {
		return s.leaveBegun(call, err)
	}
	s.Finish(call.Outermost, &err)
	return err
}

// leaveBegun is LeaveCall for a call that has a context.
func (s *state) leaveBegun(call bridge.Call, failed error) (err error) {
	err = failed
	defer func() { s.Finish(call.Outermost, &err) }()
	s.EndCall(call)
	return err
}

// Identify lets the goroutine that has entered the store enter it again.
func (s *state) Identify() { s.lock.Identify() }

// Allocate is allocate for the other packages of the module.
func (s *state) Allocate(ctx context.Context, f func(call *ffi.Call, room uintptr) bool) error {
	outermost, err := s.Enter()
	if err != nil {
		return err
	}
	return s.inPlace(ctx, outermost, func(pool *poolQueue) error { return s.allocate(outermost, pool, nil, f) })
}

// ComponentCall returns the frame for calls of components.
func (s *state) ComponentCall() *ffi.ComponentCall {
	s.slot.takeMore() // a component has instances that nobody counts
	return s.native.ComponentCall()
}

// PushServed makes a descriptor of the store of something that Go serves.
func (s *state) PushServed(what *served.Descriptor, writes bool) (uint32, ffi.Error) {
	s.made()
	number := what.Attach(s.slot)
	mode := READ_ONLY
	if writes {
		mode = WRITE_ONLY
	}
	fd, failed := s.native.InsertStream(0, true, uint32(mode), what.Kind(), number)
	if !failed.IsNil() {
		what.Detach()
	}
	return fd, failed
}

// Engine returns the store's engine.
func (s *state) Engine() any { return s.engine }

// Attached is where another package of the module keeps what belongs to the store.
func (s *state) Attached() *bridge.Attachment { return &s.attached }
