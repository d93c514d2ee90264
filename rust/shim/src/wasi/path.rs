//! The functions on a path below a directory: upstream's, with the descriptors translated.

use super::call::{Call, inner};
use super::descriptors::Entry;
use super::fault::{Errno, Outcome};
use super::state::run;
use wasmtime_wasi::p1::types::{Fdflags, Lookupflags, Oflags, Rights};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::GuestPtr;

impl Call<'_> {
    /// Upstream's number for a directory.
    fn directory(&mut self, fd: i32) -> Result<i32, Errno> {
        match self.entry(fd)? {
            Entry::Inner(fd) => Ok(*fd as i32),
            Entry::Host(_) => Err(Errno::Notdir),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(super) fn path_open(
        &mut self,
        fd: i32,
        dirflags: i32,
        path: i32,
        path_len: i32,
        oflags: i32,
        rights_base: i64,
        rights_inheriting: i64,
        fdflags: i32,
        opened: i32,
    ) -> Outcome<i32> {
        let dirfd = self.directory(fd)?;
        let dirflags = Lookupflags::try_from(dirflags)?;
        let oflags = Oflags::try_from(oflags)?;
        let rights_base = Rights::try_from(rights_base)?;
        let rights_inheriting = Rights::try_from(rights_inheriting)?;
        let fdflags = Fdflags::try_from(fdflags)?;
        let path = GuestPtr::<str>::new((path.cast_unsigned(), path_len.cast_unsigned()));
        // A full table must be found out before anything is created.
        let number = self.state.descriptors.lowest_free()?;

        let (inner, memory) = self.inner();
        let opening =
            inner.path_open(memory, dirfd.into(), dirflags, path, oflags, rights_base, rights_inheriting, fdflags);
        let entry = Entry::Inner(run(opening)?.into());
        if let Err(fault) = self.store(opened, number) {
            self.state.close(entry, self.ctx)?;
            return Err(fault);
        }
        self.state.descriptors.put(number, entry);
        super::call::OK
    }

    pub(super) fn path_create_directory(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_create_directory(fd, path, len))
    }

    pub(super) fn path_filestat_get(&mut self, fd: i32, flags: i32, path: i32, len: i32, stat: i32) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_filestat_get(fd, flags, path, len, stat))
    }

    #[allow(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(super) fn path_filestat_set_times(
        &mut self,
        fd: i32,
        flags: i32,
        path: i32,
        len: i32,
        atim: i64,
        mtim: i64,
        fst_flags: i32,
    ) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_filestat_set_times(fd, flags, path, len, atim, mtim, fst_flags))
    }

    #[allow(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(super) fn path_link(
        &mut self,
        fd: i32,
        flags: i32,
        path: i32,
        len: i32,
        to_fd: i32,
        to_path: i32,
        to_len: i32,
    ) -> Outcome<i32> {
        let (fd, to_fd) = (self.directory(fd)?, self.directory(to_fd)?);
        inner!(self, await path_link(fd, flags, path, len, to_fd, to_path, to_len))
    }

    pub(super) fn path_readlink(
        &mut self,
        fd: i32,
        path: i32,
        len: i32,
        buf: i32,
        buf_len: i32,
        used: i32,
    ) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_readlink(fd, path, len, buf, buf_len, used))
    }

    pub(super) fn path_remove_directory(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_remove_directory(fd, path, len))
    }

    pub(super) fn path_rename(
        &mut self,
        fd: i32,
        path: i32,
        len: i32,
        to_fd: i32,
        to_path: i32,
        to_len: i32,
    ) -> Outcome<i32> {
        let (fd, to_fd) = (self.directory(fd)?, self.directory(to_fd)?);
        inner!(self, await path_rename(fd, path, len, to_fd, to_path, to_len))
    }

    pub(super) fn path_symlink(&mut self, to: i32, to_len: i32, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_symlink(to, to_len, fd, path, len))
    }

    pub(super) fn path_unlink_file(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let fd = self.directory(fd)?;
        inner!(self, await path_unlink_file(fd, path, len))
    }
}
