//! Components with their imports, and instances of them.

use super::state::Deeper;
use super::{Data, path, wide};
use crate::call::{run, wasmtime_binding_call_t};
use crate::cast;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::guard::guard;
use crate::instantiate::is_made;
use crate::store::Whole;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, ResourceType};
use wasmtime::{Error, Result, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, wasmtime_component_linker_t, wasmtime_component_t, wasmtime_error_t, wasmtime_module_t,
};

const _: () = assert!(size_of::<Instance>() <= size_of::<ValRaw>());

/// A component whose imports have been found. Safe to use from any thread.
pub struct wasmtime_binding_component_pre_t {
    pre: InstancePre<Data>,
}

/// Finds a component's imports and checks their types; stores what is ready to be instantiated, any number of times,
/// in `*out`. What the component needs of the linker stays with it. A function that is async, whose type cannot be
/// sent, or whose values the component has in a 64-bit memory is a `WASMTIME_ERROR_UNSUPPORTED`. The counterpart of
/// `wasmtime::component::Linker::instantiate_pre`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_linker_instantiate_pre(
    linker: &wasmtime_component_linker_t,
    component: &wasmtime_component_t,
    out: &mut *mut wasmtime_binding_component_pre_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let component = cast::component(component);
        let pre = cast::component_linker_ref(linker).instantiate_pre(component).map_err(told_of_async)?;
        wide::check_imports(component)?;
        *out = Box::into_raw(Box::new(wasmtime_binding_component_pre_t { pre }));
        Ok(())
    })
}

/// What linking ends with: upstream has no code for a function that is async, only words, which a test looks for.
#[cold]
fn told_of_async(error: Error) -> Error {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    match causes.last_mut() {
        Some(last) if last.starts_with("type mismatch with async") => {
            "the function is async, which is not supported yet".clone_into(last);
            ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED, causes.join(": "))
        }
        _ => error,
    }
}

/// Deletes a component with its imports. Instances stay.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_pre_delete(_: Box<wasmtime_binding_component_pre_t>) {}

/// Instantiates a component in the frame's store, which runs the start functions of its modules. The outcome is in the
/// frame, as that of a call is: a `wasmtime_component_instance_t` in its first slot, or `error` or `trap`. A frame
/// without a context is that of a store which has not been made, and which is made first. The counterpart of
/// `wasmtime::component::InstancePre::instantiate`.
///
/// # Safety
///
/// The frame must be as for `wasmtime_binding_call`, with a slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_instantiate(
    pre: &wasmtime_binding_component_pre_t,
    call: *mut wasmtime_binding_call_t,
) {
    // SAFETY: the caller vouches for the frame.
    if !unsafe { is_made(call) } {
        return;
    }
    run(call, |context| {
        Whole::instantiating(context.data());
        // SAFETY: the state is there as long as the store.
        let _deeper = Whole::components(context.data()).map(|state| unsafe { Deeper::new(state) });
        let made = pre.pre.instantiate(&mut *context);
        let instance = made.map_err(|error| Whole::not_made(context.data(), error))?;
        // SAFETY: the caller vouches for the frame, and an instance fits into a slot (checked above).
        unsafe { (*call).slots.cast::<Instance>().write(instance) };
        Ok(())
    });
}

/// Looks up a core module that an instance exports and stores it in `*out`, which the caller owns; null if there is
/// none. `path` is as for `wasmtime_binding_component_instance_func`. The counterpart of
/// `wasmtime::component::Instance::get_module`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_instance_func`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_instance_module(
    mut context: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    path: *const u8,
    path_len: usize,
    out: &mut *mut wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *out = std::ptr::null_mut();
        // SAFETY: the caller vouches for the path.
        let found = unsafe { find(&mut context, instance, path, path_len)? };
        if let Some(module) = found.and_then(|index| instance.get_module(&mut context, index)) {
            *out = Box::into_raw(Box::new(cast::wrap_module(module)));
        }
        Ok(())
    })
}

/// A resource that an instance exports. It holds nothing of the store: any thread can use it, also when the store is
/// gone, but then nobody has handles of it.
pub struct wasmtime_binding_component_resource_t {
    pub(super) ty: ResourceType,
}

/// Looks up a resource that an instance exports and stores it in `*out`, to be deleted with
/// `wasmtime_binding_component_resource_delete`; null if there is none. `path` is as for
/// `wasmtime_binding_component_instance_func`. The counterpart of `wasmtime::component::Instance::get_resource`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_instance_func`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_instance_resource(
    mut context: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    path: *const u8,
    path_len: usize,
    out: &mut *mut wasmtime_binding_component_resource_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *out = std::ptr::null_mut();
        // SAFETY: the caller vouches for the path.
        let found = unsafe { find(&mut context, instance, path, path_len)? };
        if let Some(ty) = found.and_then(|index| instance.get_resource(&mut context, index)) {
            *out = Box::into_raw(Box::new(wasmtime_binding_component_resource_t { ty }));
        }
        Ok(())
    })
}

/// Deletes a resource of `wasmtime_binding_component_instance_resource`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_resource_delete(_: Box<wasmtime_binding_component_resource_t>) {}

/// Finds what a path leads to in an instance.
///
/// # Safety
///
/// As for `wasmtime_binding_component_instance_func`.
pub(super) unsafe fn find(
    context: &mut WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    path: *const u8,
    len: usize,
) -> Result<Option<ComponentExportIndex>> {
    // SAFETY: the caller vouches for the path.
    let (instances, name) = unsafe { path::read(path, len)? };
    let mut parent = None;
    for name in instances.into_iter().chain([name]) {
        match instance.get_export_index(&mut *context, parent.as_ref(), name) {
            None => return Ok(None),
            found => parent = found,
        }
    }
    Ok(parent)
}
