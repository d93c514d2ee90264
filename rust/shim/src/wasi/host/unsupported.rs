//! Stands in where host files cannot be inserted: nothing makes a [`HostFile`], so nothing here can be called.

use super::{AccessMode, Direction, Listed, Opening, Readiness, Woken};
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wake::Waker;
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::memory::Spans;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;
use wasmtime_wasi::p1::types::{
    Advice, Dircookie, Fdflags, Fdstat, Filestat, Fstflags, Riflags, Roflags, Sdflags, Whence,
};

/// A file of the host: impossible here.
pub(in crate::wasi) enum HostFile {}

/// A directory of the host: impossible here.
pub(in crate::wasi) enum HostDir {}

pub(in crate::wasi) unsafe fn is_directory(_: *mut c_void) -> bool {
    false
}

fn unsupported() -> wasmtime::Error {
    ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED,
        "this platform cannot hand host files to a guest",
    )
}

impl HostFile {
    pub(in crate::wasi) unsafe fn duplicate(_: *mut c_void, _: AccessMode) -> wasmtime::Result<HostFile> {
        Err(unsupported())
    }

    pub(in crate::wasi) unsafe fn accepted(_: *mut c_void, _: AccessMode) -> Result<HostFile, Errno> {
        Err(Errno::Notsup)
    }

    pub(in crate::wasi) fn tcp(_: bool) -> Result<HostFile, Errno> {
        Err(Errno::Notsup)
    }

    pub(in crate::wasi) fn standard(_: i32) -> wasmtime::Result<HostFile> {
        Err(unsupported())
    }

    pub(in crate::wasi) fn null(_: AccessMode) -> wasmtime::Result<HostFile> {
        Err(unsupported())
    }

    pub(in crate::wasi) fn served_as(self, _: Fdflags, _: (u64, u64)) -> HostFile {
        match self {}
    }

    pub(in crate::wasi) fn waiting<T>(&mut self, _: bool, _: impl FnOnce(&HostFile) -> T) -> T {
        match *self {}
    }

    pub(in crate::wasi) fn appending<T>(&mut self, _: impl FnOnce(&HostFile) -> T) -> T {
        match *self {}
    }
}

impl HostDir {
    pub(in crate::wasi) unsafe fn duplicate(
        _: *mut c_void,
        _: Option<String>,
        _: AccessMode,
    ) -> wasmtime::Result<HostDir> {
        Err(unsupported())
    }

    pub(in crate::wasi) fn preopen(_: &Path, _: String, _: AccessMode) -> wasmtime::Result<HostDir> {
        Err(unsupported())
    }
}

macro_rules! impossible {
    ($of:ident: $($name:ident($($arg:ty),*) -> $result:ty;)*) => {
        #[allow(clippy::unused_self, reason = "stands in for methods that use it")]
        impl $of {$(
            pub(in crate::wasi) fn $name(&self $(, _: $arg)*) -> $result {
                match *self {}
            }
        )*}
    };
}

impossible! { HostFile:
    read(&Spans, Option<&Waker>) -> Outcome<usize>;
    pread(&Spans, u64, Option<&Waker>) -> Outcome<usize>;
    write(&mut Spans, Option<&Waker>) -> Outcome<usize>;
    pwrite(&Spans, u64, Option<&Waker>) -> Outcome<usize>;
    seek(i64, Whence) -> Result<u64, Errno>;
    stat() -> Result<Filestat, Errno>;
    set_size(u64) -> Result<(), Errno>;
    set_times(u64, u64, Fstflags) -> Result<(), Errno>;
    allocate(u64, u64, Option<&Waker>) -> Outcome;
    advise(u64, u64, Advice) -> Result<(), Errno>;
    sync(bool) -> Result<(), Errno>;
    fdstat() -> Fdstat;
    another() -> Result<HostFile, Errno>;
    seeks() -> bool;
    is_terminal() -> bool;
    set_flags(Fdflags) -> Result<(), Errno>;
    set_nonblock(bool) -> ();
    look() -> Result<(), Errno>;
    check_readable() -> Result<(), Errno>;
    check_writable() -> Result<(), Errno>;
    recv(&Spans, Riflags, Option<&Waker>) -> Outcome<(usize, Roflags)>;
    send(&mut Spans, Option<&Waker>) -> Outcome<usize>;
    shutdown(Sdflags) -> Result<(), Errno>;
    is_socket() -> bool;
    is_stream_socket() -> bool;
    listens() -> bool;
    address(bool) -> Result<std::net::SocketAddr, Errno>;
    bind(std::net::SocketAddr) -> Result<(), Errno>;
    connect(std::net::SocketAddr) -> Result<(), Errno>;
    connected() -> Result<(), Errno>;
    listen(i32) -> Result<(), Errno>;
    refuse() -> ();
    tcp_option(super::TcpOption, bool) -> Result<u64, Errno>;
    set_tcp_option(super::TcpOption, u64, bool) -> Result<(), Errno>;
    accept(bool, Option<&Waker>) -> Outcome<HostFile>;
}

impossible! { HostDir:
    name() -> Option<&'static str>;
    is_writable() -> bool;
    another() -> std::io::Result<HostDir>;
    stat() -> Result<Filestat, Errno>;
    set_times(u64, u64, Fstflags) -> Result<(), Errno>;
    sync(bool) -> Result<(), Errno>;
    fdstat() -> Fdstat;
    set_flags(Fdflags) -> Result<(), Errno>;
    read_entries(Dircookie, usize, (&Listed, usize), Option<&Waker>) -> Outcome<Vec<u8>>;
    open(&Path, &Opening) -> Result<Entry, Errno>;
    path_stat(&Path, bool) -> Result<Filestat, Errno>;
    path_set_times(&Path, bool, u64, u64, Fstflags) -> Result<(), Errno>;
    create_directory(&Path) -> Result<(), Errno>;
    remove_directory(&Path) -> Result<(), Errno>;
    unlink(&Path) -> Result<(), Errno>;
    link(&Path, &HostDir, &Path) -> Result<(), Errno>;
    rename(&Path, &HostDir, &Path) -> Result<(), Errno>;
    symlink(&Path, &Path) -> Result<(), Errno>;
    read_link(&Path) -> Result<Vec<u8>, Errno>;
}

/// Waits for clocks only.
#[derive(Default)]
pub(in crate::wasi) struct Waiter<'a> {
    files: PhantomData<&'a HostFile>,
}

impl<'a> Waiter<'a> {
    pub(in crate::wasi) fn add(&mut self, file: &'a HostFile, _: Direction) -> usize {
        match *file {}
    }

    pub(in crate::wasi) fn wait(&mut self, time: Option<Duration>, _: Option<&'a Waker>) -> Outcome<Woken> {
        std::thread::sleep(time.unwrap_or_default());
        Ok(Woken::ByFileOrTime)
    }

    pub(in crate::wasi) fn readiness(&self, _: usize, file: &HostFile, _: Direction) -> Option<Readiness> {
        match *file {}
    }
}
