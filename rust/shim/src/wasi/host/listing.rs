//! The entries of a directory at one moment.

use crate::wasi::fault::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime_wasi::p1::types::{Dircookie, Filetype};

/// After how many entries it is looked whether the guest has to stop.
#[cfg(unix)]
pub(super) const SOME: usize = 1024;

/// How many bytes the listings of a store take.
#[derive(Clone, Default)]
pub(in crate::wasi) struct Listed(Arc<AtomicUsize>);

/// The entries as they were when the guest began to read. A cookie is the number of entries before it, so it stays good
/// whatever is created or removed meanwhile.
pub(super) struct Listing {
    entries: Vec<Entry>,
    /// All names, one after the other.
    names: Vec<u8>,
    /// Where its bytes count.
    listed: Listed,
    bytes: usize,
    /// How many bytes there may be in all listings.
    most: usize,
}

struct Entry {
    inode: u64,
    filetype: Filetype,
    /// Where its name ends in `names`; it starts where the one before ends.
    end: usize,
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.listed.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Listing {
    /// No entries. All listings that count in `listed` may take `most` bytes.
    pub(super) fn new(listed: &Listed, most: usize) -> Listing {
        Listing { entries: Vec::new(), names: Vec::new(), listed: listed.clone(), bytes: 0, most }
    }

    /// The number of entries.
    #[cfg(unix)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry at the end, or says `ENOMEM`.
    pub(super) fn push(&mut self, name: &[u8], inode: u64, filetype: Filetype) -> Result<(), Errno> {
        let bytes = size_of::<Entry>() + name.len();
        self.bytes += bytes;
        if self.listed.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.most {
            return Err(Errno::Nomem);
        }
        self.names.extend_from_slice(name);
        self.entries.push(Entry { inode, filetype, end: self.names.len() });
        Ok(())
    }

    /// Sets an entry's inode.
    #[cfg(windows)]
    pub(super) fn set_inode(&mut self, entry: usize, inode: u64) {
        self.entries[entry].inode = inode;
    }

    /// Gives back the memory that was not needed.
    pub(super) fn finish(mut self) -> Listing {
        self.entries.shrink_to_fit();
        self.names.shrink_to_fit();
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Listings share what they may take, and give it back.
    #[test]
    fn listings_share_their_room() {
        let listed = Listed::default();
        let entry = size_of::<Entry>() + 4;
        let mut first = Listing::new(&listed, 3 * entry);
        let mut second = Listing::new(&listed, 3 * entry);
        assert_eq!(first.push(b"name", 1, Filetype::RegularFile), Ok(()));
        assert_eq!(second.push(b"name", 1, Filetype::RegularFile), Ok(()));
        assert_eq!(first.push(b"name", 1, Filetype::RegularFile), Ok(()));
        assert_eq!(second.push(b"name", 1, Filetype::RegularFile), Err(Errno::Nomem));
        drop(second);
        assert_eq!(first.push(b"name", 1, Filetype::RegularFile), Ok(()));
        drop(first);
        assert_eq!(listed.0.load(Ordering::Relaxed), 0);
    }
}
