//! Files that the guest opened itself below a preopened directory.

use crate::guest::{Errno, Guest, MEMORY, RESULT, host_descriptors, no_options, ok, string};
use crate::temp::TempDir;
use std::ffi::CString;
use std::fs::File;
use wasmtime_c_api::{wasi_config_new, wasi_config_preopen_dir, wasmtime_context_set_wasi};
use wasmtime_ext::*;

const CREATE: i32 = 1;

fn guest_in(dir: &TempDir, read_only: bool) -> Guest {
    let preopen =
        wasmtime_wasi_preopen_t { host_path: string(dir.path().to_str().unwrap()), guest_path: string("/"), read_only };
    Guest::with(&wasmtime_wasi_options_t { preopens: &preopen, preopens_len: 1, ..no_options() })
}

#[test]
fn open_write_read_and_the_rest() {
    let dir = TempDir::new();
    let mut guest = guest_in(&dir, false);
    let fd = guest.open(3, "new", CREATE).unwrap() as i32;
    assert_eq!(fd, 4);
    assert_eq!(guest.write(fd, b"abcdef"), Ok(6));
    assert_eq!(guest.seek(fd, 0, 0), Ok(0));
    assert_eq!(guest.read(fd, 4).unwrap(), b"abcd");
    assert_eq!(guest.call("fd_tell", &[fd.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.u64(RESULT), 4);
    assert_eq!(guest.call("fd_filestat_set_size", &[fd.into(), 1_i64.into()]), Errno::Success);
    assert_eq!(guest.call("fd_filestat_get", &[fd.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.u64(RESULT + 32), 1);
    for name in ["fd_sync", "fd_datasync"] {
        assert_eq!(guest.call(name, &[fd.into()]), Errno::Success);
    }
    assert_eq!(guest.fdstat(fd).0, 4);
    assert_eq!(
        guest.call("fd_readdir", &[3.into(), 8192.into(), 4096.into(), 0_i64.into(), RESULT.into()]),
        Errno::Success
    );
    assert!(guest.u32(RESULT) > 24 * 3);

    let name = |guest: &mut Guest, at: i32, name: &str| guest.put(at, name.as_bytes());
    name(&mut guest, 100, "newold");
    let rename = [3.into(), 100.into(), 3.into(), 3.into(), 103.into(), 3.into()];
    assert_eq!(guest.call("path_rename", &rename), Errno::Success);
    assert!(dir.path().join("old").exists());
    assert_eq!(guest.call("path_unlink_file", &[3.into(), 103.into(), 3.into()]), Errno::Success);
    assert_eq!(guest.call("path_create_directory", &[3.into(), 103.into(), 3.into()]), Errno::Success);
    assert_eq!(
        guest.call("path_filestat_get", &[3.into(), 0.into(), 103.into(), 3.into(), RESULT.into()]),
        Errno::Success
    );
    assert_eq!(guest.bytes(RESULT + 16, 1), [3]);
    assert_eq!(guest.call("path_remove_directory", &[3.into(), 103.into(), 3.into()]), Errno::Success);
    assert_eq!(guest.open(3, "../escape", CREATE), Err(Errno::Perm));
}

#[test]
fn a_read_only_directory() {
    let dir = TempDir::new();
    dir.file("f", "data");
    let mut guest = guest_in(&dir, true);
    assert!(guest.open(3, "new", CREATE).is_err());
    assert!(!dir.path().join("new").exists());
}

#[test]
fn opening_and_closing_leaks_nothing() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let mut guest = guest_in(&dir, false);
    let file = File::open(&path).unwrap();
    for round in 0..2_000 {
        assert_eq!(guest.open(3, "f", 0), Ok(4));
        match round % 3 {
            0 => assert_eq!(guest.close(4), Errno::Success),
            1 => guest.insert(4, &file, WASMTIME_FILE_READ_ONLY),
            _ => {
                assert_eq!(guest.open(3, "f", 0), Ok(5));
                assert_eq!(guest.call("fd_renumber", &[5.into(), 4.into()]), Errno::Success);
            }
        }
        if round % 3 != 0 {
            assert_eq!(guest.close(4), Errno::Success);
        }
    }
    assert_eq!(host_descriptors(&path), 1);
    assert_eq!(guest.open(3, "f", 0), Ok(4));
    assert_eq!(host_descriptors(&path), 2);
    drop(guest);
    assert_eq!(host_descriptors(&path), 1);
    assert_eq!(host_descriptors(dir.path()), 0);
}

#[test]
fn a_failed_open_takes_no_number() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let mut guest = guest_in(&dir, false);
    guest.put(100, b"f");
    // The result does not fit into the memory.
    let args = [3.into(), 0.into(), 100.into(), 1.into(), 0.into(), 2_i64.into(), 0_i64.into(), 0.into(), (-4).into()];
    assert!(guest.try_call("path_open", &args).is_err());
    assert_eq!(host_descriptors(&path), 0);
    assert_eq!(guest.open(3, "f", 0), Ok(4));
}

#[test]
fn a_store_that_the_c_api_configured() {
    let dir = TempDir::new();
    let file = File::open(dir.file("f", "data")).unwrap();
    let mut guest = Guest::official();
    assert_eq!(guest.write(1, b"to nowhere"), Ok(3));
    assert_eq!(guest.read(0, 5).unwrap(), b"");
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 3);
    assert_eq!(guest.read(3, 10).unwrap(), b"data");
    assert_eq!(guest.call("args_sizes_get", &[RESULT.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.u32(RESULT), 0);
    assert_eq!(guest.close(0), Errno::Success);
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 0);
}

/// Directories that the C API's own configuration gave stay upstream's, beside those of the host.
#[test]
fn directories_of_both_kinds() {
    let (theirs, ours) = (TempDir::new(), TempDir::new());
    theirs.file("f", "theirs");
    let path = CString::new(theirs.path().to_str().unwrap()).unwrap();
    let mut guest = Guest::in_store(MEMORY, |context| {
        let mut config = wasi_config_new();
        // SAFETY: both are strings of C.
        assert!(unsafe { wasi_config_preopen_dir(&mut config, path.as_ptr(), c"/".as_ptr(), true) });
        ok(wasmtime_context_set_wasi(context, config));
    });
    guest.insert(4, &File::open(ours.path()).unwrap(), WASMTIME_FILE_READ_WRITE);
    assert_eq!(guest.open(3, "f", 0), Ok(5));
    assert_eq!(guest.open(4, "g", CREATE), Ok(6));
    assert!(ours.path().join("g").exists());
    for fd in [3, 4] {
        let readdir = [fd.into(), 8192.into(), 4096.into(), 0_i64.into(), RESULT.into()];
        assert_eq!(guest.call("fd_readdir", &readdir), Errno::Success);
        assert!(guest.u32(RESULT) > 24 * 3);
        assert_eq!(guest.fdstat(fd).0, 3);
    }
    guest.put(100, b"fg");
    let rename = |from: i32, to: i32| [from.into(), 100.into(), 1.into(), to.into(), 101.into(), 1.into()];
    assert_eq!(guest.call("path_rename", &rename(3, 4)), Errno::Xdev);
    assert_eq!(guest.call("path_rename", &rename(4, 3)), Errno::Xdev);
    assert_eq!(guest.call("path_rename", &rename(3, 3)), Errno::Success);
    assert!(theirs.path().join("g").exists());
    assert_eq!(guest.open(3, "../x", 0), Err(Errno::Perm));
    assert_eq!(guest.open(4, "../x", 0), Err(Errno::Perm));
    for fd in [3, 4, 5, 6] {
        assert_eq!(guest.close(fd), Errno::Success);
    }
}
