package wasmtime

import (
	"context"
	"unsafe"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// The inside of a store is what other packages of this module see of it.
var _ bridge.Store = (*state)(nil)

func init() {
	bridge.StoreOf = func(storelike any) bridge.Store { return storelike.(Storelike).storeState() }
	bridge.Entered = func(number uintptr) bridge.Store {
		if s := entered.get(number); s != nil {
			return s
		}
		return nil
	}
	bridge.EngineOf = func(engine any) *registry.Handle[ffi.Engine] { return &engine.(*Engine).handle }
	bridge.ModuleOf = func(module any) (*registry.Handle[ffi.Module], any) {
		m := module.(*Module)
		return &m.handle, m.engine
	}
	bridge.Compile = func(engine any, native ffi.Engine, source []byte, compile, load func([]byte) (bridge.Artifact, ffi.Error)) (
		made bridge.Artifact, failed ffi.Error) {
		failed = withRoom(func() (err ffi.Error) {
			made, err = cached(engine.(*Engine).cache, native, source, compile, load)
			return err
		})
		return made, failed
	}
	bridge.NewError = func(native ffi.Error) error { return newError(native) }
	bridge.MakeError = func(cause error, message string) error { return errorf(cause, "%s", message) }
}

// Identify lets the goroutine that has entered the store enter it again.
func (s *state) Identify() { s.lock.Identify() }

// Begin is begin for the other packages of the module.
func (s *state) Begin(ctx context.Context) (bridge.Call, error) {
	call, err := s.begin(ctx)
	return bridge.Call{Begun: call.s != nil, Outer: call.outer, Watch: unsafe.Pointer(call.watch)}, err
}

// End is end for the other packages of the module.
func (s *state) End(call bridge.Call) {
	if call.Begun {
		callContext{s, call.Outer, (*watch)(call.Watch)}.end()
	}
}

// Allocate is allocate for the other packages of the module.
func (s *state) Allocate(ctx context.Context, f func(call *ffi.Call, room uintptr) bool) error {
	return s.inPlace(ctx, func(outermost bool, pool *poolQueue) error { return s.allocate(outermost, pool, f) })
}

// Engine returns the store's engine.
func (s *state) Engine() any { return s.engine }

// Attached is where another package of the module keeps what belongs to the store.
func (s *state) Attached() *bridge.Attachment { return &s.attached }
