//! Modules from their bytes, guarded: what would end the process in the official API, where a panic of
//! the compiler cannot unwind through C, is an error here whose code is `WASMTIME_ERROR_PANIC`.
//!
//! Otherwise each function is what its counterpart in the official API is.

use crate::cast;
use crate::guard::guard;
use std::ffi::{CStr, c_char};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Module, Result};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_engine_t, wasmtime_error_t, wasmtime_module_t};

/// Compiles a module and stores it in `*out`. The counterpart of `wasmtime_module_new`.
///
/// # Safety
///
/// `wasm` must be valid for `len` bytes.
#[cfg(any(feature = "cranelift", feature = "winch"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_module_new(
    engine: &wasm_engine_t,
    wasm: *const u8,
    len: usize,
    out: &mut *mut wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the bytes.
    module(engine, out, |engine| Module::from_binary(engine, unsafe { cast::bytes(wasm, len) }))
}

/// Checks a module without compiling it. The counterpart of `wasmtime_module_validate`.
///
/// # Safety
///
/// `wasm` must be valid for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_module_validate(
    engine: &wasm_engine_t,
    wasm: *const u8,
    len: usize,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the bytes.
    guard(|| Module::validate(cast::engine(engine), unsafe { cast::bytes(wasm, len) }))
}

/// Writes a compiled module to `*out`, which the caller owns. The counterpart of `wasmtime_module_serialize`.
#[cfg(any(feature = "cranelift", feature = "winch"))]
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_module_serialize(
    module: &wasmtime_module_t,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        out.set_buffer(cast::module(module).serialize()?);
        Ok(())
    })
}

/// Loads what `wasmtime_binding_module_serialize` has written. The counterpart of `wasmtime_module_deserialize`.
///
/// # Safety
///
/// `bytes` must be valid for `len` bytes, and come from a source that is trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_module_deserialize(
    engine: &wasm_engine_t,
    bytes: *const u8,
    len: usize,
    out: &mut *mut wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the bytes.
    module(engine, out, |engine| unsafe { Module::deserialize(engine, cast::bytes(bytes, len)) })
}

/// Maps a file that holds what `wasmtime_binding_module_serialize` has written. The counterpart of
/// `wasmtime_module_deserialize_file`.
///
/// # Safety
///
/// `path` must be valid for `len` bytes; the file must come from a source that is trusted, and not change as long as it
/// is mapped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_module_deserialize_file(
    engine: &wasm_engine_t,
    path: *const u8,
    len: usize,
    out: &mut *mut wasmtime_module_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the path and the file.
    module(engine, out, |engine| unsafe {
        let path = std::str::from_utf8(cast::bytes(path, len)).context("input path is not valid utf-8")?;
        Module::deserialize_file(engine, path)
    })
}

/// Turns the text format into the binary one. The counterpart of `wasmtime_wat2wasm`.
///
/// # Safety
///
/// `wat` must be valid for `len` bytes.
#[cfg(feature = "wat")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_wat2wasm(
    wat: *const c_char,
    len: usize,
    out: &mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the bytes.
        let wat = unsafe { cast::bytes(wat.cast(), len) };
        let wat = std::str::from_utf8(wat).map_err(|_| wasmtime::Error::msg("input was not valid utf-8"))?;
        out.set_buffer(wat::parse_str(wat)?);
        Ok(())
    })
}

/// Stores the module that `make` makes.
fn module(
    engine: &wasm_engine_t,
    out: &mut *mut wasmtime_module_t,
    make: impl FnOnce(&Engine) -> Result<Module>,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let module = make(cast::engine(engine))?;
        *out = Box::into_raw(Box::new(cast::wrap_module(module)));
        Ok(())
    })
}

/// A path, which the official API takes as UTF-8 only.
///
/// # Safety
///
/// `path` must end in a zero and stay there as long as the result.
pub(crate) unsafe fn path_of<'a>(path: *const c_char) -> Result<&'a str> {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(path) }.to_str().context("input path is not valid utf-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::wasmtime_error_code;
    use crate::error::wasmtime_error_code_t::WASMTIME_ERROR_PANIC;
    use std::ptr;
    use std::sync::Arc;
    use wasmtime::{Config, CustomCodeMemory};

    /// Panics where the code of a module is about to become executable.
    struct Panics;

    impl CustomCodeMemory for Panics {
        fn required_alignment(&self) -> usize {
            1
        }

        fn publish_executable(&self, _: *const u8, _: usize) -> Result<()> {
            panic!("as the test wants it")
        }

        fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<()> {
            Ok(())
        }
    }

    /// The official functions would end the process here.
    #[test]
    fn panics_are_errors() {
        let good = cast::wrap_engine(Engine::default());
        let mut config = Config::new();
        config.with_custom_code_memory(Some(Arc::new(Panics)));
        let bad = cast::wrap_engine(Engine::new(&config).unwrap());

        let wat = "(module (func (export \"f\")))";
        let mut wasm = wasm_byte_vec_t::from(Vec::new());
        let mut compiled = wasm_byte_vec_t::from(Vec::new());
        let mut made = ptr::null_mut();
        // SAFETY: all pointers are valid for their lengths, and the module is this test's own.
        unsafe {
            assert!(wasmtime_binding_wat2wasm(wat.as_ptr().cast(), wat.len(), &mut wasm).is_none());
            let bytes = wasm.as_slice();
            assert!(wasmtime_binding_module_validate(&bad, bytes.as_ptr(), bytes.len()).is_none());
            assert!(wasmtime_binding_module_new(&good, bytes.as_ptr(), bytes.len(), &mut made).is_none());
            let module = Box::from_raw(made);
            assert!(wasmtime_binding_module_serialize(&module, &mut compiled).is_none());
            let mut none = ptr::null_mut();
            let code = compiled.as_slice();
            for error in [
                wasmtime_binding_module_new(&bad, bytes.as_ptr(), bytes.len(), &mut none),
                wasmtime_binding_module_deserialize(&bad, code.as_ptr(), code.len(), &mut none),
            ] {
                let error = error.expect("a panic");
                assert_eq!(wasmtime_error_code(&error), WASMTIME_ERROR_PANIC);
                let text = format!("{:?}", cast::error(&error));
                assert!(text.contains("as the test wants it"), "{text}");
                assert!(none.is_null());
            }
        }
    }
}
