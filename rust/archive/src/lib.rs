//! `libwasmtime`: nothing but re-exports, so that the linker keeps every C function of both crates.

pub use wasmtime_c_api::*;
pub use wasmtime_ext::*;
