//! Calls that are not the same on all Unix systems.

use rustix::fd::BorrowedFd;
use rustix::io::Result;
use std::num::NonZeroU64;
use wasmtime_wasi::p1::types::Advice;

/// Whether a socket takes connections.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn is_listener(fd: BorrowedFd<'_>) -> bool {
    rustix::net::sockopt::socket_acceptconn(fd) == Ok(true)
}

/// Whether a socket takes connections.
#[cfg(target_vendor = "apple")]
pub(super) fn is_listener(fd: BorrowedFd<'_>) -> bool {
    use std::os::fd::AsRawFd;
    let mut listens: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option is a number, for which there is room.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut listens).cast(),
            &raw mut size,
        )
    };
    result == 0 && listens != 0
}

/// Writes the contents of a file, and of its attributes only those that reading it takes, to the disk.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn sync_data(fd: BorrowedFd<'_>) -> Result<()> {
    rustix::fs::fdatasync(fd)
}

/// Writes the contents of a file, and its attributes as well, to the disk.
#[cfg(target_vendor = "apple")]
pub(super) fn sync_data(fd: BorrowedFd<'_>) -> Result<()> {
    rustix::fs::fsync(fd)
}

/// Says how a range of a file will be used.
#[cfg(not(target_vendor = "apple"))]
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

/// Says how a range of a file will be used. The system wants to know only what will be read soon.
#[cfg(target_vendor = "apple")]
pub(super) fn advise(fd: BorrowedFd<'_>, offset: u64, len: Option<NonZeroU64>, advice: Advice) -> Result<()> {
    match advice {
        Advice::Willneed => rustix::fs::fcntl_rdadvise(fd, offset, len.map_or(u64::MAX, NonZeroU64::get)),
        _ => Ok(()),
    }
}
