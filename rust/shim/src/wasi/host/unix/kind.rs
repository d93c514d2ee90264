//! How the kind of a descriptor is found.

use super::{Kind, system};
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, Stat};
use wasmtime_wasi::p1::types::Filetype;

impl Kind {
    /// Finds the kind of an open descriptor.
    pub(super) fn of(fd: BorrowedFd<'_>, stat: &Stat) -> Kind {
        match FileType::from_raw_mode(stat.st_mode as _) {
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Directory,
            FileType::Fifo => Kind::Pipe,
            FileType::BlockDevice => Kind::BlockDevice,
            FileType::CharacterDevice if system::is_null(stat) => Kind::Null,
            FileType::CharacterDevice if system::is_terminal(fd) => Kind::Terminal,
            FileType::CharacterDevice => Kind::Device,
            FileType::Socket if system::is_listener(fd) => Kind::Listener,
            FileType::Socket => match rustix::net::sockopt::socket_type(fd) {
                Ok(rustix::net::SocketType::DGRAM) => Kind::SocketDgram,
                _ => Kind::SocketStream,
            },
            _ => Kind::Other,
        }
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
