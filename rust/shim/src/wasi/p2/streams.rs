//! `wasi:io/streams`.

use super::bytes::{self, Given, Later, Placed, Read, Reading};
use super::enter::Wasi;
use super::fault::{Answer, Failed, or_trap};
use super::files::{MOST_READ, regular_size};
use super::nodes::Shared;
use super::poll::{Pollable, Watched, is_ready};
use super::taken::{Apart, Stream as Taken};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile};
use crate::wasi::memory::{Span, Spans};
use crate::wasi::served::ServedFile;
use crate::wasi::state::State;
use crate::wasi::stream::Stream;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sync::io::streams::StreamError;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, IoError};

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

/// A stream that is read.
pub(super) struct Input {
    source: Source,
    /// The number of the connection whose stream it is.
    connection: Option<u32>,
    /// Where the next read begins, if the source has positions.
    at: u64,
    ended: bool,
    /// How large its file was when that was last asked; 0 if it is none.
    size: u64,
}

/// A stream that is written.
pub(super) struct Output {
    source: Source,
    /// The number of the connection whose stream it is.
    connection: Option<u32>,
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
}

impl From<Fault> for End {
    fn from(fault: Fault) -> End {
        match fault {
            Fault::Errno(Errno::Pipe) => End::Closed,
            fault => End::Fault(fault),
        }
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
        let all = spans.total();
        let mut put = |file: &mut HostFile| {
            let written = now(file.waiting(wait, |file| file.write(&mut spans, waker)), wait);
            match all - spans.total() {
                // Who is interrupted has written that.
                n @ 1.. if written.is_err() => Ok(Some(n)),
                _ => written,
            }
        };
        match self {
            Source::Standard(fd) => match state.descriptors.get(*fd)? {
                Entry::Host(file) => put(file),
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
                    (false, _) => put(&mut file),
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
        Input { source, connection: None, at, ended: false, size: 0 }
    }

    /// One of the streams of a connection, which has a number.
    pub(super) fn of_connection(source: Source, number: u32) -> Input {
        Input { connection: Some(number), ..Input::new(source, 0) }
    }

    /// Says that nothing more is to be read.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// How many bytes a read of `len` can read into a component's memory: nothing if it is for [`Input::read`].
    fn direct(&mut self, len: usize) -> Option<usize> {
        let Source::File(file) = &self.source else { return None };
        if self.ended || !bytes::worthwhile(len) || !file.borrow().seeks() {
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
        // Who is interrupted has not come to the end, and may go on if it is the host.
        self.ended = matches!(&read, Ok(Some(0)) | Err(Fault::Errno(_)));
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
        let (input, state) = wasi.stream::<Input>(later.number)?;
        let read = input.read_into(state, room, true);
        Ok(wasi.streamed(read)?.map_err(Err))
    }
}

impl Output {
    /// A stream that begins at a position, or always writes at the end, if the source has some.
    pub(super) fn new(source: Source, at: Option<u64>) -> Output {
        Output { source, connection: None, at, pending: Vec::new(), done: 0, kept: None, ended: false, failed: None }
    }

    /// One of the streams of a connection, which has a number.
    pub(super) fn of_connection(source: Source, number: u32) -> Output {
        Output { connection: Some(number), ..Output::new(source, None) }
    }

    /// Ends it: nothing more is written.
    pub(super) fn close(&mut self) {
        self.ended = true;
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
        let (n, put) = self.put(state, rest, wait);
        self.done += n;
        self.or_end(state, put)?;
        if n < rest.len {
            return Ok(false);
        }
        // Nor is its memory kept, which nobody would count.
        self.pending = Vec::new();
        self.done = 0;
        self.kept = None;
        Ok(true)
    }

    /// Writes bytes: all of them if it may wait. How many it were, and what it has met then.
    fn put(&mut self, state: &mut State, bytes: Span, wait: bool) -> (usize, Outcome) {
        let mut done = 0;
        while done < bytes.len {
            match self.source.write(state, self.at, bytes.from(done), wait) {
                Ok(Some(n @ 1..)) => {
                    done += n;
                    self.at = self.at.map(|at| at.saturating_add(n as u64));
                }
                Ok(None | Some(0)) if !wait => break,
                Ok(None | Some(0)) => return (done, Err(Errno::Io.into())),
                Err(fault) => return (done, Err(fault)),
            }
        }
        (done, Ok(()))
    }

    /// Ends it if it has met an error. Who is interrupted has not: the rest is there for the host to go on with. But
    /// how much the binding has taken then, nobody knows, and the host hears so.
    fn or_end(&mut self, state: &mut State, outcome: Outcome) -> Outcome {
        let Err(fault) = outcome else { return Ok(()) };
        if let Fault::Trap(_) = fault {
            let is_hosts = match self.source {
                Source::Standard(fd) => matches!(state.descriptors.get(fd), Ok(Entry::Host(_))),
                Source::File(_) => true,
                Source::Served(_) | Source::Stream(_) => false,
            };
            if is_hosts {
                return Err(fault);
            }
            self.failed = Some(Errno::Intr);
        }
        Err(self.end(fault))
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
        let (n, put) = self.put(state, bytes, false);
        self.or_end(state, put)?;
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
        let (_, put) = self.put(state, bytes, true);
        Ok(self.or_end(state, put)?)
    }
}

impl Wasi<'_> {
    /// A stream, and what it needs to be used.
    fn stream<T: 'static>(&mut self, number: u32) -> Result<(&mut T, &mut State)> {
        let stream = self.second.table.get_mut(&Resource::<T>::new_borrow(number))?;
        Ok((stream, &mut *self.state))
    }

    /// What a component hears of something done to a stream.
    fn streamed<T>(&mut self, result: Streamed<T>) -> Answer<T, StreamError> {
        let error = match result {
            Ok(value) => return Ok(Ok(value)),
            Err(End::Closed) => return Ok(Err(StreamError::Closed)),
            Err(End::Fault(Fault::Trap(error))) => return Err(error),
            Err(End::Fault(Fault::Errno(errno))) => IoError::new(Failed(errno)),
        };
        let number = or_trap(self.push(error))?;
        Ok(Err(StreamError::LastOperationFailed(Resource::new_own(number))))
    }

    /// Takes an input out of the store, unless the binding serves it.
    pub(super) fn take_input(&mut self, number: u32) -> Outcome<Apart<Taken>> {
        let (input, state) = self.stream::<Input>(number)?;
        let file = match input.source.apart(state)? {
            Apart::Out(file) => file,
            Apart::Served(number) => return Ok(Apart::Served(number)),
            Apart::Not => return Ok(Apart::Not),
        };
        let at = input.at;
        let ends = match self.take::<Input>(number)?.connection {
            Some(connection) => self.let_go(connection, Direction::Read)?,
            None => false,
        };
        Ok(Apart::Out(Taken::new(file, Direction::Read, Some(at), ends)))
    }

    /// [`Wasi::take_input`] for an output, with nothing left in it.
    pub(super) fn take_output(&mut self, number: u32) -> Outcome<Apart<Taken>> {
        let (output, state) = self.stream::<Output>(number)?;
        let file = match output.source.apart(state)? {
            Apart::Out(file) => file,
            Apart::Served(number) => return Ok(Apart::Served(number)),
            Apart::Not => return Ok(Apart::Not),
        };
        output.drain(state, true)?;
        let at = output.at;
        let ends = match self.take::<Output>(number)?.connection {
            Some(connection) => self.let_go(connection, Direction::Write)?,
            None => false,
        };
        Ok(Apart::Out(Taken::new(file, Direction::Write, at, ends)))
    }

    /// What has to be watched until an input is ready.
    pub(super) fn watch_input(&mut self, number: u32) -> Outcome<Option<Watched>> {
        match self.stream::<Input>(number)? {
            (input, state) if !input.ended => input.source.watch(state, Direction::Read),
            _ => Ok(None),
        }
    }

    /// What has to be watched until an output is ready, which is written to as far as that goes.
    pub(super) fn watch_output(&mut self, number: u32) -> Outcome<Option<Watched>> {
        let (output, state) = self.stream::<Output>(number)?;
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

    fn read_stream(&mut self, this: &Resource<DynInputStream>, len: u64, wait: bool) -> Streamed<Vec<u8>> {
        let (input, state) = self.stream::<Input>(this.rep())?;
        input.read(state, len, wait)
    }

    /// Reads for a component: into its memory if that is possible.
    fn read_for(&mut self, this: &Resource<DynInputStream>, len: u64, wait: bool) -> Result<Reading<ReadSome>> {
        let most = usize::try_from(len).unwrap_or(MOST_READ).min(MOST_READ);
        let (input, _) = self.stream::<Input>(this.rep())?;
        if let Some(n) = input.direct(most) {
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
        or_trap(self.new_pollable(Pollable::Input(this.rep()), Some(this.rep())))
    }

    pub(super) fn drop_input(&mut self, number: u32) -> Result<()> {
        match self.take::<Input>(number)?.connection {
            Some(connection) => self.left(connection, Direction::Read),
            None => Ok(()),
        }
    }

    fn check_stream(&mut self, this: &Resource<DynOutputStream>) -> Streamed<usize> {
        let (output, state) = self.stream::<Output>(this.rep())?;
        output.check(state)
    }

    fn write_stream(&mut self, this: &Resource<DynOutputStream>, bytes: &Given) -> Streamed<()> {
        let (output, state) = self.stream::<Output>(this.rep())?;
        output.write(state, bytes.span())?;
        if output.pending.is_empty() { Ok(()) } else { self.keep(this) }
    }

    /// Counts what a stream keeps to be written.
    #[cold]
    fn keep(&mut self, this: &Resource<DynOutputStream>) -> Streamed<()> {
        let (keeping, most) = (self.second.keeping.clone(), self.fuel);
        let output: &mut Output = self.get_mut(this.rep())?;
        output.keep(&keeping, most)
    }

    /// Writes everything, and waits until it has been written.
    fn write_all(&mut self, this: &Resource<DynOutputStream>, bytes: &Given) -> Streamed<()> {
        let (output, state) = self.stream::<Output>(this.rep())?;
        output.write_all(state, bytes.span())
    }

    /// Writes what was kept, and waits until it has been written if `wait` says so.
    fn flush(&mut self, this: &Resource<DynOutputStream>, wait: bool) -> Streamed<()> {
        let (output, state) = self.stream::<Output>(this.rep())?;
        output.open()?;
        output.drain(state, wait)?;
        Ok(())
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
        let flushed = self.flush(&this, false);
        self.streamed(flushed)
    }

    pub(super) fn output_blocking_flush(&mut self, this: Resource<DynOutputStream>) -> Answer<(), StreamError> {
        let flushed = self.flush(&this, true);
        self.streamed(flushed)
    }

    pub(super) fn output_subscribe(&mut self, this: Resource<DynOutputStream>) -> Result<Resource<DynPollable>> {
        or_trap(self.new_pollable(Pollable::Output(this.rep()), Some(this.rep())))
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
            // Who may wait can write anything to one that is open.
            true => self.stream::<Output>(this.rep())?.0.open().map(|()| PERMIT)?,
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

    /// Writes what is still to be written, and waits for that. Who uses the stream next hears of an error.
    pub(super) fn finish(&mut self, number: u32) -> Result<()> {
        let (output, state) = self.stream::<Output>(number)?;
        match output.drain(state, true) {
            Err(Fault::Trap(error)) => Err(error),
            Err(Fault::Errno(errno)) => {
                output.failed = Some(errno);
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What is still to be written is.
    pub(super) fn drop_output(&mut self, number: u32) -> Result<()> {
        self.finish(number)?;
        match self.take::<Output>(number)?.connection {
            Some(connection) => self.left(connection, Direction::Write),
            None => Ok(()),
        }
    }
}

fn too_large(what: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("more than {what} allows is written to a stream"))
}
