//! WASI 0.1 over a descriptor table of our own, and WASI 0.2 over the same (`p2/`).
//!
//! `wasmtime-wasi` keeps its descriptor table private, so a host file cannot become a guest descriptor there. Here the
//! guest's numbers belong to [`descriptors::Descriptors`]: each is either a directory or a file of the host
//! ([`host::HostDir`], [`host::HostFile`]), which this module serves itself, a stream that the binding serves
//! ([`stream::Stream`]), a directory or a file of a file system that it serves ([`served::ServedDir`],
//! [`served::ServedFile`]), or a descriptor of upstream's implementation, to which a call is passed on with the number
//! translated. Upstream's are all descriptors that the C API's own configuration gave, and what was opened below those.
//!
//! - `state.rs` is what a store keeps, `find.rs` how it is found, `upstream.rs` how the store's own context is reached.
//! - `linker.rs` defines the functions of `wasi_snapshot_preview1`; `call.rs` is what each of them starts with,
//!   `guestmemory.rs` how they find the guest's memory.
//! - `fd.rs`, `path.rs`, `poll.rs`, `process.rs`, `sock.rs` are the functions themselves.
//! - `stream.rs` and `served/` are what the binding serves: streams, and file systems.
//! - `host/` is the host's side of a descriptor, `wait.rs` the only place that waits.
//! - `system/` is what else the system is for a guest: clocks, random numbers, the network.
//! - `insert.rs`, `limits.rs` and `options.rs` are the C functions.

mod call;
mod descriptors;
mod fault;
mod fd;
mod find;
mod guestmemory;
mod host;
mod insert;
mod limits;
mod linker;
mod memory;
mod options;
mod p2;
mod path;
mod poll;
mod process;
mod served;
mod sock;
mod state;
mod stream;
mod strings;
mod system;
mod upstream;

pub(crate) use guestmemory::{SoleMemory, defining_command};
pub use insert::*;
pub use limits::*;
pub use linker::*;
pub(crate) use options::configure;
pub use options::*;
pub use p2::*;
pub(crate) use p2::{
    Apart, Undropped, drop_resource, forget, hand_error, hand_over, is_kind, is_ours, number_of, opened, take_out,
    use_resource,
};
pub use served::*;
pub(crate) use state::State;
pub use stream::*;
pub use system::*;
