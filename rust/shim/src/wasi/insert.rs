//! Host files as guest descriptors: the C functions.

use super::descriptors::{Entry, LIMIT};
use super::fault::Fault;
use super::find::find;
use super::host::{AccessMode, HostDir, HostFile, is_directory};
use super::options::{bytes, wasmtime_wasi_string_t};
use super::state::State;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::guard::guard;
use std::ffi::c_void;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};

/// The guest may read the file.
pub const WASMTIME_FILE_READ_ONLY: u32 = 1;
/// The guest may write the file.
pub const WASMTIME_FILE_WRITE_ONLY: u32 = 2;
/// The guest may read and write the file.
pub const WASMTIME_FILE_READ_WRITE: u32 = 3;

/// Makes an open file of the host a guest's descriptor with a number of the caller's choice.
///
/// `host_fd` is a file descriptor cast to a pointer on Unix and a `HANDLE` on Windows. It can be a regular file, a
/// pipe, a terminal or another device, a socket (connected, a datagram socket, or a listener), or a directory, which
/// is inserted as by `wasmtime_context_insert_dir` without a name. It is duplicated: the caller keeps its own and may
/// close it as soon as the call returns, and closing the descriptor in the guest does not close the caller's. The
/// duplicate shares the open file with the original, so that both have *one* position: what the guest reads moves on
/// the host's side as well, as with `dup`.
///
/// `guest_fd` may be 0 to 1048575, 0, 1 and 2 included. If the guest has it open, what was there is closed first, as
/// `dup2` does.
///
/// `access_mode` is one of the `WASMTIME_FILE_*` constants. It is enforced whatever `host_fd` itself could do: a
/// guest that reads where it may only write gets `EBADF`, and the other way round.
///
/// Whether reading and writing wait belongs to the guest's descriptor, which blocks at first. `O_NONBLOCK` of the
/// host's open file is neither looked at nor changed. A guest that writes to a pipe without a reader gets `EPIPE`;
/// the process is not sent `SIGPIPE`.
///
/// Works in a store that was configured by `wasmtime_context_set_wasi_options` or `wasmtime_context_set_wasi`, for
/// guests that were linked through `wasmtime_linker_define_wasi_p1`. Configuring the store anew closes all descriptors.
///
/// Returns null, or an error that the caller owns; on an error nothing has changed. `wasmtime_error_code` tells them
/// apart: `WASMTIME_ERROR_BAD_ACCESS_MODE`, `WASMTIME_ERROR_FD_OUT_OF_RANGE`, `WASMTIME_ERROR_BAD_HOST_FILE` (closed
/// or no descriptor at all), `WASMTIME_ERROR_NO_WASI`, `WASMTIME_ERROR_UNSUPPORTED` (a kind of file that cannot be
/// inserted, or a platform on which none can).
///
/// # Safety
///
/// `context` must be live and not in use by another thread, and nobody may close `host_fd` during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_insert_file(
    context: WasmtimeStoreContextMut<'_>,
    guest_fd: u32,
    host_fd: *mut c_void,
    access_mode: u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        let access = AccessMode::from_number(access_mode)?;
        // SAFETY: the caller keeps `host_fd` as it is.
        insert(context, Place::At(guest_fd), |_| unsafe { duplicate(host_fd, access) })?;
        Ok(())
    })
}

/// Makes an open file of the host a guest's descriptor with the lowest free number, as `open` does.
///
/// Everything else is as with `wasmtime_context_insert_file`. The number is written to `guest_fd`, which is left
/// alone on an error. When no number is free the error's code is `WASMTIME_ERROR_FD_OUT_OF_RANGE`.
///
/// # Safety
///
/// `context` must be live and not in use by another thread, nobody may close `host_fd` during the call, and `guest_fd`
/// must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_push_file(
    context: WasmtimeStoreContextMut<'_>,
    host_fd: *mut c_void,
    access_mode: u32,
    guest_fd: *mut u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        let access = AccessMode::from_number(access_mode)?;
        // SAFETY: the caller keeps `host_fd` as it is.
        let number = insert(context, Place::Lowest, |_| unsafe { duplicate(host_fd, access) })?;
        // SAFETY: the caller promises that it can be written.
        unsafe { guest_fd.write(number) };
        Ok(())
    })
}

/// Makes an open directory of the host a guest's descriptor with a number of the caller's choice.
///
/// `host_fd` is a directory's descriptor cast to a pointer. It is duplicated, as with `wasmtime_context_insert_file`,
/// and `guest_fd` is the same as there. Paths that the guest opens, creates, renames or removes are looked up below
/// the directory: no `..`, no absolute path and no symbolic link leads out of it, whatever is moved or replaced
/// meanwhile. An attempt is `EPERM`.
///
/// With a `guest_path`, which is UTF-8 and need not end in a zero, the guest finds the directory under this name when
/// it looks for preopened ones: C libraries and language runtimes do that once, when they start, with the numbers
/// from 3 up to the first that has no name. With null, only who knows the number finds it.
///
/// `access_mode` is `WASMTIME_FILE_READ_ONLY` or `WASMTIME_FILE_READ_WRITE`, and holds for everything below. Whoever
/// changes what can only be read gets `EPERM`.
///
/// Returns null, or an error that the caller owns; on an error nothing has changed. The codes are those of
/// `wasmtime_context_insert_file`, `WASMTIME_ERROR_BAD_HOST_FILE` also for a file that is no directory, and
/// `WASMTIME_ERROR_BAD_ARGUMENT` for a name that is not UTF-8 or has a zero in it.
///
/// # Safety
///
/// `context` must be live and not in use by another thread, `guest_path` must be null or readable for `guest_path_len`
/// bytes, and nobody may close `host_fd` during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_insert_dir(
    context: WasmtimeStoreContextMut<'_>,
    guest_fd: u32,
    host_fd: *mut c_void,
    guest_path: *const u8,
    guest_path_len: usize,
    access_mode: u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        let access = AccessMode::from_number(access_mode)?;
        // SAFETY: the caller promises that it can be read.
        let name = unsafe { name(guest_path, guest_path_len) }?;
        // SAFETY: the caller keeps `host_fd` as it is.
        insert(context, Place::At(guest_fd), |_| unsafe { duplicate_dir(host_fd, name, access) })?;
        Ok(())
    })
}

/// Makes an open directory of the host a guest's descriptor with the lowest free number.
///
/// Everything else is as with `wasmtime_context_insert_dir`; the number is written to `guest_fd` as by
/// `wasmtime_context_push_file`.
///
/// # Safety
///
/// As for `wasmtime_context_insert_dir`, and `guest_fd` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_push_dir(
    context: WasmtimeStoreContextMut<'_>,
    host_fd: *mut c_void,
    guest_path: *const u8,
    guest_path_len: usize,
    access_mode: u32,
    guest_fd: *mut u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        let access = AccessMode::from_number(access_mode)?;
        // SAFETY: the caller promises that it can be read.
        let name = unsafe { name(guest_path, guest_path_len) }?;
        // SAFETY: the caller keeps `host_fd` as it is.
        let number = insert(context, Place::Lowest, |_| unsafe { duplicate_dir(host_fd, name, access) })?;
        // SAFETY: the caller promises that it can be written.
        unsafe { guest_fd.write(number) };
        Ok(())
    })
}

/// Closes a guest's descriptor, one that was inserted or any other.
///
/// Returns null, or an error that the caller owns: `WASMTIME_ERROR_FD_OUT_OF_RANGE`, `WASMTIME_ERROR_FD_NOT_OPEN`,
/// `WASMTIME_ERROR_NO_WASI`.
///
/// # Safety
///
/// `context` must be live and not in use by another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_remove_file(
    context: WasmtimeStoreContextMut<'_>,
    guest_fd: u32,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        check_range(guest_fd)?;
        let state = find(context)?;
        let entry = state.descriptors.take(guest_fd).ok_or_else(|| {
            ExtError::error(
                wasmtime_error_code_t::WASMTIME_ERROR_FD_NOT_OPEN,
                format!("guest descriptor {guest_fd} is not open"),
            )
        })?;
        state.close(entry).or_else(ignore_errno)
    })
}

/// Where in the guest's table something goes.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At this number; what is there is closed.
    At(u32),
    /// At the lowest free number.
    Lowest,
}

impl Place {
    /// The lowest free number with `push`, otherwise `guest_fd`.
    pub(super) fn new(push: bool, guest_fd: u32) -> Place {
        if push { Place::Lowest } else { Place::At(guest_fd) }
    }
}

/// Puts what `make` makes into the guest's table, and returns its number. It is made when nothing else can fail.
pub(super) fn insert(
    context: WasmtimeStoreContextMut<'_>,
    place: Place,
    make: impl FnOnce(&State) -> wasmtime::Result<Entry>,
) -> wasmtime::Result<u32> {
    if let Place::At(number) = place {
        check_range(number)?;
    }
    let state = find(context)?;
    let number = match place {
        Place::At(number) => number,
        Place::Lowest => state.descriptors.lowest_free().map_err(|_| {
            ExtError::error(
                wasmtime_error_code_t::WASMTIME_ERROR_FD_OUT_OF_RANGE,
                format!("all {LIMIT} guest descriptors are in use"),
            )
        })?,
    };
    let entry = make(state)?;
    if let Some(replaced) = state.descriptors.put(number, entry) {
        // It is gone, whatever closing it says, and the new one is in its place.
        let _ = state.close(replaced);
    }
    Ok(number)
}

/// Duplicates an open file, or a directory, which gets no name.
///
/// # Safety
///
/// If `host_fd` is an open descriptor, it must stay open during the call.
unsafe fn duplicate(host_fd: *mut c_void, access: AccessMode) -> wasmtime::Result<Entry> {
    // SAFETY: as the caller promises.
    match unsafe { HostFile::duplicate(host_fd, access) } {
        Ok(file) => Ok(Entry::Host(file)),
        // SAFETY: as above.
        Err(_) if unsafe { is_directory(host_fd) } => unsafe { duplicate_dir(host_fd, None, access) },
        Err(error) => Err(error),
    }
}

/// # Safety
///
/// As for [`duplicate`].
unsafe fn duplicate_dir(host_fd: *mut c_void, name: Option<String>, access: AccessMode) -> wasmtime::Result<Entry> {
    // SAFETY: as the caller promises.
    Ok(Entry::Dir(Box::new(unsafe { HostDir::duplicate(host_fd, name, access) }?)))
}

/// The name of a directory: none for null.
///
/// # Safety
///
/// Unless null, `data` must be readable for `len` bytes.
pub(super) unsafe fn name(data: *const u8, len: usize) -> wasmtime::Result<Option<String>> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(wasmtime_wasi_string_t { data, len }, "guest_path") }?;
    let name = std::str::from_utf8(bytes).map_err(|_| {
        ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, "guest_path: it is not UTF-8")
    })?;
    Ok(Some(name.to_owned()))
}

fn check_range(guest_fd: u32) -> wasmtime::Result<()> {
    if guest_fd < LIMIT {
        return Ok(());
    }
    Err(ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_FD_OUT_OF_RANGE,
        format!("guest descriptor {guest_fd} is out of range: the highest is {}", LIMIT - 1),
    ))
}

/// A descriptor is gone even if closing it reported an error, as on Linux.
fn ignore_errno(fault: Fault) -> wasmtime::Result<()> {
    match fault {
        Fault::Errno(_) => Ok(()),
        Fault::Trap(error) => Err(error),
    }
}
