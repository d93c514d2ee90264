//! Reading and writing, at the position and elsewhere.

use super::errno::{Host, errno};
use super::file::HostFile;
use super::sys::{self, Patience};
use super::{Kind, in_parts};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::memory::Spans;

/// Where in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Position,
    Offset(u64),
    End,
}

/// The offset that means the end of a file.
const END: u64 = u64::MAX;

impl HostFile {
    /// Reads at the position and moves it.
    #[inline]
    pub(in crate::wasi) fn read(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_readable()?;
        if spans.total() == 0 && self.kind().ignores_empty_reads() {
            return Ok(0);
        }
        match self.kind() {
            Kind::Regular | Kind::BlockDevice => self.transfer_all(spans, false, Place::Position, waker),
            Kind::Null => Ok(0),
            Kind::Terminal => self.read_console(spans, waker),
            kind if kind.is_socket() => Ok(self.receive(spans, false, waker)?.0),
            _ => self.read_pipe(spans, waker),
        }
    }

    /// Reads at an offset; the position stays.
    pub(in crate::wasi) fn pread(&self, spans: &Spans, offset: u64, waker: Option<&Waker>) -> Outcome<usize> {
        let offset = self.positioned(offset)?;
        self.check_readable()?;
        if self.kind() == Kind::Null {
            return Ok(0);
        }
        self.transfer_all(spans, false, Place::Offset(offset), waker)
    }

    /// Writes at the position, or at the end if the guest appends.
    #[inline]
    pub(in crate::wasi) fn write(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        self.check_writable()?;
        if spans.total() == 0 && (self.kind().ignores_empty_writes() || spans.as_slice().len() != 1) {
            return Ok(0);
        }
        match self.kind() {
            Kind::Regular | Kind::BlockDevice => {
                let place = if self.append && !self.always_append { Place::End } else { Place::Position };
                self.transfer_all(spans, true, place, waker)
            }
            Kind::Null => Ok(spans.total()),
            Kind::Terminal => self.write_console(spans, waker),
            kind if kind.is_socket() => self.send_all(spans, waker),
            _ => self.write_pipe(spans, waker),
        }
    }

    /// Writes at an offset, or at the end if the guest appends, as Linux has it; the position stays.
    pub(in crate::wasi) fn pwrite(&self, spans: &Spans, offset: u64, waker: Option<&Waker>) -> Outcome<usize> {
        let offset = self.positioned(offset)?;
        self.check_writable()?;
        match self.kind() {
            Kind::Null => Ok(spans.total()),
            _ if !self.append => self.transfer_all(spans, true, Place::Offset(offset), waker),
            _ => {
                let position = self.tell().map_err(errno)?;
                let written = self.transfer_all(spans, true, Place::End, waker);
                self.go_to(position).map_err(errno)?;
                written
            }
        }
    }

    /// Reads or writes the spans, in parts if they are large.
    fn transfer_all(&self, spans: &Spans, writes: bool, place: Place, waker: Option<&Waker>) -> Outcome<usize> {
        in_parts(spans, waker, |spans, done| {
            let place = match place {
                Place::Offset(offset) => Place::Offset(offset.saturating_add(done as u64)),
                other => other,
            };
            self.transfer(spans, writes, place).map_err(errno)
        })
    }

    /// Reads or writes the spans one after the other, up to the first that is not filled.
    fn transfer(&self, spans: &Spans, writes: bool, place: Place) -> Result<usize, Host> {
        // Without overlapped I/O the position follows every operation; whoever names an offset finds it where it was.
        let restore = match place {
            Place::Offset(_) if !self.overlapped => Some(self.tell()?),
            _ => None,
        };
        let start = match place {
            Place::Position if self.overlapped => Some(self.position.get()),
            Place::Position => None,
            Place::Offset(offset) => Some(offset),
            Place::End => Some(END),
        };
        let mut all = 0;
        let mut result = Ok(());
        for span in spans.as_slice().iter().filter(|span| span.len > 0) {
            let at = start.map(|start| if start == END { END } else { start + all as u64 });
            match self.transfer_one(span.base, span.len, writes, at) {
                Ok(n) => {
                    all += n;
                    if n < span.len {
                        break;
                    }
                }
                Err(Host::EOF) if !writes => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if let Some(position) = restore {
            self.go_to(position)?;
        }
        if self.overlapped {
            match place {
                Place::Position => self.position.set(self.position.get() + all as u64),
                Place::End if all > 0 => self.position.set(self.size()?),
                _ => {}
            }
        }
        // After a part an error waits for the next call, which will meet it again.
        if all > 0 { Ok(all) } else { result.map(|()| 0) }
    }

    fn transfer_one(&self, base: *mut u8, len: usize, writes: bool, at: Option<u64>) -> Result<usize, Host> {
        if !self.overlapped {
            // SAFETY: the span is memory that a guest lets us read and write (see `Spans`).
            return unsafe { sys::transfer(self.handle(), writes, base, len, at) };
        }
        let handle = self.handle();
        // SAFETY: as above; `run` returns when the operation is over.
        let start = |n, place| unsafe { sys::start(handle, writes, base, len, n, place) };
        sys::run(handle, at, Patience::Until(None), start, sys::file_result(handle))
    }

    /// The offset of a positioned read or write: `ESPIPE` where there is no position.
    fn positioned(&self, offset: u64) -> Result<u64, Errno> {
        if !self.kind().seeks() {
            return Err(Errno::Spipe);
        }
        if i64::try_from(offset).is_ok() { Ok(offset) } else { Err(Errno::Inval) }
    }
}

/// What a guest learns of an operation that was taken back: that it has to stop, or else nothing.
pub(super) fn taken_back(waker: Option<&Waker>) -> Outcome {
    match waker.is_some_and(Waker::is_raised) {
        true => Err(Fault::Trap(wasmtime::Trap::Interrupt.into())),
        false => Ok(()),
    }
}
