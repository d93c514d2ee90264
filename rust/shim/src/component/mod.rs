//! Components for a binding: whole messages instead of values.
//!
//! The arguments of a call are one message, its results another. A message has the canonical ABI's own memory layout
//! (32-bit, little-endian): at offset 0 the tuple of the parameters or of the results, behind it what pointers refer
//! to. Where a guest would have an address, a message has an offset from its start. So most of a value is copied as a
//! block, and only what cannot be copied is gone through: strings, lists and handles, and what a guest may have filled
//! with nonsense (`lift.rs`).
//!
//! In a message to a guest, a pointer whose highest bit is set stands for a segment: memory of the host's outside of
//! the message, for long lists. In a message from a guest, each block is aligned as its type wants, and there are no
//! segments. A string is UTF-8 with a length in bytes, whatever the guest's encoding; a map is a list of pairs. Handles
//! of resources that the host defines are the host's own numbers; those of all others are indices into the store's
//! table (`handles.rs`).
//!
//! All of a message to a guest is checked before that is entered (`check.rs`), because a failure behind that leaves the
//! instance unusable. What comes from a guest is paid for with the store's hostcall fuel.
//!
//! The types that go through upstream's hidden traits are in `call.rs` for exports and in `host.rs` for imports. These
//! traits are no part of upstream's promise; what the shim relies on is checked below when it is compiled, and by the
//! tests, which send each type each way.

mod buffer;
mod call;
mod check;
mod describe;
mod func;
mod handles;
mod host;
mod instance;
mod lift;
mod linker;
mod load;
mod lower;
mod message;
mod path;
mod plan;
mod plans;
mod resource;
mod state;
#[cfg(test)]
mod tests;
mod wasi;
mod wide;

pub use call::*;
pub use describe::*;
pub use func::*;
pub use host::*;
pub use instance::*;
pub use linker::*;
pub use load::*;
pub use message::wasmtime_binding_component_segment_t;
pub use state::*;
pub use wasi::*;

pub(crate) use call::frame;
pub(crate) use linker::define_at;
pub(crate) use state::State;

use wasmtime::ValRaw;
use wasmtime::component::__internal::wasmtime_environ::component::{MAX_FLAT_PARAMS, MAX_FLAT_RESULTS};

// What `call.rs` and `host.rs` take for granted.
const _: () = assert!(cfg!(target_endian = "little"));
const _: () = assert!(size_of::<ValRaw>() == 16 && align_of::<[ValRaw; 0]>() == align_of::<ValRaw>());
const _: () = assert!(MAX_FLAT_PARAMS == 16 && MAX_FLAT_RESULTS == 1);

/// What the C API keeps in a store.
type Data = wasmtime_c_api::WasmtimeStoreData;
