//! The entries of a directory at one moment.

use wasmtime_wasi::p1::types::{Dircookie, Filetype};

/// After how many entries it is looked whether the guest has to stop.
pub(super) const SOME: usize = 1024;

/// The entries as they were when the guest began to read. A cookie is the number of entries before it, so it stays good
/// whatever is created or removed meanwhile.
#[derive(Default)]
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

impl Listing {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry at the end.
    pub(super) fn push(&mut self, name: &[u8], inode: u64, filetype: Filetype) {
        self.names.extend_from_slice(name);
        self.entries.push(Entry { inode, filetype, end: self.names.len() });
    }

    /// The entries from `cookie` on as WASI lays them out.
    pub(super) fn read(&self, cookie: Dircookie, room: usize) -> Vec<u8> {
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
