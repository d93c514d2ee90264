//! What a guest's descriptor says of itself.

use super::AccessMode;
use super::kind::Kind;
use wasmtime_wasi::p1::types::{Fdflags, Fdstat, Filetype, Rights};

/// File type, flags and rights of a file.
pub(super) fn file(kind: Kind, access: AccessMode, flags: Fdflags) -> Fdstat {
    let mut rights = Rights::FD_FDSTAT_SET_FLAGS | Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE;
    if kind.seeks() {
        rights |= Rights::FD_SEEK | Rights::FD_TELL;
    }
    if matches!(kind, Kind::Regular | Kind::BlockDevice) {
        rights |= Rights::FD_ADVISE | Rights::FD_SYNC | Rights::FD_DATASYNC;
    }
    if kind.is_socket() {
        rights |= Rights::SOCK_SHUTDOWN;
    }
    rights.set(Rights::SOCK_ACCEPT, kind == Kind::Listener);
    rights.set(Rights::FD_READ, access.reads());
    if access.writes() {
        rights |= Rights::FD_WRITE | Rights::FD_FILESTAT_SET_TIMES;
        if kind == Kind::Regular {
            rights |= Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE;
        }
    }
    Fdstat {
        fs_filetype: kind.filetype(),
        fs_flags: flags,
        fs_rights_base: rights,
        fs_rights_inheriting: Rights::empty(),
    }
}

/// File type, flags and rights of a directory. C libraries give what they open no other rights than the inheriting ones
/// here, so these are all that there are; what is refused below a read-only directory is refused by the call.
pub(in crate::wasi) fn directory(flags: Fdflags) -> Fdstat {
    let base = Rights::PATH_CREATE_DIRECTORY
        | Rights::PATH_CREATE_FILE
        | Rights::PATH_LINK_SOURCE
        | Rights::PATH_LINK_TARGET
        | Rights::PATH_OPEN
        | Rights::PATH_READLINK
        | Rights::PATH_RENAME_SOURCE
        | Rights::PATH_RENAME_TARGET
        | Rights::PATH_SYMLINK
        | Rights::PATH_REMOVE_DIRECTORY
        | Rights::PATH_UNLINK_FILE
        | Rights::PATH_FILESTAT_GET
        | Rights::PATH_FILESTAT_SET_TIMES
        | Rights::FD_READDIR
        | Rights::FD_FILESTAT_GET
        | Rights::FD_FILESTAT_SET_TIMES
        | Rights::FD_FDSTAT_SET_FLAGS
        | Rights::FD_SYNC
        | Rights::FD_DATASYNC;
    let inheriting = base
        | Rights::FD_READ
        | Rights::FD_WRITE
        | Rights::FD_SEEK
        | Rights::FD_TELL
        | Rights::FD_ADVISE
        | Rights::FD_ALLOCATE
        | Rights::FD_FILESTAT_SET_SIZE
        | Rights::POLL_FD_READWRITE;
    Fdstat { fs_filetype: Filetype::Directory, fs_flags: flags, fs_rights_base: base, fs_rights_inheriting: inheriting }
}
