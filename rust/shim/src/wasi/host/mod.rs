//! Files of the host behind guest descriptors.
//!
//! `file.rs` is one of them, `transfer.rs` and `socket.rs` what a guest can do with it, in terms of Linux's errors, `dir/` the
//! same for a directory and the paths below it; `kind.rs` says what one can be, `sys.rs` holds the calls that need raw
//! pointers, `sigpipe.rs` and `wait.rs` what blocking and broken pipes take. All of it is Unix;
//! `unsupported.rs` stands in elsewhere.

#[cfg(unix)]
mod dir;
#[cfg(unix)]
mod errno;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod kind;
#[cfg(unix)]
mod sigpipe;
#[cfg(unix)]
mod socket;
#[cfg(unix)]
mod sys;
#[cfg(unix)]
mod times;
#[cfg(unix)]
mod transfer;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod wait;

#[cfg(unix)]
pub(super) use dir::{HostDir, Opening, is_directory};
#[cfg(unix)]
pub(super) use file::HostFile;
#[cfg(not(unix))]
pub(super) use unsupported::{HostDir, HostFile, Opening, Waiter, Woken, is_directory};
#[cfg(unix)]
pub(super) use wait::{Waiter, Woken};

use crate::error::{ExtError, wasmtime_error_code_t};

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

/// What `poll_oneoff` reports about a descriptor.
pub(super) struct Readiness {
    /// How many bytes can be read, or at least 1 when that many can be written.
    pub(super) bytes: u64,
    /// Whether the other side is gone.
    pub(super) hangup: bool,
}
