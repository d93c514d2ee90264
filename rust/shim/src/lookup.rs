//! The exports of an instance, for a binding: one crossing finds one, and says what a function's type is.

use crate::cast;
use crate::describe::func_type;
use crate::store::{WASMTIME_BINDING_STORE_SLOTS, Whole, wasmtime_binding_store_t};
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime::{Extern, Instance, ValRaw};
use wasmtime_c_api::wasmtime_extern_t;

/// How many slots of the frame the item takes.
const ITEM_SLOTS: usize = size_of::<wasmtime_extern_t>().div_ceil(size_of::<ValRaw>());

/// Where the type of a function that was looked up begins in the frame, in bytes.
pub const WASMTIME_BINDING_EXPORT_TYPE_AT: usize = 32;

const _: () = assert!(WASMTIME_BINDING_EXPORT_TYPE_AT == ITEM_SLOTS * size_of::<ValRaw>());

/// Looks an export up by its name and leaves it in the frame that the store came with: a `wasmtime_extern_t`, owned
/// by the caller, at its start, and if it is a function whose type has room, the type at
/// `WASMTIME_BINDING_EXPORT_TYPE_AT`, encoded as by `wasmtime_binding_func_type`. The instance, a
/// `wasmtime_instance_t` of the store, is in the frame's first slot before.
///
/// Returns 0 if there is no such export, and otherwise 1 more than the number of bytes of the type, of which there
/// may be none. The counterpart of `wasmtime_instance_export_get`.
///
/// # Safety
///
/// `store` must be live and not in use, `name` valid for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_export(
    store: *mut wasmtime_binding_store_t,
    name: *const u8,
    len: usize,
) -> usize {
    // A panic would be a defect of the library, and there is nobody to tell: the export is not found then.
    catch_unwind(AssertUnwindSafe(|| {
        let whole = Whole::of(store);
        // SAFETY: an `Instance` fits into a slot (checked in `instantiate.rs`), and the caller vouches for all of them.
        let (instance, name, slots, mut store) = unsafe {
            let name = std::str::from_utf8(cast::bytes(name, len)).ok()?;
            let slots = (*store).call.slots;
            (slots.cast::<Instance>().read(), name, slots, cast::store(&mut (*whole).store))
        };
        let item = instance.get_export(&mut store, name)?;
        let ty = match &item {
            Extern::Func(func) => func_type(&func.ty(&store)).unwrap_or_default(),
            _ => Vec::new(),
        };
        let room = (WASMTIME_BINDING_STORE_SLOTS - ITEM_SLOTS) * size_of::<ValRaw>();
        let ty = if ty.len() <= room { ty } else { Vec::new() };
        // SAFETY: the frame has that many slots, of which nobody else uses any now.
        unsafe {
            slots.cast::<wasmtime_extern_t>().write(item.into());
            slots.add(ITEM_SLOTS).cast::<u8>().copy_from_nonoverlapping(ty.as_ptr(), ty.len());
        }
        Some(1 + ty.len())
    }))
    .ok()
    .flatten()
    .unwrap_or(0)
}
