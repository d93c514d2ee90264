//! Errors of the operating system as WASI knows them.

use crate::wasi::fault::{Errno, Fault};
use rustix::io::Errno as Host;

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
    match (Host::from_io_error(&error), error.kind()) {
        (Some(host), _) => errno(host),
        (None, ErrorKind::PermissionDenied) => Errno::Perm,
        (None, ErrorKind::NotFound) => Errno::Noent,
        (None, ErrorKind::InvalidInput) => Errno::Inval,
        (None, _) => Errno::Io,
    }
}

macro_rules! table {
    ($($host:ident => $guest:ident),* $(,)?) => {
        /// Translates an error number; what WASI has no name for is `EIO`.
        #[cold]
        pub(super) fn errno(host: Host) -> Errno {
            // `EOPNOTSUPP` and `ENOTSUP` may be one number or two.
            if host == Host::NOTSUP || host == Host::OPNOTSUPP {
                return Errno::Notsup;
            }
            match host {
                $(Host::$host => Errno::$guest,)*
                _ => Errno::Io,
            }
        }
    };
}

table! {
    TOOBIG => TooBig,
    ACCESS => Acces,
    ADDRINUSE => Addrinuse,
    ADDRNOTAVAIL => Addrnotavail,
    AFNOSUPPORT => Afnosupport,
    AGAIN => Again,
    BADF => Badf,
    BUSY => Busy,
    CONNABORTED => Connaborted,
    CONNREFUSED => Connrefused,
    CONNRESET => Connreset,
    DEADLK => Deadlk,
    DESTADDRREQ => Destaddrreq,
    DQUOT => Dquot,
    EXIST => Exist,
    FAULT => Fault,
    FBIG => Fbig,
    HOSTDOWN => Hostunreach,
    HOSTUNREACH => Hostunreach,
    ILSEQ => Ilseq,
    INTR => Intr,
    INVAL => Inval,
    ISCONN => Isconn,
    ISDIR => Isdir,
    LOOP => Loop,
    MFILE => Mfile,
    MLINK => Mlink,
    MSGSIZE => Msgsize,
    NAMETOOLONG => Nametoolong,
    NETDOWN => Netdown,
    NETUNREACH => Netunreach,
    NFILE => Nfile,
    NOBUFS => Nobufs,
    NODEV => Nodev,
    NOENT => Noent,
    NOMEM => Nomem,
    NOPROTOOPT => Noprotoopt,
    NOSPC => Nospc,
    NOSYS => Nosys,
    NOTCONN => Notconn,
    NOTDIR => Notdir,
    NOTEMPTY => Notempty,
    NOTSOCK => Notsock,
    NOTTY => Notty,
    NXIO => Nxio,
    OVERFLOW => Overflow,
    PERM => Perm,
    PIPE => Pipe,
    PROTONOSUPPORT => Protonosupport,
    ROFS => Rofs,
    SPIPE => Spipe,
    STALE => Stale,
    TIMEDOUT => Timedout,
    TXTBSY => Txtbsy,
    XDEV => Xdev,
}
