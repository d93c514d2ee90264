//! A file that the binding serves, as a guest descriptor.

use super::{Node, WASMTIME_FS_PREAD, WASMTIME_FS_READ, WASMTIME_FS_SEEK};
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, Readiness};
use crate::wasi::memory::Spans;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Fdstat, Filestat, Filetype, Rights, Whence};

/// A file, and what belongs to the guest's descriptor alone. The binding keeps the position.
pub(in crate::wasi) struct ServedFile {
    node: Node,
    flags: Fdflags,
    filetype: Filetype,
}

impl ServedFile {
    pub(super) fn new(node: Node, flags: Fdflags, filetype: Filetype) -> ServedFile {
        ServedFile { node, flags, filetype }
    }

    /// Reads at the position and moves it.
    pub(in crate::wasi) fn read(&self, spans: &Spans) -> Outcome<usize> {
        self.transfer(WASMTIME_FS_READ, spans, 0)
    }

    /// Reads at an offset; the position stays.
    pub(in crate::wasi) fn pread(&self, spans: &Spans, offset: u64) -> Outcome<usize> {
        if i64::try_from(offset).is_err() {
            return Err(Errno::Inval.into());
        }
        self.transfer(WASMTIME_FS_PREAD, spans, offset)
    }

    fn transfer(&self, what: u32, spans: &Spans, offset: u64) -> Outcome<usize> {
        let mut done = 0;
        for span in spans.as_slice().iter().filter(|span| span.len > 0) {
            let answer = self.node.ask(what, |request| {
                request.buffer = span.base;
                request.len = span.len;
                request.number = offset.saturating_add(done as u64);
            });
            match answer {
                Ok(answer) => {
                    let n = (answer.count as usize).min(span.len);
                    done += n;
                    if n < span.len {
                        break;
                    }
                }
                // It is met again by the next call.
                Err(Fault::Errno(_)) if done > 0 => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(done)
    }

    pub(in crate::wasi) fn seek(&self, offset: i64, whence: Whence) -> Outcome<u64> {
        let answer = self.node.ask(WASMTIME_FS_SEEK, |request| {
            request.flags = u32::from(whence as u8);
            request.number = offset.cast_unsigned();
        })?;
        Ok(answer.count)
    }

    /// The attributes.
    pub(in crate::wasi) fn stat(&self) -> Outcome<Filestat> {
        Ok(self.node.stat()?.0)
    }

    /// How a range will be used makes no difference.
    pub(in crate::wasi) fn advise(len: u64, _: Advice) -> Result<(), Errno> {
        if i64::try_from(len).is_err() { Err(Errno::Inval) } else { Ok(()) }
    }

    /// Why no room can be made: there would have to be something to write.
    pub(in crate::wasi) fn refuse_allocation(offset: u64, len: u64) -> Errno {
        if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
            return Errno::Inval;
        }
        Errno::Badf
    }

    /// A file never has to be waited for, as far as polling goes.
    pub(in crate::wasi) fn ready(&self, direction: Direction) -> Outcome<Readiness> {
        let bytes = match direction {
            Direction::Write => 1,
            Direction::Read => match self.node.stat() {
                Ok((stat, position)) => stat.size.saturating_sub(position),
                Err(Fault::Errno(_)) => 0, // the read will meet it
                Err(trap) => return Err(trap),
            },
        };
        Ok(Readiness { bytes, hangup: false })
    }

    /// File type, flags and rights of the guest's descriptor.
    pub(in crate::wasi) fn fdstat(&self) -> Fdstat {
        Fdstat {
            fs_filetype: self.filetype,
            fs_flags: self.flags,
            fs_rights_base: Rights::FD_READ
                | Rights::FD_SEEK
                | Rights::FD_TELL
                | Rights::FD_ADVISE
                | Rights::FD_SYNC
                | Rights::FD_DATASYNC
                | Rights::FD_FDSTAT_SET_FLAGS
                | Rights::FD_FILESTAT_GET
                | Rights::POLL_FD_READWRITE,
            fs_rights_inheriting: Rights::empty(),
        }
    }

    /// Sets flags, which make no difference to a file that is only read. `EINVAL` for new ones that say how writes are
    /// synchronised, as with a file of the host.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        let sync = Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC;
        if (flags - self.flags).intersects(sync) {
            return Err(Errno::Inval);
        }
        self.flags = (self.flags & sync) | (flags & (Fdflags::APPEND | Fdflags::NONBLOCK));
        Ok(())
    }

    pub(in crate::wasi) fn close(self) -> Outcome {
        self.node.close()
    }
}
