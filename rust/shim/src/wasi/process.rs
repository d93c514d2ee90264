//! Arguments, environment, clocks, randomness and the end of the process.

use super::call::{Call, OK, inner};
use super::fault::{Errno, Fault, Outcome};
use super::memory::Span;
use crate::wake::check_stop;
use std::time::Duration;
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p1::types::Clockid;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::random::Host as _;
use wasmtime_wasi::{ResourceTable, WasiCtx};

/// How many random bytes are made at a time. Between two such parts a guest can be stopped.
const PART: usize = 1 << 18;

/// The time of a clock of the host. Clocks that measure processor time are `EBADF`, as upstream has it.
pub(super) fn host_time(ctx: &mut WasiCtx, clock: Clockid) -> Outcome<Duration> {
    // The two clocks read only the context; the table is for the pollables of other functions.
    let mut clocks = WasiClocksCtxView { ctx: ctx.clocks(), table: &mut ResourceTable::new() };
    match clock {
        Clockid::Realtime => {
            let time = wall_clock::Host::now(&mut clocks)?;
            Ok(Duration::new(time.seconds, time.nanoseconds))
        }
        Clockid::Monotonic => Ok(Duration::from_nanos(monotonic_clock::Host::now(&mut clocks)?)),
        Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Err(Errno::Badf.into()),
    }
}

pub(super) fn host_resolution(ctx: &mut WasiCtx, clock: Clockid) -> Outcome<Duration> {
    let mut clocks = WasiClocksCtxView { ctx: ctx.clocks(), table: &mut ResourceTable::new() };
    match clock {
        Clockid::Realtime => {
            let time = wall_clock::Host::resolution(&mut clocks)?;
            Ok(Duration::new(time.seconds, time.nanoseconds))
        }
        Clockid::Monotonic => Ok(Duration::from_nanos(monotonic_clock::Host::resolution(&mut clocks)?)),
        Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Err(Errno::Badf.into()),
    }
}

/// A time as WASI 0.1 counts it, which ends in the year 2554.
fn nanoseconds(time: Duration) -> Outcome<u64> {
    u64::try_from(time.as_nanos()).map_err(|_| Errno::Overflow.into())
}

impl Call<'_> {
    pub(super) fn args_get(&mut self, pointers: i32, buffer: i32) -> Outcome<i32> {
        let Some(strings) = &self.state.strings else {
            return inner!(self, args_get(pointers, buffer));
        };
        strings.args.write(&mut self.memory, pointers, buffer)?;
        OK
    }

    pub(super) fn args_sizes_get(&mut self, count: i32, bytes: i32) -> Outcome<i32> {
        let Some(strings) = &self.state.strings else {
            return inner!(self, args_sizes_get(count, bytes));
        };
        strings.args.sizes(&mut self.memory, count, bytes)?;
        OK
    }

    pub(super) fn environ_get(&mut self, pointers: i32, buffer: i32) -> Outcome<i32> {
        let Some(strings) = &self.state.strings else {
            return inner!(self, environ_get(pointers, buffer));
        };
        strings.env.write(&mut self.memory, pointers, buffer)?;
        OK
    }

    pub(super) fn environ_sizes_get(&mut self, count: i32, bytes: i32) -> Outcome<i32> {
        let Some(strings) = &self.state.strings else {
            return inner!(self, environ_sizes_get(count, bytes));
        };
        strings.env.sizes(&mut self.memory, count, bytes)?;
        OK
    }

    pub(super) fn clock_res_get(&mut self, clock: i32, result: i32) -> Outcome<i32> {
        let clock = Clockid::try_from(clock)?;
        let value = match self.state.system.as_ref().and_then(|system| system.resolution(clock)) {
            Some(resolution) => resolution,
            None => host_resolution(self.state.ctx()?, clock)?,
        };
        self.store(result, nanoseconds(value)?)
    }

    pub(super) fn clock_time_get(&mut self, clock: i32, _precision: i64, result: i32) -> Outcome<i32> {
        let value = self.time(Clockid::try_from(clock)?)?;
        self.store(result, value)
    }

    /// The time of a clock in nanoseconds: of the binding's if it has one, otherwise of the host's.
    pub(super) fn time(&mut self, clock: Clockid) -> Outcome<u64> {
        if let Some(system) = &self.state.system
            && let Some(now) = system.now(clock)?
        {
            return nanoseconds(now);
        }
        nanoseconds(host_time(self.state.ctx()?, clock)?)
    }

    pub(super) fn random_get(&mut self, buffer: i32, len: i32) -> Outcome<i32> {
        let len = len.cast_unsigned();
        let most = self.state.max_random_size;
        if u64::from(len) > most {
            return Err(wasmtime::Error::msg(format!("requested len {len} exceeds limit {most}")).into());
        }
        let all = Span::at(&self.memory, buffer, len.cast_signed())?;
        let waker = self.state.waker();
        if let Some(source) = self.state.system.as_ref().and_then(|system| system.secure_random()) {
            for part in all.parts(PART) {
                check_stop::<Fault>(waker)?;
                // SAFETY: the memory is the guest's, and stays where it is while the call lasts.
                unsafe { source.fill(part.base, part.len) }?;
            }
            return OK;
        }
        let random = self.state.ctx()?.random();
        for part in all.parts(PART) {
            check_stop::<Fault>(waker)?;
            let bytes = random.get_random_bytes(part.len as u64)?;
            // SAFETY: as above. If another thread reads or writes it meanwhile, that one sees some bytes or others.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), part.base, part.len.min(bytes.len())) };
        }
        OK
    }

    pub(super) fn sched_yield(&mut self) -> Outcome<i32> {
        OK
    }

    pub(super) fn proc_raise(&mut self, _signal: i32) -> Outcome<i32> {
        Err(Errno::Notsup.into())
    }

    /// Ends the guest with any status. Upstream's implementation refuses those above 125, which is for the embedder to
    /// decide.
    pub(super) fn proc_exit(&mut self, status: i32) -> Outcome<i32> {
        Err(Fault::Trap(I32Exit(status).into()))
    }
}
