//! WASI 0.2: upstream's own implementation, on the calling thread where it can be.

use crate::bench::{Bench, Timer};
use crate::calls::{HELLO_OUTPUT, LOOPS, pooling};
use wasmtime::component::{Component, ComponentNamedList, InstancePre, Lift, Linker, Lower, ResourceTable, TypedFunc};
use wasmtime::{Config, Engine, Result, Store, ensure, format_err};
use wasmtime_wasi::p2::add_to_linker_sync;
use wasmtime_wasi::p2::bindings::sync::CommandPre;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

pub const ALL: &[Bench] = &[
    ("Wasi2Clock", clock),
    ("Wasi2Hello", |t| hello(t, Config::new())),
    ("Wasi2HelloPooling", |t| hello(t, pooling())),
    ("Wasi2Read", |t| read(t, "read")),
    ("Wasi2ReadAt", |t| read(t, "read-at")),
    ("Wasi2Write", |t| write(t, "write")),
    ("Wasi2WriteAt", |t| write(t, "write-at")),
];

const CLOCK: &[u8] = include_bytes!("../../internal/work/wasiclock.wasm");
const HELLO: &[u8] = include_bytes!("../../internal/work/wasihello.wasm");
const FILES: &[u8] = include_bytes!("../../internal/work/wasifiles.wasm");

const FILE_SIZE: u64 = 64 << 20;

struct State {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// The compiled component with WASI. Without support for concurrency, as in the Go module.
fn prepare(mut config: Config, component: &[u8]) -> Result<(Engine, InstancePre<State>)> {
    let engine = Engine::new(config.concurrency_support(false))?;
    let mut linker = Linker::<State>::new(&engine);
    add_to_linker_sync(&mut linker)?;
    let pre = linker.instantiate_pre(&Component::new(&engine, component)?)?;
    Ok((engine, pre))
}

fn store(engine: &Engine, wasi: &mut WasiCtxBuilder) -> Store<State> {
    let ctx = wasi.allow_blocking_current_thread(true).build();
    Store::new(engine, State { ctx, table: ResourceTable::new() })
}

/// A store with an instance in it, and one of its functions.
fn guest<P, R>(
    component: &[u8],
    wasi: &mut WasiCtxBuilder,
    first: Option<&str>,
    name: &str,
) -> Result<(Store<State>, TypedFunc<P, R>)>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let (engine, pre) = prepare(Config::new(), component)?;
    let mut store = store(&engine, wasi);
    let instance = pre.instantiate(&mut store)?;
    if let Some(first) = first {
        instance.get_typed_func::<(), ()>(&mut store, first)?.call(&mut store, ())?;
    }
    let func = instance.get_typed_func(&mut store, name)?;
    Ok((store, func))
}

/// An op is one look at the monotonic clock by the guest.
fn clock(timer: &mut Timer) -> Result<()> {
    let (mut store, nows) = guest::<(u32,), (u32,)>(CLOCK, &mut WasiCtxBuilder::new(), None, "nows")?;
    let loops = LOOPS as u32;
    timer.run(|n| {
        for _ in 0..n.div_ceil(u64::from(loops)) {
            ensure!(nows.call(&mut store, (loops,))?.0 == loops, "time went back");
        }
        Ok(())
    })
}

/// An op is a store with WASI of its own, whose standard output is a buffer in memory, an instantiation, a run of the
/// program, and the end of the store.
fn hello(timer: &mut Timer, config: Config) -> Result<()> {
    let (engine, pre) = prepare(config, HELLO)?;
    let pre = CommandPre::new(pre)?;
    timer.each(|| {
        let out = MemoryOutputPipe::new(1 << 16);
        let mut store = store(&engine, WasiCtxBuilder::new().stdout(out.clone()));
        let command = pre.instantiate(&mut store)?;
        ensure!(command.wasi_cli_run().call_run(&mut store)?.is_ok(), "the program failed");
        ensure!(out.contents() == HELLO_OUTPUT, "wrong output");
        Ok(())
    })
}

/// The guest of files with the data folder preopened, and one of its functions, when it has opened the file.
fn files<P, R>(name: &str) -> Result<(Store<State>, TypedFunc<P, R>)>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let dir = std::env::var("BENCH_DATA").map_err(|_| format_err!("BENCH_DATA is not set"))?;
    guest(FILES, WasiCtxBuilder::new().preopened_dir(dir, "/", FsPerms::ReadWrite)?, Some("open"), name)
}

/// An op is 64 MiB in reads of 64 KiB.
fn read(timer: &mut Timer, name: &str) -> Result<()> {
    let (mut store, read) = files::<(), (u64,)>(name)?;
    timer.each(|| {
        let (n,) = read.call(&mut store, ())?;
        ensure!(n == FILE_SIZE, "{n} bytes moved");
        Ok(())
    })
}

/// An op is 64 MiB in writes of 64 KiB.
fn write(timer: &mut Timer, name: &str) -> Result<()> {
    let (mut store, write) = files::<(u64,), (u64,)>(name)?;
    timer.each(|| {
        let (n,) = write.call(&mut store, (FILE_SIZE,))?;
        ensure!(n == FILE_SIZE, "{n} bytes moved");
        Ok(())
    })
}
