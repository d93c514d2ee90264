//! What the Go module adds to Wasmtime's C API.
//!
//! Two families of functions, all declared in `wasmtime/ext.h`. `wasmtime_context_*`, `wasmtime_linker_*` and the like
//! extend the C API for anyone. `wasmtime_binding_*` serves language bindings: what the official API does with several
//! crossings, with an abort, or not at all, done in one guarded crossing.
//!
//! Every function that can fail runs in the guard of `guard.rs`. Nothing here keeps global state but what the system
//! has only one of: a signal (`wake/interrupt.rs`), a device (`wasi/host`).

#![allow(non_camel_case_types, reason = "C names")]

mod backtrace;
mod call;
mod cast;
mod compile;
mod component;
mod config;
mod deadline;
mod describe;
mod engine;
mod error;
mod externals;
mod guard;
mod hostcall;
mod instantiate;
mod limits;
mod lookup;
mod record;
mod store;
mod values;
mod version;
mod wake;
mod wasi;

pub use call::*;
pub use compile::*;
pub use component::*;
pub use config::*;
pub use deadline::*;
pub use describe::*;
pub use engine::*;
pub use error::*;
pub use externals::*;
pub use hostcall::*;
pub use instantiate::*;
pub use limits::*;
pub use lookup::*;
pub use record::*;
pub use store::*;
pub use values::*;
pub use version::*;
pub use wasi::*;
