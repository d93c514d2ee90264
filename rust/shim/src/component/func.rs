//! A component's functions, found by the way to them.

use super::call::{Args, Exported, Results, Sought};
use super::instance::find;
use super::wide;
use crate::cast::StoreAddress;
use crate::guard::guard;
use std::ffi::c_void;
use wasmtime::component::{Func, Instance};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};

/// A function of an instance, with what is known of its type. It holds nothing of the store: it can be deleted by any
/// thread, also after the store.
pub struct wasmtime_binding_component_func_t {
    pub(super) typed: Exported,
    pub(super) params: Sought,
    pub(super) results: Sought,
    /// The store's context.
    pub(super) context: *mut c_void,
    /// The number of the instance in its store.
    pub(super) instance: u32,
    /// Whether its type is async.
    pub(super) is_async: bool,
}

/// Looks a function up and stores it in `*out`, to be deleted with `wasmtime_binding_component_func_delete`; null if
/// there is none.
///
/// `path` is one string after the other, each a `uint32_t` length and UTF-8: the names of the instances in which the
/// function is, from the outside to the inside, and its own. A version of an instance may be any that is compatible.
/// A function whose type has a future, a stream or an error-context, or is too large, or whose values the component
/// has in a 64-bit memory, is a `WASMTIME_ERROR_UNSUPPORTED`; one that is lifted asynchronously is one when it is
/// called. The counterpart of `wasmtime_component_instance_get_func`.
///
/// # Safety
///
/// `instance` must belong to the store of `context`, and `path` be valid for `path_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_instance_func(
    mut context: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    path: *const u8,
    path_len: usize,
    out: &mut *mut wasmtime_binding_component_func_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        *out = std::ptr::null_mut();
        // SAFETY: the caller vouches for the path.
        let found = unsafe { find(&mut context, instance, path, path_len)? };
        let Some(func) = found.and_then(|index| instance.get_func(&mut context, index)) else {
            return Ok(());
        };
        let (number, export) = numbers(&func);
        if wide::allowed(context.engine()) {
            wide::check_export(instance.instance_pre(&context).component(), export)?;
        }
        let (typed, params, results) = Sought::both(|| func.typed::<Args, Results>(&context))?;
        let is_async = func.ty(&context).async_();
        let context = StoreAddress::of(context).pointer();
        let func = wasmtime_binding_component_func_t { typed, params, results, context, instance: number, is_async };
        *out = Box::into_raw(Box::new(func));
        Ok(())
    })
}

/// Deletes a function.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_func_delete(_: Box<wasmtime_binding_component_func_t>) {}

/// The numbers of an instance in its store, and of a function of that in its component.
fn numbers(func: &Func) -> (u32, u32) {
    /// Instances and functions as the C API declares them.
    #[repr(C)]
    struct Mirror {
        instance: InstanceMirror,
        export: u32,
    }
    #[repr(C)]
    struct InstanceMirror {
        store: u64,
        number: u32,
    }
    const _: () = assert!(size_of::<Mirror>() == size_of::<Func>() && align_of::<Mirror>() == align_of::<Func>());
    // SAFETY: upstream keeps the two alike, and checks that when it is compiled.
    let mirror = unsafe { &*std::ptr::from_ref(func).cast::<Mirror>() };
    (mirror.instance.number, mirror.export)
}
