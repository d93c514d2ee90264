//! Components from their bytes, guarded as modules are (`compile.rs`); a module is told from what is broken.

use super::wide;
use crate::cast;
use crate::compile::path_of;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::guard::guard;
use std::ffi::c_char;
use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled, Result};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_engine_t, wasmtime_component_t, wasmtime_error_t};

/// Compiles a component, from the binary format or the text, and stores it in `*out`. A core module is a
/// `WASMTIME_ERROR_NOT_COMPONENT`, a resource that is represented by 64 bits a `WASMTIME_ERROR_UNSUPPORTED`. The
/// counterpart of `wasmtime_component_new`.
///
/// # Safety
///
/// `wasm` must be valid for `len` bytes.
#[cfg(any(feature = "cranelift", feature = "winch"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_new(
    engine: &wasm_engine_t,
    wasm: *const u8,
    len: usize,
    out: &mut *mut wasmtime_component_t,
) -> Option<Box<wasmtime_error_t>> {
    component(engine, out, |engine| {
        // SAFETY: the caller vouches for the bytes.
        let bytes = unsafe { cast::bytes(wasm, len) };
        #[cfg(feature = "wat")]
        let bytes = &*wat::parse_bytes(bytes)?;
        // The magic, then the version and the layer: 0 is a module.
        match bytes {
            [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(not_component("this is a core module, not a component")),
            _ => {
                wide::check_resources(engine, bytes)?;
                Component::from_binary(engine, bytes)
            }
        }
    })
}

/// Writes a compiled component to `*out`, which the caller owns. The counterpart of `wasmtime_component_serialize`.
#[cfg(any(feature = "cranelift", feature = "winch"))]
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_serialize(
    component: &wasmtime_component_t,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        out.set_buffer(cast::component(component).serialize()?);
        Ok(())
    })
}

/// Loads what `wasmtime_binding_component_serialize` has written. A compiled module is a
/// `WASMTIME_ERROR_NOT_COMPONENT`. The counterpart of `wasmtime_component_deserialize`.
///
/// # Safety
///
/// `bytes` must be valid for `len` bytes, and come from a source that is trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_deserialize(
    engine: &wasm_engine_t,
    bytes: *const u8,
    len: usize,
    out: &mut *mut wasmtime_component_t,
) -> Option<Box<wasmtime_error_t>> {
    component(engine, out, |engine| {
        // SAFETY: the caller vouches for the bytes.
        let bytes = unsafe { cast::bytes(bytes, len) };
        no_module(Engine::detect_precompiled(bytes))?;
        // SAFETY: as above.
        unsafe { Component::deserialize(engine, bytes) }
    })
}

/// Maps a file that holds what `wasmtime_binding_component_serialize` has written. A compiled module is a
/// `WASMTIME_ERROR_NOT_COMPONENT`. The counterpart of `wasmtime_component_deserialize_file`.
///
/// # Safety
///
/// As for `wasmtime_binding_module_deserialize_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_deserialize_file(
    engine: &wasm_engine_t,
    path: *const c_char,
    out: &mut *mut wasmtime_component_t,
) -> Option<Box<wasmtime_error_t>> {
    component(engine, out, |engine| {
        // SAFETY: the caller vouches for the path.
        let path = unsafe { path_of(path)? };
        // What cannot be read is told below.
        no_module(Engine::detect_precompiled_file(path).ok().flatten())?;
        // SAFETY: the caller vouches for the file.
        unsafe { Component::deserialize_file(engine, path) }
    })
}

fn no_module(found: Option<Precompiled>) -> Result<()> {
    match found {
        Some(Precompiled::Module) => Err(not_component("this is a compiled core module, not a component")),
        _ => Ok(()),
    }
}

fn not_component(message: &str) -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_NOT_COMPONENT, message)
}

/// Stores the component that `make` makes.
fn component(
    engine: &wasm_engine_t,
    out: &mut *mut wasmtime_component_t,
    make: impl FnOnce(&Engine) -> Result<Component>,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let component = make(cast::engine(engine))?;
        *out = Box::into_raw(Box::new(cast::wrap_component(component)));
        Ok(())
    })
}
