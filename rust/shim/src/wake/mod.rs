//! Ending the wait of a guest that waits for the host, from any thread.

#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::Waker;
#[cfg(windows)]
pub(crate) use windows::Waker;

use std::sync::atomic::{AtomicBool, Ordering};

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

/// Ends a guest that has to stop: the error is the trap of an interrupt.
pub(crate) fn check_stop<E: From<wasmtime::Error>>(waker: Option<&Waker>) -> Result<(), E> {
    match waker {
        Some(waker) if waker.is_raised() => Err(wasmtime::Error::from(wasmtime::Trap::Interrupt).into()),
        _ => Ok(()),
    }
}
