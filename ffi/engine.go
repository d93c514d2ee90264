package ffi

// #include "module.h"
import "C"

// Engine is an owned engine with its tick counter.
type Engine struct{ ptr *C.wasmtime_binding_engine_t }

// NewEngine creates an engine; it takes ownership of config, which may be none.
func NewEngine(config Config) (Engine, Error) {
	crossing()
	if config.ptr != nil {
		track("config", -1)
	}
	var e Engine
	err := wrapError(withStack(func(anywhere C.bool) *C.wasmtime_error_t {
		return C.ffi_engine_new(anywhere, config.ptr, &e.ptr)
	}))
	if err.IsNil() {
		track("engine", 1)
	}
	return e, err
}

// Delete frees the engine; what was made from it keeps what it needs.
func (e Engine) Delete() {
	track("engine", -1)
	C.wasmtime_binding_engine_delete(e.ptr)
}

// Tick advances the epoch by one.
func (e Engine) Tick() { C.wasmtime_binding_engine_tick(e.ptr) }

// IsPulley tells whether guests are interpreted.
func (e Engine) IsPulley() bool { return bool(C.wasmtime_engine_is_pulley(e.raw())) }

func (e Engine) raw() *C.wasm_engine_t { return C.wasmtime_binding_engine_get(e.ptr) }
