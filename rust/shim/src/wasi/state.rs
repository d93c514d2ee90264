//! What a store keeps for WASI 0.1, and how it is found.
//!
//! The store's data type belongs to the C API and hides its fields, but it offers the WASI context and the resource table
//! beside it. The state lives in that table, so it dies with the store, or when WASI is configured anew. It is the first
//! resource unless something else was there before WASI 0.1 was used, so its number need not be kept anywhere.

use super::descriptors::{Descriptors, Entry};
use super::fault::Outcome;
use super::strings::Strings;
use super::system::System;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::store::Whole;
use crate::wake::Waker;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Once};
use std::{mem, ptr};
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as p1};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, runtime};
use wiggle::GuestMemory;

/// The WASI 0.1 state of one store.
pub(super) struct State {
    /// The guest's numbers.
    pub(super) descriptors: Descriptors,
    /// Arguments and environment when `wasmtime_context_set_wasi_options` gave them; otherwise upstream's implementation
    /// answers.
    pub(super) strings: Option<ArgsAndEnv>,
    /// Clocks and random numbers of the binding, if there are any.
    pub(super) system: Option<Arc<System>>,
    /// Upstream's implementation, made when a guest first needs it.
    inner: Option<Box<WasiP1Ctx>>,
    /// What the store's binding keeps beside it; null if it has none. It outlives the state.
    whole: *const Whole,
}

// SAFETY: the state is used by whoever uses the store, and so is what is reached through it.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

/// What a guest sees as its arguments and its environment.
#[derive(Default)]
pub(super) struct ArgsAndEnv {
    pub(super) args: Strings,
    pub(super) env: Strings,
}

impl State {
    /// A state whose first three descriptors are the given ones, followed by the directories.
    pub(super) fn new(
        stdio: [Option<Entry>; 3],
        preopens: Vec<Entry>,
        strings: ArgsAndEnv,
        system: Option<Arc<System>>,
        whole: *const Whole,
    ) -> State {
        let mut descriptors = Descriptors::default();
        for (fd, entry) in (0..).zip(stdio) {
            if let Some(entry) = entry {
                descriptors.put(fd, entry);
            }
        }
        for (fd, entry) in (3..).zip(preopens) {
            descriptors.put(fd, entry);
        }
        State { descriptors, strings: Some(strings), system, inner: None, whole }
    }

    /// A state over a context that was made by the C API's own configuration: standard streams, arguments and
    /// environment stay upstream's.
    fn adopt(ctx: &mut WasiCtx) -> wasmtime::Result<State> {
        let mut inner = Box::new(WasiCtxBuilder::new().build_p1());
        let fresh = inner.ctx().ctx;
        *fresh.filesystem() = ctx.filesystem().clone();
        // The streams cannot be copied, so they move: components in the same store have empty ones from now on.
        mem::swap(fresh.cli(), ctx.cli());
        let mut state = State {
            descriptors: Descriptors::default(),
            strings: None,
            system: None,
            inner: Some(inner),
            whole: ptr::null(),
        };
        let mut fd = 0;
        while fd < 3 || state.is_preopen(fd)? {
            state.descriptors.put(fd, Entry::Inner(fd));
            fd += 1;
        }
        Ok(state)
    }

    fn is_preopen(&mut self, fd: u32) -> wasmtime::Result<bool> {
        let inner = self.inner.as_mut().expect("made by the caller");
        let mut memory = GuestMemory::Unshared(&mut []);
        let prestat = runtime::with_ambient_tokio_runtime(|| {
            p1::WasiSnapshotPreview1::fd_prestat_get(&mut **inner, &mut memory, fd.into())
        });
        match prestat {
            Ok(_) => Ok(true),
            Err(error) => error.downcast().map(|_| false),
        }
    }

    /// Upstream's implementation. `ctx` is the store's own context, whose preopened directories it shares.
    pub(super) fn inner(&mut self, ctx: &mut WasiCtx) -> &mut WasiP1Ctx {
        self.inner.get_or_insert_with(|| {
            let mut inner = Box::new(WasiCtxBuilder::new().build_p1());
            *inner.ctx().ctx.filesystem() = ctx.filesystem().clone();
            inner
        })
    }

    /// What the store's binding keeps beside it.
    #[inline]
    pub(super) fn whole<'a>(&self) -> Option<&'a Whole> {
        // SAFETY: null, or what the state dies with; a guest's call, which alone looks at it, ends before that.
        unsafe { self.whole.as_ref() }
    }

    /// What ends a wait of the guest; nothing if nobody can.
    #[inline]
    pub(super) fn waker<'a>(&self) -> Option<&'a Waker> {
        self.whole().and_then(|whole| whole.deadline.waker())
    }

    /// What ends a wait of the guest, and what streams use to have it look around.
    pub(super) fn any_waker<'a>(&self) -> Option<&'a Waker> {
        self.whole().map(|whole| whole.deadline.any_waker())
    }

    /// Finishes with an entry that has left the table.
    pub(super) fn close(&mut self, entry: Entry, ctx: &mut WasiCtx) -> Outcome {
        match entry {
            Entry::Dir(dir) => drop(dir),
            Entry::Host(file) => drop(file),
            Entry::Stream(stream) => drop(stream),
            Entry::ServedDir(dir) => dir.close()?,
            Entry::ServedFile(file) => file.close()?,
            Entry::Inner(fd) => {
                let inner = self.inner(ctx);
                let mut memory = GuestMemory::Unshared(&mut []);
                run(p1::WasiSnapshotPreview1::fd_close(inner, &mut memory, fd.into()))?;
            }
        }
        Ok(())
    }
}

/// Finds the state of a store, and makes it if WASI was configured through the C API's own functions.
#[inline]
pub(super) fn find(data: &mut WasmtimeStoreData) -> wasmtime::Result<(&mut State, &mut WasiCtx)> {
    let WasiCtxView { ctx, table } = view(data)?;
    let table = ptr::from_mut(table);
    // SAFETY: nothing else uses the table, and what is found in it here is not used beyond this function unless it is returned.
    match unsafe { &mut *table }.get_mut(&Resource::<State>::new_borrow(0)) {
        Ok(state) => Ok((state, ctx)),
        // SAFETY: as above; nothing was found.
        Err(_) => find_elsewhere(unsafe { &mut *table }, ctx),
    }
}

#[cold]
fn find_elsewhere<'a>(
    table: &'a mut ResourceTable,
    ctx: &'a mut WasiCtx,
) -> wasmtime::Result<(&'a mut State, &'a mut WasiCtx)> {
    if !table.iter_mut().any(|entry| entry.is::<State>()) {
        let state = State::adopt(ctx)?;
        table.push(state)?;
    }
    let state = table.iter_mut().find_map(|entry| entry.downcast_mut::<State>());
    Ok((state.expect("pushed just now or found before"), ctx))
}

/// The state of a store, if there is one already.
pub(super) fn existing(data: &mut WasmtimeStoreData) -> Option<&mut State> {
    let WasiCtxView { table, .. } = view(data).ok()?;
    table.iter_mut().find_map(|entry| entry.downcast_mut::<State>())
}

/// Puts `state` into a store whose WASI was just configured, so that it is the first resource.
pub(super) fn place(data: &mut WasmtimeStoreData, state: State) -> wasmtime::Result<()> {
    view(data)?.table.push(state)?;
    Ok(())
}

thread_local! {
    /// Whether this thread is asking a store for its WASI context.
    static PROBING: Cell<bool> = const { Cell::new(false) };
}

/// The store's WASI context and resource table.
///
/// The C API panics when the store has none, and offers no way to ask beforehand. The panic is caught, which costs
/// nothing as long as there is none, and kept off the standard error stream.
#[inline]
fn view(data: &mut WasmtimeStoreData) -> wasmtime::Result<WasiCtxView<'_>> {
    PROBING.set(true);
    // A closure that borrows `data` could not hand the borrow out, one that consumes it can.
    let mut data = Some(data);
    let view = catch_unwind(AssertUnwindSafe(|| data.take().map(|data| data.ctx())));
    PROBING.set(false);
    view.ok().flatten().ok_or_else(no_wasi)
}

#[cold]
fn no_wasi() -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_NO_WASI, "the store has no WASI configuration")
}

/// Keeps the panic that [`view`] provokes off the standard error stream. To be called before the first use of a state.
pub(super) fn silence_probe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !PROBING.get() {
                report(info);
            }
        }));
    });
}

/// Runs a call of upstream's implementation to its end on this thread.
///
/// Almost all are ready at once, because file I/O blocks the calling thread; those never enter the asynchronous runtime.
#[inline]
pub(super) fn run<T>(call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    match runtime::with_ambient_tokio_runtime(|| runtime::poll_noop(call.as_mut())) {
        Some(result) => result,
        None => runtime::in_tokio(call),
    }
}
