//! Regular files that were inserted.

use crate::guest::{Errno, Guest, RESULT, host_descriptors};
use crate::temp::TempDir;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use wasmtime_ext::*;

fn read_write(path: &std::path::Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

#[test]
fn read_write_seek_tell() {
    let dir = TempDir::new();
    let path = dir.file("f", "hello, guest");
    let mut guest = Guest::new();
    let fd = guest.push(&read_write(&path), WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(fd, 3);
    assert_eq!(guest.read(fd, 5).unwrap(), b"hello");
    assert_eq!(guest.read(fd, 100).unwrap(), b", guest");
    assert_eq!(guest.read(fd, 100).unwrap(), b"");
    assert_eq!(guest.seek(fd, -5, 2), Ok(7));
    assert_eq!(guest.write(fd, b"world!"), Ok(6));
    assert_eq!(guest.call("fd_tell", &[fd.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.u64(RESULT), 13);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello, world!");
    assert_eq!(guest.seek(fd, -14, 1), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, 0, 3), Err(Errno::Inval));
    assert_eq!(guest.close(fd), Errno::Success);
    assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
}

#[test]
fn pread_and_pwrite_leave_the_position() {
    let dir = TempDir::new();
    let path = dir.file("f", "0123456789");
    let mut guest = Guest::new();
    let fd = guest.push(&read_write(&path), WASMTIME_FILE_READ_WRITE) as i32;
    guest.iovs(&[2, 3]);
    assert_eq!(guest.call("fd_pread", &[fd.into(), 16.into(), 2.into(), 4_i64.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.u32(RESULT), 5);
    assert_eq!(guest.bytes(crate::guest::BUFFER, 5), b"45678");
    guest.put(crate::guest::BUFFER, b"abc");
    guest.iovs(&[3]);
    assert_eq!(guest.call("fd_pwrite", &[fd.into(), 16.into(), 1.into(), 1_i64.into(), RESULT.into()]), Errno::Success);
    assert_eq!(guest.call("fd_pread", &[fd.into(), 16.into(), 1.into(), (-1_i64).into(), RESULT.into()]), Errno::Inval);
    assert_eq!(guest.read(fd, 10).unwrap(), b"0abc456789");
}

#[test]
fn the_offset_is_shared_and_the_descriptors_are_not() {
    let dir = TempDir::new();
    let path = dir.file("f", "0123456789");
    let mut file = read_write(&path);
    let mut guest = Guest::new();
    let fd = guest.push(&file, WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(guest.read(fd, 4).unwrap(), b"0123");
    let mut two = [0; 2];
    file.read_exact(&mut two).unwrap();
    assert_eq!(&two, b"45");
    assert_eq!(guest.read(fd, 1).unwrap(), b"6");
    file.seek(SeekFrom::Start(1)).unwrap();
    assert_eq!(guest.seek(fd, 0, 1), Ok(1));
    drop(file);
    assert_eq!(guest.read(fd, 2).unwrap(), b"12");

    let mut file = read_write(&path);
    let fd = guest.push(&file, WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(guest.close(fd), Errno::Success);
    file.write_all(b"host").unwrap();
}

#[test]
fn the_access_mode_is_enforced() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let file = read_write(&path);
    let mut guest = Guest::new();
    let reader = guest.push(&file, WASMTIME_FILE_READ_ONLY) as i32;
    let writer = guest.push(&file, WASMTIME_FILE_WRITE_ONLY) as i32;

    assert_eq!(guest.write(reader, b"x"), Err(Errno::Badf));
    assert_eq!(guest.write(reader, b""), Err(Errno::Badf));
    assert_eq!(guest.read(writer, 1), Err(Errno::Badf));
    let positioned = |fd: i32| [fd.into(), 16.into(), 1.into(), 0_i64.into(), RESULT.into()];
    assert_eq!(guest.call("fd_pwrite", &positioned(reader)), Errno::Badf);
    assert_eq!(guest.call("fd_pread", &positioned(writer)), Errno::Badf);
    assert_eq!(guest.call("fd_filestat_set_size", &[reader.into(), 1_i64.into()]), Errno::Inval);
    assert_eq!(guest.call("fd_allocate", &[reader.into(), 0_i64.into(), 9_i64.into()]), Errno::Badf);
    let times = |fd: i32| [fd.into(), 1_000_000_000_i64.into(), 2_000_000_000_i64.into(), 5.into()];
    assert_eq!(guest.call("fd_filestat_set_times", &times(reader)), Errno::Perm);
    assert_eq!(std::fs::read(&path).unwrap(), b"data");

    assert_eq!(guest.call("fd_filestat_set_size", &[writer.into(), 1_i64.into()]), Errno::Success);
    assert_eq!(guest.call("fd_filestat_set_times", &times(writer)), Errno::Success);
    let stat = std::fs::metadata(&path).unwrap();
    assert_eq!((stat.atime(), stat.mtime(), stat.len()), (1, 2, 1));
    assert_eq!(guest.call("fd_allocate", &[writer.into(), 0_i64.into(), 9_i64.into()]), Errno::Success);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 9);
    assert_eq!(guest.call("fd_allocate", &[writer.into(), 0_i64.into(), 0_i64.into()]), Errno::Inval);

    const READ: u64 = 1 << 1;
    const WRITE: u64 = 1 << 6;
    const SET_SIZE: u64 = 1 << 22;
    let (filetype, flags, rights) = guest.fdstat(reader);
    assert_eq!((filetype, flags, rights & (READ | WRITE | SET_SIZE)), (4, 0, READ));
    assert_eq!(guest.fdstat(writer).2 & (READ | WRITE | SET_SIZE), WRITE | SET_SIZE);
}

#[test]
fn what_the_host_cannot_do_is_an_error_too() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let mut guest = Guest::new();
    let fd = guest.push(&File::open(&path).unwrap(), WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(guest.read(fd, 4).unwrap(), b"data");
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.call("fd_filestat_set_size", &[fd.into(), 1_i64.into()]), Errno::Inval);
}

#[test]
fn stat_is_that_of_the_host() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let mut guest = Guest::new();
    let fd = guest.push(&File::open(&path).unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    assert_eq!(guest.call("fd_filestat_get", &[fd.into(), RESULT.into()]), Errno::Success);
    let stat = std::fs::metadata(&path).unwrap();
    assert_eq!(guest.u64(RESULT), stat.dev());
    assert_eq!(guest.u64(RESULT + 8), stat.ino());
    assert_eq!(guest.bytes(RESULT + 16, 1), [4]);
    assert_eq!(guest.u64(RESULT + 24), 1);
    assert_eq!(guest.u64(RESULT + 32), 4);
    assert_eq!(guest.u64(RESULT + 48), (stat.mtime() * 1_000_000_000 + stat.mtime_nsec()) as u64);
}

#[test]
fn appending_belongs_to_the_guest() {
    const APPEND: i32 = 1;
    let dir = TempDir::new();
    let path = dir.file("f", "12345");
    let mut file = read_write(&path);
    let mut guest = Guest::new();
    let fd = guest.push(&file, WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd.into(), APPEND.into()]), Errno::Success);
    assert_eq!(guest.fdstat(fd).1, 1);
    assert_eq!(guest.write(fd, b"678"), Ok(3));
    assert_eq!(guest.seek(fd, 0, 1), Ok(8), "the position follows");
    guest.put(crate::guest::BUFFER, b"9");
    guest.iovs(&[1]);
    let at_start = [fd.into(), 16.into(), 1.into(), 0_i64.into(), RESULT.into()];
    assert_eq!(guest.call("fd_pwrite", &at_start), Errno::Success);
    assert_eq!(guest.seek(fd, 0, 1), Ok(8), "the position stays");
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd.into(), 0.into()]), Errno::Success);
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"ab").unwrap();
    assert_eq!(guest.write(fd, b"c"), Ok(1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "abc456789");
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd.into(), 2.into()]), Errno::Inval, "DSYNC");

    let append = OpenOptions::new().append(true).open(&path).unwrap();
    let fd = guest.push(&append, WASMTIME_FILE_WRITE_ONLY) as i32;
    assert_eq!(guest.fdstat(fd).1, 1, "the host's own flag shows");
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd.into(), 0.into()]), Errno::Perm);
}

#[test]
fn other_calls() {
    let dir = TempDir::new();
    let mut guest = Guest::new();
    let fd = guest.push(&read_write(&dir.file("f", "data")), WASMTIME_FILE_READ_WRITE) as i32;
    for name in ["fd_sync", "fd_datasync"] {
        assert_eq!(guest.call(name, &[fd.into()]), Errno::Success);
    }
    assert_eq!(guest.call("fd_advise", &[fd.into(), 0_i64.into(), 4_i64.into(), 1.into()]), Errno::Success);
    assert_eq!(guest.call("fd_advise", &[fd.into(), 0_i64.into(), 4_i64.into(), 9.into()]), Errno::Inval);
    assert_eq!(guest.call("fd_fdstat_set_rights", &[fd.into(), 0_i64.into(), 0_i64.into()]), Errno::Notsup);
    assert_eq!(guest.call("fd_prestat_get", &[fd.into(), RESULT.into()]), Errno::Badf);
    assert_eq!(guest.call("fd_readdir", &[fd.into(), 0.into(), 9.into(), 0_i64.into(), RESULT.into()]), Errno::Notdir);
    assert_eq!(guest.open(fd, "x", 0), Err(Errno::Notdir));
    assert_eq!(guest.call("sock_shutdown", &[fd.into(), 1.into()]), Errno::Notsock);
    assert_eq!(guest.call("sock_shutdown", &[77.into(), 1.into()]), Errno::Badf);
}

#[test]
fn devices() {
    let mut guest = Guest::new();
    let null = guest.push(&read_write(std::path::Path::new("/dev/null")), WASMTIME_FILE_READ_WRITE) as i32;
    assert_eq!(guest.fdstat(null).0, 2);
    assert_eq!(guest.write(null, b"gone"), Ok(4));
    assert_eq!(guest.read(null, 4).unwrap(), b"");
    assert_eq!(guest.seek(null, 0, 0), Ok(0));
    assert_eq!(guest.call("fd_filestat_set_size", &[null.into(), 1_i64.into()]), Errno::Inval);
    let zero = guest.push(&File::open("/dev/zero").unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    assert_eq!(guest.read(zero, 3).unwrap(), [0; 3]);
}

#[test]
fn rounds_leak_nothing() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let file = read_write(&path);
    let mut guest = Guest::new();
    for round in 0..10_000 {
        match round % 4 {
            0 => guest.insert(5, &file, WASMTIME_FILE_READ_ONLY),
            1 => guest.insert(5, &file, WASMTIME_FILE_READ_WRITE),
            2 => assert_eq!(guest.close(5), Errno::Success),
            _ => {
                let fd = guest.push(&file, WASMTIME_FILE_READ_ONLY);
                assert_eq!(fd, 3);
                // SAFETY: the context is live.
                crate::guest::ok(unsafe { wasmtime_context_remove_file(guest.context(), fd) });
            }
        }
    }
    assert_eq!(host_descriptors(&path), 1);
    guest.push(&file, WASMTIME_FILE_READ_ONLY);
    assert_eq!(host_descriptors(&path), 2);
    drop(guest);
    assert_eq!(host_descriptors(&path), 1, "the store closes what it has");
}
