//! The memory of a guest whose store has no other.
//!
//! Looking an export up by its name takes longer than all the rest of a short call, and a caller cannot be told from another.
//! But if only one memory was ever made in the store, every caller means that one.

use crate::store::Whole;
use std::cell::Cell;
use wasmtime::{Caller, Extern, Memory};
use wasmtime_c_api::WasmtimeStoreData;

/// The memory that a guest of the store was found to export, if the store had no other then.
#[derive(Default)]
pub(crate) struct SoleMemory(Cell<Option<Memory>>);

/// The sole memory of a store.
#[inline]
pub(super) fn known(whole: &Whole) -> Option<Memory> {
    if whole.limiter.memories_made() == 1 { whole.sole.0.get() } else { None }
}

/// The memory that the caller exports; it is remembered if it is the sole one. Memories that are shared between stores are
/// not made in any of them, so where they are allowed, nothing is remembered.
#[cold]
pub(super) fn look_up(caller: &mut Caller<'_, WasmtimeStoreData>, whole: Option<&Whole>) -> Option<Extern> {
    let found = caller.get_export("memory");
    if let (Some(Extern::Memory(memory)), Some(whole)) = (&found, whole)
        && whole.limiter.memories_made() == 1
        && !caller.engine().get_shared_memory()
    {
        whole.sole.0.set(Some(*memory));
    }
    found
}
