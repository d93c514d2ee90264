//! Streams that a binding serves: readers, writers, connections and listeners that have no descriptor of the host.
//!
//! The binding is asked by one callback. Asked not to wait, it says when it would have to, and later, when there is
//! more to say, it calls `wasmtime_binding_store_wake`, so that a guest that polls asks again.

use super::descriptors::Entry;
use super::fault::{Errno, Fault, Outcome};
use super::host::{AccessMode, Direction, HostFile, Readiness};
use super::insert::{Place, insert};
use super::memory::{Span, Spans};
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::{cast, guard::guard};
use std::ffi::c_void;
use std::net::SocketAddr;
use wasmtime::AsContextMut;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::p1::types::{Fdflags, Fdstat, Filestat, Filetype, Riflags, Rights, Sdflags};

/// Read into `buffer`: 0 bytes are the end.
pub const WASMTIME_STREAM_READ: u32 = 0;
/// Write from `buffer`.
pub const WASMTIME_STREAM_WRITE: u32 = 1;
/// Say how many bytes can be read without waiting, 0 at the end.
pub const WASMTIME_STREAM_POLL_READ: u32 = 2;
/// Say how many bytes can be written without waiting, at least 1.
pub const WASMTIME_STREAM_POLL_WRITE: u32 = 3;
/// End the directions in `flags`: 1 for reading, 2 for writing.
pub const WASMTIME_STREAM_SHUTDOWN: u32 = 4;
/// Accept a connection of a listener.
pub const WASMTIME_STREAM_ACCEPT: u32 = 5;
/// Write the address of a connection or a listener to `buffer`, that of the other side if `flags` is 1: as a text, such
/// as `127.0.0.1:80` or `[::1]:80`. `count` is its length.
pub const WASMTIME_STREAM_ADDRESS: u32 = 7;
/// The guest's descriptor is gone: the last request of a stream.
pub const WASMTIME_STREAM_GONE: u32 = 6;

/// Of a read, a write or an accept: it may wait.
pub const WASMTIME_STREAM_MAY_WAIT: u32 = 1;
/// Of a read: what is read stays to be read.
pub const WASMTIME_STREAM_PEEK: u32 = 2;
/// Of a read or a write: the guest's call has moved something already, and succeeds whatever comes of this request. So
/// the guest does not hear of an error that this one is answered with; the next request without this flag has to be
/// answered with it.
pub const WASMTIME_STREAM_GOES_ON: u32 = 4;

/// Done; `count` says how much, or which stream an accepted connection is: what the callback knows it by, as if it had
/// been inserted.
pub const WASMTIME_STREAM_DONE: u32 = 0;
/// It would have to wait.
pub const WASMTIME_STREAM_WOULD_WAIT: u32 = 1;
/// It failed; `count` is the error number of WASI 0.1.
pub const WASMTIME_STREAM_FAILED: u32 = 2;
/// The guest has to stop, as by an interrupt.
pub const WASMTIME_STREAM_STOP: u32 = 3;

/// What the guest can only read or write: a pipe, as far as it can see.
pub const WASMTIME_STREAM_PIPE: u32 = 0;
/// A connection: a stream socket.
pub const WASMTIME_STREAM_CONNECTION: u32 = 1;
/// A listener: a stream socket that accepts connections.
pub const WASMTIME_STREAM_LISTENER: u32 = 2;

/// A request to a stream of a binding.
#[repr(C)]
pub struct wasmtime_binding_stream_request_t {
    /// Which stream: what it was inserted with.
    pub env: u64,
    /// What to do: a `WASMTIME_STREAM_*` from `READ` to `GONE`, or `WASMTIME_STREAM_ADDRESS`.
    pub what: u32,
    /// Some of `WASMTIME_STREAM_*` from `MAY_WAIT` to `GOES_ON`, or the directions to end.
    pub flags: u32,
    /// Memory of the guest. It may be shared with other threads.
    pub buffer: *mut u8,
    /// The bytes in it.
    pub len: usize,
    /// The answer: a `WASMTIME_STREAM_*` from `DONE` to `STOP`.
    pub status: u32,
    /// What the status says it is.
    pub count: u64,
    /// For `wasmtime_binding_stream_accept_file`; null unless `what` is `WASMTIME_STREAM_ACCEPT`.
    pub accepting: *mut c_void,
}

/// Serves the streams of a binding. It must not use the store.
pub type wasmtime_binding_stream_callback_t = extern "C" fn(request: *mut wasmtime_binding_stream_request_t);

/// What a stream is for the guest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamKind {
    Pipe,
    Connection,
    Listener,
}

impl StreamKind {
    fn from_number(kind: u32) -> wasmtime::Result<StreamKind> {
        match kind {
            WASMTIME_STREAM_PIPE => Ok(StreamKind::Pipe),
            WASMTIME_STREAM_CONNECTION => Ok(StreamKind::Connection),
            WASMTIME_STREAM_LISTENER => Ok(StreamKind::Listener),
            other => Err(ExtError::error(
                wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT,
                format!("stream kind {other} is none of 0 (pipe), 1 (connection) and 2 (listener)"),
            )),
        }
    }

    fn is_socket(self) -> bool {
        self != StreamKind::Pipe
    }
}

/// Where `wasmtime_binding_stream_accept_file` puts a connection.
struct Accepting {
    access: AccessMode,
    file: Option<HostFile>,
}

/// A stream as a guest's descriptor.
pub(super) struct Stream {
    env: u64,
    callback: wasmtime_binding_stream_callback_t,
    access: AccessMode,
    kind: StreamKind,
    nonblock: bool,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.ask(WASMTIME_STREAM_GONE, 0, std::ptr::null_mut(), 0);
    }
}

impl Stream {
    /// A pipe that the binding serves. It hears of the end when this is dropped.
    pub(super) fn pipe(env: u64, callback: wasmtime_binding_stream_callback_t, access: AccessMode) -> Stream {
        Stream { env, callback, access, kind: StreamKind::Pipe, nonblock: false }
    }

    /// What came of a request: nothing if it would have to wait.
    fn ask(&self, what: u32, flags: u32, buffer: *mut u8, len: usize) -> Outcome<Option<u64>> {
        self.request(what, flags, buffer, len, std::ptr::null_mut())
    }

    /// As [`Stream::ask`], with a place for an accepted connection that has a descriptor.
    fn request(
        &self,
        what: u32,
        flags: u32,
        buffer: *mut u8,
        len: usize,
        accepting: *mut Accepting,
    ) -> Outcome<Option<u64>> {
        let mut request = wasmtime_binding_stream_request_t {
            env: self.env,
            what,
            flags,
            buffer,
            len,
            status: WASMTIME_STREAM_DONE,
            count: 0,
            accepting: accepting.cast(),
        };
        (self.callback)(&raw mut request);
        match request.status {
            WASMTIME_STREAM_DONE => Ok(Some(request.count)),
            WASMTIME_STREAM_WOULD_WAIT => Ok(None),
            WASMTIME_STREAM_STOP => Err(Fault::Trap(wasmtime::Trap::Interrupt.into())),
            _ => {
                Err(u16::try_from(request.count).ok().and_then(|n| Errno::try_from(n).ok()).unwrap_or(Errno::Io).into())
            }
        }
    }

    fn may_wait(&self) -> u32 {
        if self.nonblock { 0 } else { WASMTIME_STREAM_MAY_WAIT }
    }

    /// The flag of a request of a call that has moved so many bytes before.
    fn goes_on(done: usize) -> u32 {
        if done > 0 { WASMTIME_STREAM_GOES_ON } else { 0 }
    }

    fn check_readable(&self) -> Result<(), Errno> {
        if self.access.reads() { Ok(()) } else { Err(Errno::Badf) }
    }

    fn check_writable(&self) -> Result<(), Errno> {
        if self.access.writes() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// `ENOTSOCK` unless it is a socket.
    fn check_socket(&self) -> Result<(), Errno> {
        if self.kind.is_socket() { Ok(()) } else { Err(Errno::Notsock) }
    }

    /// Reads what one request brings.
    pub(super) fn read(&self, spans: &Spans) -> Outcome<usize> {
        self.check_readable()?;
        if self.kind == StreamKind::Listener && spans.total() > 0 {
            return Err(Errno::Notconn.into());
        }
        self.receive(spans, 0)
    }

    fn receive(&self, spans: &Spans, flags: u32) -> Outcome<usize> {
        let Some(span) = spans.as_slice().iter().find(|span| span.len > 0) else { return Ok(0) };
        let n = self.ask(WASMTIME_STREAM_READ, flags | self.may_wait(), span.base, span.len)?.ok_or(Errno::Again)?;
        Ok((n as usize).min(span.len))
    }

    /// Writes everything if the guest's descriptor blocks, and otherwise what is taken now.
    pub(super) fn write(&self, spans: &mut Spans) -> Outcome<usize> {
        self.check_writable()?;
        if self.kind == StreamKind::Listener {
            return Err(Errno::Pipe.into());
        }
        let mut done = 0;
        while let Some(span) = spans.as_slice().iter().copied().find(|span| span.len > 0) {
            let flags = self.may_wait() | Stream::goes_on(done);
            match self.ask(WASMTIME_STREAM_WRITE, flags, span.base, span.len) {
                Ok(Some(n)) => {
                    let n = (n as usize).min(span.len);
                    done += n;
                    spans.advance(n);
                    if n == 0 {
                        break;
                    }
                }
                Ok(None) if done > 0 => break,
                Ok(None) => return Err(Errno::Again.into()),
                // The binding, which knows that the guest does not hear of it, has it for the next call.
                Err(Fault::Errno(_)) if done > 0 => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(done)
    }

    /// Reads for a component: nothing if that would have to wait and must not. 0 bytes are the end.
    pub(super) fn read_some(&self, span: Span, wait: bool) -> Outcome<Option<usize>> {
        self.check_readable()?;
        let flags = if wait { WASMTIME_STREAM_MAY_WAIT } else { 0 };
        let n = self.ask(WASMTIME_STREAM_READ, flags, span.base, span.len)?;
        Ok(n.map(|n| (n as usize).min(span.len)))
    }

    /// Writes for a component, a part or all: nothing if that would have to wait and must not.
    pub(super) fn write_some(&self, span: Span, wait: bool) -> Outcome<Option<usize>> {
        self.check_writable()?;
        let flags = if wait { WASMTIME_STREAM_MAY_WAIT } else { 0 };
        let n = self.ask(WASMTIME_STREAM_WRITE, flags, span.base, span.len)?;
        Ok(n.map(|n| (n as usize).min(span.len)))
    }

    pub(super) fn recv(&self, spans: &Spans, flags: Riflags) -> Outcome<usize> {
        self.check_socket()?;
        self.check_readable()?;
        if self.kind == StreamKind::Listener {
            return Err(Errno::Notconn.into());
        }
        if flags.contains(Riflags::RECV_PEEK) {
            return self.receive(spans, WASMTIME_STREAM_PEEK);
        }
        let mut spans = spans.clone();
        let mut done = 0;
        loop {
            match self.receive(&spans, Stream::goes_on(done)) {
                Ok(n) => {
                    done += n;
                    spans.advance(n);
                    if n == 0 || spans.total() == 0 || !flags.contains(Riflags::RECV_WAITALL) {
                        return Ok(done);
                    }
                }
                Err(Fault::Errno(_)) if done > 0 => return Ok(done), // as above
                Err(fault) => return Err(fault),
            }
        }
    }

    pub(super) fn send(&self, spans: &mut Spans) -> Outcome<usize> {
        self.check_socket()?;
        self.write(spans)
    }

    pub(super) fn shutdown(&self, how: Sdflags) -> Outcome {
        self.check_socket()?;
        let mut flags = 0;
        if how.contains(Sdflags::RD) {
            self.check_readable()?;
            flags |= 1;
        }
        if how.contains(Sdflags::WR) {
            self.check_writable()?;
            flags |= 2;
        }
        if flags == 0 {
            return Err(Errno::Inval.into());
        }
        self.ask(WASMTIME_STREAM_SHUTDOWN, flags, std::ptr::null_mut(), 0).map(|_| ())
    }

    /// Accepts a connection of a listener, which is the guest's alone, with the listener's access mode.
    pub(super) fn accept(&self, nonblock: bool) -> Outcome<Entry> {
        self.check_socket()?;
        if self.kind != StreamKind::Listener {
            return Err(Errno::Inval.into());
        }
        self.check_readable()?;
        let mut accepting = Accepting { access: self.access, file: None };
        let answer =
            self.request(WASMTIME_STREAM_ACCEPT, self.may_wait(), std::ptr::null_mut(), 0, &raw mut accepting)?;
        let env = answer.ok_or(Errno::Again)?;
        Ok(match accepting.file {
            Some(mut file) => {
                file.set_nonblock(nonblock);
                Entry::Host(file)
            }
            None => Entry::Stream(Stream { env, kind: StreamKind::Connection, nonblock, ..*self }),
        })
    }

    /// Whether it is ready: nothing if not. An error counts as ready, as everywhere: the call itself will meet it.
    pub(super) fn ready(&self, direction: Direction) -> Outcome<Option<Readiness>> {
        let what = match direction {
            Direction::Read => WASMTIME_STREAM_POLL_READ,
            Direction::Write => WASMTIME_STREAM_POLL_WRITE,
        };
        match self.ask(what, 0, std::ptr::null_mut(), 0) {
            Ok(Some(bytes)) => Ok(Some(Readiness {
                bytes,
                hangup: direction == Direction::Read && bytes == 0 && !self.kind.is_socket(),
            })),
            Ok(None) => Ok(None),
            Err(Fault::Errno(_)) => Ok(Some(Readiness { bytes: 0, hangup: true })),
            Err(trap) => Err(trap),
        }
    }

    /// `EBADF` unless the guest may use this direction.
    pub(super) fn check(&self, direction: Direction) -> Result<(), Errno> {
        match direction {
            Direction::Read => self.check_readable(),
            Direction::Write => self.check_writable(),
        }
    }

    /// WASI 0.1 has no type for a pipe.
    fn filetype(&self) -> Filetype {
        if self.kind.is_socket() { Filetype::SocketStream } else { Filetype::Unknown }
    }

    pub(super) fn stat(&self) -> Filestat {
        Filestat { dev: 0, ino: 0, filetype: self.filetype(), nlink: 1, size: 0, atim: 0, mtim: 0, ctim: 0 }
    }

    pub(super) fn fdstat(&self) -> Fdstat {
        let mut rights = Rights::FD_FDSTAT_SET_FLAGS | Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE;
        rights.set(Rights::FD_READ, self.access.reads());
        rights.set(Rights::FD_WRITE, self.access.writes());
        rights.set(Rights::SOCK_SHUTDOWN, self.kind.is_socket());
        rights.set(Rights::SOCK_ACCEPT, self.kind == StreamKind::Listener);
        let mut flags = Fdflags::empty();
        flags.set(Fdflags::NONBLOCK, self.nonblock);
        Fdstat {
            fs_filetype: self.filetype(),
            fs_flags: flags,
            fs_rights_base: rights,
            fs_rights_inheriting: Rights::empty(),
        }
    }

    /// By which the binding knows it.
    pub(super) fn number(&self) -> u64 {
        self.env
    }

    /// Whether it is a connection or a listener.
    pub(super) fn is_socket(&self) -> bool {
        self.kind.is_socket()
    }

    /// Whether it is a listener.
    pub(super) fn listens(&self) -> bool {
        self.kind == StreamKind::Listener
    }

    /// Says whether the guest's descriptor is not to wait.
    pub(super) fn set_nonblock(&mut self, nonblock: bool) {
        self.nonblock = nonblock;
    }

    /// The address of this side, or of the other.
    pub(super) fn address(&self, remote: bool) -> Outcome<SocketAddr> {
        let mut text = [0_u8; 64];
        let n = self.ask(WASMTIME_STREAM_ADDRESS, remote.into(), text.as_mut_ptr(), text.len())?.unwrap_or(0);
        let text = text.get(..n as usize).and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).ok_or(Errno::Notsup.into())
    }

    /// Appending changes nothing about a stream, and is taken as Linux takes it.
    pub(super) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        if flags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval);
        }
        self.nonblock = flags.contains(Fdflags::NONBLOCK);
        Ok(())
    }
}

/// Makes a stream that the binding serves a guest's descriptor, in a store that was configured by
/// `wasmtime_binding_store_set_wasi`.
///
/// With `push`, it gets the lowest free number, which is written to `*guest_fd`; otherwise `*guest_fd` says which,
/// and what the guest has there is closed first. `kind` says what it is for the guest: `WASMTIME_STREAM_PIPE`,
/// `WASMTIME_STREAM_CONNECTION` or `WASMTIME_STREAM_LISTENER`. The callback hears `WASMTIME_STREAM_GONE` once, in the
/// end, if and only if this succeeds; so it does of every connection that it answered `WASMTIME_STREAM_ACCEPT` with.
/// Errors are those of `wasmtime_context_insert_file`, and `WASMTIME_ERROR_BAD_ARGUMENT` for another kind.
///
/// # Safety
///
/// `store` must be live and not in use, `guest_fd` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_insert_stream(
    store: *mut wasmtime_binding_store_t,
    push: bool,
    guest_fd: *mut u32,
    access_mode: u32,
    kind: u32,
    env: u64,
    callback: wasmtime_binding_stream_callback_t,
) -> Option<Box<wasmtime_error_t>> {
    let whole = Whole::of(store);
    guard(move || {
        let access = AccessMode::from_number(access_mode)?;
        let kind = StreamKind::from_number(kind)?;
        // SAFETY: the caller vouches for both.
        let (store, guest_fd) = unsafe { (cast::store(&mut (*whole).store), &mut *guest_fd) };
        *guest_fd = insert(store.as_context_mut(), Place::new(push, *guest_fd), |state| {
            if state.any_waker().is_none() {
                return Err(ExtError::error(
                    wasmtime_error_code_t::WASMTIME_ERROR_NO_WASI,
                    "WASI was not configured by wasmtime_binding_store_set_wasi",
                ));
            }
            Ok(Entry::Stream(Stream { env, callback, access, kind, nonblock: false }))
        })?;
        Ok(())
    })
}

/// Answers a request to accept with a connection that has a descriptor of the host: the guest gets a socket that it
/// reads and writes without the binding.
///
/// The descriptor, cast to a pointer, is duplicated: the caller keeps its own and may close it as soon as the call
/// returns. It may only be called while the callback serves a `WASMTIME_STREAM_ACCEPT`, once, and writes the answer:
/// `WASMTIME_STREAM_DONE`, or `WASMTIME_STREAM_FAILED` with the error number, for instance of a process that has no
/// descriptor left. Returns null, or an error that the caller owns: `WASMTIME_ERROR_BAD_ARGUMENT` for another
/// request.
///
/// # Safety
///
/// `request` must be one that the callback is serving, and nobody may close `host_fd` during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_stream_accept_file(
    request: *mut wasmtime_binding_stream_request_t,
    host_fd: *mut c_void,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        // SAFETY: the caller vouches for the request, whose pointer is null or was made by `Stream::accept`.
        let (request, accepting) = unsafe { (&mut *request, (*request).accepting.cast::<Accepting>().as_mut()) };
        let Some(accepting) = accepting else {
            return Err(ExtError::error(
                wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT,
                "the request is not one to accept",
            ));
        };
        // SAFETY: the caller keeps `host_fd` as it is.
        match unsafe { HostFile::accepted(host_fd, accepting.access) } {
            Ok(file) => {
                accepting.file = Some(file);
                request.status = WASMTIME_STREAM_DONE;
            }
            Err(errno) => {
                request.status = WASMTIME_STREAM_FAILED;
                request.count = errno as u64;
            }
        }
        Ok(())
    })
}

/// Makes a guest of the store that polls ask its streams again. Safe to call from any thread while the store lives.
///
/// # Safety
///
/// `store` must be live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_wake(store: *mut wasmtime_binding_store_t) {
    // SAFETY: the caller vouches for the store; only the deadline is touched, which is all atomic.
    unsafe { &(*Whole::of(store)).deadline }.wake();
}
