//! A file that the binding serves, as a guest descriptor.

use super::{
    Node, Times, WASMTIME_FS_ALLOCATE, WASMTIME_FS_APPEND, WASMTIME_FS_GOES_ON, WASMTIME_FS_PREAD, WASMTIME_FS_PWRITE,
    WASMTIME_FS_READ, WASMTIME_FS_SEEK, WASMTIME_FS_SET_SIZE, WASMTIME_FS_SET_TIMES, WASMTIME_FS_SYNC,
    WASMTIME_FS_WRITE,
};
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{AccessMode, Direction, Readiness};
use crate::wasi::memory::{Span, Spans};
use wasmtime_wasi::p1::types::{Advice, Fdflags, Fdstat, Filestat, Filetype, Fstflags, Rights, Whence};

/// A file, and what belongs to the guest's descriptor alone. The binding keeps the position.
pub(in crate::wasi) struct ServedFile {
    node: Node,
    access: AccessMode,
    flags: Fdflags,
    /// Whether the binding opened the file for appending, which the guest cannot take back.
    always_append: bool,
    filetype: Filetype,
}

impl ServedFile {
    pub(super) fn new(node: Node, access: AccessMode, flags: Fdflags, filetype: Filetype) -> ServedFile {
        let always_append = access.writes() && flags.contains(Fdflags::APPEND);
        ServedFile { node, access, flags, always_append, filetype }
    }

    /// `EBADF` unless the guest may read.
    pub(in crate::wasi) fn check_readable(&self) -> Result<(), Errno> {
        if self.access.reads() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// `EBADF` unless the guest may write.
    pub(in crate::wasi) fn check_writable(&self) -> Result<(), Errno> {
        if self.access.writes() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// Reads at the position and moves it.
    pub(in crate::wasi) fn read(&self, spans: &Spans) -> Outcome<usize> {
        self.check_readable()?;
        self.transfer(WASMTIME_FS_READ, spans.as_slice(), 0)
    }

    /// Reads at an offset; the position stays.
    pub(in crate::wasi) fn pread(&self, spans: &Spans, offset: u64) -> Outcome<usize> {
        check_offset(offset)?;
        self.check_readable()?;
        self.transfer(WASMTIME_FS_PREAD, spans.as_slice(), offset)
    }

    /// Writes at the position, or at the end if the guest appends, and moves the position.
    pub(in crate::wasi) fn write(&self, spans: &Spans) -> Outcome<usize> {
        self.check_writable()?;
        self.write_gathered(WASMTIME_FS_WRITE, spans, 0)
    }

    /// Writes at an offset, or at the end if the guest appends, as Linux has it; the position stays.
    pub(in crate::wasi) fn pwrite(&self, spans: &Spans, offset: u64) -> Outcome<usize> {
        check_offset(offset)?;
        self.check_writable()?;
        self.write_gathered(WASMTIME_FS_PWRITE, spans, offset)
    }

    /// Writes at the end, whatever the guest's descriptor says; the position stays.
    pub(in crate::wasi) fn append(&mut self, spans: &Spans) -> Outcome<usize> {
        let before = self.flags;
        self.flags |= Fdflags::APPEND;
        let written = self.pwrite(spans, 0);
        self.flags = before;
        written
    }

    /// Writes several buffers as one if they are small: what is appended in one call stays together.
    fn write_gathered(&self, what: u32, spans: &Spans, offset: u64) -> Outcome<usize> {
        let several = spans.as_slice().iter().filter(|span| span.len > 0).count() > 1;
        if !several || spans.total() > GATHERED {
            return self.transfer(what, spans.as_slice(), offset);
        }
        let mut all = vec![0; spans.total()];
        let mut rest = &mut all[..];
        for span in spans.as_slice() {
            let (place, behind) = rest.split_at_mut(span.len);
            // SAFETY: the guest's buffer is as long as it says, and none of ours. Another thread of the guest that
            // writes to it meanwhile spoils what is its own.
            unsafe { place.as_mut_ptr().copy_from_nonoverlapping(span.base, span.len) };
            rest = behind;
        }
        self.transfer(what, &[Span { base: all.as_mut_ptr(), len: all.len() }], offset)
    }

    fn transfer(&self, what: u32, spans: &[Span], offset: u64) -> Outcome<usize> {
        let mut done = 0;
        for span in spans.iter().filter(|span| span.len > 0) {
            let answer = self.node.ask(what, |request| {
                if self.flags.contains(Fdflags::APPEND) {
                    request.flags |= WASMTIME_FS_APPEND;
                }
                if done > 0 {
                    request.flags |= WASMTIME_FS_GOES_ON;
                }
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
                // The binding, which knows that the guest does not hear of it, has it for the next call.
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

    /// Sets the size. `EINVAL` when the guest may not write, as with a file of the host.
    pub(in crate::wasi) fn set_size(&self, size: u64) -> Outcome {
        if !self.access.writes() {
            return Err(Errno::Inval.into());
        }
        check_offset(size)?;
        self.node.ask(WASMTIME_FS_SET_SIZE, |request| request.number = size)?;
        Ok(())
    }

    /// Sets the times. `EPERM` when the guest may not write, as with a file of the host.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Outcome {
        let times = Times::new(atim, mtim, flags)?;
        if !self.access.writes() {
            return Err(Errno::Perm.into());
        }
        self.node.ask(WASMTIME_FS_SET_TIMES, |request| times.fill(request))?;
        Ok(())
    }

    /// Extends the file to the end of a range.
    pub(in crate::wasi) fn allocate(&self, offset: u64, len: u64) -> Outcome {
        check_offset(offset)?;
        check_offset(len)?;
        if len == 0 {
            return Err(Errno::Inval.into());
        }
        self.check_writable()?;
        let end = offset + len;
        if i64::try_from(end).is_err() {
            return Err(Errno::Fbig.into());
        }
        self.node.ask(WASMTIME_FS_ALLOCATE, |request| request.number = end)?;
        Ok(())
    }

    /// Makes safe what was written, if anything may have been.
    pub(in crate::wasi) fn sync(&self) -> Outcome {
        if self.access.writes() {
            self.node.ask(WASMTIME_FS_SYNC, |_| ())?;
        }
        Ok(())
    }

    /// How a range will be used makes no difference.
    pub(in crate::wasi) fn advise(len: u64, _: Advice) -> Result<(), Errno> {
        check_offset(len)
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
        let mut rights = Rights::FD_SEEK
            | Rights::FD_TELL
            | Rights::FD_ADVISE
            | Rights::FD_SYNC
            | Rights::FD_DATASYNC
            | Rights::FD_FDSTAT_SET_FLAGS
            | Rights::FD_FILESTAT_GET
            | Rights::POLL_FD_READWRITE;
        rights.set(Rights::FD_READ, self.access.reads());
        if self.access.writes() {
            rights |=
                Rights::FD_WRITE | Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE | Rights::FD_FILESTAT_SET_TIMES;
        }
        Fdstat {
            fs_filetype: self.filetype,
            fs_flags: self.flags,
            fs_rights_base: rights,
            fs_rights_inheriting: Rights::empty(),
        }
    }

    /// Sets flags. `EINVAL` for new ones that say how writes are synchronised, and `EPERM` for taking back that the
    /// file was opened for appending, as with a file of the host.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        let sync = Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC;
        if (flags - self.flags).intersects(sync) {
            return Err(Errno::Inval);
        }
        if self.always_append && !flags.contains(Fdflags::APPEND) {
            return Err(Errno::Perm);
        }
        self.flags = (self.flags & sync) | (flags & (Fdflags::APPEND | Fdflags::NONBLOCK));
        Ok(())
    }

    pub(in crate::wasi) fn close(self) -> Outcome {
        self.node.close()
    }
}

/// As many bytes of several buffers as are written as one.
const GATHERED: usize = 64 << 10;

/// `EINVAL` for a number that is no offset or size of a file.
fn check_offset(offset: u64) -> Result<(), Errno> {
    if i64::try_from(offset).is_ok() { Ok(()) } else { Err(Errno::Inval) }
}
