//! The guest's numbers.

use crate::guest::{Errno, Guest, RESULT, host_descriptors, no_options, string};
use crate::temp::TempDir;
use std::fs::File;
use std::io::{Read, pipe};
use wasmtime_ext::*;

#[test]
fn the_lowest_free_number_first() {
    let dir = TempDir::new();
    let file = File::open(dir.file("f", "data")).unwrap();
    let mut guest = Guest::new();
    for expected in 3..10 {
        assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), expected);
    }
    for fd in [8, 4, 6] {
        assert_eq!(guest.close(fd), Errno::Success);
    }
    for expected in [4, 6, 8, 10] {
        assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), expected);
    }
    assert_eq!(guest.close(0), Errno::Success);
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 0);
    guest.insert(1_048_575, &file, WASMTIME_FILE_READ_ONLY);
    assert_eq!(guest.read(1_048_575, 4).unwrap(), b"data");
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 11);
    assert_eq!(guest.close(-1), Errno::Badf);
    assert_eq!(guest.close(12), Errno::Badf);
}

#[test]
fn standard_streams_are_replaced() {
    for mut guest in [Guest::new(), Guest::official()] {
        let dir = TempDir::new();
        let (mut out, theirs) = pipe().unwrap();
        guest.insert(0, &File::open(dir.file("in", "typed")).unwrap(), WASMTIME_FILE_READ_ONLY);
        guest.insert(1, &theirs, WASMTIME_FILE_WRITE_ONLY);
        guest.insert(2, &theirs, WASMTIME_FILE_WRITE_ONLY);
        drop(theirs);
        assert_eq!(guest.read(0, 10).unwrap(), b"typed");
        assert_eq!(guest.write(1, b"out"), Ok(3));
        assert_eq!(guest.write(2, b"err"), Ok(3));
        drop(guest);
        let mut all = String::new();
        out.read_to_string(&mut all).unwrap();
        assert_eq!(all, "outerr");
    }
}

#[test]
fn renumber_moves_and_closes() {
    let dir = TempDir::new();
    let (a, b) = (dir.file("a", "aaa"), dir.file("b", "bbb"));
    let mut guest = Guest::new();
    let first = guest.push(&File::open(&a).unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    let second = guest.push(&File::open(&b).unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    assert_eq!(guest.call("fd_renumber", &[first.into(), 50.into()]), Errno::Badf);
    assert_eq!(guest.call("fd_renumber", &[50.into(), first.into()]), Errno::Badf);
    assert_eq!(guest.call("fd_renumber", &[first.into(), first.into()]), Errno::Success);
    assert_eq!(guest.call("fd_renumber", &[second.into(), first.into()]), Errno::Success);
    assert_eq!((host_descriptors(&a), host_descriptors(&b)), (0, 1));
    assert_eq!(guest.read(first, 3).unwrap(), b"bbb");
    assert_eq!(guest.read(second, 3), Err(Errno::Badf));
    assert_eq!(guest.push(&File::open(&a).unwrap(), WASMTIME_FILE_READ_ONLY) as i32, second);
}

#[test]
fn preopened_directories_come_first() {
    let dirs = [TempDir::new(), TempDir::new()];
    let preopens = [("/one", &dirs[0]), ("two", &dirs[1])].map(|(guest, dir)| wasmtime_wasi_preopen_t {
        host_path: string(dir.path().to_str().unwrap()),
        guest_path: string(guest),
        read_only: false,
    });
    let options = wasmtime_wasi_options_t { preopens: preopens.as_ptr(), preopens_len: preopens.len(), ..no_options() };
    let mut guest = Guest::with(&options);
    let file = File::open(dirs[0].file("f", "data")).unwrap();
    assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 5);
    for (fd, name) in [(3, "/one"), (4, "two")] {
        assert_eq!(guest.call("fd_prestat_get", &[fd.into(), RESULT.into()]), Errno::Success);
        assert_eq!((guest.bytes(RESULT, 1)[0], guest.u32(RESULT + 4)), (0, name.len() as u32));
        let args = [fd.into(), RESULT.into(), (name.len() as i32).into()];
        assert_eq!(guest.call("fd_prestat_dir_name", &args), Errno::Success);
        assert_eq!(guest.bytes(RESULT, name.len()), name.as_bytes());
    }
    assert_eq!(guest.call("fd_prestat_get", &[5.into(), RESULT.into()]), Errno::Badf);

    // A file is found in the directory whose number it was asked under, also after that was moved.
    assert_eq!(guest.open(3, "f", 0), Ok(6));
    assert_eq!(guest.open(4, "f", 0), Err(Errno::Noent));
    assert_eq!(guest.call("fd_renumber", &[3.into(), 5.into()]), Errno::Success);
    assert_eq!(guest.open(3, "f", 0), Err(Errno::Badf));
    assert_eq!(guest.open(5, "f", 0), Ok(3));
    assert_eq!(guest.read(3, 9).unwrap(), b"data");
}
