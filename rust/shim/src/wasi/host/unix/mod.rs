//! Files of the host on Unix.
//!
//! `file.rs` is one of them, `transfer.rs` and `socket.rs` what a guest can do with it, `dir/` the same for a
//! directory and the paths below it; `sys.rs` holds the calls that need raw pointers, `system.rs` those that are not
//! the same on all systems, with `apple/` for macOS, `sigpipe.rs` and `wait.rs` what blocking and broken pipes take.

#[cfg(target_vendor = "apple")]
mod apple;
mod dir;
mod errno;
mod file;
mod kind;
mod sigpipe;
mod socket;
mod sys;
#[cfg(not(target_vendor = "apple"))]
mod system;
mod times;
mod transfer;
mod wait;

#[cfg(target_vendor = "apple")]
use apple as system;
pub(in crate::wasi) use dir::{HostDir, is_directory};
pub(super) use errno::from_io;
pub(in crate::wasi) use file::HostFile;
pub(in crate::wasi) use wait::Waiter;

use super::kind::Kind;
use super::{
    AccessMode, Direction, NewTime, Opening, PART, Readiness, Woken, bad_host_file, check_kind, in_parts, listing,
    new_times, served_stat, writable,
};
