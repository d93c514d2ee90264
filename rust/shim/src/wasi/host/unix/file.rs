//! One file of the host, as a guest descriptor.

use super::errno::errno;
use super::times::timestamps;
use super::transfer::blocked;
use super::{AccessMode, Kind, bad_host_file, check_kind, served_stat, system};
use crate::wake::{Waker, check_stop};
use crate::wasi::fault::{Errno, Fault, Outcome};
use rustix::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use rustix::fs::{OFlags, SeekFrom, Stat};
use rustix::io::Errno as Host;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::OnceLock;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Filestat, Fstflags, Whence};

/// A descriptor of the host, and what belongs to the guest's descriptor alone: the access mode, the append flag and the
/// non-blocking flag. The open file description, and with it the position, is shared with the host.
pub(in crate::wasi) struct HostFile {
    fd: RawFd,
    /// Whether `fd` is closed with this object; the process's standard streams and `/dev/null` are not.
    owned: bool,
    /// Nothing until the first use.
    pub(in crate::wasi::host) kind: Option<Kind>,
    pub(in crate::wasi::host) access: AccessMode,
    pub(in crate::wasi::host) append: bool,
    /// Whether the host opened the file with `O_APPEND`, which the guest cannot take back.
    pub(in crate::wasi::host) always_append: bool,
    pub(in crate::wasi::host) nonblock: bool,
    /// How writes are synchronised, which is settled when a guest opens the file.
    pub(in crate::wasi::host) sync: Fdflags,
    /// Device and inode for the guest, when the file is that of a file system which the binding serves.
    pub(in crate::wasi::host) served: Option<Box<(u64, u64)>>,
}

impl Drop for HostFile {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: the descriptor was taken out of an `OwnedFd` and is given up here.
            drop(unsafe { OwnedFd::from_raw_fd(self.fd) });
        }
    }
}

impl HostFile {
    /// Duplicates a descriptor that the host keeps.
    ///
    /// # Safety
    ///
    /// If `host_fd` is an open descriptor, it must stay open during the call.
    pub(in crate::wasi) unsafe fn duplicate(host_fd: *mut c_void, access: AccessMode) -> wasmtime::Result<HostFile> {
        let number = host_fd as isize;
        let raw = descriptor(number).ok_or_else(|| bad_host_file(number, "it is no descriptor"))?;
        let file = HostFile::copy(raw, access).map_err(|e| bad_host_file(number, e))?;
        check_kind(file.kind())?;
        Ok(file)
    }

    /// Duplicates the descriptor of a connection that a binding has accepted for a guest.
    ///
    /// # Safety
    ///
    /// As for [`HostFile::duplicate`].
    pub(in crate::wasi) unsafe fn accepted(host_fd: *mut c_void, access: AccessMode) -> Result<HostFile, Errno> {
        let raw = descriptor(host_fd as isize).ok_or(Errno::Badf)?;
        HostFile::copy(raw, access).map_err(errno)
    }

    /// The same file, or connection, once more.
    pub(in crate::wasi) fn another(&self) -> Result<HostFile, Errno> {
        HostFile::copy(self.fd, self.access).map_err(errno)
    }

    /// Duplicates a descriptor, if it is open, and looks at it.
    fn copy(raw: RawFd, access: AccessMode) -> Result<HostFile, Host> {
        // SAFETY: not -1, and the operating system itself checks whether it is open.
        let theirs = unsafe { BorrowedFd::borrow_raw(raw) };
        let ours = rustix::io::fcntl_dupfd_cloexec(theirs, 3)?;
        let mut file = HostFile::new(ours.into_raw_fd(), true, None, access);
        file.examine()?;
        Ok(file)
    }

    /// A descriptor that is the guest's alone. It is looked at when it is first used.
    pub(super) fn owned(fd: RawFd, access: AccessMode) -> HostFile {
        HostFile::new(fd, true, None, access)
    }

    /// A socket that is the guest's alone.
    pub(in crate::wasi::host) fn socket(socket: socket2::Socket) -> HostFile {
        let mut file = HostFile::new(socket.into_raw_fd(), true, Some(Kind::SocketStream), AccessMode::ReadWrite);
        file.nonblock = true;
        file
    }

    /// One of the process's standard streams, which stays the process's. It is looked at when it is first used; one
    /// that the process has closed is closed for the guest, too.
    pub(in crate::wasi) fn standard(number: i32) -> wasmtime::Result<HostFile> {
        let access = if number == 0 { AccessMode::ReadOnly } else { AccessMode::WriteOnly };
        Ok(HostFile::new(number, false, None, access))
    }

    /// A file that is always empty and swallows what is written: `/dev/null`, opened once for the process.
    pub(in crate::wasi) fn null(access: AccessMode) -> wasmtime::Result<HostFile> {
        static NULL: OnceLock<OwnedFd> = OnceLock::new();
        let null = match NULL.get() {
            Some(null) => null,
            None => {
                let opened = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, 0.into())
                    .map_err(|e| wasmtime::Error::msg(format!("cannot open /dev/null: {e}")))?;
                NULL.get_or_init(|| opened)
            }
        };
        Ok(HostFile::new(null.as_raw_fd(), false, Some(Kind::Null), access))
    }

    fn new(fd: RawFd, owned: bool, kind: Option<Kind>, access: AccessMode) -> HostFile {
        HostFile {
            fd,
            owned,
            kind,
            access,
            append: false,
            always_append: false,
            nonblock: false,
            sync: Fdflags::empty(),
            served: None,
        }
    }

    /// A file that a guest has opened below a directory.
    pub(super) fn opened(fd: OwnedFd, stat: &Stat, access: AccessMode, flags: Fdflags) -> HostFile {
        let kind = Kind::of(fd.as_fd(), stat);
        let mut file = HostFile::new(fd.into_raw_fd(), true, Some(kind), access);
        file.open_with(flags);
        file
    }

    /// Looks at the file before its first use.
    #[inline]
    pub(in crate::wasi) fn look(&mut self) -> Result<(), Errno> {
        if self.kind.is_none() {
            self.examine().map_err(errno)?;
        }
        Ok(())
    }

    #[cold]
    fn examine(&mut self) -> Result<Kind, Host> {
        let stat = rustix::fs::fstat(self.as_fd())?;
        let flags = rustix::fs::fcntl_getfl(self.as_fd())?;
        let kind = Kind::of(self.as_fd(), &stat);
        let access = flags & OFlags::RWMODE;
        self.access = self.access.limited(access != OFlags::WRONLY, access == OFlags::WRONLY || access == OFlags::RDWR);
        self.append = flags.contains(OFlags::APPEND);
        self.always_append = self.append;
        self.kind = Some(kind);
        Ok(kind)
    }

    #[inline]
    pub(in crate::wasi::host) fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is owned by this object, or belongs to the process for good.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }

    /// Moves the position, which the host's file shares.
    pub(in crate::wasi) fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        if !self.kind().seeks() {
            return Err(Errno::Spipe);
        }
        let to = match whence {
            // A device takes any position.
            Whence::Set if self.kind().is_device() => SeekFrom::Start(offset.cast_unsigned()),
            Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Cur => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        rustix::fs::seek(self.as_fd(), to).map_err(errno)
    }

    /// The attributes, those of the host's file system.
    pub(in crate::wasi) fn stat(&self) -> Result<Filestat, Errno> {
        let stat: Stat = rustix::fs::fstat(self.as_fd()).map_err(errno)?;
        let time = |seconds: i64, nanoseconds: i64| -> u64 {
            let all = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
            u64::try_from(all).unwrap_or(0)
        };
        let stat = Filestat {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            filetype: self.kind().filetype(),
            nlink: stat.st_nlink as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            atim: time(stat.st_atime as i64, stat.st_atime_nsec as i64),
            mtim: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctim: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        };
        Ok(match self.served.as_deref() {
            Some(&identity) => served_stat(stat, identity),
            None => stat,
        })
    }

    /// Sets the size. `EINVAL` when the guest may not write, which is what `ftruncate` of Linux says.
    pub(in crate::wasi) fn set_size(&self, size: u64) -> Result<(), Errno> {
        if !self.access.writes() {
            return Err(Errno::Inval);
        }
        if i64::try_from(size).is_err() {
            return Err(Errno::Inval);
        }
        retry(|| rustix::fs::ftruncate(self.as_fd(), size))
    }

    /// Sets the times. Linux lets the owner of a file do this through any descriptor; a guest that was given read-only
    /// access is not to change the file in any way, so it gets the error that Linux has for someone else: `EPERM`.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Result<(), Errno> {
        let times = timestamps(atim, mtim, flags)?;
        if !self.access.writes() {
            return Err(Errno::Perm);
        }
        rustix::fs::futimens(self.as_fd(), &times).map_err(errno)
    }

    /// Makes room for a range and extends the file to its end, as `posix_fallocate` does.
    pub(in crate::wasi) fn allocate(&self, offset: u64, len: u64, waker: Option<&Waker>) -> Outcome {
        if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
            return Err(Errno::Inval.into());
        }
        self.check_writable()?;
        loop {
            // In a file system that is memory, a large range takes long.
            match blocked(waker, || system::allocate(self.as_fd(), offset, len)) {
                Err(Host::INTR) => check_stop::<Fault>(waker)?,
                other => return Ok(other?),
            }
        }
    }

    /// Says how a range will be used.
    pub(in crate::wasi) fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
        if i64::try_from(len).is_err() {
            return Err(Errno::Inval);
        }
        system::advise(self.as_fd(), offset, std::num::NonZeroU64::new(len), advice).map_err(errno)
    }

    /// Writes the contents, and unless `data_only` the attributes, to the disk.
    pub(in crate::wasi) fn sync(&self, data_only: bool) -> Result<(), Errno> {
        retry(|| match data_only {
            true => system::sync_data(self.as_fd()),
            false => system::sync(self.as_fd()),
        })
    }

    /// How many bytes can be read at once. For a file that has a position, those behind it.
    pub(super) fn available(&self) -> u64 {
        if self.kind() != Kind::Regular {
            return rustix::io::ioctl_fionread(self.as_fd()).unwrap_or(0);
        }
        let size = rustix::fs::fstat(self.as_fd()).map_or(0, |stat| stat.st_size);
        let at = rustix::fs::seek(self.as_fd(), SeekFrom::Current(0)).unwrap_or(0);
        u64::try_from(size).unwrap_or(0).saturating_sub(at)
    }
}

/// A number as a descriptor, which is never negative.
fn descriptor(number: isize) -> Option<RawFd> {
    RawFd::try_from(number).ok().filter(|fd| *fd >= 0)
}

/// Repeats a call that a signal interrupted.
#[inline]
pub(super) fn retry<T>(mut call: impl FnMut() -> Result<T, Host>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Host::INTR) => {}
            other => return other.map_err(errno),
        }
    }
}
