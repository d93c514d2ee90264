//! `wasi:clocks`. What a clock of the binding fails with ends the component.

use super::enter::Wasi;
use super::fault::or_trap;
use super::poll::Pollable;
use crate::wasi::process::{host_resolution, host_time};
use std::time::{Duration, Instant};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p1::types::Clockid;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

impl Wasi<'_> {
    /// The time of a clock: of the binding's if it has one, otherwise of the host's.
    fn time(&mut self, clock: Clockid) -> Result<Duration> {
        if let Some(system) = &self.state.system
            && let Some(now) = system.now(clock)?
        {
            return Ok(now);
        }
        or_trap(host_time(self.state.ctx()?, clock))
    }

    fn resolution(&mut self, clock: Clockid) -> Result<Duration> {
        match self.state.system.as_ref().and_then(|system| system.resolution(clock)) {
            Some(resolution) => Ok(resolution),
            None => or_trap(host_resolution(self.state.ctx()?, clock)),
        }
    }

    pub(super) fn monotonic_now(&mut self) -> Result<u64> {
        self.time(Clockid::Monotonic).map(nanoseconds)
    }

    pub(super) fn monotonic_resolution(&mut self) -> Result<u64> {
        self.resolution(Clockid::Monotonic).map(nanoseconds)
    }

    pub(super) fn wall_now(&mut self) -> Result<Datetime> {
        self.time(Clockid::Realtime).map(datetime)
    }

    pub(super) fn wall_resolution(&mut self) -> Result<Datetime> {
        self.resolution(Clockid::Realtime).map(datetime)
    }

    /// The clock is asked once: as in WASI 0.1, what is left is waited for in the host's time.
    pub(super) fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        let now = self.monotonic_now()?;
        self.subscribe_duration(when.saturating_sub(now))
    }

    pub(super) fn subscribe_duration(&mut self, after: u64) -> Result<Resource<DynPollable>> {
        let pollable = match Instant::now().checked_add(Duration::from_nanos(after)) {
            Some(when) => Pollable::At(when),
            None => Pollable::Never,
        };
        or_trap(self.new_pollable(pollable, None))
    }
}

/// A time of 584 years or more stays there.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn datetime(time: Duration) -> Datetime {
    Datetime { seconds: time.as_secs(), nanoseconds: time.subsec_nanos() }
}
