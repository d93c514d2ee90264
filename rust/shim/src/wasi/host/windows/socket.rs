//! What only sockets can do.

use super::errno::{Host, errno};
use super::file::HostFile;
use super::sys::{self, Patience};
use super::transfer::taken_back;
use super::{AccessMode, Direction, Kind, later, wait};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::memory::{Span, Spans};
use std::os::windows::io::{BorrowedSocket, FromRawHandle, IntoRawSocket, OwnedHandle, RawSocket};
use std::time::Duration;
use wasmtime_wasi::p1::types::{Riflags, Roflags, Sdflags};
use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::Networking::WinSock as w;

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
        let peek = flags.contains(Riflags::RECV_PEEK);
        if flags.contains(Riflags::RECV_WAITALL) && !self.nonblock && self.kind() == Kind::SocketStream {
            let n = match peek {
                false => self.receive_all(spans.clone(), waker)?,
                true => self.peek_all(spans, waker)?,
            };
            return Ok((n, Roflags::empty()));
        }
        let (n, cut) = self.receive(spans, peek, waker)?;
        Ok((n, if cut { Roflags::RECV_DATA_TRUNCATED } else { Roflags::empty() }))
    }

    /// Receives what there is, and waits until there is something unless the guest must not.
    pub(super) fn receive(&self, spans: &Spans, peek: bool, waker: Option<&Waker>) -> Outcome<(usize, bool)> {
        if self.kind() == Kind::Listener {
            return Err(Errno::Notconn.into());
        }
        // As on Linux, nothing at all can be received of a connection at any time.
        if spans.total() == 0 && self.kind() == Kind::SocketStream {
            return Ok((0, false));
        }
        loop {
            match self.receive_once(spans, peek, waker)? {
                Ok(0) if self.reset.take() => return Err(Errno::Connreset.into()),
                Ok(n) => return Ok((n, false)),
                Err(CUT) => return Ok((spans.total(), true)),
                // The guest has shut it down, or the other side is done.
                Err(SHUT_DOWN | DISCONNECTING) => return Ok((0, false)),
                Err(Host::ABORTED) => {
                    taken_back(waker)?;
                    if self.nonblock {
                        return Err(Errno::Again.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn receive_once(&self, spans: &Spans, peek: bool, waker: Option<&Waker>) -> Outcome<Result<usize, Host>> {
        let handle = self.handle();
        let buffers = buffers(spans.as_slice());
        let (at, count) = (buffers.as_ptr(), buffers.len() as u32);
        if peek {
            // Overlapped operations cannot peek, so this must find something to look at.
            if self.nonblock && !wait::is_ready(self, Direction::Read)? {
                return Err(Errno::Again.into());
            }
            wait::until_ready(self, Direction::Read, waker)?;
            let (mut n, mut flags) = (0, w::MSG_PEEK.cast_unsigned());
            // SAFETY: the buffers are memory that a guest lets us write (see `Spans`).
            let received = unsafe {
                w::WSARecv(handle.socket(), at, count, &raw mut n, &raw mut flags, std::ptr::null_mut(), None)
            };
            return Ok(sys::socket_done(received).map(|()| n as usize));
        }
        let mut flags = 0;
        let patience = if self.nonblock { Patience::None } else { Patience::Until(waker) };
        let start = |n, place| {
            // SAFETY: as above; `run` returns when the operation is over, and the flags live as long.
            sys::socket_done(unsafe { w::WSARecv(handle.socket(), at, count, n, &raw mut flags, place, None) })
        };
        Ok(sys::run(handle, None, patience, start, sys::socket_result(handle)))
    }

    /// Receives until the buffers are full or the other side has ended.
    fn receive_all(&self, mut spans: Spans, waker: Option<&Waker>) -> Outcome<usize> {
        let mut done = 0;
        while spans.total() > 0 {
            match self.receive(&spans, false, waker) {
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
            let (n, _) = self.receive(spans, true, waker)?;
            if n == 0 || n >= spans.total() || wait::has_ended(self)? {
                return Ok(n);
            }
            wait::Waiter::default().wait(Some(Duration::from_millis(1)), waker)?;
        }
    }

    /// Sends everything if the guest's descriptor blocks, and otherwise what is taken now.
    pub(in crate::wasi) fn send(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_socket()?;
        self.check_writable()?;
        self.send_all(spans, waker)
    }

    /// The same for what is known to be a socket.
    pub(super) fn send_all(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        if self.kind() == Kind::Listener {
            return Err(Errno::Pipe.into());
        }
        // A datagram socket may be connected to nothing, whatever there is to send.
        if spans.total() == 0 && self.kind() == Kind::SocketStream {
            return Ok(0);
        }
        if self.ended.get() {
            return Err(Errno::Pipe.into());
        }
        self.settle(waker).map_err(gone)?;
        let handle = self.handle();
        if self.nonblock && self.kind() == Kind::SocketStream {
            let bytes = later::copy(spans);
            let begun = self.later.borrow_mut().begin(handle, true, true, bytes);
            return begun.map_err(|error| gone(error.into()));
        }
        let buffers = buffers(spans.as_slice());
        let (at, count) = (buffers.as_ptr(), buffers.len() as u32);
        let start = |n, place| {
            // SAFETY: the buffers are memory that a guest lets us read (see `Spans`); `run` returns when the operation
            // is over.
            sys::socket_done(unsafe { w::WSASend(handle.socket(), at, count, n, 0, place, None) })
        };
        match sys::run(handle, None, Patience::Until(waker), start, sys::socket_result(handle)) {
            Ok(n) => Ok(n),
            // A connection on which sending was taken back is in no good state, which only matters to a guest that
            // goes on.
            Err(Host::ABORTED) => {
                taken_back(waker)?;
                Err(Errno::Connaborted.into())
            }
            Err(error) => Err(gone(error.into())),
        }
    }

    /// Ends a connection, or one direction of it, for the host as well. The guest needs the access for what it ends.
    pub(in crate::wasi) fn shutdown(&self, how: Sdflags) -> Result<(), Errno> {
        self.check_socket()?;
        let (reads, writes) = (how.contains(Sdflags::RD), how.contains(Sdflags::WR));
        let how = match (reads, writes) {
            (true, true) => w::SD_BOTH,
            (true, false) => w::SD_RECEIVE,
            (false, true) => w::SD_SEND,
            (false, false) => return Err(Errno::Inval),
        };
        if reads {
            self.check_readable()?;
        }
        if writes {
            self.check_writable()?;
        }
        if self.kind() == Kind::Listener {
            return self.end_accepting(reads);
        }
        // SAFETY: the socket is open.
        sys::socket_done(unsafe { w::shutdown(self.handle().socket(), how) }).map_err(errno)?;
        self.ended.set(self.ended.get() || writes);
        Ok(())
    }

    /// Ends a listener for the guest. Windows ends one by closing it only, so the host's goes on.
    fn end_accepting(&self, reads: bool) -> Result<(), Errno> {
        match self.ended.get() {
            true => Err(Errno::Notconn),
            false => {
                self.ended.set(reads);
                Ok(())
            }
        }
    }

    /// Accepts a connection, which is the guest's alone, with the listener's access mode.
    pub(in crate::wasi) fn accept(&self, nonblock: bool, waker: Option<&Waker>) -> Outcome<HostFile> {
        self.check_socket()?;
        self.check_readable()?;
        match self.kind() {
            Kind::Listener if self.ended.get() => return Err(Errno::Inval.into()),
            Kind::Listener => {}
            Kind::SocketDgram => return Err(Errno::Notsup.into()),
            _ => return Err(Errno::Inval.into()),
        }
        loop {
            if self.nonblock && !wait::is_ready(self, Direction::Read)? {
                return Err(Errno::Again.into());
            }
            wait::until_ready(self, Direction::Read, waker)?;
            let none = std::ptr::null_mut();
            // SAFETY: nobody asks for the address.
            let socket = unsafe { w::accept(self.handle().socket(), none, none.cast()) };
            if socket != w::INVALID_SOCKET {
                // SAFETY: the socket was just made; it is to be no child's.
                unsafe { SetHandleInformation(socket as _, HANDLE_FLAG_INHERIT, 0) };
                // SAFETY: nobody else has it.
                let socket = unsafe { OwnedHandle::from_raw_handle(socket as _) };
                return Ok(HostFile::connection(socket, self.access, nonblock));
            }
            // SAFETY: it reads a value of this thread.
            match unsafe { w::WSAGetLastError() } {
                // The host was faster, or the other side has changed its mind.
                w::WSAEWOULDBLOCK | w::WSAECONNRESET => {}
                code => return Err(Host::socket(code).into()),
            }
        }
    }
}

const CUT: Host = Host::socket(w::WSAEMSGSIZE);
const SHUT_DOWN: Host = Host::socket(w::WSAESHUTDOWN);
const DISCONNECTING: Host = Host::socket(w::WSAEDISCON);

/// The error of sending to somebody who is gone: Windows calls it aborted where Linux calls it a broken pipe.
fn gone(fault: Fault) -> Fault {
    match fault {
        Fault::Errno(Errno::Connaborted) => Fault::Errno(Errno::Pipe),
        other => other,
    }
}

/// The spans as calls on sockets take them.
fn buffers(spans: &[Span]) -> Vec<w::WSABUF> {
    // A guest's memory may be larger than the 32 bits of a length, its spans may not.
    spans.iter().map(|span| w::WSABUF { len: span.len as u32, buf: span.base }).collect()
}

impl HostFile {
    /// The socket, for what the libraries can do with it.
    pub(in crate::wasi::host) fn as_fd(&self) -> BorrowedSocket<'_> {
        // SAFETY: the socket is open as long as this object.
        unsafe { BorrowedSocket::borrow_raw(self.handle().socket() as RawSocket) }
    }

    /// A socket that is the guest's alone.
    pub(in crate::wasi::host) fn socket(socket: socket2::Socket) -> HostFile {
        // SAFETY: nobody else has it. Sockets of all providers that Windows has are handles.
        let socket = unsafe { OwnedHandle::from_raw_handle(socket.into_raw_socket() as _) };
        HostFile::connection(socket, AccessMode::ReadWrite, true)
    }
}
