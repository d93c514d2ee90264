//! Components with their imports, and instances of them.

use super::Data;
use super::state::Deeper;
use crate::call::{run, wasmtime_binding_call_t};
use crate::cast;
use crate::guard::guard;
use crate::store::Whole;
use wasmtime::ValRaw;
use wasmtime::component::{Instance, InstancePre};
use wasmtime_c_api::{wasmtime_component_linker_t, wasmtime_component_t, wasmtime_error_t};

const _: () = assert!(size_of::<Instance>() <= size_of::<ValRaw>());

/// A component whose imports have been found. Safe to use from any thread.
pub struct wasmtime_binding_component_pre_t {
    pre: InstancePre<Data>,
}

/// Finds a component's imports and checks their types; stores what is ready to be instantiated, any number of times, in
/// `*out`. What the component needs of the linker stays with it. A function whose type cannot be sent is a
/// `WASMTIME_ERROR_UNSUPPORTED`. The counterpart of `wasmtime::component::Linker::instantiate_pre`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_linker_instantiate_pre(
    linker: &wasmtime_component_linker_t,
    component: &wasmtime_component_t,
    out: &mut *mut wasmtime_binding_component_pre_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let pre = cast::component_linker_ref(linker).instantiate_pre(cast::component(component))?;
        *out = Box::into_raw(Box::new(wasmtime_binding_component_pre_t { pre }));
        Ok(())
    })
}

/// Deletes a component with its imports. Instances stay.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_pre_delete(_: Box<wasmtime_binding_component_pre_t>) {}

/// Instantiates a component in the frame's store, which runs the start functions of its modules. The outcome is in the
/// frame, as that of a call is: a `wasmtime_component_instance_t` in its first slot, or `error` or `trap`. The
/// counterpart of `wasmtime::component::InstancePre::instantiate`.
///
/// # Safety
///
/// The frame must be as for `wasmtime_binding_call`, with a slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_instantiate(
    pre: &wasmtime_binding_component_pre_t,
    call: *mut wasmtime_binding_call_t,
) {
    run(call, |context| {
        Whole::instantiating(context.data());
        // SAFETY: the state is there as long as the store.
        let _deeper = Whole::components(context.data()).map(|state| unsafe { Deeper::new(state) });
        let instance = pre.pre.instantiate(context)?;
        // SAFETY: the caller vouches for the frame, and an instance fits into a slot (checked above).
        unsafe { (*call).slots.cast::<Instance>().write(instance) };
        Ok(())
    });
}
