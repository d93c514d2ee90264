//! The functions on a path below a directory: the host's directory does it, the binding's, or upstream's
//! implementation with the descriptors translated.

use super::call::{Call, OK, inner};
use super::descriptors::{Entry, TwoDirs};
use super::fault::{Errno, Outcome};
use super::host::{Opening, check_path};
use super::state::run;
use std::path::PathBuf;
use wasmtime_wasi::p1::types::{Fdflags, Fstflags, Lookupflags, Oflags, Rights};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::GuestPtr;

/// Linux's `PATH_MAX`, which counts a zero at the end. No operating system takes more.
const PATH_MAX: u32 = 4096;

impl Call<'_> {
    /// Upstream's number for a directory of upstream's, and nothing for one of the host or of the binding.
    fn upstream(&mut self, fd: i32) -> Result<Option<i32>, Errno> {
        match self.entry(fd)? {
            Entry::Inner(fd) => Ok(Some(*fd as i32)),
            Entry::Dir(_) | Entry::ServedDir(_) => Ok(None),
            Entry::Host(_) | Entry::Stream(_) | Entry::ServedFile(_) => Err(Errno::Notdir),
        }
    }

    /// The same for a call with two directories. They cannot be of different kinds: that is as if they lay on different
    /// file systems.
    fn upstream_two(&mut self, fd: i32, to_fd: i32) -> Result<Option<(i32, i32)>, Errno> {
        match (self.upstream(fd)?, self.upstream(to_fd)?) {
            (None, None) => Ok(None),
            (Some(fd), Some(to_fd)) => Ok(Some((fd, to_fd))),
            _ => Err(Errno::Xdev),
        }
    }

    /// A path in the guest's memory, below a directory.
    fn path(&mut self, fd: i32, path: i32, len: i32) -> Outcome<PathBuf> {
        let len = len.cast_unsigned();
        if len >= PATH_MAX {
            return Err(Errno::Nametoolong.into());
        }
        let text = self.memory.as_cow_str(GuestPtr::<str>::new((path.cast_unsigned(), len)))?;
        let path = PathBuf::from(text.into_owned());
        if !matches!(self.entry(fd)?, Entry::ServedDir(_)) {
            check_path(&path)?;
        }
        Ok(path)
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
        let upstream = self.upstream(fd)?;
        let dirflags = Lookupflags::try_from(dirflags)?;
        let oflags = Oflags::try_from(oflags)?;
        let rights = Rights::try_from(rights_base)?;
        let rights_inheriting = Rights::try_from(rights_inheriting)?;
        let flags = Fdflags::try_from(fdflags)?;
        // A full table must be found out before anything is created.
        let number = self.state.descriptors.next()?;

        let at = self.path(fd, path, path_len)?;
        let entry = match upstream {
            Some(dirfd) => {
                let path = GuestPtr::<str>::new((path.cast_unsigned(), path_len.cast_unsigned()));
                let (inner, memory) = self.inner()?;
                let opening =
                    inner.path_open(memory, dirfd.into(), dirflags, path, oflags, rights, rights_inheriting, flags);
                Entry::Inner(run(opening)?.into())
            }
            None => {
                let follow = dirflags.contains(Lookupflags::SYMLINK_FOLLOW);
                let opening = Opening { follow, oflags, rights, flags };
                match self.entry(fd)? {
                    Entry::ServedDir(dir) => dir.open(&at, &opening)?,
                    _ => self.state.descriptors.dir(fd)?.open(&at, &opening)?,
                }
            }
        };
        if let Err(fault) = self.store(opened, number) {
            self.state.close(entry)?;
            return Err(fault);
        }
        self.state.descriptors.put(number, entry);
        OK
    }

    pub(super) fn path_create_directory(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_create_directory(fd, path, len));
        }
        match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.create_directory(&at)?,
            _ => self.state.descriptors.dir(fd)?.create_directory(&at)?,
        }
        OK
    }

    pub(super) fn path_filestat_get(&mut self, fd: i32, flags: i32, path: i32, len: i32, stat: i32) -> Outcome<i32> {
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_filestat_get(fd, flags, path, len, stat));
        }
        let follow = Lookupflags::try_from(flags)?.contains(Lookupflags::SYMLINK_FOLLOW);
        let value = match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.path_stat(&at, follow)?,
            _ => self.state.descriptors.dir(fd)?.path_stat(&at, follow)?,
        };
        self.store(stat, value)
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
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_filestat_set_times(fd, flags, path, len, atim, mtim, fst_flags));
        }
        let follow = Lookupflags::try_from(flags)?.contains(Lookupflags::SYMLINK_FOLLOW);
        let fst_flags = Fstflags::try_from(fst_flags)?;
        let (atim, mtim) = (atim.cast_unsigned(), mtim.cast_unsigned());
        match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.path_set_times(&at, follow, atim, mtim, fst_flags)?,
            _ => self.state.descriptors.dir(fd)?.path_set_times(&at, follow, atim, mtim, fst_flags)?,
        }
        OK
    }

    /// `EINVAL` when a symbolic link is to be followed, which WASI's own tests expect.
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
        let upstream = self.upstream_two(fd, to_fd)?;
        let (from, to) = (self.path(fd, path, len)?, self.path(to_fd, to_path, to_len)?);
        if let Some((fd, to_fd)) = upstream {
            return inner!(self, await path_link(fd, flags, path, len, to_fd, to_path, to_len));
        }
        if Lookupflags::try_from(flags)?.contains(Lookupflags::SYMLINK_FOLLOW) {
            return Err(Errno::Inval.into());
        }
        match self.state.descriptors.two_dirs(fd, to_fd)? {
            TwoDirs::Host(dir, to_dir) => dir.link(&from, to_dir, &to)?,
            TwoDirs::Served(dir, to_dir) => dir.link(&from, to_dir, &to)?,
        }
        OK
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
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_readlink(fd, path, len, buf, buf_len, used));
        }
        let room = buf_len.cast_unsigned() as usize;
        let mut target = match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.read_link(&at, room)?,
            _ => self.state.descriptors.dir(fd)?.read_link(&at)?,
        };
        target.truncate(room);
        self.store_bytes(buf, &target)?;
        self.store(used, target.len() as u32)
    }

    pub(super) fn path_remove_directory(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_remove_directory(fd, path, len));
        }
        match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.remove_directory(&at)?,
            _ => self.state.descriptors.dir(fd)?.remove_directory(&at)?,
        }
        OK
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
        let upstream = self.upstream_two(fd, to_fd)?;
        let (from, to) = (self.path(fd, path, len)?, self.path(to_fd, to_path, to_len)?);
        if let Some((fd, to_fd)) = upstream {
            return inner!(self, await path_rename(fd, path, len, to_fd, to_path, to_len));
        }
        match self.state.descriptors.two_dirs(fd, to_fd)? {
            TwoDirs::Host(dir, to_dir) => dir.rename(&from, to_dir, &to)?,
            TwoDirs::Served(dir, to_dir) => dir.rename(&from, to_dir, &to)?,
        }
        OK
    }

    pub(super) fn path_symlink(&mut self, to: i32, to_len: i32, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let upstream = self.upstream(fd)?;
        let (target, at) = (self.path(fd, to, to_len)?, self.path(fd, path, len)?);
        if let Some(fd) = upstream {
            return inner!(self, await path_symlink(to, to_len, fd, path, len));
        }
        match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.symlink(&target, &at)?,
            _ => self.state.descriptors.dir(fd)?.symlink(&target, &at)?,
        }
        OK
    }

    pub(super) fn path_unlink_file(&mut self, fd: i32, path: i32, len: i32) -> Outcome<i32> {
        let upstream = self.upstream(fd)?;
        let at = self.path(fd, path, len)?;
        if let Some(fd) = upstream {
            return inner!(self, await path_unlink_file(fd, path, len));
        }
        match self.entry(fd)? {
            Entry::ServedDir(dir) => dir.unlink(&at)?,
            _ => self.state.descriptors.dir(fd)?.unlink(&at)?,
        }
        OK
    }
}
