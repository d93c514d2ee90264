//! The functions on one descriptor.

use super::call::{Call, OK, inner};
use super::descriptors::Entry;
use super::fault::{Errno, Outcome};
use super::memory::{Span, Spans};
use super::served::ServedFile;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Fstflags, Prestat, PrestatDir, Whence};

impl Call<'_> {
    #[inline]
    pub(super) fn fd_read(&mut self, fd: i32, iovs: i32, count: i32, read: i32) -> Outcome<i32> {
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_read(fd, iovs, count, read))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Isdir.into()),
            Entry::Host(file) => {
                file.check_readable()?;
                let mut spans = Spans::none();
                spans.fill(&self.memory, iovs, count)?;
                let n = file.read(&spans, waker)?;
                self.store_count(read, n)
            }
            Entry::ServedFile(file) => {
                file.check_readable()?;
                let n = file.read(&Spans::read(&self.memory, iovs, count)?)?;
                self.store_count(read, n)
            }
            Entry::Stream(stream) => {
                let n = stream.read(&Spans::read(&self.memory, iovs, count)?)?;
                self.store_count(read, n)
            }
        }
    }

    #[inline]
    pub(super) fn fd_write(&mut self, fd: i32, iovs: i32, count: i32, written: i32) -> Outcome<i32> {
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_write(fd, iovs, count, written))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                file.check_writable()?;
                let mut spans = Spans::none();
                spans.fill(&self.memory, iovs, count)?;
                let n = file.write(&mut spans, waker)?;
                self.store_count(written, n)
            }
            Entry::ServedFile(file) => {
                file.check_writable()?;
                let n = file.write(&Spans::read(&self.memory, iovs, count)?)?;
                self.store_count(written, n)
            }
            Entry::Stream(stream) => {
                let n = stream.write(&mut Spans::read(&self.memory, iovs, count)?)?;
                self.store_count(written, n)
            }
        }
    }

    pub(super) fn fd_pread(&mut self, fd: i32, iovs: i32, count: i32, offset: i64, read: i32) -> Outcome<i32> {
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_pread(fd, iovs, count, offset, read))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Isdir.into()),
            Entry::Host(file) => {
                let spans = Spans::read(&self.memory, iovs, count)?;
                let n = file.pread(&spans, offset.cast_unsigned(), waker)?;
                self.store_count(read, n)
            }
            Entry::ServedFile(file) => {
                let n = file.pread(&Spans::read(&self.memory, iovs, count)?, offset.cast_unsigned())?;
                self.store_count(read, n)
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_pwrite(&mut self, fd: i32, iovs: i32, count: i32, offset: i64, written: i32) -> Outcome<i32> {
        let waker = self.state.waker();
        match self.state.descriptors.get(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_pwrite(fd, iovs, count, offset, written))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                let spans = Spans::read(&self.memory, iovs, count)?;
                let n = file.pwrite(&spans, offset.cast_unsigned(), waker)?;
                self.store_count(written, n)
            }
            Entry::ServedFile(file) => {
                let n = file.pwrite(&Spans::read(&self.memory, iovs, count)?, offset.cast_unsigned())?;
                self.store_count(written, n)
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_seek(&mut self, fd: i32, offset: i64, whence: i32, position: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_seek(fd, offset, whence, position))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                let at = file.seek(offset, Whence::try_from(whence)?)?;
                self.store(position, at)
            }
            Entry::ServedFile(file) => {
                let at = file.seek(offset, Whence::try_from(whence)?)?;
                self.store(position, at)
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_tell(&mut self, fd: i32, position: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_tell(fd, position))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                let at = file.seek(0, Whence::Cur)?;
                self.store(position, at)
            }
            Entry::ServedFile(file) => {
                let at = file.seek(0, Whence::Cur)?;
                self.store(position, at)
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_advise(&mut self, fd: i32, offset: i64, len: i64, advice: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_advise(fd, offset, len, advice))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                file.advise(offset.cast_unsigned(), len.cast_unsigned(), Advice::try_from(advice)?)?;
                OK
            }
            Entry::ServedFile(_) => {
                ServedFile::advise(len.cast_unsigned(), Advice::try_from(advice)?)?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_allocate(&mut self, fd: i32, offset: i64, len: i64) -> Outcome<i32> {
        let waker = self.state.waker();
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_allocate(fd, offset, len))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Badf.into()),
            Entry::Host(file) => {
                file.allocate(offset.cast_unsigned(), len.cast_unsigned(), waker)?;
                OK
            }
            Entry::ServedFile(file) => {
                file.allocate(offset.cast_unsigned(), len.cast_unsigned())?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Spipe.into()),
        }
    }

    pub(super) fn fd_sync(&mut self, fd: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_sync(fd))
            }
            Entry::Dir(dir) => {
                dir.sync(false)?;
                OK
            }
            Entry::Host(file) => {
                file.sync(false)?;
                OK
            }
            Entry::ServedDir(dir) => {
                dir.sync()?;
                OK
            }
            Entry::ServedFile(file) => {
                file.sync()?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Inval.into()),
        }
    }

    pub(super) fn fd_datasync(&mut self, fd: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_datasync(fd))
            }
            Entry::Dir(dir) => {
                dir.sync(true)?;
                OK
            }
            Entry::Host(file) => {
                file.sync(true)?;
                OK
            }
            Entry::ServedDir(dir) => {
                dir.sync()?;
                OK
            }
            Entry::ServedFile(file) => {
                file.sync()?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Inval.into()),
        }
    }

    pub(super) fn fd_fdstat_get(&mut self, fd: i32, stat: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_fdstat_get(fd, stat))
            }
            Entry::Dir(dir) => {
                let value = dir.fdstat();
                self.store(stat, value)
            }
            Entry::Host(file) => {
                let value = file.fdstat();
                self.store(stat, value)
            }
            Entry::ServedDir(dir) => {
                let value = dir.fdstat();
                self.store(stat, value)
            }
            Entry::ServedFile(file) => {
                let value = file.fdstat();
                self.store(stat, value)
            }
            Entry::Stream(stream) => {
                let value = stream.fdstat();
                self.store(stat, value)
            }
        }
    }

    pub(super) fn fd_fdstat_set_flags(&mut self, fd: i32, flags: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_fdstat_set_flags(fd, flags))
            }
            Entry::Dir(dir) => {
                dir.set_flags(Fdflags::try_from(flags)?)?;
                OK
            }
            Entry::Host(file) => {
                file.set_flags(Fdflags::try_from(flags)?)?;
                OK
            }
            Entry::ServedDir(dir) => {
                dir.set_flags(Fdflags::try_from(flags)?)?;
                OK
            }
            Entry::ServedFile(file) => {
                file.set_flags(Fdflags::try_from(flags)?)?;
                OK
            }
            Entry::Stream(stream) => {
                stream.set_flags(Fdflags::try_from(flags)?)?;
                OK
            }
        }
    }

    /// Rights follow from the access mode and cannot be given up, as in upstream's implementation.
    pub(super) fn fd_fdstat_set_rights(&mut self, fd: i32, base: i64, inheriting: i64) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_fdstat_set_rights(fd, base, inheriting))
            }
            _ => Err(Errno::Notsup.into()),
        }
    }

    pub(super) fn fd_filestat_get(&mut self, fd: i32, stat: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_filestat_get(fd, stat))
            }
            Entry::Dir(dir) => {
                let value = dir.stat()?;
                self.store(stat, value)
            }
            Entry::Host(file) => {
                let value = file.stat()?;
                self.store(stat, value)
            }
            Entry::ServedDir(dir) => {
                let value = dir.stat()?;
                self.store(stat, value)
            }
            Entry::ServedFile(file) => {
                let value = file.stat()?;
                self.store(stat, value)
            }
            Entry::Stream(stream) => {
                let value = stream.stat();
                self.store(stat, value)
            }
        }
    }

    pub(super) fn fd_filestat_set_size(&mut self, fd: i32, size: i64) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_filestat_set_size(fd, size))
            }
            Entry::Dir(_) | Entry::ServedDir(_) => Err(Errno::Inval.into()),
            Entry::Host(file) => {
                file.set_size(size.cast_unsigned())?;
                OK
            }
            Entry::ServedFile(file) => {
                file.set_size(size.cast_unsigned())?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Inval.into()),
        }
    }

    pub(super) fn fd_filestat_set_times(&mut self, fd: i32, atim: i64, mtim: i64, flags: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_filestat_set_times(fd, atim, mtim, flags))
            }
            Entry::Dir(dir) => {
                dir.set_times(atim.cast_unsigned(), mtim.cast_unsigned(), Fstflags::try_from(flags)?)?;
                OK
            }
            Entry::Host(file) => {
                file.set_times(atim.cast_unsigned(), mtim.cast_unsigned(), Fstflags::try_from(flags)?)?;
                OK
            }
            Entry::ServedDir(dir) => {
                dir.set_times(atim.cast_unsigned(), mtim.cast_unsigned(), Fstflags::try_from(flags)?)?;
                OK
            }
            Entry::ServedFile(file) => {
                file.set_times(atim.cast_unsigned(), mtim.cast_unsigned(), Fstflags::try_from(flags)?)?;
                OK
            }
            Entry::Stream(_) => Err(Errno::Perm.into()),
        }
    }

    pub(super) fn fd_prestat_get(&mut self, fd: i32, prestat: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_prestat_get(fd, prestat))
            }
            other => {
                let pr_name_len = other.name().ok_or(Errno::Badf)?.len() as u32;
                self.store(prestat, Prestat::Dir(PrestatDir { pr_name_len }))
            }
        }
    }

    pub(super) fn fd_prestat_dir_name(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        match self.entry(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, fd_prestat_dir_name(fd, path, len))
            }
            other => {
                let name = other.name().ok_or(Errno::Notdir)?.to_owned();
                if name.len() > len.cast_unsigned() as usize {
                    return Err(Errno::Nametoolong.into());
                }
                self.store_bytes(path, name.as_bytes())
            }
        }
    }

    pub(super) fn fd_readdir(&mut self, fd: i32, buf: i32, len: i32, cookie: i64, used: i32) -> Outcome<i32> {
        let (waker, fuel) = (self.state.waker(), self.fuel());
        match self.state.descriptors.get(fd)? {
            Entry::Inner(fd) => {
                let fd = *fd as i32;
                inner!(self, await fd_readdir(fd, buf, len, cookie, used))
            }
            Entry::Dir(dir) => {
                let listed = (&self.state.listed, fuel);
                let bytes = dir.read_entries(cookie.cast_unsigned(), len.cast_unsigned() as usize, listed, waker)?;
                self.store_bytes(buf, &bytes)?;
                self.store(used, bytes.len() as u32)
            }
            Entry::ServedDir(dir) => {
                let n = dir.read_entries(cookie.cast_unsigned(), Span::at(&self.memory, buf, len)?)?;
                self.store(used, n)
            }
            Entry::Host(_) | Entry::Stream(_) | Entry::ServedFile(_) => Err(Errno::Notdir.into()),
        }
    }

    pub(super) fn fd_close(&mut self, fd: i32) -> Outcome<i32> {
        let entry = self.state.descriptors.take(fd.cast_unsigned()).ok_or(Errno::Badf)?;
        self.state.close(entry)?;
        OK
    }

    /// Moves a descriptor over another open one, which is closed, as upstream's implementation does.
    pub(super) fn fd_renumber(&mut self, from: i32, to: i32) -> Outcome<i32> {
        let (from, to) = (from.cast_unsigned(), to.cast_unsigned());
        let descriptors = &mut self.state.descriptors;
        if !descriptors.is_open(from) || !descriptors.is_open(to) {
            return Err(Errno::Badf.into());
        }
        if from == to {
            return OK;
        }
        let replaced = descriptors.take(from).and_then(|entry| descriptors.put(to, entry));
        if let Some(replaced) = replaced {
            self.state.close(replaced)?;
        }
        OK
    }
}
