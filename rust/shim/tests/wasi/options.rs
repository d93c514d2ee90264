//! `wasmtime_context_set_wasi_options`.

use crate::guest::{Errno, Guest, RESULT, failure, host_descriptors, host_fd, no_options, ok, string};
use crate::temp::TempDir;
use std::fs::File;
use std::io::{Read, pipe};
use wasmtime_ext::wasmtime_error_code_t::*;
use wasmtime_ext::*;

fn strings(guest: &mut Guest, sizes: &str, get: &str) -> Vec<String> {
    assert_eq!(guest.call(sizes, &[RESULT.into(), (RESULT + 4).into()]), Errno::Success);
    let (count, len) = (guest.u32(RESULT), guest.u32(RESULT + 4));
    assert_eq!(guest.call(get, &[8192.into(), 20000.into()]), Errno::Success);
    let mut all = Vec::new();
    let mut total = 0;
    for i in 0..count as i32 {
        let at = guest.u32(8192 + 4 * i) as i32;
        let text = guest.bytes(at, len as usize);
        let text = text.split(|byte| *byte == 0).next().unwrap().to_vec();
        total += text.len() as u32 + 1;
        all.push(String::from_utf8(text).unwrap());
    }
    assert_eq!(total, len);
    all
}

#[test]
fn arguments_and_environment() {
    let args = ["program", "", "päram"].map(string);
    let env = [("A", "1"), ("B", "x=y")]
        .map(|(name, value)| wasmtime_wasi_env_t { name: string(name), value: string(value) });
    let mut guest = Guest::with(&wasmtime_wasi_options_t {
        args: args.as_ptr(),
        args_len: args.len(),
        env: env.as_ptr(),
        env_len: env.len(),
        ..no_options()
    });
    assert_eq!(strings(&mut guest, "args_sizes_get", "args_get"), ["program", "", "päram"]);
    assert_eq!(strings(&mut guest, "environ_sizes_get", "environ_get"), ["A=1", "B=x=y"]);

    let mut guest = Guest::with(&wasmtime_wasi_options_t { inherit_args: true, inherit_env: true, ..no_options() });
    let host: Vec<String> = std::env::args().collect();
    assert_eq!(strings(&mut guest, "args_sizes_get", "args_get"), host);
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    assert!(strings(&mut guest, "environ_sizes_get", "environ_get").contains(&path));

    let mut guest = Guest::new();
    assert!(strings(&mut guest, "args_sizes_get", "args_get").is_empty());
}

#[test]
fn streams() {
    let dir = TempDir::new();
    let input = File::open(dir.file("in", "typed")).unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let file = |file: *mut std::ffi::c_void| wasmtime_wasi_stdio_t { kind: WASMTIME_WASI_STDIO_FILE, host_fd: file };
    let mut guest = Guest::with(&wasmtime_wasi_options_t {
        stdin_stream: file(host_fd(&input)),
        stdout_stream: file(host_fd(&writer)),
        ..no_options()
    });
    drop((input, writer));
    assert_eq!(guest.read(0, 10).unwrap(), b"typed");
    assert_eq!(guest.write(0, b"x"), Err(Errno::Badf));
    assert_eq!(guest.write(1, b"out"), Ok(3));
    assert_eq!(guest.read(1, 1), Err(Errno::Badf));
    assert_eq!(guest.write(2, b"nobody reads"), Ok(12));
    drop(guest);
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert_eq!(all, "out");

    let mut guest = Guest::new();
    assert_eq!(guest.read(0, 1).unwrap(), b"");
    assert_eq!(guest.close(1), Errno::Success);
    assert_eq!(guest.write(1, b"x"), Err(Errno::Badf));
    let inherit = wasmtime_wasi_stdio_t { kind: WASMTIME_WASI_STDIO_INHERIT, host_fd: std::ptr::null_mut() };
    let mut guest = Guest::with(&wasmtime_wasi_options_t { stderr_stream: inherit, ..no_options() });
    assert_eq!(guest.write(2, b""), Ok(0));
    assert_eq!(guest.close(2), Errno::Success);
    eprint!("");
    File::open("/proc/self/fd/2").expect("the process's own stream stays open");
}

#[test]
fn setting_options_again_starts_anew() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let file = File::open(&path).unwrap();
    let mut guest = Guest::new();
    for _ in 0..3 {
        assert_eq!(guest.push(&file, WASMTIME_FILE_READ_ONLY), 3);
        assert_eq!(host_descriptors(&path), 2);
        // SAFETY: the options are of this process.
        ok(unsafe { wasmtime_context_set_wasi_options(guest.context(), &no_options()) });
        assert_eq!(host_descriptors(&path), 1);
        assert_eq!(guest.read(3, 1), Err(Errno::Badf));
    }
}

#[test]
fn errors_change_nothing() {
    let dir = TempDir::new();
    let path = dir.file("f", "data");
    let file = File::open(&path).unwrap();
    let mut guest = Guest::new();
    guest.push(&file, WASMTIME_FILE_READ_ONLY);
    let zero = [string("a\0b")];
    let missing = dir.path().join("missing");
    let preopen =
        |host: &str| wasmtime_wasi_preopen_t { host_path: string(host), guest_path: string("/"), read_only: false };
    let directories = [preopen(dir.path().to_str().unwrap()), preopen(missing.to_str().unwrap())];
    let stream = |kind, host_fd: isize| wasmtime_wasi_stdio_t { kind, host_fd: host_fd as *mut _ };
    let cases = [
        (
            wasmtime_wasi_options_t { args: zero.as_ptr(), args_len: 1, ..no_options() },
            WASMTIME_ERROR_BAD_ARGUMENT,
            "zero byte",
        ),
        (wasmtime_wasi_options_t { args_len: 1, ..no_options() }, WASMTIME_ERROR_BAD_ARGUMENT, "null"),
        (wasmtime_wasi_options_t { stdin_stream: stream(9, 0), ..no_options() }, WASMTIME_ERROR_BAD_ARGUMENT, "9"),
        (wasmtime_wasi_options_t { stdin_stream: stream(2, -1), ..no_options() }, WASMTIME_ERROR_BAD_HOST_FILE, "-1"),
        (
            wasmtime_wasi_options_t { preopens: directories.as_ptr(), preopens_len: 2, ..no_options() },
            WASMTIME_ERROR_OTHER,
            missing.to_str().unwrap(),
        ),
    ];
    for (options, code, text) in cases {
        // SAFETY: the options are of this process.
        let error = failure(unsafe { wasmtime_context_set_wasi_options(guest.context(), &options) });
        assert_eq!(error.0, code, "{}", error.1);
        assert!(error.1.contains(text), "{} is not in {}", text, error.1);
        assert_eq!(host_descriptors(dir.path()), 0);
    }
    assert_eq!(guest.read(3, 4).unwrap(), b"data");
}
