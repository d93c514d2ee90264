//! Compiling and loading the Go guest of about four megabytes.

use crate::bench::{Bench, Timer};
use wasmtime::{Config, Engine, Module, Result, Strategy, format_err};

pub const ALL: &[Bench] = &[
    ("CompileCranelift", |t| compile(t, Strategy::Cranelift, true)),
    ("CompileCraneliftOneThread", |t| compile(t, Strategy::Cranelift, false)),
    ("CompileWinch", |t| compile(t, Strategy::Winch, true)),
    ("CompileWinchOneThread", |t| compile(t, Strategy::Winch, false)),
    ("LoadBytes", load_bytes),
    ("LoadFile", load_file),
    ("LoadFileSmall", |t| load(t, SMALL)),
];

const SMALL: &[u8] = include_bytes!("../../../testdata/guests/small.wasm");

/// The Go guest.
pub fn big_guest() -> Result<Vec<u8>> {
    let path = std::env::var("BENCH_GUEST").map_err(|_| format_err!("BENCH_GUEST is not set"))?;
    Ok(std::fs::read(path)?)
}

/// An op is a compilation of the guest.
fn compile(timer: &mut Timer, strategy: Strategy, parallel: bool) -> Result<()> {
    let wasm = big_guest()?;
    let engine = Engine::new(Config::new().strategy(strategy).parallel_compilation(parallel))?;
    timer.each(|| Module::new(&engine, &wasm).map(drop))
}

/// An op is a module made from its serialised bytes, and its end.
fn load_bytes(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let data = Module::new(&engine, big_guest()?)?.serialize()?;
    // SAFETY: the bytes were made by the same engine.
    timer.each(|| unsafe { Module::deserialize(&engine, &data) }.map(drop))
}

fn load_file(timer: &mut Timer) -> Result<()> {
    load(timer, &big_guest()?)
}

/// An op is a module made from a mapped file, and its end.
fn load(timer: &mut Timer, wasm: &[u8]) -> Result<()> {
    let engine = Engine::default();
    let path = std::env::temp_dir().join(format!("rustfloor-{}.cwasm", std::process::id()));
    std::fs::write(&path, Module::new(&engine, wasm)?.serialize()?)?;
    // SAFETY: the file was made by the same engine, and nobody else writes to it.
    let result = timer.each(|| unsafe { Module::deserialize_file(&engine, &path) }.map(drop));
    std::fs::remove_file(&path)?;
    result
}
