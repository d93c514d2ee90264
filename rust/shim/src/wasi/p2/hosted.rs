//! Files and connections of the host as streams like upstream's, for whoever takes them out of a store.

use super::fault::Failed;
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile, Waiter};
use crate::wasi::memory::{Span, Spans};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::spawn_blocking;

/// As many bytes as are written at a time.
const PERMIT: usize = 64 * 1024;

/// A file that nobody else has, and the waker that ends its wait: a thread of upstream's waits for it.
pub(super) struct Hosted {
    file: Arc<Mutex<HostFile>>,
    waker: Arc<Waker>,
    direction: Direction,
    /// Where the next read or write begins, if the file has positions; nothing for its end.
    at: Option<u64>,
    /// What is to be written yet.
    pending: Vec<u8>,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.waker.raise();
    }
}

impl From<Fault> for StreamError {
    fn from(fault: Fault) -> StreamError {
        match fault {
            Fault::Errno(Errno::Pipe) => StreamError::Closed,
            Fault::Errno(errno) => StreamError::LastOperationFailed(wasmtime::Error::new(Failed(errno))),
            Fault::Trap(error) => StreamError::Trap(error),
        }
    }
}

/// Nothing if it would have to wait.
fn now(outcome: Outcome<usize>) -> Outcome<Option<usize>> {
    match outcome {
        Ok(n) => Ok(Some(n)),
        Err(Fault::Errno(Errno::Again)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

impl Hosted {
    pub(super) fn new(file: HostFile, direction: Direction, at: Option<u64>) -> Hosted {
        let file = Arc::new(Mutex::new(file));
        Hosted { file, waker: Arc::default(), direction, at, pending: Vec::new() }
    }

    fn file(&self) -> MutexGuard<'_, HostFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something can be done without waiting.
    fn is_ready(&self) -> Outcome<bool> {
        let file = self.file();
        if file.seeks() {
            return Ok(true);
        }
        let mut waiter = Waiter::default();
        let place = waiter.add(&file, self.direction);
        waiter.wait(Some(Duration::ZERO), None)?;
        Ok(waiter.readiness(place, &file, self.direction).is_some())
    }

    /// Writes what is pending, as far as that goes. Whether nothing is left.
    fn drain(&mut self) -> Outcome<bool> {
        while !self.pending.is_empty() {
            let span = Span { base: self.pending.as_mut_ptr(), len: self.pending.len() };
            let mut spans = Spans::one(span);
            let written = {
                let mut file = self.file();
                match (file.seeks(), self.at) {
                    (true, Some(at)) => file.pwrite(&spans, at, None).map(Some),
                    (true, None) => file.appending(|file| file.pwrite(&spans, 0, None)).map(Some),
                    (false, _) => now(file.waiting(false, |file| file.write(&mut spans, None))),
                }
            };
            match written {
                Ok(None | Some(0)) => return Ok(false),
                Ok(Some(n)) => {
                    self.pending.drain(..n);
                    self.at = self.at.map(|at| at.saturating_add(n as u64));
                }
                Err(fault) => {
                    self.pending = Vec::new();
                    return Err(fault);
                }
            }
        }
        Ok(true)
    }
}

#[async_trait]
impl Pollable for Hosted {
    async fn ready(&mut self) {
        if self.file().seeks() || self.waker.prepare().is_err() {
            return;
        }
        let (file, waker, direction) = (self.file.clone(), self.waker.clone(), self.direction);
        spawn_blocking(move || {
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let mut waiter = Waiter::default();
            waiter.add(&file, direction);
            // Whoever goes on meets its error.
            let _ = waiter.wait(None, Some(&waker));
        })
        .await;
    }
}

#[async_trait]
impl InputStream for Hosted {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut bytes = vec![0; size];
        let spans = Spans::one(Span { base: bytes.as_mut_ptr(), len: size });
        let read = {
            let mut file = self.file();
            match (file.seeks(), self.at) {
                (true, Some(at)) => file.pread(&spans, at, None).map(Some),
                _ => now(file.waiting(false, |file| file.read(&spans, None))),
            }
        }?;
        if read == Some(0) && size > 0 {
            return Err(StreamError::Closed);
        }
        let n = read.unwrap_or(0);
        self.at = self.at.map(|at| at.saturating_add(n as u64));
        bytes.truncate(n);
        Ok(bytes.into())
    }
}

#[async_trait]
impl OutputStream for Hosted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.pending.extend_from_slice(&bytes);
        self.drain()?;
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.drain()?;
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(if self.drain()? && self.is_ready()? { PERMIT } else { 0 })
    }
}
