//! `poll_oneoff`: one wait for clocks and descriptors of every kind.

use super::call::Call;
use super::descriptors::Entry;
use super::fault::{Errno, Fault, Outcome};
use super::host::{Direction, HostFile, Readiness, Waiter, Woken};
use super::state::run;
use super::strings::pointer;
use std::time::{Duration, Instant};
use wasmtime_wasi::p1::types::{
    Clockid, Event, EventFdReadwrite, Eventrwflags, Eventtype, Filetype, Subclockflags, Subscription,
    SubscriptionClock, SubscriptionU,
};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::GuestType;

/// After how many subscriptions it is looked whether the guest has to stop.
const SOME: u32 = 1024;

/// What one subscription waits for.
enum Wait {
    /// Nothing: its event is known.
    Known(Result<Readiness, Errno>),
    /// A time after the start of the call.
    Clock(Duration),
    File(Direction, i32),
    Stream(Direction, i32),
}

impl Call<'_> {
    pub(super) fn poll_oneoff(&mut self, subscriptions: i32, events: i32, count: i32, written: i32) -> Outcome<i32> {
        let count = count.cast_unsigned();
        if count == 0 {
            return Err(Errno::Inval.into());
        }
        // The lists below grow with the number of subscriptions, so it is bounded as what upstream copies is.
        if count as usize > self.fuel() / (Subscription::guest_size() + Event::guest_size()) as usize {
            return Err(Errno::Nomem.into());
        }
        let start = Instant::now();
        let mut asked = Vec::with_capacity(count as usize);
        let mut at = pointer::<Subscription>(subscriptions);
        for i in 0..count {
            if i > 0 {
                at = at.add(1)?;
            }
            if i.is_multiple_of(SOME) {
                self.check_stop()?;
            }
            let subscription = self.memory.read(at)?;
            let wait = self.what(start, &subscription)?;
            asked.push((subscription, wait));
        }

        let happened = self.wait(start, &asked)?;
        let mut at = pointer::<Event>(events);
        for (i, event) in happened.iter().enumerate() {
            if i > 0 {
                at = at.add(1)?;
            }
            self.memory.write(at, event.clone())?;
        }
        self.store(written, happened.len() as u32)
    }

    /// What a subscription waits for.
    fn what(&mut self, start: Instant, subscription: &Subscription) -> Outcome<Wait> {
        Ok(match &subscription.u {
            SubscriptionU::Clock(clock) => self.clock(start, clock)?,
            SubscriptionU::FdRead(read) => self.file(u32::from(read.file_descriptor) as i32, Direction::Read)?,
            SubscriptionU::FdWrite(write) => self.file(u32::from(write.file_descriptor) as i32, Direction::Write)?,
        })
    }

    /// When a clock will have run down, in the host's time, also if the clock is one of the binding: that is asked
    /// when the wait begins, for an absolute time only. So an absolute time is not followed when a clock is set
    /// meanwhile.
    fn clock(&mut self, start: Instant, clock: &SubscriptionClock) -> Outcome<Wait> {
        let absolute = clock.flags.contains(Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME);
        let now = match clock.id {
            // One cannot sleep by the clocks that measure processor time.
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => return Ok(Wait::Known(Err(Errno::Inval))),
            id if absolute => match self.time(id) {
                Ok(now) => now,
                Err(Fault::Errno(errno)) => return Ok(Wait::Known(Err(errno))),
                Err(trap) => return Err(trap),
            },
            _ => 0,
        };
        let left = Duration::from_nanos(clock.timeout.saturating_sub(now));
        // What the clock has said holds for now.
        Ok(Wait::Clock(if absolute && !left.is_zero() { left + start.elapsed() } else { left }))
    }

    fn file(&mut self, fd: i32, direction: Direction) -> Outcome<Wait> {
        Ok(match self.entry(fd) {
            Err(errno) => Wait::Known(Err(errno)),
            Ok(Entry::Dir(_) | Entry::ServedDir(_)) => Wait::Known(Ok(Readiness { bytes: 0, hangup: false })),
            // As on Linux, whatever the access mode: what is never ready is never reported.
            Ok(Entry::Host(_)) => Wait::File(direction, fd),
            Ok(Entry::Stream(stream)) => match stream.check(direction) {
                Ok(()) => Wait::Stream(direction, fd),
                Err(errno) => Wait::Known(Err(errno)),
            },
            Ok(Entry::ServedFile(file)) => Wait::Known(Ok(file.ready(direction)?)),
            Ok(Entry::Inner(fd)) => {
                let fd = *fd;
                Wait::Known(Ok(Readiness { bytes: self.inner_bytes(fd, direction)?, hangup: false }))
            }
        })
    }

    /// What lies behind the position of a file of upstream's implementation, which never has to be waited for.
    fn inner_bytes(&mut self, fd: u32, direction: Direction) -> Outcome<u64> {
        if direction == Direction::Write {
            return Ok(1);
        }
        let (inner, memory) = self.inner()?;
        let stat = match run(inner.fd_filestat_get(memory, fd.into())).map_err(Fault::from) {
            Ok(stat) if stat.filetype == Filetype::RegularFile => stat,
            Ok(_) | Err(Fault::Errno(_)) => return Ok(1),
            Err(trap) => return Err(trap),
        };
        let position = inner.fd_tell(memory, fd.into()).unwrap_or(0);
        Ok(stat.size.saturating_sub(position))
    }

    /// Waits for the first of what was asked for, and returns the events of all that have happened by then.
    fn wait(&mut self, start: Instant, asked: &[(Subscription, Wait)]) -> Outcome<Vec<Event>> {
        let descriptors = &self.state.descriptors;
        let mut waiter = Waiter::default();
        let mut files = Vec::new();
        let mut nearest = None;
        let mut streams = false;
        for (_, wait) in asked {
            let most = match wait {
                Wait::Known(_) => Duration::ZERO,
                Wait::Clock(left) => *left,
                Wait::File(direction, fd) => {
                    let file: &HostFile = descriptors.file(*fd).ok_or(Errno::Badf)?;
                    files.push((waiter.add(file, *direction), file));
                    continue;
                }
                Wait::Stream(..) => {
                    streams = true;
                    continue;
                }
            };
            nearest = Some(nearest.map_or(most, |nearest: Duration| nearest.min(most)));
        }
        let waker = if streams { self.state.any_waker() } else { self.state.waker() };
        if streams && let Some(waker) = waker {
            waker.prepare()?;
        }
        loop {
            // Streams are asked before every wait, and call the waker when they have more to say.
            let ready = self.ask_streams(asked)?;
            let time = nearest.map(|nearest| nearest.saturating_sub(start.elapsed()));
            let time = if ready.iter().any(Option::is_some) { Some(Duration::ZERO) } else { time };
            let again = waiter.wait(time, waker)? == Woken::BySignal;
            let happened = self.happened(asked, &files, &waiter, ready, start.elapsed())?;
            if !happened.is_empty() || !again {
                return Ok(happened);
            }
        }
    }

    /// What the streams among what was asked for have to say, in their order.
    fn ask_streams(&self, asked: &[(Subscription, Wait)]) -> Outcome<Vec<Option<Readiness>>> {
        let mut ready = Vec::new();
        for (i, (_, wait)) in (0_u32..).zip(asked) {
            if i.is_multiple_of(SOME) {
                self.check_stop()?;
            }
            if let Wait::Stream(direction, fd) = wait {
                let stream = self.state.descriptors.stream(*fd).ok_or(Errno::Badf)?;
                ready.push(stream.ready(*direction)?);
            }
        }
        Ok(ready)
    }

    /// The events of what has happened.
    fn happened(
        &self,
        asked: &[(Subscription, Wait)],
        files: &[(usize, &HostFile)],
        waiter: &Waiter<'_>,
        streams: Vec<Option<Readiness>>,
        passed: Duration,
    ) -> Outcome<Vec<Event>> {
        let (mut files, mut streams) = (files.iter(), streams.into_iter());
        let mut events = Vec::new();
        for (i, (subscription, wait)) in (0_u32..).zip(asked) {
            if i.is_multiple_of(SOME) {
                self.check_stop()?;
            }
            let result = match wait {
                Wait::Known(Ok(Readiness { bytes, hangup })) => Some(Ok(Readiness { bytes: *bytes, hangup: *hangup })),
                Wait::Known(Err(errno)) => Some(Err(*errno)),
                Wait::Clock(left) => (*left <= passed).then_some(Ok(Readiness { bytes: 0, hangup: false })),
                Wait::File(direction, _) => {
                    files.next().and_then(|(place, file)| waiter.readiness(*place, file, *direction)).map(Ok)
                }
                Wait::Stream(..) => streams.next().flatten().map(Ok),
            };
            if let Some(result) = result {
                events.push(event(subscription, result));
            }
        }
        Ok(events)
    }
}

fn event(subscription: &Subscription, result: Result<Readiness, Errno>) -> Event {
    let type_ = match subscription.u {
        SubscriptionU::Clock(_) => Eventtype::Clock,
        SubscriptionU::FdRead(_) => Eventtype::FdRead,
        SubscriptionU::FdWrite(_) => Eventtype::FdWrite,
    };
    let (error, ready) = match result {
        Ok(ready) => (Errno::Success, ready),
        Err(errno) => (errno, Readiness { bytes: 0, hangup: false }),
    };
    let flags = if ready.hangup { Eventrwflags::FD_READWRITE_HANGUP } else { Eventrwflags::empty() };
    Event {
        userdata: subscription.userdata,
        error,
        type_,
        fd_readwrite: EventFdReadwrite { nbytes: ready.bytes, flags },
    }
}
