//! `wasi:io/poll`, and the only place in which a component waits: for clocks, for what is ours, and at once for what is
//! upstream's, UDP and the look-up of names.
//!
//! Ours is asked, or watched with the system's own call, as in WASI 0.1. Upstream's are futures: they are polled before
//! each wait, and wake the same waker that ends it when somebody interrupts the component. So nothing ever blocks in
//! upstream's runtime, and a component that uses neither never starts it.

use super::enter::{MOST, Wasi};
use super::fault::or_trap;
use super::nodes::Shared;
use super::streams::Input;
use crate::wake::{Waker, check_stop};
use crate::wasi::descriptors::Descriptors;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile, Waiter};
use crate::wasi::state::State;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};
use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::{DynFuture, DynPollable, MakeFuture, Pollable as Upstream};
use wasmtime_wasi::runtime::with_ambient_tokio_runtime;

/// After how many pollables it is looked whether the component has to stop.
const SOME: usize = 1024;

/// What a component waits for. Numbers are those of resources in the table.
#[derive(Clone, Copy)]
pub(super) enum Pollable {
    /// A time.
    At(Instant),
    /// A time that is too far away.
    Never,
    /// One of our streams has something to be read, or has ended.
    Input(u32),
    /// One of our streams takes something, or has ended.
    Output(u32),
    /// A socket is connected or not to be, or there is a connection to accept.
    Tcp(u32),
    /// What the host has made of a stream, which nobody else has, and which goes with it.
    Made(u32),
    /// Something of upstream's.
    Upstream(u32, MakeFuture),
}

/// What has to be watched, since nothing is ready.
pub(super) enum Watched {
    /// A standard stream that is a file of the host.
    Standard(i32, Direction),
    File(Shared<HostFile>, Direction),
    /// A stream of the binding, which wakes the store.
    Stream,
}

impl Pollable {
    /// What is ready when upstream says so.
    pub(super) fn upstream<T: Upstream>(number: u32) -> Pollable {
        fn ready<T: Upstream>(what: &mut dyn Any) -> DynFuture<'_> {
            match what.downcast_mut::<T>() {
                Some(what) => what.ready(),
                None => Box::pin(std::future::ready(())),
            }
        }
        Pollable::Upstream(number, ready::<T>)
    }
}

/// What upstream's futures wake: the waker of a store, as long as there is the store.
pub(super) struct Waking(Mutex<Option<Address>>);

struct Address(*const Waker);

// SAFETY: a waker can be used by any thread.
unsafe impl Send for Address {}

impl Waking {
    pub(super) fn new(waker: *const Waker) -> Arc<Waking> {
        Arc::new(Waking(Mutex::new(Some(Address(waker)))))
    }

    /// Says that the store is gone.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: the store has not ended it yet, which it does while it has the waker.
            unsafe { &*waker.0 }.signal();
        }
    }
}

impl Wasi<'_> {
    pub(super) fn poll(&mut self, all: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        if all.is_empty() {
            return Err(wasmtime::Error::msg("empty poll list"));
        }
        if all.len() > MOST {
            return Err(wasmtime::Error::msg("a poll list has more pollables than a component can have"));
        }
        let pollables = all.iter().map(|pollable| self.get(pollable.rep()).copied()).collect::<Result<Vec<_>>>()?;
        or_trap(self.wait(&pollables, true))
    }

    pub(super) fn pollable_ready(&mut self, this: Resource<DynPollable>) -> Result<bool> {
        let pollable = *self.get(this.rep())?;
        Ok(!or_trap(self.wait(&[pollable], false))?.is_empty())
    }

    pub(super) fn pollable_block(&mut self, this: Resource<DynPollable>) -> Result<()> {
        let pollable = *self.get(this.rep())?;
        or_trap(self.wait(&[pollable], true)).map(drop)
    }

    /// `EMFILE` unless there may be one pollable more: as many as somebody has said, otherwise as the table has places.
    pub(super) fn may_have_pollable(&self) -> Outcome {
        let most = self.state.whole().and_then(|whole| whole.max_resources.get()).unwrap_or(MOST);
        if self.second.pollables < most { Ok(()) } else { Err(Errno::Mfile.into()) }
    }

    /// Makes a pollable, which has to be gone before its parent, if it has one.
    pub(super) fn new_pollable(&mut self, pollable: Pollable, parent: Option<u32>) -> Outcome<Resource<DynPollable>> {
        self.may_have_pollable()?;
        let number = match parent {
            // To the table it makes no difference of what type that is.
            Some(parent) => self.push_child(pollable, &Resource::<Pollable>::new_borrow(parent)),
            None => self.push(pollable),
        }?;
        self.second.pollables += 1;
        Ok(Resource::new_own(number))
    }

    pub(super) fn drop_pollable(&mut self, number: u32) -> Result<()> {
        let pollable = self.take::<Pollable>(number)?;
        self.second.pollables -= 1;
        match pollable {
            Pollable::Made(stream) => self.take::<Input>(stream).map(drop),
            _ => Ok(()),
        }
    }

    /// Makes a pollable for something of upstream's, which has to live as long.
    pub(super) fn subscribe<T: Upstream>(&mut self, this: &Resource<T>) -> Result<Resource<DynPollable>> {
        or_trap(self.new_pollable(Pollable::upstream::<T>(this.rep()), Some(this.rep())))
    }

    /// Finds what is ready, in the order of the list; waits until something is, if that is wanted.
    pub(super) fn wait(&mut self, all: &[Pollable], block: bool) -> Outcome<Vec<u32>> {
        let wakes = all.iter().any(|pollable| !matches!(pollable, Pollable::At(_) | Pollable::Never));
        let (any_waker, task) = self.waking();
        let waker = if wakes { Some(any_waker) } else { self.state.waker() };
        if let Some(waker) = waker.filter(|_| wakes && block) {
            waker.prepare()?;
        }
        loop {
            let mut ready = Vec::new();
            let mut watched = Vec::new();
            let mut upstream = BTreeMap::<u32, (MakeFuture, Vec<u32>)>::new();
            let mut nearest = None;
            for (i, pollable) in (0_u32..).zip(all) {
                if (i as usize).is_multiple_of(SOME) {
                    check_stop::<Fault>(self.state.waker())?;
                }
                let watch = match *pollable {
                    Pollable::At(when) if when <= Instant::now() => None,
                    Pollable::At(when) => {
                        nearest = Some(nearest.map_or(when, |nearest: Instant| nearest.min(when)));
                        continue;
                    }
                    Pollable::Never => continue,
                    Pollable::Input(number) | Pollable::Made(number) => self.watch_input(number)?,
                    Pollable::Output(number) => self.watch_output(number)?,
                    Pollable::Tcp(number) => self.watch_tcp(number)?,
                    Pollable::Upstream(number, make) => {
                        upstream.entry(number).or_insert((make, Vec::new())).1.push(i);
                        continue;
                    }
                };
                match watch {
                    None => ready.push(i),
                    Some(watch) => watched.push((i, watch)),
                }
            }

            let Wasi { state, second, .. } = &mut *self;
            let futures = poll_once(&mut second.table, upstream, &task, &mut ready)?;
            let time = match nearest {
                _ if !block || !ready.is_empty() => Some(Duration::ZERO),
                nearest => nearest.map(|nearest| nearest.saturating_duration_since(Instant::now())),
            };
            watch(&state.descriptors, &watched, time, waker, &mut ready)?;
            drop(futures);
            if !block || !ready.is_empty() {
                ready.sort_unstable();
                return Ok(ready);
            }
        }
    }
}

/// Whether something is ready that has to be watched. Nothing waits.
pub(super) fn is_ready(state: &State, watched: Watched) -> Outcome<bool> {
    let mut ready = Vec::new();
    watch(&state.descriptors, &[(0, watched)], Some(Duration::ZERO), None, &mut ready)?;
    Ok(!ready.is_empty())
}

/// Polls upstream's futures, adds to `ready` what is, and returns the others, which wake `task` as long as they live.
fn poll_once<'a>(
    table: &'a mut ResourceTable,
    upstream: BTreeMap<u32, (MakeFuture, Vec<u32>)>,
    task: &std::task::Waker,
    ready: &mut Vec<u32>,
) -> Outcome<Vec<DynFuture<'a>>> {
    let mut waiting = Vec::new();
    if upstream.is_empty() {
        return Ok(waiting);
    }
    let mut cx = Context::from_waker(task);
    with_ambient_tokio_runtime(|| {
        for (entry, (make, places)) in table.iter_entries(upstream) {
            let mut future = make(entry?);
            match future.as_mut().poll(&mut cx) {
                Poll::Ready(()) => ready.extend(places),
                Poll::Pending => waiting.push(future),
            }
        }
        Ok(waiting)
    })
}

/// Waits until something is ready that is watched, until `time` has passed, or until somebody wakes the component, and
/// adds to `ready` what is.
fn watch(
    descriptors: &Descriptors,
    watched: &[(u32, Watched)],
    time: Option<Duration>,
    waker: Option<&Waker>,
    ready: &mut Vec<u32>,
) -> Outcome {
    let borrowed: Vec<_> = watched
        .iter()
        .map(|(_, watch)| match watch {
            Watched::File(file, _) => Some(file.borrow()),
            _ => None,
        })
        .collect();
    let mut waiter = Waiter::default();
    let mut places = Vec::new();
    for ((i, watch), borrowed) in watched.iter().zip(&borrowed) {
        let (file, direction) = match (watch, borrowed) {
            (Watched::File(_, direction), Some(file)) => (&**file, *direction),
            (Watched::Standard(fd, direction), _) => (descriptors.file(*fd).ok_or(Errno::Badf)?, *direction),
            _ => continue,
        };
        places.push((*i, waiter.add(file, direction), file, direction));
    }
    if places.is_empty() && time == Some(Duration::ZERO) {
        return Ok(());
    }
    waiter.wait(time, waker)?;
    for (i, place, file, direction) in places {
        if waiter.readiness(place, file, direction).is_some() {
            ready.push(i);
        }
    }
    Ok(())
}
