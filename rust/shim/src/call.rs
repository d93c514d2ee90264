//! Calls into a guest through one caller-owned frame: one pointer crosses the boundary, nothing is allocated.

use crate::cast;
use crate::guard::panic_error;
use crate::store::Whole;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime::{Error, Func, ThrownException, Trap, ValRaw};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasm_trap_t, wasmtime_error_t};

/// A call: what to call, where its arguments are, and where its outcome goes.
///
/// `slots` holds the arguments on the way in and the results on the way out. It belongs to the caller, has `len`
/// entries, and `len` is at least the larger of the number of parameters and of results.
#[repr(C)]
pub struct wasmtime_binding_call_t {
    /// The context of the store that the function belongs to: a `wasmtime_context_t *`.
    pub context: *mut c_void,
    /// The function: a `wasmtime_func_t`.
    pub func: [u64; 2],
    /// Arguments, then results.
    pub slots: *mut ValRaw,
    /// The number of entries in `slots`.
    pub len: usize,
    /// Set when the call failed otherwise than by a trap: owned by the caller. Null before and after a success.
    pub error: *mut wasmtime_error_t,
    /// Set when the call trapped: owned by the caller. Null before and after a success.
    pub trap: *mut wasm_trap_t,
}

/// Makes the call. Returns 0 when it succeeded, 1 when `error` or `trap` is set.
///
/// Like `wasmtime_func_call_unchecked`, it does not check the types of the arguments; unlike it, a panic in the library
/// becomes an error. A nested call may use the same frame while this one runs: everything is read from it before the
/// guest is entered, and the outcome is written when it has left.
///
/// # Safety
///
/// All of `call` must be as `wasmtime_binding_call_t` says, and the arguments must have the function's types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_call(call: *mut wasmtime_binding_call_t) -> u32 {
    // SAFETY: the caller vouches for the frame.
    let slots = unsafe { std::ptr::slice_from_raw_parts_mut((*call).slots, (*call).len) };
    // SAFETY: the caller vouches for the arguments.
    run(call, |context| unsafe { function(call).call_unchecked(context, slots) })
}

/// The frame's function.
///
/// # Safety
///
/// The frame must hold one, of its store.
pub(crate) unsafe fn function(call: *const wasmtime_binding_call_t) -> Func {
    // SAFETY: a `Func` is two words (checked in `values.rs`), which the caller vouches for.
    unsafe { std::mem::transmute::<[u64; 2], Func>((*call).func) }
}

/// Runs `f` with the frame's store, and puts a failure where the caller looks for it: traps and uncaught
/// exceptions apart from everything else.
#[inline]
pub(crate) fn run(
    call: *mut wasmtime_binding_call_t,
    f: impl FnOnce(&mut WasmtimeStoreContextMut<'static>) -> wasmtime::Result<()>,
) -> u32 {
    // SAFETY: the caller vouches for the frame.
    attempt(call, || entering(unsafe { (*call).context }, f))
}

/// Runs `f`, and puts a failure into the frame. Returns 0 when it succeeded.
#[inline]
pub(crate) fn attempt(call: *mut wasmtime_binding_call_t, f: impl FnOnce() -> wasmtime::Result<()>) -> u32 {
    match caught(f) {
        Ok(()) => 0,
        // SAFETY: the frame is valid, and no borrow of it is left.
        Err(error) => unsafe { store_failure(&mut *call, error) },
    }
}

/// Runs `f`, which enters a guest, with the store that has this context. A panic becomes an error.
#[inline]
pub(crate) fn guarded(
    context: *mut c_void,
    f: impl FnOnce(&mut WasmtimeStoreContextMut<'static>) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    caught(|| entering(context, f))
}

/// Runs `f` with the store that has this context, and tells it that the host is about to enter a guest.
#[inline]
fn entering(
    context: *mut c_void,
    f: impl FnOnce(&mut WasmtimeStoreContextMut<'static>) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    // SAFETY: a frame is valid for its call, and nothing else borrows the store until it returns.
    let mut context = unsafe { std::mem::transmute::<*mut c_void, WasmtimeStoreContextMut<'static>>(context) };
    Whole::entering(context.data());
    f(&mut context)
}

/// Runs `f`. A panic becomes an error.
#[inline]
fn caught(f: impl FnOnce() -> wasmtime::Result<()>) -> wasmtime::Result<()> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(panic_error(payload)))
}

/// Whether a failure is a trap to the caller: traps and uncaught exceptions are, everything else is an error.
pub(crate) fn is_trap(error: &Error) -> bool {
    error.is::<Trap>() || error.is::<ThrownException>()
}

#[cold]
fn store_failure(call: &mut wasmtime_binding_call_t, error: Error) -> u32 {
    if is_trap(&error) {
        call.trap = Box::into_raw(Box::new(cast::wrap_trap(error)));
    } else {
        call.error = Box::into_raw(Box::new(error.into()));
    }
    1
}
