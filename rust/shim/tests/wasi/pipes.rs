//! Pipes, and who waits for them.

use crate::guest::{Errno, Guest, RESULT};
use std::io::{Read, Write, pipe};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};
use wasmtime_ext::*;

const NONBLOCK: i32 = 4;

/// Sets `O_NONBLOCK` in the open file description, as Go's runtime does with its pipes.
fn nonblocking(file: &impl AsFd) {
    let flags = rustix::fs::fcntl_getfl(file).unwrap();
    rustix::fs::fcntl_setfl(file, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
}

fn is_nonblocking(file: &impl AsFd) -> bool {
    rustix::fs::fcntl_getfl(file).unwrap().contains(rustix::fs::OFlags::NONBLOCK)
}

#[test]
fn read_write_and_end() {
    let (reader, mut writer) = pipe().unwrap();
    let (mut back, forth) = pipe().unwrap();
    let mut guest = Guest::new();
    let input = guest.push(&reader, WASMTIME_FILE_READ_ONLY) as i32;
    let output = guest.push(&forth, WASMTIME_FILE_WRITE_ONLY) as i32;
    writer.write_all(b"ping").unwrap();
    assert_eq!(guest.read(input, 10).unwrap(), b"ping");
    assert_eq!(guest.write(output, b"pong"), Ok(4));
    let mut pong = [0; 4];
    back.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"pong");
    drop(writer);
    assert_eq!(guest.read(input, 10).unwrap(), b"");

    assert_eq!(guest.seek(input, 0, 1), Err(Errno::Spipe));
    assert_eq!(guest.call("fd_tell", &[input.into(), RESULT.into()]), Errno::Spipe);
    let positioned = |fd: i32| [fd.into(), 16.into(), 1.into(), 0_i64.into(), RESULT.into()];
    assert_eq!(guest.call("fd_pread", &positioned(input)), Errno::Spipe);
    assert_eq!(guest.call("fd_pwrite", &positioned(output)), Errno::Spipe);
    assert_eq!(guest.call("fd_filestat_set_size", &[output.into(), 0_i64.into()]), Errno::Inval);
    assert_eq!(guest.call("fd_allocate", &[output.into(), 0_i64.into(), 1_i64.into()]), Errno::Spipe);
    assert_eq!(guest.call("fd_advise", &[output.into(), 0_i64.into(), 1_i64.into(), 0.into()]), Errno::Spipe);
    assert_eq!(guest.call("fd_sync", &[output.into()]), Errno::Inval);
    assert_eq!(guest.fdstat(input).0, 0, "WASI 0.1 has no file type for a pipe");
}

#[test]
fn a_blocking_guest_waits_on_a_nonblocking_pipe_of_the_host() {
    let (reader, mut writer) = pipe().unwrap();
    nonblocking(&reader);
    let mut guest = Guest::new();
    let fd = guest.push(&reader, WASMTIME_FILE_READ_ONLY) as i32;
    let other = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        writer.write_all(b"late").unwrap();
    });
    assert_eq!(guest.read(fd, 10).unwrap(), b"late");
    other.join().unwrap();
    assert!(is_nonblocking(&reader));
}

#[test]
fn a_blocking_guest_writes_everything() {
    let (mut reader, writer) = pipe().unwrap();
    nonblocking(&writer);
    let mut guest = Guest::new();
    let fd = guest.push(&writer, WASMTIME_FILE_WRITE_ONLY) as i32;
    let other = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        let mut all = vec![0; 200_000];
        reader.read_exact(&mut all).unwrap();
        all
    });
    let text: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
    assert_eq!(guest.write(fd, &text), Ok(200_000));
    assert_eq!(other.join().unwrap(), text);
    assert!(is_nonblocking(&writer));
}

#[test]
fn a_nonblocking_guest_never_waits() {
    for host_nonblocking in [false, true] {
        let (reader, mut writer) = pipe().unwrap();
        let (mut back, forth) = pipe().unwrap();
        if host_nonblocking {
            nonblocking(&reader);
            nonblocking(&forth);
        }
        let mut guest = Guest::new();
        let input = guest.push(&reader, WASMTIME_FILE_READ_ONLY) as i32;
        let output = guest.push(&forth, WASMTIME_FILE_WRITE_ONLY) as i32;
        for fd in [input, output] {
            assert_eq!(guest.call("fd_fdstat_set_flags", &[fd.into(), NONBLOCK.into()]), Errno::Success);
            assert_eq!(guest.fdstat(fd).1, 4);
        }
        assert_eq!(guest.read(input, 10), Err(Errno::Again));
        writer.write_all(b"now").unwrap();
        assert_eq!(guest.read(input, 10).unwrap(), b"now");

        let mut sent = 0;
        let rest = loop {
            match guest.write(output, &[1; 100_000]) {
                Ok(n) => sent += n,
                Err(errno) => break errno,
            }
        };
        // What does not fill a page can be left over when the host's side blocks.
        assert!(sent > 61440 && sent <= 65536, "{sent}");
        assert_eq!(rest, Errno::Again);
        back.read_exact(&mut vec![0; 10_000]).unwrap();
        assert!(guest.write(output, &[1; 100_000]).unwrap() >= 4096);
        assert_eq!(is_nonblocking(&reader), host_nonblocking);
        assert_eq!(is_nonblocking(&forth), host_nonblocking);
    }
}

#[test]
fn a_broken_pipe_is_an_errno_and_no_signal() {
    // Rust's runtime ignores the signal; a C program has the default, which would end this process.
    // SAFETY: changes a disposition that no other test relies on.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut guest = Guest::new();
    let fd = guest.push(&writer, WASMTIME_FILE_WRITE_ONLY) as i32;
    for _ in 0..3 {
        assert_eq!(guest.write(fd, b"anyone?"), Err(Errno::Pipe));
    }
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

#[test]
fn signals_do_not_show() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the handler does nothing, and without SA_RESTART each signal interrupts the call it meets.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut());
    }
    let (reader, mut writer) = pipe().unwrap();
    let mut guest = Guest::new();
    let fd = guest.push(&reader, WASMTIME_FILE_READ_ONLY) as i32;
    // SAFETY: plain call.
    let thread = unsafe { libc::pthread_self() } as usize;
    let other = thread::spawn(move || {
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(5));
            // SAFETY: the thread waits below until this one has ended.
            unsafe { libc::pthread_kill(thread as libc::pthread_t, libc::SIGUSR1) };
        }
        writer.write_all(b"done").unwrap();
    });
    let start = Instant::now();
    assert_eq!(guest.read(fd, 10).unwrap(), b"done");
    assert!(start.elapsed() >= Duration::from_millis(90));
    other.join().unwrap();
}
