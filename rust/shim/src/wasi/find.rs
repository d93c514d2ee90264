//! Where a store keeps its state for WASI 0.1, and how that is found from a guest's call.
//!
//! A binding's store has a place for it. In any other, the data type belongs to the C API and hides its fields, but
//! it offers the WASI context and the resource table beside it: the state lives in that table, so it dies with the
//! store, or when WASI is configured anew. It is the first resource unless something else was there before WASI 0.1
//! was used, so its number need not be kept anywhere.

use super::state::State;
use super::upstream::Upstream;
use crate::cast;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::store::Whole;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use wasmtime::AsContextMut;
use wasmtime::component::Resource;
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData};
use wasmtime_wasi::{WasiCtxView, WasiView};

/// Finds the state of a store, and makes it if WASI was configured through the C API's own functions.
#[inline]
pub(super) fn find(mut context: WasmtimeStoreContextMut<'_>) -> wasmtime::Result<&mut State> {
    // SAFETY: the store is borrowed as long as the state.
    match unsafe { own(context.data_mut()) } {
        Some(state) => Ok(state),
        None => find_in_table(context),
    }
}

/// The state in a binding's store.
///
/// # Safety
///
/// Nobody else may use the store as long as the state.
#[inline]
unsafe fn own<'a>(data: &WasmtimeStoreData) -> Option<&'a mut State> {
    let place = Whole::wasi(data)?;
    // SAFETY: it is the store's own, and the caller vouches for the rest.
    unsafe { (*place).as_mut() }
}

/// Finds the state in the resource table, and makes it if there is none. Apart from [`find`], which is a part of every
/// call and must not take the room for this.
#[cold]
#[inline(never)]
fn find_in_table(mut context: WasmtimeStoreContextMut<'_>) -> wasmtime::Result<&mut State> {
    silence_probe();
    let first = Resource::<State>::new_borrow(0);
    let WasiCtxView { table, .. } = view(context.data_mut())?;
    if table.get(&first).is_ok() {
        return Ok(view(cast::data(context))?.table.get_mut(&first)?);
    }
    if !table.iter_mut().any(|entry| entry.is::<State>()) {
        let state = State::adopt(Upstream::found(context.as_context_mut()))?;
        view(context.data_mut())?.table.push(state)?;
    }
    let WasiCtxView { table, .. } = view(cast::data(context))?;
    let state = table.iter_mut().find_map(|entry| entry.downcast_mut::<State>());
    Ok(state.expect("pushed just now or found before"))
}

/// The state of a store, if there is one already.
pub(super) fn existing(mut context: WasmtimeStoreContextMut<'_>) -> Option<&mut State> {
    // SAFETY: as in `find`.
    if let Some(state) = unsafe { own(context.data_mut()) } {
        return Some(state);
    }
    silence_probe();
    let WasiCtxView { table, .. } = view(cast::data(context)).ok()?;
    table.iter_mut().find_map(|entry| entry.downcast_mut::<State>())
}

/// Whether a store can do without a context of upstream's until something needs it: a binding's can if it has none.
pub(super) fn may_wait(mut context: WasmtimeStoreContextMut<'_>) -> bool {
    // SAFETY: as in `find`.
    Whole::wasi(context.data_mut())
        .is_some_and(|place| !matches!(unsafe { &*place }, Some(state) if state.has_context()))
}

/// Puts `state` into a store; one that was there is gone. In a store that is none of a binding, WASI has to be
/// configured just now, so that the state is the first resource.
pub(super) fn place(mut context: WasmtimeStoreContextMut<'_>, state: State) -> wasmtime::Result<()> {
    match Whole::wasi(context.data_mut()) {
        // SAFETY: as in `find`. The old state hears of its end when the new one is in its place.
        Some(place) => drop(unsafe { place.replace(Some(state)) }),
        None => {
            view(cast::data(context))?.table.push(state)?;
        }
    }
    Ok(())
}

thread_local! {
    /// Whether this thread is asking a store for its WASI context.
    static PROBING: Cell<bool> = const { Cell::new(false) };
}

/// The store's WASI context and resource table.
///
/// The C API panics when the store has none, and offers no way to ask beforehand. The panic is caught, which costs
/// nothing as long as there is none, and kept off the standard error stream.
#[inline]
pub(super) fn view(data: &mut WasmtimeStoreData) -> wasmtime::Result<WasiCtxView<'_>> {
    PROBING.set(true);
    // A closure that borrows `data` could not hand the borrow out, one that consumes it can.
    let mut data = Some(data);
    let view = catch_unwind(AssertUnwindSafe(|| data.take().map(|data| data.ctx())));
    PROBING.set(false);
    view.ok().flatten().ok_or_else(no_wasi)
}

#[cold]
fn no_wasi() -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_NO_WASI, "the store has no WASI configuration")
}

/// Keeps the panic that [`view`] provokes off the standard error stream. To be called before the first use of it.
pub(super) fn silence_probe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !PROBING.get() {
                report(info);
            }
        }));
    });
}
