//! Reading and writing pipes, and other things without a position.

use super::errno::{Host, errno};
use super::file::HostFile;
use super::sys::{self, Patience};
use super::transfer::taken_back;
use super::{Direction, Kind, later, wait};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::memory::{Span, Spans};

impl HostFile {
    /// Reads what there is, and waits until there is something unless the guest must not.
    pub(super) fn read_pipe(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<usize> {
        let mut all = 0;
        let mut rest = spans.as_slice().iter().filter(|span| span.len > 0);
        let Some(mut span) = rest.next() else { return Ok(0) };
        loop {
            let mut most = span.len;
            if (self.nonblock || all > 0) && self.kind() == Kind::Pipe {
                match sys::peek(self.handle()) {
                    Ok(0) if all > 0 => return Ok(all),
                    Ok(0) => return Err(Errno::Again.into()),
                    Ok(n) => most = most.min(n),
                    Err(error) if all > 0 || has_ended(error) => return Ok(all),
                    Err(error) => return Err(error.into()),
                }
            }
            match self.pass(Span { base: span.base, len: most }, false, waker) {
                // Somebody has written nothing at all, which ends nothing.
                Ok(0) if self.kind() == Kind::Pipe => continue,
                Ok(n) => {
                    all += n;
                    match rest.next() {
                        Some(next) if n == span.len => span = next,
                        _ => return Ok(all),
                    }
                }
                // The rest of a message is what the next call reads.
                Err(Host::MORE_DATA) => return Ok(all + most),
                Err(Host::ABORTED) => taken_back(waker)?,
                // The host's own side does not wait; the guest's does.
                Err(Host::NO_DATA) if !self.nonblock => wait::until_ready(self, Direction::Read, waker)?,
                Err(Host::NO_DATA) => return Err(Errno::Again.into()),
                Err(error) if all > 0 || has_ended(error) => return Ok(all),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes everything if the guest's descriptor blocks, and otherwise what is taken now.
    pub(super) fn write_pipe(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.settle(waker)?;
        if self.nonblock {
            let bytes = later::copy(spans);
            return Ok(self.later.borrow_mut().begin(self.handle(), false, self.overlapped, bytes)?);
        }
        let mut done = 0;
        while spans.total() > 0 {
            let Some(span) = spans.as_slice().iter().copied().find(|span| span.len > 0) else { break };
            match self.pass(span, true, waker) {
                // The host's own side does not wait; the guest's does.
                Ok(0) => wait::a_moment(waker)?,
                Ok(n) => {
                    done += n;
                    spans.advance(n);
                }
                // If it was not the waker, the host has closed its own end, which takes back everybody's operations.
                // How much was written nobody knows, so it is not begun again.
                Err(Host::ABORTED) => {
                    taken_back(waker)?;
                    return Err(Errno::Io.into());
                }
                // After a part was written an error waits for the next call, which will meet it again.
                Err(_) if done > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    /// One read or write, which waits as long as it has to.
    fn pass(&self, span: Span, writes: bool, waker: Option<&Waker>) -> Result<usize, Host> {
        let handle = self.handle();
        if self.overlapped {
            // SAFETY: the span is memory that a guest lets us read and write (see `Spans`); `run` returns when the
            // operation is over.
            let start = |n, place| unsafe { sys::start(handle, writes, span.base, span.len, n, place) };
            return sys::run(handle, None, Patience::Until(waker), start, sys::file_result(handle));
        }
        // SAFETY: as above.
        let pass = || unsafe { sys::transfer(handle, writes, span.base, span.len, None) };
        match waker {
            Some(waker) => waker.while_blocked(pass).unwrap_or(Err(Host::ABORTED)),
            None => pass(),
        }
    }

    /// Waits for a write that still goes on, or says `EAGAIN`, and meets its error.
    pub(super) fn settle(&self, waker: Option<&Waker>) -> Outcome {
        let mut later = self.later.borrow_mut();
        while later.is_busy().map_err(errno)? {
            if self.nonblock {
                return Err(Errno::Again.into());
            }
            let Some(event) = later.event() else { break };
            wait::until_set(event, waker)?;
        }
        match later.error() {
            Some(error) => Err(Fault::Errno(errno(error))),
            None => Ok(()),
        }
    }
}

/// Whether nothing more will come.
pub(super) fn has_ended(error: Host) -> bool {
    matches!(error, Host::BROKEN_PIPE | Host::NOT_CONNECTED | Host::EOF)
}
