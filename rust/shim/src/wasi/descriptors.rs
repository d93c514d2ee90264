//! The guest's descriptor numbers.

use super::fault::Errno;
use super::host::{HostDir, HostFile};
use super::served::{ServedDir, ServedFile};
use super::stream::Stream;

/// The number of descriptors that a guest can have, Linux's default for a process (`fs.nr_open`). A table takes
/// memory in proportion to the highest number that was ever open in it.
pub(super) const LIMIT: u32 = 1 << 20;

/// The number of descriptors that a guest can have before it may not open more, if nobody has set another: what Linux
/// lets a process have at first. Each may cost the host a descriptor of its own, and the host has not many more.
pub(super) const MAX_RESOURCES: usize = 1024;

/// How many numbers there is room for at first: standard streams, some directories and files.
const FIRST: usize = 8;

/// What is behind a number.
pub(super) enum Entry {
    /// A descriptor of upstream's implementation, by its number there.
    Inner(u32),
    /// A directory of the host.
    Dir(Box<HostDir>),
    /// A file of the host.
    Host(HostFile),
    /// A stream that the binding serves.
    Stream(Stream),
    /// A directory that the binding serves.
    ServedDir(Box<ServedDir>),
    /// A file that the binding serves.
    ServedFile(ServedFile),
}

impl Entry {
    /// The guest's name of a preopened directory.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Entry::Dir(dir) => dir.name(),
            Entry::ServedDir(dir) => dir.name(),
            _ => None,
        }
    }
}

/// Two directories that one call is about.
pub(super) enum TwoDirs<'a> {
    /// Both are the host's.
    Host(&'a HostDir, &'a HostDir),
    /// The binding serves both.
    Served(&'a ServedDir, &'a ServedDir),
}

/// The table: numbers from 0, the lowest free one first, as in POSIX.
pub(super) struct Descriptors {
    entries: Vec<Option<Entry>>,
    /// No number below this one is free.
    hint: usize,
    /// How many are open.
    open: usize,
    /// How many may be open before the guest may not open more.
    pub(super) max: usize,
}

impl Default for Descriptors {
    fn default() -> Self {
        Descriptors { entries: Vec::new(), hint: 0, open: 0, max: MAX_RESOURCES }
    }
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

    /// The stream with this number, which [`Descriptors::get`] has found before.
    pub(super) fn stream(&self, fd: i32) -> Option<&Stream> {
        match self.entries.get(fd.cast_unsigned() as usize) {
            Some(Some(Entry::Stream(stream))) => Some(stream),
            _ => None,
        }
    }

    /// The directory of the host with this number, or `ENOTDIR`.
    pub(super) fn dir(&mut self, fd: i32) -> Result<&mut HostDir, Errno> {
        match self.get(fd)? {
            Entry::Dir(dir) => Ok(dir),
            _ => Err(Errno::Notdir),
        }
    }

    /// Two directories of one kind, which may be one. With one of each, it is as if they lay on different file systems.
    pub(super) fn two_dirs(&self, a: i32, b: i32) -> Result<TwoDirs<'_>, Errno> {
        let entry = |fd: i32| match self.entries.get(fd.cast_unsigned() as usize) {
            Some(Some(entry)) => Ok(entry),
            _ => Err(Errno::Badf),
        };
        match (entry(a)?, entry(b)?) {
            (Entry::Dir(a), Entry::Dir(b)) => Ok(TwoDirs::Host(a, b)),
            (Entry::ServedDir(a), Entry::ServedDir(b)) => Ok(TwoDirs::Served(a, b)),
            (Entry::Dir(_) | Entry::ServedDir(_), Entry::Dir(_) | Entry::ServedDir(_)) => Err(Errno::Xdev),
            _ => Err(Errno::Notdir),
        }
    }

    /// All that are open, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    /// Whether this number is open.
    pub(super) fn is_open(&self, fd: u32) -> bool {
        matches!(self.entries.get(fd as usize), Some(Some(_)))
    }

    /// The number that the next thing gets which the guest opens itself, or `EMFILE`. It stays free.
    pub(super) fn next(&mut self) -> Result<u32, Errno> {
        if self.open < self.max { self.lowest_free() } else { Err(Errno::Mfile) }
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
            self.entries.reserve((at + 1 - self.entries.len()).max(FIRST));
            self.entries.resize_with(at + 1, || None);
        }
        let replaced = self.entries[at].replace(entry);
        self.open += usize::from(replaced.is_none());
        replaced
    }

    /// Takes what is at `fd` and frees the number.
    pub(super) fn take(&mut self, fd: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(fd as usize)?.take()?;
        self.hint = self.hint.min(fd as usize);
        self.open -= 1;
        Some(entry)
    }
}
