//! Tests of WASI 0.1 over the shim's descriptor table, by guests that do nothing but call one WASI function.

mod bench;
mod descriptors;
mod errors;
mod files;
mod guest;
mod opened;
mod options;
mod pipes;
mod poll;
mod system;
mod system_components;
mod temp;
