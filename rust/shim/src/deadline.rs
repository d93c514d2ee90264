//! When guests have to stop: deadlines in ticks of the engine, and interrupts.

use crate::cast;
use crate::engine::wasmtime_binding_engine_t;
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::wake::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_c_api::WasmtimeStoreData;

/// When a guest has to stop. `NEVER` is the value for no deadline.
///
/// Wasmtime keeps the deadline as an epoch. As long as nobody watches the store, that is the user's, exactly; if
/// rises that were no ticks made it come early, the callback puts it off by the ticks that are left. While the store
/// is watched, every rise makes the guest look at the flag.
pub(crate) struct Deadline {
    engine: Engine,
    engine_ticks: Arc<AtomicU64>,
    at: AtomicU64,
    /// Tells the guest to stop, also when it waits.
    waker: Waker,
    watchers: AtomicU32,
}

const NEVER: u64 = u64::MAX;

/// As many epochs as no process sees, and few enough to be added to the current one.
const FAR: u64 = u64::MAX / 2;

impl Deadline {
    /// The deadline of a new store.
    pub(crate) fn new(engine: &wasmtime_binding_engine_t) -> Deadline {
        Deadline {
            engine: cast::engine(&engine.engine).clone(),
            engine_ticks: engine.ticks.clone(),
            at: AtomicU64::new(0),
            waker: Waker::default(),
            watchers: AtomicU32::new(0),
        }
    }

    /// Makes a deadline that belongs to a store the one that its guests look at when the epoch rises.
    pub(crate) fn attach(this: *const Deadline, store: &mut Store<WasmtimeStoreData>) {
        let deadline = DeadlinePtr(this);
        store.epoch_deadline_callback(move |_| Ok(deadline.check()));
    }

    /// What ends a wait, while the store is watched.
    pub(crate) fn waker(&self) -> Option<&Waker> {
        (self.watchers.load(Ordering::SeqCst) > 0).then_some(&self.waker)
    }

    /// What ends a wait, whether anybody watches or not.
    pub(crate) fn any_waker(&self) -> &Waker {
        &self.waker
    }

    /// Makes a waiting guest look around.
    pub(crate) fn wake(&self) {
        self.waker.signal();
    }

    /// The ticks until the deadline, `FAR` if there is none.
    fn ticks_left(&self) -> u64 {
        match self.at.load(Ordering::SeqCst) {
            NEVER => FAR,
            at => at.saturating_sub(self.engine_ticks.load(Ordering::SeqCst)).min(FAR),
        }
    }

    /// The rises of the epoch after which the guest has to look: none if it has to stop already.
    fn next_look(&self) -> u64 {
        if self.waker.is_raised() {
            return 0;
        }
        match self.watchers.load(Ordering::SeqCst) {
            0 => self.ticks_left(),
            _ => self.ticks_left().min(1),
        }
    }

    /// Decides whether the guest goes on, and until when.
    fn check(&self) -> UpdateDeadline {
        if self.ticks_left() == 0 || self.waker.is_raised() {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::Continue(self.next_look())
        }
    }
}

/// A pointer to the deadline, for the callback at a rise of the epoch.
#[derive(Clone, Copy)]
struct DeadlinePtr(*const Deadline);

// SAFETY: all of a deadline is atomic.
unsafe impl Send for DeadlinePtr {}
// SAFETY: as above.
unsafe impl Sync for DeadlinePtr {}

impl DeadlinePtr {
    fn check(self) -> UpdateDeadline {
        // SAFETY: the deadline is dropped after the store (field order of `Whole`).
        unsafe { &*self.0 }.check()
    }
}

/// A store's deadline, and the store.
fn parts(store: &mut wasmtime_binding_store_t) -> (&Deadline, &mut Store<WasmtimeStoreData>) {
    let whole = Whole::of(store);
    // SAFETY: the store is live and ours, and these are two fields of it.
    unsafe { (&(*whole).deadline, cast::store(&mut (*whole).store)) }
}

/// Sets the deadline to `ticks` ticks of the engine from now; `UINT64_MAX` means none.
///
/// The counterpart of `wasmtime_context_set_epoch_deadline`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_set_deadline(store: &mut wasmtime_binding_store_t, ticks: u64) {
    let (deadline, store) = parts(store);
    let at = match ticks {
        NEVER => NEVER,
        n => deadline.engine_ticks.load(Ordering::SeqCst).saturating_add(n),
    };
    deadline.at.store(at, Ordering::SeqCst);
    let next = deadline.next_look();
    store.set_epoch_deadline(next);
}

/// Begins or ends a watch: while there is one, `wasmtime_binding_store_interrupt` stops the store's guests. Watches
/// may be nested.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_watch(store: &mut wasmtime_binding_store_t, begin: bool) {
    let (deadline, store) = parts(store);
    if begin {
        deadline.watchers.fetch_add(1, Ordering::SeqCst);
    } else {
        let last = deadline.watchers.fetch_sub(1, Ordering::SeqCst) == 1;
        if last {
            // Whoever raised the flag did so for a call that is over.
            deadline.waker.lower();
        }
    }
    let next = deadline.next_look();
    store.set_epoch_deadline(next);
}

/// Returns whether the deadline still is the one of a new store, tick 0.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_deadline_unset(store: &mut wasmtime_binding_store_t) -> bool {
    parts(store).0.at.load(Ordering::SeqCst) == 0
}

/// Raises or lowers the interrupt flag. When it goes up, and as long as it is up at any rise of the epoch, a guest of
/// the store, which is watched, stops with `WASMTIME_TRAP_CODE_INTERRUPT`, as does one that waits in a WASI call;
/// nobody's deadline moves. Safe to call from any thread while the store lives, also when the engine was deleted.
///
/// # Safety
///
/// `store` must be live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_interrupt(store: *mut wasmtime_binding_store_t, up: bool) {
    // SAFETY: the caller vouches for `store`; only the deadline is touched, which is all atomic, never the store
    // itself.
    let deadline = unsafe { &(*Whole::of(store)).deadline };
    if !up {
        deadline.waker.lower();
    } else {
        deadline.waker.raise();
        // A rise of the epoch that is no tick: every guest of the engine looks, and only this store's stop.
        deadline.engine.increment_epoch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{wasmtime_binding_store_delete, wasmtime_binding_store_make, wasmtime_binding_store_new};
    use wasmtime::{Config, Instance, Module, Trap};

    /// A guest of some thousand loops.
    const WAT: &str = r#"(module (func (export "run") (local $i i32)
        (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 10000))))))"#;

    /// Runs the guest in the store of a place.
    ///
    /// # Safety
    ///
    /// The store must be made, and not in use.
    unsafe fn run(place: *mut wasmtime_binding_store_t) -> Result<(), Trap> {
        // SAFETY: as the caller promises.
        let store = cast::store(unsafe { &mut (*Whole::of(place)).store });
        let module = Module::new(store.engine(), WAT).unwrap();
        let instance = Instance::new(&mut *store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut *store, "run").unwrap();
        run.call(&mut *store, ()).map_err(|error| *error.downcast_ref::<Trap>().unwrap())
    }

    /// Whoever has to stop already stops, whatever has set the deadline since the epoch rose for that.
    #[test]
    fn interrupted_before_the_deadline_is_set() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let engine = wasmtime_binding_engine_t { engine: cast::wrap_engine(engine), ticks: Arc::default() };
        let mut epoch = 0_u64;
        let place = wasmtime_binding_store_new();
        // SAFETY: the place is this test's own, and what it is made with outlives it.
        unsafe {
            (*place).setup.engine = &raw const engine;
            (*place).setup.memory_epoch = &raw mut epoch;
            (*place).setup.epochs = true;
            assert!(wasmtime_binding_store_make(place).is_none());
            wasmtime_binding_store_set_deadline(&mut *place, NEVER);
            assert_eq!(run(place), Ok(()));
            wasmtime_binding_store_watch(&mut *place, true);
            assert_eq!(run(place), Ok(()));
            wasmtime_binding_store_interrupt(place, true);
            assert_eq!(run(place), Err(Trap::Interrupt));
            wasmtime_binding_store_set_deadline(&mut *place, NEVER);
            assert_eq!(run(place), Err(Trap::Interrupt));
            wasmtime_binding_store_watch(&mut *place, true);
            assert_eq!(run(place), Err(Trap::Interrupt));
            wasmtime_binding_store_watch(&mut *place, false);
            assert_eq!(run(place), Err(Trap::Interrupt));
            wasmtime_binding_store_interrupt(place, false);
            wasmtime_binding_store_set_deadline(&mut *place, NEVER);
            assert_eq!(run(place), Ok(()));
            wasmtime_binding_store_watch(&mut *place, false);
            assert_eq!(run(place), Ok(()));
            wasmtime_binding_store_delete(place);
        }
    }
}
