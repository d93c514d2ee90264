//! Errors that the extension itself reports, each with a code that a binding can turn into a typed error.

use std::fmt;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime::component::ResourceTableError;
use wasmtime_c_api::wasmtime_error_t;

/// What went wrong, as a number that crosses the C boundary. `wasmtime_error_code` returns it.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "cbindgen prints the names as they stand")]
pub enum wasmtime_error_code_t {
    /// The error comes from Wasmtime itself.
    WASMTIME_ERROR_OTHER = 0,
    /// A Rust panic was caught at the boundary: a defect in the library.
    WASMTIME_ERROR_PANIC = 1,
    /// The platform or the library cannot do what was asked.
    WASMTIME_ERROR_UNSUPPORTED = 2,
    /// The store has no WASI configuration.
    WASMTIME_ERROR_NO_WASI = 3,
    /// The access mode is none of read-only, write-only and read-write.
    WASMTIME_ERROR_BAD_ACCESS_MODE = 4,
    /// The guest descriptor number is out of range.
    WASMTIME_ERROR_FD_OUT_OF_RANGE = 5,
    /// The guest descriptor number is in range but not open.
    WASMTIME_ERROR_FD_NOT_OPEN = 6,
    /// The host descriptor is closed or invalid.
    WASMTIME_ERROR_BAD_HOST_FILE = 7,
    /// An argument is malformed: not UTF-8, null where it must not be, or of a wrong length.
    WASMTIME_ERROR_BAD_ARGUMENT = 8,
    /// A pool of the engine's allocator has no room: `PoolConcurrencyLimitError` of Wasmtime.
    WASMTIME_ERROR_POOL_FULL = 9,
    /// The bytes are a core module, or a compiled one, where a component has to be.
    WASMTIME_ERROR_NOT_COMPONENT = 10,
    /// The instance of a component cannot be entered any more: a call of it trapped, was interrupted, or failed in a
    /// way that leaves it half done.
    WASMTIME_ERROR_COMPONENT_UNUSABLE = 11,
    /// A handle of a resource does not exist any more, is of another resource, is lent to a call that still runs, is
    /// given away twice, or is only borrowed where it has to be owned.
    WASMTIME_ERROR_BAD_HANDLE = 12,
    /// The store has as many handles of resources as it may have. The frame of a call says whether the guest was
    /// entered, and whether its instance can still be called.
    WASMTIME_ERROR_HANDLE_LIMIT = 13,
    /// A component has broken the canonical ABI: it gave the host what is no value of its type.
    WASMTIME_ERROR_GUEST_ABI = 14,
    /// A component hands over more bytes in one call than the hostcall fuel of its store allows.
    WASMTIME_ERROR_HOSTCALL_FUEL = 15,
    /// A resource of WASI 0.2 cannot be dropped as long as others are there that were made of it: a socket before its
    /// streams, a stream before its pollables. It stays what it was.
    WASMTIME_ERROR_HAS_CHILDREN = 16,
}

/// An error of the extension: a code for programs and a sentence for people.
#[derive(Debug)]
pub(crate) struct ExtError {
    pub(crate) code: wasmtime_error_code_t,
    pub(crate) message: String,
}

impl ExtError {
    /// Makes a `wasmtime::Error` that still knows its code.
    pub(crate) fn error(code: wasmtime_error_code_t, message: impl Into<String>) -> wasmtime::Error {
        wasmtime::Error::new(ExtError { code, message: message.into() })
    }
}

impl fmt::Display for ExtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExtError {}

/// Returns the code of an error that the extension made or knows, and `WASMTIME_ERROR_OTHER` for any other error.
///
/// Does not take ownership of `error`.
///
/// # Safety
///
/// `error` must point to a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_error_code(error: &wasmtime_error_t) -> wasmtime_error_code_t {
    code_of(crate::cast::error(error))
}

/// The code of an error.
pub(crate) fn code_of(error: &wasmtime::Error) -> wasmtime_error_code_t {
    match error.downcast_ref::<ExtError>() {
        Some(own) => own.code,
        None if matches!(error.downcast_ref(), Some(ResourceTableError::HasChildren)) => {
            wasmtime_error_code_t::WASMTIME_ERROR_HAS_CHILDREN
        }
        None if error.is::<PoolConcurrencyLimitError>() => wasmtime_error_code_t::WASMTIME_ERROR_POOL_FULL,
        None => wasmtime_error_code_t::WASMTIME_ERROR_OTHER,
    }
}
