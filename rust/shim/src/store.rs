//! A store for language bindings: one allocation, of which both sides read the head.
//!
//! The binding keeps the allocation, a place for a store, when the store is gone, and makes the next store in it. The
//! store is made when something first needs it, most often an instantiation: so a binding that has said before what it
//! is to be made with, down to its WASI configuration, crosses the boundary once for all of it.

use crate::call::wasmtime_binding_call_t;
use crate::component::{self, State as Components, wasmtime_binding_component_call_t};
use crate::deadline::Deadline;
use crate::engine::wasmtime_binding_engine_t;
use crate::limits::{Limiter, wasmtime_binding_limits_t, wasmtime_binding_refusal_callback_t};
use crate::wasi::{SoleMemory, State, configure, wasmtime_binding_stream_callback_t, wasmtime_wasi_options_t};
use crate::{cast, cast::StoreAddress, guard::guard};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use wasmtime::{Error, ResourceLimiter, StoreLimitsBuilder, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime_error_t, wasmtime_store_context, wasmtime_store_new,
    wasmtime_store_t,
};

/// The number of slots in the frame that a store comes with.
pub const WASMTIME_BINDING_STORE_SLOTS: usize = 32;

/// What a binding reads and writes of a store without a call.
#[repr(C)]
pub struct wasmtime_binding_store_t {
    /// The store's context, to be passed to the official API. Null as long as the store has not been made.
    pub context: *mut c_void,
    /// A frame for calls, with `WASMTIME_BINDING_STORE_SLOTS` slots.
    pub call: wasmtime_binding_call_t,
    /// The frame for calls of components.
    pub component: wasmtime_binding_component_call_t,
    /// What the store is to be made with.
    pub setup: wasmtime_binding_setup_t,
}

/// What a store is made with. All zero is a valid one, but for the engine and the epoch.
#[repr(C)]
pub struct wasmtime_binding_setup_t {
    /// The engine, which has to live until the store is made.
    pub engine: *const wasmtime_binding_engine_t,
    /// What `wasmtime_context_get_data` returns and what host calls are given.
    pub data: *mut c_void,
    /// What rises whenever a memory of the store may have moved or changed its size. It has to outlive the store.
    pub memory_epoch: *mut u64,
    /// Whether the engine's guests can be interrupted.
    pub epochs: bool,
    /// Whether the store has `limits`; otherwise those that are Wasmtime's defaults.
    pub limited: bool,
    /// See `wasmtime_binding_store_limiter`, for which they may be changed when the store is made.
    pub limits: wasmtime_binding_limits_t,
    /// Hears of what the limits refuse; may be null.
    pub refused: Option<wasmtime_binding_refusal_callback_t>,
    /// The WASI configuration, as for `wasmtime_binding_store_set_wasi`, which has to live until the store is made;
    /// null for none.
    pub wasi: *const wasmtime_wasi_options_t,
    /// The callback that goes with it.
    pub streams: Option<wasmtime_binding_stream_callback_t>,
}

/// A store with all that belongs to it, in one allocation. Dropped in this order: the store first, which still uses the
/// others. As long as there is no store, there are only the head and the slots.
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

    /// Makes an instance in a store, or a memory. Whatever does has to do it here.
    pub(crate) fn making<'a, T>(
        context: &mut WasmtimeStoreContextMut<'a>,
        make: impl FnOnce(&mut WasmtimeStoreContextMut<'a>) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let before = Whole::limiter(context.data()).map(Limiter::making);
        make(context).map_err(|error| match (Whole::limiter(context.data()), before) {
            (Some(limiter), Some(before)) => limiter.not_made(&before, error),
            _ => error,
        })
    }

    /// Tells a binding's store that an instance is about to be made. Whatever makes one in such a store has to.
    pub(crate) fn instantiating(data: &WasmtimeStoreData) {
        if let Some(whole) = Whole::signed(data) {
            // SAFETY: as above.
            unsafe { (*whole).sole.instantiating() };
        }
    }

    /// Tells a binding's store that a component has not come to be, and returns what that is to end with. The memory of
    /// its modules still counts: some of them may have been instantiated before another one failed.
    pub(crate) fn not_made(data: &WasmtimeStoreData, error: Error) -> Error {
        match Whole::limiter(data) {
            Some(limiter) => limiter.tell_of_number(error),
            None => error,
        }
    }

    /// Tells a binding's store that one of its host functions has failed.
    pub(crate) fn host_failed(data: &WasmtimeStoreData) {
        if let Some(limiter) = Whole::limiter(data) {
            limiter.host_failed();
        }
    }

    /// The limiter of a binding's store. To be used while the store does not.
    fn limiter<'a>(data: &WasmtimeStoreData) -> Option<&'a mut Limiter> {
        // SAFETY: as above, and the store uses it only in operations, of which none is going on.
        Whole::signed(data).map(|whole| unsafe { &mut (*whole.cast_mut()).limiter })
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

/// Returns a place for a store, in which none is made yet: all zero but for the frame. The binding fills the setup in.
/// To be deleted with `wasmtime_binding_store_delete`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_store_new() -> *mut wasmtime_binding_store_t {
    // All zero also where nothing is written here: a binding writes pointers into it, and its garbage collector may
    // look at what was there before.
    let place = Box::into_raw(Box::<Whole>::new_zeroed()).cast::<Whole>();
    // SAFETY: the place is ours, and nothing in it needs to be dropped.
    unsafe { (*place).head.call = frame(ptr::null_mut(), (&raw mut (*place).slots).cast()) };
    place.cast()
}

/// Makes the store of a place by its setup, unless it has been made. What instantiates with a store's frame does so by
/// itself.
///
/// As in Wasmtime, the deadline of a new store is tick 0: with epoch interruption enabled, a guest stops at once until
/// a deadline is set. The functions of the store are to be called with `wasmtime_binding_call` and its like: the
/// official `wasmtime_func_call` does not tell WASI 0.1 that it is the host who calls. The counterpart of
/// `wasmtime_store_new`; to be ended with `wasmtime_binding_store_close`.
///
/// Returns null, or an error that the caller owns, that of the WASI configuration; then there is no store.
///
/// # Safety
///
/// `store` must be a place that is not in use, whose setup is as `wasmtime_binding_setup_t` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_make(
    store: *mut wasmtime_binding_store_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the place.
    guard(|| unsafe { make(store) })
}

/// # Safety
///
/// As for [`wasmtime_binding_store_make`].
pub(crate) unsafe fn make(place: *mut wasmtime_binding_store_t) -> wasmtime::Result<()> {
    // SAFETY: the caller vouches for the place. All fields of the whole but the head and the slots are written here,
    // and nothing is dropped that was in them.
    unsafe {
        if !(*place).context.is_null() {
            return Ok(());
        }
        let this = Whole::of(place);
        let setup = &(*place).setup;
        let engine = &*setup.engine;
        let limits = setup.limited.then_some(&setup.limits);
        let mut store = wasmtime_store_new(&engine.engine, setup.data, None);
        let context = StoreAddress::of(wasmtime_store_context(&mut store)).pointer();
        (&raw mut (*this).limiter).write(Limiter::new(setup.data, setup.memory_epoch, setup.refused, limits));
        (&raw mut (*this).deadline).write(Deadline::new(engine));
        (&raw mut (*this).sole).write(SoleMemory::default());
        (&raw mut (*this).max_resources).write(Cell::new(None));
        (&raw mut (*this).outgrown).write(Vec::new());
        (&raw mut (*this).wasi).write(UnsafeCell::new(None));
        (&raw mut (*this).components).write(UnsafeCell::new(Components::new()));
        Whole::sign(this, cast::store(&mut store).data_mut());
        Limiter::attach(&raw mut (*this).limiter, cast::store(&mut store));
        if setup.epochs {
            Deadline::attach(&raw const (*this).deadline, cast::store(&mut store));
        }
        (&raw mut (*this).store).write(store);
        (*place).context = context;
        (*place).call.context = context;
        (*place).component = component::frame(context);
        if let (Some(options), Some(streams)) = ((*place).setup.wasi.as_ref(), (*place).setup.streams) {
            configure(this, options, streams).inspect_err(|_| close(place))?;
        }
    }
    Ok(())
}

/// The place whose store comes with this frame.
///
/// # Safety
///
/// It must be such a frame, and not one that [`wasmtime_binding_store_frame`] has made.
pub(crate) unsafe fn place_of(call: *mut wasmtime_binding_call_t) -> *mut wasmtime_binding_store_t {
    // SAFETY: as the caller promises.
    unsafe { call.byte_sub(offset_of!(wasmtime_binding_store_t, call)).cast() }
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

/// Ends the store of a place with everything in it, if it has been made. The setup stays as it is, and another store
/// can be made.
///
/// # Safety
///
/// `store` must be a place that is not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_close(store: *mut wasmtime_binding_store_t) {
    // SAFETY: the caller vouches for it.
    unsafe { close(store) };
}

/// # Safety
///
/// As for [`wasmtime_binding_store_close`].
unsafe fn close(place: *mut wasmtime_binding_store_t) {
    // SAFETY: with a context, all fields are there, and the caller vouches for the rest. Nothing in the head and the
    // slots is dropped: they stay what they are.
    unsafe {
        if (*place).context.is_null() {
            return;
        }
        ptr::drop_in_place(Whole::of(place));
        (*place).context = ptr::null_mut();
        (*place).call.context = ptr::null_mut();
        (*place).component = component::frame(ptr::null_mut());
    }
}

/// Deletes a place, with the store in it if there is one.
///
/// # Safety
///
/// `store` must be a place that is not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_delete(store: *mut wasmtime_binding_store_t) {
    // SAFETY: the caller vouches for it, and `wasmtime_binding_store_new` made the box. There is no store in it any
    // more.
    unsafe {
        close(store);
        drop(Box::from_raw(Whole::of(store).cast::<MaybeUninit<Whole>>()));
    }
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
