//! One file of the host, as a guest descriptor.

use super::AccessMode;
use super::errno::errno;
use super::kind::Kind;
use super::times::timestamps;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wasi::fault::Errno;
use rustix::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use rustix::fs::{OFlags, SeekFrom, Stat};
use rustix::io::Errno as Host;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::OnceLock;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Fdstat, Filestat, Fstflags, Rights, Whence};

/// A descriptor of the host, and what belongs to the guest's descriptor alone: the access mode, the append flag and the
/// non-blocking flag. The open file description, and with it the position, is shared with the host.
pub(in crate::wasi) struct HostFile {
    fd: RawFd,
    /// Whether `fd` is closed with this object; the process's standard streams and `/dev/null` are not.
    owned: bool,
    /// Nothing until the first use.
    kind: Option<Kind>,
    pub(super) access: AccessMode,
    pub(super) append: bool,
    /// Whether the host opened the file with `O_APPEND`, which the guest cannot take back.
    pub(super) always_append: bool,
    pub(super) nonblock: bool,
    /// How writes are synchronised, which is settled when a guest opens the file.
    sync: Fdflags,
}

impl Drop for HostFile {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: the descriptor was taken out of an `OwnedFd` and is given up here.
            drop(unsafe { OwnedFd::from_raw_fd(self.fd) });
        }
    }
}

/// What can be inserted: everything that the calls here can serve.
fn check_kind(kind: Kind) -> wasmtime::Result<()> {
    if kind != Kind::Directory {
        return Ok(());
    }
    Err(ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_UNSUPPORTED,
        "the host file is a directory, which cannot be inserted",
    ))
}

impl HostFile {
    /// Duplicates a descriptor that the host keeps.
    ///
    /// # Safety
    ///
    /// If `host_fd` is an open descriptor, it must stay open during the call.
    pub(in crate::wasi) unsafe fn duplicate(host_fd: *mut c_void, access: AccessMode) -> wasmtime::Result<HostFile> {
        let number = host_fd as isize;
        let raw = RawFd::try_from(number).ok().filter(|fd| *fd >= 0);
        let raw = raw.ok_or_else(|| bad_host_file(number, "it is no descriptor"))?;
        // SAFETY: not -1, and the operating system itself checks whether it is open.
        let theirs = unsafe { BorrowedFd::borrow_raw(raw) };
        let ours = rustix::io::fcntl_dupfd_cloexec(theirs, 3).map_err(|e| bad_host_file(number, e))?;
        let mut file = HostFile::new(ours.into_raw_fd(), true, None, access);
        let kind = file.examine().map_err(|e| bad_host_file(number, e))?;
        check_kind(kind)?;
        Ok(file)
    }

    /// A descriptor that is the guest's alone. It is looked at when it is first used.
    pub(super) fn owned(fd: RawFd, access: AccessMode) -> HostFile {
        HostFile::new(fd, true, None, access)
    }

    /// One of the process's standard streams, which stays the process's. It is looked at when it is first used; one that
    /// the process has closed is closed for the guest, too.
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
        }
    }

    /// A file that a guest has opened below a directory.
    pub(super) fn opened(fd: OwnedFd, stat: &Stat, access: AccessMode, flags: Fdflags) -> HostFile {
        let kind = Kind::of(fd.as_fd(), stat);
        let mut file = HostFile::new(fd.into_raw_fd(), true, Some(kind), access);
        file.append = flags.contains(Fdflags::APPEND);
        file.nonblock = flags.contains(Fdflags::NONBLOCK);
        file.sync = flags & (Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC);
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

    /// The kind; only the table hands out files, and it has looked at them.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Other)
    }

    #[inline]
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is owned by this object, or belongs to the process for good.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }

    /// `EBADF` unless the guest may read.
    #[inline]
    pub(in crate::wasi) fn check_readable(&self) -> Result<(), Errno> {
        if self.access.reads() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// `EBADF` unless the guest may write.
    #[inline]
    pub(in crate::wasi) fn check_writable(&self) -> Result<(), Errno> {
        if self.access.writes() { Ok(()) } else { Err(Errno::Badf) }
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
        Ok(Filestat {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            filetype: self.kind().filetype(),
            nlink: stat.st_nlink as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            atim: time(stat.st_atime as i64, stat.st_atime_nsec as i64),
            mtim: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctim: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
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
    pub(in crate::wasi) fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno> {
        if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
            return Err(Errno::Inval);
        }
        self.check_writable()?;
        retry(|| rustix::fs::fallocate(self.as_fd(), rustix::fs::FallocateFlags::empty(), offset, len))
    }

    /// Says how a range will be used.
    pub(in crate::wasi) fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
        use rustix::fs::Advice as To;
        let advice = match advice {
            Advice::Normal => To::Normal,
            Advice::Sequential => To::Sequential,
            Advice::Random => To::Random,
            Advice::Willneed => To::WillNeed,
            Advice::Dontneed => To::DontNeed,
            Advice::Noreuse => To::NoReuse,
        };
        if i64::try_from(len).is_err() {
            return Err(Errno::Inval);
        }
        rustix::fs::fadvise(self.as_fd(), offset, std::num::NonZeroU64::new(len), advice).map_err(errno)
    }

    /// Writes the contents, and unless `data_only` the attributes, to the disk.
    pub(in crate::wasi) fn sync(&self, data_only: bool) -> Result<(), Errno> {
        retry(|| match data_only {
            true => rustix::fs::fdatasync(self.as_fd()),
            false => rustix::fs::fsync(self.as_fd()),
        })
    }

    /// File type, flags and rights of the guest's descriptor.
    pub(in crate::wasi) fn fdstat(&self) -> Fdstat {
        let kind = self.kind();
        let mut flags = self.sync;
        flags.set(Fdflags::APPEND, self.append);
        flags.set(Fdflags::NONBLOCK, self.nonblock);
        let mut rights = Rights::FD_FDSTAT_SET_FLAGS | Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE;
        if kind.seeks() {
            rights |= Rights::FD_SEEK | Rights::FD_TELL;
        }
        if matches!(kind, Kind::Regular | Kind::BlockDevice) {
            rights |= Rights::FD_ADVISE | Rights::FD_SYNC | Rights::FD_DATASYNC;
        }
        if kind.is_socket() {
            rights |= Rights::SOCK_SHUTDOWN;
        }
        rights.set(Rights::SOCK_ACCEPT, kind == Kind::Listener);
        rights.set(Rights::FD_READ, self.access.reads());
        if self.access.writes() {
            rights |= Rights::FD_WRITE | Rights::FD_FILESTAT_SET_TIMES;
            if kind == Kind::Regular {
                rights |= Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE;
            }
        }
        Fdstat {
            fs_filetype: kind.filetype(),
            fs_flags: flags,
            fs_rights_base: rights,
            fs_rights_inheriting: Rights::empty(),
        }
    }

    /// Sets the flags of the guest's descriptor. Those of the open file description stay as the host has them.
    ///
    /// `EINVAL` for new flags that say how writes are synchronised: like Linux, WASI cannot change them on an open
    /// file. `EPERM` for taking back an `O_APPEND` that the host set.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        if (flags - self.sync).intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval);
        }
        let append = flags.contains(Fdflags::APPEND);
        if self.always_append && !append {
            return Err(Errno::Perm);
        }
        self.append = append;
        self.nonblock = flags.contains(Fdflags::NONBLOCK);
        Ok(())
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

pub(super) fn bad_host_file(number: isize, why: impl std::fmt::Display) -> wasmtime::Error {
    ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_BAD_HOST_FILE,
        format!("host descriptor {number} cannot be used: {why}"),
    )
}
