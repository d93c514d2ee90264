//! Clocks that a binding supplies.

use super::{System, bad_argument};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::p1::types::Clockid;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// What a clock says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_time_t {
    /// Whole seconds since the point that the clock counts from.
    pub seconds: u64,
    /// What comes on top of them.
    pub nanoseconds: u32,
}

/// Writes to `*now` what a clock says. Returns null, or an error, which it gives away; see `wasmtime_wasi_system_t`.
pub type wasmtime_wasi_clock_callback_t =
    extern "C" fn(env: u64, now: *mut wasmtime_wasi_time_t) -> Option<Box<wasmtime_error_t>>;

/// A clock of a binding.
pub(super) struct Clock {
    pub(super) now: wasmtime_wasi_clock_callback_t,
    pub(super) resolution: Duration,
}

impl Clock {
    fn now(&self, env: u64) -> wasmtime::Result<Duration> {
        let mut now = wasmtime_wasi_time_t { seconds: 0, nanoseconds: 0 };
        if let Some(error) = (self.now)(env, &raw mut now) {
            return Err((*error).into());
        }
        Duration::from_secs(now.seconds)
            .checked_add(Duration::from_nanos(now.nanoseconds.into()))
            .ok_or_else(|| bad_argument("a clock's time has more than 64 bits of seconds"))
    }
}

impl System {
    /// What a clock of WASI 0.1 says; nothing if it is the host's own.
    pub(in crate::wasi) fn now(&self, clock: Clockid) -> wasmtime::Result<Option<Duration>> {
        self.clock(clock).map(|clock| clock.now(self.env)).transpose()
    }

    /// What a clock of WASI 0.1 has for its resolution; nothing if it is the host's own.
    pub(in crate::wasi) fn resolution(&self, clock: Clockid) -> Option<Duration> {
        self.clock(clock).map(|clock| clock.resolution)
    }

    fn clock(&self, clock: Clockid) -> Option<&Clock> {
        match clock {
            Clockid::Realtime => self.wall_clock.as_ref(),
            Clockid::Monotonic => self.monotonic_clock.as_ref(),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => None,
        }
    }
}

/// Makes the clocks that there are those of `builder`.
pub(super) fn apply(system: &Arc<System>, builder: &mut WasiCtxBuilder) {
    if system.wall_clock.is_some() {
        builder.wall_clock(ForComponents::new(system, Clockid::Realtime));
    }
    if system.monotonic_clock.is_some() {
        builder.monotonic_clock(ForComponents::new(system, Clockid::Monotonic));
    }
}

/// A clock as upstream's implementation sees it, which knows no failure: the clock stands still then.
struct ForComponents {
    system: Arc<System>,
    clock: Clockid,
    last: Mutex<Duration>,
}

impl ForComponents {
    fn new(system: &Arc<System>, clock: Clockid) -> ForComponents {
        ForComponents { system: system.clone(), clock, last: Mutex::new(Duration::ZERO) }
    }

    fn time(&self) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.system.now(self.clock) {
            Ok(now) => *last = now.unwrap_or_default(),
            Err(error) => self.system.keep(error),
        }
        *last
    }

    fn precision(&self) -> Duration {
        self.system.resolution(self.clock).unwrap_or_default()
    }
}

impl HostWallClock for ForComponents {
    fn resolution(&self) -> Duration {
        self.precision()
    }

    fn now(&self) -> Duration {
        self.time()
    }
}

impl HostMonotonicClock for ForComponents {
    fn resolution(&self) -> u64 {
        whole_nanoseconds(self.precision())
    }

    fn now(&self) -> u64 {
        whole_nanoseconds(self.time())
    }
}

/// A time of 584 years or more stays there.
fn whole_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
