//! `poll`, which does not know all devices, with the help of `select`, which does.

use rustix::event::{FdSetElement, FdSetIter, PollFd, PollFlags, Timespec, fd_set_insert, fd_set_num_elements, select};
use rustix::io::{Errno, Result};
use std::slice;

const _: () = assert!(size_of::<PollFd<'_>>() == size_of::<libc::pollfd>());

/// The events that both functions know.
const READ: i16 = PollFlags::IN.bits();
const WRITE: i16 = PollFlags::OUT.bits();

/// Waits for the first of the descriptors, at most for the given time, and counts those that are ready.
///
/// Of a device of which `poll` knows nothing, such as `/dev/tty`, it says `POLLNVAL` at once. Then all are waited for
/// by `select`, which does not tell whether the other side is gone. No limit on the number of a descriptor applies to
/// it.
pub(in super::super) fn poll(fds: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> Result<usize> {
    let ready = rustix::event::poll(fds, timeout)?;
    if !fds.iter().any(|fd| fd.revents().contains(PollFlags::NVAL)) {
        return Ok(ready);
    }
    // SAFETY: a `PollFd` is a `pollfd` with a lifetime, and is handed to the system as one.
    let fds = unsafe { slice::from_raw_parts_mut(fds.as_mut_ptr().cast::<libc::pollfd>(), fds.len()) };
    let bound = fds.iter().map(|fd| fd.fd).max().unwrap_or(0) + 1;
    let mut reads = vec![FdSetElement::default(); fd_set_num_elements(fds.len(), bound)];
    let mut writes = reads.clone();
    for fd in fds.iter() {
        if fd.events & READ != 0 {
            fd_set_insert(&mut reads, fd.fd);
        }
        if fd.events & WRITE != 0 {
            fd_set_insert(&mut writes, fd.fd);
        }
    }
    // SAFETY: the callers hold the descriptors open; the process may have closed a standard stream, which is an error
    // then.
    match unsafe { select(bound, Some(&mut reads), Some(&mut writes), None, timeout) } {
        // It is closed, which the call that follows will tell.
        Err(Errno::BADF) => return Ok(ready),
        other => other?,
    };
    for fd in fds.iter_mut() {
        fd.revents = 0;
        for (event, set) in [(READ, &reads), (WRITE, &writes)] {
            if fd.events & event != 0 && FdSetIter::new(set).any(|known| known == fd.fd) {
                fd.revents |= event;
            }
        }
    }
    Ok(fds.iter().filter(|fd| fd.revents != 0).count())
}
