//! What a host descriptor can be.

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
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is none but the one that swallows everything"))]
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
    #[cfg(unix)]
    pub(super) fn is_device(self) -> bool {
        matches!(self, Kind::Device | Kind::Null)
    }

    /// Whether reading and writing can have to wait for the other side.
    #[cfg(unix)]
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
