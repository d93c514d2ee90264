//! Consoles: a guest reads and writes UTF-8, Windows UTF-16.

use super::errno::Host;
use super::file::HostFile;
use super::sys::{self, Handle};
use super::transfer::taken_back;
use super::{later, wait};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::memory::Spans;
use std::collections::VecDeque;
use windows_sys::Win32::System::Console as c;

/// What is left over between the calls.
#[derive(Default)]
pub(super) struct Console {
    /// What was read, and the guest has not taken yet.
    input: VecDeque<u8>,
    /// The first half of a character that was read.
    half: Option<u16>,
    /// The first bytes of a character that was written.
    begun: Vec<u8>,
}

/// How much is read or written in one call of the system, in units of UTF-16.
const UNITS: usize = 4096;

/// The character that, at the start of a line, ends a console's input.
const CTRL_Z: u8 = 0x1a;

impl HostFile {
    /// Reads what was typed, a line at a time unless the console's mode says otherwise.
    pub(super) fn read_console(&self, spans: &Spans, waker: Option<&Waker>) -> Outcome<usize> {
        let mut console = self.console.borrow_mut();
        while console.input.is_empty() {
            if self.nonblock && !has_typed(self.handle()) {
                return Err(Errno::Again.into());
            }
            if waker.is_some() {
                wait::until_set(self.handle(), waker)?;
            }
            match read(self.handle(), spans.total(), waker) {
                Ok(units) if units.is_empty() => return Ok(0),
                Ok(units) => console.take_units(&units),
                Err(Host::ABORTED) => taken_back(waker)?,
                Err(error) => return Err(error.into()),
            }
            if console.input.front() == Some(&CTRL_Z) {
                console.input.clear();
                return Ok(0);
            }
        }
        let mut done = 0;
        for span in spans.as_slice() {
            let bytes = console.input.make_contiguous();
            let n = span.len.min(bytes.len());
            // SAFETY: the span is memory that a guest lets us write (see `Spans`).
            unsafe { std::ptr::copy(bytes.as_ptr(), span.base, n) };
            console.input.drain(..n);
            done += n;
        }
        Ok(done)
    }

    /// Writes text. What is no UTF-8 is written as a replacement character.
    pub(super) fn write_console(&self, spans: &mut Spans, waker: Option<&Waker>) -> Outcome<usize> {
        let mut console = self.console.borrow_mut();
        let mut done = 0;
        while spans.total() > 0 {
            let bytes = later::copy(spans);
            let units = console.take_bytes(&bytes);
            let mut units = &units[..];
            while !units.is_empty() {
                match write(self.handle(), units, waker) {
                    Ok(n) => units = &units[n..],
                    Err(Host::ABORTED) => taken_back(waker)?,
                    Err(_) if done > 0 => return Ok(done),
                    Err(error) => return Err(error.into()),
                }
            }
            done += bytes.len();
            spans.advance(bytes.len());
        }
        Ok(done)
    }

    /// Whether reading the console would find something.
    pub(super) fn console_is_ready(&self) -> bool {
        !self.console.borrow().input.is_empty() || has_typed(self.handle())
    }
}

impl Console {
    fn take_units(&mut self, units: &[u16]) {
        let all = self.half.take().into_iter().chain(units.iter().copied());
        let mut characters = char::decode_utf16(all).peekable();
        while let Some(decoded) = characters.next() {
            let character = match decoded {
                Ok(character) => character,
                // The other half may come with the next call.
                Err(half) if characters.peek().is_none() && matches!(half.unpaired_surrogate(), 0xd800..0xdc00) => {
                    self.half = Some(half.unpaired_surrogate());
                    continue;
                }
                Err(_) => char::REPLACEMENT_CHARACTER,
            };
            self.input.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> Vec<u16> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut units = Vec::with_capacity(all.len());
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            units.extend(chunk.valid().encode_utf16());
            match chunk.invalid() {
                [] => {}
                // The rest of a character may come with the next call.
                begun if chunks.peek().is_none() && is_begun(begun) => self.begun = begun.to_vec(),
                _ => units.push(0xfffd),
            }
        }
        units
    }
}

/// Whether these bytes are the start of a character.
fn is_begun(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

fn read(handle: Handle, most: usize, waker: Option<&Waker>) -> Result<Vec<u16>, Host> {
    let mut units = vec![0_u16; most.clamp(2, UNITS)];
    let mut n = 0;
    let read = || {
        // SAFETY: there is room for that many.
        sys::done(unsafe {
            let (at, most) = (units.as_mut_ptr().cast(), units.len() as u32);
            c::ReadConsoleW(handle.raw(), at, most, &raw mut n, std::ptr::null())
        })
    };
    blocked(waker, read)?;
    units.truncate(n as usize);
    Ok(units)
}

fn write(handle: Handle, units: &[u16], waker: Option<&Waker>) -> Result<usize, Host> {
    let mut most = units.len().min(UNITS);
    // No character is cut in two.
    if most < units.len() && (0xd800..0xdc00).contains(&units[most - 1]) {
        most -= 1;
    }
    let mut n = 0;
    let write = || {
        // SAFETY: there are that many.
        sys::done(unsafe { c::WriteConsoleW(handle.raw(), units.as_ptr(), most as u32, &raw mut n, std::ptr::null()) })
    };
    blocked(waker, write)?;
    Ok(n as usize)
}

/// Runs a call that the waker can end.
fn blocked(waker: Option<&Waker>, call: impl FnOnce() -> Result<(), Host>) -> Result<(), Host> {
    match waker {
        Some(waker) => waker.while_blocked(call).unwrap_or(Err(Host::ABORTED)),
        None => call(),
    }
}

/// Whether a console's handle is good for reading, and for writing: none is for both.
pub(super) fn directions(handle: Handle) -> (bool, bool) {
    let mut events = 0;
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut screen: c::CONSOLE_SCREEN_BUFFER_INFO = unsafe { std::mem::zeroed() };
    // SAFETY: both are local.
    unsafe {
        let reads = c::GetNumberOfConsoleInputEvents(handle.raw(), &raw mut events) != 0;
        (reads, c::GetConsoleScreenBufferInfo(handle.raw(), &raw mut screen) != 0)
    }
}

/// Whether somebody has typed something: what else happens to a console is taken away.
fn has_typed(handle: Handle) -> bool {
    loop {
        // SAFETY: the structure is plain numbers, for which zero is a value.
        let mut first: c::INPUT_RECORD = unsafe { std::mem::zeroed() };
        let mut n = 0;
        // SAFETY: there is room for one.
        if unsafe { c::PeekConsoleInputW(handle.raw(), &raw mut first, 1, &raw mut n) } == 0 || n == 0 {
            return false;
        }
        // SAFETY: the event is of the kind that the record names.
        let typed = u32::from(first.EventType) == c::KEY_EVENT
            && unsafe { first.Event.KeyEvent.bKeyDown != 0 && first.Event.KeyEvent.uChar.UnicodeChar != 0 };
        if typed {
            return true;
        }
        // SAFETY: as above.
        if unsafe { c::ReadConsoleInputW(handle.raw(), &raw mut first, 1, &raw mut n) } == 0 {
            return false;
        }
    }
}
