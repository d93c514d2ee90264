//! What a store keeps for WASI.

use super::descriptors::{Descriptors, Entry};
use super::fault::Outcome;
use super::host::Listed;
use super::p2::Second;
use super::strings::Strings;
use super::system::{Network, System};
use super::upstream::Upstream;
use crate::store::Whole;
use crate::wake::Waker;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::{mem, ptr};
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as p1};
use wasmtime_wasi::random::DEFAULT_MAX_SIZE;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView, runtime};
use wiggle::GuestMemory;

/// The WASI 0.1 state of one store.
pub(crate) struct State {
    /// The guest's numbers.
    pub(super) descriptors: Descriptors,
    /// What the listings of directories take that are behind them.
    pub(super) listed: Listed,
    /// Arguments and environment when `wasmtime_context_set_wasi_options` gave them; otherwise upstream's
    /// implementation answers.
    pub(super) strings: Option<ArgsAndEnv>,
    /// Clocks and random numbers of the binding, if there are any.
    pub(super) system: Option<Arc<System>>,
    /// What components may do by TCP: nothing where the C API's own configuration was used, which cannot allow it.
    pub(super) network: Network,
    /// The most random bytes that the guest gets in one call.
    pub(super) max_random_size: u64,
    /// The store's own context: clocks, randomness, preopened directories.
    upstream: Upstream,
    /// Upstream's implementation of WASI 0.1, made when a guest first needs it.
    inner: Option<Box<WasiP1Ctx>>,
    /// What the store's components have of WASI 0.2, once one of them has asked for something.
    pub(super) second: Option<Box<Second>>,
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
        upstream: Upstream,
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
        State {
            descriptors,
            listed: Listed::default(),
            strings: Some(strings),
            system,
            network: Network::default(),
            max_random_size: DEFAULT_MAX_SIZE,
            upstream,
            inner: None,
            second: None,
            whole,
        }
    }

    /// A state over a context that was made by the C API's own configuration: standard streams, arguments and
    /// environment stay upstream's.
    pub(super) fn adopt(mut upstream: Upstream) -> wasmtime::Result<State> {
        let mut inner = Box::new(WasiCtxBuilder::new().build_p1());
        let fresh = inner.ctx().ctx;
        let ctx = upstream.ctx()?;
        *fresh.filesystem() = ctx.filesystem().clone();
        // The streams cannot be copied, so they move: components in the same store have empty ones from now on.
        mem::swap(fresh.cli(), ctx.cli());
        let mut state = State {
            descriptors: Descriptors::default(),
            listed: Listed::default(),
            strings: None,
            system: None,
            network: Network::default(),
            max_random_size: DEFAULT_MAX_SIZE,
            upstream,
            inner: Some(inner),
            second: None,
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

    /// The store's own context.
    pub(super) fn ctx(&mut self) -> wasmtime::Result<&mut WasiCtx> {
        self.upstream.ctx()
    }

    /// Whether the store has its own context; otherwise [`State::ctx`] makes it.
    pub(super) fn has_context(&self) -> bool {
        self.upstream.made()
    }

    /// Upstream's implementation, which shares the preopened directories of the store's own context.
    pub(super) fn inner(&mut self) -> wasmtime::Result<&mut WasiP1Ctx> {
        let inner = match self.inner.take() {
            Some(inner) => inner,
            None => {
                let mut inner = Box::new(WasiCtxBuilder::new().build_p1());
                *inner.ctx().ctx.filesystem() = self.upstream.ctx()?.filesystem().clone();
                inner
            }
        };
        Ok(self.inner.insert(inner))
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
    pub(super) fn close(&mut self, entry: Entry) -> Outcome {
        match entry {
            Entry::Dir(dir) => drop(dir),
            Entry::Host(file) => drop(file),
            Entry::Stream(stream) => drop(stream),
            Entry::ServedDir(dir) => dir.close()?,
            Entry::ServedFile(file) => file.close()?,
            Entry::Inner(fd) => {
                let inner = self.inner()?;
                let mut memory = GuestMemory::Unshared(&mut []);
                run(p1::WasiSnapshotPreview1::fd_close(inner, &mut memory, fd.into()))?;
            }
        }
        Ok(())
    }
}

/// Runs a call of upstream's implementation to its end on this thread.
///
/// Almost all are ready at once, because file I/O blocks the calling thread; those never enter the asynchronous
/// runtime.
#[inline]
pub(super) fn run<T>(call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    match runtime::with_ambient_tokio_runtime(|| runtime::poll_noop(call.as_mut())) {
        Some(result) => result,
        None => runtime::in_tokio(call),
    }
}
