//! WASI 0.2, for components.
//!
//! What the host gives is the same as for WASI 0.1, and is kept by the same [`State`](super::State): standard streams
//! are the descriptors 0, 1 and 2 of a store, and its named descriptors are the preopened directories. Files,
//! directories, streams and file systems of the binding are those of `host/`, `stream.rs` and `served/`; so a component
//! is served on the calling thread, by the same sandbox and with the same errors as a module, on every system. So are
//! TCP sockets, a component's own and those that the host has given. UDP and the look-up of names are upstream's, whose
//! host functions do not wait: what waits is ours.
//!
//! The types that cross are upstream's, and so is the resource table: what its sockets put in there lies beside what is
//! ours. A pollable, which is both, is told apart by what it says.
//!
//! - `linker.rs` names all functions, and defines them one by one, under whatever version a component asks for.
//! - `enter.rs` is what each of them starts with, `fault.rs` how they fail.
//! - `bytes.rs` is how bytes cross.
//! - `cli.rs`, `clocks.rs`, `random.rs`, `files.rs`, `streams.rs`, `tcp.rs` and `sockets.rs` are the functions
//!   themselves.
//! - `hand.rs` is what the host hands over, and drops; `used.rs` is what it does itself with resources, and `taken.rs`
//!   what it takes out of a store.
//! - `nodes.rs` is what a descriptor stands for, and `poll.rs` the only place that waits.

mod bytes;
mod cli;
mod clocks;
mod enter;
mod fault;
mod files;
mod hand;
mod linker;
mod nodes;
mod poll;
mod random;
mod sockets;
mod streams;
mod taken;
mod tcp;
#[cfg(test)]
mod tests;
mod used;

pub(in crate::wasi) use enter::Second;
pub use hand::*;
pub(crate) use hand::{drop_resource, hand_error, hand_over, is_ours};
pub(crate) use linker::Undropped;
pub use linker::*;
pub(crate) use taken::Apart;
pub use taken::{wasmtime_binding_taken_callback_t, wasmtime_wasi_taken_t};
pub use used::*;
pub(crate) use used::{forget, is_kind, number_of, opened, take_out, use_resource};
