//! Definitions for components in the official linker.

use super::host::{Host, Passed, wasmtime_binding_component_host_t};
use super::instance::wasmtime_binding_component_resource_t;
use super::{Data, path};
use crate::cast;
use crate::guard::guard;
use wasmtime::component::{Linker, LinkerInstance, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::{wasmtime_component_linker_t, wasmtime_component_t, wasmtime_error_t, wasmtime_module_t};

/// Defines a host function in a linker, for every component that imports it, whatever its type: that comes with each
/// call, and whether it can be sent is checked when a component is linked. A function that is `async` is not supported.
///
/// `path` is one string after the other, each a `uint32_t` length and UTF-8: the names of the instances in which the
/// function is, from the outside to the inside, and its own. The finalizer, if not null, runs once, with `env`, when
/// neither the linker nor any instance needs the function any more, or at once when the definition fails. The
/// counterpart of `wasmtime_component_linker_instance_add_func`.
///
/// # Safety
///
/// `path` must be valid for `path_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_linker_define_func(
    linker: &mut wasmtime_component_linker_t,
    path: *const u8,
    path_len: usize,
    host: &wasmtime_binding_component_host_t,
    env: u64,
) -> Option<Box<wasmtime_error_t>> {
    let host = Host::new(host, env);
    // SAFETY: the caller vouches for the path.
    guard(|| unsafe {
        at(cast::component_linker(linker), path, path_len, |instance, name| {
            instance.func_wrap(name, move |cx: StoreContextMut<'_, Data>, passed: Passed| host.call(cx, passed))
        })
    })
}

/// Defines a resource of the host's in a linker. Its handles are numbers that the host chooses, and knows resources by.
///
/// `number` makes it the same resource wherever it is defined with that number, and another one than any other. When a
/// guest drops a handle that it owns, `host` is called like a function that takes the handle, a `u32`, and has no
/// results. `path` and the finalizer are as for `wasmtime_binding_component_linker_define_func`. The counterpart of
/// `wasmtime_component_linker_instance_add_resource`, with `wasmtime::component::ResourceType::host_dynamic`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_linker_define_func`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_linker_define_resource(
    linker: &mut wasmtime_component_linker_t,
    path: *const u8,
    path_len: usize,
    number: u32,
    host: &wasmtime_binding_component_host_t,
    env: u64,
) -> Option<Box<wasmtime_error_t>> {
    let host = Host::new(host, env);
    // SAFETY: the caller vouches for the path.
    guard(|| unsafe {
        at(cast::component_linker(linker), path, path_len, |instance, name| {
            let ty = ResourceType::host_dynamic(number);
            instance.resource(name, ty, move |cx, handle| host.destroy(cx, handle))
        })
    })
}

/// Defines a core module in a linker, for components that import one. `path` is as for
/// `wasmtime_binding_component_linker_define_func`. The counterpart of
/// `wasmtime_component_linker_instance_add_module`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_linker_define_func`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_linker_define_module(
    linker: &mut wasmtime_component_linker_t,
    path: *const u8,
    path_len: usize,
    module: &wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the path.
    guard(|| unsafe {
        at(cast::component_linker(linker), path, path_len, |instance, name| instance.module(name, cast::module(module)))
    })
}

/// Defines a resource that an instance exports in a linker, for components that import it. Their handles of it are the
/// store's, not numbers of the host's; when such a component drops one that it owns, the resource's destructor does not
/// run. `path` is as for `wasmtime_binding_component_linker_define_func`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_linker_define_func`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_linker_define_exported_resource(
    linker: &mut wasmtime_component_linker_t,
    path: *const u8,
    path_len: usize,
    resource: &wasmtime_binding_component_resource_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the path.
    guard(|| unsafe {
        at(cast::component_linker(linker), path, path_len, |instance, name| {
            instance.resource(name, resource.ty, |_, _| Ok(()))
        })
    })
}

/// Defines each function and each resource that a component imports and the linker does not have: whoever calls one
/// traps. The counterpart of `wasmtime_component_linker_define_unknown_imports_as_traps`, guarded.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_linker_define_unknown_as_traps(
    linker: &mut wasmtime_component_linker_t,
    component: &wasmtime_component_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| cast::component_linker(linker).define_unknown_imports_as_traps(cast::component(component)))
}

/// Defines an item at the end of a path.
///
/// # Safety
///
/// `path` must be valid for `len` bytes.
unsafe fn at(
    linker: &mut Linker<Data>,
    path: *const u8,
    len: usize,
    define: impl FnOnce(&mut LinkerInstance<'_, Data>, &str) -> Result<()>,
) -> Result<()> {
    // SAFETY: the caller vouches for it.
    unsafe { define_at(linker, path, len, |_, instance, name| define(instance, name)) }
}

/// Defines an item at the end of a path; `define` gets the names on the way, the instance at their end, and the item's.
///
/// # Safety
///
/// `path` must be valid for `len` bytes.
pub(crate) unsafe fn define_at(
    linker: &mut Linker<Data>,
    path: *const u8,
    len: usize,
    define: impl FnOnce(&[&str], &mut LinkerInstance<'_, Data>, &str) -> Result<()>,
) -> Result<()> {
    // SAFETY: the caller vouches for it.
    let (instances, name) = unsafe { path::read(path, len)? };
    let mut instance = linker.root();
    for name in &instances {
        instance = instance.into_instance(name)?;
    }
    define(&instances, &mut instance, name)
}
