//! What a host descriptor can be.

use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, Stat};
use wasmtime_wasi::p1::types::Filetype;

/// The kinds that differ in what a guest can do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    /// A pipe or a named one.
    Pipe,
    /// A character device without a position: a terminal, most often.
    Terminal,
    /// A character device that can be sought, such as `/dev/null`.
    Device,
    BlockDevice,
    Directory,
    SocketStream,
    SocketDgram,
    /// Anything else that has a descriptor: an event counter, a timer.
    Other,
}

impl Kind {
    /// Finds the kind of an open descriptor.
    pub(super) fn of(fd: BorrowedFd<'_>, stat: &Stat) -> Kind {
        match FileType::from_raw_mode(stat.st_mode as _) {
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Directory,
            FileType::Fifo => Kind::Pipe,
            FileType::BlockDevice => Kind::BlockDevice,
            FileType::CharacterDevice => match rustix::fs::seek(fd, rustix::fs::SeekFrom::Current(0)) {
                Ok(_) => Kind::Device,
                Err(_) => Kind::Terminal,
            },
            FileType::Socket => match rustix::net::sockopt::socket_type(fd) {
                Ok(rustix::net::SocketType::DGRAM) => Kind::SocketDgram,
                _ => Kind::SocketStream,
            },
            _ => Kind::Other,
        }
    }

    /// The file type that the guest sees. WASI 0.1 has none for a pipe.
    pub(super) fn filetype(self) -> Filetype {
        match self {
            Kind::Regular => Filetype::RegularFile,
            Kind::Terminal | Kind::Device => Filetype::CharacterDevice,
            Kind::BlockDevice => Filetype::BlockDevice,
            Kind::Directory => Filetype::Directory,
            Kind::SocketStream => Filetype::SocketStream,
            Kind::SocketDgram => Filetype::SocketDgram,
            Kind::Pipe | Kind::Other => Filetype::Unknown,
        }
    }

    /// Whether there is a position to seek.
    pub(super) fn seeks(self) -> bool {
        matches!(self, Kind::Regular | Kind::Device | Kind::BlockDevice | Kind::Directory)
    }

    /// Whether reading and writing can have to wait for the other side.
    #[inline]
    pub(super) fn waits(self) -> bool {
        !matches!(self, Kind::Regular | Kind::BlockDevice | Kind::Directory)
    }

    /// Whether writing can raise `SIGPIPE`.
    pub(super) fn breaks(self) -> bool {
        matches!(self, Kind::Pipe | Kind::SocketStream | Kind::SocketDgram)
    }

    /// Whether reading or writing no bytes at all does nothing, so that it needs no system call.
    #[inline]
    pub(super) fn ignores_empty(self) -> bool {
        !matches!(self, Kind::Directory | Kind::SocketDgram | Kind::SocketStream | Kind::Other)
    }
}
