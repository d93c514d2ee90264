//! Limits for what the instances of a store may use.

use crate::cast;
use crate::store::{Whole, wasmtime_binding_store_t};
use std::ffi::c_void;
use std::mem;
use wasmtime::{Error, ResourceLimiter, Store, ThrownException, Trap, WasmBacktrace};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime_error_t};
use wasmtime_wasi::I32Exit;

/// What instances of a store may use; a negative number leaves a limit at its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_limits_t {
    /// Bytes for each memory.
    pub memory_size: i64,
    /// Elements for each table.
    pub table_elements: i64,
    /// The number of instances.
    pub instances: i64,
    /// The number of tables.
    pub tables: i64,
    /// The number of memories.
    pub memories: i64,
    /// Bytes for all memories together, but for shared ones, which belong to no store.
    pub total_memory: i64,
    /// Whether the store's `refused` hears of what these limits refuse.
    pub tell: bool,
}

/// A memory was to have more bytes than each may have.
pub const WASMTIME_BINDING_REFUSED_MEMORY_SIZE: u32 = 1;
/// All memories together were to have more bytes than they may.
pub const WASMTIME_BINDING_REFUSED_TOTAL_MEMORY: u32 = 2;
/// A table was to have more elements than each may have.
pub const WASMTIME_BINDING_REFUSED_TABLE_ELEMENTS: u32 = 3;
/// There were to be more instances than there may.
pub const WASMTIME_BINDING_REFUSED_INSTANCES: u32 = 4;
/// There were to be more tables than there may.
pub const WASMTIME_BINDING_REFUSED_TABLES: u32 = 5;
/// There were to be more memories than there may.
pub const WASMTIME_BINDING_REFUSED_MEMORIES: u32 = 6;

/// Hears that a limit, one of the `WASMTIME_BINDING_REFUSED_*` constants, has refused `wanted`. `data` is the store's.
/// It is called in the middle of whatever asked for that, and must not use the store, nor unwind or jump out of the
/// call. Returns null, or an error, which it gives away and which ends the guest, or the operation.
pub type wasmtime_binding_refusal_callback_t =
    extern "C" fn(data: *mut c_void, limit: u32, wanted: u64, most: u64) -> Option<Box<wasmtime_error_t>>;

/// Counts memory and its growth, and applies the limits that the user set.
pub(crate) struct Limiter {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    total_memory: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    /// Hears of refusals.
    refused: Option<wasmtime_binding_refusal_callback_t>,
    /// What the store was made with.
    data: *mut c_void,
    /// How many bytes all memories have.
    total: usize,
    /// By how much the last memory was to grow. It may not have come to that.
    growth: usize,
    /// A host function has failed since the last instantiation began.
    host_failed: bool,
    epoch: *mut u64,
}

// SAFETY: the counter is used by one thread at a time, as the store is, and so is the data.
unsafe impl Send for Limiter {}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // SAFETY: the binding keeps the counter as long as the store, and nobody else writes it meanwhile.
        unsafe { *self.epoch += 1 };
        self.growth = 0;
        if exceeds(desired, maximum) {
            return Ok(false); // by its own type
        }
        if exceeds(desired, self.memory_size) {
            return self.refuse(WASMTIME_BINDING_REFUSED_MEMORY_SIZE, desired, self.memory_size);
        }
        let growth = desired.saturating_sub(current);
        let total = self.total.saturating_add(growth);
        if exceeds(total, self.total_memory) {
            return self.refuse(WASMTIME_BINDING_REFUSED_TOTAL_MEMORY, total, self.total_memory);
        }
        self.growth = total - self.total;
        self.total = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> wasmtime::Result<()> {
        // This failure comes before anybody has been asked, and the growth is that of another one.
        if error.to_string() != "memory growth exceeds memory type's limits" {
            self.total -= mem::take(&mut self.growth);
        }
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if exceeds(desired, maximum) {
            return Ok(false);
        }
        if exceeds(desired, self.table_elements) {
            return self.refuse(WASMTIME_BINDING_REFUSED_TABLE_ELEMENTS, desired, self.table_elements);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

fn exceeds(wanted: usize, most: Option<usize>) -> bool {
    most.is_some_and(|most| wanted > most)
}

/// How many instances, tables or memories a store may have by default: `DEFAULT_INSTANCE_LIMIT` and its like of
/// Wasmtime.
const DEFAULT_NUMBER: usize = 10_000;

impl Limiter {
    /// A limiter that only counts: in `*epoch` how often memories have grown.
    pub(crate) fn new(
        data: *mut c_void,
        epoch: *mut u64,
        refused: Option<wasmtime_binding_refusal_callback_t>,
        limits: Option<&wasmtime_binding_limits_t>,
    ) -> Limiter {
        let mut limiter = Limiter {
            memory_size: None,
            table_elements: None,
            total_memory: None,
            instances: DEFAULT_NUMBER,
            tables: DEFAULT_NUMBER,
            memories: DEFAULT_NUMBER,
            refused: None,
            data,
            total: 0,
            growth: 0,
            host_failed: false,
            epoch,
        };
        if let Some(limits) = limits {
            limiter.limit(limits, refused);
        }
        limiter
    }

    /// Takes these limits in place of all others.
    fn limit(&mut self, limits: &wasmtime_binding_limits_t, refused: Option<wasmtime_binding_refusal_callback_t>) {
        let limit = |n: i64| usize::try_from(n).ok();
        self.memory_size = limit(limits.memory_size);
        self.table_elements = limit(limits.table_elements);
        self.total_memory = limit(limits.total_memory);
        self.instances = limit(limits.instances).unwrap_or(DEFAULT_NUMBER);
        self.tables = limit(limits.tables).unwrap_or(DEFAULT_NUMBER);
        self.memories = limit(limits.memories).unwrap_or(DEFAULT_NUMBER);
        self.refused = refused.filter(|_| limits.tell);
    }

    /// Makes a limiter that belongs to a store the store's, with the limits that it has now.
    pub(crate) fn attach(this: *mut Limiter, store: &mut Store<WasmtimeStoreData>) {
        let limiter = LimiterPtr(this);
        store.limiter(move |_| limiter.get());
    }

    /// Tells of a refusal, if anybody wants to hear of it.
    #[cold]
    fn refuse(&self, limit: u32, wanted: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        let most = most.unwrap_or(usize::MAX);
        match self.refused.and_then(|refused| refused(self.data, limit, wanted as u64, most as u64)) {
            None => Ok(false),
            Some(error) => Err((*error).into()),
        }
    }

    /// Notes that a host function has failed: if it was called by a start function, there is an instance.
    pub(crate) fn host_failed(&mut self) {
        self.host_failed = true;
    }

    /// Takes note of an instance that is about to be made, or a memory. Returns what [`Limiter::not_made`] wants to
    /// know of now.
    pub(crate) fn making(&mut self) -> Making {
        self.host_failed = false;
        Making { total: self.total }
    }

    /// Takes note of the failure of what was about to be made, and returns what it is to end with. Memory that was
    /// asked for is not there, unless a start function was running already: then there is an instance for good.
    pub(crate) fn not_made(&mut self, before: &Making, error: Error) -> Error {
        let begun = self.host_failed
            || error.is::<Trap>()
            || error.is::<ThrownException>()
            || error.is::<WasmBacktrace>()
            || error.is::<I32Exit>();
        if begun {
            return error;
        }
        self.total = before.total;
        self.growth = 0;
        self.tell_of_number(error)
    }

    /// Tells of a limit of numbers, which Wasmtime compares with by itself, and returns what the failure is to end
    /// with.
    pub(crate) fn tell_of_number(&self, error: Error) -> Error {
        let text = error.to_string();
        let Some((what, wanted)) = text
            .strip_prefix("resource limit exceeded: ")
            .and_then(|text| text.split_once(" count too high at "))
            .and_then(|(what, wanted)| Some((what, wanted.parse().ok()?)))
        else {
            return error;
        };
        let told = match what {
            "instance" => self.refuse(WASMTIME_BINDING_REFUSED_INSTANCES, wanted, Some(self.instances)),
            "table" => self.refuse(WASMTIME_BINDING_REFUSED_TABLES, wanted, Some(self.tables)),
            "memory" => self.refuse(WASMTIME_BINDING_REFUSED_MEMORIES, wanted, Some(self.memories)),
            _ => return error,
        };
        told.err().unwrap_or(error)
    }
}

/// What there was before something was made.
pub(crate) struct Making {
    total: usize,
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

/// Limits what instances of the store, which is made, may use from now on by the limits of its setup. The counterpart
/// of `wasmtime_store_limiter`, which must not be called on such a store: it would stop the memory epoch.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_limiter(store: &mut wasmtime_binding_store_t) {
    let (limits, refused) = (store.setup.limits, store.setup.refused);
    let whole = Whole::of(store);
    // SAFETY: the store is live, and its limiter is used by the store only, which is ours now.
    unsafe {
        (*whole).limiter.limit(&limits, refused);
        Limiter::attach(&raw mut (*whole).limiter, cast::store(&mut (*whole).store));
    }
}
