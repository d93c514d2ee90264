//! A write that goes on after the guest's call has returned.
//!
//! In Windows nothing tells how much a pipe or a socket would take at once, and a write that was begun cannot be
//! taken back without losing count. So what a guest writes that must not wait is copied, and counts as written; until
//! the system has taken it, the guest's descriptor is not ready for more. This is as if the pipe's buffer were that
//! much larger.

use super::errno::Host;
use super::sys::{self, Handle};
use crate::wasi::memory::Spans;
use std::os::windows::io::{FromRawHandle, IntoRawHandle, OwnedHandle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use windows_sys::Win32::Foundation::ERROR_IO_PENDING;
use windows_sys::Win32::Networking::WinSock as w;
use windows_sys::Win32::System::IO::OVERLAPPED;

/// The most that is copied.
pub(super) const MOST: usize = 65536;

/// How long a thread may take for a write that does not have to wait.
const AT_ONCE: Duration = Duration::from_millis(10);

/// How long a connection that the guest has closed may take for what it was sent.
const ORPHANED: Duration = Duration::from_secs(60);

/// What is being written, and how the last such write failed.
#[derive(Default)]
pub(super) struct Later {
    rest: Option<Rest>,
    failed: Option<Host>,
}

/// A write that is going on.
pub(super) struct Rest {
    /// Set when it has ended.
    event: OwnedHandle,
    how: How,
}

enum How {
    /// By the system itself, which reads and writes this meanwhile.
    Overlapped(Box<Block>),
    /// By a thread, for a handle without overlapped I/O. It leaves its error here.
    Thread(Arc<AtomicU32>),
}

struct Block {
    place: OVERLAPPED,
    bytes: Vec<u8>,
    handle: Handle,
    is_socket: bool,
}

// SAFETY: the pointers in the structure are the system's affair; nobody else uses them.
unsafe impl Send for Block {}

impl Later {
    /// Whether a write is still going on.
    pub(super) fn is_busy(&mut self) -> Result<bool, Host> {
        let Some(rest) = &self.rest else { return Ok(false) };
        if sys::wait_any(&[Handle::from(&rest.event)], Some(Duration::ZERO))?.is_none() {
            return Ok(true);
        }
        if let Some(rest) = self.rest.take() {
            self.failed = rest.result().err().or(self.failed);
        }
        Ok(false)
    }

    /// What is set when the write has ended.
    pub(super) fn event(&self) -> Option<Handle> {
        self.rest.as_ref().map(|rest| Handle::from(&rest.event))
    }

    /// The error of a write that has ended, once.
    pub(super) fn error(&mut self) -> Option<Host> {
        self.failed.take()
    }

    /// What goes on, for somebody else to wait for.
    pub(super) fn take(&mut self) -> Option<Rest> {
        self.rest.take()
    }

    /// Begins to write bytes, and tells how many were taken: all.
    pub(super) fn begin(
        &mut self,
        handle: Handle,
        is_socket: bool,
        overlapped: bool,
        bytes: Vec<u8>,
    ) -> Result<usize, Host> {
        let n = bytes.len();
        let event = sys::new_event()?;
        self.rest = match overlapped {
            true => begin_overlapped(handle, is_socket, event, bytes)?,
            false => begin_thread(handle, event, bytes)?,
        };
        self.is_busy()?;
        match self.error() {
            Some(error) => Err(error),
            None => Ok(n),
        }
    }
}

fn begin_overlapped(handle: Handle, is_socket: bool, event: OwnedHandle, bytes: Vec<u8>) -> Result<Option<Rest>, Host> {
    let mut block = Box::new(Block { place: sys::overlapped(None), bytes, handle, is_socket });
    block.place.hEvent = sys::quiet(Handle::from(&event));
    let (base, len) = (block.bytes.as_mut_ptr(), block.bytes.len());
    let (mut n, place) = (0, &raw mut block.place);
    let started = if is_socket {
        let buffer = w::WSABUF { len: len as u32, buf: base };
        // SAFETY: the block stays where it is until the operation has ended.
        sys::socket_done(unsafe { w::WSASend(handle.socket(), &raw const buffer, 1, &raw mut n, 0, place, None) })
    } else {
        // SAFETY: as above.
        unsafe { sys::start(handle, true, base, len, &raw mut n, place) }
    };
    match started {
        Ok(()) => Ok(None),
        Err(Host(ERROR_IO_PENDING)) => Ok(Some(Rest { event, how: How::Overlapped(block) })),
        Err(error) => Err(error),
    }
}

fn begin_thread(handle: Handle, event: OwnedHandle, mut bytes: Vec<u8>) -> Result<Option<Rest>, Host> {
    let (ours, done) = (sys::duplicate(handle)?, sys::duplicate(Handle::from(&event))?);
    let error = Arc::new(AtomicU32::new(0));
    let result = error.clone();
    let write = move || {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &mut bytes[at..];
            // SAFETY: the bytes are this thread's own.
            match unsafe { sys::transfer(Handle::from(&ours), true, rest.as_mut_ptr(), rest.len(), None) } {
                Ok(n) => at += n,
                Err(error) => {
                    result.store(error.0, Ordering::SeqCst);
                    break;
                }
            }
        }
        drop(ours);
        sys::set_event(Handle::from(&done));
    };
    let thread = std::thread::Builder::new().name("wasi-pipe".to_owned()).stack_size(128 << 10);
    thread.spawn(write).map_err(|e| Host(e.raw_os_error().unwrap_or(0).cast_unsigned()))?;
    sys::wait_any(&[Handle::from(&event)], Some(AT_ONCE))?;
    Ok(Some(Rest { event, how: How::Thread(error) }))
}

impl Rest {
    /// How it ended; only after the event was set.
    fn result(self) -> Result<(), Host> {
        match self.how {
            How::Overlapped(block) => {
                let (mut n, place) = (0, &raw const block.place);
                match block.is_socket {
                    true => sys::socket_result(block.handle)(place, &raw mut n),
                    false => sys::file_result(block.handle)(place, &raw mut n),
                }
            }
            How::Thread(error) => match error.load(Ordering::SeqCst) {
                0 => Ok(()),
                code => Err(Host(code)),
            },
        }
    }

    /// Lets it come to its end, and closes the handle then. A peer that does not take what was sent to it is given up
    /// in the end, as systems do that keep such bytes themselves; a pipe's reader is not.
    pub(super) fn finish(self, handle: OwnedHandle) {
        let How::Overlapped(block) = self.how else { return };
        let event = self.event;
        let is_socket = block.is_socket;
        let wait = move || {
            // It ends when the other side has taken what was written, or is gone.
            let event = Handle::from(&event);
            let most = is_socket.then_some(ORPHANED);
            if !matches!(sys::wait_any(&[event], most), Ok(Some(_))) {
                sys::take_back(Handle::from(&handle), event, &block.place);
            }
            drop(block);
            close(handle, is_socket);
        };
        let thread = std::thread::Builder::new().name("wasi-close".to_owned()).stack_size(128 << 10);
        // Without a thread, memory and handle are lost, which is better than to take them from under the system: the
        // closure, and with it what it owns, would be dropped by a failed `spawn`.
        let wait = std::mem::ManuallyDrop::new(wait);
        let _ = thread.spawn(move || std::mem::ManuallyDrop::into_inner(wait)());
    }
}

/// Closes a handle, a socket's as one.
pub(super) fn close(handle: OwnedHandle, is_socket: bool) {
    if !is_socket {
        return drop(handle);
    }
    let raw = Handle::new(handle.into_raw_handle());
    // SAFETY: the handle was owned, and is given up here.
    if unsafe { w::closesocket(raw.socket()) } != 0 {
        // SAFETY: as above; nothing was closed.
        drop(unsafe { OwnedHandle::from_raw_handle(raw.raw()) });
    }
}

/// A copy of the first bytes that a guest writes.
pub(super) fn copy(spans: &Spans) -> Vec<u8> {
    let mut bytes = Vec::<u8>::with_capacity(spans.total().min(MOST));
    for span in spans.as_slice() {
        let n = span.len.min(MOST - bytes.len());
        let at = bytes.len();
        // SAFETY: there is room for `n` more bytes, and the span is memory that a guest lets us read (see `Spans`). If
        // another thread writes it meanwhile, the copy is of whatever there is.
        unsafe {
            std::ptr::copy(span.base, bytes.as_mut_ptr().add(at), n);
            bytes.set_len(at + n);
        }
    }
    bytes
}
