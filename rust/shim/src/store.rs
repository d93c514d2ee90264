//! A store for language bindings: one allocation, of which both sides read the head.

use crate::call::wasmtime_binding_call_t;
use crate::component::{self, State as Components, wasmtime_binding_component_call_t};
use crate::deadline::Deadline;
use crate::engine::wasmtime_binding_engine_t;
use crate::limits::Limiter;
use crate::wasi::{SoleMemory, State};
use crate::{cast, cast::StoreAddress, guard::guard};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use wasmtime::{ResourceLimiter, StoreLimitsBuilder, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreData, wasmtime_error_t, wasmtime_store_context, wasmtime_store_new, wasmtime_store_t,
};

/// The number of slots in the frame that a store comes with.
pub const WASMTIME_BINDING_STORE_SLOTS: usize = 32;

/// What a binding reads and writes of a store without a call.
#[repr(C)]
pub struct wasmtime_binding_store_t {
    /// The store's context, to be passed to the official API. Never null.
    pub context: *mut c_void,
    /// A frame for calls, with `WASMTIME_BINDING_STORE_SLOTS` slots.
    pub call: wasmtime_binding_call_t,
    /// The frame for calls of components.
    pub component: wasmtime_binding_component_call_t,
}

/// A store with all that belongs to it, in one allocation. Dropped in this order: the store first, which still uses the
/// others.
#[repr(C)]
pub(crate) struct Whole {
    head: wasmtime_binding_store_t,
    pub(crate) store: Box<wasmtime_store_t>,
    /// What the store has for WASI 0.1, once that is configured.
    wasi: UnsafeCell<Option<State>>,
    /// What the store has for components.
    components: UnsafeCell<Components>,
    pub(crate) limiter: Limiter,
    pub(crate) deadline: Deadline,
    pub(crate) sole: SoleMemory,
    /// How many descriptors a guest can have, if somebody has said so.
    pub(crate) max_resources: Cell<Option<usize>>,
    outgrown: Vec<Frame>,
    slots: [MaybeUninit<ValRaw>; WASMTIME_BINDING_STORE_SLOTS],
}

impl Whole {
    /// All of a store.
    pub(crate) fn of(store: *mut wasmtime_binding_store_t) -> *mut Whole {
        store.cast() // its first field
    }

    /// Leaves the address of the whole in what the C API keeps in the store, for [`Whole::signed`] to find.
    ///
    /// The data type of the C API's stores hides its fields but for a few. One of these holds the limits that a store
    /// of ours does not ask, since it has a limiter of its own: two numbers, in which nobody else has the same
    /// relation.
    fn sign(this: *mut Whole, data: &mut WasmtimeStoreData) {
        let address = this.expose_provenance();
        data.store_limits = StoreLimitsBuilder::new().instances(address).tables(address ^ SIGNATURE).build();
    }

    /// The store that has this data; nothing if it is none of a binding.
    #[inline]
    fn signed(data: &WasmtimeStoreData) -> Option<*const Whole> {
        let address = data.store_limits.instances();
        (address ^ data.store_limits.tables() == SIGNATURE).then(|| ptr::with_exposed_provenance(address))
    }

    /// The store whose frame for components this is.
    #[inline]
    pub(crate) fn of_component(call: *mut wasmtime_binding_component_call_t) -> *mut Whole {
        let offset = offset_of!(Whole, head) + offset_of!(wasmtime_binding_store_t, component);
        call.wrapping_byte_sub(offset).cast()
    }

    /// What a store has for components.
    ///
    /// # Safety
    ///
    /// The store must be live.
    #[inline]
    pub(crate) unsafe fn state(this: *mut Whole) -> *mut Components {
        // SAFETY: the caller vouches for the store.
        UnsafeCell::raw_get(unsafe { &raw const (*this).components })
    }

    /// As above, of the store that has this data; nothing if it is none of a binding.
    #[inline]
    pub(crate) fn components(data: &WasmtimeStoreData) -> Option<*mut Components> {
        // SAFETY: only `sign` writes such numbers, and the data does not outlive the whole.
        Whole::signed(data).map(|whole| UnsafeCell::raw_get(unsafe { &raw const (*whole).components }))
    }

    /// Where a binding's store keeps its state for WASI 0.1; nothing if the store is none of a binding.
    #[inline]
    pub(crate) fn wasi(data: &WasmtimeStoreData) -> Option<*mut Option<State>> {
        // SAFETY: only `sign` writes such numbers, and the data does not outlive the whole.
        Whole::signed(data).map(|whole| unsafe { UnsafeCell::raw_get(&raw const (*whole).wasi) })
    }

    /// Sets how many descriptors a guest of a binding's store can have once WASI is configured. False if the store is
    /// none.
    pub(crate) fn set_max_resources(data: &WasmtimeStoreData, max: usize) -> bool {
        let whole = Whole::signed(data);
        if let Some(whole) = whole {
            // SAFETY: as above.
            unsafe { (*whole).max_resources.set(Some(max)) };
        }
        whole.is_some()
    }

    /// Tells a binding's store that the host is about to call one of its functions.
    #[inline]
    pub(crate) fn entering(data: &WasmtimeStoreData) {
        if let Some(whole) = Whole::signed(data) {
            // SAFETY: as above.
            unsafe { (*whole).sole.entering() };
        }
    }

    /// Tells a binding's store that an instance is about to be made. Whatever makes one in such a store has to.
    pub(crate) fn instantiating(data: &WasmtimeStoreData) {
        if let Some(whole) = Whole::signed(data) {
            // SAFETY: as above.
            unsafe { (*whole).sole.instantiating() };
        }
    }
}

/// What the two numbers of [`Whole::sign`] differ by: chosen at random.
const SIGNATURE: usize = 0x9d3f_5ac1_e074_b826_u64 as usize;

/// A frame with more slots than the store came with.
struct Frame {
    /// Kept for the address.
    #[expect(dead_code, reason = "the binding holds a pointer to it")]
    call: Box<wasmtime_binding_call_t>,
    _slots: Box<[ValRaw]>,
}

/// Creates a store. `data` is what `wasmtime_context_get_data` returns and what host calls are given; `epochs` says
/// whether the engine's guests can be interrupted; `*memory_epoch`, which has to outlive the store, rises whenever a
/// memory of the store may have moved or changed its size.
///
/// As in Wasmtime, the deadline of a new store is tick 0: with epoch interruption enabled, a guest stops at once until
/// a deadline is set. The functions of the store are to be called with `wasmtime_binding_call` and its like: the
/// official `wasmtime_func_call` does not tell WASI 0.1 that it is the host who calls. The counterpart of
/// `wasmtime_store_new`; to be deleted with `wasmtime_binding_store_delete`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_new(
    engine: &wasmtime_binding_engine_t,
    data: *mut c_void,
    epochs: bool,
    memory_epoch: *mut u64,
) -> *mut wasmtime_binding_store_t {
    let mut place = Box::<Whole>::new_uninit();
    let this = place.as_mut_ptr();
    let mut store = wasmtime_store_new(&engine.engine, data, None);
    let context = StoreAddress::of(wasmtime_store_context(&mut store)).pointer();
    // SAFETY: all fields are written, in place, but the slots, which need not be.
    unsafe {
        (&raw mut (*this).head).write(wasmtime_binding_store_t {
            context,
            call: frame(context, (&raw mut (*this).slots).cast()),
            component: component::frame(context),
        });
        (&raw mut (*this).limiter).write(Limiter::new(memory_epoch));
        (&raw mut (*this).deadline).write(Deadline::new(engine));
        (&raw mut (*this).sole).write(SoleMemory::default());
        (&raw mut (*this).max_resources).write(Cell::new(None));
        (&raw mut (*this).outgrown).write(Vec::new());
        (&raw mut (*this).wasi).write(UnsafeCell::new(None));
        (&raw mut (*this).components).write(UnsafeCell::new(Components::new()));
        Whole::sign(this, cast::store(&mut store).data_mut());
        Limiter::attach(&raw mut (*this).limiter, cast::store(&mut store));
        if epochs {
            Deadline::attach(&raw const (*this).deadline, cast::store(&mut store));
        }
        (&raw mut (*this).store).write(store);
    }
    Box::into_raw(place).cast()
}

/// An empty frame.
fn frame(context: *mut c_void, slots: *mut ValRaw) -> wasmtime_binding_call_t {
    wasmtime_binding_call_t { context, func: [0; 2], slots, len: 0, error: ptr::null_mut(), trap: ptr::null_mut() }
}

/// Returns a frame with `len` slots, which belongs to the store. Frames that were returned before stay valid.
///
/// # Safety
///
/// `store` must be live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_frame(
    store: *mut wasmtime_binding_store_t,
    len: usize,
) -> *mut wasmtime_binding_call_t {
    let mut slots = vec![ValRaw::u64(0); len].into_boxed_slice();
    // SAFETY: the caller vouches for the store.
    unsafe {
        let mut call = Box::new(frame((*store).context, slots.as_mut_ptr()));
        let pointer = &raw mut *call;
        (*Whole::of(store)).outgrown.push(Frame { call, _slots: slots });
        pointer
    }
}

/// Deletes a store with everything in it.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_delete(store: *mut wasmtime_binding_store_t) {
    // SAFETY: the caller vouches for it, and `wasmtime_binding_store_new` made the box.
    drop(unsafe { Box::from_raw(Whole::of(store)) });
}

/// Runs the collector of the store's GC heap now. The counterpart of `wasmtime_context_gc`, guarded.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_gc(
    store: *mut wasmtime_binding_store_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the store.
    guard(|| cast::store(unsafe { &mut (*Whole::of(store)).store }).gc(None))
}
