//! Resources that the host defines with a number, told from all others.

use std::cell::Cell;
use wasmtime::component::__internal::{InstanceType, InterfaceType};
use wasmtime::component::{ComponentType, ResourceDynamic, ResourceType};

/// How many answers a thread remembers.
const REMEMBERED: usize = 16;

thread_local! {
    /// Upstream makes an error for each no, which takes longer than the rest of a call.
    static ANSWERS: [Cell<Option<(ResourceType, bool)>>; REMEMBERED] = const { [const { Cell::new(None) }; REMEMBERED] };
}

/// Whether the resource of an `own` or `borrow` is one of `wasmtime_binding_component_linker_define_resource`.
#[inline]
pub(super) fn is_host(ty: InterfaceType, types: &InstanceType<'_>) -> bool {
    let (InterfaceType::Own(table) | InterfaceType::Borrow(table)) = ty else { return false };
    let resource = types.resource_type(table);
    ANSWERS.with(|answers| {
        let place = &answers[table.as_u32() as usize % REMEMBERED];
        match place.get() {
            Some((known, answer)) if known == resource => answer,
            _ => {
                let answer = ResourceDynamic::typecheck(&ty, types).is_ok();
                place.set(Some((resource, answer)));
                answer
            }
        }
    })
}
