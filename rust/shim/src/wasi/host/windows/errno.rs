//! Errors of Windows as WASI knows them.

use crate::wasi::fault::{Errno, Fault};
use windows_sys::Win32::Foundation as f;
use windows_sys::Win32::Networking::WinSock as w;

/// An error of the system: what `GetLastError` or `WSAGetLastError` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host(pub(super) u32);

impl Host {
    pub(super) const ABORTED: Host = Host(f::ERROR_OPERATION_ABORTED);
    pub(super) const BROKEN_PIPE: Host = Host(f::ERROR_BROKEN_PIPE);
    pub(super) const NO_DATA: Host = Host(f::ERROR_NO_DATA);
    pub(super) const NOT_CONNECTED: Host = Host(f::ERROR_PIPE_NOT_CONNECTED);
    pub(super) const EOF: Host = Host(f::ERROR_HANDLE_EOF);
    pub(super) const MORE_DATA: Host = Host(f::ERROR_MORE_DATA);
    pub(super) const ACCESS_DENIED: Host = Host(f::ERROR_ACCESS_DENIED);

    /// One of the numbers that begin with `WSA`.
    pub(super) const fn socket(code: i32) -> Host {
        Host(code.cast_unsigned())
    }

    /// The last error of this thread.
    #[cold]
    pub(super) fn last() -> Host {
        // SAFETY: it reads a value of this thread.
        Host(unsafe { f::GetLastError() })
    }

    /// The error behind a status of the kernel.
    #[cold]
    pub(super) fn of_status(status: f::NTSTATUS) -> Host {
        // SAFETY: it looks up a number.
        Host(unsafe { f::RtlNtStatusToDosError(status) })
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::io::Error::from_raw_os_error(self.0.cast_signed()).fmt(f)
    }
}

impl From<Host> for std::io::Error {
    fn from(host: Host) -> Self {
        std::io::Error::from_raw_os_error(host.0.cast_signed())
    }
}

impl From<Host> for Fault {
    fn from(host: Host) -> Self {
        Fault::Errno(errno(host))
    }
}

/// The error of a library: the operating system's number, if there is one. A path that leads out of its directory has
/// none and is `EPERM`.
#[cold]
pub(in crate::wasi::host) fn from_io(error: std::io::Error) -> Errno {
    use std::io::ErrorKind;
    match (error.raw_os_error(), error.kind()) {
        (Some(code), _) => errno(Host(code.cast_unsigned())),
        (None, ErrorKind::PermissionDenied) => Errno::Perm,
        (None, ErrorKind::NotFound) => Errno::Noent,
        (None, ErrorKind::InvalidInput) => Errno::Inval,
        (None, ErrorKind::AlreadyExists) => Errno::Exist,
        (None, _) => Errno::Io,
    }
}

/// Translates an error number; what WASI has no name for is `EIO`.
#[cold]
pub(super) fn errno(host: Host) -> Errno {
    match host.0 {
        f::ERROR_FILE_NOT_FOUND
        | f::ERROR_PATH_NOT_FOUND
        | f::ERROR_INVALID_NAME
        | f::ERROR_BAD_PATHNAME
        | f::ERROR_INVALID_DRIVE
        | f::ERROR_BAD_NETPATH
        | f::ERROR_BAD_NET_NAME => Errno::Noent,
        f::ERROR_ACCESS_DENIED
        | f::ERROR_SHARING_VIOLATION
        | f::ERROR_LOCK_VIOLATION
        | f::ERROR_CANT_ACCESS_FILE
        | f::ERROR_DELETE_PENDING => Errno::Acces,
        f::ERROR_PRIVILEGE_NOT_HELD | f::ERROR_UNTRUSTED_MOUNT_POINT => Errno::Perm,
        f::ERROR_INVALID_HANDLE | f::ERROR_INVALID_TARGET_HANDLE => Errno::Badf,
        f::ERROR_NOT_ENOUGH_MEMORY | f::ERROR_OUTOFMEMORY | f::ERROR_COMMITMENT_LIMIT => Errno::Nomem,
        f::ERROR_NO_SYSTEM_RESOURCES => Errno::Nobufs,
        f::ERROR_DIR_NOT_EMPTY => Errno::Notempty,
        f::ERROR_NOT_READY | f::ERROR_BUSY | f::ERROR_PATH_BUSY | f::ERROR_PIPE_BUSY => Errno::Busy,
        f::ERROR_NOT_SUPPORTED | f::ERROR_CALL_NOT_IMPLEMENTED | f::ERROR_INVALID_FUNCTION => Errno::Notsup,
        f::ERROR_FILE_EXISTS | f::ERROR_ALREADY_EXISTS => Errno::Exist,
        f::ERROR_BROKEN_PIPE | f::ERROR_NO_DATA | f::ERROR_PIPE_NOT_CONNECTED | f::ERROR_BAD_PIPE => Errno::Pipe,
        f::ERROR_BUFFER_OVERFLOW | f::ERROR_FILENAME_EXCED_RANGE => Errno::Nametoolong,
        f::ERROR_NOT_A_REPARSE_POINT | f::ERROR_NEGATIVE_SEEK | f::ERROR_INVALID_PARAMETER => Errno::Inval,
        f::ERROR_DIRECTORY => Errno::Notdir,
        f::ERROR_DIRECTORY_NOT_SUPPORTED => Errno::Isdir,
        f::ERROR_STOPPED_ON_SYMLINK | f::ERROR_CANT_RESOLVE_FILENAME => Errno::Loop,
        // What `cap-primitives` says of too many symbolic links on a way.
        f::ERROR_TOO_MANY_LINKS => Errno::Loop,
        f::ERROR_TOO_MANY_OPEN_FILES => Errno::Mfile,
        f::ERROR_DISK_FULL | f::ERROR_HANDLE_DISK_FULL => Errno::Nospc,
        f::ERROR_DISK_QUOTA_EXCEEDED => Errno::Dquot,
        f::ERROR_FILE_TOO_LARGE => Errno::Fbig,
        f::ERROR_WRITE_PROTECT => Errno::Rofs,
        f::ERROR_NOT_SAME_DEVICE => Errno::Xdev,
        f::ERROR_SEEK_ON_DEVICE => Errno::Spipe,
        f::ERROR_POSSIBLE_DEADLOCK => Errno::Deadlk,
        f::ERROR_NO_UNICODE_TRANSLATION => Errno::Ilseq,
        f::ERROR_NETNAME_DELETED => Errno::Connreset,
        code => socket_errno(code.cast_signed()),
    }
}

/// The numbers of sockets.
fn socket_errno(code: i32) -> Errno {
    match code {
        w::WSAEINTR => Errno::Intr,
        w::WSAEBADF => Errno::Badf,
        w::WSAEACCES => Errno::Acces,
        w::WSAEFAULT => Errno::Fault,
        w::WSAEINVAL => Errno::Inval,
        w::WSAEMFILE => Errno::Mfile,
        w::WSAEWOULDBLOCK => Errno::Again,
        w::WSAEINPROGRESS => Errno::Inprogress,
        w::WSAEALREADY => Errno::Already,
        w::WSAENOTSOCK => Errno::Notsock,
        w::WSAEDESTADDRREQ => Errno::Destaddrreq,
        w::WSAEMSGSIZE => Errno::Msgsize,
        w::WSAEPROTOTYPE => Errno::Prototype,
        w::WSAENOPROTOOPT => Errno::Noprotoopt,
        w::WSAEPROTONOSUPPORT => Errno::Protonosupport,
        w::WSAEOPNOTSUPP => Errno::Notsup,
        w::WSAEAFNOSUPPORT => Errno::Afnosupport,
        w::WSAEADDRINUSE => Errno::Addrinuse,
        w::WSAEADDRNOTAVAIL => Errno::Addrnotavail,
        w::WSAENETDOWN => Errno::Netdown,
        w::WSAENETUNREACH => Errno::Netunreach,
        w::WSAENETRESET => Errno::Netreset,
        w::WSAECONNABORTED => Errno::Connaborted,
        w::WSAECONNRESET => Errno::Connreset,
        w::WSAENOBUFS => Errno::Nobufs,
        w::WSAEISCONN => Errno::Isconn,
        w::WSAENOTCONN => Errno::Notconn,
        w::WSAESHUTDOWN => Errno::Pipe,
        w::WSAETIMEDOUT => Errno::Timedout,
        w::WSAECONNREFUSED => Errno::Connrefused,
        w::WSAELOOP => Errno::Loop,
        w::WSAENAMETOOLONG => Errno::Nametoolong,
        w::WSAEHOSTUNREACH | w::WSAEHOSTDOWN => Errno::Hostunreach,
        w::WSAENOTEMPTY => Errno::Notempty,
        w::WSAEDQUOT => Errno::Dquot,
        w::WSAESTALE => Errno::Stale,
        _ => Errno::Io,
    }
}
