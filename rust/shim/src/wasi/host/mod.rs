//! Files of the host behind guest descriptors.
//!
//! `file.rs` is what a guest can do with one, in terms of Linux's errors; `kind.rs` says what one can be, `sys.rs` holds
//! the calls that need raw pointers, `sigpipe.rs` and `wait.rs` what blocking and broken pipes take. All of it is Unix;
//! `unsupported.rs` stands in elsewhere.

#[cfg(unix)]
mod errno;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod kind;
#[cfg(unix)]
mod sigpipe;
#[cfg(unix)]
mod sys;
#[cfg(unix)]
mod times;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod wait;

#[cfg(unix)]
pub(super) use file::HostFile;
#[cfg(not(unix))]
pub(super) use unsupported::{HostFile, Waiter};
#[cfg(unix)]
pub(super) use wait::Waiter;

use crate::error::{ExtError, wasmtime_error_code_t};

/// What a guest may do with a file, whatever the host's descriptor could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessMode {
    ReadOnly,
    WriteOnly,
    ReadWrite,
}

impl AccessMode {
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
        self != AccessMode::WriteOnly
    }

    pub(super) fn writes(self) -> bool {
        self != AccessMode::ReadOnly
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
