//! `wasi:filesystem`.

use super::bytes::{self, Given, Later, Placed, Read, Reading};
use super::enter::Wasi;
use super::fault::{Answer, answer, or_trap};
use super::nodes::{AnyDir, Node, Shared};
use super::streams::{Input, Output, Source};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{HostDir, HostFile, Opening, check_path};
use crate::wasi::memory::{Span, Spans};
use crate::wasi::served::ServedFile;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p1::types::{Advice as Advice1, Fdflags, Filestat, Filetype, Fstflags, Oflags, Rights};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

/// As many bytes as one read returns at most, as upstream has it.
pub(super) const MOST_READ: usize = 64 * 1024;

/// Linux's `PATH_MAX`, which counts a zero at the end. No operating system takes more.
const PATH_MAX: usize = 4096;

/// A function on a file of either kind: `file!(node, bad, |file| call)` with the error of a directory.
macro_rules! file {
    ($node:expr, $not:expr, |$file:ident| $call:expr) => {
        match $node {
            Node::File(file) => {
                let $file = file.borrow();
                $call?
            }
            Node::ServedFile(file) => {
                let $file = file.borrow();
                $call?
            }
            Node::Dir(_) | Node::ServedDir(_) => return Err($not.into()),
        }
    };
}

/// A function on a directory of either kind.
macro_rules! dir {
    ($node:expr, |$dir:ident| $call:expr) => {
        match $node.dir()? {
            AnyDir::Host($dir) => $call?,
            AnyDir::Served($dir) => $call?,
        }
    };
}

/// A function on all kinds.
macro_rules! any {
    ($node:expr, |$it:ident| $call:expr) => {
        match $node {
            Node::Dir($it) => $call?,
            Node::ServedDir($it) => $call?,
            other => file!(other, Errno::Badf, |$it| $call),
        }
    };
}

/// What `descriptor.read` returns.
pub(super) type ReadAt = std::result::Result<(Vec<u8>, bool), ErrorCode>;

impl Read for ReadAt {
    type Placed = std::result::Result<(Placed, bool), ErrorCode>;

    fn placed(bytes: Placed) -> Self::Placed {
        Ok((bytes, false))
    }

    fn read(wasi: &mut Wasi<'_>, later: &Later, room: Span) -> Result<std::result::Result<usize, ReadAt>> {
        let read = wasi.read_at(later.number, later.offset, room)?;
        Ok(match answer(read)? {
            Ok(0) => Err(Ok((Vec::new(), true))),
            Ok(n) => Ok(n),
            Err(code) => Err(Err(code)),
        })
    }
}

/// How large a file is, if that says how much can be read of it; otherwise 0.
pub(super) fn regular_size(file: &HostFile) -> u64 {
    match file.stat() {
        Ok(stat) if stat.filetype == Filetype::RegularFile => stat.size,
        _ => 0,
    }
}

/// The entries of a directory, on their way to a component.
struct Entries {
    dir: Node,
    /// What has been read, as WASI 0.1 lays it out.
    bytes: Vec<u8>,
    at: usize,
    /// Where the next read goes on.
    cookie: u64,
    /// Whether there is more to be read.
    more: bool,
}

impl Wasi<'_> {
    /// The preopened directories: all descriptors of the store that have a name.
    pub(super) fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let mut found = Vec::new();
        for entry in self.state.descriptors.iter() {
            let Some(name) = entry.name() else { continue };
            let node = match entry {
                Entry::Dir(dir) => Node::Dir(Box::new(dir.another()?)),
                Entry::ServedDir(dir) => Node::ServedDir(Box::new(dir.another())),
                _ => continue,
            };
            found.push((node, name.to_owned()));
        }
        let descriptor = |(node, name)| Ok((or_trap(self.new_descriptor(node))?, name));
        found.into_iter().map(descriptor).collect()
    }

    pub(super) fn read_via_stream(
        &mut self,
        this: Resource<Descriptor>,
        offset: u64,
    ) -> Answer<Resource<DynInputStream>> {
        let source = self.file_source(&this, true)?;
        answer(source.and_then(|source| Ok(Resource::new_own(self.push(Input::new(source, offset))?))))
    }

    pub(super) fn write_via_stream(
        &mut self,
        this: Resource<Descriptor>,
        offset: u64,
    ) -> Answer<Resource<DynOutputStream>> {
        let source = self.file_source(&this, false)?;
        answer(source.and_then(|source| Ok(Resource::new_own(self.push(Output::new(source, Some(offset)))?))))
    }

    pub(super) fn append_via_stream(&mut self, this: Resource<Descriptor>) -> Answer<Resource<DynOutputStream>> {
        let source = self.file_source(&this, false)?;
        answer(source.and_then(|source| Ok(Resource::new_own(self.push(Output::new(source, None))?))))
    }

    /// The file behind a descriptor, if it can be read or written.
    fn file_source(&self, this: &Resource<Descriptor>, reads: bool) -> Result<Outcome<Source>> {
        let check = |can_read: Result<(), Errno>, can_write: Result<(), Errno>| match reads {
            true => can_read,
            // What upstream says of a file that may only be read.
            false => can_write.map_err(|_| Errno::Perm),
        };
        Ok(match self.node(this)? {
            Node::File(file) => {
                let checked = check(file.borrow().check_readable(), file.borrow().check_writable());
                checked.map(|()| Source::File(file.clone())).map_err(Fault::from)
            }
            Node::ServedFile(file) => {
                let checked = check(file.borrow().check_readable(), file.borrow().check_writable());
                checked.map(|()| Source::Served(file.clone())).map_err(Fault::from)
            }
            Node::Dir(_) | Node::ServedDir(_) => Err(if reads { Errno::Isdir } else { Errno::Badf }.into()),
        })
    }

    pub(super) fn advise(&mut self, this: Resource<Descriptor>, offset: u64, len: u64, advice: Advice) -> Answer<()> {
        let advice = match advice {
            Advice::Normal => Advice1::Normal,
            Advice::Sequential => Advice1::Sequential,
            Advice::Random => Advice1::Random,
            Advice::WillNeed => Advice1::Willneed,
            Advice::DontNeed => Advice1::Dontneed,
            Advice::NoReuse => Advice1::Noreuse,
        };
        answer(match self.node(&this)? {
            Node::File(file) => file.borrow().advise(offset, len, advice).map_err(Fault::from),
            Node::ServedFile(_) => ServedFile::advise(len, advice).map_err(Fault::from),
            Node::Dir(_) | Node::ServedDir(_) => Err(Errno::Badf.into()),
        })
    }

    pub(super) fn sync(&mut self, this: Resource<Descriptor>) -> Answer<()> {
        answer(sync(self.node(&this)?, false))
    }

    pub(super) fn sync_data(&mut self, this: Resource<Descriptor>) -> Answer<()> {
        answer(sync(self.node(&this)?, true))
    }

    pub(super) fn get_flags(&mut self, this: Resource<Descriptor>) -> Answer<DescriptorFlags> {
        let node = self.node(&this)?;
        answer((|| {
            let set = any!(node, |it| Ok::<_, Fault>(it.fdstat().fs_flags));
            Ok(flags(node, set))
        })())
    }

    pub(super) fn get_type(&mut self, this: Resource<Descriptor>) -> Answer<DescriptorType> {
        let node = self.node(&this)?;
        answer((|| Ok(any!(node, |it| Ok::<_, Fault>(kind(it.fdstat().fs_filetype)))))())
    }

    pub(super) fn set_size(&mut self, this: Resource<Descriptor>, size: u64) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            file!(node, Errno::Badf, |file| file.check_writable().map_err(|_| Errno::Perm));
            file!(node, Errno::Badf, |file| file.set_size(size));
            Ok(())
        })())
    }

    pub(super) fn set_times(
        &mut self,
        this: Resource<Descriptor>,
        atim: NewTimestamp,
        mtim: NewTimestamp,
    ) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let (atim, mtim, set) = times(atim, mtim)?;
            any!(node, |it| it.set_times(atim, mtim, set));
            Ok(())
        })())
    }

    pub(super) fn read(&mut self, this: Resource<Descriptor>, len: u64, offset: u64) -> Result<Reading<ReadAt>> {
        let len = usize::try_from(len).unwrap_or(MOST_READ).min(MOST_READ);
        let size = match self.node(&this)? {
            Node::File(file) if bytes::worthwhile(len) => regular_size(&file.borrow()),
            _ => 0,
        };
        if let Some(n) = bytes::found(size, offset, len) {
            return Ok(self.later(this.rep(), offset, n));
        }
        let mut bytes = vec![0; len];
        let read = self.read_at(this.rep(), offset, Span { base: bytes.as_mut_ptr(), len })?;
        let read = answer(read.map(|n| {
            bytes.truncate(n);
            (bytes, n == 0)
        }));
        read.map(Reading::Done)
    }

    /// Reads at an offset.
    pub(super) fn read_at(&mut self, number: u32, offset: u64, room: Span) -> Result<Outcome<usize>> {
        let waker = self.state.waker();
        let spans = Spans::one(room);
        Ok(match self.get::<Node>(number)? {
            Node::File(file) => file.borrow().pread(&spans, offset, waker),
            Node::ServedFile(file) => file.borrow().pread(&spans, offset),
            Node::Dir(_) | Node::ServedDir(_) => Err(Errno::Badf.into()),
        })
    }

    pub(super) fn write(&mut self, this: Resource<Descriptor>, bytes: Given, offset: u64) -> Answer<u64> {
        let waker = self.state.waker();
        let node = self.node(&this)?;
        let spans = Spans::one(bytes.span());
        answer((|| {
            file!(node, Errno::Badf, |file| file.check_writable().map_err(|_| Errno::Perm));
            let n = match node {
                Node::File(file) => file.borrow().pwrite(&spans, offset, waker)?,
                Node::ServedFile(file) => file.borrow().pwrite(&spans, offset)?,
                Node::Dir(_) | Node::ServedDir(_) => return Err(Errno::Badf.into()),
            };
            Ok(n as u64)
        })())
    }

    pub(super) fn read_directory(&mut self, this: Resource<Descriptor>) -> Answer<Resource<DirectoryEntryStream>> {
        let node = self.node(&this)?;
        let dir = match node.dir() {
            Ok(AnyDir::Host(dir)) => dir.another().map(|dir| Node::Dir(Box::new(dir))).map_err(|_| Errno::Io),
            Ok(AnyDir::Served(dir)) => Ok(Node::ServedDir(Box::new(dir.another()))),
            Err(errno) => Err(errno),
        };
        answer((|| {
            let dir = dir?;
            self.count_descriptor()?;
            match self.push(Entries { dir, bytes: Vec::new(), at: 0, cookie: 0, more: true }) {
                Ok(number) => Ok(Resource::new_own(number)),
                Err(fault) => {
                    self.uncount_descriptor();
                    Err(fault)
                }
            }
        })())
    }

    pub(super) fn read_directory_entry(
        &mut self,
        this: Resource<DirectoryEntryStream>,
    ) -> Answer<Option<DirectoryEntry>> {
        let (waker, fuel) = (self.state.waker(), self.fuel);
        let listed = self.state.listed.clone();
        let entries: &mut Entries = self.get_mut(this.rep())?;
        answer(entries.next(|dir, cookie, room| dir.read_entries(cookie, room, (&listed, fuel), waker)))
    }

    pub(super) fn drop_entries(&mut self, number: u32) -> Result<()> {
        self.take::<Entries>(number)?;
        self.uncount_descriptor();
        Ok(())
    }

    pub(super) fn create_directory_at(&mut self, this: Resource<Descriptor>, path: String) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let path = path_below(node, path)?;
            dir!(node, |dir| dir.create_directory(&path));
            Ok(())
        })())
    }

    pub(super) fn stat(&mut self, this: Resource<Descriptor>) -> Answer<DescriptorStat> {
        answer(self.node(&this)?.stat().map(stat))
    }

    pub(super) fn stat_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Answer<DescriptorStat> {
        answer(stat_at(self.node(&this)?, flags, path).map(stat))
    }

    pub(super) fn set_times_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        atim: NewTimestamp,
        mtim: NewTimestamp,
    ) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let path = path_below(node, path)?;
            let (atim, mtim, set) = times(atim, mtim)?;
            dir!(node, |dir| dir.path_set_times(&path, follows(flags), atim, mtim, set));
            Ok(())
        })())
    }

    /// `invalid` when a symbolic link is to be followed, as upstream has it.
    pub(super) fn link_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        to: Resource<Descriptor>,
        to_path: String,
    ) -> Answer<()> {
        let (from, to) = (self.node(&this)?, self.node(&to)?);
        answer((|| {
            let (path, to_path) = (path_below(from, path)?, path_below(to, to_path)?);
            if follows(flags) {
                return Err(Errno::Inval.into());
            }
            match (from.dir()?, to.dir()?) {
                (AnyDir::Host(from), AnyDir::Host(to)) => Ok(from.link(&path, to, &to_path)?),
                (AnyDir::Served(from), AnyDir::Served(to)) => from.link(&path, to, &to_path),
                _ => Err(Errno::Xdev.into()),
            }
        })())
    }

    pub(super) fn open_at(
        &mut self,
        this: Resource<Descriptor>,
        follow: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Resource<Descriptor>> {
        answer((|| {
            // A full table must be found out before anything is created.
            self.count_descriptor()?;
            let opened = open(self.node(&this)?, follow, path, how, flags);
            self.uncount_descriptor();
            self.new_descriptor(opened?)
        })())
    }

    pub(super) fn readlink_at(&mut self, this: Resource<Descriptor>, path: String) -> Answer<String> {
        let node = self.node(&this)?;
        answer((|| {
            let path = path_below(node, path)?;
            let target = match node.dir()? {
                AnyDir::Host(dir) => dir.read_link(&path)?,
                AnyDir::Served(dir) => dir.read_link(&path, PATH_MAX)?,
            };
            String::from_utf8(target).map_err(|_| Errno::Ilseq.into())
        })())
    }

    pub(super) fn remove_directory_at(&mut self, this: Resource<Descriptor>, path: String) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let path = path_below(node, path)?;
            dir!(node, |dir| dir.remove_directory(&path));
            Ok(())
        })())
    }

    pub(super) fn rename_at(
        &mut self,
        this: Resource<Descriptor>,
        path: String,
        to: Resource<Descriptor>,
        to_path: String,
    ) -> Answer<()> {
        let (from, to) = (self.node(&this)?, self.node(&to)?);
        answer((|| {
            let (path, to_path) = (path_below(from, path)?, path_below(to, to_path)?);
            match (from.dir()?, to.dir()?) {
                (AnyDir::Host(from), AnyDir::Host(to)) => Ok(from.rename(&path, to, &to_path)?),
                (AnyDir::Served(from), AnyDir::Served(to)) => from.rename(&path, to, &to_path),
                _ => Err(Errno::Xdev.into()),
            }
        })())
    }

    pub(super) fn symlink_at(&mut self, this: Resource<Descriptor>, target: String, path: String) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let (target, path) = (path_below(node, target)?, path_below(node, path)?);
            dir!(node, |dir| dir.symlink(&target, &path));
            Ok(())
        })())
    }

    pub(super) fn unlink_file_at(&mut self, this: Resource<Descriptor>, path: String) -> Answer<()> {
        let node = self.node(&this)?;
        answer((|| {
            let path = path_below(node, path)?;
            dir!(node, |dir| dir.unlink(&path));
            Ok(())
        })())
    }

    pub(super) fn is_same_object(&mut self, this: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        let identity = |stat: Filestat| (stat.dev, stat.ino);
        let one = or_trap(self.node(&this)?.stat()).map(identity)?;
        Ok(or_trap(self.node(&other)?.stat()).map(identity)? == one)
    }

    pub(super) fn metadata_hash(&mut self, this: Resource<Descriptor>) -> Answer<MetadataHashValue> {
        answer(self.node(&this)?.stat().map(|stat| hash(&stat)))
    }

    pub(super) fn metadata_hash_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Answer<MetadataHashValue> {
        answer(stat_at(self.node(&this)?, flags, path).map(|stat| hash(&stat)))
    }
}

impl Entries {
    /// The bytes before the name of an entry: a cookie, an inode, the length of the name, a file type.
    const HEAD: usize = 24;

    /// How many bytes are read at a time: what any entry fits into.
    const ROOM: usize = 32 * 1024;

    /// The next entry but `.` and `..`, which components do not see.
    fn next(&mut self, list: impl Fn(&mut HostDir, u64, usize) -> Outcome<Vec<u8>>) -> Outcome<Option<DirectoryEntry>> {
        loop {
            let Some((cookie, name, filetype)) = self.whole() else {
                if !self.more {
                    return Ok(None);
                }
                self.fill(&list)?;
                if self.more && self.whole().is_none() {
                    return Err(self.leave_out().into());
                }
                continue;
            };
            self.at += Entries::HEAD + name.len();
            self.cookie = cookie;
            if matches!(&name[..], b"." | b"..") {
                continue;
            }
            let name = String::from_utf8(name).map_err(|_| Errno::Ilseq)?;
            return Ok(Some(DirectoryEntry { type_: kind(filetype), name }));
        }
    }

    /// Goes on behind an entry that does not fit, of which there is the head. Only a binding has such names.
    fn leave_out(&mut self) -> Errno {
        self.cookie = self.bytes.first_chunk().map_or(self.cookie, |cookie| u64::from_le_bytes(*cookie));
        self.bytes.clear();
        Errno::Nametoolong
    }

    /// The next entry, if all of it has been read.
    fn whole(&self) -> Option<(u64, Vec<u8>, Filetype)> {
        let rest = &self.bytes[self.at..];
        let head: &[u8; Entries::HEAD] = rest.first_chunk()?;
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let len = number(16) as u32 as usize;
        let name = rest.get(Entries::HEAD..Entries::HEAD + len)?;
        let filetype = Filetype::try_from(head[20]).unwrap_or(Filetype::Unknown);
        Some((number(0), name.to_vec(), filetype))
    }

    fn fill(&mut self, list: &impl Fn(&mut HostDir, u64, usize) -> Outcome<Vec<u8>>) -> Outcome {
        self.at = 0;
        // There are none if that fails.
        let mut bytes = std::mem::take(&mut self.bytes);
        match &mut self.dir {
            Node::Dir(dir) => bytes = list(dir, self.cookie, Entries::ROOM)?,
            Node::ServedDir(dir) => {
                bytes.resize(Entries::ROOM, 0);
                let span = Span { base: bytes.as_mut_ptr(), len: bytes.len() };
                let n = dir.read_entries(self.cookie, span)?;
                bytes.truncate(n as usize);
            }
            Node::File(_) | Node::ServedFile(_) => return Err(Errno::Notdir.into()),
        }
        // Less than there is room for is the end.
        self.more = bytes.len() == Entries::ROOM;
        self.bytes = bytes;
        Ok(())
    }
}

/// A path that a component has given, below a directory.
fn path_below(node: &Node, path: String) -> Outcome<PathBuf> {
    if path.len() >= PATH_MAX {
        return Err(Errno::Nametoolong.into());
    }
    let path = PathBuf::from(path);
    if !matches!(node, Node::ServedDir(_)) {
        check_path(&path)?;
    }
    Ok(path)
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

fn open(node: &Node, follow: PathFlags, path: String, how: OpenFlags, flags: DescriptorFlags) -> Outcome<Node> {
    let path = path_below(node, path)?;
    let mut opening =
        Opening { follow: follows(follow), oflags: Oflags::empty(), rights: Rights::empty(), flags: Fdflags::empty() };
    opening.oflags.set(Oflags::CREAT, how.contains(OpenFlags::CREATE));
    opening.oflags.set(Oflags::DIRECTORY, how.contains(OpenFlags::DIRECTORY));
    opening.oflags.set(Oflags::EXCL, how.contains(OpenFlags::EXCLUSIVE));
    opening.oflags.set(Oflags::TRUNC, how.contains(OpenFlags::TRUNCATE));
    opening.rights.set(Rights::FD_READ, flags.contains(DescriptorFlags::READ));
    opening.rights.set(Rights::FD_WRITE, flags.contains(DescriptorFlags::WRITE));
    opening.flags.set(Fdflags::SYNC, flags.contains(DescriptorFlags::FILE_INTEGRITY_SYNC));
    opening.flags.set(Fdflags::DSYNC, flags.contains(DescriptorFlags::DATA_INTEGRITY_SYNC));
    opening.flags.set(Fdflags::RSYNC, flags.contains(DescriptorFlags::REQUESTED_WRITE_SYNC));
    Ok(Node::new(dir!(node, |dir| dir.open(&path, &opening)))?)
}

fn sync(node: &Node, data_only: bool) -> Outcome {
    match node {
        Node::Dir(dir) => Ok(dir.sync(data_only)?),
        Node::ServedDir(dir) => dir.sync(),
        Node::File(file) => Ok(file.borrow().sync(data_only)?),
        Node::ServedFile(file) => file.borrow().sync(),
    }
}

fn stat_at(node: &Node, flags: PathFlags, path: String) -> Outcome<Filestat> {
    let path = path_below(node, path)?;
    Ok(dir!(node, |dir| dir.path_stat(&path, follows(flags))))
}

fn flags(node: &Node, flags: Fdflags) -> DescriptorFlags {
    let mut all = DescriptorFlags::empty();
    let mut set = |flag, on| {
        if on {
            all |= flag;
        }
    };
    let (reads, writes, changes) = match node {
        Node::Dir(dir) => (true, false, dir.is_writable()),
        Node::ServedDir(dir) => (true, false, dir.is_writable()),
        Node::File(file) => can(file, |file| (file.check_readable(), file.check_writable())),
        Node::ServedFile(file) => can(file, |file| (file.check_readable(), file.check_writable())),
    };
    set(DescriptorFlags::READ, reads);
    set(DescriptorFlags::WRITE, writes);
    set(DescriptorFlags::MUTATE_DIRECTORY, changes);
    set(DescriptorFlags::FILE_INTEGRITY_SYNC, flags.contains(Fdflags::SYNC));
    set(DescriptorFlags::DATA_INTEGRITY_SYNC, flags.contains(Fdflags::DSYNC));
    set(DescriptorFlags::REQUESTED_WRITE_SYNC, flags.contains(Fdflags::RSYNC));
    all
}

/// What can be done with a file.
fn can<T>(file: &Shared<T>, check: impl Fn(&T) -> (Result<(), Errno>, Result<(), Errno>)) -> (bool, bool, bool) {
    let (reads, writes) = check(&file.borrow());
    (reads.is_ok(), writes.is_ok(), false)
}

fn kind(filetype: Filetype) -> DescriptorType {
    match filetype {
        Filetype::BlockDevice => DescriptorType::BlockDevice,
        Filetype::CharacterDevice => DescriptorType::CharacterDevice,
        Filetype::Directory => DescriptorType::Directory,
        Filetype::RegularFile => DescriptorType::RegularFile,
        Filetype::SocketDgram | Filetype::SocketStream => DescriptorType::Socket,
        Filetype::SymbolicLink => DescriptorType::SymbolicLink,
        Filetype::Unknown => DescriptorType::Unknown,
    }
}

fn stat(stat: Filestat) -> DescriptorStat {
    let time = |ns: u64| Some(Datetime { seconds: ns / NANOS, nanoseconds: (ns % NANOS) as u32 });
    DescriptorStat {
        type_: kind(stat.filetype),
        link_count: stat.nlink,
        size: stat.size,
        data_access_timestamp: time(stat.atim),
        data_modification_timestamp: time(stat.mtim),
        status_change_timestamp: time(stat.ctim),
    }
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// New times as WASI 0.1 has them.
fn times(atim: NewTimestamp, mtim: NewTimestamp) -> Outcome<(u64, u64, Fstflags)> {
    let mut flags = Fstflags::empty();
    let mut time = |time, set, now| match time {
        NewTimestamp::NoChange => Ok(0),
        NewTimestamp::Now => {
            flags |= now;
            Ok(0)
        }
        NewTimestamp::Timestamp(at) => {
            flags |= set;
            at.seconds.checked_mul(NANOS).and_then(|ns| ns.checked_add(at.nanoseconds.into())).ok_or(Errno::Overflow)
        }
    };
    let atim = time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?;
    let mtim = time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?;
    Ok((atim, mtim, flags))
}

/// What is the same for the same file, and hardly for another.
fn hash(stat: &Filestat) -> MetadataHashValue {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, stat.dev, stat.ino).hash(&mut hasher);
        hasher.finish()
    };
    MetadataHashValue { lower: half(0), upper: half(1) }
}
