//! The only place in which a guest waits for the host: for a handle, for a clock, or for the first of several.
//!
//! Sockets have an operation that waits for all of them at once (`afd.rs`), consoles and writes that still go on have
//! something to wait for. A pipe has nothing: it is asked again and again, at first often.
//!
//! Where a waker is given, the wait ends when somebody interrupts the guest.

use super::afd::{self, Poll};
use super::errno::{Host, errno};
use super::file::HostFile;
use super::sys::{self, Handle};
use super::{Direction, Kind, Readiness, Woken, pipe};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Fault, Outcome};
use std::time::{Duration, Instant};
use windows_sys::Win32::Networking::WinSock::SOCKET;

/// Between two looks at a pipe there are never more than this.
const LONGEST: Duration = Duration::from_millis(10);

/// After how many files it is looked whether the guest has to stop.
const SOME: usize = 1024;

/// How many looks follow each other without a pause.
const EAGER: u32 = 20;

/// Whether reading or writing would not have to wait now. An error or a hang-up counts as ready: the call itself will
/// say what is wrong.
pub(super) fn is_ready(file: &HostFile, direction: Direction) -> Outcome<bool> {
    let mut waiter = Waiter::default();
    waiter.add(file, direction);
    waiter.wait(Some(Duration::ZERO), None)?;
    Ok(waiter.seen[0].is_some())
}

/// Whether the other side of a connection will send nothing more.
pub(super) fn has_ended(file: &HostFile) -> Result<bool, Errno> {
    let what = afd::DISCONNECT | afd::ABORT | afd::LOCAL_CLOSE;
    let seen = Poll::begin(&[(file.handle(), what)], false).and_then(Poll::end).map_err(errno)?;
    Ok(seen.iter().any(|(_, seen)| seen & what != 0))
}

/// Waits until reading or writing would not have to wait.
pub(super) fn until_ready(file: &HostFile, direction: Direction, waker: Option<&Waker>) -> Outcome {
    let mut waiter = Waiter::default();
    waiter.add(file, direction);
    while waiter.wait(None, waker)? == Woken::BySignal && waiter.seen[0].is_none() {}
    Ok(())
}

/// Waits until something is set that the system can wait for.
pub(super) fn until_set(what: Handle, waker: Option<&Waker>) -> Outcome {
    let mut waiter = Waiter { others: vec![what], ..Waiter::default() };
    while waiter.wait(None, waker)? == Woken::BySignal {}
    Ok(())
}

/// Waits a little.
pub(super) fn a_moment(waker: Option<&Waker>) -> Outcome {
    Waiter::default().wait(Some(Duration::from_millis(1)), waker).map(|_| ())
}

/// What is known of a file that is ready.
#[derive(Clone, Copy)]
struct Seen {
    hangup: bool,
}

/// Several files that `poll_oneoff` waits for at once.
#[derive(Default)]
pub(in crate::wasi) struct Waiter<'a> {
    files: Vec<(&'a HostFile, Direction)>,
    seen: Vec<Option<Seen>>,
    /// What else ends the wait.
    others: Vec<Handle>,
}

impl<'a> Waiter<'a> {
    /// Adds a file; its place among those added is what [`Waiter::readiness`] takes.
    pub(in crate::wasi) fn add(&mut self, file: &'a HostFile, direction: Direction) -> usize {
        self.files.push((file, direction));
        self.seen.push(None);
        self.files.len() - 1
    }

    /// Waits until a file is ready, for the given time at most, or until somebody signals.
    pub(in crate::wasi) fn wait(&mut self, time: Option<Duration>, waker: Option<&'a Waker>) -> Outcome<Woken> {
        // A time too long to add up is as good as forever.
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let waker = waker.filter(|_| time != Some(Duration::ZERO));
        let signal = waker.map(Waker::event).transpose()?.map(Handle::new);
        let mut looks = 0;
        loop {
            if waker.is_some_and(Waker::is_raised) {
                return Err(Fault::Trap(wasmtime::Trap::Interrupt.into()));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let ended = self.look(left, waker, signal, looks).map_err(errno)?;
            looks += 1;
            if waker.is_some_and(Waker::is_raised) {
                return Err(Fault::Trap(wasmtime::Trap::Interrupt.into()));
            }
            if ended == Ended::BySignal {
                if let Some(waker) = waker {
                    waker.drain();
                }
                return Ok(Woken::BySignal);
            }
            let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if ended == Ended::ByOther || over || self.seen.iter().any(Option::is_some) {
                return Ok(Woken::ByFileOrTime);
            }
        }
    }

    /// Looks at all files, and, if none of them is ready, waits for the first that says so.
    fn look(
        &mut self,
        left: Option<Duration>,
        waker: Option<&Waker>,
        signal: Option<Handle>,
        looks: u32,
    ) -> Result<Ended, Host> {
        let mut handles: Vec<Handle> = signal.into_iter().collect();
        let others = handles.len()..handles.len() + self.others.len();
        handles.extend(&self.others);
        let mut sockets: Vec<(Handle, u32)> = Vec::new();
        let mut asks = false;
        for (place, (file, direction)) in self.files.iter().enumerate() {
            if place.is_multiple_of(SOME) && waker.is_some_and(Waker::is_raised) {
                return Ok(Ended::Otherwise);
            }
            self.seen[place] = match glance(file, *direction)? {
                Glance::Ready { hangup } => Some(Seen { hangup }),
                Glance::Ask => {
                    asks = true;
                    None
                }
                Glance::Wait(handle) => {
                    handles.push(handle);
                    None
                }
                Glance::Socket(what) => {
                    match sockets.iter_mut().find(|(socket, _)| *socket == file.handle()) {
                        Some((_, all)) => *all |= what,
                        None => sockets.push((file.handle(), what)),
                    }
                    None
                }
            };
        }
        let waits = left != Some(Duration::ZERO) && self.seen.iter().all(Option::is_none);
        let poll = if sockets.is_empty() { None } else { Some(Poll::begin(&sockets, waits)?) };
        let mut ended = Ended::Otherwise;
        if waits {
            // The handles that the system can wait for are few; beyond them it is asked again and again.
            if let Some(poll) = &poll {
                handles.insert(others.end, poll.event());
            }
            let pause = pause(looks, asks || handles.len() > 64);
            let time = match (left, pause) {
                (Some(left), Some(pause)) => Some(left.min(pause)),
                (left, pause) => left.or(pause),
            };
            ended = match sys::wait_any(&handles, time)? {
                Some(0) if signal.is_some() => Ended::BySignal,
                Some(first) if others.contains(&first) => Ended::ByOther,
                _ => Ended::Otherwise,
            };
        }
        if let Some(poll) = poll {
            self.see(&poll.end()?)?;
        }
        Ok(ended)
    }

    /// Takes down what has happened to the sockets.
    fn see(&mut self, happened: &[(SOCKET, u32)]) -> Result<(), Host> {
        if happened.is_empty() {
            return Ok(());
        }
        for (place, (file, direction)) in self.files.iter().enumerate() {
            if !file.kind().is_socket() {
                continue;
            }
            let base = afd::base(file.handle())?;
            let what = happened.iter().find(|(socket, _)| *socket == base).map_or(0, |(_, what)| *what);
            if what & asked(*direction) != 0 && !matches!(glance(file, *direction)?, Glance::Wait(_)) {
                let hangup = what & (afd::ABORT | afd::LOCAL_CLOSE | afd::CONNECT_FAIL) != 0;
                self.seen[place] = Some(Seen { hangup });
                if what & afd::ABORT != 0 {
                    file.reset.set(true);
                }
            }
        }
        Ok(())
    }

    /// What the last wait found out about a file: nothing if it is not ready.
    pub(in crate::wasi) fn readiness(&self, place: usize, file: &HostFile, direction: Direction) -> Option<Readiness> {
        let Seen { hangup } = self.seen[place]?;
        let bytes = match direction {
            Direction::Read => file.available(),
            Direction::Write => 1,
        };
        Some(Readiness { bytes, hangup })
    }
}

/// What ended one look.
#[derive(PartialEq, Eq)]
enum Ended {
    BySignal,
    ByOther,
    Otherwise,
}

/// What can be said of a file at once, and what can be done to hear more.
enum Glance {
    Ready {
        hangup: bool,
    },
    /// Nobody says when it is.
    Ask,
    Wait(Handle),
    Socket(u32),
}

fn glance(file: &HostFile, direction: Direction) -> Result<Glance, Host> {
    if direction == Direction::Write {
        let mut later = file.later.borrow_mut();
        if later.is_busy()?
            && let Some(event) = later.event()
        {
            return Ok(Glance::Wait(event));
        }
    }
    Ok(match (file.kind(), direction) {
        (Kind::Listener, _) if file.ended.get() => Glance::Ready { hangup: true },
        (kind, _) if kind.is_socket() => Glance::Socket(asked(direction)),
        (Kind::Pipe, Direction::Read) if file.access.reads() => match sys::peek(file.handle()) {
            Ok(0) if sys::pipe_has_ended(file.handle()) => Glance::Ready { hangup: true },
            Ok(0) => Glance::Ask,
            Ok(_) => Glance::Ready { hangup: sys::pipe_has_ended(file.handle()) },
            Err(error) => Glance::Ready { hangup: pipe::has_ended(error) },
        },
        (Kind::Pipe, Direction::Write) if file.access.writes() => {
            Glance::Ready { hangup: sys::pipe_has_ended(file.handle()) }
        }
        // As on Linux, what is never ready is never reported.
        (Kind::Pipe, _) => match sys::pipe_has_ended(file.handle()) {
            true => Glance::Ready { hangup: true },
            false => Glance::Ask,
        },
        (Kind::Terminal, Direction::Read) if !file.console_is_ready() => Glance::Wait(file.handle()),
        _ => Glance::Ready { hangup: false },
    })
}

/// What has to happen to a socket.
fn asked(direction: Direction) -> u32 {
    let gone = afd::ABORT | afd::LOCAL_CLOSE | afd::CONNECT_FAIL;
    match direction {
        Direction::Read => afd::RECEIVE | afd::ACCEPT | afd::DISCONNECT | gone,
        Direction::Write => afd::SEND | gone,
    }
}

/// How long the next look may be away, if somebody has to be asked.
fn pause(looks: u32, asks: bool) -> Option<Duration> {
    match looks {
        _ if !asks => None,
        0..EAGER => {
            std::thread::yield_now();
            Some(Duration::ZERO)
        }
        _ => Some(Duration::from_millis(u64::from(looks - EAGER) / 10 + 1).min(LONGEST)),
    }
}
