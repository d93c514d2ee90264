//! The sandbox below a directory of the host.
//!
//! Paths are resolved by `cap-primitives`, which wasmtime-wasi is built on as well: with `openat2` and
//! `RESOLVE_BENEATH` where the kernel has it, and otherwise one component at a time. Whatever happens to the
//! directories meanwhile, nothing outside is reached; an attempt is `EPERM`. `open.rs` opens paths, `change.rs` is
//! everything else that takes one, and `listing.rs` is `fd_readdir`.

mod change;
mod listing;
mod open;

pub(in crate::wasi) use crate::wasi::host::dir::HostDir;

use super::errno::{errno, from_io};
use super::times::timestamps;
use super::{AccessMode, bad_host_file, kind, system, writable};
use crate::wasi::fault::Errno;
use cap_primitives::fs::{Metadata, MetadataExt};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use wasmtime_wasi::p1::types::{Filestat, Fstflags};

/// Whether a host descriptor is a directory's.
///
/// # Safety
///
/// If `host_fd` is an open descriptor, it must stay open during the call.
pub(in crate::wasi) unsafe fn is_directory(host_fd: *mut c_void) -> bool {
    let Ok(raw @ 0..) = RawFd::try_from(host_fd as isize) else { return false };
    // SAFETY: not -1, and the operating system itself checks whether it is open.
    let theirs = unsafe { BorrowedFd::borrow_raw(raw) };
    rustix::fs::fstat(theirs).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode as _) == FileType::Directory)
}

impl HostDir {
    /// Duplicates the descriptor of a directory, which the host keeps.
    ///
    /// # Safety
    ///
    /// If `host_fd` is an open descriptor, it must stay open during the call.
    pub(in crate::wasi) unsafe fn duplicate(
        host_fd: *mut c_void,
        name: Option<String>,
        access: AccessMode,
    ) -> wasmtime::Result<HostDir> {
        let number = host_fd as isize;
        let writable = writable(access)?;
        let Ok(raw @ 0..) = RawFd::try_from(number) else { return Err(bad_host_file(number, "it is no descriptor")) };
        // SAFETY: not -1, and the operating system itself checks whether it is open.
        let theirs = unsafe { BorrowedFd::borrow_raw(raw) };
        let ours = rustix::io::fcntl_dupfd_cloexec(theirs, 3).map_err(|e| bad_host_file(number, e))?;
        HostDir::root(ours.into(), name, writable).map_err(|e| bad_host_file(number, e))
    }

    /// Opens a directory by its path on the host.
    pub(in crate::wasi) fn preopen(path: &Path, name: String, access: AccessMode) -> wasmtime::Result<HostDir> {
        let writable = writable(access)?;
        let open = |flags: OFlags| File::options().read(true).custom_flags(flags.bits() as _).open(path);
        let opened = match open(OFlags::DIRECTORY) {
            // A directory that can be passed through but not listed.
            #[cfg(target_os = "linux")]
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => open(OFlags::DIRECTORY | OFlags::PATH),
            other => other,
        };
        Ok(HostDir::root(opened?, Some(name), writable)?)
    }

    fn root(dir: File, name: Option<String>, writable: bool) -> io::Result<HostDir> {
        let stat = rustix::fs::fstat(&dir)?;
        if FileType::from_raw_mode(stat.st_mode as _) != FileType::Directory {
            return Err(rustix::io::Errno::NOTDIR.into());
        }
        let root = (stat.st_dev as u64, stat.st_ino as u64);
        Ok(HostDir::given(dir, name, writable, root))
    }

    /// Attributes of the directory itself.
    pub(in crate::wasi) fn stat(&self) -> Result<Filestat, Errno> {
        Metadata::from_file(&self.dir).map(|metadata| filestat(&metadata)).map_err(from_io)
    }

    /// Sets the times of the directory itself.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Result<(), Errno> {
        let times = timestamps(atim, mtim, flags)?;
        self.check_writable()?;
        rustix::fs::utimensat(&self.dir, c".", &times, AtFlags::empty()).map_err(errno)
    }

    /// Writes the entries, and unless `data_only` the attributes, to the disk.
    pub(in crate::wasi) fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let dir = self.readable().map_err(errno)?;
        let done = if data_only { system::sync_data(dir.as_fd()) } else { system::sync(dir.as_fd()) };
        done.map_err(errno)
    }

    /// The directory opened anew: the host's descriptor may be good for looking up paths only, and its position is the
    /// host's.
    fn readable(&self) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(&self.dir, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }
}

/// Attributes as the guest sees them.
fn filestat(metadata: &Metadata) -> Filestat {
    let time = |seconds: i64, nanoseconds: i64| -> u64 {
        let all = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        u64::try_from(all).unwrap_or(0)
    };
    Filestat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        filetype: kind::filetype(FileType::from_raw_mode(metadata.mode() as _)),
        nlink: metadata.nlink(),
        size: metadata.size(),
        atim: time(metadata.atime(), metadata.atime_nsec()),
        mtim: time(metadata.mtime(), metadata.mtime_nsec()),
        ctim: time(metadata.ctime(), metadata.ctime_nsec()),
    }
}
