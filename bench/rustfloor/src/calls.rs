//! Calls both ways, memory, and the instantiation of small modules.

use crate::bench::{Bench, Timer};
use std::fs::OpenOptions;
use std::hint::black_box;
use wasmtime::{
    Config, Engine, Extern, InstanceAllocationStrategy, Linker, Module, PoolingAllocationConfig, Result, Store, Val,
    ValRaw, ensure,
};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

pub const ALL: &[Bench] = &[
    ("Call", call),
    ("CallUntyped", call_untyped),
    ("HostCall", host_call),
    ("WasiCall", wasi_call),
    ("Memory", memory),
    ("MemoryWrite", memory_write),
    ("InstantiatePooling", |t| instantiate(t, &pooling())),
    ("Instantiate", |t| instantiate(t, &Config::new())),
    ("HelloPooling", |t| hello(t, &pooling())),
    ("Hello", |t| hello(t, &Config::new())),
];

const ADD: &[u8] = include_bytes!("../../../testdata/guests/add.wasm");
const HOST_LOOP: &[u8] = include_bytes!("../../../testdata/guests/hostloop.wasm");
const WASI_LOOP: &[u8] = include_bytes!("../../../testdata/guests/wasiloop.wasm");
const SMALL: &[u8] = include_bytes!("../../../testdata/guests/small.wasm");
const HELLO: &[u8] = include_bytes!("../../../testdata/guests/hello.wasm");

/// What `hello` prints.
pub const HELLO_OUTPUT: &[u8] = b"Hello from a guest\n";

/// How often the guest calls the host in one call of `loop`.
pub const LOOPS: i32 = 1000;

/// The pool of the Go module's `PoolingPreset`: the first 128 KiB of a memory or a table stay resident when it is given
/// back, so that the next instance neither maps nor faults.
pub fn pooling() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1000).total_memories(1000).total_tables(1000).total_gc_heaps(1000).total_stacks(1000);
    pool.max_unused_warm_slots(100).max_memory_size(4 << 30).table_elements(20_000);
    pool.linear_memory_keep_resident(128 << 10).table_keep_resident(128 << 10);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// An op is one unchecked call of `add`, the arguments and the result in one array.
fn call(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, ADD)?;
    let mut store = Store::new(&engine, ());
    let add = Linker::new(&engine).instantiate(&mut store, &module)?.get_func(&mut store, "add").unwrap();
    timer.run(|n| {
        for i in 0..n {
            let mut raw = [ValRaw::i32(i as i32), ValRaw::i32(2)];
            // SAFETY: `add` takes two i32 and returns one; the array has room for either.
            unsafe { add.call_unchecked(&mut store, black_box(&mut raw))? };
            ensure!(raw[0].get_i32() == (i as i32).wrapping_add(2), "wrong sum");
        }
        Ok(())
    })
}

/// An op is one call of `add` whose arguments are checked.
fn call_untyped(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, ADD)?;
    let mut store = Store::new(&engine, ());
    let add = Linker::new(&engine).instantiate(&mut store, &module)?.get_func(&mut store, "add").unwrap();
    timer.run(|n| {
        for i in 0..n {
            let mut results = [Val::I32(0)];
            add.call(&mut store, black_box(&[Val::I32(i as i32), Val::I32(2)]), &mut results)?;
            ensure!(results[0].i32() == Some((i as i32).wrapping_add(2)), "wrong sum");
        }
        Ok(())
    })
}

/// An op is one call of the imported function by the guest.
fn host_call(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, HOST_LOOP)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "host", |a: i32, b: i32| black_box(a).wrapping_add(b))?;
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<i32, i32>(&mut store, "loop")?;
    timer.run(|n| {
        for _ in 0..n.div_ceil(LOOPS as u64) {
            ensure!(run.call(&mut store, LOOPS)? == LOOPS * (LOOPS - 1) / 2, "wrong sum");
        }
        Ok(())
    })
}

/// An op is one read of eight bytes of guest memory, with its bounds check.
fn memory(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, SMALL)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let Some(Extern::Memory(memory)) = instance.get_export(&mut store, "memory") else {
        wasmtime::bail!("no memory");
    };
    timer.run(|n| {
        let mut sum = 0u64;
        for i in 0..n {
            let at = (i as usize & 1023) * 8;
            let bytes = memory.data(black_box(&store)).get(at..at + 8).unwrap();
            sum = sum.wrapping_add(u64::from_le_bytes(bytes.try_into().unwrap()));
        }
        black_box(sum);
        Ok(())
    })
}

/// An op is one write of eight bytes of guest memory, with its bounds check.
fn memory_write(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, SMALL)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let Some(Extern::Memory(memory)) = instance.get_export(&mut store, "memory") else {
        wasmtime::bail!("no memory");
    };
    timer.run(|n| {
        for i in 0..n {
            let at = (i as usize & 1023) * 8;
            memory.data_mut(black_box(&mut store)).get_mut(at..at + 8).unwrap().copy_from_slice(&i.to_le_bytes());
        }
        Ok(())
    })
}

/// An op is a store, an instantiation, and the end of the store.
fn instantiate(timer: &mut Timer, config: &Config) -> Result<()> {
    let engine = Engine::new(config)?;
    let pre = Linker::new(&engine).instantiate_pre(&Module::new(&engine, SMALL)?)?;
    timer.each(|| {
        let mut store = Store::new(&engine, ());
        pre.instantiate(&mut store)?;
        Ok(())
    })
}

/// An op is one `fd_write` of nothing by the guest, to standard output, which is `/dev/null`: Wasmtime's own WASI.
fn wasi_call(timer: &mut Timer) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, WASI_LOOP)?;
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
    let null = OutputFile::new(OpenOptions::new().write(true).open("/dev/null")?);
    let wasi = WasiCtxBuilder::new().allow_blocking_current_thread(true).stdout(null).build_p1();
    let mut store = Store::new(&engine, wasi);
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<i32, i32>(&mut store, "loop")?;
    timer.run(|n| {
        for _ in 0..n.div_ceil(LOOPS as u64) {
            ensure!(run.call(&mut store, LOOPS)? == LOOPS, "a write of nothing failed");
        }
        Ok(())
    })
}

/// An op is a store with WASI of its own, whose standard output is a buffer in memory, an instantiation, a run of
/// `_start`, and the end of the store.
fn hello(timer: &mut Timer, config: &Config) -> Result<()> {
    let engine = Engine::new(config)?;
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
    let pre = linker.instantiate_pre(&Module::new(&engine, HELLO)?)?;
    timer.each(|| {
        let out = MemoryOutputPipe::new(1 << 16);
        let wasi = WasiCtxBuilder::new().allow_blocking_current_thread(true).stdout(out.clone()).build_p1();
        let mut store = Store::new(&engine, wasi);
        let instance = pre.instantiate(&mut store)?;
        instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
        ensure!(out.contents() == HELLO_OUTPUT, "wrong output");
        Ok(())
    })
}
