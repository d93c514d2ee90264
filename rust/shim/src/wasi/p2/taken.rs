//! Streams that the host has taken out of a store: it reads and writes them by itself, on any thread, while components
//! run. A thread of upstream's runtime waits for one.

use super::enter::{Counted, Wasi};
use super::fault::{code, is_of_connection, network_code, or_trap};
use super::tcp::ended_with;
use super::used::{
    WASMTIME_WASI_USE_READ, WASMTIME_WASI_USE_WRITE, WASMTIME_WASI_USED, WASMTIME_WASI_USED_END,
    WASMTIME_WASI_USED_FAILED, WASMTIME_WASI_USED_NETWORK, WASMTIME_WASI_USED_OTHER, WASMTIME_WASI_USED_WAITS,
    wasmtime_wasi_use_t,
};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile, Waiter};
use crate::wasi::memory::{Span, Spans};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::Result;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn_blocking};

/// A stream of `wasi:io` that was taken out of a store, with `WASMTIME_WASI_USE_TAKE`. It may outlive the store.
pub struct wasmtime_wasi_taken_t {
    stream: Stream,
    /// Who waits for it, or has.
    task: Option<AbortOnDropJoinHandle<()>>,
    /// What it counts for in the store.
    _counted: Counted,
}

/// Hears that a stream may be ready: with what was said when that was asked for. It is called by a thread that does
/// nothing else meanwhile, also when the stream is just being deleted, or has been.
pub type wasmtime_binding_taken_callback_t = extern "C" fn(env: u64);

/// A direction of a file or a connection.
pub(super) struct Stream {
    shared: Arc<Shared>,
    direction: Direction,
    /// Where the next read or write begins, if the file has positions; nothing for its end.
    at: Option<u64>,
    /// Whether the direction of a connection ends with this.
    ends: bool,
}

/// What a stream shares with the thread that waits for it.
struct Shared {
    file: Mutex<HostFile>,
    /// Ends the wait.
    waker: Waker,
    waits: AtomicBool,
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, HostFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the file may be ready, or nobody wants to know.
    fn wait(&self, direction: Direction) {
        let file = self.file();
        if !file.seeks() && self.waker.prepare().is_ok() {
            let mut waiter = Waiter::default();
            waiter.add(&file, direction);
            // Whoever goes on meets its error.
            let _ = waiter.wait(None, Some(&self.waker));
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

impl Stream {
    /// `at` is where it begins, nothing for the end; `ends` says that the direction of a connection ends with it.
    pub(super) fn new(file: HostFile, direction: Direction, at: Option<u64>, ends: bool) -> Stream {
        let shared = Shared { file: Mutex::new(file), waker: Waker::default(), waits: AtomicBool::new(false) };
        Stream { shared: Arc::new(shared), direction, at, ends }
    }

    /// Reads or writes as much as goes without waiting; nothing if that is nothing.
    fn go_on(&mut self, span: Span) -> Outcome<Option<usize>> {
        let mut spans = Spans::one(span);
        let mut file = self.shared.file();
        let done = match (self.direction, file.seeks(), self.at) {
            (Direction::Read, true, Some(at)) => file.pread(&spans, at, None).map(Some),
            (Direction::Read, _, _) => now(file.waiting(false, |file| file.read(&spans, None))),
            (Direction::Write, true, Some(at)) => file.pwrite(&spans, at, None).map(Some),
            (Direction::Write, true, None) => file.appending(|file| file.pwrite(&spans, 0, None)).map(Some),
            (Direction::Write, false, _) => now(file.waiting(false, |file| file.write(&mut spans, None))),
        }?;
        self.at = self.at.map(|at| at.saturating_add(done.unwrap_or(0) as u64));
        Ok(done)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.waker.raise();
        if self.ends {
            // Nobody is there to hear of an error.
            let _ = self.shared.file().shutdown(ended_with(self.direction));
        }
    }
}

impl wasmtime_wasi_taken_t {
    /// Does something with the stream. Nothing waits.
    ///
    /// # Safety
    ///
    /// The buffer must be good.
    pub(crate) unsafe fn use_it(&mut self, request: &mut wasmtime_wasi_use_t) {
        let stream = &mut self.stream;
        let told = match (stream.direction, request.what) {
            (Direction::Read, WASMTIME_WASI_USE_READ) | (Direction::Write, WASMTIME_WASI_USE_WRITE) => {
                match request.len {
                    _ if stream.shared.waits.load(SeqCst) => Ok(None),
                    0 => Ok(Some(0)),
                    len => stream.go_on(Span { base: request.buffer, len }),
                }
            }
            _ => {
                (request.status, request.count) = (WASMTIME_WASI_USED_OTHER, 0);
                return;
            }
        };
        (request.status, request.count) = match (told, stream.direction) {
            (Ok(None), _) => (WASMTIME_WASI_USED_WAITS, 0),
            (Ok(Some(0)), Direction::Read) if request.len > 0 => (WASMTIME_WASI_USED_END, 0),
            (Ok(Some(0)), Direction::Write) if request.len > 0 => (WASMTIME_WASI_USED_WAITS, 0),
            (Ok(Some(n)), _) => (WASMTIME_WASI_USED, n as u64),
            (Err(Fault::Errno(Errno::Pipe)), _) => (WASMTIME_WASI_USED_END, 0),
            (Err(Fault::Errno(errno)), _) if is_of_connection(errno) => {
                (WASMTIME_WASI_USED_NETWORK, network_code(errno) as u64)
            }
            (Err(Fault::Errno(errno)), _) => (WASMTIME_WASI_USED_FAILED, code(errno) as u64),
            (Err(Fault::Trap(_)), _) => (WASMTIME_WASI_USED_FAILED, ErrorCode::Io as u64),
        };
    }

    /// Calls back when the stream may be ready, unless that is to come already.
    pub(crate) fn watch(&mut self, callback: wasmtime_binding_taken_callback_t, env: u64) {
        let (shared, direction) = (self.stream.shared.clone(), self.stream.direction);
        if shared.waits.swap(true, SeqCst) {
            return;
        }
        let wait = move || {
            shared.wait(direction);
            shared.waits.store(false, SeqCst);
            callback(env);
        };
        self.task = Some(spawn_blocking(wait));
    }
}

/// What becomes of a stream that is to be taken out.
pub(crate) enum Apart<T> {
    Out(T),
    /// The binding serves it under this number; it stays where it is.
    Served(u64),
    /// Nothing that this can be done with.
    Not,
}

/// What is taken out for the host.
pub(crate) type Taken = Apart<Box<wasmtime_wasi_taken_t>>;

impl Wasi<'_> {
    /// Takes the input or the output of a number out of the store.
    pub(super) fn take_apart(&mut self, number: u32, direction: Direction) -> Result<Taken> {
        let counted = or_trap(self.count_apart())?;
        let stream = match direction {
            Direction::Read => or_trap(self.take_input(number))?,
            Direction::Write => or_trap(self.take_output(number))?,
        };
        Ok(match stream {
            Apart::Out(stream) => Apart::Out(Box::new(wasmtime_wasi_taken_t { stream, task: None, _counted: counted })),
            Apart::Served(number) => Apart::Served(number),
            Apart::Not => Apart::Not,
        })
    }
}
