//! A directory that the binding serves, as a guest descriptor.

use super::{
    NO_HOST_FD, Node, ServedFile, WASMTIME_FS_DIRECTORY, WASMTIME_FS_FOLLOW, WASMTIME_FS_OPEN, WASMTIME_FS_PATH_STAT,
    WASMTIME_FS_READ_DIR, WASMTIME_FS_READ_LINK, filestat, filetype, wasmtime_binding_fs_request_t,
};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::host::rights::directory;
use crate::wasi::host::{AccessMode, HostFile, Opening};
use crate::wasi::memory::Span;
use std::path::Path;
use wasmtime_wasi::p1::types::{Dircookie, Fdflags, Fdstat, Filestat, Filetype, Oflags, Rights};

/// A directory, and what belongs to the guest's descriptor alone.
pub(in crate::wasi) struct ServedDir {
    node: Node,
    /// What `fd_prestat_dir_name` tells.
    name: Option<String>,
    flags: Fdflags,
}

impl ServedDir {
    pub(super) fn root(node: Node, name: Option<String>) -> ServedDir {
        ServedDir { node, name, flags: Fdflags::empty() }
    }

    /// The guest's name of a preopened directory.
    pub(in crate::wasi) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Opens a file or a directory. Whoever wants to write, create or cut is refused before anything is looked up, as
    /// below a directory of the host that may only be read.
    pub(in crate::wasi) fn open(&self, path: &Path, opening: &Opening) -> Outcome<Entry> {
        let changes = opening.oflags.intersects(Oflags::CREAT | Oflags::TRUNC);
        let directory = opening.oflags.contains(Oflags::DIRECTORY);
        if changes && directory {
            return Err(Errno::Inval.into());
        }
        if changes || opening.rights.contains(Rights::FD_WRITE) {
            return Err(Errno::Perm.into());
        }
        let answer = self.node.ask(WASMTIME_FS_OPEN, |request| {
            request.flags = if directory { WASMTIME_FS_DIRECTORY } else { 0 };
            set_path(request, path, opening.follow);
        })?;
        let node = Node { env: answer.count, callback: self.node.callback };
        if filetype(&answer.stat) == Filetype::Directory {
            return Ok(Entry::ServedDir(Box::new(ServedDir { node, name: None, flags: opening.flags })));
        }
        if answer.host_fd != NO_HOST_FD {
            // SAFETY: the binding keeps it open until it hears that the node is gone.
            if let Ok(file) = unsafe { HostFile::duplicate(answer.host_fd, AccessMode::ReadOnly) } {
                node.close()?;
                return Ok(Entry::Host(file.served_as(opening.flags, (answer.stat.dev, answer.stat.ino))));
            }
        }
        Ok(Entry::ServedFile(ServedFile::new(node, opening.flags, filetype(&answer.stat))))
    }

    pub(in crate::wasi) fn path_stat(&self, path: &Path, follow: bool) -> Outcome<Filestat> {
        let answer = self.node.ask(WASMTIME_FS_PATH_STAT, |request| set_path(request, path, follow))?;
        Ok(filestat(&answer.stat))
    }

    /// What a symbolic link says, `room` bytes of it at most.
    pub(in crate::wasi) fn read_link(&self, path: &Path, room: usize) -> Outcome<Vec<u8>> {
        let mut target = vec![0; room.min(LINK_MAX)];
        let answer = self.node.ask(WASMTIME_FS_READ_LINK, |request| {
            request.buffer = target.as_mut_ptr();
            request.len = target.len();
            set_path(request, path, false);
        })?;
        target.truncate(answer.count as usize);
        Ok(target)
    }

    /// Fills the guest's buffer with entries from a cookie on, and returns the number of bytes. Less than fit is the
    /// end.
    pub(in crate::wasi) fn read_entries(&self, cookie: Dircookie, buffer: Span) -> Outcome<u32> {
        let answer = self.node.ask(WASMTIME_FS_READ_DIR, |request| {
            request.buffer = buffer.base;
            request.len = buffer.len;
            request.number = cookie;
        })?;
        Ok((answer.count as usize).min(buffer.len) as u32)
    }

    /// Attributes of the directory itself.
    pub(in crate::wasi) fn stat(&self) -> Outcome<Filestat> {
        Ok(self.node.stat()?.0)
    }

    pub(in crate::wasi) fn fdstat(&self) -> Fdstat {
        directory(self.flags)
    }

    /// Sets flags, which make no difference to a directory.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        if flags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval);
        }
        self.flags = flags;
        Ok(())
    }

    pub(in crate::wasi) fn close(self) -> Outcome {
        self.node.close()
    }
}

/// No link says more than a path can be long.
const LINK_MAX: usize = 4096;

fn set_path(request: &mut wasmtime_binding_fs_request_t, path: &Path, follow: bool) {
    let bytes = path.as_os_str().as_encoded_bytes();
    request.path = bytes.as_ptr();
    request.path_len = bytes.len();
    if follow {
        request.flags |= WASMTIME_FS_FOLLOW;
    }
}
