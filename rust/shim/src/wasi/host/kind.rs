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
    /// A character device that can be sought, such as `/dev/zero`.
    Device,
    /// The one that swallows everything: `/dev/null`.
    Null,
    BlockDevice,
    Directory,
    SocketStream,
    SocketDgram,
    /// A socket that accepts connections.
    Listener,
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
            #[cfg(target_os = "linux")]
            FileType::CharacterDevice if stat.st_rdev == libc::makedev(1, 3) => Kind::Null,
            FileType::CharacterDevice => match rustix::fs::seek(fd, rustix::fs::SeekFrom::Current(0)) {
                Ok(_) => Kind::Device,
                Err(_) => Kind::Terminal,
            },
            FileType::Socket if rustix::net::sockopt::socket_acceptconn(fd) == Ok(true) => Kind::Listener,
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
            Kind::Terminal | Kind::Device | Kind::Null => Filetype::CharacterDevice,
            Kind::BlockDevice => Filetype::BlockDevice,
            Kind::Directory => Filetype::Directory,
            Kind::SocketStream | Kind::Listener => Filetype::SocketStream,
            Kind::SocketDgram => Filetype::SocketDgram,
            Kind::Pipe | Kind::Other => Filetype::Unknown,
        }
    }

    /// Whether there is a position to seek.
    pub(super) fn seeks(self) -> bool {
        matches!(self, Kind::Regular | Kind::Device | Kind::Null | Kind::BlockDevice | Kind::Directory)
    }

    /// Whether it is a character device with a position.
    pub(super) fn is_device(self) -> bool {
        matches!(self, Kind::Device | Kind::Null)
    }

    /// Whether reading and writing can have to wait for the other side.
    #[inline]
    pub(super) fn waits(self) -> bool {
        !matches!(self, Kind::Regular | Kind::BlockDevice | Kind::Directory)
    }

    /// Whether it is a socket.
    #[inline]
    pub(super) fn is_socket(self) -> bool {
        matches!(self, Kind::SocketStream | Kind::SocketDgram | Kind::Listener)
    }

    /// Whether reading no bytes at all does nothing, so that it needs no system call.
    #[inline]
    pub(super) fn ignores_empty_reads(self) -> bool {
        !matches!(self, Kind::Directory | Kind::Other)
    }

    /// Whether writing no bytes at all does nothing, so that it needs no system call.
    #[inline]
    pub(super) fn ignores_empty_writes(self) -> bool {
        matches!(self, Kind::Regular | Kind::BlockDevice | Kind::Pipe | Kind::Null)
    }
}

/// The file type of what is not open: all that is known of a socket is that it is one.
pub(super) fn filetype(of: FileType) -> Filetype {
    match of {
        FileType::RegularFile => Filetype::RegularFile,
        FileType::Directory => Filetype::Directory,
        FileType::Symlink => Filetype::SymbolicLink,
        FileType::CharacterDevice => Filetype::CharacterDevice,
        FileType::BlockDevice => Filetype::BlockDevice,
        FileType::Socket => Filetype::SocketStream,
        _ => Filetype::Unknown,
    }
}
