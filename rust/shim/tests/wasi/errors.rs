//! What goes wrong, and that nothing has changed then.

use crate::guest::{BUFFER, Errno, Guest, IOVS, MEMORY, RESULT, failure, host_descriptors, host_fd};
use crate::temp::TempDir;
use std::ffi::c_void;
use std::fs::File;
use std::os::fd::IntoRawFd;
use wasmtime_c_api::{wasi_config_new, wasmtime_context_set_wasi, wasmtime_error_t};
use wasmtime_ext::wasmtime_error_code_t::*;
use wasmtime_ext::*;

fn insert(guest: &mut Guest, fd: u32, file: *mut c_void, mode: u32) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the descriptors in these tests are not closed meanwhile.
    unsafe { wasmtime_context_insert_file(guest.context(), fd, file, mode) }
}

fn push(guest: &mut Guest, file: *mut c_void, mode: u32, fd: &mut u32) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: as above.
    unsafe { wasmtime_context_push_file(guest.context(), file, mode, fd) }
}

fn remove(guest: &mut Guest, fd: u32) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the context is live.
    unsafe { wasmtime_context_remove_file(guest.context(), fd) }
}

#[test]
fn inserting() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let file = File::open(&path).unwrap();
    let good = host_fd(&file);
    // A number that was never open: others may open and close low ones meanwhile.
    let closed = 900_000_usize as *mut c_void;
    let mut guest = Guest::new();
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 3);

    for mode in [0, 4, u32::MAX] {
        assert_eq!(failure(insert(&mut guest, 3, good, mode)).0, WASMTIME_ERROR_BAD_ACCESS_MODE);
    }
    for fd in [1 << 20, u32::MAX] {
        assert_eq!(failure(insert(&mut guest, fd, good, 1)).0, WASMTIME_ERROR_FD_OUT_OF_RANGE);
        assert_eq!(failure(remove(&mut guest, fd)).0, WASMTIME_ERROR_FD_OUT_OF_RANGE);
    }
    for bad in [closed, usize::MAX as *mut c_void, (1_usize << 40) as *mut c_void] {
        let error = failure(insert(&mut guest, 3, bad, 1));
        assert_eq!(error.0, WASMTIME_ERROR_BAD_HOST_FILE, "{}", error.1);
        let mut fd = 77;
        assert_eq!(failure(push(&mut guest, bad, 1, &mut fd)).0, WASMTIME_ERROR_BAD_HOST_FILE);
        assert_eq!(fd, 77);
    }
    let directory = File::open(dir.path()).unwrap();
    assert_eq!(failure(insert(&mut guest, 3, host_fd(&directory), 2)).0, WASMTIME_ERROR_BAD_ACCESS_MODE);
    assert_eq!(failure(remove(&mut guest, 4)).0, WASMTIME_ERROR_FD_NOT_OPEN);

    assert_eq!(guest.read(3, 4).unwrap(), b"data");
    assert_eq!(host_descriptors(&path), 2);
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 4);
    let _ = file.into_raw_fd();
}

#[test]
fn a_store_without_wasi() {
    let dir = TempDir::new();
    let file = File::open(dir.file("f", "data")).unwrap();
    let mut guest = Guest::in_store(MEMORY, |_| {});
    assert_eq!(failure(insert(&mut guest, 3, host_fd(&file), 1)).0, WASMTIME_ERROR_NO_WASI);
    assert_eq!(failure(push(&mut guest, host_fd(&file), 1, &mut 0)).0, WASMTIME_ERROR_NO_WASI);
    assert_eq!(failure(remove(&mut guest, 3)).0, WASMTIME_ERROR_NO_WASI);
    let error = guest.try_call("fd_write", &[1.into(), 0.into(), 0.into(), 0.into()]).unwrap_err();
    let error: Box<wasmtime_error_t> = Box::new(error.into());
    assert_eq!(failure(Some(error)).0, WASMTIME_ERROR_NO_WASI);
    crate::guest::ok(wasmtime_context_set_wasi(guest.context(), wasi_config_new()));
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 3);
}

#[test]
fn pointers() {
    let dir = TempDir::new();
    let mut guest = Guest::new();
    let fd = guest.push(&File::open(dir.file("f", "data")).unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    let mut read = |iovs: i32, count: i32, result: i32| {
        guest.try_call("fd_read", &[fd.into(), iovs.into(), count.into(), result.into()])
    };
    assert!(read(-8, 1, RESULT).is_err(), "the array is out of bounds");
    assert!(read(IOVS + 2, 1, RESULT).is_err(), "the array is misaligned");
    assert!(read(IOVS, 0, -2).is_err(), "the result is out of bounds");
    assert_eq!(read(IOVS, 1025, RESULT).unwrap(), Errno::Inval);
    assert_eq!(read(IOVS, 0, RESULT).unwrap(), Errno::Success);
    let mut iov = BUFFER.to_le_bytes().to_vec();
    iov.extend(u32::MAX.to_le_bytes());
    guest.put(IOVS, &iov);
    let args = [fd.into(), IOVS.into(), 1.into(), RESULT.into()];
    assert!(guest.try_call("fd_read", &args).is_err(), "the buffer is out of bounds");

    // Many buffers, some of them empty, some of them overlapping.
    guest.iovs(&[1, 0, 1, 0, 0, 0, 1, 1, 9]);
    guest.put(IOVS + 8 * 8, &(BUFFER as u32 + 1).to_le_bytes());
    let args = [fd.into(), IOVS.into(), 9.into(), RESULT.into()];
    assert_eq!(guest.call("fd_read", &args), Errno::Success);
    assert_eq!(guest.u32(RESULT), 4);
    assert_eq!(guest.bytes(BUFFER, 4), b"data");
}

#[test]
fn memories() {
    let mut guest = Guest::in_store("(memory 1)", |context| {
        crate::guest::ok(wasmtime_context_set_wasi(context, wasi_config_new()));
    });
    let error = guest.try_call("sched_yield", &[]).unwrap_err();
    assert!(format!("{error:?}").contains("memory export"));
}

#[test]
fn the_end_of_the_guest() {
    let mut guest = Guest::new();
    let instance = guest.instance;
    for (status, exits) in [(0, true), (125, true), (126, true), (-1, true)] {
        let mut context = guest.context();
        let exit = instance.get_typed_func::<i32, ()>(&mut context, "proc_exit").unwrap();
        let error = exit.call(&mut context, status).unwrap_err();
        let exit = error.downcast_ref::<wasmtime_wasi::I32Exit>().map(|exit| exit.0);
        assert_eq!(exit, exits.then_some(status));
    }
    assert_eq!(guest.call("proc_raise", &[1.into()]), Errno::Notsup);
    assert_eq!(guest.call("random_get", &[BUFFER.into(), 16.into()]), Errno::Success);
    assert_ne!(guest.bytes(BUFFER, 16), [0; 16]);
    assert_eq!(guest.call("clock_res_get", &[1.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.call("clock_time_get", &[3.into(), 0_i64.into(), RESULT.into()]), Errno::Badf);
    assert_eq!(guest.call("clock_time_get", &[9.into(), 0_i64.into(), RESULT.into()]), Errno::Inval);
}
