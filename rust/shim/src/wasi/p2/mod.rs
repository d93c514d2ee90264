//! WASI 0.2, for components.
//!
//! What the host gives is the same as for WASI 0.1, and is kept by the same [`State`](super::State): standard streams
//! are the descriptors 0, 1 and 2 of a store, and its named descriptors are the preopened directories. Files,
//! directories, streams and file systems of the binding are those of `host/`, `stream.rs` and `served/`; so a component
//! is served on the calling thread, by the same sandbox and with the same errors as a module, on every system. Sockets
//! are upstream's, but for connections and listeners that the host has given (`tcp.rs`): upstream's host functions do
//! not wait, and the one that does is ours.
//!
//! The types that cross are upstream's, and so is the resource table: what its sockets put in there lies beside what is
//! ours. A resource of WIT that is both, a stream or a pollable, is told apart by what lies in the table.
//!
//! - `linker.rs` names all functions, and defines them one by one, under whatever version a component asks for.
//! - `enter.rs` is what each of them starts with, `fault.rs` how they fail.
//! - `bytes.rs` is how bytes cross.
//! - `cli.rs`, `clocks.rs`, `random.rs`, `files.rs`, `streams.rs` and `sockets.rs` are the functions themselves.
//! - `hand.rs` is what the host hands over, and drops; `used.rs` is what it does itself with resources.
//! - `nodes.rs` is what a descriptor stands for, and `poll.rs` the only place that waits.

mod bytes;
mod cli;
mod clocks;
mod enter;
mod fault;
mod files;
mod hand;
mod hosted;
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
pub(crate) use hand::{drop_resource, hand_error, hand_over};
pub use linker::*;
pub(crate) use taken::Apart;
pub use taken::{wasmtime_binding_taken_callback_t, wasmtime_wasi_taken_t};
pub use used::*;
pub(crate) use used::{forget, is_kind, number_of, opened, take_out, use_resource};
