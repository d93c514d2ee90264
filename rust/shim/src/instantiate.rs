//! Instantiation and look-up for a binding, guarded: an item of another store, which the official API aborts on, is
//! an error.
//!
//! The outcome of an instantiation is in the caller's frame, as that of a call is: the instance in its slots, of
//! which there must be one, or `error` or `trap`. If the caller's frame has no context, it is that of a store which has
//! not been made, and which is made first.

use crate::call::{attempt, run, wasmtime_binding_call_t};
use crate::store::{Whole, make, place_of};
use crate::wasi::defining_command;
use crate::{cast, guard::guard};
use wasmtime::{Extern, Func, Instance, ValRaw};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, wasmtime_error_t, wasmtime_extern_t, wasmtime_instance_pre_t, wasmtime_linker_t,
    wasmtime_module_t,
};

const _: () = assert!(size_of::<Instance>() <= size_of::<ValRaw>());

/// Runs `f` and leaves the instance that it makes in the frame.
fn instantiate(
    call: *mut wasmtime_binding_call_t,
    f: impl FnOnce(&mut WasmtimeStoreContextMut<'static>) -> wasmtime::Result<Instance>,
) {
    // SAFETY: the caller vouches for the frame.
    if !unsafe { is_made(call) } {
        return;
    }
    run(call, |context| {
        Whole::instantiating(context.data());
        let instance = Whole::making(context, f)?;
        // SAFETY: the caller vouches for the frame, and an instance fits into a slot (checked above).
        unsafe { (*call).slots.cast::<Instance>().write(instance) };
        Ok(())
    });
}

/// Makes the frame's store unless it has been made. False if that has failed: then the outcome is in the frame.
///
/// # Safety
///
/// The frame must be live; one without a context is one that comes with a store.
pub(crate) unsafe fn is_made(call: *mut wasmtime_binding_call_t) -> bool {
    // SAFETY: the caller vouches for the frame.
    unsafe { !(*call).context.is_null() || attempt(call, || make(place_of(call))) == 0 }
}

/// Links and instantiates a module in the frame's store. The counterpart of `wasmtime_linker_instantiate`.
///
/// # Safety
///
/// The frame must be as for `wasmtime_binding_call`, with a slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_linker_instantiate(
    linker: &wasmtime_linker_t,
    module: &wasmtime_module_t,
    call: *mut wasmtime_binding_call_t,
) {
    instantiate(call, |context| cast::linker_ref(linker).instantiate(context, cast::module(module)));
}

/// Instantiates a module whose imports have been found. The counterpart of `wasmtime_instance_pre_instantiate`.
///
/// # Safety
///
/// As for `wasmtime_binding_linker_instantiate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_pre_instantiate(
    pre: &wasmtime_instance_pre_t,
    call: *mut wasmtime_binding_call_t,
) {
    instantiate(call, |context| cast::instance_pre(pre).instantiate(context));
}

/// Instantiates a module with imports in its order. The counterpart of `wasmtime_instance_new`.
///
/// # Safety
///
/// As for `wasmtime_binding_linker_instantiate`; `imports` must be valid for `len` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_instance_new(
    module: &wasmtime_module_t,
    imports: *const wasmtime_extern_t,
    len: usize,
    call: *mut wasmtime_binding_call_t,
) {
    instantiate(call, |context| {
        // SAFETY: the caller vouches for the array.
        let imports = unsafe { cast::slice(imports, len) };
        // SAFETY: as above.
        let imports: Vec<Extern> = imports.iter().map(|item| unsafe { item.to_extern() }).collect();
        Instance::new(context, cast::module(module), &imports)
    });
}

/// Looks a definition up: writes it to `*out` and sets `*found`, or clears it. The counterpart of
/// `wasmtime_linker_get`.
///
/// # Safety
///
/// The names must be valid for their lengths, `out` for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_linker_get(
    linker: &wasmtime_linker_t,
    context: WasmtimeStoreContextMut<'_>,
    module: *const u8,
    module_len: usize,
    name: *const u8,
    name_len: usize,
    out: *mut wasmtime_extern_t,
    found: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *found = false;
        // SAFETY: the caller vouches for the names.
        let (module, name) = unsafe { (cast::str(module, module_len)?, cast::str(name, name_len)?) };
        if let Ok(item) = cast::linker_ref(linker).get(context, module, name) {
            *found = true;
            // SAFETY: the caller vouches for `out`.
            unsafe { out.write(item.into()) };
        }
        Ok(())
    })
}

/// Looks up the default function of a module name. The counterpart of `wasmtime_linker_get_default`.
///
/// # Safety
///
/// `name` must be valid for `name_len` bytes, `out` for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_linker_get_default(
    linker: &wasmtime_linker_t,
    context: WasmtimeStoreContextMut<'_>,
    name: *const u8,
    name_len: usize,
    out: *mut Func,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the name.
        let name = unsafe { cast::str(name, name_len)? };
        let func = cast::linker_ref(linker).get_default(context, name)?;
        // SAFETY: the caller vouches for `out`.
        unsafe { out.write(func) };
        Ok(())
    })
}

/// Defines a module's exports under a name, instantiating it as a command or a reactor. The counterpart of
/// `wasmtime_linker_module`.
///
/// # Safety
///
/// `name` must be valid for `name_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_linker_module(
    linker: &mut wasmtime_linker_t,
    context: WasmtimeStoreContextMut<'_>,
    name: *const u8,
    name_len: usize,
    module: &wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the name.
        let name = unsafe { cast::str(name, name_len)? };
        let module = cast::module(module);
        Whole::instantiating(context.data());
        if module.get_export("_start").is_some() {
            defining_command();
        }
        cast::linker(linker).module(context, name, module)?;
        Ok(())
    })
}
