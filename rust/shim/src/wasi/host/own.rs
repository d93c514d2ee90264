//! What belongs to the guest's descriptor alone: its access mode and its flags. The same on every system.

use super::kind::Kind;
use super::{HostFile, rights};
use crate::wasi::fault::Errno;
use wasmtime_wasi::p1::types::{Fdflags, Fdstat};

impl HostFile {
    /// Takes the flags with which a guest has opened the file.
    pub(super) fn open_with(&mut self, flags: Fdflags) {
        self.append = flags.contains(Fdflags::APPEND);
        self.nonblock = flags.contains(Fdflags::NONBLOCK);
        self.sync = flags & (Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC);
    }

    /// The file, as one that a guest has opened in a file system which the binding serves, where this is its device and
    /// its inode. Where they are the host's, so is all else that there is to know of it.
    pub(in crate::wasi) fn served_as(mut self, flags: Fdflags, identity: (u64, u64)) -> HostFile {
        self.open_with(flags);
        if !self.stat().is_ok_and(|stat| (stat.dev, stat.ino) == identity) {
            self.served = Some(Box::new(identity));
        }
        self
    }

    /// The kind; only the table hands out files, and it has looked at them.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Other)
    }

    /// `EBADF` unless the guest may read.
    #[inline]
    pub(in crate::wasi) fn check_readable(&self) -> Result<(), Errno> {
        if self.access.reads() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// `EBADF` unless the guest may write.
    #[inline]
    pub(in crate::wasi) fn check_writable(&self) -> Result<(), Errno> {
        if self.access.writes() { Ok(()) } else { Err(Errno::Badf) }
    }

    /// File type, flags and rights of the guest's descriptor.
    pub(in crate::wasi) fn fdstat(&self) -> Fdstat {
        let mut flags = self.sync;
        flags.set(Fdflags::APPEND, self.append);
        flags.set(Fdflags::NONBLOCK, self.nonblock);
        rights::file(self.kind(), self.access, flags)
    }

    /// Sets the flags of the guest's descriptor. Those of the host's open file stay as they are.
    ///
    /// `EINVAL` for new flags that say how writes are synchronised: like Linux, WASI cannot change them on an open
    /// file. `EPERM` for taking back the appending to which the host's file is bound.
    pub(in crate::wasi) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        if (flags - self.sync).intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval);
        }
        let append = flags.contains(Fdflags::APPEND);
        if self.always_append && !append {
            return Err(Errno::Perm);
        }
        self.append = append;
        self.nonblock = flags.contains(Fdflags::NONBLOCK);
        Ok(())
    }

    /// Whether reading and writing have a position, and never wait for another side.
    pub(in crate::wasi) fn seeks(&self) -> bool {
        self.kind().seeks()
    }

    /// Whether it is a socket of any kind.
    pub(in crate::wasi) fn is_socket(&self) -> bool {
        self.kind().is_socket()
    }

    /// Whether it is a connection or a listener.
    pub(in crate::wasi) fn is_stream_socket(&self) -> bool {
        matches!(self.kind(), Kind::SocketStream | Kind::Listener)
    }

    /// Whether it is a listener.
    pub(in crate::wasi) fn listens(&self) -> bool {
        self.kind() == Kind::Listener
    }

    /// Whether it is a terminal, as far as a guest is concerned.
    pub(in crate::wasi) fn is_terminal(&self) -> bool {
        self.kind() == Kind::Terminal
    }

    /// Runs a call that may wait, or must not, whatever the guest's descriptor says.
    pub(in crate::wasi) fn waiting<T>(&mut self, may_wait: bool, call: impl FnOnce(&HostFile) -> T) -> T {
        let before = std::mem::replace(&mut self.nonblock, !may_wait);
        let result = call(self);
        self.nonblock = before;
        result
    }

    /// Runs a call that writes at the end, whatever the guest's descriptor says.
    pub(in crate::wasi) fn appending<T>(&mut self, call: impl FnOnce(&HostFile) -> T) -> T {
        let before = std::mem::replace(&mut self.append, true);
        let result = call(self);
        self.append = before;
        result
    }

    /// Says whether the guest's descriptor is not to wait.
    pub(in crate::wasi) fn set_nonblock(&mut self, nonblock: bool) {
        self.nonblock = nonblock;
    }
}
