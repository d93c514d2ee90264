//! Writing to a pipe without a reader gives the guest `EPIPE`, and the host process lives on.

use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::ptr;

/// Runs one write, of which the process does not die. A process that ignores or handles `SIGPIPE`, as a Go program
/// does, is left alone.
pub(super) fn held_back(fd: BorrowedFd<'_>, write: impl FnOnce() -> Result<usize, Errno>) -> Result<usize, Errno> {
    if kills() { without_dying(fd, write) } else { write() }
}

/// Whether the process would die of the signal.
fn kills() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a plain call of the C library, which fills the local structure; no signal handler is installed.
    unsafe {
        libc::sigaction(libc::SIGPIPE, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_DFL
    }
}

#[cfg(target_vendor = "apple")]
fn without_dying(fd: BorrowedFd<'_>, write: impl FnOnce() -> Result<usize, Errno>) -> Result<usize, Errno> {
    super::system::without_sigpipe(fd);
    write()
}

/// The signal is held back from this thread meanwhile and, if the write raised it, taken away.
#[cfg(not(target_vendor = "apple"))]
fn without_dying(_: BorrowedFd<'_>, write: impl FnOnce() -> Result<usize, Errno>) -> Result<usize, Errno> {
    // SAFETY: plain calls of the C library on local, initialised structures.
    unsafe {
        let mut sigpipe = MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(sigpipe.as_mut_ptr());
        libc::sigaddset(sigpipe.as_mut_ptr(), libc::SIGPIPE);
        let sigpipe = sigpipe.assume_init();
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        if libc::pthread_sigmask(libc::SIG_BLOCK, &sigpipe, before.as_mut_ptr()) != 0 {
            return write();
        }
        let already = pending();
        let result = write();
        // It also comes when a part was written before the reader was gone.
        if !already && pending() {
            let mut signal = 0;
            libc::sigwait(&sigpipe, &mut signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        result
    }
}

/// Whether `SIGPIPE` waits to be delivered.
#[cfg(not(target_vendor = "apple"))]
fn pending() -> bool {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is local and was zeroed, which is a valid set.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1 }
}
