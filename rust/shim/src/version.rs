//! Who the linked library is, so that a binding can refuse one that it was not written for.

use std::ffi::c_char;

/// The number of the interface in `wasmtime/ext.h`. It rises whenever a function or a layout there changes.
pub const WASMTIME_EXT_ABI: u32 = 8;

/// Returns the `WASMTIME_EXT_ABI` that the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_ext_abi() -> u32 {
    WASMTIME_EXT_ABI
}

/// Returns the version of Wasmtime in the library, such as `48.0.8`: a static, NUL-terminated string.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_ext_wasmtime_version() -> *const c_char {
    const VERSION: &str = concat!(env!("WASMTIME_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
