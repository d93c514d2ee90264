//! A store for language bindings: one allocation that both sides read, with limits, deadlines in ticks, an interrupt
//! flag, and a counter that says when the address of a memory may have changed.

use crate::call::wasmtime_binding_call_t;
use crate::engine::wasmtime_binding_engine_t;
use crate::{cast, guard::guard};
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use wasmtime::{Engine, ResourceLimiter, StoreLimits, StoreLimitsBuilder, UpdateDeadline, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, wasmtime_error_t, wasmtime_store_context, wasmtime_store_new, wasmtime_store_t,
};

/// The number of slots in the frame that a store comes with.
pub const WASMTIME_BINDING_STORE_SLOTS: usize = 32;

/// A store, and what a binding reads and writes of it without a call.
#[repr(C)]
pub struct wasmtime_binding_store_t {
    /// The store's context, to be passed to the official API. Never null.
    pub context: *mut c_void,
    /// A frame for calls, with `WASMTIME_BINDING_STORE_SLOTS` slots.
    pub call: wasmtime_binding_call_t,
    slots: [ValRaw; WASMTIME_BINDING_STORE_SLOTS],
    inner: Box<Inner>,
}

/// Dropped in this order: the store first, which still uses the others.
struct Inner {
    store: Box<wasmtime_store_t>,
    limiter: Limiter,
    deadline: Deadline,
    outgrown: Vec<Frame>,
}

/// A frame with more slots than the store came with.
struct Frame {
    /// Kept for the address.
    #[expect(dead_code, reason = "the binding holds a pointer to it")]
    call: Box<wasmtime_binding_call_t>,
    _slots: Box<[ValRaw]>,
}

/// Counts memory growth and applies the limits that the user set.
struct Limiter {
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

/// A pointer to the deadline, for the callback at a rise of the epoch.
#[derive(Clone, Copy)]
struct DeadlinePtr(*const Deadline);

// SAFETY: all of a deadline is atomic.
unsafe impl Send for DeadlinePtr {}
// SAFETY: as above.
unsafe impl Sync for DeadlinePtr {}

impl DeadlinePtr {
    fn check(self) -> UpdateDeadline {
        // SAFETY: the deadline is dropped after the store (field order of `Inner`).
        unsafe { &*self.0 }.check()
    }
}

impl LimiterPtr {
    fn get<'a>(self) -> &'a mut Limiter {
        // SAFETY: the limiter is dropped after the store (field order of `Inner`), and only the store borrows it
        // while it runs.
        unsafe { &mut *self.0 }
    }
}

/// When a guest has to stop. `NEVER` is the value for no deadline.
///
/// Wasmtime keeps the deadline as an epoch. As long as nobody watches the store, that is the user's, exactly; if rises that
/// were no ticks made it come early, the callback puts it off by the ticks that are left. While the store is watched,
/// every rise makes the guest look at the flag.
struct Deadline {
    engine: Engine,
    engine_ticks: Arc<AtomicU64>,
    at: AtomicU64,
    interrupted: AtomicBool,
    watchers: AtomicU32,
}

const NEVER: u64 = u64::MAX;

/// As many epochs as no process sees, and few enough to be added to the current one.
const FAR: u64 = u64::MAX / 2;

impl Deadline {
    /// The ticks until the deadline, `FAR` if there is none.
    fn ticks_left(&self) -> u64 {
        match self.at.load(Ordering::SeqCst) {
            NEVER => FAR,
            at => at.saturating_sub(self.engine_ticks.load(Ordering::SeqCst)).min(FAR),
        }
    }

    /// The rises of the epoch after which the guest has to look.
    fn next_look(&self) -> u64 {
        match self.watchers.load(Ordering::SeqCst) {
            0 => self.ticks_left(),
            _ => self.ticks_left().min(1),
        }
    }

    /// Decides whether the guest goes on, and until when.
    fn check(&self) -> UpdateDeadline {
        if self.ticks_left() == 0 || self.interrupted.load(Ordering::SeqCst) {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::Continue(self.next_look())
        }
    }
}

/// Creates a store. `data` is what `wasmtime_context_get_data` returns and what host calls are given; `epochs` says
/// whether the engine's guests can be interrupted; `*memory_epoch`, which has to outlive the store, rises whenever a memory
/// of the store may have moved or changed its size.
///
/// As in Wasmtime, the deadline of a new store is tick 0: with epoch interruption enabled, a guest stops at once until
/// a deadline is set. The counterpart of `wasmtime_store_new`; to be deleted with `wasmtime_binding_store_delete`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_new(
    engine: &wasmtime_binding_engine_t,
    data: *mut c_void,
    epochs: bool,
    memory_epoch: *mut u64,
) -> Box<wasmtime_binding_store_t> {
    let mut store = wasmtime_store_new(&engine.engine, data, None);
    // SAFETY: `StoreContextMut` is a transparent wrapper of one reference to what the box holds, which is how the official
    // API hands it to C.
    let context =
        unsafe { std::mem::transmute::<WasmtimeStoreContextMut<'_>, *mut c_void>(wasmtime_store_context(&mut store)) };
    let mut this = Box::new(wasmtime_binding_store_t {
        context,
        call: frame(context),
        slots: [ValRaw::u64(0); WASMTIME_BINDING_STORE_SLOTS],
        inner: Box::new(Inner {
            store,
            limiter: Limiter { limits: StoreLimits::default(), epoch: memory_epoch },
            deadline: Deadline {
                engine: cast::engine(&engine.engine).clone(),
                engine_ticks: engine.ticks.clone(),
                at: AtomicU64::new(0),
                interrupted: AtomicBool::new(false),
                watchers: AtomicU32::new(0),
            },
            outgrown: Vec::new(),
        }),
    });
    this.call.slots = this.slots.as_mut_ptr();
    let limiter = LimiterPtr(&raw mut this.inner.limiter);
    let deadline = DeadlinePtr(&raw const this.inner.deadline);
    let store = cast::store(&mut this.inner.store);
    store.limiter(move |_| limiter.get());
    if epochs {
        store.epoch_deadline_callback(move |_| Ok(deadline.check()));
    }
    this
}

/// An empty frame without slots.
fn frame(context: *mut c_void) -> wasmtime_binding_call_t {
    wasmtime_binding_call_t {
        context,
        func: [0; 2],
        slots: std::ptr::null_mut(),
        len: 0,
        error: std::ptr::null_mut(),
        trap: std::ptr::null_mut(),
    }
}

/// Returns a frame with `len` slots, which belongs to the store. Frames that were returned before stay valid.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_frame(
    store: &mut wasmtime_binding_store_t,
    len: usize,
) -> *mut wasmtime_binding_call_t {
    let mut slots = vec![ValRaw::u64(0); len].into_boxed_slice();
    let mut call = Box::new(frame(store.context));
    call.slots = slots.as_mut_ptr();
    let pointer = &raw mut *call;
    store.inner.outgrown.push(Frame { call, _slots: slots });
    pointer
}

/// Deletes a store with everything in it.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_delete(_: Box<wasmtime_binding_store_t>) {}

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
    let inner = &mut *store.inner;
    inner.limiter.limits = limits.build();
    let limiter = LimiterPtr(&raw mut inner.limiter);
    cast::store(&mut inner.store).limiter(move |_| limiter.get());
}

/// Sets the deadline to `ticks` ticks of the engine from now; `UINT64_MAX` means none.
///
/// The counterpart of `wasmtime_context_set_epoch_deadline`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_set_deadline(store: &mut wasmtime_binding_store_t, ticks: u64) {
    let deadline = &store.inner.deadline;
    let at = match ticks {
        NEVER => NEVER,
        n => deadline.engine_ticks.load(Ordering::SeqCst).saturating_add(n),
    };
    deadline.at.store(at, Ordering::SeqCst);
    let next = deadline.next_look();
    cast::store(&mut store.inner.store).set_epoch_deadline(next);
}

/// Begins or ends a watch: while there is one, `wasmtime_binding_store_interrupt` stops the store's guests. Watches may be
/// nested.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_watch(store: &mut wasmtime_binding_store_t, begin: bool) {
    let deadline = &store.inner.deadline;
    if begin {
        deadline.watchers.fetch_add(1, Ordering::SeqCst);
    } else {
        let last = deadline.watchers.fetch_sub(1, Ordering::SeqCst) == 1;
        if last {
            // Whoever raised the flag did so for a call that is over.
            deadline.interrupted.store(false, Ordering::SeqCst);
        }
    }
    let next = deadline.next_look();
    cast::store(&mut store.inner.store).set_epoch_deadline(next);
}

/// Returns whether the deadline still is the one of a new store, tick 0.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_deadline_unset(store: &wasmtime_binding_store_t) -> bool {
    store.inner.deadline.at.load(Ordering::SeqCst) == 0
}

/// Raises or lowers the interrupt flag. When it goes up, and as long as it is up at any rise of the epoch, a guest of the
/// store, which is watched, stops with `WASMTIME_TRAP_CODE_INTERRUPT`; nobody's deadline moves. Safe to call from any thread while the store
/// lives, also when the engine was deleted.
///
/// # Safety
///
/// `store` must be live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_interrupt(store: *const wasmtime_binding_store_t, up: bool) {
    // SAFETY: the caller vouches for `store`; only the deadline is touched, which is all atomic, never the store itself.
    let deadline = unsafe { &(*store).inner.deadline };
    deadline.interrupted.store(up, Ordering::SeqCst);
    if up {
        // A rise of the epoch that is no tick: every guest of the engine looks, and only this store's stop.
        deadline.engine.increment_epoch();
    }
}

/// Runs the collector of the store's GC heap now. The counterpart of `wasmtime_context_gc`, guarded.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_gc(store: &mut wasmtime_binding_store_t) -> Option<Box<wasmtime_error_t>> {
    guard(|| cast::store(&mut store.inner.store).gc(None))
}
