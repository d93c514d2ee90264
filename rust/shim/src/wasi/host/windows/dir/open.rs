//! `path_open` below a directory.

use super::super::errno::{Host, errno, from_io};
use super::super::{AccessMode, HostFile, Kind, Opening};
use super::{HostDir, handle};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::Errno;
use cap_primitives::fs::{FollowSymlinks, OpenOptions, open};
use std::fs::File;
use std::io;
use std::path::Path;
use wasmtime_wasi::p1::types::{Fdflags, Filetype, Oflags, Rights};
use windows_sys::Win32::Foundation::{ERROR_DIRECTORY, ERROR_STOPPED_ON_SYMLINK};

impl HostDir {
    /// Opens a file or a directory, and creates a file if it is told to.
    pub(in crate::wasi) fn open(&self, path: &Path, opening: &Opening) -> Result<Entry, Errno> {
        let writes = opening.rights.contains(Rights::FD_WRITE);
        let reads = opening.rights.contains(Rights::FD_READ) || !writes;
        let changes = opening.oflags.intersects(Oflags::CREAT | Oflags::TRUNC);
        let directory = opening.oflags.contains(Oflags::DIRECTORY);
        if changes && directory {
            return Err(Errno::Inval);
        }
        if changes || writes {
            self.check_writable()?;
        }
        let access = match (reads, writes) {
            (_, false) => AccessMode::ReadOnly,
            (false, true) => AccessMode::WriteOnly,
            (true, true) => AccessMode::ReadWrite,
        };
        if !directory {
            match self.open_file(path, opening, reads, writes) {
                Ok(file) => return Ok(Entry::Host(HostFile::opened(file, access, opening.flags))),
                Err(e) if !may_be_directory(&e) => return Err(from_io(e)),
                Err(e) => match self.path_stat(path, opening.follow) {
                    Ok(stat) if stat.filetype == Filetype::Directory => {}
                    _ => return Err(from_io(e)),
                },
            }
            if opening.oflags.contains(Oflags::EXCL) && opening.oflags.contains(Oflags::CREAT) {
                return Err(Errno::Exist);
            }
            if writes || changes {
                return Err(Errno::Isdir);
            }
        }
        let dir = self.open_dir(path, opening).map_err(from_io)?;
        if Kind::of(handle(&dir)).map_err(errno)? != Kind::Directory {
            return Err(Errno::Notdir);
        }
        if writes {
            return Err(Errno::Isdir);
        }
        Ok(Entry::Dir(Box::new(self.below(dir, opening.flags))))
    }

    /// Opens something that is no directory.
    fn open_file(&self, path: &Path, opening: &Opening, reads: bool, writes: bool) -> io::Result<File> {
        let truncates = opening.oflags.contains(Oflags::TRUNC);
        let mut options = options(opening);
        options
            .read(reads)
            .write(writes || truncates)
            .truncate(truncates)
            ._cap_fs_ext_sync(opening.flags.contains(Fdflags::SYNC))
            ._cap_fs_ext_dsync(opening.flags.contains(Fdflags::DSYNC))
            ._cap_fs_ext_rsync(opening.flags.contains(Fdflags::RSYNC));
        if !opening.oflags.contains(Oflags::CREAT) {
            return open(&self.dir, path, &options);
        }
        let exclusive = opening.oflags.contains(Oflags::EXCL);
        if !exclusive && !writes {
            // Who only reads a file that exists need not be able to write it, but the library creates none without.
            match open(&self.dir, path, &options) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
        options.write(true).create(!exclusive).create_new(exclusive);
        open(&self.dir, path, &options)
    }

    /// Opens a directory. As long as the guest has it open it cannot be moved or removed: paths below it are found
    /// through its own.
    fn open_dir(&self, path: &Path, opening: &Opening) -> io::Result<File> {
        open(&self.dir, path, options(opening).read(true)._cap_fs_ext_maybe_dir(true))
    }
}

fn options(opening: &Opening) -> OpenOptions {
    let mut options = OpenOptions::new();
    options._cap_fs_ext_follow(if opening.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
    options
}

/// What Windows says when something is opened as a file that is a directory.
fn may_be_directory(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(|code| Host(code.cast_unsigned()));
    matches!(code, Some(Host::ACCESS_DENIED | Host(ERROR_DIRECTORY | ERROR_STOPPED_ON_SYMLINK)))
        || error.kind() == io::ErrorKind::AlreadyExists
        || error.kind() == io::ErrorKind::IsADirectory
}
