//! `fd_readdir`: the entries of a directory at one moment.

use super::super::errno::errno;
use super::super::kind::filetype;
use super::HostDir;
use crate::wasi::fault::Errno;
use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno as Host;
use wasmtime_wasi::p1::types::{Dircookie, Filetype};

/// The entries as they were when the guest began to read. A cookie is the number of entries before it, so it stays good
/// whatever is created or removed meanwhile.
pub(super) struct Listing {
    entries: Vec<Entry>,
    /// All names, one after the other.
    names: Vec<u8>,
}

struct Entry {
    inode: u64,
    filetype: Filetype,
    /// Where its name ends in `names`; it starts where the one before ends.
    end: usize,
}

impl HostDir {
    /// Entries from a cookie on, no more than `room` bytes of them; the last may be cut off. Less than `room` is the end.
    pub(in crate::wasi) fn read_entries(&mut self, cookie: Dircookie, room: usize) -> Result<Vec<u8>, Errno> {
        if cookie == 0 || self.listing.is_none() {
            self.listing = Some(self.list().map_err(errno)?);
        }
        Ok(self.listing.as_ref().map_or_else(Vec::new, |listing| listing.read(cookie, room)))
    }

    fn list(&self) -> Result<Listing, Host> {
        let stat = rustix::fs::fstat(&self.dir)?;
        let itself = (stat.st_dev as u64, stat.st_ino as u64);
        let mut listing = Listing { entries: Vec::new(), names: Vec::new() };
        let mut dir = Dir::new(self.readable()?)?;
        // Linux has these two first on most file systems; programs may count on it.
        listing.push(b".", itself.1, Filetype::Directory);
        let parent =
            if itself == self.root { itself.1 } else { rustix::fs::statat(&self.dir, c"..", AtFlags::empty())?.st_ino };
        listing.push(b"..", parent, Filetype::Directory);
        while let Some(entry) = dir.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say. What is gone meanwhile stays unknown.
                FileType::Unknown => rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode as _)),
                known => known,
            };
            listing.push(name.to_bytes(), entry.ino(), filetype(kind));
        }
        Ok(listing)
    }
}

impl Listing {
    fn push(&mut self, name: &[u8], inode: u64, filetype: Filetype) {
        self.names.extend_from_slice(name);
        self.entries.push(Entry { inode, filetype, end: self.names.len() });
    }

    /// The entries from `cookie` on as WASI lays them out.
    fn read(&self, cookie: Dircookie, room: usize) -> Vec<u8> {
        let first = usize::try_from(cookie).unwrap_or(usize::MAX).min(self.entries.len());
        let mut start = match first {
            0 => 0,
            _ => self.entries[first - 1].end,
        };
        let mut bytes = Vec::new();
        for (next, entry) in (cookie.saturating_add(1)..).zip(&self.entries[first..]) {
            if bytes.len() >= room {
                break;
            }
            let name = &self.names[start..entry.end];
            bytes.extend_from_slice(&next.to_le_bytes());
            bytes.extend_from_slice(&entry.inode.to_le_bytes());
            bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&[entry.filetype as u8, 0, 0, 0]);
            bytes.extend_from_slice(name);
            start = entry.end;
        }
        bytes.truncate(room);
        bytes
    }
}
