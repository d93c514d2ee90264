//! Components, through functions that are typed in Rust.

use crate::bench::{Bench, Timer};
use crate::calls::{LOOPS, pooling};
use std::hint::black_box;
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, ExportLookup, Instance, InstancePre, Lift, Linker, Lower,
    ResourceAny, TypedFunc,
};
use wasmtime::{Config, Engine, Result, Store, ensure, format_err};

pub const ALL: &[Bench] = &[
    ("ComponentAdd", add),
    ("ComponentEcho", echo),
    ("ComponentBytesIn", bytes_in),
    ("ComponentBytesOut", bytes_out),
    ("ComponentRows", |t| records(t, "rows", rows())),
    ("ComponentPoints", |t| records(t, "points", points())),
    ("ComponentHostCall", host_call),
    ("ComponentMethod", method),
    ("ComponentInstantiatePooling", |t| instantiate(t, pooling())),
    ("ComponentInstantiate", |t| instantiate(t, Config::new())),
];

const COMPONENT: &[u8] = include_bytes!("../../internal/work/component.wasm");

/// How many records an op passes.
const RECORDS: u32 = 1000;

/// What the counter holds.
const COUNTED: u32 = 42;

#[derive(Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Point {
    id: u32,
    x: f64,
}

#[derive(Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
struct Row {
    id: u32,
    x: f64,
    name: String,
}

fn points() -> Vec<Point> {
    (0..RECORDS).map(|id| Point { id, x: f64::from(id) / 2.0 }).collect()
}

fn rows() -> Vec<Row> {
    (0..RECORDS).map(|id| Row { id, x: f64::from(id) / 2.0, name: format!("row {id}") }).collect()
}

/// The 1 MiB for the guest.
fn bytes() -> Vec<u8> {
    (0..1usize << 20).map(|i| (i * 7 + (i >> 8)) as u8).collect()
}

/// What `take` returns for bytes: their length, and besides the first and the last of them.
fn taken(bytes: &[u8]) -> u32 {
    bytes.len() as u32 + u32::from(bytes[0]) + u32::from(bytes[bytes.len() - 1])
}

/// The compiled component with what it imports. Without support for concurrency, as in the Go module, since that costs
/// each call as much as the call itself.
fn prepare(mut config: Config) -> Result<(Engine, InstancePre<()>)> {
    let engine = Engine::new(config.concurrency_support(false))?;
    let mut linker = Linker::<()>::new(&engine);
    linker
        .instance("bench:guest/host@1.0.0")?
        .func_wrap("inc", |_, (n,): (u32,)| Ok((black_box(n).wrapping_add(1),)))?;
    let pre = linker.instantiate_pre(&Component::new(&engine, COMPONENT)?)?;
    Ok((engine, pre))
}

/// A store with an instance in it.
struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new() -> Result<Guest> {
        let (engine, pre) = prepare(Config::new())?;
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store)?;
        Ok(Guest { store, instance })
    }

    fn func<P, R>(&mut self, name: impl ExportLookup) -> Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut self.store, name)
    }

    /// A function of the interface of the counters.
    fn counters<P, R>(&mut self, name: &str) -> Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let interface = self.instance.get_export_index(&mut self.store, None, "bench:guest/counters@1.0.0");
        let func = self.instance.get_export_index(&mut self.store, interface.as_ref(), name);
        self.func(func.ok_or_else(|| format_err!("no function {name}"))?)
    }

    /// Has the guest keep the bytes that `kept` returns, and checks that it does so.
    fn keep(&mut self, bytes: &[u8]) -> Result<TypedFunc<(), (Vec<u8>,)>> {
        self.func::<(&[u8],), ()>("keep")?.call(&mut self.store, (bytes,))?;
        let kept = self.func::<(), (Vec<u8>,)>("kept")?;
        ensure!(kept.call(&mut self.store, ())?.0 == bytes, "the guest has kept other bytes");
        Ok(kept)
    }
}

/// An op is one call of `add`.
fn add(timer: &mut Timer) -> Result<()> {
    let mut guest = Guest::new()?;
    let add = guest.func::<(u32, u32), (u32,)>("add")?;
    timer.run(|n| {
        for i in 0..n as u32 {
            let (sum,) = add.call(&mut guest.store, black_box((i, 2)))?;
            ensure!(sum == i.wrapping_add(2), "wrong sum");
        }
        Ok(())
    })
}

/// An op is a string of 1 KiB to the guest, and back.
fn echo(timer: &mut Timer) -> Result<()> {
    let mut guest = Guest::new()?;
    let echo = guest.func::<(&str,), (String,)>("echo")?;
    let text = "0123456789abcdef".repeat(64);
    timer.each(|| {
        let (back,) = echo.call(&mut guest.store, (black_box(&text),))?;
        ensure!(back == text, "another text came back");
        Ok(())
    })
}

/// An op is 1 MiB to the guest.
fn bytes_in(timer: &mut Timer) -> Result<()> {
    let (mut guest, bytes) = (Guest::new()?, bytes());
    guest.keep(&bytes)?;
    let take = guest.func::<(&[u8],), (u32,)>("take")?;
    timer.each(|| {
        let (n,) = take.call(&mut guest.store, (black_box(&bytes),))?;
        ensure!(n == taken(&bytes), "other bytes arrived");
        Ok(())
    })
}

/// An op is 1 MiB from the guest.
fn bytes_out(timer: &mut Timer) -> Result<()> {
    let (mut guest, bytes) = (Guest::new()?, bytes());
    let kept = guest.keep(&bytes)?;
    timer.each(|| {
        let (back,) = kept.call(&mut guest.store, ())?;
        ensure!(taken(black_box(&back)) == taken(&bytes), "other bytes came back");
        Ok(())
    })
}

/// An op is 1,000 records to the guest, and back. They are compared once, and then their number and the last.
fn records<T>(timer: &mut Timer, name: &str, all: Vec<T>) -> Result<()>
where
    T: ComponentType + Lift + Lower + PartialEq + Send + Sync + 'static,
{
    let mut guest = Guest::new()?;
    let echo = guest.func::<(&[T],), (Vec<T>,)>(name)?;
    ensure!(echo.call(&mut guest.store, (&all,))?.0 == all, "other records came back");
    timer.each(|| {
        let (back,) = echo.call(&mut guest.store, (black_box(&all),))?;
        ensure!(back.len() == all.len() && back.last() == all.last(), "other records came back");
        Ok(())
    })
}

/// An op is one call of the imported function by the guest.
fn host_call(timer: &mut Timer) -> Result<()> {
    let mut guest = Guest::new()?;
    let incs = guest.func::<(u32,), (u32,)>("incs")?;
    let loops = LOOPS as u32;
    timer.run(|n| {
        for _ in 0..n.div_ceil(u64::from(loops)) {
            ensure!(incs.call(&mut guest.store, (loops,))? == (loops,), "wrong sum");
        }
        Ok(())
    })
}

/// An op is one call of a method of a resource that the guest defines.
fn method(timer: &mut Timer) -> Result<()> {
    let mut guest = Guest::new()?;
    let new = guest.counters::<(u32,), (ResourceAny,)>("[constructor]counter")?;
    let (counter,) = new.call(&mut guest.store, (COUNTED,))?;
    let get = guest.counters::<(ResourceAny,), (u32,)>("[method]counter.get")?;
    timer.each(|| {
        ensure!(get.call(&mut guest.store, (black_box(counter),))? == (COUNTED,), "another count");
        Ok(())
    })?;
    counter.resource_drop(&mut guest.store)
}

/// An op is a store, an instantiation, and the end of the store.
fn instantiate(timer: &mut Timer, config: Config) -> Result<()> {
    let (engine, pre) = prepare(config)?;
    timer.each(|| {
        let mut store = Store::new(&engine, ());
        pre.instantiate(&mut store)?;
        Ok(())
    })
}
