package wasmtime

import "runtime"

// Store holds instances and what belongs to them. It is used by one goroutine at a time; use by two at once is refused
// with [ErrConcurrentUse]. See wasmtime::Store.
type Store struct {
	// Engine is the engine that the store was made with.
	Engine *Engine

	state *state
}

// Storelike is a [*Store] or, inside a host function, its [*Caller].
type Storelike interface {
	// Data returns what [NewStoreWithData] was given; nil for other stores.
	Data() any

	// storeState returns the store; it panics for a Caller whose host function has returned.
	storeState() *state
}

// NewStore creates an empty store.
func NewStore(engine *Engine) *Store { return NewStoreWithData(engine, nil) }

// NewStoreWithData creates an empty store that carries data, for host functions to find with [Caller.Data].
func NewStoreWithData(engine *Engine, data any) *Store {
	both := &struct { // one allocation for what has one life
		Store
		state
	}{}
	both.state.open(engine, data)
	both.Store = Store{Engine: engine, state: &both.state}
	return &both.Store
}

// Close frees the store now, with everything in it. It panics while a guest runs in the store. Closing twice does nothing.
func (store *Store) Close() { store.state.close() }

// Data returns what [NewStoreWithData] was given; nil for other stores and after Close.
func (store *Store) Data() any { return store.state.data }

func (store *Store) storeState() *state { return store.state }

// GC runs the collector of the store's GC heap: externrefs that no guest can reach any more are let go. See
// wasmtime::Store::gc.
func (store *Store) GC() {
	s := store.state
	outermost := s.mustEnter()
	defer s.leave(outermost)
	if err := s.native.GC(); !err.IsNil() {
		panic(newError(err))
	}
}

// SetFuel sets the fuel that guests of the store may still use. It is an error unless the engine consumes fuel, see
// [Config.SetConsumeFuel]; a new store has 0. See wasmtime::Store::set_fuel.
func (store *Store) SetFuel(fuel uint64) error {
	s := store.state
	outermost, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(outermost)
	if err := s.native.SetFuel(fuel); !err.IsNil() {
		return newError(err)
	}
	return nil
}

// GetFuel returns the fuel that is left. It is 0 and an error unless the engine consumes fuel. See
// wasmtime::Store::get_fuel.
func (store *Store) GetFuel() (uint64, error) {
	s := store.state
	outermost, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer s.leave(outermost)
	fuel, nerr := s.native.Fuel()
	if !nerr.IsNil() {
		return 0, newError(nerr)
	}
	return fuel, nil
}

// SetEpochDeadline stops guests of the store with [Interrupt] once the engine's epoch has advanced by deadline ticks from
// now. It has an effect if the engine was made with [Config.SetEpochInterruption]; a new store's deadline is over. See
// wasmtime::Store::set_epoch_deadline.
func (store *Store) SetEpochDeadline(deadline uint64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.leave(outermost)
	s.native.SetDeadline(deadline)
}

// Limiter limits what instances of the store may use from now on: bytes for each memory, elements for each table, and the
// numbers of instances, tables and memories. A negative number leaves a limit at its default. See
// wasmtime::StoreLimitsBuilder.
func (store *Store) Limiter(memorySize, tableElements, instances, tables, memories int64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.leave(outermost)
	s.native.Limiter(memorySize, tableElements, instances, tables, memories)
	runtime.KeepAlive(store)
}
