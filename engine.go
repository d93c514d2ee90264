package wasmtime

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"

	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// Engine compiles modules and makes stores: the configuration that they share. It is safe for concurrent use. See
// wasmtime::Engine.
type Engine struct {
	handle registry.Handle[ffi.Engine]
	epochs bool
	// room is what a thread has to have left of its stack for a guest, in bytes.
	room uintptr
	// cache keeps compiled modules; nil if they are not kept.
	cache *moduleCache
	// pool is who waits for a place in the engine's pool; nil if it has none.
	pool *poolQueue
}

// acquire begins a use of the engine for a function that can return an error; the handle's Release ends it.
func (engine *Engine) acquire() (ffi.Engine, error) {
	if engine == nil {
		return ffi.Engine{}, isNil[Engine]()
	}
	return acquire(&engine.handle, "engine")
}

// NewEngine creates an engine with the default configuration.
func NewEngine() *Engine {
	return newEngine(plainConfig())
}

// NewEngineWithConfig creates an engine with the configuration, which is used up by it. It panics where [TryNewEngine]
// returns an error.
func NewEngineWithConfig(config *Config) *Engine {
	engine, err := TryNewEngine(notNil(config))
	switch {
	case errors.Is(err, ErrClosed):
		panic(err.Error())
	case err != nil:
		panic(err)
	}
	return engine
}

// TryNewEngine creates an engine with the configuration, which is used up by it, also when it fails. What Wasmtime
// refuses about the configuration is an [*Error]; that of a configuration that was used or closed before wraps
// [ErrClosed], as for nil. See wasmtime::Engine::new.
func TryNewEngine(config *Config) (*Engine, error) {
	native, err := config.take()
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(config.refused, config.stack); err != nil {
		native.Delete()
		return nil, err
	}
	e, failed := ffi.NewEngine(native)
	if !failed.IsNil() {
		err := newError(failed)
		if config.target != "" {
			err.message += fmt.Sprintf("; the target is %q, and the library compiles for %s", config.target, runtime.GOARCH)
		}
		return nil, err
	}
	engine := wrapEngine(e, config.epochs, config.guestStack)
	engine.cache = config.cache
	engine.pool = config.pool
	return engine, nil
}

func newEngine(config ffi.Config) *Engine {
	e, err := ffi.NewEngine(config)
	if !err.IsNil() {
		panic(newError(err))
	}
	return wrapEngine(e, false, defaultGuestStack)
}

func wrapEngine(e ffi.Engine, epochs bool, guestStack uintptr) *Engine {
	engine := &Engine{epochs: epochs, room: guestStack + hostRoom}
	registry.Own(&engine.handle, engine, e)
	return engine
}

// Close frees the engine, at once or when the last use of it by another goroutine is over. Modules, linkers and
// stores made from it stay usable. Closing twice does nothing.
func (engine *Engine) Close() {
	if engine != nil {
		engine.handle.Close()
	}
}

// IncrementEpoch advances the engine's epoch by one tick: the deadlines of its stores come one nearer. It may be called
// from any goroutine, and from a host function. It panics if the engine is closed. See
// wasmtime::Engine::increment_epoch and [Store.SetEpochDeadline].
func (engine *Engine) IncrementEpoch() {
	native := notNil(engine).handle.Acquire()
	defer engine.handle.Release()
	native.Tick()
}

// IsPulley tells whether guests run in the Pulley interpreter; otherwise they run as native code. It panics if the
// engine is closed.
func (engine *Engine) IsPulley() bool {
	native := notNil(engine).handle.Acquire()
	defer engine.handle.Release()
	return native.IsPulley()
}
