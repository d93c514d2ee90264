//! How the functions of WASI 0.2 fail: with the errors of WASI 0.1, in the words of 0.2.

use super::enter::Wasi;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wasi::fault::{Errno, Fault, Outcome};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode as NetworkCode;
use wasmtime_wasi::p2::{IoError, SocketResult};

/// What a function returns that can fail: to the component, or by ending it.
pub(super) type Answer<T, E = ErrorCode> = Result<std::result::Result<T, E>>;

/// The answer of a function of `wasi:filesystem`.
pub(super) fn answer<T>(outcome: Outcome<T>) -> Answer<T> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Fault::Errno(errno)) => Ok(Err(code(errno))),
        Err(Fault::Trap(error)) => Err(error),
    }
}

/// The answer of a function of `wasi:sockets`.
pub(super) fn socket_answer<T>(result: SocketResult<T>) -> Answer<T, NetworkCode> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// The outcome of a function that has no word for an error: whatever it is ends the component.
pub(super) fn or_trap<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(|fault| match fault {
        Fault::Errno(Errno::Mfile) => too_many(),
        Fault::Errno(errno) => wasmtime::Error::new(Failed(errno)),
        Fault::Trap(error) => error,
    })
}

/// There are as many resources as there may be.
#[cold]
fn too_many() -> wasmtime::Error {
    let message = "a component, or the host for it, would have more resources of WASI than it may";
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_HANDLE_LIMIT, message)
}

/// An error of WASI 0.1 as an error of Rust, for what is behind an `error` of `wasi:io`.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Errno);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Failed {}

impl Wasi<'_> {
    pub(super) fn filesystem_error_code(&mut self, error: Resource<IoError>) -> Result<Option<ErrorCode>> {
        let error: &IoError = self.get(error.rep())?;
        Ok(error.downcast_ref::<Failed>().map(|failed| code(failed.0)))
    }

    pub(super) fn network_error_code(&mut self, error: Resource<IoError>) -> Result<Option<NetworkCode>> {
        let error: &IoError = self.get(error.rep())?;
        Ok(error.downcast_ref::<Failed>().map(|failed| network_code(failed.0)))
    }

    pub(super) fn error_text(&mut self, error: Resource<IoError>) -> Result<String> {
        let error: &IoError = self.get(error.rep())?;
        Ok(format!("{error:?}"))
    }

    pub(super) fn drop_error(&mut self, number: u32) -> Result<()> {
        self.take::<IoError>(number).map(drop)
    }
}

/// An error of files in the words of WASI 0.2.
pub(super) fn code(errno: Errno) -> ErrorCode {
    match errno {
        Errno::Acces => ErrorCode::Access,
        Errno::Again => ErrorCode::WouldBlock,
        Errno::Already => ErrorCode::Already,
        Errno::Badf => ErrorCode::BadDescriptor,
        Errno::Busy => ErrorCode::Busy,
        Errno::Deadlk => ErrorCode::Deadlock,
        // There is no word for a table that is full.
        Errno::Dquot | Errno::Mfile | Errno::Nfile => ErrorCode::Quota,
        Errno::Exist => ErrorCode::Exist,
        Errno::Fbig => ErrorCode::FileTooLarge,
        Errno::Ilseq => ErrorCode::IllegalByteSequence,
        Errno::Inprogress => ErrorCode::InProgress,
        Errno::Intr => ErrorCode::Interrupted,
        Errno::Inval => ErrorCode::Invalid,
        Errno::Isdir => ErrorCode::IsDirectory,
        Errno::Loop => ErrorCode::Loop,
        Errno::Mlink => ErrorCode::TooManyLinks,
        Errno::Msgsize => ErrorCode::MessageSize,
        Errno::Nametoolong => ErrorCode::NameTooLong,
        Errno::Nodev => ErrorCode::NoDevice,
        Errno::Noent => ErrorCode::NoEntry,
        Errno::Nolck => ErrorCode::NoLock,
        Errno::Nomem => ErrorCode::InsufficientMemory,
        Errno::Nospc => ErrorCode::InsufficientSpace,
        Errno::Notdir => ErrorCode::NotDirectory,
        Errno::Notempty => ErrorCode::NotEmpty,
        Errno::Notrecoverable => ErrorCode::NotRecoverable,
        Errno::Nosys | Errno::Notsup | Errno::Notsock => ErrorCode::Unsupported,
        Errno::Notty => ErrorCode::NoTty,
        Errno::Nxio => ErrorCode::NoSuchDevice,
        Errno::Overflow => ErrorCode::Overflow,
        Errno::Perm => ErrorCode::NotPermitted,
        Errno::Pipe => ErrorCode::Pipe,
        Errno::Rofs => ErrorCode::ReadOnly,
        Errno::Spipe => ErrorCode::InvalidSeek,
        Errno::Txtbsy => ErrorCode::TextFileBusy,
        Errno::Xdev => ErrorCode::CrossDevice,
        _ => ErrorCode::Io,
    }
}

/// Whether an error is one of connections, for which the words about files have nothing.
pub(super) fn is_of_connection(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::Connaborted
            | Errno::Connrefused
            | Errno::Connreset
            | Errno::Hostunreach
            | Errno::Netdown
            | Errno::Netunreach
            | Errno::Notconn
            | Errno::Timedout
    )
}

/// An error of a connection in the words of WASI 0.2.
pub(super) fn network_code(errno: Errno) -> NetworkCode {
    match errno {
        Errno::Acces | Errno::Perm => NetworkCode::AccessDenied,
        Errno::Addrinuse => NetworkCode::AddressInUse,
        Errno::Addrnotavail => NetworkCode::AddressNotBindable,
        Errno::Again => NetworkCode::WouldBlock,
        Errno::Connaborted => NetworkCode::ConnectionAborted,
        Errno::Connrefused => NetworkCode::ConnectionRefused,
        Errno::Connreset | Errno::Pipe => NetworkCode::ConnectionReset,
        Errno::Inval => NetworkCode::InvalidArgument,
        Errno::Mfile | Errno::Nfile => NetworkCode::NewSocketLimit,
        Errno::Destaddrreq | Errno::Isconn | Errno::Notconn => NetworkCode::InvalidState,
        Errno::Afnosupport | Errno::Noprotoopt | Errno::Notsup | Errno::Protonosupport | Errno::Prototype => {
            NetworkCode::NotSupported
        }
        Errno::Nomem | Errno::Nobufs => NetworkCode::OutOfMemory,
        Errno::Hostunreach | Errno::Netunreach | Errno::Netdown => NetworkCode::RemoteUnreachable,
        Errno::Timedout => NetworkCode::Timeout,
        _ => NetworkCode::Unknown,
    }
}
