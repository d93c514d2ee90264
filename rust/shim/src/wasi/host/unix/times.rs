//! The times that `fd_filestat_set_times` asks for.

use super::{NewTime, new_times};
use crate::wasi::fault::Errno;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use wasmtime_wasi::p1::types::Fstflags;

/// `EINVAL` when a time is to be set both to a value and to now.
pub(super) fn timestamps(atim: u64, mtim: u64, flags: Fstflags) -> Result<Timestamps, Errno> {
    let time = |time: NewTime| {
        let (tv_sec, tv_nsec) = match time {
            NewTime::At(value) => ((value / 1_000_000_000) as _, (value % 1_000_000_000) as _),
            NewTime::Now => (0, UTIME_NOW as _),
            NewTime::Keep => (0, UTIME_OMIT as _),
        };
        Timespec { tv_sec, tv_nsec }
    };
    let (atim, mtim) = new_times(atim, mtim, flags)?;
    Ok(Timestamps { last_access: time(atim), last_modification: time(mtim) })
}
