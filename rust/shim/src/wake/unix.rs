//! The waker on Unix.

use super::interrupt::{Reachable, Thread};
use super::{AtomicBool, Ordering};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::sync::atomic::fence;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A flag that says that the guest has to stop, a descriptor that becomes readable when somebody wants a waiting
/// guest to look around, and the thread that is in a call which only its end or a signal brings back. The descriptor
/// is made when a guest first waits for it.
#[derive(Default)]
pub(crate) struct Waker {
    raised: AtomicBool,
    signal: OnceLock<Signal>,
    blocked: Mutex<Option<Thread>>,
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
        // The thread may be on its way into the call, where a signal does nothing yet.
        while !self.interrupt() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Brings back the thread that is in a call; true when there is none, or nothing to do it with.
    fn interrupt(&self) -> bool {
        match &*self.blocked() {
            Some(thread) => !thread.interrupt(),
            None => true,
        }
    }

    fn blocked(&self) -> MutexGuard<'_, Option<Thread>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a call of the system that may wait; nothing when the flag was up before. If it goes up meanwhile, the
    /// call fails with `EINTR`.
    pub(crate) fn while_blocked<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let _reachable = Reachable::begin();
        *self.blocked() = Some(Thread::this());
        let result = (!self.is_raised()).then(call);
        *self.blocked() = None;
        result
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
