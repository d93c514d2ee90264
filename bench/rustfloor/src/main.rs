//! The floor of the benchmarks: the work of the Go binaries, in Rust, on the crates that the Go module bundles.
//!
//! `rustfloor NAME TIME` runs one measurement and prints a line as `go test -bench` does; TIME is `50ms`, `2s` or
//! `3x` (so many ops). `rustfloor` alone runs all of them. Inputs come from the environment: `BENCH_GUEST`, the
//! path of the Go guest, `BENCH_DATA`, the folder of the file to read and to write, and `BENCH_LOAD`, the program that
//! sends requests. The runner sets them.
//!
//! `rustfloor serve FILE ADDRESS` serves a component of wasi:http 0.2, and prints the address when it does.

mod bench;
mod calls;
mod components;
mod files;
mod http;
mod kernels;
mod modules;
mod wasi;

use bench::Budget;
use wasmtime::Result;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next();
    if name.as_deref() == Some("serve") {
        let mut next = || args.next().ok_or_else(|| wasmtime::format_err!("serve FILE ADDRESS"));
        return http::forever(&next()?, &next()?);
    }
    let budget = Budget::parse(&args.next().unwrap_or_else(|| "100ms".into()))?;
    let mut found = false;
    let groups = [calls::ALL, modules::ALL, kernels::ALL, files::ALL, components::ALL, wasi::ALL, http::ALL];
    for (title, run) in groups.into_iter().flatten() {
        if name.as_ref().is_none_or(|n| n == title) {
            found = true;
            run(&mut bench::Timer::new(title, budget))?;
        }
    }
    wasmtime::ensure!(found, "no benchmark of that name");
    Ok(())
}
