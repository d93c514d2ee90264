//! The sandbox below a directory of the host.
//!
//! Paths are resolved by `cap-primitives`, which wasmtime-wasi is built on as well: one component at a time, from one
//! open directory to the next. Whatever happens to the directories meanwhile, nothing outside is reached; an attempt
//! is `EPERM`. `names.rs` refuses what that library would take for something else, `open.rs` opens paths, `change.rs`
//! is everything else that takes one, and `listing.rs` is `fd_readdir`.

mod change;
mod listing;
mod names;
mod open;

pub(in crate::wasi) use crate::wasi::host::dir::HostDir;
pub(in crate::wasi) use names::check_path;

use super::errno::{Host, errno, from_io};
use super::file::{attributes, flush, set_times};
use super::sys::{self, Handle};
use super::{AccessMode, Kind, bad_host_file, new_times, writable};
use crate::wasi::fault::Errno;
use cap_primitives::fs::{OpenOptions, OpenOptionsExt};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::Path;
use wasmtime_wasi::p1::types::{Filestat, Fstflags};
use windows_sys::Win32::Foundation::ERROR_DIRECTORY;
use windows_sys::Win32::Storage::FileSystem as fs;

/// Whether a handle of the host is a directory's.
///
/// # Safety
///
/// If `host_fd` is an open handle, it must stay open during the call.
pub(in crate::wasi) unsafe fn is_directory(host_fd: *mut c_void) -> bool {
    let theirs = Handle::new(host_fd);
    theirs.is_plausible() && Kind::of(theirs) == Ok(Kind::Directory)
}

/// The handle of a file, as this module's calls take it.
fn handle(file: &File) -> Handle {
    Handle::new(file.as_raw_handle())
}

impl HostDir {
    /// Duplicates the handle of a directory, which the host keeps.
    ///
    /// # Safety
    ///
    /// If `host_fd` is an open handle, it must stay open during the call.
    pub(in crate::wasi) unsafe fn duplicate(
        host_fd: *mut c_void,
        name: Option<String>,
        access: AccessMode,
    ) -> wasmtime::Result<HostDir> {
        let number = host_fd as isize;
        let writable = writable(access)?;
        let theirs = Handle::new(host_fd);
        if !theirs.is_plausible() {
            return Err(bad_host_file(number, "it is no handle"));
        }
        let ours: OwnedHandle = sys::duplicate(theirs).map_err(|e| bad_host_file(number, e))?;
        HostDir::root(ours.into(), name, writable).map_err(|e| bad_host_file(number, e))
    }

    /// Opens a directory by its path on the host.
    pub(in crate::wasi) fn preopen(path: &Path, name: String, access: AccessMode) -> wasmtime::Result<HostDir> {
        let writable = writable(access)?;
        // Who holds a directory that is found by its path does not let it be moved or removed.
        let share = fs::FILE_SHARE_READ | fs::FILE_SHARE_WRITE;
        let opened =
            File::options().read(true).share_mode(share).custom_flags(fs::FILE_FLAG_BACKUP_SEMANTICS).open(path)?;
        Ok(HostDir::root(opened, Some(name), writable)?)
    }

    fn root(dir: File, name: Option<String>, writable: bool) -> io::Result<HostDir> {
        if Kind::of(handle(&dir))? != Kind::Directory {
            return Err(Host(ERROR_DIRECTORY).into());
        }
        let stat = attributes(handle(&dir))?;
        let root = (stat.dev, stat.ino);
        Ok(HostDir::given(dir, name, writable, root))
    }

    /// Attributes of the directory itself.
    pub(in crate::wasi) fn stat(&self) -> Result<Filestat, Errno> {
        attributes(handle(&self.dir)).map_err(errno)
    }

    /// Sets the times of the directory itself.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Result<(), Errno> {
        let times = new_times(atim, mtim, flags)?;
        self.check_writable()?;
        let access = fs::FILE_READ_ATTRIBUTES | fs::FILE_WRITE_ATTRIBUTES;
        let dir = self.again(access).map_err(from_io)?;
        set_times(handle(&dir), times).map_err(errno)
    }

    /// Writes the entries and the attributes to the disk, which Windows does by itself for a handle that may not.
    pub(in crate::wasi) fn sync(&self, _data_only: bool) -> Result<(), Errno> {
        flush(handle(&self.dir)).map_err(errno)
    }

    /// The directory opened anew: what the host's handle may do is the host's affair, and so is its position.
    fn again(&self, access: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.access_mode(access).custom_flags(fs::FILE_FLAG_BACKUP_SEMANTICS);
        cap_primitives::fs::open(&self.dir, Path::new("."), &options)
    }
}
