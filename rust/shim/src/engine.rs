//! An engine for language bindings: creation that cannot abort, and epochs whose ticks are told apart from wake-ups.
//!
//! A binding that cancels one guest has to raise the engine's epoch, which every other guest of the engine sees too. So
//! that nobody's deadline comes early, ticks that the user asked for are counted here, and deadlines are kept in ticks
//! (see `store.rs`); a rise of the epoch that is no tick is a wake-up and moves no deadline.

use crate::{cast, guard::guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::{Config, Engine};
use wasmtime_c_api::{wasm_config_t, wasm_engine_t, wasmtime_error_t};

/// An engine with its tick counter. Safe to use from any thread.
pub struct wasmtime_binding_engine_t {
    pub(crate) engine: wasm_engine_t,
    pub(crate) ticks: Arc<AtomicU64>,
}

/// Creates an engine and stores it in `*out`.
///
/// Takes ownership of `config`, which may be null for the default configuration. What Wasmtime refuses comes back as
/// an error, where `wasm_engine_new_with_config` would abort. The counterpart of `wasmtime::Engine::new`.
///
/// # Safety
///
/// `out` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_engine_new(
    config: Option<Box<wasm_config_t>>,
    out: *mut *mut wasmtime_binding_engine_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let mut config = config;
        let engine = match &mut config {
            Some(config) => Engine::new(cast::config(config))?,
            None => Engine::new(&Config::new())?,
        };
        let engine = wasmtime_binding_engine_t { engine: cast::wrap_engine(engine), ticks: Arc::default() };
        // SAFETY: the caller vouches for `out`.
        unsafe { *out = Box::into_raw(Box::new(engine)) };
        Ok(())
    })
}

/// Deletes an engine. Stores, modules and linkers made from it keep what they need of it.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_engine_delete(_: Box<wasmtime_binding_engine_t>) {}

/// Returns the engine for use with the official API; it lives as long as `engine` and must not be deleted on its own.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_engine_get(engine: &wasmtime_binding_engine_t) -> &wasm_engine_t {
    &engine.engine
}

/// Advances the engine's epoch by one tick: every deadline of the engine's stores comes one nearer.
///
/// The counterpart of `wasmtime_engine_increment_epoch` for stores made by `wasmtime_binding_store_new`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_engine_tick(engine: &wasmtime_binding_engine_t) {
    engine.ticks.fetch_add(1, Ordering::SeqCst);
    cast::engine(&engine.engine).increment_epoch();
}
