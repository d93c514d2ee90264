//! Files of the host on Windows.
//!
//! `file.rs` is one of them, `transfer.rs`, `pipe.rs`, `console.rs` and `socket.rs` what a guest can do with it,
//! `dir/` the same for a directory and the paths below it; `sys.rs` holds the calls of the system, `wait.rs` and
//! `afd.rs` wait, `later.rs` is a write that goes on after the guest's call has returned.
//!
//! What the host passes is a `HANDLE`, opened with `FILE_FLAG_OVERLAPPED` or without. Neither the mode nor anything
//! else that its open file shares with the host is changed: no `FIONBIO`, no `PIPE_NOWAIT`, no `WSAEventSelect`, no
//! completion port. An overlapped operation has an event with the lowest bit set, so that the host's completion port
//! hears nothing of it.

mod afd;
mod console;
mod dir;
mod errno;
mod file;
mod kind;
mod later;
mod pipe;
mod socket;
mod sys;
mod times;
mod transfer;
mod wait;

pub(in crate::wasi) use dir::{HostDir, check_path, is_directory};
pub(super) use errno::from_io;
pub(in crate::wasi) use file::HostFile;
pub(in crate::wasi) use wait::Waiter;

use super::kind::Kind;
use super::{
    AccessMode, Direction, NewTime, Opening, Readiness, Woken, bad_host_file, check_kind, in_parts, listing, new_times,
    served_stat, writable,
};
