//! The guest's memory, found without looking for its name.
//!
//! Looking an export up by its name takes longer than all the rest of a short call, and one caller cannot be told from
//! another. But while a store has one instance, no other guest can call, and what an instance exports does not change.
//! The host can call as well, and a guest's memory is not for it: so what was found is forgotten whenever the host
//! enters the store, and the first call after that looks again. Looking finds nothing when it is the host that calls.

use crate::store::Whole;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{Caller, Extern, Memory};
use wasmtime_c_api::WasmtimeStoreData;

/// The memory of a store's only instance.
#[derive(Default)]
pub(crate) struct SoleMemory {
    /// How many instances were begun in the store.
    instances: Cell<u64>,
    /// Found since the host entered the store.
    memory: Cell<Option<Memory>>,
}

/// Whether there are commands in a linker: these are instantiated when they are called, in whatever store, and nobody
/// is told.
static COMMANDS: AtomicBool = AtomicBool::new(false);

impl SoleMemory {
    /// Takes note of an instance that is about to be made.
    #[inline]
    pub(crate) fn instantiating(&self) {
        self.instances.set(self.instances.get() + 1);
    }

    /// Takes note that the host is about to call a function: a guest's, or WASI's.
    #[inline]
    pub(crate) fn entering(&self) {
        self.memory.set(None);
    }

    #[inline]
    fn is_sole(&self) -> bool {
        self.instances.get() == 1 && !COMMANDS.load(Ordering::Relaxed)
    }
}

/// Takes note of a command that is about to be defined in a linker.
pub(crate) fn defining_command() {
    COMMANDS.store(true, Ordering::Relaxed);
}

/// The memory of the caller, if its store has no other instance.
#[inline]
pub(super) fn known(whole: &Whole) -> Option<Memory> {
    if whole.sole.is_sole() { whole.sole.memory.get() } else { None }
}

/// The memory that the caller exports; it is remembered if there is no other instance.
#[cold]
pub(super) fn look_up(caller: &mut Caller<'_, WasmtimeStoreData>, whole: Option<&Whole>) -> Option<Extern> {
    let found = caller.get_export("memory");
    if let (Some(Extern::Memory(memory)), Some(whole)) = (&found, whole)
        && whole.sole.is_sole()
    {
        whole.sole.memory.set(Some(*memory));
    }
    found
}
