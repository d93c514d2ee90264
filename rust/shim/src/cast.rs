//! The doors from the C API's wrappers to the Rust objects inside.
//!
//! `wasmtime-c-api-impl` keeps the one field of its wrappers private. For the version that the workspace pins, each
//! wrapper holds exactly that field, so a pointer to the wrapper is a pointer to the object; the checks below stop the
//! build if a release changes size or alignment.

use crate::error::{ExtError, wasmtime_error_code_t};
use std::ffi::c_void;
use wasmtime::component::{Component, Linker as ComponentLinker};
use wasmtime::{Config, Engine, Error, InstancePre, Linker, Module, Store};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, WasmtimeStoreData, wasm_config_t, wasm_engine_t, wasm_trap_t, wasmtime_component_linker_t,
    wasmtime_component_t, wasmtime_error_t, wasmtime_instance_pre_t, wasmtime_linker_t, wasmtime_module_t,
    wasmtime_store_t,
};

/// Fails to compile unless `Outer` and `Inner` have the same size and alignment.
struct SameLayout<Outer, Inner>(std::marker::PhantomData<(Outer, Inner)>);

impl<Outer, Inner> SameLayout<Outer, Inner> {
    const CHECK: () = assert!(size_of::<Outer>() == size_of::<Inner>() && align_of::<Outer>() == align_of::<Inner>());
}

macro_rules! door {
    ($(#[$doc:meta])* $name:ident: $outer:ty => $inner:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(outer: &$outer) -> &$inner {
            const { SameLayout::<$outer, $inner>::CHECK };
            // SAFETY: the wrapper's only field is the inner object (see the module's comment), so both live at one
            // address; the borrow carries over.
            unsafe { &*std::ptr::from_ref(outer).cast() }
        }
    };
    ($(#[$doc:meta])* mut $name:ident: $outer:ty => $inner:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(outer: &mut $outer) -> &mut $inner {
            const { SameLayout::<$outer, $inner>::CHECK };
            // SAFETY: as above, and the exclusive borrow carries over.
            unsafe { &mut *std::ptr::from_mut(outer).cast() }
        }
    };
}

door!(
    /// The engine in its C wrapper.
    engine: wasm_engine_t => Engine
);
door!(
    /// The error in its C wrapper.
    error: wasmtime_error_t => Error
);
door!(
    /// The module in its C wrapper.
    module: wasmtime_module_t => Module
);
door!(
    /// The component in its C wrapper.
    component: wasmtime_component_t => Component
);
door!(
    /// The linker in its C wrapper.
    mut linker: wasmtime_linker_t => Linker<WasmtimeStoreData>
);
door!(
    /// The linker in its C wrapper, to look things up.
    linker_ref: wasmtime_linker_t => Linker<WasmtimeStoreData>
);
door!(
    /// The components' linker in its C wrapper.
    mut component_linker: wasmtime_component_linker_t => ComponentLinker<WasmtimeStoreData>
);
door!(
    /// The components' linker in its C wrapper, to look things up.
    component_linker_ref: wasmtime_component_linker_t => ComponentLinker<WasmtimeStoreData>
);
door!(
    /// The module with its imports in its C wrapper.
    instance_pre: wasmtime_instance_pre_t => InstancePre<WasmtimeStoreData>
);
door!(
    /// The store in its C wrapper.
    mut store: wasmtime_store_t => Store<WasmtimeStoreData>
);
door!(
    /// The configuration in its C wrapper.
    mut config: wasm_config_t => Config
);

/// Where a store's context is, as C has it.
#[derive(Clone, Copy)]
pub(crate) struct StoreAddress(*mut c_void);

impl StoreAddress {
    /// The address of a context. It stays valid as long as the store.
    pub(crate) fn of(context: WasmtimeStoreContextMut<'_>) -> StoreAddress {
        // SAFETY: a context is a transparent wrapper of one reference, which is how the official API hands it to C.
        StoreAddress(unsafe { std::mem::transmute::<WasmtimeStoreContextMut<'_>, *mut c_void>(context) })
    }

    /// The address, for C.
    pub(crate) fn pointer(self) -> *mut c_void {
        self.0
    }

    /// The context.
    ///
    /// # Safety
    ///
    /// The store must be live, and whoever asks be the one that uses it.
    pub(crate) unsafe fn context<'a>(self) -> WasmtimeStoreContextMut<'a> {
        // SAFETY: as in `of`, and as the caller promises.
        unsafe { std::mem::transmute::<*mut c_void, WasmtimeStoreContextMut<'a>>(self.0) }
    }
}

/// What the C API keeps in a store.
#[inline]
pub(crate) fn data(mut context: WasmtimeStoreContextMut<'_>) -> &mut WasmtimeStoreData {
    let data = std::ptr::from_mut(context.data_mut());
    // SAFETY: the borrow that the context was goes on as that of the data.
    unsafe { &mut *data }
}

/// Puts an engine into its C wrapper.
pub(crate) fn wrap_engine(engine: Engine) -> wasm_engine_t {
    // SAFETY: the wrapper's only field is the engine; `transmute` checks the size.
    unsafe { std::mem::transmute::<Engine, wasm_engine_t>(engine) }
}

/// Puts a module into its C wrapper.
pub(crate) fn wrap_module(module: Module) -> wasmtime_module_t {
    // SAFETY: the wrapper's only field is the module; `transmute` checks the size.
    unsafe { std::mem::transmute::<Module, wasmtime_module_t>(module) }
}

/// Puts a component into its C wrapper.
pub(crate) fn wrap_component(component: Component) -> wasmtime_component_t {
    // SAFETY: as above.
    unsafe { std::mem::transmute::<Component, wasmtime_component_t>(component) }
}

/// Puts an error into a C trap.
pub(crate) fn wrap_trap(error: Error) -> wasm_trap_t {
    // SAFETY: the trap's only field is the error; `transmute` checks the size.
    unsafe { std::mem::transmute::<Error, wasm_trap_t>(error) }
}

/// Takes the error out of a C trap.
pub(crate) fn unwrap_trap(trap: wasm_trap_t) -> Error {
    // SAFETY: as in `wrap_trap`.
    unsafe { std::mem::transmute::<wasm_trap_t, Error>(trap) }
}

/// Borrows an array from C; a null pointer is allowed when `len` is 0.
///
/// # Safety
///
/// `ptr` must be valid for `len` entries for as long as the result is used.
pub(crate) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    match len {
        0 => &[],
        // SAFETY: the caller vouches for the pointer.
        _ => unsafe { std::slice::from_raw_parts(ptr, len) },
    }
}

/// Borrows bytes from C, as `slice` does.
///
/// # Safety
///
/// As for `slice`.
pub(crate) unsafe fn bytes<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: the caller vouches for the pointer.
    unsafe { slice(ptr, len) }
}

/// Borrows a string from C, as `bytes` does; bytes that are not UTF-8 are a `WASMTIME_ERROR_BAD_ARGUMENT`.
///
/// # Safety
///
/// As for `bytes`.
pub(crate) unsafe fn str<'a>(ptr: *const u8, len: usize) -> wasmtime::Result<&'a str> {
    // SAFETY: the caller vouches for the pointer.
    let bytes = unsafe { bytes(ptr, len) };
    std::str::from_utf8(bytes).map_err(|e| {
        ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, format!("a name is not UTF-8: {e}"))
    })
}
door!(
    /// The WASI configuration in its C wrapper.
    mut wasi_config: wasmtime_c_api::wasi_config_t => wasmtime_wasi::WasiCtxBuilder
);
