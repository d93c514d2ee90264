//! Stands in where host files cannot be inserted: nothing makes a [`HostFile`], so nothing here can be called.

use super::{AccessMode, Direction, Readiness};
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wasi::fault::Errno;
use crate::wasi::memory::Spans;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::time::Duration;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Fdstat, Filestat, Fstflags, Whence};

/// A file of the host: impossible here.
pub(in crate::wasi) enum HostFile {}

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

    pub(in crate::wasi) fn standard(_: i32) -> wasmtime::Result<HostFile> {
        Err(unsupported())
    }

    pub(in crate::wasi) fn null(_: AccessMode) -> wasmtime::Result<HostFile> {
        Err(unsupported())
    }
}

macro_rules! impossible {
    ($($name:ident($($arg:ty),*) -> $result:ty;)*) => {
        #[allow(clippy::unused_self, reason = "stands in for methods that use it")]
        impl HostFile {$(
            pub(in crate::wasi) fn $name(&self $(, _: $arg)*) -> $result {
                match *self {}
            }
        )*}
    };
}

impossible! {
    read(&Spans) -> Result<usize, Errno>;
    pread(&Spans, u64) -> Result<usize, Errno>;
    write(&mut Spans) -> Result<usize, Errno>;
    pwrite(&Spans, u64) -> Result<usize, Errno>;
    seek(i64, Whence) -> Result<u64, Errno>;
    stat() -> Result<Filestat, Errno>;
    set_size(u64) -> Result<(), Errno>;
    set_times(u64, u64, Fstflags) -> Result<(), Errno>;
    allocate(u64, u64) -> Result<(), Errno>;
    advise(u64, u64, Advice) -> Result<(), Errno>;
    sync(bool) -> Result<(), Errno>;
    fdstat() -> Fdstat;
    set_flags(Fdflags) -> Result<(), Errno>;
    look() -> Result<(), Errno>;
    check_readable() -> Result<(), Errno>;
    check_writable() -> Result<(), Errno>;
    is_socket() -> bool;
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

    pub(in crate::wasi) fn wait(&mut self, time: Option<Duration>) -> Result<(), Errno> {
        std::thread::sleep(time.unwrap_or_default());
        Ok(())
    }

    pub(in crate::wasi) fn readiness(&self, _: usize, file: &HostFile, _: Direction) -> Option<Readiness> {
        match *file {}
    }
}
