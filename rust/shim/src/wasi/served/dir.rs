//! A directory that the binding serves, as a guest descriptor.

use super::{
    NO_HOST_FD, Node, ServedFile, Times, WASMTIME_FS_APPEND, WASMTIME_FS_CREATE, WASMTIME_FS_DIRECTORY,
    WASMTIME_FS_EXCLUSIVE, WASMTIME_FS_FOLLOW, WASMTIME_FS_FOR_READING, WASMTIME_FS_FOR_WRITING, WASMTIME_FS_LINK,
    WASMTIME_FS_MAKE_DIR, WASMTIME_FS_OPEN, WASMTIME_FS_PATH_SET_TIMES, WASMTIME_FS_PATH_STAT, WASMTIME_FS_READ_DIR,
    WASMTIME_FS_READ_LINK, WASMTIME_FS_REMOVE_DIR, WASMTIME_FS_RENAME, WASMTIME_FS_SET_TIMES, WASMTIME_FS_SYMLINK,
    WASMTIME_FS_SYNC, WASMTIME_FS_SYNCHRONOUS, WASMTIME_FS_TRUNCATE, WASMTIME_FS_UNLINK, filestat, filetype,
    wasmtime_binding_fs_request_t,
};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::host::rights::directory;
use crate::wasi::host::{AccessMode, HostFile, Opening};
use crate::wasi::memory::Span;
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use wasmtime_wasi::p1::types::{Dircookie, Fdflags, Fdstat, Filestat, Filetype, Fstflags, Oflags, Rights};

/// A directory, and what belongs to the guest's descriptor alone.
pub(in crate::wasi) struct ServedDir {
    node: Arc<Node>,
    /// What `fd_prestat_dir_name` tells.
    name: Option<String>,
    /// Whether anything below may be changed. What is opened below has the same.
    writable: bool,
    flags: Fdflags,
}

impl ServedDir {
    pub(super) fn root(node: Node, name: Option<String>, writable: bool) -> ServedDir {
        ServedDir { node: Arc::new(node), name, writable, flags: Fdflags::empty() }
    }

    /// The same directory once more, without a name.
    pub(in crate::wasi) fn another(&self) -> ServedDir {
        ServedDir { node: self.node.clone(), name: None, writable: self.writable, flags: Fdflags::empty() }
    }

    /// Whether the guest may change what is below.
    pub(in crate::wasi) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The guest's name of a preopened directory.
    pub(in crate::wasi) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// `EPERM` unless the guest may change what is below.
    fn check_writable(&self) -> Result<(), Errno> {
        if self.writable { Ok(()) } else { Err(Errno::Perm) }
    }

    /// Opens a file or a directory, and creates a file if it is told to. Whoever may not write, create or cut is
    /// refused before anything is looked up, as below a directory of the host that may only be read.
    pub(in crate::wasi) fn open(&self, path: &Path, opening: &Opening) -> Outcome<Entry> {
        let writes = opening.rights.contains(Rights::FD_WRITE);
        let reads = opening.rights.contains(Rights::FD_READ) || !writes;
        let changes = opening.oflags.intersects(Oflags::CREAT | Oflags::TRUNC);
        if changes && opening.oflags.contains(Oflags::DIRECTORY) {
            return Err(Errno::Inval.into());
        }
        if changes || writes {
            self.check_writable()?;
        }
        let answer = self.node.ask(WASMTIME_FS_OPEN, |request| {
            set_path(request, path, opening.follow);
            for (asked, flag) in [
                (opening.oflags.contains(Oflags::DIRECTORY), WASMTIME_FS_DIRECTORY),
                (opening.oflags.contains(Oflags::CREAT), WASMTIME_FS_CREATE),
                (opening.oflags.contains(Oflags::EXCL), WASMTIME_FS_EXCLUSIVE),
                (opening.oflags.contains(Oflags::TRUNC), WASMTIME_FS_TRUNCATE),
                (reads, WASMTIME_FS_FOR_READING),
                (writes, WASMTIME_FS_FOR_WRITING),
                (opening.flags.contains(Fdflags::APPEND), WASMTIME_FS_APPEND),
                (opening.flags.intersects(Fdflags::SYNC | Fdflags::DSYNC), WASMTIME_FS_SYNCHRONOUS),
            ] {
                if asked {
                    request.flags |= flag;
                }
            }
        })?;
        let node = Node { env: answer.count, callback: self.node.callback };
        if filetype(&answer.stat) == Filetype::Directory {
            let dir = ServedDir { node: Arc::new(node), name: None, writable: self.writable, flags: opening.flags };
            return Ok(Entry::ServedDir(Box::new(dir)));
        }
        let access = AccessMode::ReadWrite.limited(reads, writes);
        if answer.host_fd != NO_HOST_FD {
            // SAFETY: the binding keeps it open until it hears that the node is gone.
            if let Ok(file) = unsafe { HostFile::duplicate(answer.host_fd, access) } {
                node.close()?;
                return Ok(Entry::Host(file.served_as(opening.flags, (answer.stat.dev, answer.stat.ino))));
            }
        }
        Ok(Entry::ServedFile(ServedFile::new(node, access, opening.flags, filetype(&answer.stat))))
    }

    pub(in crate::wasi) fn path_stat(&self, path: &Path, follow: bool) -> Outcome<Filestat> {
        let answer = self.node.ask(WASMTIME_FS_PATH_STAT, |request| set_path(request, path, follow))?;
        Ok(filestat(&answer.stat))
    }

    pub(in crate::wasi) fn path_set_times(
        &self,
        path: &Path,
        follow: bool,
        atim: u64,
        mtim: u64,
        flags: Fstflags,
    ) -> Outcome {
        let times = Times::new(atim, mtim, flags)?;
        self.change(WASMTIME_FS_PATH_SET_TIMES, |request| {
            set_path(request, path, follow);
            times.fill(request);
        })
    }

    pub(in crate::wasi) fn create_directory(&self, path: &Path) -> Outcome {
        self.change(WASMTIME_FS_MAKE_DIR, |request| set_path(request, path, false))
    }

    pub(in crate::wasi) fn remove_directory(&self, path: &Path) -> Outcome {
        self.change(WASMTIME_FS_REMOVE_DIR, |request| set_path(request, path, false))
    }

    /// Removes anything but a directory.
    pub(in crate::wasi) fn unlink(&self, path: &Path) -> Outcome {
        self.change(WASMTIME_FS_UNLINK, |request| set_path(request, path, false))
    }

    pub(in crate::wasi) fn rename(&self, path: &Path, to: &ServedDir, to_path: &Path) -> Outcome {
        self.change_two(WASMTIME_FS_RENAME, path, to, to_path)
    }

    /// Gives a file one more name. A symbolic link is linked itself.
    pub(in crate::wasi) fn link(&self, path: &Path, to: &ServedDir, to_path: &Path) -> Outcome {
        self.change_two(WASMTIME_FS_LINK, path, to, to_path)
    }

    /// Makes a symbolic link.
    pub(in crate::wasi) fn symlink(&self, target: &Path, path: &Path) -> Outcome {
        self.change(WASMTIME_FS_SYMLINK, |request| {
            set_path(request, path, false);
            set_second_path(request, target);
        })
    }

    /// Asks for a change, if the guest may make one.
    fn change(&self, what: u32, fill: impl FnOnce(&mut wasmtime_binding_fs_request_t)) -> Outcome {
        self.check_writable()?;
        self.node.ask(what, fill)?;
        Ok(())
    }

    /// Asks for a change of two paths. Those of two bindings are as if they lay on different file systems.
    fn change_two(&self, what: u32, path: &Path, to: &ServedDir, to_path: &Path) -> Outcome {
        to.check_writable()?;
        if !ptr::fn_addr_eq(self.node.callback, to.node.callback) {
            return Err(Errno::Xdev.into());
        }
        self.change(what, |request| {
            set_path(request, path, false);
            set_second_path(request, to_path);
            request.to_env = to.node.env;
        })
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

    /// Sets the times of the directory itself.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Outcome {
        let times = Times::new(atim, mtim, flags)?;
        self.change(WASMTIME_FS_SET_TIMES, |request| times.fill(request))
    }

    /// Makes the entries safe, if there may be new ones.
    pub(in crate::wasi) fn sync(&self) -> Outcome {
        if self.writable { self.change(WASMTIME_FS_SYNC, |_| ()) } else { Ok(()) }
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

    /// Lets go of it; of the last one, the guest hears what comes of that.
    pub(in crate::wasi) fn close(self) -> Outcome {
        Arc::into_inner(self.node).map_or(Ok(()), Node::close)
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

fn set_second_path(request: &mut wasmtime_binding_fs_request_t, path: &Path) {
    let bytes = path.as_os_str().as_encoded_bytes();
    request.to_path = bytes.as_ptr();
    request.to_path_len = bytes.len();
}
