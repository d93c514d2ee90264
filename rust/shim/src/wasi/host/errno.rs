//! Errors of the operating system as WASI knows them.

use crate::wasi::fault::{Errno, Fault};
use rustix::io::Errno as Host;

impl From<Host> for Fault {
    fn from(host: Host) -> Self {
        Fault::Errno(errno(host))
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
    INTR => Intr,
    INVAL => Inval,
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
    ROFS => Rofs,
    SPIPE => Spipe,
    STALE => Stale,
    TIMEDOUT => Timedout,
    TXTBSY => Txtbsy,
    XDEV => Xdev,
}
