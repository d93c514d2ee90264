//! The functions on a path that open nothing.

use super::super::errno::from_io;
use super::super::{NewTime, new_times};
use super::{HostDir, filestat};
use crate::wasi::fault::Errno;
use cap_primitives::fs::{self, DirOptions, FollowSymlinks, SystemTimeSpec};
use cap_primitives::time::SystemTime;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use wasmtime_wasi::p1::types::{Filestat, Filetype, Fstflags};

/// Whether a path demands a directory, which is then what a symbolic link leads to.
fn ends_in_slash(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// The path without the slashes at its end.
fn without_slashes(path: &Path) -> &Path {
    let mut bytes = path.as_os_str().as_bytes();
    while let [rest @ .., b'/'] = bytes
        && !rest.is_empty()
    {
        bytes = rest;
    }
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

impl HostDir {
    pub(in crate::wasi) fn path_stat(&self, path: &Path, follow: bool) -> Result<Filestat, Errno> {
        let follow = if follow || ends_in_slash(path) { FollowSymlinks::Yes } else { FollowSymlinks::No };
        fs::stat(&self.dir, path, follow).map(|metadata| filestat(&metadata)).map_err(from_io)
    }

    pub(in crate::wasi) fn path_set_times(
        &self,
        path: &Path,
        follow: bool,
        atim: u64,
        mtim: u64,
        flags: Fstflags,
    ) -> Result<(), Errno> {
        let (atim, mtim) = new_times(atim, mtim, flags)?;
        self.check_writable()?;
        let time = |time: NewTime| match time {
            NewTime::At(value) => {
                let absolute = SystemTime::from_std(UNIX_EPOCH + Duration::from_nanos(value));
                Some(SystemTimeSpec::Absolute(absolute))
            }
            NewTime::Now => Some(SystemTimeSpec::SymbolicNow),
            NewTime::Keep => None,
        };
        let (atim, mtim) = (time(atim), time(mtim));
        // The library would open the file to follow a link, which a named pipe can keep waiting. A link that appears
        // between the calls is changed itself.
        let is_link = || fs::stat(&self.dir, path, FollowSymlinks::No).map(|metadata| metadata.is_symlink());
        if follow && is_link().map_err(from_io)? {
            let end = fs::canonicalize(&self.dir, path).map_err(from_io)?;
            return fs::set_times_nofollow(&self.dir, &end, atim, mtim).map_err(from_io);
        }
        fs::set_times_nofollow(&self.dir, path, atim, mtim).map_err(from_io)
    }

    pub(in crate::wasi) fn create_directory(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        fs::create_dir(&self.dir, path, &DirOptions::new()).map_err(from_io)
    }

    pub(in crate::wasi) fn remove_directory(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        fs::remove_dir(&self.dir, without_slashes(path)).map_err(from_io)
    }

    /// Removes anything but a directory.
    pub(in crate::wasi) fn unlink(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        fs::remove_file(&self.dir, path).map_err(|e| match e.raw_os_error() {
            // What systems other than Linux say of a directory.
            Some(libc::EPERM) if self.path_stat(path, false).is_ok_and(|s| s.filetype == Filetype::Directory) => {
                Errno::Isdir
            }
            _ => from_io(e),
        })
    }

    /// Gives a file one more name. A symbolic link is linked itself.
    pub(in crate::wasi) fn link(&self, path: &Path, to: &HostDir, to_path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        to.check_writable()?;
        fs::hard_link(&self.dir, path, &to.dir, to_path).map_err(from_io)
    }

    pub(in crate::wasi) fn rename(&self, path: &Path, to: &HostDir, to_path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        to.check_writable()?;
        // A slash at the end of either name demands that a directory be renamed. It is asked for here, and the plain
        // names are renamed, because not every system takes a link for a link that has a slash behind it: macOS would
        // rename what the link leads to, wherever that is. What takes the place of the directory meanwhile is renamed
        // by its name, too.
        let demands_dir = ends_in_slash(path) || ends_in_slash(to_path);
        let (path, to_path) = (without_slashes(path), without_slashes(to_path));
        if demands_dir && self.path_stat(path, false)?.filetype != Filetype::Directory {
            return Err(Errno::Notdir);
        }
        fs::rename(&self.dir, path, &to.dir, to_path).map_err(from_io)
    }

    /// Makes a symbolic link. One to an absolute path is `EPERM`: no guest could follow it, but others might.
    pub(in crate::wasi) fn symlink(&self, target: &Path, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        fs::symlink(target, &self.dir, path).map_err(from_io)
    }

    /// What a symbolic link says. One to an absolute path is `EPERM`: it tells about the host.
    pub(in crate::wasi) fn read_link(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        let target = fs::read_link(&self.dir, path).map_err(from_io)?;
        Ok(target.into_os_string().into_vec())
    }
}
