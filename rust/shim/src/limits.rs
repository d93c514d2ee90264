//! Limits for what the instances of a store may use.

use crate::cast;
use crate::store::{Whole, wasmtime_binding_store_t};
use wasmtime::{ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_c_api::WasmtimeStoreData;

/// Counts memory growth and applies the limits that the user set.
pub(crate) struct Limiter {
    limits: StoreLimits,
    epoch: *mut u64,
}

// SAFETY: the counter is used by one thread at a time, as the store is.
unsafe impl Send for Limiter {}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // SAFETY: the binding keeps the counter as long as the store, and nobody else writes it meanwhile.
        unsafe { *self.epoch += 1 };
        self.limits.memory_growing(current, desired, maximum)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// A pointer to the limiter that the store's limiter callback hands out.
#[derive(Clone, Copy)]
struct LimiterPtr(*mut Limiter);

// SAFETY: see `Limiter`.
unsafe impl Send for LimiterPtr {}
// SAFETY: see `Limiter`; the callback is never run by two threads at once.
unsafe impl Sync for LimiterPtr {}

impl LimiterPtr {
    fn get<'a>(self) -> &'a mut Limiter {
        // SAFETY: the limiter is dropped after the store (field order of `Whole`), and only the store borrows it
        // while it runs.
        unsafe { &mut *self.0 }
    }
}

impl Limiter {
    /// A limiter that only counts, in `*epoch`.
    pub(crate) fn new(epoch: *mut u64) -> Limiter {
        Limiter { limits: StoreLimits::default(), epoch }
    }

    /// Makes a limiter that belongs to a store the store's, with the limits that it has now.
    pub(crate) fn attach(this: *mut Limiter, store: &mut Store<WasmtimeStoreData>) {
        let limiter = LimiterPtr(this);
        store.limiter(move |_| limiter.get());
    }
}

/// Limits what instances of the store may use; a negative number leaves a limit at its default.
///
/// `memory_size` is in bytes for each memory, `table_elements` in elements for each table, the others are counts. The
/// counterpart of `wasmtime_store_limiter`, which must not be called on such a store: it would stop the memory epoch.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_limiter(
    store: &mut wasmtime_binding_store_t,
    memory_size: i64,
    table_elements: i64,
    instances: i64,
    tables: i64,
    memories: i64,
) {
    let limit = |n: i64| usize::try_from(n).ok();
    let mut limits = StoreLimitsBuilder::new();
    if let Some(n) = limit(memory_size) {
        limits = limits.memory_size(n);
    }
    if let Some(n) = limit(table_elements) {
        limits = limits.table_elements(n);
    }
    if let Some(n) = limit(instances) {
        limits = limits.instances(n);
    }
    if let Some(n) = limit(tables) {
        limits = limits.tables(n);
    }
    if let Some(n) = limit(memories) {
        limits = limits.memories(n);
    }
    let whole = Whole::of(store);
    // SAFETY: the store is live, and its limiter is used by the store only, which is ours now.
    unsafe {
        (*whole).limiter.limits = limits.build();
        Limiter::attach(&raw mut (*whole).limiter, cast::store(&mut (*whole).store));
    }
}
