//! The functions on a path that open nothing.

use super::super::errno::{Host, errno, from_io};
use super::super::file::{attributes, set_times};
use super::super::new_times;
use super::{HostDir, handle};
use crate::wasi::fault::Errno;
use cap_primitives::fs::{self, DirOptions, FollowSymlinks, OpenOptions, OpenOptionsExt};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use wasmtime_wasi::p1::types::{Filestat, Filetype, Fstflags};
use windows_sys::Win32::Foundation::ERROR_NOT_SAME_DEVICE;
use windows_sys::Win32::Storage::FileSystem as w;

/// Whether a path demands a directory, which is then what a symbolic link leads to.
fn ends_in_slash(path: &Path) -> bool {
    matches!(path.as_os_str().as_encoded_bytes().last(), Some(b'/' | b'\\'))
}

/// The path without the slashes at its end.
fn without_slashes(path: &Path) -> &Path {
    let text = path.as_os_str().as_encoded_bytes();
    let slashes = text.iter().rev().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    // A path of nothing else stays what it is.
    let rest = if slashes == text.len() { text } else { &text[..text.len() - slashes] };
    // SAFETY: what was taken away was whole characters of ASCII.
    Path::new(unsafe { OsStr::from_encoded_bytes_unchecked(rest) })
}

impl HostDir {
    pub(in crate::wasi) fn path_stat(&self, path: &Path, follow: bool) -> Result<Filestat, Errno> {
        let file = self.look_at(path, follow || ends_in_slash(path), 0).map_err(from_io)?;
        let stat = attributes(handle(&file)).map_err(errno)?;
        if ends_in_slash(path) && stat.filetype != Filetype::Directory {
            return Err(Errno::Notdir);
        }
        Ok(stat)
    }

    pub(in crate::wasi) fn path_set_times(
        &self,
        path: &Path,
        follow: bool,
        atim: u64,
        mtim: u64,
        flags: Fstflags,
    ) -> Result<(), Errno> {
        let times = new_times(atim, mtim, flags)?;
        self.check_writable()?;
        let access = w::FILE_READ_ATTRIBUTES | w::FILE_WRITE_ATTRIBUTES;
        let file = self.look_at(path, follow, access).map_err(from_io)?;
        set_times(handle(&file), times).map_err(errno)
    }

    /// Opens whatever is there, for its attributes.
    fn look_at(&self, path: &Path, follow: bool, access: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.access_mode(access);
        // With the flag, what is opened is a symbolic link itself.
        options.custom_flags(match follow {
            true => w::FILE_FLAG_BACKUP_SEMANTICS,
            false => w::FILE_FLAG_BACKUP_SEMANTICS | w::FILE_FLAG_OPEN_REPARSE_POINT,
        });
        options._cap_fs_ext_follow(if follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        fs::open(&self.dir, path, &options)
    }

    pub(in crate::wasi) fn create_directory(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        fs::create_dir(&self.dir, path, &DirOptions::new()).map_err(from_io)
    }

    pub(in crate::wasi) fn remove_directory(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        // Windows would remove a link to a directory, too, or with a slash behind it the directory.
        let path = without_slashes(path);
        if self.path_stat(path, false)?.filetype != Filetype::Directory {
            return Err(Errno::Notdir);
        }
        fs::remove_dir(&self.dir, path).map_err(from_io)
    }

    /// Removes anything but a directory.
    pub(in crate::wasi) fn unlink(&self, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        let link = self.look_at(path, false, 0).map_err(from_io)?;
        let is_dir = std::os::windows::fs::MetadataExt::file_attributes(&link.metadata().map_err(from_io)?)
            & w::FILE_ATTRIBUTE_DIRECTORY
            != 0;
        let stat = attributes(handle(&link)).map_err(errno)?;
        drop(link);
        match stat.filetype {
            Filetype::Directory => Err(Errno::Isdir),
            _ if ends_in_slash(path) => Err(Errno::Notdir),
            // To Windows, a link to a directory is one.
            Filetype::SymbolicLink if is_dir => fs::remove_dir(&self.dir, path).map_err(from_io),
            _ => fs::remove_file(&self.dir, path).map_err(from_io),
        }
    }

    /// Gives a file one more name. A symbolic link is linked itself.
    pub(in crate::wasi) fn link(&self, path: &Path, to: &HostDir, to_path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        to.check_writable()?;
        if self.path_stat(path, false)?.filetype == Filetype::Directory {
            return Err(Errno::Perm);
        }
        if ends_in_slash(to_path) {
            return Err(Errno::Noent);
        }
        fs::hard_link(&self.dir, path, &to.dir, to_path).map_err(from_io)
    }

    /// Renames, and replaces what has the new name as POSIX says: a file by a file, an empty directory by a directory.
    pub(in crate::wasi) fn rename(&self, path: &Path, to: &HostDir, to_path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        to.check_writable()?;
        // A slash at the end of either name demands that a directory be renamed, and not a link to one.
        let demands_dir = ends_in_slash(path) || ends_in_slash(to_path);
        let (path, to_path) = (without_slashes(path), without_slashes(to_path));
        let from = self.path_stat(path, false)?;
        let is_dir = from.filetype == Filetype::Directory;
        if !is_dir && demands_dir {
            return Err(Errno::Notdir);
        }
        let mut removed = false;
        match to.path_stat(to_path, false) {
            Ok(there) if (there.dev, there.ino) == (from.dev, from.ino) => return Ok(()),
            Ok(there) if there.filetype == Filetype::Directory => {
                if !is_dir {
                    return Err(Errno::Isdir);
                }
                // Windows replaces no directory. Between the two calls the name is free.
                fs::remove_dir(&to.dir, to_path).map_err(from_io)?;
                removed = true;
            }
            Ok(_) if is_dir => return Err(Errno::Notdir),
            _ => {}
        }
        fs::rename(&self.dir, path, &to.dir, to_path).map_err(|error| {
            if removed {
                // A rename that fails changes nothing.
                let _ = fs::create_dir(&to.dir, to_path, &DirOptions::new());
            }
            match error.raw_os_error() {
                Some(code) if Host(code.cast_unsigned()) == Host(ERROR_NOT_SAME_DEVICE) => Errno::Xdev,
                _ => from_io(error),
            }
        })
    }

    /// Makes a symbolic link. One to an absolute path is `EPERM`: no guest could follow it, but others might. Windows
    /// knows links to files and links to directories; one to nothing is to a file.
    pub(in crate::wasi) fn symlink(&self, target: &Path, path: &Path) -> Result<(), Errno> {
        self.check_writable()?;
        if target.as_os_str().is_empty() || ends_in_slash(path) {
            return Err(Errno::Noent);
        }
        let there = path.parent().unwrap_or(Path::new("")).join(target);
        let is_dir = self.path_stat(&there, true).is_ok_and(|stat| stat.filetype == Filetype::Directory);
        let make = if is_dir { fs::symlink_dir } else { fs::symlink_file };
        make(target, &self.dir, path).map_err(from_io)
    }

    /// What a symbolic link says. One to an absolute path is `EPERM`: it tells about the host.
    pub(in crate::wasi) fn read_link(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        if self.path_stat(path, false)?.filetype != Filetype::SymbolicLink {
            return Err(Errno::Inval);
        }
        let target = fs::read_link(&self.dir, path).map_err(from_io)?;
        Ok(target.to_string_lossy().replace('\\', "/").into_bytes())
    }
}
