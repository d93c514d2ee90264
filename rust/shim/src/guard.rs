//! The one guard that every fallible export runs in: an error or a panic becomes a `wasmtime_error_t`.

use crate::error::{ExtError, wasmtime_error_code_t};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime_c_api::wasmtime_error_t;

/// Runs `f`; returns `None` (a null pointer in C) when it succeeds and an owned error when it fails or panics.
///
/// A panic that is caught here is reported as `WASMTIME_ERROR_PANIC`, so nothing unwinds into C.
pub(crate) fn guard(f: impl FnOnce() -> wasmtime::Result<()>) -> Option<Box<wasmtime_error_t>> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Box::new(error.into())),
        Err(payload) => Some(Box::new(panic_error(payload).into())),
    }
}

/// Describes a caught panic as an error.
pub(crate) fn panic_error(payload: Box<dyn Any + Send>) -> wasmtime::Error {
    let what = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&'static str>().copied())
        .unwrap_or("a payload that is not text");
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_PANIC, format!("the native library panicked: {what}"))
}
