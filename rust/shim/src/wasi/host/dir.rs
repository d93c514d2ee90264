//! One directory of the host, as a guest descriptor: what is the same on every system. `unix/dir/` and `windows/dir/`
//! are the rest, and the sandbox below it.

use super::listing::{Listed, Listing};
use super::rights;
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Outcome};
use std::fs::File;
use wasmtime_wasi::p1::types::{Dircookie, Fdflags, Fdstat};

/// A directory of the host, and what belongs to the guest's descriptor alone.
pub(in crate::wasi) struct HostDir {
    pub(super) dir: File,
    /// What `fd_prestat_dir_name` tells; a directory without a name is not found by looking for preopened ones.
    name: Option<String>,
    /// Whether anything below may be changed. What is opened below has the same.
    writable: bool,
    flags: Fdflags,
    /// Device and inode, or volume and index, of the directory that the host gave: the guest's root.
    pub(super) root: (u64, u64),
    /// What `fd_readdir` goes on with.
    listing: Option<Listing>,
}

impl HostDir {
    /// A directory that the host gives. `identity` is what it is in its file system.
    pub(super) fn given(dir: File, name: Option<String>, writable: bool, identity: (u64, u64)) -> HostDir {
        HostDir { dir, name, writable, flags: Fdflags::empty(), root: identity, listing: None }
    }

    /// A directory that the guest has opened below this one.
    pub(super) fn below(&self, dir: File, flags: Fdflags) -> HostDir {
        HostDir { dir, name: None, writable: self.writable, flags, root: self.root, listing: None }
    }

    /// The guest's name of a preopened directory.
    pub(in crate::wasi) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// `EPERM` unless the guest may change what is below.
    pub(super) fn check_writable(&self) -> Result<(), Errno> {
        if self.writable { Ok(()) } else { Err(Errno::Perm) }
    }

    /// Whether the guest may change what is below.
    pub(in crate::wasi) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The same directory once more: with the same rights, but without a name.
    pub(in crate::wasi) fn another(&self) -> std::io::Result<HostDir> {
        Ok(self.below(self.dir.try_clone()?, Fdflags::empty()))
    }

    /// File type, flags and rights.
    pub(in crate::wasi) fn fdstat(&self) -> Fdstat {
        rights::directory(self.flags)
    }

    /// Sets flags, which make no difference to a directory.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        if flags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval);
        }
        self.flags = flags;
        Ok(())
    }

    /// Entries from a cookie on, no more than `room` bytes of them; the last may be cut off. Less than `room` is the
    /// end. `listed` is where the listing counts, and how many bytes may count there.
    pub(in crate::wasi) fn read_entries(
        &mut self,
        cookie: Dircookie,
        room: usize,
        listed: (&Listed, usize),
        waker: Option<&Waker>,
    ) -> Outcome<Vec<u8>> {
        if cookie == 0 || self.listing.is_none() {
            self.listing = None;
            self.listing = Some(self.list(listed, waker)?);
        }
        Ok(self.listing.as_ref().map_or_else(Vec::new, |listing| listing.read(cookie, room)))
    }
}
