//! Upstream's context of a store, which is made when something first needs it.
//!
//! A short guest needs none: its descriptors, arguments and environment are ours. Making one takes several
//! allocations, and seeds for two generators. Components read it, so whoever lets one into such a store has to ask
//! for it before.

use super::find::view;
use crate::cast::{self, StoreAddress};
use wasmtime::AsContextMut;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasi_config_new, wasi_config_t, wasmtime_context_set_wasi};
use wasmtime_wasi::WasiCtx;

/// The way to a store's context, for what the store keeps.
pub(super) struct Upstream {
    store: StoreAddress,
    /// Whether the store has one.
    made: bool,
}

impl Upstream {
    /// A configuration in which files block the thread that runs the guest.
    pub(super) fn config() -> Box<wasi_config_t> {
        let mut config = wasi_config_new();
        cast::wasi_config(&mut config).allow_blocking_current_thread(true);
        config
    }

    /// The context that a store has already.
    pub(super) fn found(context: WasmtimeStoreContextMut<'_>) -> Upstream {
        Upstream { store: StoreAddress::of(context), made: true }
    }

    /// The context that `config` describes, made now. One that the store had is gone.
    pub(super) fn configured(
        mut context: WasmtimeStoreContextMut<'_>,
        config: Box<wasi_config_t>,
    ) -> wasmtime::Result<Upstream> {
        match wasmtime_context_set_wasi(context.as_context_mut(), config) {
            Some(error) => Err((*error).into()),
            None => Ok(Upstream::found(context)),
        }
    }

    /// A context without anything of the host in it, made when it is first needed.
    pub(super) fn later(context: WasmtimeStoreContextMut<'_>) -> Upstream {
        Upstream { store: StoreAddress::of(context), made: false }
    }

    /// Whether the store has its context.
    pub(super) fn made(&self) -> bool {
        self.made
    }

    /// The context.
    pub(super) fn ctx(&mut self) -> wasmtime::Result<&mut WasiCtx> {
        // SAFETY: the store outlives what it keeps, and is in use by whoever uses that.
        let mut context = unsafe { self.store.context() };
        if !self.made {
            *self = Upstream::configured(context.as_context_mut(), Upstream::config())?;
        }
        Ok(view(cast::data(context))?.ctx)
    }
}
