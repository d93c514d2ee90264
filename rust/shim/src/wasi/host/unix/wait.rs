//! The only place in which a guest waits for the host: for a descriptor, for a clock, or for the first of several.
//!
//! Where a waker is given, the wait ends when somebody interrupts the guest.

use super::{Direction, HostFile, Readiness, Woken, system};
use crate::wake::Waker;
use crate::wasi::fault::{Fault, Outcome};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::time::{Duration, Instant};

fn flags(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}

/// Whether reading or writing would not have to wait now. An error or a hang-up counts as ready: the call itself will
/// say what is wrong.
pub(super) fn is_ready(fd: BorrowedFd<'_>, direction: Direction) -> Result<bool, Errno> {
    let mut fds = [PollFd::from_borrowed_fd(fd, flags(direction))];
    Ok(poll(&mut fds, Some(Duration::ZERO))? > 0)
}

/// Whether the other side of a connection will send nothing more.
pub(super) fn has_ended(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    #[cfg(target_os = "linux")]
    let end = PollFlags::RDHUP;
    #[cfg(not(target_os = "linux"))]
    let end = PollFlags::HUP;
    let mut fds = [PollFd::from_borrowed_fd(fd, end)];
    poll(&mut fds, Some(Duration::ZERO))?;
    Ok(!fds[0].revents().is_empty())
}

/// Waits until reading or writing would not have to wait.
pub(super) fn until_ready(fd: BorrowedFd<'_>, direction: Direction, waker: Option<&Waker>) -> Outcome {
    let mut waiter = Waiter { fds: vec![PollFd::from_borrowed_fd(fd, flags(direction))] };
    while waiter.wait(None, waker)? == Woken::BySignal && waiter.fds[0].revents().is_empty() {}
    Ok(())
}

/// As long as macOS waits at a time: so many milliseconds fit into its number.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Waits for the first of the descriptors, at most for the given time, and counts those that are ready. A signal does
/// not end the wait.
fn poll(fds: &mut [PollFd<'_>], time: Option<Duration>) -> Result<usize, Errno> {
    // A time too long to add up is as good as forever.
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let mut left = time;
    loop {
        let part = left.map(|left| left.min(LONGEST));
        let timeout = part.map(|part| Timespec { tv_sec: part.as_secs() as _, tv_nsec: part.subsec_nanos() as _ });
        match system::poll(fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Ok(0) if left > Some(LONGEST) => {}
            other => return other,
        }
        if let Some(deadline) = deadline {
            left = Some(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Several files that `poll_oneoff` waits for at once.
#[derive(Default)]
pub(in crate::wasi) struct Waiter<'a> {
    fds: Vec<PollFd<'a>>,
}

impl<'a> Waiter<'a> {
    /// Adds a file; its place among those added is what [`Waiter::readiness`] takes.
    pub(in crate::wasi) fn add(&mut self, file: &'a HostFile, direction: Direction) -> usize {
        self.fds.push(PollFd::from_borrowed_fd(file.as_fd(), flags(direction)));
        self.fds.len() - 1
    }

    /// Waits until a file is ready, for the given time at most, or until somebody signals.
    pub(in crate::wasi) fn wait(&mut self, time: Option<Duration>, waker: Option<&'a Waker>) -> Outcome<Woken> {
        let Some(waker) = waker.filter(|_| time != Some(Duration::ZERO)) else {
            poll(&mut self.fds, time)?;
            return Ok(Woken::ByFileOrTime);
        };
        self.fds.push(PollFd::from_borrowed_fd(waker.fd()?, PollFlags::IN));
        let polled = if waker.is_raised() { Ok(1) } else { poll(&mut self.fds, time) };
        let signalled = self.fds.pop().is_some_and(|fd| !fd.revents().is_empty());
        polled?;
        if waker.is_raised() {
            return Err(Fault::Trap(wasmtime::Trap::Interrupt.into()));
        }
        if !signalled {
            return Ok(Woken::ByFileOrTime);
        }
        waker.drain();
        Ok(Woken::BySignal)
    }

    /// What the last wait found out about a file: nothing if it is not ready.
    pub(in crate::wasi) fn readiness(&self, place: usize, file: &HostFile, direction: Direction) -> Option<Readiness> {
        let seen = self.fds[place].revents();
        if seen.is_empty() {
            return None;
        }
        let hangup = seen.intersects(PollFlags::HUP | PollFlags::ERR);
        let bytes = match direction {
            Direction::Read => file.available(),
            Direction::Write => 1,
        };
        Some(Readiness { bytes, hangup })
    }
}
