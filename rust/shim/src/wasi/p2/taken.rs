//! Streams that the host has taken out of a store: it reads and writes them by itself, on any thread, while components
//! run. Upstream's streams are made for that; how they wait is a task of upstream's runtime.

use super::enter::{Counted, Wasi};
use super::fault::{Failed, code, or_trap};
use super::streams::{Input, Output};
use super::used::{
    WASMTIME_WASI_USE_READ, WASMTIME_WASI_USE_WRITE, WASMTIME_WASI_USED, WASMTIME_WASI_USED_END,
    WASMTIME_WASI_USED_FAILED, WASMTIME_WASI_USED_NETWORK, WASMTIME_WASI_USED_OTHER, WASMTIME_WASI_USED_WAITS,
    wasmtime_wasi_use_t,
};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::Result;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode as NetworkCode;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, Pollable, StreamError};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn, with_ambient_tokio_runtime};

/// A stream of `wasi:io` that was taken out of a store, with `WASMTIME_WASI_USE_TAKE`. It may outlive the store.
pub struct wasmtime_wasi_taken_t {
    stream: Stream,
    /// What it counts for in the store.
    _counted: Counted,
}

/// Hears that a stream may be ready: with what was said when that was asked for. It is called by a thread that does
/// nothing else meanwhile, also when the stream is just being deleted.
pub type wasmtime_binding_taken_callback_t = extern "C" fn(env: u64);

enum Stream {
    Input(Slot<DynInputStream>),
    Output(Slot<DynOutputStream>),
}

/// Where a stream is, unless a task waits for it, which has it meanwhile.
struct Slot<T> {
    stream: Arc<Mutex<Option<T>>>,
    task: Option<AbortOnDropJoinHandle<()>>,
}

impl<T: Pollable + Send> Slot<T> {
    fn new(stream: T) -> Slot<T> {
        Slot { stream: Arc::new(Mutex::new(Some(stream))), task: None }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls back when the stream may be ready, unless that is to come already.
    fn watch(&mut self, callback: wasmtime_binding_taken_callback_t, env: u64) {
        let Some(mut stream) = self.lock().take() else { return };
        let place = self.stream.clone();
        self.task = Some(spawn(async move {
            stream.ready().await;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
            callback(env);
        }));
    }
}

/// A status, and what it says.
type Told = (u32, u64);

const WAITS: Told = (WASMTIME_WASI_USED_WAITS, 0);

/// What the host hears of a stream that has failed.
fn failed(error: StreamError) -> Told {
    match error {
        StreamError::Closed => (WASMTIME_WASI_USED_END, 0),
        StreamError::LastOperationFailed(error) | StreamError::Trap(error) => {
            match (error.downcast_ref::<Failed>(), error.downcast_ref::<NetworkCode>()) {
                (Some(failed), _) => (WASMTIME_WASI_USED_FAILED, code(failed.0) as u64),
                (_, Some(code)) => (WASMTIME_WASI_USED_NETWORK, *code as u64),
                _ => (WASMTIME_WASI_USED_FAILED, ErrorCode::Io as u64),
            }
        }
    }
}

fn read(stream: &mut DynInputStream, room: &mut [u8]) -> Told {
    match with_ambient_tokio_runtime(|| stream.read(room.len())) {
        Ok(bytes) if bytes.is_empty() && !room.is_empty() => WAITS,
        Ok(bytes) => {
            let n = bytes.len().min(room.len());
            room[..n].copy_from_slice(&bytes[..n]);
            (WASMTIME_WASI_USED, n as u64)
        }
        Err(error) => failed(error),
    }
}

fn write(stream: &mut DynOutputStream, bytes: &[u8]) -> Told {
    let written = with_ambient_tokio_runtime(|| match stream.check_write()? {
        0 => Ok(None),
        permit => {
            let n = bytes.len().min(permit);
            stream.write(bytes[..n].to_vec().into())?;
            Ok(Some(n))
        }
    });
    match written {
        Ok(None) => WAITS,
        Ok(Some(n)) => (WASMTIME_WASI_USED, n as u64),
        Err(error) => failed(error),
    }
}

impl wasmtime_wasi_taken_t {
    /// Does something with the stream. Nothing waits.
    ///
    /// # Safety
    ///
    /// The buffer must be good.
    pub(crate) unsafe fn use_it(&self, request: &mut wasmtime_wasi_use_t) {
        let told = match (&self.stream, request.what, request.len) {
            (Stream::Input(_), WASMTIME_WASI_USE_READ, 0) => (WASMTIME_WASI_USED, 0),
            (Stream::Input(slot), WASMTIME_WASI_USE_READ, len) => {
                // SAFETY: the caller vouches for the buffer.
                let room = unsafe { slice::from_raw_parts_mut(request.buffer, len) };
                slot.lock().as_mut().map_or(WAITS, |stream| read(stream, room))
            }
            (Stream::Output(slot), WASMTIME_WASI_USE_WRITE, len) => {
                // SAFETY: as above.
                let bytes = if len == 0 { &[] } else { unsafe { slice::from_raw_parts(request.buffer, len) } };
                slot.lock().as_mut().map_or(WAITS, |stream| write(stream, bytes))
            }
            _ => (WASMTIME_WASI_USED_OTHER, 0),
        };
        (request.status, request.count) = told;
    }

    /// Calls back when the stream may be ready.
    pub(crate) fn watch(&mut self, callback: wasmtime_binding_taken_callback_t, env: u64) {
        match &mut self.stream {
            Stream::Input(slot) => slot.watch(callback, env),
            Stream::Output(slot) => slot.watch(callback, env),
        }
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
    pub(super) fn take_input(&mut self, number: u32) -> Result<Taken> {
        let counted = or_trap(self.count_apart())?;
        let stream = match or_trap(self.take_our_input(number))? {
            None => self.take::<DynInputStream>(number)?,
            Some(Apart::Out(stream)) => {
                self.take::<Input>(number)?;
                stream
            }
            Some(Apart::Served(number)) => return Ok(Apart::Served(number)),
            Some(Apart::Not) => return Ok(Apart::Not),
        };
        let stream = Stream::Input(Slot::new(stream));
        Ok(Apart::Out(Box::new(wasmtime_wasi_taken_t { stream, _counted: counted })))
    }

    pub(super) fn take_output(&mut self, number: u32) -> Result<Taken> {
        let counted = or_trap(self.count_apart())?;
        let stream = match or_trap(self.take_our_output(number))? {
            None => self.take::<DynOutputStream>(number)?,
            Some(Apart::Out(stream)) => {
                self.take::<Output>(number)?;
                stream
            }
            Some(Apart::Served(number)) => return Ok(Apart::Served(number)),
            Some(Apart::Not) => return Ok(Apart::Not),
        };
        let stream = Stream::Output(Slot::new(stream));
        Ok(Apart::Out(Box::new(wasmtime_wasi_taken_t { stream, _counted: counted })))
    }
}
