//! The guest's descriptor numbers.

use super::fault::Errno;
use super::host::HostFile;

/// The number of descriptors that a guest can have, Linux's default for a process (`fs.nr_open`). A table takes memory in
/// proportion to the highest number that was ever open in it.
pub(super) const LIMIT: u32 = 1 << 20;

/// What is behind a number.
pub(super) enum Entry {
    /// A descriptor of upstream's implementation, by its number there.
    Inner(u32),
    /// A file of the host.
    Host(HostFile),
}

/// The table: numbers from 0, the lowest free one first, as in POSIX.
#[derive(Default)]
pub(super) struct Descriptors {
    entries: Vec<Option<Entry>>,
    /// No number below this one is free.
    hint: usize,
}

impl Descriptors {
    /// The open descriptor with this number, or `EBADF`.
    #[inline]
    pub(super) fn get(&mut self, fd: i32) -> Result<&mut Entry, Errno> {
        match self.entries.get_mut(fd.cast_unsigned() as usize) {
            Some(Some(entry)) => {
                if let Entry::Host(file) = entry {
                    file.look()?;
                }
                Ok(entry)
            }
            _ => Err(Errno::Badf),
        }
    }

    /// The host file with this number, which [`Descriptors::get`] has found before.
    pub(super) fn file(&self, fd: i32) -> Option<&HostFile> {
        match self.entries.get(fd.cast_unsigned() as usize) {
            Some(Some(Entry::Host(file))) => Some(file),
            _ => None,
        }
    }

    /// Whether this number is open.
    pub(super) fn is_open(&self, fd: u32) -> bool {
        matches!(self.entries.get(fd as usize), Some(Some(_)))
    }

    /// The lowest free number, or `EMFILE`. It stays free.
    pub(super) fn lowest_free(&mut self) -> Result<u32, Errno> {
        while matches!(self.entries.get(self.hint), Some(Some(_))) {
            self.hint += 1;
        }
        if self.hint < LIMIT as usize { Ok(self.hint as u32) } else { Err(Errno::Mfile) }
    }

    /// Puts `entry` at `fd`, which must be below [`LIMIT`], and returns what was there.
    pub(super) fn put(&mut self, fd: u32, entry: Entry) -> Option<Entry> {
        let at = fd as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, || None);
        }
        self.entries[at].replace(entry)
    }

    /// Takes what is at `fd` and frees the number.
    pub(super) fn take(&mut self, fd: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(fd as usize)?.take()?;
        self.hint = self.hint.min(fd as usize);
        Some(entry)
    }
}
