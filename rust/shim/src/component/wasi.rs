//! Resources of WASI 0.2 that a binding makes of the descriptors of a store.

use super::handles;
use crate::cast;
use crate::guard::guard;
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::wasi::{WASMTIME_WASI_BOTH_STREAMS, hand_over};
use wasmtime::AsContextMut;
use wasmtime_c_api::wasmtime_error_t;

/// Takes a descriptor out of a store that was configured by `wasmtime_binding_store_set_wasi`, and makes it a resource
/// of WASI 0.2, to be passed to a component or returned by a host function. So whatever can be inserted for a module
/// can be handed to a component. `what` is one of `WASMTIME_WASI_DESCRIPTOR`, `WASMTIME_WASI_INPUT_STREAM`,
/// `WASMTIME_WASI_OUTPUT_STREAM` and `WASMTIME_WASI_BOTH_STREAMS`.
///
/// `out` gets the handle, and with `WASMTIME_WASI_BOTH_STREAMS` that of the output behind it. The host owns them; they
/// are dropped with `wasmtime_binding_component_resource_drop`. A stream of a file begins where its position is.
///
/// Returns null, or an error that the caller owns: `WASMTIME_ERROR_FD_NOT_OPEN`, `WASMTIME_ERROR_HANDLE_LIMIT`,
/// `WASMTIME_ERROR_NO_WASI`, and `WASMTIME_ERROR_BAD_ARGUMENT` for what cannot become that. The descriptor stays where
/// it is then.
///
/// # Safety
///
/// `store` must be live and not in use but by a host function, and `out` be writable for as many handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_wasi_take(
    store: *mut wasmtime_binding_store_t,
    guest_fd: u32,
    what: u32,
    out: *mut u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the store; nobody else uses what it has for components now.
        let (context, handles) = unsafe {
            let whole = Whole::of(store);
            (cast::store(&mut (*whole).store).as_context_mut(), &mut (*Whole::state(whole)).handles)
        };
        let many = if what == WASMTIME_WASI_BOTH_STREAMS { 2 } else { 1 };
        if handles.room() < many {
            return Err(handles::full("a descriptor"));
        }
        for (i, resource) in hand_over(context, guest_fd, what)?.into_iter().enumerate() {
            let handle = handles.insert(resource).ok_or_else(|| handles::full("a descriptor"))?;
            // SAFETY: the caller promises that there is room for it.
            unsafe { out.add(i).write(handle) };
        }
        Ok(())
    })
}
