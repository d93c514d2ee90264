//! Calls that are not the same on all Unix systems. `apple/` has the same for macOS.

use rustix::fd::BorrowedFd;
use rustix::fs::{FallocateFlags, SeekFrom, Stat};
use rustix::io::Result;
use std::num::NonZeroU64;
use wasmtime_wasi::p1::types::Advice;

pub(super) use rustix::event::poll;
pub(super) use rustix::fs::{fdatasync as sync_data, fsync as sync};

/// Whether sending takes heed of `MSG_DONTWAIT`.
pub(super) const SENDS_WITHOUT_WAITING: bool = true;

/// Whether a character device is `/dev/null`.
pub(super) fn is_null(stat: &Stat) -> bool {
    cfg!(target_os = "linux") && stat.st_rdev == libc::makedev(1, 3)
}

/// Whether a character device has no position.
pub(super) fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::seek(fd, SeekFrom::Current(0)).is_err()
}

/// Whether a socket takes connections.
pub(super) fn is_listener(fd: BorrowedFd<'_>) -> bool {
    rustix::net::sockopt::socket_acceptconn(fd) == Ok(true)
}

/// How many bytes a socket takes for sure when it is ready to be written.
pub(super) fn sure_to_send(_: BorrowedFd<'_>) -> usize {
    1
}

/// Makes room for a range of a file and extends the file to its end.
pub(super) fn allocate(fd: BorrowedFd<'_>, offset: u64, len: u64) -> Result<()> {
    rustix::fs::fallocate(fd, FallocateFlags::empty(), offset, len)
}

/// Says how a range of a file will be used.
pub(super) fn advise(fd: BorrowedFd<'_>, offset: u64, len: Option<NonZeroU64>, advice: Advice) -> Result<()> {
    use rustix::fs::Advice as To;
    let advice = match advice {
        Advice::Normal => To::Normal,
        Advice::Sequential => To::Sequential,
        Advice::Random => To::Random,
        Advice::Willneed => To::WillNeed,
        Advice::Dontneed => To::DontNeed,
        Advice::Noreuse => To::NoReuse,
    };
    rustix::fs::fadvise(fd, offset, len, advice)
}
