//! `wasi:io/streams` and `wasi:io/error`: our streams, and those of upstream's sockets.

use super::bytes::{self, Given, Later, Placed, Read, Reading};
use super::enter::Wasi;
use super::fault::{Answer, Failed, or_trap};
use super::files::{MOST_READ, regular_size};
use super::hosted::Hosted;
use super::nodes::Shared;
use super::poll::{Pollable, Watched, is_ready};
use super::taken::Apart;
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile};
use crate::wasi::memory::{Span, Spans};
use crate::wasi::served::ServedFile;
use crate::wasi::state::State;
use crate::wasi::stream::Stream;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sync::io::streams::StreamError;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, IoError, StreamError as Upstream};
use wasmtime_wasi::runtime::{poll_noop, with_ambient_tokio_runtime};

/// As many bytes as a stream takes at a time: what is not written at once is kept until it can be.
const PERMIT: usize = 64 * 1024;

/// As many bytes as WIT allows to be written with one call that waits.
const MOST_BLOCKING: usize = 4096;

/// Where our streams come from, or go to.
#[derive(Clone)]
pub(super) enum Source {
    /// What the store has for a standard stream.
    Standard(i32),
    File(Shared<HostFile>),
    Served(Shared<ServedFile>),
    /// A stream of the binding's.
    Stream(Shared<Stream>),
}

/// A stream of ours that is read.
pub(super) struct Input {
    source: Source,
    /// Where the next read begins, if the source has positions.
    at: u64,
    ended: bool,
    /// How large its file was when that was last asked; 0 if it is none.
    size: u64,
}

/// A stream of ours that is written.
pub(super) struct Output {
    source: Source,
    /// Where the next write begins, if the source has positions; nothing for its end.
    at: Option<u64>,
    /// What is to be written yet, but for the first bytes.
    pending: Vec<u8>,
    done: usize,
    /// What that takes of what all streams of the store may keep.
    kept: Option<Kept>,
    ended: bool,
    /// What went wrong when nobody could be told.
    failed: Option<Errno>,
}

/// What is kept to be written later, of all streams of a store together.
#[derive(Clone, Default)]
pub(super) struct Keeping(Arc<AtomicUsize>);

/// A stream's part of it.
struct Kept(Keeping, usize);

impl Keeping {
    /// Takes a part, unless all would be more than `most`.
    fn keep(&self, bytes: usize, most: usize) -> Outcome<Kept> {
        let kept = Kept(self.clone(), bytes);
        match self.0.fetch_add(bytes, Relaxed) > most.saturating_sub(bytes) {
            true => Err(Errno::Nomem.into()),
            false => Ok(kept),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.0.fetch_sub(self.1, Relaxed);
    }
}

/// Why there is nothing more to be had of a stream.
enum End {
    Closed,
    Fault(Fault),
    Upstream(Upstream),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> End {
        match fault {
            Fault::Errno(Errno::Pipe) => End::Closed,
            fault => End::Fault(fault),
        }
    }
}

impl From<Upstream> for End {
    fn from(error: Upstream) -> End {
        End::Upstream(error)
    }
}

impl From<wasmtime::Error> for End {
    fn from(error: wasmtime::Error) -> End {
        End::Fault(Fault::Trap(error))
    }
}

/// What becomes of something done to a stream.
type Streamed<T> = std::result::Result<T, End>;

/// Nothing if it would have to wait, which it must not.
fn now<T>(outcome: Outcome<T>, wait: bool) -> Outcome<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Errno(Errno::Again)) if !wait => Ok(None),
        Err(fault) => Err(fault),
    }
}

impl Source {
    /// Reads, at `at` if it has positions. 0 bytes are the end, and nothing is read if that would have to wait and must
    /// not.
    fn read(&self, state: &mut State, at: u64, span: Span, wait: bool) -> Outcome<Option<usize>> {
        let waker = state.waker();
        let spans = Spans::one(span);
        match self {
            Source::Standard(fd) => match state.descriptors.get(*fd)? {
                Entry::Host(file) => now(file.waiting(wait, |file| file.read(&spans, waker)), wait),
                Entry::ServedFile(file) => file.read(&spans).map(Some),
                Entry::Stream(stream) => stream.read_some(span, wait),
                Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Isdir.into()),
                Entry::Inner(_) => Err(Errno::Notsup.into()),
            },
            Source::File(file) => {
                let mut file = file.borrow_mut();
                match file.seeks() {
                    true => file.pread(&spans, at, waker).map(Some),
                    false => now(file.waiting(wait, |file| file.read(&spans, waker)), wait),
                }
            }
            Source::Served(file) => file.borrow().pread(&spans, at).map(Some),
            Source::Stream(stream) => stream.borrow().read_some(span, wait),
        }
    }

    /// Writes a part, or all, at `at` or at the end if it has positions. Nothing is written if that would have to wait
    /// and must not.
    fn write(&self, state: &mut State, at: Option<u64>, span: Span, wait: bool) -> Outcome<Option<usize>> {
        let waker = state.waker();
        let mut spans = Spans::one(span);
        match self {
            Source::Standard(fd) => match state.descriptors.get(*fd)? {
                Entry::Host(file) => now(file.waiting(wait, |file| file.write(&mut spans, waker)), wait),
                Entry::ServedFile(file) => file.write(&spans).map(Some),
                Entry::Stream(stream) => stream.write_some(span, wait),
                Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
                Entry::Inner(_) => Err(Errno::Notsup.into()),
            },
            Source::File(file) => {
                let mut file = file.borrow_mut();
                match (file.seeks(), at) {
                    (true, Some(at)) => file.pwrite(&spans, at, waker).map(Some),
                    (true, None) => file.appending(|file| file.pwrite(&spans, 0, waker)).map(Some),
                    (false, _) => now(file.waiting(wait, |file| file.write(&mut spans, waker)), wait),
                }
            }
            Source::Served(file) => match at {
                Some(at) => file.borrow().pwrite(&spans, at).map(Some),
                None => file.borrow_mut().append(&spans).map(Some),
            },
            Source::Stream(stream) => stream.borrow().write_some(span, wait),
        }
    }

    /// The same file once more, for whoever uses it apart from the store.
    fn apart(&self, state: &mut State) -> Outcome<Apart<HostFile>> {
        Ok(match self {
            Source::Stream(stream) => Apart::Served(stream.borrow().number()),
            Source::File(file) => Apart::Out(file.borrow().another()?),
            Source::Standard(fd) => match state.descriptors.get(*fd)? {
                Entry::Stream(stream) => Apart::Served(stream.number()),
                Entry::Host(file) => Apart::Out(file.another()?),
                _ => Apart::Not,
            },
            Source::Served(_) => Apart::Not,
        })
    }

    /// What has to be watched until it is ready: nothing if it is. An error counts as ready: who goes on will meet it.
    fn watch(&self, state: &mut State, direction: Direction) -> Outcome<Option<Watched>> {
        let stream = |stream: &Stream| Ok(stream.ready(direction)?.is_none().then_some(Watched::Stream));
        match self {
            Source::Standard(fd) => match state.descriptors.get(*fd) {
                Ok(Entry::Host(file)) if !file.seeks() => Ok(Some(Watched::Standard(*fd, direction))),
                Ok(Entry::Stream(it)) => stream(it),
                _ => Ok(None),
            },
            Source::File(file) if !file.borrow().seeks() => Ok(Some(Watched::File(file.clone(), direction))),
            Source::Stream(it) => stream(&it.borrow()),
            Source::File(_) | Source::Served(_) => Ok(None),
        }
    }
}

impl Input {
    /// A stream that begins at a position, if the source has some.
    pub(super) fn new(source: Source, at: u64) -> Input {
        Input { source, at, ended: false, size: 0 }
    }

    /// How many bytes a read of `len` can read into a component's memory: nothing if it is for [`Input::read`].
    fn direct(&mut self, len: usize) -> Option<usize> {
        let Source::File(file) = &self.source else { return None };
        if self.ended || !bytes::worthwhile(len) {
            return None;
        }
        if self.size.saturating_sub(self.at) < len as u64 {
            self.size = regular_size(&file.borrow());
        }
        bytes::found(self.size, self.at, len)
    }

    /// Reads up to `len` bytes; none if there are none yet, which can only be without waiting.
    fn read(&mut self, state: &mut State, len: u64, wait: bool) -> Streamed<Vec<u8>> {
        if self.ended {
            return Err(End::Closed);
        }
        let len = usize::try_from(len).unwrap_or(MOST_READ).min(MOST_READ);
        let mut bytes = vec![0; len];
        if len == 0 {
            return Ok(bytes);
        }
        let n = self.read_into(state, Span { base: bytes.as_mut_ptr(), len }, wait)?;
        bytes.truncate(n);
        Ok(bytes)
    }

    /// [`Input::read`] of as many bytes as there is room for, of which there has to be some.
    fn read_into(&mut self, state: &mut State, room: Span, wait: bool) -> Streamed<usize> {
        let read = self.source.read(state, self.at, room, wait);
        self.ended = !matches!(read, Ok(None | Some(1..)) | Err(Fault::Errno(Errno::Again)));
        match read? {
            Some(0) => Err(End::Closed),
            read => {
                let n = read.unwrap_or(0);
                self.at = self.at.saturating_add(n as u64);
                Ok(n)
            }
        }
    }
}

/// What a read of a stream returns.
pub(super) type ReadSome = std::result::Result<Vec<u8>, StreamError>;

impl Read for ReadSome {
    type Placed = std::result::Result<Placed, StreamError>;

    fn placed(bytes: Placed) -> Self::Placed {
        Ok(bytes)
    }

    fn read(wasi: &mut Wasi<'_>, later: &Later, room: Span) -> Result<std::result::Result<usize, ReadSome>> {
        let read = match wasi.ours::<Input>(later.number) {
            Some((input, state)) => input.read_into(state, room, true),
            None => Err(End::Closed),
        };
        Ok(wasi.streamed(read)?.map_err(Err))
    }
}

impl Output {
    /// A stream that begins at a position, or always writes at the end, if the source has some.
    pub(super) fn new(source: Source, at: Option<u64>) -> Output {
        Output { source, at, pending: Vec::new(), done: 0, kept: None, ended: false, failed: None }
    }

    /// Whether it can still be written to. An error is told once.
    fn open(&mut self) -> Streamed<()> {
        match self.failed.take() {
            Some(errno) => Err(Fault::Errno(errno).into()),
            None if self.ended => Err(End::Closed),
            None => Ok(()),
        }
    }

    /// Writes what is pending: all of it if it may wait. Whether nothing is left.
    fn drain(&mut self, state: &mut State, wait: bool) -> Outcome<bool> {
        let rest = &mut self.pending[self.done..];
        let rest = Span { base: rest.as_mut_ptr(), len: rest.len() };
        let n = self.put(state, rest, wait)?;
        self.done += n;
        if n < rest.len {
            return Ok(false);
        }
        // Nor is its memory kept, which nobody would count.
        self.pending = Vec::new();
        self.done = 0;
        self.kept = None;
        Ok(true)
    }

    /// Writes bytes: all of them if it may wait. How many it were.
    fn put(&mut self, state: &mut State, bytes: Span, wait: bool) -> Outcome<usize> {
        let mut done = 0;
        while done < bytes.len {
            match self.source.write(state, self.at, bytes.from(done), wait) {
                Ok(Some(n @ 1..)) => {
                    done += n;
                    self.at = self.at.map(|at| at.saturating_add(n as u64));
                }
                Ok(None | Some(0)) if !wait => break,
                Ok(None | Some(0)) => return Err(self.end(Errno::Io.into())),
                Err(fault) => return Err(self.end(fault)),
            }
        }
        Ok(done)
    }

    /// Ends it with an error.
    fn end(&mut self, fault: Fault) -> Fault {
        self.ended = true;
        self.pending = Vec::new();
        self.done = 0;
        self.kept = None;
        fault
    }

    /// How many bytes it takes now.
    fn check(&mut self, state: &mut State) -> Streamed<usize> {
        self.open()?;
        if !self.drain(state, false)? {
            return Ok(0);
        }
        // What a pipe does not take is kept, and one that takes nothing is not asked for more.
        Ok(match self.source.watch(state, Direction::Write)? {
            None => PERMIT,
            Some(Watched::Stream) => 0,
            Some(watched) => match is_ready(state, watched)? {
                true => PERMIT,
                false => 0,
            },
        })
    }

    /// Takes bytes, no more than have been allowed. What is not written at once is kept.
    fn write(&mut self, state: &mut State, bytes: Span) -> Streamed<()> {
        self.open()?;
        if bytes.len > PERMIT || !self.pending.is_empty() {
            return Err(wasmtime::Error::msg("more is written to a stream than check-write has allowed").into());
        }
        let n = self.put(state, bytes, false)?;
        // SAFETY: the bytes are there, and nobody changes them now.
        self.pending.extend_from_slice(unsafe { slice::from_raw_parts(bytes.from(n).base, bytes.len - n) });
        Ok(())
    }

    /// Takes its part of what a store may keep, for what has not been written at once.
    fn keep(&mut self, keeping: &Keeping, most: usize) -> Streamed<()> {
        match keeping.keep(self.pending.len(), most) {
            Ok(kept) => {
                self.kept = Some(kept);
                Ok(())
            }
            Err(fault) => Err(self.end(fault).into()),
        }
    }

    /// Writes everything, and waits for it.
    fn write_all(&mut self, state: &mut State, bytes: Span) -> Streamed<()> {
        self.open()?;
        self.drain(state, true)?;
        self.put(state, bytes, true)?;
        Ok(())
    }
}

impl Wasi<'_> {
    /// One of our streams, and what it needs to be used.
    fn ours<T: 'static>(&mut self, number: u32) -> Option<(&mut T, &mut State)> {
        let stream = self.second.table.get_mut(&Resource::<T>::new_borrow(number)).ok()?;
        Some((stream, &mut *self.state))
    }

    /// What a component hears of something done to a stream.
    fn streamed<T>(&mut self, result: Streamed<T>) -> Answer<T, StreamError> {
        let error = match result {
            Ok(value) => return Ok(Ok(value)),
            Err(End::Closed | End::Upstream(Upstream::Closed)) => return Ok(Err(StreamError::Closed)),
            Err(End::Fault(Fault::Trap(error)) | End::Upstream(Upstream::Trap(error))) => return Err(error),
            Err(End::Fault(Fault::Errno(errno))) => IoError::new(Failed(errno)),
            Err(End::Upstream(Upstream::LastOperationFailed(error))) => error,
        };
        let number = or_trap(self.push(error))?;
        Ok(Err(StreamError::LastOperationFailed(Resource::new_own(number))))
    }

    /// Takes an input of ours out of the store, unless the binding serves it; nothing if it is upstream's.
    pub(super) fn take_our_input(&mut self, number: u32) -> Outcome<Option<Apart<DynInputStream>>> {
        let Some((input, state)) = self.ours::<Input>(number) else { return Ok(None) };
        let at = input.at;
        Ok(Some(match input.source.apart(state)? {
            Apart::Out(file) => Apart::Out(Box::new(Hosted::new(file, Direction::Read, Some(at)))),
            Apart::Served(number) => Apart::Served(number),
            Apart::Not => Apart::Not,
        }))
    }

    /// [`Wasi::take_our_input`] for an output, with nothing left in it.
    pub(super) fn take_our_output(&mut self, number: u32) -> Outcome<Option<Apart<DynOutputStream>>> {
        let Some((output, state)) = self.ours::<Output>(number) else { return Ok(None) };
        Ok(Some(match output.source.apart(state)? {
            Apart::Out(file) => {
                output.drain(state, true)?;
                Apart::Out(Box::new(Hosted::new(file, Direction::Write, output.at)))
            }
            Apart::Served(number) => Apart::Served(number),
            Apart::Not => Apart::Not,
        }))
    }

    /// What has to be watched until an input of ours is ready.
    pub(super) fn watch_input(&mut self, number: u32) -> Outcome<Option<Watched>> {
        match self.ours::<Input>(number) {
            Some((input, state)) if !input.ended => input.source.watch(state, Direction::Read),
            _ => Ok(None),
        }
    }

    /// What has to be watched until an output of ours is ready, which is written to as far as that goes.
    pub(super) fn watch_output(&mut self, number: u32) -> Outcome<Option<Watched>> {
        let Some((output, state)) = self.ours::<Output>(number) else { return Ok(None) };
        if output.ended || output.failed.is_some() {
            return Ok(None);
        }
        match output.drain(state, false) {
            Err(Fault::Errno(errno)) => {
                output.failed = Some(errno);
                Ok(None)
            }
            Err(trap) => Err(trap),
            Ok(_) => output.source.watch(state, Direction::Write),
        }
    }

    /// Waits until one of upstream's streams is ready.
    fn wait_for_upstream<T: wasmtime_wasi::p2::Pollable>(&mut self, number: u32) -> Outcome {
        self.wait(&[Pollable::upstream::<T>(number)], true).map(drop)
    }

    fn read_stream(&mut self, this: &Resource<DynInputStream>, len: u64, wait: bool) -> Streamed<Vec<u8>> {
        if let Some((input, state)) = self.ours::<Input>(this.rep()) {
            return input.read(state, len, wait);
        }
        let most = usize::try_from(len).unwrap_or(MOST_READ).min(MOST_READ);
        loop {
            let stream: &mut DynInputStream = self.get_mut(this.rep())?;
            let bytes = with_ambient_tokio_runtime(|| stream.read(most))?;
            if !bytes.is_empty() || most == 0 || !wait {
                return Ok(bytes.into());
            }
            self.wait_for_upstream::<DynInputStream>(this.rep())?;
        }
    }

    /// Reads for a component: into its memory if that is possible.
    fn read_for(&mut self, this: &Resource<DynInputStream>, len: u64, wait: bool) -> Result<Reading<ReadSome>> {
        let most = usize::try_from(len).unwrap_or(MOST_READ).min(MOST_READ);
        if let Some((input, _)) = self.ours::<Input>(this.rep())
            && let Some(n) = input.direct(most)
        {
            return Ok(self.later(this.rep(), 0, n));
        }
        let read = self.read_stream(this, len, wait);
        self.streamed(read).map(Reading::Done)
    }

    pub(super) fn input_read(&mut self, this: Resource<DynInputStream>, len: u64) -> Result<Reading<ReadSome>> {
        self.read_for(&this, len, false)
    }

    pub(super) fn input_blocking_read(
        &mut self,
        this: Resource<DynInputStream>,
        len: u64,
    ) -> Result<Reading<ReadSome>> {
        self.read_for(&this, len, true)
    }

    pub(super) fn input_skip(&mut self, this: Resource<DynInputStream>, len: u64) -> Answer<u64, StreamError> {
        let read = self.read_stream(&this, len, false).map(|bytes| bytes.len() as u64);
        self.streamed(read)
    }

    pub(super) fn input_blocking_skip(&mut self, this: Resource<DynInputStream>, len: u64) -> Answer<u64, StreamError> {
        let read = self.read_stream(&this, len, true).map(|bytes| bytes.len() as u64);
        self.streamed(read)
    }

    pub(super) fn input_subscribe(&mut self, this: Resource<DynInputStream>) -> Result<Resource<DynPollable>> {
        if !self.is::<Input>(this.rep()) {
            return self.subscribe(&this);
        }
        let pollable = Pollable::Input(this.rep());
        or_trap(self.push_child(pollable, &Resource::<Input>::new_borrow(this.rep()))).map(Resource::new_own)
    }

    pub(super) fn drop_input(&mut self, number: u32) -> Result<()> {
        if self.is::<Input>(number) {
            return self.take::<Input>(number).map(drop);
        }
        let mut stream = self.take::<DynInputStream>(number)?;
        with_ambient_tokio_runtime(|| poll_noop(Pin::new(&mut stream.cancel())));
        Ok(())
    }

    fn check_stream(&mut self, this: &Resource<DynOutputStream>) -> Streamed<usize> {
        if let Some((output, state)) = self.ours::<Output>(this.rep()) {
            return output.check(state);
        }
        let stream: &mut DynOutputStream = self.get_mut(this.rep())?;
        Ok(with_ambient_tokio_runtime(|| stream.check_write())?)
    }

    /// How many bytes one of upstream's streams takes, when it takes some.
    fn wait_for_permit(&mut self, this: &Resource<DynOutputStream>) -> Streamed<usize> {
        loop {
            match self.check_stream(this)? {
                0 => self.wait_for_upstream::<DynOutputStream>(this.rep())?,
                permit => return Ok(permit),
            }
        }
    }

    fn write_stream(&mut self, this: &Resource<DynOutputStream>, bytes: &Given) -> Streamed<()> {
        if let Some((output, state)) = self.ours::<Output>(this.rep()) {
            output.write(state, bytes.span())?;
            return if output.pending.is_empty() { Ok(()) } else { self.keep(this) };
        }
        let bytes = bytes.copied(self.fuel)?;
        let stream: &mut DynOutputStream = self.get_mut(this.rep())?;
        Ok(with_ambient_tokio_runtime(|| stream.write(bytes.into()))?)
    }

    /// Counts what one of our streams keeps to be written.
    #[cold]
    fn keep(&mut self, this: &Resource<DynOutputStream>) -> Streamed<()> {
        let (keeping, most) = (self.second.keeping.clone(), self.fuel);
        let output: &mut Output = self.get_mut(this.rep())?;
        output.keep(&keeping, most)
    }

    /// Writes everything, and waits until it has been written.
    fn write_all(&mut self, this: &Resource<DynOutputStream>, bytes: &Given) -> Streamed<()> {
        if let Some((output, state)) = self.ours::<Output>(this.rep()) {
            return output.write_all(state, bytes.span());
        }
        let bytes = bytes.copied(self.fuel)?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (part, left) = rest.split_at(self.wait_for_permit(this)?.min(rest.len()));
            self.write_stream(this, &Given::host(part))?;
            rest = left;
        }
        self.flush_upstream(this)
    }

    /// Waits until one of upstream's streams has written everything. One that is closed then has.
    fn flush_upstream(&mut self, this: &Resource<DynOutputStream>) -> Streamed<()> {
        let stream: &mut DynOutputStream = self.get_mut(this.rep())?;
        let flushed = with_ambient_tokio_runtime(|| stream.flush()).map_err(End::from);
        match flushed.and_then(|()| self.wait_for_permit(this)) {
            Ok(_) | Err(End::Closed | End::Upstream(Upstream::Closed)) => Ok(()),
            Err(end) => Err(end),
        }
    }

    pub(super) fn output_check_write(&mut self, this: Resource<DynOutputStream>) -> Answer<u64, StreamError> {
        let permit = self.check_stream(&this).map(|permit| permit as u64);
        self.streamed(permit)
    }

    pub(super) fn output_write(&mut self, this: Resource<DynOutputStream>, contents: Given) -> Answer<(), StreamError> {
        let written = self.write_stream(&this, &contents);
        self.streamed(written)
    }

    pub(super) fn output_blocking_write(
        &mut self,
        this: Resource<DynOutputStream>,
        contents: Given,
    ) -> Answer<(), StreamError> {
        if contents.len() > MOST_BLOCKING {
            return Err(too_large("blocking-write-and-flush"));
        }
        let written = self.write_all(&this, &contents);
        self.streamed(written)
    }

    /// Reads for the host, as soon as there is something.
    pub(super) fn host_read(&mut self, this: &Resource<DynInputStream>, len: u64) -> Answer<Vec<u8>, StreamError> {
        let read = self.read_stream(this, len, true);
        self.streamed(read)
    }

    /// Writes for the host, which may write any number of bytes at once.
    pub(super) fn host_write(
        &mut self,
        this: &Resource<DynOutputStream>,
        contents: Vec<u8>,
    ) -> Answer<(), StreamError> {
        let written = self.write_all(this, &Given::host(&contents));
        self.streamed(written)
    }

    /// What can be written without waiting is.
    pub(super) fn output_flush(&mut self, this: Resource<DynOutputStream>) -> Answer<(), StreamError> {
        let flushed = match self.ours::<Output>(this.rep()) {
            Some((output, state)) => output.open().and_then(|()| Ok(output.drain(state, false).map(drop)?)),
            None => {
                let stream: &mut DynOutputStream = self.get_mut(this.rep())?;
                with_ambient_tokio_runtime(|| stream.flush()).map_err(End::from)
            }
        };
        self.streamed(flushed)
    }

    pub(super) fn output_blocking_flush(&mut self, this: Resource<DynOutputStream>) -> Answer<(), StreamError> {
        let flushed = match self.ours::<Output>(this.rep()) {
            Some((output, state)) => output.open().and_then(|()| Ok(output.drain(state, true).map(drop)?)),
            None => self.flush_upstream(&this),
        };
        self.streamed(flushed)
    }

    pub(super) fn output_subscribe(&mut self, this: Resource<DynOutputStream>) -> Result<Resource<DynPollable>> {
        if !self.is::<Output>(this.rep()) {
            return self.subscribe(&this);
        }
        let pollable = Pollable::Output(this.rep());
        or_trap(self.push_child(pollable, &Resource::<Output>::new_borrow(this.rep()))).map(Resource::new_own)
    }

    pub(super) fn output_write_zeroes(&mut self, this: Resource<DynOutputStream>, len: u64) -> Answer<(), StreamError> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let written = match self.check_stream(&this) {
            Ok(permit) if len > permit => Err(too_large("write-zeroes").into()),
            Ok(_) => self.write_stream(&this, &Given::host(&vec![0; len])),
            Err(end) => Err(end),
        };
        self.streamed(written)
    }

    pub(super) fn output_blocking_write_zeroes(
        &mut self,
        this: Resource<DynOutputStream>,
        len: u64,
    ) -> Answer<(), StreamError> {
        if len > MOST_BLOCKING as u64 {
            return Err(too_large("blocking-write-zeroes-and-flush"));
        }
        let written = self.write_all(&this, &Given::host(&vec![0; len as usize]));
        self.streamed(written)
    }

    pub(super) fn output_splice(
        &mut self,
        this: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> Answer<u64, StreamError> {
        let spliced = self.splice(&this, &from, len, false);
        self.streamed(spliced)
    }

    pub(super) fn output_blocking_splice(
        &mut self,
        this: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> Answer<u64, StreamError> {
        let spliced = self.splice(&this, &from, len, true);
        self.streamed(spliced)
    }

    fn splice(
        &mut self,
        this: &Resource<DynOutputStream>,
        from: &Resource<DynInputStream>,
        len: u64,
        wait: bool,
    ) -> Streamed<u64> {
        let permit = match wait {
            // Who may wait can write anything.
            true => PERMIT,
            false => self.check_stream(this)?,
        };
        let len = len.min(permit as u64);
        if len == 0 {
            return Ok(0);
        }
        let bytes = self.read_stream(from, len, wait)?;
        let n = bytes.len() as u64;
        match wait {
            true => self.write_all(this, &Given::host(&bytes))?,
            false if n > 0 => self.write_stream(this, &Given::host(&bytes))?,
            false => {}
        }
        Ok(n)
    }

    /// What is still to be written is, as far as that goes without waiting for ours; a connection is waited for.
    pub(super) fn drop_output(&mut self, number: u32) -> Result<()> {
        if self.is::<Output>(number) {
            if let Some((output, state)) = self.ours::<Output>(number)
                && let Err(Fault::Trap(error)) = output.drain(state, true)
            {
                return Err(error);
            }
            return self.take::<Output>(number).map(drop);
        }
        or_trap(self.wait_for_upstream::<DynOutputStream>(number))?;
        let mut stream = self.take::<DynOutputStream>(number)?;
        with_ambient_tokio_runtime(|| poll_noop(Pin::new(&mut stream.cancel())));
        Ok(())
    }
}

fn too_large(what: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("more than {what} allows is written to a stream"))
}
