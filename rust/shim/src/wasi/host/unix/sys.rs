//! Reading and writing through raw pointers: a guest's buffers may overlap or be shared with other threads, so they
//! never become Rust slices.

use crate::wasi::memory::Span;
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

const _: () = assert!(
    size_of::<Span>() == size_of::<libc::iovec>()
        && align_of::<Span>() == align_of::<libc::iovec>()
        && std::mem::offset_of!(Span, base) == std::mem::offset_of!(libc::iovec, iov_base)
        && std::mem::offset_of!(Span, len) == std::mem::offset_of!(libc::iovec, iov_len)
);

/// Turns the result of a system call into a count; `EINTR` is for the caller to retry.
fn count(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| {
        let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        Errno::from_raw_os_error(code)
    })
}

/// The arguments that the vector calls take; at most `IOV_MAX` spans.
fn vector(spans: &[Span]) -> (*const libc::iovec, i32) {
    (spans.as_ptr().cast(), spans.len() as i32)
}

pub(super) fn read(fd: BorrowedFd<'_>, spans: &[Span]) -> Result<usize, Errno> {
    // SAFETY: every span is memory that a guest lets us write (see `Spans`), and the layouts were compared above.
    count(unsafe {
        match spans {
            [one] => libc::read(fd.as_raw_fd(), one.base.cast(), one.len),
            many => {
                let (at, n) = vector(many);
                libc::readv(fd.as_raw_fd(), at, n)
            }
        }
    })
}

pub(super) fn write(fd: BorrowedFd<'_>, spans: &[Span]) -> Result<usize, Errno> {
    // SAFETY: as for `read`; the memory is only read.
    count(unsafe {
        match spans {
            [one] => libc::write(fd.as_raw_fd(), one.base.cast(), one.len),
            many => {
                let (at, n) = vector(many);
                libc::writev(fd.as_raw_fd(), at, n)
            }
        }
    })
}

pub(super) fn pread(fd: BorrowedFd<'_>, spans: &[Span], offset: libc::off_t) -> Result<usize, Errno> {
    // SAFETY: as for `read`.
    count(unsafe {
        match spans {
            [one] => libc::pread(fd.as_raw_fd(), one.base.cast(), one.len, offset),
            many => {
                let (at, n) = vector(many);
                libc::preadv(fd.as_raw_fd(), at, n, offset)
            }
        }
    })
}

pub(super) fn pwrite(fd: BorrowedFd<'_>, spans: &[Span], offset: libc::off_t) -> Result<usize, Errno> {
    // SAFETY: as for `write`.
    count(unsafe {
        match spans {
            [one] => libc::pwrite(fd.as_raw_fd(), one.base.cast(), one.len, offset),
            many => {
                let (at, n) = vector(many);
                libc::pwritev(fd.as_raw_fd(), at, n, offset)
            }
        }
    })
}

/// Reads from something without a position, and does not wait: `EAGAIN` if it would have to, `EOPNOTSUPP` if this
/// cannot be asked of it, as of a named pipe and of a terminal.
#[cfg(target_os = "linux")]
pub(super) fn read_now(fd: BorrowedFd<'_>, spans: &[Span]) -> Result<usize, Errno> {
    let (at, n) = vector(spans);
    let here: libc::c_long = -1;
    // SAFETY: as for `read`; the offset, two words of which 64-bit machines ignore the second, says that there is none.
    let result = count(unsafe {
        libc::syscall(libc::SYS_preadv2, fd.as_raw_fd(), at, libc::c_long::from(n), here, here, libc::RWF_NOWAIT)
            as isize
    });
    match result {
        Err(Errno::NOSYS | Errno::INVAL) => Err(Errno::OPNOTSUPP),
        other => other,
    }
}

/// Reads without waiting, which this system cannot be asked for.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_now(_: BorrowedFd<'_>, _: &[Span]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// Writes to something without a position, and does not wait: `EAGAIN` if it would have to, `EOPNOTSUPP` if this
/// cannot be asked of it.
#[cfg(target_os = "linux")]
pub(super) fn write_now(fd: BorrowedFd<'_>, spans: &[Span]) -> Result<usize, Errno> {
    let (at, n) = vector(spans);
    let here: libc::c_long = -1;
    // SAFETY: as for `write`; the offset, two words of which 64-bit machines ignore the second, says that there is
    // none.
    let result = count(unsafe {
        libc::syscall(libc::SYS_pwritev2, fd.as_raw_fd(), at, libc::c_long::from(n), here, here, libc::RWF_NOWAIT)
            as isize
    });
    match result {
        Err(Errno::NOSYS | Errno::INVAL) => Err(Errno::OPNOTSUPP),
        other => other,
    }
}

/// Writes without waiting, which this system cannot be asked for.
#[cfg(not(target_os = "linux"))]
pub(super) fn write_now(_: BorrowedFd<'_>, _: &[Span]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// The message that the calls on sockets take.
fn message(spans: &[Span]) -> libc::msghdr {
    // SAFETY: all zero is a message without an address, without buffers and without control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = spans.as_ptr().cast_mut().cast();
    message.msg_iovlen = spans.len() as _;
    message
}

fn waiting(never: bool) -> i32 {
    if never { libc::MSG_DONTWAIT } else { 0 }
}

/// Receives from a socket, and tells whether a datagram was cut.
pub(super) fn recv(fd: BorrowedFd<'_>, spans: &[Span], flags: i32, never_waits: bool) -> Result<(usize, bool), Errno> {
    let mut message = message(spans);
    // SAFETY: as for `read`.
    let n = count(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, flags | waiting(never_waits)) })?;
    Ok((n, message.msg_flags & libc::MSG_TRUNC != 0))
}

/// Sends to a socket, without `SIGPIPE`.
pub(super) fn send(fd: BorrowedFd<'_>, spans: &[Span], never_waits: bool) -> Result<usize, Errno> {
    let message = message(spans);
    // SAFETY: as for `write`.
    let send =
        |flags| count(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, flags | waiting(never_waits)) });
    #[cfg(target_os = "linux")]
    return send(libc::MSG_NOSIGNAL);
    #[cfg(not(target_os = "linux"))]
    super::sigpipe::held_back(fd, || send(0))
}

/// Accepts a connection. The new descriptor does not block and is not inherited.
pub(super) fn accept(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    {
        use rustix::net::SocketFlags;
        rustix::net::accept_with(fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
    }
    #[cfg(not(target_os = "linux"))]
    {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        let accepted = rustix::net::accept(fd)?;
        rustix::io::fcntl_setfd(&accepted, rustix::io::FdFlags::CLOEXEC)?;
        fcntl_setfl(&accepted, fcntl_getfl(&accepted)? | OFlags::NONBLOCK)?;
        Ok(accepted)
    }
}

/// Appends to a file. With `keep_position` the file's position stays where it is, otherwise it follows.
#[cfg(target_os = "linux")]
pub(super) fn append(fd: BorrowedFd<'_>, spans: &[Span], keep_position: bool) -> Result<usize, Errno> {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Kernels before 4.16 do not know the flag.
    static MISSING: AtomicBool = AtomicBool::new(false);

    if !MISSING.load(Ordering::Relaxed) {
        let (at, n) = vector(spans);
        let offset: i64 = if keep_position { 0 } else { -1 };
        // The C library has the function only since glibc 2.26. The kernel takes the offset as two words, of which
        // 64-bit machines ignore the second.
        let (low, high) = (offset as libc::c_long, (offset >> 32) as libc::c_long);
        // SAFETY: as for `write`.
        let result = count(unsafe {
            libc::syscall(libc::SYS_pwritev2, fd.as_raw_fd(), at, libc::c_long::from(n), low, high, libc::RWF_APPEND)
                as isize
        });
        match result {
            Err(Errno::NOSYS) => MISSING.store(true, Ordering::Relaxed),
            // This file takes no flags, as most of procfs.
            Err(Errno::OPNOTSUPP) => {}
            other => return other,
        }
    }
    append_by_seeking(fd, spans, keep_position)
}

/// Appends to a file. With `keep_position` the file's position stays where it is, otherwise it follows.
#[cfg(not(target_os = "linux"))]
pub(super) fn append(fd: BorrowedFd<'_>, spans: &[Span], keep_position: bool) -> Result<usize, Errno> {
    append_by_seeking(fd, spans, keep_position)
}

/// Not atomic: another writer can get in between the two calls.
fn append_by_seeking(fd: BorrowedFd<'_>, spans: &[Span], keep_position: bool) -> Result<usize, Errno> {
    if keep_position {
        let end = rustix::fs::fstat(fd)?.st_size;
        return pwrite(fd, spans, end);
    }
    rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0))?;
    write(fd, spans)
}
