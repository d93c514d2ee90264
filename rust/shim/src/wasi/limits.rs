//! What the guests of a store may hoard: the C functions.

use super::find::{existing, find, view};
use crate::guard::guard;
use crate::store::Whole;
use wasmtime::AsContextMut;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};

/// Sets how many descriptors a guest of WASI 0.1 can have before it may not open more; 1024 at first.
///
/// Those of the standard streams and of preopened directories count, and so do those that the host inserts, which are
/// not refused. A guest that opens a file or accepts a connection beyond that gets `EMFILE`; what is open already
/// stays open. A component has as many again, and as many pollables.
///
/// In a store of `wasmtime_binding_store_new` it may be set at any time, and holds for each configuration of WASI. In
/// any other, WASI has to be configured before, or the error's code is `WASMTIME_ERROR_NO_WASI`; there it is also how
/// many resources the components of the store can have of WASI, as `ResourceTable::set_max_capacity` has it.
///
/// Returns null, or an error that the caller owns.
///
/// # Safety
///
/// `context` must be live and not in use by another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_set_max_resources(
    mut context: WasmtimeStoreContextMut<'_>,
    max: usize,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        if Whole::set_max_resources(context.data_mut(), max) {
            if let Some(state) = existing(context) {
                state.descriptors.max = max;
            }
            return Ok(());
        }
        find(context.as_context_mut())?.descriptors.max = max;
        // The state of WASI 0.1 is a resource itself.
        view(context.data_mut())?.table.set_max_capacity(max.saturating_add(1));
        Ok(())
    })
}

/// Sets how many bytes a call of WASI may make the host copy or keep, 128 MiB at first. What is not copied, as what a
/// guest reads and writes, does not count. A guest of WASI 0.1 that wants more gets `ENOMEM`.
///
/// The listings of directories that a guest reads are kept as long as the directories are open; all of a store
/// together may take as many bytes. See `wasmtime::Store::set_hostcall_fuel`.
///
/// # Safety
///
/// `context` must be live and not in use by another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_set_hostcall_fuel(mut context: WasmtimeStoreContextMut<'_>, fuel: usize) {
    context.set_hostcall_fuel(fuel);
}
