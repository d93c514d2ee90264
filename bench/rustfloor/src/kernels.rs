//! The kernels: computations of which the host only starts and checks each. The amounts and the results are those of
//! internal/work.

use crate::bench::{Bench, Timer};
use crate::modules::big_guest;
use wasmtime::{Engine, Linker, Module, Result, Store, ensure};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

pub const ALL: &[Bench] = &[
    ("Kernel/nbody", |t| {
        kernel(t, include_bytes!("../../../testdata/guests/nbody.wasm"), "nbody", 20_000, 0xdc66_d42e_80de_2b39)
    }),
    ("Kernel/sha256", |t| {
        kernel(t, include_bytes!("../../../testdata/guests/sha256.wasm"), "sha256", 4_000, 0x105d_77d4_90ee_614a)
    }),
    ("Kernel/sort", |t| {
        kernel(t, include_bytes!("../../../testdata/guests/sort.wasm"), "sort", 30_000, 0xceb0_035c_165e_21f7)
    }),
    ("Kernel/json", |t| {
        kernel(t, include_bytes!("../../../testdata/guests/json.wasm"), "json", 60, 0x4f06_8f25_6792_e2fc)
    }),
    ("Kernel/go", |t| kernel(t, &big_guest()?, "kernel", 10, 0x8158_c157_43f2_3c03)),
];

/// An op is one call of the kernel.
fn kernel(timer: &mut Timer, wasm: &[u8], name: &str, n: i32, want: u64) -> Result<()> {
    let engine = Engine::default();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, WasiCtxBuilder::new().build_p1());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, wasm)?)?;
    if let Ok(init) = instance.get_typed_func::<(), ()>(&mut store, "_initialize") {
        init.call(&mut store, ())?;
    }
    let run = instance.get_typed_func::<i32, i64>(&mut store, name)?;
    timer.each(|| {
        let got = run.call(&mut store, n)? as u64;
        ensure!(got == want, "kernel {name} returned {got:#x}, want {want:#x}");
        Ok(())
    })
}
