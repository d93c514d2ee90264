//! The times that `fd_filestat_set_times` asks for.

use crate::wasi::fault::Errno;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use wasmtime_wasi::p1::types::Fstflags;

/// `EINVAL` when a time is to be set both to a value and to now.
pub(super) fn timestamps(atim: u64, mtim: u64, flags: Fstflags) -> Result<Timestamps, Errno> {
    let time = |value: u64, set: Fstflags, now: Fstflags| {
        let (tv_sec, tv_nsec) = match (flags.contains(set), flags.contains(now)) {
            (true, true) => return Err(Errno::Inval),
            (true, false) => ((value / 1_000_000_000) as _, (value % 1_000_000_000) as _),
            (false, true) => (0, UTIME_NOW as _),
            (false, false) => (0, UTIME_OMIT as _),
        };
        Ok(Timespec { tv_sec, tv_nsec })
    };
    Ok(Timestamps {
        last_access: time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?,
        last_modification: time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?,
    })
}
