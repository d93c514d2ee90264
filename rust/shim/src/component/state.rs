//! What a store has for components.

use super::buffer::Buffer;
use super::handles::Handles;
use crate::store::{Whole, wasmtime_binding_store_t};

/// A store's part in calls of components. It belongs to whoever uses the store; nobody keeps a reference to it while a
/// guest runs, which may come back to it.
pub(crate) struct State {
    pub(super) handles: Handles,
    /// The message to a guest, which the binding writes.
    pub(super) message: Buffer,
    /// The last message from a guest, which the binding reads.
    pub(super) results: Buffer,
    /// The instances that can no longer be entered, by their number in the store.
    pub(super) unusable: Vec<u32>,
    /// How many calls of components run now, one inside the other.
    pub(super) depth: u32,
}

impl State {
    pub(crate) fn new() -> State {
        State {
            handles: Handles::new(),
            message: Buffer::new(),
            results: Buffer::new(),
            unusable: Vec::new(),
            depth: 0,
        }
    }
}

/// Says that a call of a component runs, as long as it lives.
pub(super) struct Deeper {
    state: *mut State,
}

impl Deeper {
    /// # Safety
    ///
    /// The state must be a live store's, and stay so.
    pub(super) unsafe fn new(state: *mut State) -> Deeper {
        // SAFETY: the caller vouches for it.
        unsafe { (*state).depth += 1 };
        Deeper { state }
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        // SAFETY: as who made it promised.
        unsafe { (*self.state).depth -= 1 };
    }
}

/// Stores how many handles of other people's resources the host has in a store, and how many it may have.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_handles(
    store: *mut wasmtime_binding_store_t,
    count: &mut usize,
    limit: &mut usize,
) {
    // SAFETY: the caller vouches for the store.
    let state = unsafe { &*Whole::state(Whole::of(store)) };
    *count = state.handles.count();
    *limit = state.handles.limit();
}

/// Sets how many handles of other people's resources the host may have in a store: 65,536 if nobody sets it, and never
/// more than 1,048,575. Those beyond a lower limit stay valid.
///
/// A call whose results may have handles fails with `WASMTIME_ERROR_HANDLE_LIMIT` before the guest is entered when
/// there is no room for any, also not for as many as the call gives away. When there is room for some but not for all
/// of them, they are dropped, as by `wasmtime_binding_component_resource_drop`, and the call fails with the same code;
/// so does a call in which a host function was given more than there is room for. `entered` and `broken_off` in the
/// frame tell these apart.
///
/// No handle comes twice in a store: after 4,293,914,625 of them, there is room for none any more.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_set_handle_limit(
    store: *mut wasmtime_binding_store_t,
    limit: usize,
) {
    // SAFETY: the caller vouches for the store.
    unsafe { (*Whole::state(Whole::of(store))).handles.set_limit(limit) };
}

/// Sets how many handles there may be in all of a store, those in its guests and those of the host: 100,000 if nobody
/// sets it. A guest that needs more traps. The counterpart of `wasmtime::Store::set_max_component_handles`.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_set_guest_handle_limit(
    store: *mut wasmtime_binding_store_t,
    limit: usize,
) {
    // SAFETY: the caller vouches for the store.
    unsafe { crate::cast::store(&mut (*Whole::of(store)).store).set_max_component_handles(limit) };
}

/// Returns how many bytes a guest may hand over to the host in one call. The counterpart of
/// `wasmtime::Store::hostcall_fuel`.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_hostcall_fuel(store: *mut wasmtime_binding_store_t) -> usize {
    // SAFETY: the caller vouches for the store.
    unsafe { crate::cast::store(&mut (*Whole::of(store)).store).hostcall_fuel() }
}

/// Sets how many bytes a guest may hand over to the host in one call, as arguments or as results: 128 MiB if nobody
/// sets it. A call with more fails with `WASMTIME_ERROR_HOSTCALL_FUEL`, and its instance cannot be entered any more.
/// The counterpart of `wasmtime::Store::set_hostcall_fuel`.
///
/// # Safety
///
/// `store` must be live and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_set_hostcall_fuel(
    store: *mut wasmtime_binding_store_t,
    bytes: usize,
) {
    // SAFETY: the caller vouches for the store.
    unsafe { crate::cast::store(&mut (*Whole::of(store)).store).set_hostcall_fuel(bytes) };
}
