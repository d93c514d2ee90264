//! One of the two directions.

use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

/// A direction: what was read and not yet written.
pub struct Way {
    buf: Box<[u8]>,
    /// The bytes from `start` to `end` wait to be written.
    start: usize,
    end: usize,
    /// Nothing more can be read.
    over: bool,
    /// And what was read has been passed on.
    finished: bool,
    /// How much was passed on.
    pub bytes: i64,
}

/// Whether the call failed only because it would have had to wait.
fn must_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Way {
    pub fn new() -> Way {
        Way { buf: vec![0; 64 << 10].into(), start: 0, end: 0, over: false, finished: false, bytes: 0 }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether something can be read.
    pub fn has_room(&self) -> bool {
        !self.over && self.end < self.buf.len()
    }

    /// Whether something waits to be written.
    pub fn has_bytes(&self) -> bool {
        self.start < self.end
    }

    /// Reads what there is and passes it on. A short read has emptied the source, so it is not asked again before the
    /// next wait; a full one may go on a few times, but not for ever, because others want their turn.
    pub fn carry(&mut self, mut from: &TcpStream, to: &TcpStream) -> io::Result<()> {
        for _ in 0..8 {
            if !self.has_room() {
                break;
            }
            let room = &mut self.buf[self.end..];
            let asked = room.len();
            let n = match from.read(room) {
                Err(error) if must_wait(&error) => break,
                result => result?,
            };
            self.end += n;
            self.over = n == 0;
            self.drain(to)?;
            if n < asked {
                break;
            }
        }
        Ok(())
    }

    /// Writes what waits, as far as there is room for it. One side that takes nothing more ends its direction only:
    /// what it has still to say is passed on.
    pub fn drain(&mut self, mut to: &TcpStream) -> io::Result<()> {
        while self.start < self.end {
            match to.write(&self.buf[self.start..self.end]) {
                Err(error) if must_wait(&error) => return Ok(()),
                Err(error) => {
                    (self.start, self.end) = (0, 0);
                    (self.over, self.finished) = (true, true);
                    return Err(error);
                }
                Ok(n) => {
                    self.start += n;
                    self.bytes += n as i64;
                }
            }
        }
        (self.start, self.end) = (0, 0);
        if self.over && !self.finished {
            self.finished = true;
            // The other side may be gone, and needs no telling then.
            match to.shutdown(Shutdown::Write) {
                Err(error) if error.kind() != ErrorKind::NotConnected => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
