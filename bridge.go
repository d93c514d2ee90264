package wasmtime

import (
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/bridge"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// The inside of a store is what other packages of this module see of it.
var _ bridge.Store = (*state)(nil)

func init() {
	bridge.StoreOf = func(storelike any) bridge.Store {
		switch store := storelike.(Storelike); {
		case stateOf(store) == nil:
			panicNil(noStore(store))
		case hasReturned(store):
			panic(errReturned.message)
		default:
			return stateOf(store)
		}
		return nil
	}
	bridge.Entered = func(number uintptr) bridge.Store {
		if s := entered.get(number); s != nil {
			return s
		}
		return nil
	}
	bridge.EngineOf = func(engine any) *registry.Handle[ffi.Engine] { return &notNil(engine.(*Engine)).handle }
	bridge.NewError = func(native ffi.Error) error { return newError(native) }
}
