//! Ending the wait of a guest that waits for the host, from any thread.

use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a guest that has to stop: the error is the trap of an interrupt.
pub(crate) fn check_stop<E: From<wasmtime::Error>>(waker: Option<&Waker>) -> Result<(), E> {
    match waker {
        Some(waker) if waker.is_raised() => Err(wasmtime::Error::from(wasmtime::Trap::Interrupt).into()),
        _ => Ok(()),
    }
}

#[cfg(unix)]
pub(crate) use unix::Waker;
#[cfg(windows)]
pub(crate) use windows::Waker;

#[cfg(not(any(unix, windows)))]
#[derive(Default)]
pub(crate) struct Waker {
    raised: AtomicBool,
}

#[cfg(not(any(unix, windows)))]
impl Waker {
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lower(&self) {
        self.raised.store(false, Ordering::SeqCst);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    pub(crate) fn signal(&self) {}

    pub(crate) fn prepare(&self) -> Result<(), wasmtime::Error> {
        Ok(())
    }
}

#[cfg(unix)]
mod unix {
    use super::{AtomicBool, Ordering};
    use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
    use rustix::io::Errno;
    use std::sync::OnceLock;
    use std::sync::atomic::fence;

    /// A flag that says that the guest has to stop, and a descriptor that becomes readable when somebody wants a waiting
    /// guest to look around. The descriptor is made when a guest first waits for it.
    #[derive(Default)]
    pub(crate) struct Waker {
        raised: AtomicBool,
        signal: OnceLock<Signal>,
    }

    /// Two ends of a pipe, which on Linux are one event counter.
    struct Signal {
        reader: OwnedFd,
        #[cfg(not(target_os = "linux"))]
        writer: OwnedFd,
    }

    impl Waker {
        /// Raises the flag, and wakes the guest.
        pub(crate) fn raise(&self) {
            self.raised.store(true, Ordering::SeqCst);
            self.signal();
        }

        /// Lowers the flag.
        pub(crate) fn lower(&self) {
            self.raised.store(false, Ordering::SeqCst);
            self.drain();
        }

        /// Whether the guest has to stop. Whoever is about to wait asks after he has called [`Waker::fd`].
        pub(crate) fn is_raised(&self) -> bool {
            // Either this sees the flag, or `signal` sees the descriptor.
            fence(Ordering::SeqCst);
            self.raised.load(Ordering::SeqCst)
        }

        /// Makes a waiting guest look around.
        pub(crate) fn signal(&self) {
            fence(Ordering::SeqCst);
            if let Some(signal) = self.signal.get() {
                // It fails when nobody has looked for so long that there is no room: then it is readable anyway.
                let _ = rustix::io::write(signal.writer(), &1_u64.to_ne_bytes());
            }
        }

        /// Makes the descriptor unreadable until the next [`Waker::signal`].
        pub(crate) fn drain(&self) {
            if let Some(signal) = self.signal.get() {
                while matches!(rustix::io::read(&signal.reader, &mut [0; 512]), Ok(512)) {}
            }
        }

        /// Makes sure that no [`Waker::signal`] is lost from now on.
        pub(crate) fn prepare(&self) -> Result<(), Errno> {
            self.fd().map(|_| ())
        }

        /// What becomes readable.
        pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>, Errno> {
            if let Some(signal) = self.signal.get() {
                return Ok(signal.reader.as_fd());
            }
            let made = Signal::new()?;
            Ok(self.signal.get_or_init(|| made).reader.as_fd())
        }
    }

    impl Signal {
        #[cfg(target_os = "linux")]
        fn new() -> Result<Signal, Errno> {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Signal { reader: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
        }

        #[cfg(target_os = "linux")]
        fn writer(&self) -> BorrowedFd<'_> {
            self.reader.as_fd()
        }

        #[cfg(not(target_os = "linux"))]
        fn new() -> Result<Signal, Errno> {
            use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
            use rustix::io::{FdFlags, fcntl_setfd};
            let (reader, writer) = rustix::pipe::pipe()?;
            for end in [&reader, &writer] {
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
                fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
            }
            Ok(Signal { reader, writer })
        }

        #[cfg(not(target_os = "linux"))]
        fn writer(&self) -> BorrowedFd<'_> {
            self.writer.as_fd()
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::{AtomicBool, Ordering};
    use std::io;
    use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
    use std::sync::atomic::fence;
    use std::sync::{Mutex, OnceLock, PoisonError};
    use std::time::Duration;
    use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, TRUE};
    use windows_sys::Win32::System::IO::CancelSynchronousIo;
    use windows_sys::Win32::System::Threading::{
        CreateEventW, GetCurrentProcess, GetCurrentThread, ResetEvent, SetEvent,
    };

    /// A flag that says that the guest has to stop, an event that is set when somebody wants a waiting guest to look around,
    /// and the thread that waits in a call that only its end or `CancelSynchronousIo` brings back. The event is made when
    /// a guest first waits for it.
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

        /// Runs a call that nothing but its end or `CancelSynchronousIo` brings back; nothing when the flag was up before. If
        /// it goes up meanwhile, the call fails with `ERROR_OPERATION_ABORTED`.
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
}
