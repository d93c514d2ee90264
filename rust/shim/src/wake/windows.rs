//! The waker on Windows.

use super::{AtomicBool, Ordering};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::sync::atomic::fence;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, TRUE};
use windows_sys::Win32::System::IO::CancelSynchronousIo;
use windows_sys::Win32::System::Threading::{CreateEventW, GetCurrentProcess, GetCurrentThread, ResetEvent, SetEvent};

/// A flag that says that the guest has to stop, an event that is set when somebody wants a waiting guest to look
/// around, and the thread that waits in a call that only its end or `CancelSynchronousIo` brings back. The event is
/// made when a guest first waits for it.
#[derive(Default)]
pub(crate) struct Waker {
    raised: AtomicBool,
    event: OnceLock<OwnedHandle>,
    blocked: Mutex<Option<OwnedHandle>>,
}

impl Waker {
    /// Raises the flag, and wakes the guest.
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.signal();
        // The thread may be on its way into the call, where there is nothing to be cancelled yet.
        while !self.cancel() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Brings back the thread that waits in a call; true when there is none.
    fn cancel(&self) -> bool {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = &*blocked else { return true };
        // SAFETY: the handle is open, and as long as it stands there the thread does nothing else.
        unsafe { CancelSynchronousIo(thread.as_raw_handle()) };
        false
    }

    /// Runs a call that nothing but its end or `CancelSynchronousIo` brings back; nothing when the flag was up
    /// before. If it goes up meanwhile, the call fails with `ERROR_OPERATION_ABORTED`.
    pub(crate) fn while_blocked<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let thread = this_thread();
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = thread;
        let result = (!self.is_raised()).then(call);
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        result
    }

    /// Lowers the flag.
    pub(crate) fn lower(&self) {
        self.raised.store(false, Ordering::SeqCst);
        self.drain();
    }

    /// Whether the guest has to stop. Whoever is about to wait asks after he has called [`Waker::event`].
    pub(crate) fn is_raised(&self) -> bool {
        // Either this sees the flag, or `signal` sees the event.
        fence(Ordering::SeqCst);
        self.raised.load(Ordering::SeqCst)
    }

    /// Makes a waiting guest look around.
    pub(crate) fn signal(&self) {
        fence(Ordering::SeqCst);
        if let Some(event) = self.event.get() {
            // SAFETY: the event is open.
            unsafe { SetEvent(event.as_raw_handle()) };
        }
    }

    /// Resets the event until the next [`Waker::signal`].
    pub(crate) fn drain(&self) {
        if let Some(event) = self.event.get() {
            // SAFETY: the event is open.
            unsafe { ResetEvent(event.as_raw_handle()) };
        }
    }

    /// Makes sure that no [`Waker::signal`] is lost from now on.
    pub(crate) fn prepare(&self) -> Result<(), wasmtime::Error> {
        self.event().map(|_| ())
    }

    /// What is set.
    pub(crate) fn event(&self) -> Result<RawHandle, wasmtime::Error> {
        if let Some(event) = self.event.get() {
            return Ok(event.as_raw_handle());
        }
        // SAFETY: an event without a name, for this process.
        let made = unsafe { CreateEventW(std::ptr::null(), TRUE, 0, std::ptr::null()) };
        if made.is_null() {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: it was just made, and nobody else has it.
        let made = unsafe { OwnedHandle::from_raw_handle(made) };
        Ok(self.event.get_or_init(|| made).as_raw_handle())
    }
}

/// A handle to this thread that others can use.
fn this_thread() -> Option<OwnedHandle> {
    let mut thread = std::ptr::null_mut();
    // SAFETY: the result is local.
    let made = unsafe {
        let this = GetCurrentProcess();
        DuplicateHandle(this, GetCurrentThread(), this, &raw mut thread, 0, 0, DUPLICATE_SAME_ACCESS)
    };
    // SAFETY: it was just made, and nobody else has it.
    (made != 0).then(|| unsafe { OwnedHandle::from_raw_handle(thread) })
}
