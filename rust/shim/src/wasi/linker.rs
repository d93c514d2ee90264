//! The functions of `wasi_snapshot_preview1` in a linker.

use super::call::Call;
use super::find;
use crate::guard::guard;
use wasmtime::{Caller, Linker};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime_error_t, wasmtime_linker_t};

/// Defines each function by the method of [`Call`] with its name.
macro_rules! define {
    ($linker:expr; $($name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        $linker.func_wrap(
            "wasi_snapshot_preview1",
            stringify!($name),
            |caller: Caller<'_, WasmtimeStoreData> $(, $arg: $ty)*| -> wasmtime::Result<i32> {
                Call::enter(caller, |call| call.$name($($arg),*))
            },
        )?;
    )*};
}

/// Defines all of WASI 0.1 in `linker`, over descriptors into which host files can be inserted.
pub(crate) fn define(linker: &mut Linker<WasmtimeStoreData>) -> wasmtime::Result<()> {
    find::silence_probe();
    define! { linker;
        args_get(pointers: i32, buffer: i32);
        args_sizes_get(count: i32, bytes: i32);
        environ_get(pointers: i32, buffer: i32);
        environ_sizes_get(count: i32, bytes: i32);
        clock_res_get(clock: i32, result: i32);
        clock_time_get(clock: i32, precision: i64, result: i32);
        fd_advise(fd: i32, offset: i64, len: i64, advice: i32);
        fd_allocate(fd: i32, offset: i64, len: i64);
        fd_close(fd: i32);
        fd_datasync(fd: i32);
        fd_fdstat_get(fd: i32, stat: i32);
        fd_fdstat_set_flags(fd: i32, flags: i32);
        fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64);
        fd_filestat_get(fd: i32, stat: i32);
        fd_filestat_set_size(fd: i32, size: i64);
        fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, flags: i32);
        fd_pread(fd: i32, iovs: i32, count: i32, offset: i64, read: i32);
        fd_prestat_get(fd: i32, prestat: i32);
        fd_prestat_dir_name(fd: i32, path: i32, len: i32);
        fd_pwrite(fd: i32, iovs: i32, count: i32, offset: i64, written: i32);
        fd_read(fd: i32, iovs: i32, count: i32, read: i32);
        fd_readdir(fd: i32, buf: i32, len: i32, cookie: i64, used: i32);
        fd_renumber(fd: i32, to: i32);
        fd_seek(fd: i32, offset: i64, whence: i32, position: i32);
        fd_sync(fd: i32);
        fd_tell(fd: i32, position: i32);
        fd_write(fd: i32, iovs: i32, count: i32, written: i32);
        path_create_directory(fd: i32, path: i32, len: i32);
        path_filestat_get(fd: i32, flags: i32, path: i32, len: i32, stat: i32);
        path_filestat_set_times(fd: i32, flags: i32, path: i32, len: i32, atim: i64, mtim: i64, fst_flags: i32);
        path_link(fd: i32, flags: i32, path: i32, len: i32, to_fd: i32, to_path: i32, to_len: i32);
        path_open(
            fd: i32, dirflags: i32, path: i32, len: i32, oflags: i32, base: i64, inheriting: i64, fdflags: i32,
            opened: i32
        );
        path_readlink(fd: i32, path: i32, len: i32, buf: i32, buf_len: i32, used: i32);
        path_remove_directory(fd: i32, path: i32, len: i32);
        path_rename(fd: i32, path: i32, len: i32, to_fd: i32, to_path: i32, to_len: i32);
        path_symlink(to: i32, to_len: i32, fd: i32, path: i32, len: i32);
        path_unlink_file(fd: i32, path: i32, len: i32);
        poll_oneoff(subscriptions: i32, events: i32, count: i32, written: i32);
        proc_raise(signal: i32);
        random_get(buffer: i32, len: i32);
        sched_yield();
        sock_accept(fd: i32, flags: i32, accepted: i32);
        sock_recv(fd: i32, iovs: i32, count: i32, flags: i32, received: i32, out_flags: i32);
        sock_send(fd: i32, iovs: i32, count: i32, flags: i32, sent: i32);
        sock_shutdown(fd: i32, how: i32);
    }
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "proc_exit",
        |caller: Caller<'_, WasmtimeStoreData>, status: i32| -> wasmtime::Result<()> {
            Call::enter(caller, |call| call.proc_exit(status)).map(|_| ())
        },
    )?;
    Ok(())
}

/// Defines all functions of WASI 0.1 (`wasi_snapshot_preview1`) in a linker, so that host files can be inserted into
/// the guests that it links.
///
/// It takes the place of `wasmtime_linker_define_wasi` and works with stores that were configured by
/// `wasmtime_context_set_wasi_options` or by `wasmtime_context_set_wasi`. In a store that was not configured at all a
/// guest that calls a WASI function traps with an error whose code is `WASMTIME_ERROR_NO_WASI`.
///
/// A guest may be instantiated from several threads, one store each; the functions themselves share nothing.
///
/// Returns null, or an error that the caller owns when a function of this name is defined already and shadowing is not
/// allowed.
///
/// # Safety
///
/// `linker` must point to a live linker that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_linker_define_wasi_p1(
    linker: &mut wasmtime_linker_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| define(crate::cast::linker(linker)))
}
