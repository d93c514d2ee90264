//! `path_open` below a directory.

use super::super::errno::{errno, from_io};
use super::super::{AccessMode, HostFile, Opening};
use super::HostDir;
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::Errno;
use cap_primitives::fs::{FollowSymlinks, OpenOptions, OpenOptionsExt, open};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno as Host;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wasmtime_wasi::p1::types::{Fdflags, Oflags, Rights};

impl HostDir {
    /// Opens a file or a directory, and creates a file if it is told to.
    pub(in crate::wasi) fn open(&self, path: &Path, opening: &Opening) -> Result<Entry, Errno> {
        let writes = opening.rights.contains(Rights::FD_WRITE);
        let reads = opening.rights.contains(Rights::FD_READ) || !writes;
        let changes = opening.oflags.intersects(Oflags::CREAT | Oflags::TRUNC);
        if changes && opening.oflags.contains(Oflags::DIRECTORY) {
            return Err(Errno::Inval);
        }
        if changes || writes {
            self.check_writable()?;
        }
        let file = self.open_file(path, opening, reads, writes).map_err(from_io)?;
        let stat = rustix::fs::fstat(&file).map_err(errno)?;
        if FileType::from_raw_mode(stat.st_mode as _) != FileType::Directory {
            if opening.oflags.contains(Oflags::DIRECTORY) {
                return Err(Errno::Notdir);
            }
            let access = match (reads, writes) {
                (_, false) => AccessMode::ReadOnly,
                (false, true) => AccessMode::WriteOnly,
                (true, true) => AccessMode::ReadWrite,
            };
            return Ok(Entry::Host(HostFile::opened(file.into(), &stat, access, opening.flags)));
        }
        if opening.oflags.contains(Oflags::CREAT) {
            return Err(Errno::Isdir);
        }
        Ok(Entry::Dir(Box::new(self.below(file, opening.flags))))
    }

    fn open_file(&self, path: &Path, opening: &Opening, reads: bool, writes: bool) -> io::Result<File> {
        // The open itself never waits for the other end of a named pipe. Whether reading and writing wait belongs to
        // the guest's descriptor.
        let mut flags = OFlags::NOCTTY | OFlags::NONBLOCK;
        // With a link to follow, whether it leads to a directory is asked afterwards. Where the kernel cannot resolve
        // paths below a directory, the library opens one component at a time, and would be told that the link itself
        // is none.
        flags.set(OFlags::DIRECTORY, opening.oflags.contains(Oflags::DIRECTORY) && !opening.follow);
        let truncates = opening.oflags.contains(Oflags::TRUNC);
        let mut options = OpenOptions::new();
        options
            .read(reads)
            .write(writes || truncates)
            .truncate(truncates)
            .custom_flags(flags.bits() as _)
            ._cap_fs_ext_follow(if opening.follow { FollowSymlinks::Yes } else { FollowSymlinks::No })
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
        open(&self.dir, path, &options).map_err(|e| match e.raw_os_error() {
            // What the library says, where the kernel has a word for it.
            Some(libc::EINVAL) if path.as_os_str().as_bytes().ends_with(b"/") => Host::ISDIR.into(),
            _ => e,
        })
    }
}
