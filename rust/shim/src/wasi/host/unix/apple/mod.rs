//! What `system.rs` is elsewhere, for macOS. `poll.rs` waits.

mod poll;

pub(super) use poll::poll;

use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::fs::{FileType, Stat};
use rustix::io::{Errno, Result};
use std::num::NonZeroU64;
use wasmtime_wasi::p1::types::Advice;

/// Sending takes no heed of `MSG_DONTWAIT`: the kernel looks at it when it locks the buffer, and not when that is full.
pub(super) const SENDS_WITHOUT_WAITING: bool = false;

/// Whether a character device is `/dev/null`.
pub(super) fn is_null(stat: &Stat) -> bool {
    stat.st_rdev == libc::makedev(3, 2)
}

/// Whether a character device has no position. Every one of them lets itself be sought here.
pub(super) fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: a plain call.
    unsafe { libc::isatty(fd.as_raw_fd()) == 1 }
}

/// The start of the kernel's `struct socket_fdinfo`, up to what is wanted of it, and its size.
#[repr(C, align(8))]
struct SocketInfo {
    before: [u8; 188],
    options: i16,
    after: [u8; 602],
}

const _: () = assert!(size_of::<SocketInfo>() == 792 && std::mem::offset_of!(SocketInfo, options) == 188);

/// `PROC_PIDFDSOCKETINFO`.
const SOCKET_INFO: libc::c_int = 3;

/// Whether a socket takes connections. `SO_ACCEPTCONN` is declared here, but no option that `getsockopt` knows.
pub(super) fn is_listener(fd: BorrowedFd<'_>) -> bool {
    let mut info = SocketInfo { before: [0; 188], options: 0, after: [0; 602] };
    let size = size_of::<SocketInfo>() as libc::c_int;
    // SAFETY: there is room for as many bytes as is said.
    let filled = unsafe {
        let this = libc::getpid();
        libc::proc_pidfdinfo(this, fd.as_raw_fd(), SOCKET_INFO, (&raw mut info).cast(), size)
    };
    filled == size && libc::c_int::from(info.options) & libc::SO_ACCEPTCONN != 0
}

/// How many bytes a socket takes for sure when it is ready to be written.
pub(super) fn sure_to_send(fd: BorrowedFd<'_>) -> usize {
    let mut bytes: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option is a number, for which there is room.
    let result = unsafe {
        let value = (&raw mut bytes).cast();
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_SNDLOWAT, value, &raw mut size)
    };
    if result == 0 { usize::try_from(bytes).unwrap_or(1).max(1) } else { 1 }
}

/// Writes the contents of a file, and its attributes, to the disk. `fsync` would leave them in the disk's own memory.
pub(super) fn sync(fd: BorrowedFd<'_>) -> Result<()> {
    match rustix::fs::fcntl_fullfsync(fd) {
        // Not every file system knows it, and nothing but a file does.
        Err(Errno::NOTSUP | Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL | Errno::BADF | Errno::NODEV) => {
            rustix::fs::fsync(fd).map_err(|e| if e == Errno::NOTSUP { Errno::INVAL } else { e })
        }
        other => other,
    }
}

/// Writes the contents of a file to the disk, and its attributes as well: the system does not tell them apart.
pub(super) fn sync_data(fd: BorrowedFd<'_>) -> Result<()> {
    sync(fd)
}

/// Makes room for a range of a file and extends the file to its end. The kernel makes room behind the end of a file
/// only, so holes before it stay. If somebody else extends the file at the same time, what he appends may be cut off.
pub(super) fn allocate(fd: BorrowedFd<'_>, offset: u64, len: u64) -> Result<()> {
    let stat = rustix::fs::fstat(fd)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Fifo => return Err(Errno::SPIPE),
        _ => return Err(Errno::NODEV),
    }
    let end = offset.checked_add(len).and_then(|end| i64::try_from(end).ok()).ok_or(Errno::FBIG)?;
    if end <= stat.st_size {
        return Ok(());
    }
    // Makes the file as short as it is told to, so it is never called with less than the size.
    rustix::fs::fallocate(fd, rustix::fs::FallocateFlags::empty(), 0, end.cast_unsigned())
}

/// Says how a range of a file will be used. The system wants to know only what will be read soon.
pub(super) fn advise(fd: BorrowedFd<'_>, offset: u64, len: Option<NonZeroU64>, advice: Advice) -> Result<()> {
    match FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) {
        FileType::Fifo => Err(Errno::SPIPE),
        FileType::RegularFile if matches!(advice, Advice::Willneed) => {
            rustix::fs::fcntl_rdadvise(fd, offset, len.map_or(u64::MAX, NonZeroU64::get))
        }
        _ => Ok(()),
    }
}

/// Takes from a pipe or a socket that writing to it can raise `SIGPIPE`; from then on, for the host as well. The
/// kernel sends that signal to the process, so that holding it back from the thread that writes is not enough.
pub(super) fn without_sigpipe(fd: BorrowedFd<'_>) {
    // SAFETY: a plain call. Where it fails, there is nothing to take.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETNOSIGPIPE, 1) };
}
