//! Files of the host behind guest descriptors.
//!
//! `unix/` and `windows/` have the same interface: [`HostFile`] is one file and what a guest can do with it, in terms
//! of Linux's errors, [`HostDir`] a directory and the paths below it, and [`Waiter`] waits for several files.
//! `own.rs`, `kind.rs`, `rights.rs`, `listing.rs` and `tcp.rs` are what does not depend on the system. `unsupported.rs`
//! stands in elsewhere.

#[cfg(any(unix, windows))]
mod dir;
mod kind;
mod listing;
#[cfg(any(unix, windows))]
mod own;
pub(super) mod rights;
#[cfg(any(unix, windows))]
mod tcp;
#[cfg(unix)]
mod unix;
#[cfg(not(any(unix, windows)))]
mod unsupported;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(not(any(unix, windows)))]
use unsupported as system;
#[cfg(windows)]
use windows as system;

pub(super) use listing::Listed;
#[cfg(windows)]
pub(super) use system::check_path;
pub(super) use system::{HostDir, HostFile, Waiter, is_directory};

use super::fault::{Errno, Fault, Outcome};
use super::memory::Spans;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wake::{Waker, check_stop};
use wasmtime_wasi::p1::types::{Fdflags, Filestat, Fstflags, Oflags, Rights};

/// The attributes of a host's file in a file system that the binding serves and that has numbers of its own for its
/// files: what such a file system does not know is not the host's.
fn served_stat(stat: Filestat, (dev, ino): (u64, u64)) -> Filestat {
    Filestat { dev, ino, nlink: 1, atim: stat.mtim, ctim: stat.mtim, ..stat }
}

/// What a guest may do with a file, whatever the host's descriptor could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessMode {
    ReadOnly,
    WriteOnly,
    ReadWrite,
    /// What is left of a mode when the host's file can do none of it.
    Neither,
}

impl AccessMode {
    /// What of this mode a file can do that reads and writes as is said.
    pub(super) fn limited(self, reads: bool, writes: bool) -> AccessMode {
        match (self.reads() && reads, self.writes() && writes) {
            (true, true) => AccessMode::ReadWrite,
            (true, false) => AccessMode::ReadOnly,
            (false, true) => AccessMode::WriteOnly,
            (false, false) => AccessMode::Neither,
        }
    }

    /// The mode that a `WASMTIME_FILE_*` number stands for.
    pub(super) fn from_number(mode: u32) -> wasmtime::Result<AccessMode> {
        match mode {
            super::WASMTIME_FILE_READ_ONLY => Ok(AccessMode::ReadOnly),
            super::WASMTIME_FILE_WRITE_ONLY => Ok(AccessMode::WriteOnly),
            super::WASMTIME_FILE_READ_WRITE => Ok(AccessMode::ReadWrite),
            other => Err(ExtError::error(
                wasmtime_error_code_t::WASMTIME_ERROR_BAD_ACCESS_MODE,
                format!("access mode {other} is none of 1 (read-only), 2 (write-only) and 3 (read-write)"),
            )),
        }
    }

    pub(super) fn reads(self) -> bool {
        matches!(self, AccessMode::ReadOnly | AccessMode::ReadWrite)
    }

    pub(super) fn writes(self) -> bool {
        matches!(self, AccessMode::WriteOnly | AccessMode::ReadWrite)
    }
}

/// Which way a guest waits for a descriptor in `poll_oneoff`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    Write,
}

/// An option of a stream socket. All are numbers: times are nanoseconds, and what is on is 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TcpOption {
    KeepAlive,
    KeepAliveIdle,
    KeepAliveInterval,
    KeepAliveCount,
    HopLimit,
    ReceiveBuffer,
    SendBuffer,
}

/// What `poll_oneoff` reports about a descriptor.
pub(super) struct Readiness {
    /// How many bytes can be read, or at least 1 when that many can be written.
    pub(super) bytes: u64,
    /// Whether the other side is gone.
    pub(super) hangup: bool,
}

/// What ended a wait.
#[derive(PartialEq, Eq)]
pub(super) enum Woken {
    ByFileOrTime,
    BySignal,
}

/// How a path is to be opened.
pub(super) struct Opening {
    /// Whether a symbolic link at the end of the path is followed.
    pub(super) follow: bool,
    pub(super) oflags: Oflags,
    /// Those that say what is asked for: reading, writing.
    pub(super) rights: Rights,
    pub(super) flags: Fdflags,
}

/// Refuses what is no path below a directory. Every path is one where only slashes and dots mean anything.
#[cfg(not(windows))]
#[allow(clippy::unnecessary_wraps, reason = "not so on Windows")]
pub(super) fn check_path(_: &std::path::Path) -> Result<(), Errno> {
    Ok(())
}

/// What to do with one of a file's times.
#[derive(Clone, Copy)]
enum NewTime {
    Keep,
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

/// The times that `fd_filestat_set_times` asks for: that of the last access, then that of the last modification.
///
/// `EINVAL` when a time is to be set both to a value and to now.
fn new_times(atim: u64, mtim: u64, flags: Fstflags) -> Result<(NewTime, NewTime), Errno> {
    let time = |value: u64, set: Fstflags, now: Fstflags| match (flags.contains(set), flags.contains(now)) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(NewTime::At(value)),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Keep),
    };
    let atim = time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?;
    Ok((atim, time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?))
}

/// As many bytes of a file as are moved at a time. Between two such parts a guest can be stopped.
const PART: usize = 16 << 20;

/// Moves the bytes of a file, in parts if they are many and the guest can be stopped. `part` moves those of some of the
/// buffers; it is told how many bytes were moved before.
fn in_parts(
    spans: &Spans,
    waker: Option<&Waker>,
    part: impl Fn(&Spans, usize) -> Result<usize, Errno>,
) -> Outcome<usize> {
    if spans.total() <= PART || waker.is_none() {
        return Ok(part(spans, 0)?);
    }
    let (mut rest, mut done) = (spans.clone(), 0);
    while rest.total() > 0 {
        check_stop::<Fault>(waker)?;
        let first = rest.first(PART);
        match part(&first, done) {
            Ok(n) => {
                done += n;
                rest.advance(n);
                if n < first.total() {
                    break;
                }
            }
            // It is met again by the next call.
            Err(_) if done > 0 => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(done)
}

/// Whether a directory with this access can be changed. What can only be written has no paths to find.
pub(super) fn writable(access: AccessMode) -> wasmtime::Result<bool> {
    match access {
        AccessMode::ReadOnly => Ok(false),
        AccessMode::ReadWrite => Ok(true),
        AccessMode::WriteOnly | AccessMode::Neither => Err(ExtError::error(
            wasmtime_error_code_t::WASMTIME_ERROR_BAD_ACCESS_MODE,
            "access mode 2 (write-only) is none of a directory's: 1 (read-only) and 3 (read-write)",
        )),
    }
}

/// Refuses what [`HostFile`] does not serve.
fn check_kind(kind: kind::Kind) -> wasmtime::Result<()> {
    if kind != kind::Kind::Directory {
        return Ok(());
    }
    Err(ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED,
        "the host file is a directory, which cannot be inserted",
    ))
}

fn bad_host_file(number: isize, why: impl std::fmt::Display) -> wasmtime::Error {
    ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_BAD_HOST_FILE,
        format!("host descriptor {number} cannot be used: {why}"),
    )
}
