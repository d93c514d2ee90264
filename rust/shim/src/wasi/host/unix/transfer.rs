//! Reading and writing, at the position and elsewhere.

use super::errno::errno;
use super::file::{HostFile, retry};
use super::{Direction, Kind, PART, in_parts, sigpipe, sys, system, wait};
use crate::wake::{Waker, check_stop};
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::memory::{Span, Spans};
use rustix::fs::OFlags;
use rustix::io::Errno as Host;

impl HostFile {
    /// Reads at the position and moves it.
    #[inline]
    pub(in crate::wasi) fn read(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_readable()?;
        if spans.total() == 0 && self.kind().ignores_empty_reads() {
            return Ok(0);
        }
        if self.kind().is_socket() {
            return Ok(self.receive(spans, 0, waker)?.0);
        }
        let fd = self.as_fd();
        if !self.kind().waits() {
            return in_parts(spans, waker, |spans, _| retry(|| sys::read(fd, spans.as_slice())));
        }
        // A device may have as much as one wants.
        let less = (waker.is_some() && spans.total() > PART).then(|| spans.first(PART));
        let spans = less.as_ref().unwrap_or(spans);
        // The operating system would not let go of a guest that waits in the call itself. Where the host's side does
        // not wait, the call tells best: a named pipe that nobody has opened for writing has ended, but never becomes
        // ready.
        let held = (self.nonblock || waker.is_some()) && !self.host_is_nonblocking()?;
        loop {
            let read = if held { self.read_held(spans, waker)? } else { sys::read(fd, spans.as_slice()) };
            match read {
                Ok(n) => return Ok(n),
                Err(Host::INTR) => check_stop::<Fault>(waker)?,
                Err(Host::AGAIN) if !self.nonblock => wait::until_ready(fd, Direction::Read, waker)?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// One read that must not wait, or only as long as the guest may, though the host's side would.
    fn read_held(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<Result<usize, Host>> {
        let fd = self.as_fd();
        if spans.total() > 0 {
            match sys::read_now(fd, spans.as_slice()) {
                Err(Host::OPNOTSUPP) => {}
                read => return Ok(read),
            }
        }
        match self.nonblock {
            true if !wait::is_ready(fd, Direction::Read)? => return Ok(Err(Host::AGAIN)),
            true => {}
            false => wait::until_ready(fd, Direction::Read, waker)?,
        }
        Ok(blocked(waker, || sys::read(fd, spans.as_slice())))
    }

    /// Reads at an offset; the position stays.
    pub(in crate::wasi) fn pread(&self, spans: &Spans, offset: u64, waker: Option<&Waker>) -> Outcome<usize> {
        let offset = self.positioned(offset)?;
        self.check_readable()?;
        if spans.total() == 0 && self.kind().ignores_empty_reads() {
            return Ok(0);
        }
        in_parts(spans, waker, |spans, done| {
            retry(|| sys::pread(self.as_fd(), spans.as_slice(), offset.saturating_add(done as i64)))
        })
    }

    /// Writes at the position, or at the end if the guest appends.
    #[inline]
    pub(in crate::wasi) fn write(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_writable()?;
        if self.ignores(spans) {
            return Ok(0);
        }
        if self.kind().waits() {
            return self.write_stream(spans, waker);
        }
        let appends = self.append && !self.always_append;
        in_parts(spans, waker, |spans, _| {
            retry(|| match appends {
                true => sys::append(self.as_fd(), spans.as_slice(), false),
                false => sys::write(self.as_fd(), spans.as_slice()),
            })
        })
    }

    /// Writes at an offset, or at the end if the guest appends, as Linux has it; the position stays.
    pub(in crate::wasi) fn pwrite(&self, spans: &Spans, offset: u64, waker: Option<&Waker>) -> Outcome<usize> {
        let offset = self.positioned(offset)?;
        self.check_writable()?;
        if self.ignores(spans) {
            return Ok(0);
        }
        in_parts(spans, waker, |spans, done| {
            retry(|| match self.append {
                true => sys::append(self.as_fd(), spans.as_slice(), true),
                false => sys::pwrite(self.as_fd(), spans.as_slice(), offset.saturating_add(done as i64)),
            })
        })
    }

    /// Whether writing this is nothing to do. `writev` of nothing never does anything; `write` of nothing may find
    /// out that there is nobody to write to.
    #[inline]
    fn ignores(&self, spans: &Spans) -> bool {
        spans.total() == 0 && (self.kind().ignores_empty_writes() || spans.as_slice().len() != 1)
    }

    /// Writes everything if the guest's descriptor blocks, and otherwise what fits now.
    pub(super) fn write_stream(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        if self.ignores(spans) {
            return Ok(0);
        }
        let mut done = 0;
        // After a part was written an error waits for the next call, which will meet it again.
        let end = |done: usize, fault: Fault| match fault {
            Fault::Errno(_) if done > 0 => Ok(done),
            fault => Err(fault),
        };
        let must_return = self.nonblock || waker.is_some();
        let told = self.kind().is_socket() && system::SENDS_WITHOUT_WAITING;
        let held = must_return && !told && !self.host_is_nonblocking()?;
        // What is written byte by byte, and read meanwhile, has no end.
        let enough = if held && self.nonblock && self.kind() == Kind::Terminal { TERMINAL_SHARE } else { usize::MAX };
        loop {
            let written = match held {
                true => self.write_held(spans, waker),
                false => self.write_once(spans.as_slice(), must_return),
            };
            match written {
                Ok(n) => {
                    done += n;
                    spans.advance(n);
                    // A part that was taken of what was held back says nothing about the rest.
                    if n == 0 || spans.total() == 0 || (self.nonblock && !held) || done >= enough {
                        return Ok(done);
                    }
                }
                Err(Host::INTR) => check_stop::<Fault>(waker)?,
                Err(Host::AGAIN) if !self.nonblock => wait::until_ready(self.as_fd(), Direction::Write, waker)?,
                Err(e) => return end(done, e.into()),
            }
        }
    }

    /// One write. A socket can be told not to wait.
    fn write_once(&self, spans: &[Span], never_waits: bool) -> Result<usize, Host> {
        match self.kind() {
            kind if kind.is_socket() => sys::send(self.as_fd(), spans, never_waits),
            Kind::Pipe => sigpipe::held_back(self.as_fd(), || sys::write(self.as_fd(), spans)),
            _ => sys::write(self.as_fd(), spans),
        }
    }

    /// One write that must not wait, though the host's side would: `EAGAIN` then.
    fn write_held(&self, spans: &Spans, waker: Option<&Waker>) -> Result<usize, Host> {
        if spans.total() == 0 {
            return self.write_once(spans.as_slice(), true);
        }
        match sigpipe::held_back(self.as_fd(), || sys::write_now(self.as_fd(), spans.as_slice())) {
            Err(Host::OPNOTSUPP) => {}
            written => return written,
        }
        // The operating system cannot be told: no more than what something that is ready takes for sure.
        let most = match self.kind() {
            Kind::Terminal => 1,
            Kind::SocketStream | Kind::Listener => system::sure_to_send(self.as_fd()),
            _ => PIPE_BUF,
        };
        if !wait::is_ready(self.as_fd(), Direction::Write)? {
            return Err(Host::AGAIN);
        }
        // What is sent at once arrives at once, and is never cut.
        if self.kind() == Kind::SocketDgram {
            return blocked(waker, || self.write_once(spans.as_slice(), true));
        }
        let first = spans.as_slice().iter().copied().find(|span| span.len > 0);
        let part = first.map(|span| Span { base: span.base, len: span.len.min(most) });
        blocked(waker, || self.write_once(part.as_slice(), true))
    }

    /// Whether the open file description, which the host shares, is non-blocking at this moment.
    fn host_is_nonblocking(&self) -> Result<bool, Errno> {
        Ok(rustix::fs::fcntl_getfl(self.as_fd()).map_err(errno)?.contains(OFlags::NONBLOCK))
    }

    /// The offset of a positioned read or write: `ESPIPE` where there is no position.
    fn positioned(&self, offset: u64) -> Result<i64, Errno> {
        if !self.kind().seeks() {
            return Err(Errno::Spipe);
        }
        i64::try_from(offset).map_err(|_| Errno::Inval)
    }
}

/// Runs a call that may wait although there was something to do just now, because somebody else can be faster. A
/// guest that has to stop comes back with `EINTR`.
pub(super) fn blocked<T>(waker: Option<&Waker>, call: impl FnOnce() -> Result<T, Host>) -> Result<T, Host> {
    match waker {
        Some(waker) => waker.while_blocked(call).unwrap_or(Err(Host::INTR)),
        None => call(),
    }
}

/// How much of a write a terminal takes whose host side blocks, from a guest that does not.
const TERMINAL_SHARE: usize = 4096;

/// What a pipe takes for sure when it is ready.
const PIPE_BUF: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
