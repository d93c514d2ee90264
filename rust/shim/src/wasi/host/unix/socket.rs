//! What only sockets can do.

use super::errno::errno;
use super::file::HostFile;
use super::transfer::blocked;
use super::{Direction, Kind, sys, wait};
use crate::wake::{Waker, check_stop};
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::memory::Spans;
use rustix::fd::IntoRawFd;
use rustix::io::Errno as Host;
use rustix::net::Shutdown;
use std::time::Duration;
use wasmtime_wasi::p1::types::{Riflags, Roflags, Sdflags};

impl HostFile {
    /// `ENOTSOCK` unless it is a socket.
    fn check_socket(&self) -> Result<(), Errno> {
        if self.kind().is_socket() { Ok(()) } else { Err(Errno::Notsock) }
    }

    /// Receives, and tells whether a datagram was cut.
    pub(in crate::wasi) fn recv(
        &self,
        spans: &Spans,
        flags: Riflags,
        waker: Option<&Waker>,
    ) -> Outcome<(usize, Roflags)> {
        self.check_socket()?;
        self.check_readable()?;
        let peek = if flags.contains(Riflags::RECV_PEEK) { libc::MSG_PEEK } else { 0 };
        if flags.contains(Riflags::RECV_WAITALL) && !self.nonblock && self.kind() == Kind::SocketStream {
            let n = match peek {
                0 => self.receive_all(spans.clone(), waker)?,
                _ => self.peek_all(spans, waker)?,
            };
            return Ok((n, Roflags::empty()));
        }
        let (n, cut) = self.receive(spans, peek, waker)?;
        Ok((n, if cut { Roflags::RECV_DATA_TRUNCATED } else { Roflags::empty() }))
    }

    /// Receives what there is, and waits until there is something unless the guest must not.
    pub(super) fn receive(&self, spans: &Spans, flags: i32, waker: Option<&Waker>) -> Outcome<(usize, bool)> {
        let never_waits = self.nonblock || waker.is_some();
        loop {
            match sys::recv(self.as_fd(), spans.as_slice(), flags, never_waits) {
                Ok(received) => return Ok(received),
                Err(Host::INTR) => {}
                Err(Host::AGAIN) if !self.nonblock => wait::until_ready(self.as_fd(), Direction::Read, waker)?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Receives until the buffers are full or the other side has ended.
    fn receive_all(&self, mut spans: Spans, waker: Option<&Waker>) -> Outcome<usize> {
        let mut done = 0;
        while spans.total() > 0 {
            match self.receive(&spans, 0, waker) {
                Ok((0, _)) => break,
                Ok((n, _)) => {
                    done += n;
                    spans.advance(n);
                }
                // It is met again by the next call.
                Err(Fault::Errno(_)) if done > 0 => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(done)
    }

    /// Looks at as much as the buffers take, or as there will be. The operating system tells when there is something,
    /// but not when there is more, so this asks again and again.
    fn peek_all(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<usize> {
        loop {
            let (n, _) = self.receive(spans, libc::MSG_PEEK, waker)?;
            if n == 0 || n >= spans.total() || wait::has_ended(self.as_fd())? {
                return Ok(n);
            }
            wait::Waiter::default().wait(Some(Duration::from_millis(1)), waker)?;
        }
    }

    /// Sends everything if the guest's descriptor blocks, and otherwise what fits now.
    pub(in crate::wasi) fn send(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_socket()?;
        self.check_writable()?;
        self.write_stream(spans, waker)
    }

    /// Ends a connection, or one direction of it, for the host as well. The guest needs the access for what it ends.
    pub(in crate::wasi) fn shutdown(&self, how: Sdflags) -> Result<(), Errno> {
        self.check_socket()?;
        let how = match (how.contains(Sdflags::RD), how.contains(Sdflags::WR)) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval),
        };
        if how != Shutdown::Write {
            self.check_readable()?;
        }
        if how != Shutdown::Read {
            self.check_writable()?;
        }
        rustix::net::shutdown(self.as_fd(), how).map_err(errno)
    }

    /// Accepts a connection, which is the guest's alone, with the listener's access mode.
    pub(in crate::wasi) fn accept(&self, nonblock: bool, waker: Option<&Waker>) -> Outcome<HostFile> {
        self.check_socket()?;
        self.check_readable()?;
        // What is no listener has nothing to wait for, and says so.
        if self.kind() == Kind::Listener {
            if self.nonblock && !wait::is_ready(self.as_fd(), Direction::Read)? {
                return Err(Errno::Again.into());
            }
            if waker.is_some() && !self.nonblock {
                wait::until_ready(self.as_fd(), Direction::Read, waker)?;
            }
        }
        loop {
            match blocked(waker, || sys::accept(self.as_fd())) {
                Ok(accepted) => {
                    let mut file = HostFile::owned(accepted.into_raw_fd(), self.access);
                    file.look()?;
                    file.nonblock = nonblock;
                    return Ok(file);
                }
                Err(Host::INTR) => check_stop::<Fault>(waker)?,
                Err(Host::AGAIN) if !self.nonblock => wait::until_ready(self.as_fd(), Direction::Read, waker)?,
                Err(e) => return Err(e.into()),
            }
        }
    }
}
