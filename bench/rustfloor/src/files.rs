//! Reading and writing 64 MiB of a file in a preopened folder, on the calling thread.

use crate::bench::{Bench, Timer};
use wasmtime::{Engine, Instance, Linker, Module, Result, Store, ensure, format_err};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

pub const ALL: &[Bench] = &[("Read", read), ("Write", write)];

const FILE_IO: &[u8] = include_bytes!("../../../testdata/guests/fileio.wasm");
const FILE_SIZE: i64 = 64 << 20;

/// The file guest, and the descriptor of the opened file.
fn open() -> Result<(Store<WasiP1Ctx>, Instance, i32)> {
    let dir = std::env::var("BENCH_DATA").map_err(|_| format_err!("BENCH_DATA is not set"))?;
    let engine = Engine::default();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
    let wasi = WasiCtxBuilder::new()
        .allow_blocking_current_thread(true)
        .preopened_dir(dir, "/", FsPerms::ReadWrite)?
        .build_p1();
    let mut store = Store::new(&engine, wasi);
    let instance = linker.instantiate(&mut store, &Module::new(&engine, FILE_IO)?)?;
    instance.get_typed_func::<(), ()>(&mut store, "_initialize")?.call(&mut store, ())?;
    let fd = instance.get_typed_func::<(), i32>(&mut store, "open_data")?.call(&mut store, ())?;
    ensure!(fd >= 0, "open_data: errno {}", -fd);
    Ok((store, instance, fd))
}

/// An op is 64 MiB in reads of 64 KiB.
fn read(timer: &mut Timer) -> Result<()> {
    let (mut store, instance, fd) = open()?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, "read_all")?;
    timer.each(|| {
        let n = run.call(&mut store, fd)?;
        ensure!(n == FILE_SIZE, "{n} bytes moved");
        Ok(())
    })
}

/// An op is 64 MiB in writes of 64 KiB.
fn write(timer: &mut Timer) -> Result<()> {
    let (mut store, instance, fd) = open()?;
    let run = instance.get_typed_func::<(i32, i64), i64>(&mut store, "write_all")?;
    timer.each(|| {
        let n = run.call(&mut store, (fd, FILE_SIZE))?;
        ensure!(n == FILE_SIZE, "{n} bytes moved");
        Ok(())
    })
}
