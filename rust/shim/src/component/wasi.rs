//! Resources of WASI 0.2 that a binding makes of the descriptors of a store.

use super::call::{fail, wasmtime_binding_component_call_t};
use super::handles::{self, End, Handles, bad};
use crate::call::guarded;
use crate::cast;
use crate::guard::guard;
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::wasi::{
    Apart, WASMTIME_WASI_BOTH_STREAMS, WASMTIME_WASI_TCP_SOCKET, WASMTIME_WASI_USE_OPEN, WASMTIME_WASI_USE_TAKE,
    WASMTIME_WASI_USED, WASMTIME_WASI_USED_OTHER, WASMTIME_WASI_USED_SERVED, forget, hand_error, hand_over, is_kind,
    number_of, opened, take_out, use_resource, wasmtime_binding_taken_callback_t, wasmtime_wasi_taken_t,
    wasmtime_wasi_use_t,
};
use std::slice;
use wasmtime::AsContextMut;
use wasmtime::StoreContextMut;
use wasmtime_c_api::wasmtime_error_t;

/// Takes a descriptor out of a store that was configured by `wasmtime_binding_store_set_wasi`, and makes it a resource
/// of WASI 0.2, to be passed to a component or returned by a host function. So whatever can be inserted for a module
/// can be handed to a component. `what` is one of `WASMTIME_WASI_DESCRIPTOR`, `WASMTIME_WASI_INPUT_STREAM`,
/// `WASMTIME_WASI_OUTPUT_STREAM`, `WASMTIME_WASI_BOTH_STREAMS`, `WASMTIME_WASI_POLLABLE` and
/// `WASMTIME_WASI_TCP_SOCKET`.
///
/// `out` gets the handle, and with `WASMTIME_WASI_BOTH_STREAMS` that of the output behind it; with
/// `WASMTIME_WASI_TCP_SOCKET` those of the streams of a connection, in the same order, and 0 twice for a listener. The
/// host owns them; they are dropped with `wasmtime_binding_component_resource_drop`. A stream of a file begins where
/// its position is.
///
/// Returns null, or an error that the caller owns: `WASMTIME_ERROR_FD_NOT_OPEN`, `WASMTIME_ERROR_HANDLE_LIMIT`,
/// `WASMTIME_ERROR_NO_WASI`, and `WASMTIME_ERROR_BAD_ARGUMENT` for what cannot become that. The descriptor stays where
/// it is then.
///
/// # Safety
///
/// `store` must be live and not in use but by a host function, and `out` be writable for as many handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_wasi_take(
    store: *mut wasmtime_binding_store_t,
    guest_fd: u32,
    what: u32,
    out: *mut u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the store; nobody else uses what it has for components now.
        let (context, handles) = unsafe {
            let whole = Whole::of(store);
            (cast::store(&mut (*whole).store).as_context_mut(), &mut (*Whole::state(whole)).handles)
        };
        let many = match what {
            WASMTIME_WASI_BOTH_STREAMS => 2,
            WASMTIME_WASI_TCP_SOCKET => 3,
            _ => 1,
        };
        if handles.room() < many {
            return Err(handles::full("a descriptor"));
        }
        for i in 0..many {
            // SAFETY: the caller promises that there is room for it.
            unsafe { out.add(i).write(0) };
        }
        for (i, resource) in hand_over(context, guest_fd, what)?.into_iter().enumerate() {
            let handle = handles.insert(resource, None).ok_or_else(|| handles::full("a descriptor"))?;
            // SAFETY: the caller promises that there is room for it.
            unsafe { out.add(i).write(handle) };
        }
        Ok(())
    })
}

/// Makes a text of `len` bytes an `error` of `wasi:io`, which says it as its debug string, in a store that was
/// configured by `wasmtime_binding_store_set_wasi`. `out` gets the handle, which the host owns.
///
/// Returns null, or an error that the caller owns: `WASMTIME_ERROR_HANDLE_LIMIT`, `WASMTIME_ERROR_NO_WASI`.
///
/// # Safety
///
/// `store` must be live and not in use but by a host function, and `out` be writable. `text` may be null if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_wasi_error(
    store: *mut wasmtime_binding_store_t,
    text: *const u8,
    len: usize,
    out: *mut u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the store; nobody else uses what it has for components now.
        let (context, handles) = unsafe {
            let whole = Whole::of(store);
            (cast::store(&mut (*whole).store).as_context_mut(), &mut (*Whole::state(whole)).handles)
        };
        // SAFETY: the caller vouches for the text.
        let text = if len == 0 { &[] } else { unsafe { slice::from_raw_parts(text, len) } };
        if handles.room() == 0 {
            return Err(handles::full("an error"));
        }
        let error = hand_error(context, String::from_utf8_lossy(text).into_owned())?;
        let handle = handles.insert(error, None).ok_or_else(|| handles::full("an error"))?;
        // SAFETY: the caller vouches for it.
        unsafe { out.write(handle) };
        Ok(())
    })
}

/// Does something with a stream that was taken out of a store, without waiting: `WASMTIME_WASI_USE_READ` or
/// `WASMTIME_WASI_USE_WRITE` in `request`, whose `kind` and `number` mean nothing. `WASMTIME_WASI_USED_WAITS` says that
/// it would have to wait. A write may take a part, and `count` says how much; what was written has arrived when another
/// one, of any length, does not have to wait.
///
/// # Safety
///
/// `taken` must be live and used by nobody else. `request` must be valid, and its buffer for as many bytes as it says;
/// nobody else may use either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_taken_use(
    taken: *mut wasmtime_wasi_taken_t,
    request: *mut wasmtime_wasi_use_t,
) {
    // SAFETY: the caller vouches for all of them.
    unsafe { (*taken).use_it(&mut *request) };
}

/// Has a callback called with `env`, once, when a stream that was taken out of a store may be ready. If that has been
/// asked for before and is yet to come, it is the earlier `env`.
///
/// # Safety
///
/// `taken` must be live and used by nobody else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_taken_watch(
    taken: *mut wasmtime_wasi_taken_t,
    callback: wasmtime_binding_taken_callback_t,
    env: u64,
) {
    // SAFETY: the caller vouches for it.
    unsafe { (*taken).watch(callback, env) };
}

/// Closes a stream that was taken out of a store. What was written and has not arrived is lost.
///
/// # Safety
///
/// `taken` must be owned and used by nobody else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_taken_delete(taken: *mut wasmtime_wasi_taken_t) {
    // SAFETY: the caller vouches for it.
    drop(unsafe { Box::from_raw(taken) });
}

/// Does something with a resource of WASI 0.2 for the host: with one that it owns, or that a component has lent to it.
/// What, and what comes of it, is in `request`.
///
/// What a component could do, the host can do as well, and no more. It waits where a component would, until there is
/// something or until the store is interrupted. Returns 0 when `request` says what came of it, and 1 when `error` or
/// `trap` in the frame is set: a `WASMTIME_ERROR_BAD_HANDLE` for a handle that is none any more, the trap of an
/// interrupt, what a callback of the binding has failed with, `WASMTIME_ERROR_HANDLE_LIMIT` when there is no handle
/// left for what is to be opened, `WASMTIME_ERROR_BAD_ARGUMENT`.
///
/// # Safety
///
/// As for `wasmtime_binding_component_call`. `request` must be valid, and its buffer for as many bytes as it says;
/// nobody else may use either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_wasi_use(
    call: *mut wasmtime_binding_component_call_t,
    handle: u32,
    request: *mut wasmtime_wasi_use_t,
) -> u32 {
    // SAFETY: the caller vouches for the frame and the request, and nobody else uses the store's state now.
    unsafe {
        let state = Whole::state(Whole::of_component(call));
        let handles = &raw mut (*state).handles;
        let outcome = guarded((*call).context, |context| {
            use_handle(context.as_context_mut(), &mut *handles, handle, &mut *request)
        });
        match outcome {
            Ok(()) => 0,
            Err(error) => fail(call, state, false, error),
        }
    }
}

/// # Safety
///
/// The request's buffer must be good.
unsafe fn use_handle(
    mut context: StoreContextMut<'_, super::Data>,
    handles: &mut Handles,
    handle: u32,
    request: &mut wasmtime_wasi_use_t,
) -> wasmtime::Result<()> {
    let (resource, known) = handles.known(handle)?;
    request.owned = resource.owned();
    if !is_kind(&resource, request.kind) {
        request.status = WASMTIME_WASI_USED_OTHER;
        return Ok(());
    }
    let number = match known {
        Some(number) => number,
        None => {
            let (resource, number) = number_of(context.as_context_mut(), resource, request.kind)
                .map_err(|_| bad("a handle that is lent to a call cannot be used before that returns"))?;
            handles.learn(handle, resource, number);
            number
        }
    };
    if request.what == WASMTIME_WASI_USE_TAKE {
        return take(context, handles, handle, number, request);
    }
    let opens = request.what == WASMTIME_WASI_USE_OPEN;
    if opens && handles.room() == 0 {
        return Err(handles::full("a descriptor"));
    }
    // A callback of the binding's may come by, but not into the store: nobody else uses the handles.
    // SAFETY: the caller vouches for the buffer.
    unsafe { use_resource(context.as_context_mut(), number, request) }?;
    if opens && request.status == WASMTIME_WASI_USED {
        let number = request.count as u32;
        let resource = opened(context, number)?;
        let handle = handles.insert(resource, Some(number)).ok_or_else(|| handles::full("a descriptor"))?;
        request.count = handle.into();
    }
    Ok(())
}

/// Takes the stream of a handle out of the store.
fn take(
    mut context: StoreContextMut<'_, super::Data>,
    handles: &mut Handles,
    handle: u32,
    number: u32,
    request: &mut wasmtime_wasi_use_t,
) -> wasmtime::Result<()> {
    if !request.owned {
        return Err(bad("a stream that is lent cannot be taken out of the store"));
    }
    (request.status, request.count) = match take_out(context.as_context_mut(), number, request.kind)? {
        Apart::Out(taken) => {
            let resource = handles.droppable(handle)?;
            handles.remove(handle, End::Dropped);
            forget(context, resource, request.kind)?;
            (WASMTIME_WASI_USED, Box::into_raw(taken).expose_provenance() as u64)
        }
        Apart::Served(number) => (WASMTIME_WASI_USED_SERVED, number),
        Apart::Not => (WASMTIME_WASI_USED_OTHER, 0),
    };
    Ok(())
}
