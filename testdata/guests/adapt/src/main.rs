//! `adapt IN OUT`: makes a component of a module of WASI 0.1, with Wasmtime's adapter for commands in it.

use std::{env, error::Error, fs};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = env::args_os().collect();
    let [_, from, to] = &args[..] else { return Err("usage: adapt IN OUT".into()) };
    let encoder = ComponentEncoder::default().module(&fs::read(from)?)?.adapter(NAME, ADAPTER)?;
    Ok(fs::write(to, encoder.validate(true).encode()?)?)
}
