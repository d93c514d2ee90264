//! A relay between two connections, as `relay.c` is, with mio's event loop, which waits with `poll_oneoff`.
//!
//! `relay(conn, cancel, idle_ms)` asks its host for the other side, and carries bytes both ways until both sides have
//! ended. It stops when there is something to read from the descriptor `cancel`, or its writer is gone, and when
//! nothing has moved for `idle_ms` milliseconds. All three descriptors are closed at the end. `count(i)` counts events.

mod way;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::cell::Cell;
use std::io;
use std::net;
use std::os::fd::FromRawFd;
use std::time::Duration;
use way::Way;

// The results; a negative one is an errno.
const ENDED: i32 = 0;
const CANCELLED: i32 = 1;
const IDLE: i32 = 2;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Dials the other side, and returns its descriptor or a negative errno.
    safe fn dial() -> i32;
}

thread_local! {
    /// Bytes from the connection to the other side, bytes back, waits.
    static COUNTS: Cell<[i64; 3]> = const { Cell::new([0; 3]) };
}

#[unsafe(no_mangle)]
pub extern "C" fn count(which: u32) -> i64 {
    COUNTS.get().get(which as usize).copied().unwrap_or(0)
}

#[unsafe(no_mangle)]
pub extern "C" fn relay(conn: i32, cancel: i32, idle_ms: u32) -> i32 {
    COUNTS.set([0; 3]);
    match start(conn, cancel).and_then(|mut relay| relay.run(Duration::from_millis(idle_ms.into()))) {
        Ok(result) => result,
        Err(error) => -errno(&error),
    }
}

/// Asks for the other side. An error of the host's is one like any other.
fn start(conn: i32, cancel: i32) -> io::Result<Relay> {
    // SAFETY: the host has given both to this call.
    let (conn, cancel) = unsafe { (stream(conn), stream(cancel)) };
    let other = match dial() {
        errno if errno < 0 => return Err(io::Error::from_raw_os_error(-errno)),
        // SAFETY: the host has just made it for this call.
        fd => unsafe { stream(fd) },
    };
    Relay::new(conn?, other?, cancel?)
}

/// A descriptor as mio's stream, which does not block: all of mio's sources are sockets here, but one that is only
/// waited for may be anything.
///
/// # Safety
///
/// Nothing else may own the descriptor.
unsafe fn stream(fd: i32) -> io::Result<TcpStream> {
    // SAFETY: as the caller says.
    let stream = unsafe { net::TcpStream::from_raw_fd(fd) };
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

fn errno(error: &io::Error) -> i32 {
    const EIO: i32 = 29;
    error.raw_os_error().unwrap_or(EIO)
}

const CANCEL: Token = Token(2);

struct Relay {
    poll: Poll,
    sides: [TcpStream; 2],
    /// What is waited for on each side.
    interests: [Option<Interest>; 2],
    /// `ways[i]` goes from `sides[i]` to the other one.
    ways: [Way; 2],
    _cancel: TcpStream,
}

impl Relay {
    fn new(conn: TcpStream, other: TcpStream, mut cancel: TcpStream) -> io::Result<Relay> {
        let poll = Poll::new()?;
        poll.registry().register(&mut cancel, CANCEL, Interest::READABLE)?;
        Ok(Relay { poll, sides: [conn, other], interests: [None; 2], ways: [Way::new(), Way::new()], _cancel: cancel })
    }

    fn run(&mut self, idle: Duration) -> io::Result<i32> {
        let mut events = Events::with_capacity(8);
        let mut waits = 0;
        let mut failed = ENDED; // of a direction that ended alone
        while !self.ways.iter().all(Way::is_finished) {
            self.register()?;
            waits += 1;
            self.poll.poll(&mut events, Some(idle))?;
            if events.is_empty() {
                return Ok(IDLE);
            }
            for event in &events {
                let side = match event.token() {
                    CANCEL => return Ok(CANCELLED),
                    Token(side) => side,
                };
                // A hang-up needs nothing of its own: the call itself says what is wrong.
                let (way, moved) = match event.is_writable() {
                    true => (1 - side, self.ways[1 - side].drain(&self.sides[side])),
                    false => (side, self.ways[side].carry(&self.sides[side], &self.sides[1 - side])),
                };
                match moved {
                    Ok(()) => {}
                    Err(error) if self.ways[way].is_finished() => failed = -errno(&error),
                    Err(error) => return Err(error),
                }
            }
            COUNTS.set([self.ways[0].bytes, self.ways[1].bytes, waits]);
        }
        Ok(failed)
    }

    /// Waits only for what can be used: nothing is read without room, or written without bytes.
    fn register(&mut self) -> io::Result<()> {
        for side in 0..2 {
            let reads = self.ways[side].has_room().then_some(Interest::READABLE);
            let writes = self.ways[1 - side].has_bytes().then_some(Interest::WRITABLE);
            let wanted = match (reads, writes) {
                (Some(reads), Some(writes)) => Some(reads | writes),
                (reads, writes) => reads.or(writes),
            };
            let registered = std::mem::replace(&mut self.interests[side], wanted);
            let (registry, source, token) = (self.poll.registry(), &mut self.sides[side], Token(side));
            match (registered, wanted) {
                (None, Some(wanted)) => registry.register(source, token, wanted)?,
                (Some(_), None) => registry.deregister(source)?,
                (Some(was), Some(wanted)) if was != wanted => registry.reregister(source, token, wanted)?,
                _ => {}
            }
        }
        Ok(())
    }
}
