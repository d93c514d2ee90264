//! Figures, not checks: `cargo test --release -- --ignored --nocapture bench`.

use crate::guest::{Guest, MEMORY, no_options, string, wat};
use crate::temp::TempDir;
use std::fs::File;
use std::time::{Duration, Instant};
use wasmtime::{AsContextMut, Caller, Engine, Instance, Linker, Module, Store};
use wasmtime_c_api::{wasm_engine_new, wasmtime_store_context, wasmtime_store_new};
use wasmtime_ext::*;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

const CALLS: i32 = 100_000;
const SIZE: u64 = 64 << 20;

fn best(times: u32, mut work: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| work()).min().unwrap()
}

fn write_nothing(mut store: impl AsContextMut, instance: Instance, fd: i32) -> f64 {
    let call = instance.get_typed_func::<(i32, i32), ()>(&mut store, "write_nothing").unwrap();
    let time = best(100, || {
        let start = Instant::now();
        call.call(&mut store, (fd, CALLS)).unwrap();
        start.elapsed()
    });
    time.as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn read_all(mut store: impl AsContextMut, instance: Instance, fd: i32, mut rewind: impl FnMut() -> i32) -> f64 {
    let call = instance.get_typed_func::<i32, i64>(&mut store, "read_all").unwrap();
    let seek = instance.get_typed_func::<(i32, i64, i32, i32), i32>(&mut store, "fd_seek").unwrap();
    let time = best(20, || {
        rewind();
        assert_eq!(seek.call(&mut store, (fd, 0, 0, 1024)).unwrap(), 0);
        let start = Instant::now();
        assert_eq!(call.call(&mut store, fd).unwrap() as u64, SIZE);
        start.elapsed()
    });
    SIZE as f64 / time.as_secs_f64() / 1e9
}

/// The same guest on upstream's implementation.
fn upstream(dir: &TempDir) -> (Store<WasiP1Ctx>, Instance) {
    let engine = Engine::default();
    let mut linker = Linker::<WasiP1Ctx>::new(&engine);
    wasmtime_wasi::p1::add_to_linker_sync(&mut linker, |ctx| ctx).unwrap();
    let ctx = WasiCtxBuilder::new()
        .allow_blocking_current_thread(true)
        .preopened_dir(dir.path(), "/", FsPerms::ReadWrite)
        .unwrap()
        .build_p1();
    let mut store = Store::new(&engine, ctx);
    let module = Module::new(&engine, wat(MEMORY)).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn open_upstream(store: &mut Store<WasiP1Ctx>, instance: Instance) -> i32 {
    let memory = instance.get_memory(&mut *store, "memory").unwrap();
    memory.write(&mut *store, 4096, b"big").unwrap();
    let open = instance
        .get_typed_func::<(i32, i32, i32, i32, i32, i64, i64, i32, i32), i32>(&mut *store, "path_open")
        .unwrap();
    assert_eq!(open.call(&mut *store, (3, 0, 4096, 3, 0, 2, 2, 0, 1024)).unwrap(), 0);
    i32::from_le_bytes(memory.data(&store)[1024..1028].try_into().unwrap())
}

#[test]
#[ignore = "a measurement"]
fn bench() {
    let dir = TempDir::new();
    let big = dir.file("big", vec![7; SIZE as usize]);

    let preopen = wasmtime_wasi_preopen_t {
        host_path: string(dir.path().to_str().unwrap()),
        guest_path: string("/"),
        read_only: false,
    };
    let mut guest = Guest::with(&wasmtime_wasi_options_t { preopens: &preopen, preopens_len: 1, ..no_options() });
    let inserted = guest.push(&File::open(&big).unwrap(), WASMTIME_FILE_READ_ONLY) as i32;
    let opened = guest.open(3, "big", 0).unwrap() as i32;
    let instance = guest.instance;

    let (mut store, theirs) = upstream(&dir);
    println!("fd_write of nothing, ns: upstream {:.1}", write_nothing(&mut store, theirs, 1));
    println!("fd_write of nothing, ns: ours     {:.1}", write_nothing(guest.context(), instance, 1));
    println!("fd_write of nothing, ns: upstream {:.1} (bad fd)", write_nothing(&mut store, theirs, 99));
    println!("fd_write of nothing, ns: ours     {:.1} (bad fd)", write_nothing(guest.context(), instance, 99));
    floor();
    let file = open_upstream(&mut store, theirs);
    for _ in 0..3 {
        println!("64 KiB reads, GB/s: upstream  {:.2}", read_all(&mut store, theirs, file, || 0));
        println!("64 KiB reads, GB/s: preopened {:.2}", read_all(guest.context(), instance, opened, || 0));
        println!("64 KiB reads, GB/s: inserted  {:.2}", read_all(guest.context(), instance, inserted, || 0));
    }
    stores();
}

/// What the calls below every WASI function cost: the host call, and finding the memory.
fn floor() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("", "empty", |_: i32, _: i32, _: i32, _: i32| 0).unwrap();
    linker
        .func_wrap("", "memory", |mut caller: Caller<'_, ()>, _: i32, _: i32, _: i32, _: i32| {
            i32::from(caller.get_export("memory").is_none())
        })
        .unwrap();
    for name in ["empty", "memory"] {
        let text = format!(
            r#"(module (import "" "{name}" (func $call (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "write_nothing") (param $fd i32) (param $times i32)
                (loop $again
                    (drop (call $call (local.get $fd) (i32.const 0) (i32.const 0) (i32.const 8)))
                    (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))"#
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &Module::new(&engine, text).unwrap()).unwrap();
        println!("host call, {name}, ns: {:.1}", write_nothing(&mut store, instance, 1));
    }
}

/// What it costs to have WASI in a store that lives for one request.
fn stores() {
    const ROUNDS: u32 = 2_000;
    let time = |what: &str, mut round: Box<dyn FnMut()>| {
        let time = best(50, || {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                round();
            }
            start.elapsed()
        });
        println!("{what}: {:.0} ns", time.as_secs_f64() * 1e9 / f64::from(ROUNDS));
    };
    let engine = Engine::default();
    time("Rust: Store::new", Box::new(move || drop(Store::new(&engine, ()))));
    let engine = Engine::default();
    time(
        "Rust: Store::new with WasiP1Ctx, stdio inherited",
        Box::new(move || drop(Store::new(&engine, WasiCtxBuilder::new().inherit_stdio().build_p1()))),
    );
    let engine = wasm_engine_new();
    time("C: wasmtime_store_new", Box::new(move || drop(wasmtime_store_new(&engine, std::ptr::null_mut(), None))));
    for kind in [WASMTIME_WASI_STDIO_NONE, WASMTIME_WASI_STDIO_INHERIT] {
        let engine = wasm_engine_new();
        time(
            &format!("C: wasmtime_store_new, set_wasi_options, stdio kind {kind}"),
            Box::new(move || {
                let mut store = wasmtime_store_new(&engine, std::ptr::null_mut(), None);
                let stream = wasmtime_wasi_stdio_t { kind, host_fd: std::ptr::null_mut() };
                let options = wasmtime_wasi_options_t {
                    stdin_stream: stream,
                    stdout_stream: stream,
                    stderr_stream: stream,
                    ..no_options()
                };
                // SAFETY: the options are of this process.
                let error = unsafe { wasmtime_context_set_wasi_options(wasmtime_store_context(&mut store), &options) };
                assert!(error.is_none());
            }),
        );
    }
}
